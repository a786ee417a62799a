//! One target as the check sees it: where it is built and what it needs, without its dependencies.

use std::sync::Arc;

use kiln_address::Label;
use kiln_base::RelPath;
use kiln_diag::{Diag, Part};
use kiln_rules::{Product, RuleCx, rule};
use kiln_targets::{AttrKind, AttrValue, Cfg, Configuration, TargetDef, ToolKinds};

use super::Kind;
use crate::analysis::{Target, forwarded, resolved_attrs};
use crate::environments::{self, Chosen, EnvironmentKey};
use crate::files::FileText;
use crate::keys::{FileKey, RepoOptions, SettingKey, TargetKey};
use crate::members::{self, Dependent};
use crate::repos::{Location, Repositories};
use crate::services::HostService;
use crate::settings::SettingMatch;
use crate::targets::{LoadedKind, LoadedTarget};
use crate::toolchains::{ResolvedToolchains, ToolchainsKey};

/// What a label in a configuration is.
#[derive(Debug, PartialEq, Eq)]
pub enum Spot {
    /// A file, a package group, or nothing for this platform.
    Nothing,
    /// The same as another: what an alias stands for, who makes a file, or the target itself in its
    /// own environment.
    Another(Label, Configuration),
    /// A target of a rule.
    Rule(RuleSpot),
    /// Something about it is wrong.
    Wrong {
        /// What kind of thing.
        kind: Kind,
        /// What.
        error: Diag,
        /// The environment that it asks for, if it is about that.
        environment: Option<Arc<str>>,
    },
}
impl Product for Spot {}

/// A target of a rule.
#[derive(Debug, PartialEq, Eq)]
pub struct RuleSpot {
    /// The target.
    pub def: Arc<TargetDef>,
    /// The BUILD file that declares it.
    pub build_file: RelPath,
    /// The environment that it is built in; empty for this machine as such.
    pub environment: Arc<str>,
    /// What it needs.
    pub needs: Vec<Need>,
    /// Tools that its rule, or its toolchains, read of the machine.
    pub tools: ToolKinds,
    /// Whether its rule may run actions, as far as can be told without analysis: one that only
    /// passes files on makes nothing where it is.
    pub acts: bool,
    /// Dependencies that are not there, or of which it is not clear which they are.
    pub unmet: Vec<(Kind, Diag)>,
}

/// A dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The attribute that names it; empty for a toolchain.
    pub attr: Arc<str>,
    /// What it is for.
    pub role: Role,
    /// Which it is.
    pub label: Label,
    /// How it is built.
    pub configuration: Configuration,
}

/// What a dependency is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It runs when the dependent is built.
    Tool,
    /// It is there when the dependent runs (Bazel: `data`).
    Data,
    /// Its outputs are inputs.
    Input,
}

/// Looks at one target.
#[rule(
    uses(HostService),
    gets(
        SettingKey -> SettingMatch, ToolchainsKey -> ResolvedToolchains,
        TargetKey -> LoadedTarget, EnvironmentKey -> Chosen, FileKey -> FileText
    )
)]
pub async fn spot(
    cx: &RuleCx,
    key: Arc<TargetKey>,
    configuration: Arc<Configuration>,
    repositories: Arc<Repositories>,
    options: Arc<RepoOptions>,
) -> Result<Spot, Diag> {
    let label = &key.0;
    let loaded = match get!(LoadedTarget, TargetKey(label.clone())).await {
        Ok(loaded) => loaded,
        Err(error) => return Ok(wrong(Kind::Loading, error)),
    };
    let def = match &loaded.kind {
        LoadedKind::Rule(def) => def,
        LoadedKind::Output(owner) => {
            return Ok(Spot::Another(owner.clone(), (*configuration).clone()));
        }
        LoadedKind::Members(members) => {
            let error = members::unclear(label, members);
            return Ok(wrong(Kind::Parameters, error));
        }
        LoadedKind::Source { .. } | LoadedKind::Group(_) => return Ok(Spot::Nothing),
    };
    match forwarded(cx, def, &configuration).await {
        Ok(Some(actual)) => return Ok(Spot::Another(actual, (*configuration).clone())),
        Ok(None) => {}
        Err(error) => return Ok(wrong(Kind::Conditions, error)),
    }
    let target = Target {
        def,
        loaded: &loaded,
        configuration: &configuration,
        options: &options,
    };
    match environments::own(cx, def).await {
        Ok(Some(chosen)) => {
            let there = configuration.in_environment(&chosen.name);
            if there != *configuration {
                return Ok(Spot::Another(label.clone(), there));
            }
        }
        Ok(None) => {}
        Err(error) => {
            let name = def.attr("environment").and_then(|name| name.as_str());
            let part = Part::Text(name.unwrap_or_default().to_owned());
            let error = error.about("environment", part);
            return Ok(Spot::Wrong {
                kind: Kind::Environment,
                error: target.placed(cx, &repositories, error).await,
                environment: name.map(Arc::from),
            });
        }
    }
    match of_rule(cx, &target, &repositories).await {
        Ok(spot) => Ok(spot),
        Err((kind, error)) => {
            let error = match kind == Kind::Conditions && error.hints().is_empty() {
                true => error
                    .hint("give it a value for this case too, or build the target where one fits"),
                false => error,
            };
            Ok(wrong(kind, target.placed(cx, &repositories, error).await))
        }
    }
}

