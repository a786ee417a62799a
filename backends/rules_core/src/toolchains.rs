//! Which target answers for a toolchain type.

use std::sync::Arc;

use kiln_address::{Label, PackageId, Pattern, PatternKind};
use kiln_base::RelPath;
use kiln_diag::Diag;
use kiln_rules::{Param, Product, RuleCx, RuleDef, rule, rules};
use kiln_targets::{AttrValue, Configuration, RuleKind, Target, TargetDef};

use crate::keys::{DirKey, PackageKey, SettingKey, TargetKey};
use crate::packages::{Package, PackagesBelow};
use crate::repos::Repositories;
use crate::services::Embedded;
use crate::settings::SettingMatch;
use crate::targets::{LoadedKind, LoadedTarget};

/// A toolchain type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ToolchainKey(pub Label);
impl Param for ToolchainKey {}

/// All `toolchain` targets that were registered, first one first.
#[derive(Debug, PartialEq, Eq)]
pub struct RegisteredToolchains(Vec<Arc<TargetDef>>);
impl Product for RegisteredToolchains {}

/// The target that implements a toolchain type in a configuration.
#[derive(Debug, PartialEq, Eq)]
pub struct ChosenToolchain(pub Option<Label>);
impl Product for ChosenToolchain {}

/// Collects the `toolchain` targets that module files register; those of the root come first and
/// kiln's own last.
#[rule(uses(Embedded))]
pub async fn registered_toolchains(
    cx: &RuleCx,
    repositories: Arc<Repositories>,
) -> Result<RegisteredToolchains, Diag> {
    let mut found = Vec::new();
    let root = repositories.root()?;
    let mut patterns: Vec<(String, &kiln_address::RepoMapping)> = Vec::new();
    for (_, info) in repositories.iter() {
        patterns.extend(
            info.toolchains
                .iter()
                .map(|text| (text.to_string(), &*info.mapping)),
        );
    }
    let embedded = cx.service::<Embedded>()?;
    patterns.extend(
        embedded
            .toolchains
            .iter()
            .map(|text| (text.to_string(), &*root.mapping)),
    );
    for (text, mapping) in patterns {
        let pattern = Pattern::parse(&text, &RelPath::root(), mapping)?;
        // Toolchains of repositories that are not at hand cannot be chosen.
        if repositories.get(repo_of(&pattern.kind)).is_err() {
            continue;
        }
        let packages = match &pattern.kind {
            PatternKind::Below(id, _) => {
                let key = DirKey {
                    repo: id.repo.clone(),
                    path: id.path.clone(),
                };
                get!(PackagesBelow, key => DirKey).await?.0.clone()
            }
            PatternKind::Package(id, _) => vec![id.clone()],
            PatternKind::Target(label) => {
                let loaded = get!(LoadedTarget, TargetKey(label.clone())).await;
                if let Ok(loaded) = loaded
                    && let LoadedKind::Rule(def) = &loaded.kind
                {
                    found.extend(is_toolchain(def).then(|| def.clone()));
                }
                continue;
            }
            PatternKind::Path(repo, path) => vec![PackageId::new(repo.clone(), path.clone())],
        };
        for id in packages {
            // A registration that does not load must not fail builds that do not need it.
            let Ok(package) = get!(Package, PackageKey(id)).await else {
                continue;
            };
            for target in package.0.targets.values() {
                if let Target::Rule(def) = target
                    && is_toolchain(def)
                {
                    found.push(def.clone());
                }
            }
        }
    }
    Ok(RegisteredToolchains(found))
}

fn repo_of(kind: &PatternKind) -> &kiln_address::Repo {
    match kind {
        PatternKind::Below(id, _) | PatternKind::Package(id, _) => &id.repo,
        PatternKind::Target(label) => label.repo(),
        PatternKind::Path(repo, _) => repo,
    }
}

fn is_toolchain(def: &TargetDef) -> bool {
    matches!(&def.rule.kind, RuleKind::Builtin(kind) if **kind == *"toolchain")
}

/// Chooses the first registered toolchain of a type that fits the target platform.
#[rule]
pub async fn chosen_toolchain(
    cx: &RuleCx,
    key: Arc<ToolchainKey>,
    registered: Arc<RegisteredToolchains>,
    _configuration: Arc<Configuration>,
) -> Result<ChosenToolchain, Diag> {
    'candidates: for def in &registered.0 {
        if def.attr("toolchain_type").and_then(AttrValue::as_label) != Some(&key.0) {
            continue;
        }
        for attr in ["target_compatible_with", "target_settings"] {
            for condition in def.attr(attr).map_or(&[][..], AttrValue::items) {
                let AttrValue::Label(condition) = condition else {
                    continue;
                };
                let held = get!(SettingMatch, SettingKey(condition.clone())).await?;
                if !held.matches {
                    continue 'candidates;
                }
            }
        }
        if let Some(AttrValue::Label(toolchain)) = def.attr("toolchain") {
            return Ok(ChosenToolchain(Some(toolchain.clone())));
        }
    }
    Ok(ChosenToolchain(None))
}

/// The rules of this module.
pub fn rules() -> Vec<&'static RuleDef> {
    rules![registered_toolchains, chosen_toolchain]
}
