//! Toolchain resolution: which platform a target's actions run on, and which targets answer for
//! the toolchain types its rule asks for (Bazel: "Toolchains").

mod platforms;
mod registered;

use std::collections::BTreeSet;
use std::sync::Arc;

use kiln_address::Label;
use kiln_diag::Diag;
use kiln_rules::{Param, Product, RuleCx, RuleDef, rule, rules};
use kiln_targets::{AttrValue, Configuration, TargetDef, ToolchainUse};

pub use platforms::{ExecutionPlatforms, PlatformConstraints, PlatformKey};

use crate::keys::{SettingKey, TargetKey};
use crate::settings::SettingMatch;
use crate::targets::{LoadedKind, LoadedTarget};
use platforms::ExecutionPlatform;
use registered::RegisteredToolchains;

/// What a target asks of toolchain resolution.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ToolchainsKey {
    /// The toolchain types of its rule.
    pub types: Arc<[ToolchainUse]>,
    /// Its `exec_compatible_with`.
    pub exec_compatible_with: Vec<Label>,
}
impl Param for ToolchainsKey {}

/// The answer.
#[derive(Debug, PartialEq, Eq)]
pub struct ResolvedToolchains {
    /// The configuration for tools: that of the platform that actions run on.
    pub exec: Configuration,
    /// The target that implements each type, in the order of the question; `None` for an
    /// optional one that nothing implements.
    pub chosen: Vec<Option<Label>>,
}
impl Product for ResolvedToolchains {}

/// Chooses the first execution platform for which there is a toolchain of every mandatory type; of
/// several one that also has those which are optional.
#[rule(gets(
    SettingKey -> SettingMatch, (SettingKey, Configuration) -> SettingMatch,
    TargetKey -> LoadedTarget
))]
pub async fn resolved_toolchains(
    cx: &RuleCx,
    key: Arc<ToolchainsKey>,
    platforms: Arc<ExecutionPlatforms>,
) -> Result<ResolvedToolchains, Diag> {
    let registered = match key.types.is_empty() {
        true => Arc::new(RegisteredToolchains::default()),
        false => get!(RegisteredToolchains).await?,
    };
    let mut candidates: Vec<Vec<&Arc<TargetDef>>> = Vec::new();
    let mut refused = BTreeSet::new();
    for wanted in key.types.iter() {
        candidates.push(for_target(cx, &registered, &wanted.label, &mut refused).await?);
    }
    let mut best: Option<(usize, ResolvedToolchains)> = None;
    for platform in &platforms.usable {
        if let Some(lacking) = lacking(cx, &key.exec_compatible_with, platform).await? {
            refused.insert(format!("{} has no `{lacking}`", platform.describe()));
            continue;
        }
        let chosen = on_platform(cx, platform, &candidates, &mut refused).await?;
        let complete = key.types.iter().zip(&chosen);
        if complete
            .clone()
            .any(|(wanted, found)| wanted.mandatory && found.is_none())
        {
            continue;
        }
        let count = complete.filter(|(_, found)| found.is_some()).count();
        if best.as_ref().is_none_or(|(most, _)| count > *most) {
            let exec = platform.configuration.clone();
            best = Some((count, ResolvedToolchains { exec, chosen }));
        }
    }
    match best {
        Some((_, resolved)) => Ok(resolved),
        None => Err(none_fits(cx, &key, &candidates, refused, &platforms).await),
    }
}

type Cx = RuleCx<resolved_toolchains>;

/// The toolchains of a type that can build for the target platform, first one first.
async fn for_target<'r>(
    cx: &Cx,
    registered: &'r RegisteredToolchains,
    wanted: &Label,
    refused: &mut BTreeSet<String>,
) -> Result<Vec<&'r Arc<TargetDef>>, Diag> {
    let mut fit = Vec::new();
    'candidates: for def in &registered.0 {
        if def.attr("toolchain_type").and_then(AttrValue::as_label) != Some(wanted) {
            continue;
        }
        for attr in ["target_compatible_with", "target_settings"] {
            for condition in labels(def, attr) {
                let held = cx
                    .get::<SettingMatch, _>((SettingKey(condition.clone()),))
                    .await?;
                if !held.matches {
                    let what = format!("`{}` is for targets with `{condition}`", def.label);
                    refused.insert(what);
                    continue 'candidates;
                }
            }
        }
        fit.push(def);
    }
    Ok(fit)
}

