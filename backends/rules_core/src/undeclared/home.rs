//! Where a file of the workspace belongs, and who has it.

use std::sync::Arc;

use kiln_address::{Label, PackageId, Repo};
use kiln_base::RelPath;
use kiln_rules::{Declares, RuleCx};
use kiln_targets::{PackageDefs, Target, TargetDef};

use crate::files::DirEntries;
use crate::keys::{DirKey, PackageKey};
use crate::packages::{Package, PackageLookup};
use crate::repos::Repositories;

/// A rule that can look packages up.
pub(crate) trait Loads:
    Declares<Package, (PackageKey,)>
    + Declares<PackageLookup, (PackageKey,)>
    + Declares<DirEntries, (DirKey,)>
    + Declares<Repositories, ()>
{
}

impl<R> Loads for R where
    R: Declares<Package, (PackageKey,)>
        + Declares<PackageLookup, (PackageKey,)>
        + Declares<DirEntries, (DirKey,)>
        + Declares<Repositories, ()>
{
}

/// Attributes that may name a file, in order of preference.
const FILES: [&str; 3] = ["srcs", "hdrs", "data"];

/// Which attributes of a target may name files.
#[derive(Default)]
pub(super) struct Attrs {
    pub(super) files: Vec<&'static str>,
    pub(super) deps: bool,
}

impl Attrs {
    pub(super) fn of(def: &TargetDef) -> Attrs {
        let has = |name: &&str| {
            def.rule
                .attr(name)
                .is_some_and(|attr| attr.kind.is_dependency())
        };
        Attrs {
            files: FILES.into_iter().filter(has).collect(),
            deps: has(&"deps"),
        }
    }
}

impl std::fmt::Display for Attrs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.files[..] {
            [] => f.write_str("an attribute"),
            [one] => write!(f, "`{one}`"),
            [first, second] => write!(f, "`{first}` or `{second}`"),
            [first, second, others @ ..] => {
                write!(f, "`{first}`, `{second}`")?;
                others
                    .iter()
                    .try_for_each(|other| write!(f, " or `{other}`"))
            }
        }
    }
}

/// The package that a file belongs to, and its name there.
pub(super) struct Home {
    pub(super) defs: Arc<PackageDefs>,
    pub(super) name: String,
}

impl Home {
    /// The file as `target` would name it.
    pub(super) fn label(&self, target: &Label) -> String {
        match self.defs.id == *target.package() {
            true => self.name.clone(),
            false => format!("{}:{}", self.defs.id, self.name),
        }
    }

    /// The targets of the package that have the file, and in which attribute.
    pub(super) fn owners(&self) -> Vec<(Label, Arc<str>)> {
        owners_in(&self.defs, &self.name)
    }

    /// Whether only targets of its own package may name it.
    pub(super) fn is_private(&self, target: &Label) -> bool {
        self.defs.id != *target.package() && !self.defs.targets.contains_key(&*self.name)
    }
}

/// The targets of a package that have a file of it, and in which attribute.
pub(super) fn owners_in(defs: &PackageDefs, name: &str) -> Vec<(Label, Arc<str>)> {
    let Ok(file) = defs.id.target(name) else {
        return Vec::new();
    };
    let mut owners = Vec::new();
    for target in defs.targets.values() {
        let Target::Rule(def) = target else { continue };
        for (attr, value) in &def.attrs {
            let mut has = false;
            value.visit_labels(&mut |label, key| has |= !key && *label == file);
            if has {
                owners.push((def.label.clone(), attr.clone()));
            }
        }
    }
    owners
}

/// The source path that a path in the output folder stands for.
pub(super) fn generated(path: &RelPath) -> Option<RelPath> {
    // `kiln-out/<configuration>/bin/<path>`
    let mut parts = path.as_str().splitn(4, '/');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("kiln-out"), Some(_), Some("bin"), Some(path)) => RelPath::new(path).ok(),
        _ => None,
    }
}

pub(super) async fn home<R: Loads>(cx: &RuleCx<R>, path: &RelPath) -> Option<Home> {
    let mut folder = path.parent();
    while let Some(at) = folder {
        let id = PackageId::new(Repo::root(), at.clone());
        if is_package(cx, &id).await {
            return Some(Home {
                defs: package(cx, id).await?,
                name: path.strip_prefix(&at)?.to_string(),
            });
        }
        folder = at.parent();
    }
    None
}

/// Whether there is a BUILD file. What cannot be looked at says nothing here.
pub(super) async fn is_package<R: Loads>(cx: &RuleCx<R>, id: &PackageId) -> bool {
    let found = cx.get::<PackageLookup, _>((PackageKey(id.clone()),)).await;
    found.is_ok_and(|found| found.0.is_some())
}

/// A package; one that does not load says nothing here.
pub(super) async fn package<R: Loads>(cx: &RuleCx<R>, id: PackageId) -> Option<Arc<PackageDefs>> {
    let package = cx.get::<Package, _>((PackageKey(id),)).await.ok()?;
    Some(package.0.clone())
}
