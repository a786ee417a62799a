//! Analysis: a target in a configuration, with all its dependencies analyzed.

mod facts;
mod places;
mod target;
mod visibility;

use std::sync::Arc;

use kiln_address::Label;
use kiln_base::Fingerprint;
use kiln_diag::{Diag, Part};
use kiln_rules::{Declares, Product, RuleCx, RuleDef, rule, rules};
use kiln_targets::{
    Artifact, ArtifactKind, AttrValue, Configuration, Dep, RuleKind, TargetDef, Visibility,
};

use crate::environments::{self, Chosen, EnvironmentKey};
use crate::files::FileText;
use crate::keys::{FileKey, RepoOptions, SettingKey, TargetKey};
use crate::members::Member;
use crate::repos::Repositories;
use crate::select::resolve;
use crate::services::{Events, HostService};
use crate::settings::{SettingMatch, flag_value};
use crate::targets::{LoadedKind, LoadedTarget};
use crate::toolchains::{ResolvedToolchains, ToolchainsKey};
use crate::tools::{Cc, MachineKey, Python, Shell};
pub(crate) use places::placed;
pub(crate) use target::Target;

/// A target as its dependents get it.
#[derive(Debug)]
pub struct Analyzed {
    /// The target, the source file or the output file.
    pub outcome: Outcome,
    /// Who may depend on it (of an alias: on the alias).
    pub visibility: Visibility,
    /// Whether only tests and `testonly` targets may.
    pub testonly: bool,
}

/// What became of a target.
#[derive(Debug)]
pub enum Outcome {
    /// Something to depend on.
    Ready(Dep),
    /// It was named without all of its parameters: who asked chooses one.
    Members(Arc<[Member]>),
    /// It cannot be built in this configuration (`target_compatible_with`), and why.
    Incompatible(Arc<str>),
}

impl PartialEq for Analyzed {
    fn eq(&self, other: &Self) -> bool {
        let same = match (&self.outcome, &other.outcome) {
            (Outcome::Incompatible(one), Outcome::Incompatible(two)) => one == two,
            (Outcome::Members(one), Outcome::Members(two)) => one == two,
            (Outcome::Ready(one), Outcome::Ready(two)) => identity(one) == identity(two),
            _ => false,
        };
        same && self.visibility == other.visibility && self.testonly == other.testonly
    }
}

impl Eq for Analyzed {}

impl Analyzed {
    /// The same under another key.
    fn again(&self) -> Analyzed {
        Analyzed {
            outcome: match &self.outcome {
                Outcome::Ready(dep) => Outcome::Ready(dep.clone()),
                Outcome::Members(members) => Outcome::Members(members.clone()),
                Outcome::Incompatible(reason) => Outcome::Incompatible(reason.clone()),
            },
            visibility: self.visibility.clone(),
            testonly: self.testonly,
        }
    }
}
impl Product for Analyzed {}

/// What two equal dependencies have in common.
fn identity(dep: &Dep) -> (Option<&Artifact>, Option<Fingerprint>) {
    match dep {
        Dep::Target(target) => (None, Some(target.fingerprint)),
        Dep::Source(file) => (Some(file), None),
        Dep::Output(file, target) => (Some(file), Some(target.fingerprint)),
    }
}