/// For each type the first of its toolchains that can run on a platform.
async fn on_platform(
    cx: &Cx,
    platform: &ExecutionPlatform,
    candidates: &[Vec<&Arc<TargetDef>>],
    refused: &mut BTreeSet<String>,
) -> Result<Vec<Option<Label>>, Diag> {
    let mut chosen = Vec::new();
    for candidates in candidates {
        let mut found = None;
        for def in candidates {
            let needs: Vec<Label> = labels(def, "exec_compatible_with").cloned().collect();
            match lacking(cx, &needs, platform).await? {
                None => {
                    found = def.attr("toolchain").and_then(AttrValue::as_label).cloned();
                    break;
                }
                Some(lacking) => {
                    let platform = platform.describe();
                    refused.insert(format!(
                        "`{}` runs where there is `{lacking}`, which {platform} has not",
                        def.label
                    ));
                }
            }
        }
        chosen.push(found);
    }
    Ok(chosen)
}

/// The first of some constraint values that a platform does not have.
async fn lacking(
    cx: &Cx,
    constraints: &[Label],
    platform: &ExecutionPlatform,
) -> Result<Option<Label>, Diag> {
    for constraint in constraints {
        let key = (
            SettingKey(constraint.clone()),
            platform.configuration.clone(),
        );
        if !cx.get::<SettingMatch, _>(key).await?.matches {
            return Ok(Some(constraint.clone()));
        }
    }
    Ok(None)
}

fn labels<'d>(def: &'d TargetDef, attr: &str) -> impl Iterator<Item = &'d Label> {
    let items = def.attr(attr).map_or(&[][..], AttrValue::items);
    items.iter().filter_map(AttrValue::as_label)
}

/// Why nothing was chosen, with every candidate and what it lacks.
async fn none_fits(
    cx: &Cx,
    key: &ToolchainsKey,
    candidates: &[Vec<&Arc<TargetDef>>],
    refused: BTreeSet<String>,
    platforms: &ExecutionPlatforms,
) -> Diag {
    let mandatory = key.types.iter().zip(candidates);
    let mandatory = mandatory.filter(|(wanted, _)| wanted.mandatory);
    let without = mandatory.clone().find(|(_, found)| found.is_empty());
    let mut diag = match (without, mandatory.clone().next()) {
        (Some((wanted, _)), _) => {
            Diag::build(format!("no toolchain of type `{}` fits", wanted.label))
        }
        (None, Some((wanted, _))) => Diag::build(format!(
            "no toolchain of type `{}` fits any platform that actions can run on",
            wanted.label
        )),
        (None, None) => Diag::build("no platform that actions can run on fits"),
    };
    for text in refused {
        diag = diag.note(text);
    }
    for elsewhere in &platforms.elsewhere {
        diag = diag.note(format!(
            "platform `{elsewhere}` is not this machine, and kiln runs actions here only"
        ));
    }
    for (wanted, _) in mandatory {
        // The author of a toolchain type may know best; if it does not load, that is no news here.
        let key = (TargetKey(wanted.label.clone()),);
        let loaded = cx.get::<LoadedTarget, _>(key).await;
        if let Ok(loaded) = loaded
            && let LoadedKind::Rule(def) = &loaded.kind
            && let Some(text) = def.attr("no_match_error").and_then(AttrValue::as_str)
            && !text.is_empty()
        {
            diag = diag.note(text.to_owned());
        }
    }
    match key.types.is_empty() {
        true => diag.hint(
            "register a platform that has what `exec_compatible_with` asks for: \
             `register_execution_platforms(...)` in MODULE.bazel or `--extra_execution_platforms=...`",
        ),
        false => diag.hint(
            "register one: `register_toolchains(...)` in MODULE.bazel or `--extra_toolchains=...`",
        ),
    }
}

/// The rules of this module.
pub fn rules() -> Vec<&'static RuleDef> {
    [
        rules![resolved_toolchains],
        platforms::rules(),
        registered::rules(),
    ]
    .concat()
}
