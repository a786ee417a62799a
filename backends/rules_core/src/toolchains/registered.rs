//! The targets that `register_toolchains` and `register_execution_platforms` offer.

use std::sync::Arc;

use kiln_address::{PackageId, Pattern, PatternKind, Repo, RepoMapping};
use kiln_base::RelPath;
use kiln_diag::Diag;
use kiln_rules::{Declares, Product, RuleCx, RuleDef, rule, rules};
use kiln_targets::{RuleKind, Target, TargetDef};

use crate::keys::{DirKey, PackageKey, TargetKey};
use crate::packages::{Package, PackagesBelow};
use crate::repos::Repositories;
use crate::services::Embedded;
use crate::targets::{LoadedKind, LoadedTarget};

/// All `toolchain` targets that were registered, first one first.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RegisteredToolchains(pub(super) Vec<Arc<TargetDef>>);
impl Product for RegisteredToolchains {}

/// Collects the `toolchain` targets that are registered; kiln's own come last.
#[rule(
    uses(Embedded),
    gets(PackageKey -> Package, DirKey -> PackagesBelow, TargetKey -> LoadedTarget)
)]
pub async fn registered_toolchains(
    cx: &RuleCx,
    repositories: Arc<Repositories>,
) -> Result<RegisteredToolchains, Diag> {
    let mut found = Vec::new();
    for (these, mapping) in repositories.registered() {
        for text in &these.toolchains {
            found.extend(targets(cx, &repositories, text, mapping, "toolchain").await?);
        }
    }
    let root = repositories.root()?;
    for text in cx.service::<Embedded>()?.toolchains {
        found.extend(targets(cx, &repositories, text, &root.mapping, "toolchain").await?);
    }
    Ok(RegisteredToolchains(found))
}

/// The targets of a builtin kind that a pattern matches. Below a folder, packages further down
/// come first (Bazel).
pub(super) async fn targets<R>(
    cx: &RuleCx<R>,
    repositories: &Repositories,
    text: &str,
    mapping: &RepoMapping,
    kind: &str,
) -> Result<Vec<Arc<TargetDef>>, Diag>
where
    R: Declares<Package, (PackageKey,)>
        + Declares<PackagesBelow, (DirKey,)>
        + Declares<LoadedTarget, (TargetKey,)>,
{
    let pattern = Pattern::parse(text, &RelPath::root(), mapping)?;
    // What is in repositories that are not at hand cannot be chosen.
    if repositories.get(repo_of(&pattern.kind)).is_err() {
        return Ok(Vec::new());
    }
    let mut packages = match &pattern.kind {
        PatternKind::Below(id, _) => {
            let key = DirKey {
                repo: id.repo.clone(),
                path: id.path.clone(),
            };
            cx.get::<PackagesBelow, _>((key,)).await?.0.clone()
        }
        PatternKind::Package(id, _) => vec![id.clone()],
        PatternKind::Target(label) => {
            let loaded = cx.get::<LoadedTarget, _>((TargetKey(label.clone()),)).await;
            return Ok(match loaded.as_ref().map(|loaded| &loaded.kind) {
                Ok(LoadedKind::Rule(def)) if is(def, kind) => vec![def.clone()],
                // A registration that does not load must not fail builds that do not need it.
                _ => Vec::new(),
            });
        }
        PatternKind::Path(repo, path) => vec![PackageId::new(repo.clone(), path.clone())],
    };
    packages.sort_by(|a, b| deeper_first(&a.path, &b.path));
    let mut found = Vec::new();
    for id in packages {
        let Ok(package) = cx.get::<Package, _>((PackageKey(id),)).await else {
            continue;
        };
        found.extend(
            package
                .0
                .targets
                .values()
                .filter_map(|target| match target {
                    Target::Rule(def) if is(def, kind) => Some(def.clone()),
                    _ => None,
                }),
        );
    }
    Ok(found)
}

/// A folder comes after all that is below it; otherwise by name.
fn deeper_first(a: &RelPath, b: &RelPath) -> std::cmp::Ordering {
    match (a.strip_prefix(b).is_some(), b.strip_prefix(a).is_some()) {
        (true, false) => std::cmp::Ordering::Less,
        (false, true) => std::cmp::Ordering::Greater,
        _ => a.cmp(b),
    }
}

fn repo_of(kind: &PatternKind) -> &Repo {
    match kind {
        PatternKind::Below(id, _) | PatternKind::Package(id, _) => &id.repo,
        PatternKind::Target(label) => label.repo(),
        PatternKind::Path(repo, _) => repo,
    }
}

fn is(def: &TargetDef, wanted: &str) -> bool {
    matches!(&def.rule.kind, RuleKind::Builtin(kind) if **kind == *wanted)
}

/// The rules of this module.
pub fn rules() -> Vec<&'static RuleDef> {
    rules![registered_toolchains]
}