fn wrong(kind: Kind, error: Diag) -> Spot {
    Spot::Wrong {
        kind,
        error,
        environment: None,
    }
}

async fn of_rule(
    cx: &RuleCx<spot>,
    target: &Target<'_>,
    repositories: &Repositories,
) -> Result<Spot, (Kind, Diag)> {
    let def = target.def;
    let conditions = |error| (Kind::Conditions, error);
    let attrs = resolved_attrs(cx, def).await.map_err(conditions)?;
    let incompatible = target.incompatible(cx, &attrs).await.map_err(conditions)?;
    if incompatible.is_some() {
        return Ok(Spot::Nothing);
    }
    let loading = |error| (Kind::Loading, error);
    let resolved = target.resolve_toolchains(cx, repositories, &attrs).await;
    let resolved = resolved.map_err(loading)?;
    let exec = match &resolved {
        Some(resolved) => resolved.exec.clone(),
        None => target.configuration.exec(),
    };
    let environment = target.configuration.settings().environment.clone();
    let (needs, unmet) = needs(cx, target, repositories, &attrs, &exec).await;
    let tools = match &resolved {
        Some(resolved) => tools(cx, def, resolved).await,
        None => def.rule.machine_tools,
    };
    Ok(Spot::Rule(RuleSpot {
        def: def.clone(),
        build_file: target.loaded.build_file.clone(),
        environment,
        needs,
        acts: acts(repositories, def, tools),
        tools,
        unmet,
    }))
}

/// The dependencies of a target, and what is wrong with those that are none.
async fn needs(
    cx: &RuleCx<spot>,
    target: &Target<'_>,
    repositories: &Repositories,
    attrs: &[AttrValue],
    exec: &Configuration,
) -> (Vec<Need>, Vec<(Kind, Diag)>) {
    let def = target.def;
    let environment = &target.configuration.settings().environment;
    let wanted = target.wanted(attrs, exec);
    let keys = wanted
        .iter()
        .map(|(_, label, _)| (TargetKey(label.clone()),));
    let found = cx
        .get_each::<LoadedTarget, (TargetKey,)>(keys.collect())
        .await;
    let (mut needs, mut unmet) = (Vec::new(), Vec::new());
    for ((attr, label, configuration), loaded) in wanted.into_iter().zip(found) {
        let schema = &def.rule.attrs[attr];
        let dependent = Dependent { def, environment };
        let meant = loaded.and_then(|loaded| match &loaded.kind {
            LoadedKind::Members(members) => {
                Ok(members::choose(dependent, &label, members)?.label.clone())
            }
            _ => Ok(label.clone()),
        });
        let label = match meant {
            Ok(label) => label,
            Err(error) => {
                let error = target.needed_by(error, schema, &label);
                let error = target.placed(cx, repositories, error).await;
                unmet.push((Kind::of_missing(&label, &error), error));
                continue;
            }
        };
        needs.push(Need {
            attr: schema.name.clone(),
            role: match (schema.executable || schema.cfg == Cfg::Exec, &*schema.name) {
                (true, _) => Role::Tool,
                (false, "data") => Role::Data,
                (false, _) => Role::Input,
            },
            label,
            configuration,
        });
    }
    (needs, unmet)
}

/// What a rule and its toolchains read of the machine.
async fn tools(cx: &RuleCx<spot>, def: &TargetDef, resolved: &ResolvedToolchains) -> ToolKinds {
    let mut tools = def.rule.machine_tools;
    for label in resolved.chosen.iter().flatten() {
        let loaded = cx.get::<LoadedTarget, _>((TargetKey(label.clone()),)).await;
        if let Ok(loaded) = loaded
            && let LoadedKind::Rule(toolchain) = &loaded.kind
        {
            let more = toolchain.rule.machine_tools;
            tools.cc |= more.cc;
            tools.python |= more.python;
            tools.shell |= more.shell;
        }
    }
    tools
}

fn acts(repositories: &Repositories, def: &TargetDef, tools: ToolKinds) -> bool {
    let rule = &def.rule;
    let embedded = repositories
        .get(rule.defined_in.repo())
        .is_ok_and(|repository| matches!(repository.location, Location::Embedded(_)));
    let outputs = [AttrKind::Output, AttrKind::OutputList];
    let outputs = rule.attrs.iter().any(|attr| outputs.contains(&attr.kind));
    !embedded || outputs || rule.executable || rule.test || tools.any()
}

impl RuleSpot {
    /// Whether whoever wrote it says that its outputs are the same wherever it is built.
    pub(super) fn is_portable(&self) -> bool {
        self.def.tags().any(|tag| tag == super::PORTABLE)
    }
}
