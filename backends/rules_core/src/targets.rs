//! One target of a package.

use std::sync::Arc;

use kiln_address::Label;
use kiln_base::RelPath;
use kiln_diag::Diag;
use kiln_fs::Resolved;
use kiln_rules::{Declares, Product, RuleCx, RuleDef, rule, rules};
use kiln_targets::{PackageGroup, Target, TargetDef, Visibility};

use crate::absent;
use crate::files::DirEntries;
use crate::keys::{DirKey, PackageKey, TargetKey};
use crate::members::{self, Member};
use crate::packages::{Package, PackageLookup};

/// A target or file, looked up in its package. A projection: editing another target of the
/// package leaves it equal.
#[derive(Debug, PartialEq, Eq)]
pub struct LoadedTarget {
    /// What it is.
    pub kind: LoadedKind,
    /// Who may depend on it.
    pub visibility: Visibility,
    /// `package(features)` of its package.
    pub package_features: Arc<[Arc<str>]>,
    /// The BUILD file of its package.
    pub build_file: RelPath,
}
impl Product for LoadedTarget {}

/// What a label names.
#[derive(Debug, PartialEq, Eq)]
pub enum LoadedKind {
    /// A rule's target.
    Rule(Arc<TargetDef>),
    /// A file that this target makes.
    Output(Label),
    /// A source file (or folder).
    Source {
        /// Whether it is a folder.
        directory: bool,
    },
    /// A `package_group`.
    Group(Arc<PackageGroup>),
    /// What `parametrize` made, its parameters not all named.
    Members(Arc<[Member]>),
}

/// Looks a target up.
#[rule(gets(DirKey -> DirEntries, PackageKey -> PackageLookup))]
pub async fn loaded_target(cx: &RuleCx, key: Arc<TargetKey>) -> Result<LoadedTarget, Diag> {
    let label = &key.0;
    let package = get!(Package, PackageKey(label.package().clone())).await?;
    let defs = &package.0;
    let found = match defs.targets.get(label.name()) {
        Some(Target::Rule(def)) => Some((LoadedKind::Rule(def.clone()), def.visibility.clone())),
        Some(Target::Output { generated_by }) => {
            let owner = label.package().target(generated_by);
            let owner = owner.map_err(|error| Diag::internal(error.to_string()))?;
            let visibility = match defs.targets.get(generated_by) {
                Some(Target::Rule(def)) => def.visibility.clone(),
                _ => Visibility::Private,
            };
            Some((LoadedKind::Output(owner), visibility))
        }
        Some(Target::Group(group)) => Some((LoadedKind::Group(group.clone()), Visibility::Public)),
        Some(Target::Exported { visibility }) => {
            let directory = source_kind(cx, label).await?.unwrap_or(false);
            Some((LoadedKind::Source { directory }, visibility.clone()))
        }
        Some(Target::Members(_)) | None => match members::members(label, defs) {
            // Whoever asks chooses one, and it is that one which must be visible.
            Some(members) => Some((LoadedKind::Members(members), Visibility::Public)),
            // Bazel: a file that is not exported is visible in its own package only.
            None => source_kind(cx, label)
                .await?
                .map(|directory| (LoadedKind::Source { directory }, Visibility::Private)),
        },
    };
    let Some((kind, visibility)) = found else {
        return Err(absent::target(cx, label, defs).await);
    };
    let package_features = defs.features.iter().cloned().collect();
    let build_file = defs.build_file.clone();
    Ok(LoadedTarget {
        kind,
        visibility,
        package_features,
        build_file,
    })
}

/// Whether a label is a source file (`false`) or folder (`true`) of its package. A label that
/// crosses into another package is an error.
async fn source_kind<R>(cx: &RuleCx<R>, label: &Label) -> Result<Option<bool>, Diag>
where
    R: Declares<DirEntries, (DirKey,)> + Declares<PackageLookup, (PackageKey,)>,
{
    let path = label.file_path();
    let Some(folder) = path.parent() else {
        return Ok(None);
    };
    let mut at = folder.clone();
    while at != label.package().path {
        let id = kiln_address::PackageId::new(label.repo().clone(), at.clone());
        if cx
            .get::<PackageLookup, _>((PackageKey(id.clone()),))
            .await?
            .0
            .is_some()
        {
            let rest = path.strip_prefix(&at).unwrap_or_else(RelPath::root);
            return Err(Diag::build(format!(
                "label `{label}` crosses the boundary of package `{id}`"
            ))
            .hint(format!("write `{id}:{rest}`")));
        }
        match at.parent() {
            Some(parent) => at = parent,
            None => break,
        }
    }
    let key = DirKey {
        repo: label.repo().clone(),
        path: folder,
    };
    let entries = cx.get::<DirEntries, _>((key.clone(),)).await?;
    let entry = entries
        .0
        .as_ref()
        .and_then(|listing| listing.get(path.file_name()));
    Ok(match entry.map(|entry| entry.kind.resolved()) {
        Some(Resolved::Directory) => Some(true),
        Some(Resolved::File) => Some(false),
        _ => None,
    })
}

/// The rules of this module.
pub fn rules() -> Vec<&'static RuleDef> {
    rules![loaded_target]
}