/// Analyzes a target.
#[rule(
    uses(HostService, Events),
    gets(
        SettingKey -> SettingMatch, ToolchainsKey -> ResolvedToolchains, MachineKey -> Cc,
        MachineKey -> Python, MachineKey -> Shell,
        (TargetKey, Configuration) -> Analyzed, FileKey -> FileText, EnvironmentKey -> Chosen
    )
)]
pub async fn analyzed(
    cx: &RuleCx,
    key: Arc<TargetKey>,
    configuration: Arc<Configuration>,
    repositories: Arc<Repositories>,
    options: Arc<RepoOptions>,
) -> Result<Analyzed, Diag> {
    let label = &key.0;
    let loaded = get!(LoadedTarget, TargetKey(label.clone())).await?;
    let visibility = loaded.visibility.clone();
    let plain = |dep| Analyzed {
        outcome: Outcome::Ready(dep),
        visibility: visibility.clone(),
        testonly: false,
    };
    let def = match &loaded.kind {
        LoadedKind::Rule(def) => def,
        LoadedKind::Source { directory } => {
            let kind = if *directory {
                ArtifactKind::Directory
            } else {
                ArtifactKind::File
            };
            return Ok(plain(Dep::Source(Artifact::source(label.clone(), kind))));
        }
        LoadedKind::Output(owner) => {
            let owner = get!(Analyzed, TargetKey(owner.clone())).await?;
            return output_file(label, owner, visibility);
        }
        LoadedKind::Members(members) => {
            return Ok(Analyzed {
                outcome: Outcome::Members(members.clone()),
                visibility,
                testonly: false,
            });
        }
        LoadedKind::Group(_) => {
            return Err(Diag::build(format!(
                "`{label}` is a package group, and nothing to build"
            )));
        }
    };
    if let Some(actual) = forwarded(cx, def, &configuration).await? {
        let actual = get!(Analyzed, TargetKey(actual))
            .await
            .map_err(|e| via(e, def))?;
        return Ok(Analyzed {
            visibility,
            ..actual.again()
        });
    }
    // A target that says where it is built is the same target in that environment.
    if let Some(chosen) = environments::own(cx, def).await? {
        let there = configuration.in_environment(&chosen.name);
        if there != *configuration {
            let moved = (TargetKey(label.clone()), there);
            return Ok(cx.get::<Analyzed, _>(moved).await?.again());
        }
    }
    let target = Target {
        def,
        loaded: &loaded,
        configuration: &configuration,
        options: &options,
    };
    let outcome = match target.analyze(cx, &repositories).await {
        Ok(outcome) => outcome,
        Err(error) => return Err(target.placed(cx, &repositories, error).await),
    };
    let testonly = def
        .attr("testonly")
        .and_then(AttrValue::as_bool)
        .unwrap_or(false);
    Ok(Analyzed {
        outcome,
        visibility,
        testonly,
    })
}

/// An error below an alias says so.
fn via(error: Diag, def: &TargetDef) -> Diag {
    error.note(format!("reached through alias `{}`", def.label))
}

/// What an `alias` or a `label_flag` stands for.
pub(crate) async fn forwarded<R>(
    cx: &RuleCx<R>,
    def: &TargetDef,
    configuration: &Configuration,
) -> Result<Option<Label>, Diag>
where
    R: Declares<SettingMatch, (SettingKey,)>,
{
    let RuleKind::Builtin(kind) = &def.rule.kind else {
        return Ok(None);
    };
    let value = match &**kind {
        "alias" => {
            let actual = def.attr("actual").cloned().unwrap_or(AttrValue::None);
            resolve(cx, &def.label, "actual", &actual)
                .await
                .map_err(|e| e.at(def.span.clone()))?
        }
        "label_flag" | "label_setting" => Some(flag_value(def, configuration)),
        _ => return Ok(None),
    };
    match value {
        Some(AttrValue::Label(actual)) => Ok(Some(actual)),
        _ => Err(Diag::build(format!("`{}` stands for nothing", def.label)).at(def.span.clone())),
    }
}

fn output_file(
    label: &Label,
    owner: Arc<Analyzed>,
    visibility: Visibility,
) -> Result<Analyzed, Diag> {
    let outcome = match &owner.outcome {
        Outcome::Incompatible(reason) => Outcome::Incompatible(reason.clone()),
        Outcome::Ready(Dep::Target(target)) => {
            let artifact = target.predeclared.get(label.name()).cloned();
            let artifact = artifact.ok_or_else(|| {
                Diag::build(format!("`{}` does not make `{label}`", target.label))
            })?;
            Outcome::Ready(Dep::Output(artifact, target.clone()))
        }
        Outcome::Ready(_) | Outcome::Members(_) => {
            return Err(Diag::internal(format!("`{label}` has no rule")));
        }
    };
    Ok(Analyzed {
        outcome,
        visibility,
        testonly: owner.testonly,
    })
}

/// All attributes of a target in the schema's order, every `select` decided.
pub async fn resolved_attrs<R>(cx: &RuleCx<R>, def: &TargetDef) -> Result<Vec<AttrValue>, Diag>
where
    R: Declares<SettingMatch, (SettingKey,)>,
{
    let mut attrs = Vec::with_capacity(def.rule.attrs.len());
    for (schema, value) in def.all_attrs() {
        let value = match value.has_select() {
            false => Some(value.clone()),
            true => resolve(cx, &def.label, &schema.name, value)
                .await
                .map_err(|error| {
                    let error = error.at(def.span.clone());
                    error.about(&*schema.name, Part::Whole)
                })?,
        };
        attrs.push(match value {
            Some(AttrValue::None) | None => schema.default.clone(),
            Some(value) => value,
        });
    }
    Ok(attrs)
}

/// The rules of this module.
pub fn rules() -> Vec<&'static RuleDef> {
    rules![analyzed]
}
