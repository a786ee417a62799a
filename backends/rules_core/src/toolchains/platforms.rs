//! Platforms: what is true of a machine, and on which ones actions may run.

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_address::Label;
use kiln_diag::Diag;
use kiln_rules::{Declares, Param, Product, RuleCx, RuleDef, rule, rules};
use kiln_targets::{AttrValue, Configuration, RuleKind, TargetDef};

use super::labels;
use super::registered::targets;
use crate::keys::{DirKey, PackageKey, TargetKey};
use crate::packages::{Package, PackagesBelow};
use crate::repos::Repositories;
use crate::targets::{LoadedKind, LoadedTarget};

/// A `platform` target.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PlatformKey(pub Label);
impl Param for PlatformKey {}

/// The constraint values of a platform and of those it inherits from, sorted. Of one constraint
/// setting there is one value: the platform's own before its parent's.
#[derive(Debug, PartialEq, Eq)]
pub struct PlatformConstraints(pub Vec<Label>);
impl Product for PlatformConstraints {}

/// Reads a platform. Aliases are followed, of the platform as of its constraint values.
#[rule(gets(TargetKey -> LoadedTarget))]
pub async fn platform_constraints(
    cx: &RuleCx,
    key: Arc<PlatformKey>,
) -> Result<PlatformConstraints, Diag> {
    let mut values: BTreeMap<Label, Label> = BTreeMap::new();
    let mut seen: Vec<Label> = Vec::new();
    let mut next = Some(key.0.clone());
    while let Some(label) = next.take() {
        let def = actual(cx, &label, "platform").await?;
        if seen.contains(&def.label) {
            return Err(
                Diag::build(format!("platform `{}` is its own parent", def.label))
                    .at(def.span.clone())
                    .hint("remove it from `parents`"),
            );
        }
        seen.push(def.label.clone());
        for constraint in labels(&def, "constraint_values") {
            let (setting, value) = constraint_value(cx, constraint).await?;
            values.entry(setting).or_insert(value);
        }
        next = labels(&def, "parents").next().cloned();
    }
    let mut constraints: Vec<Label> = values.into_values().collect();
    constraints.sort();
    Ok(PlatformConstraints(constraints))
}

/// A constraint value with its setting.
async fn constraint_value<R>(cx: &RuleCx<R>, label: &Label) -> Result<(Label, Label), Diag>
where
    R: Declares<LoadedTarget, (TargetKey,)>,
{
    let def = actual(cx, label, "constraint_value").await?;
    let setting = def.attr("constraint_setting").and_then(AttrValue::as_label);
    match setting {
        Some(setting) => Ok((setting.clone(), def.label.clone())),
        None => Err(Diag::internal(format!("`{label}` has no setting"))),
    }
}

/// A target of a builtin kind, with aliases followed.
async fn actual<R>(cx: &RuleCx<R>, label: &Label, kind: &str) -> Result<Arc<TargetDef>, Diag>
where
    R: Declares<LoadedTarget, (TargetKey,)>,
{
    let mut at = label.clone();
    for _ in 0..32 {
        let loaded = cx.get::<LoadedTarget, _>((TargetKey(at.clone()),)).await?;
        let LoadedKind::Rule(def) = &loaded.kind else {
            break;
        };
        match &def.rule.kind {
            RuleKind::Builtin(found) if **found == *kind => return Ok(def.clone()),
            RuleKind::Builtin(found) if **found == *"alias" => {
                let Some(actual) = def.attr("actual").and_then(AttrValue::as_label) else {
                    break;
                };
                at = actual.clone();
            }
            _ => break,
        }
    }
    Err(Diag::build(format!("`{label}` is no `{kind}`"))
        .hint(format!("name a target that the rule `{kind}` makes")))
}

/// The platforms that actions may run on.
#[derive(Debug, PartialEq, Eq)]
pub struct ExecutionPlatforms {
    /// Those that were registered and may be this machine, the first one first; at the end this
    /// machine as such.
    pub(super) usable: Vec<ExecutionPlatform>,
    /// Registered ones of another system or processor: kiln runs everything here.
    pub(super) elsewhere: Vec<Label>,
}
impl Product for ExecutionPlatforms {}

/// A platform that actions may run on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ExecutionPlatform {
    /// `None` for this machine as such.
    pub(super) label: Option<Label>,
    /// The configuration of tools that run there.
    pub(super) configuration: Configuration,
}

impl ExecutionPlatform {
    pub(super) fn describe(&self) -> String {
        match &self.label {
            Some(label) => format!("platform `{label}`"),
            None => "this machine".to_owned(),
        }
    }
}

/// Collects the registered execution platforms.
#[rule(gets(
    PackageKey -> Package, DirKey -> PackagesBelow, TargetKey -> LoadedTarget,
    PlatformKey -> PlatformConstraints
))]
pub async fn execution_platforms(
    cx: &RuleCx,
    configuration: Arc<Configuration>,
    repositories: Arc<Repositories>,
) -> Result<ExecutionPlatforms, Diag> {
    let mut found: Vec<Arc<TargetDef>> = Vec::new();
    for (these, mapping) in repositories.registered() {
        for text in &these.platforms {
            found.extend(targets(cx, &repositories, text, mapping, "platform").await?);
        }
    }
    let mut usable: Vec<ExecutionPlatform> = Vec::new();
    let mut elsewhere = Vec::new();
    let machine = match found.is_empty() {
        true => Vec::new(),
        false => machine(cx, &configuration).await?,
    };
    for def in found {
        let label = def.label.clone();
        let constraints = get!(PlatformConstraints, PlatformKey(label.clone())).await?;
        let mut contradicts = false;
        for constraint in &constraints.0 {
            let (setting, value) = constraint_value(cx, constraint).await?;
            let own = machine.iter().find(|(known, _)| *known == setting);
            contradicts |= own.is_some_and(|(_, own)| *own != value);
        }
        match contradicts {
            true => elsewhere.push(label),
            false => usable.push(ExecutionPlatform {
                configuration: configuration.exec_on(&label, &constraints.0),
                label: Some(label),
            }),
        }
    }
    usable.push(ExecutionPlatform {
        label: None,
        configuration: configuration.exec(),
    });
    Ok(ExecutionPlatforms { usable, elsewhere })
}

/// What is true of this machine: settings with values.
async fn machine<R>(
    cx: &RuleCx<R>,
    configuration: &Configuration,
) -> Result<Vec<(Label, Label)>, Diag>
where
    R: Declares<LoadedTarget, (TargetKey,)>,
{
    let mut values = Vec::new();
    for constraint in &configuration.settings().exec_constraints {
        values.push(constraint_value(cx, constraint).await?);
    }
    Ok(values)
}

/// The rules of this module.
pub fn rules() -> Vec<&'static RuleDef> {
    rules![platform_constraints, execution_platforms]
}
