//! Conditions and build settings: what `select` asks of a configuration.

use std::collections::BTreeSet;
use std::sync::Arc;

use kiln_address::Label;
use kiln_diag::Diag;
use kiln_process::{Environment, Platform};
use kiln_rules::{Declares, Product, RuleCx, RuleDef, rule, rules};
use kiln_targets::{AttrValue, Configuration, Dep, RuleKind, Settings, TargetDef};

use crate::analysis::{Analyzed, Outcome};
use crate::environments::{Chosen, EnvironmentKey, EnvironmentOptions};
use crate::keys::{SettingKey, TargetKey};
use crate::select::resolve;
use crate::targets::{LoadedKind, LoadedTarget};

/// Whether a condition holds, and which facts it looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingMatch {
    /// Whether it holds.
    pub matches: bool,
    /// The facts; a condition with more of them than another, the other's included, is the
    /// special case and wins.
    pub facts: BTreeSet<String>,
    /// What is so instead, for those whom it does not occur to.
    pub instead: Option<String>,
}
impl Product for SettingMatch {}

/// Decides a condition of a `select`.
#[rule(gets(TargetKey -> Analyzed, EnvironmentKey -> Chosen))]
pub async fn setting_match(
    cx: &RuleCx,
    key: Arc<SettingKey>,
    configuration: Arc<Configuration>,
    environments: Arc<EnvironmentOptions>,
) -> Result<SettingMatch, Diag> {
    let loaded = get!(LoadedTarget, TargetKey(key.0.clone())).await?;
    let LoadedKind::Rule(def) = &loaded.kind else {
        return Err(no_condition(&key.0, "a file"));
    };
    let RuleKind::Builtin(kind) = &def.rule.kind else {
        return Err(no_condition(&key.0, &format!("a `{}`", def.rule.name)));
    };
    match &**kind {
        "alias" => {
            let actual = def.attr("actual").cloned().unwrap_or(AttrValue::None);
            let chosen = resolve(cx, &def.label, "actual", &actual).await?;
            let Some(AttrValue::Label(actual)) = chosen else {
                return Err(no_condition(&key.0, "an alias of nothing"));
            };
            Ok((*get!(SettingMatch, SettingKey(actual)).await?).clone())
        }
        "constraint_value" => Ok(SettingMatch {
            matches: configuration.settings().constraints.contains(&def.label),
            facts: BTreeSet::from([format!("constraint {}", def.label)]),
            instead: None,
        }),
        "environment_platform" => {
            let here = platform(cx, &configuration, &environments).await?;
            let here = here.map_or("another one", Platform::name);
            Ok(SettingMatch {
                matches: here == def.label.name(),
                facts: BTreeSet::from([format!("environment {}", def.label.name())]),
                instead: Some(format!("the platform of the environment is `{here}`")),
            })
        }
        "config_setting" => config_setting(cx, def, &configuration).await,
        other => Err(no_condition(&key.0, &format!("a `{other}`"))),
    }
}

/// The platform of the environment that targets of a configuration are built in (BLD-110).
async fn platform<R>(
    cx: &RuleCx<R>,
    configuration: &Configuration,
    options: &EnvironmentOptions,
) -> Result<Option<Platform>, Diag>
where
    R: Declares<Chosen, (EnvironmentKey,)>,
{
    let name = &configuration.settings().environment;
    if name.is_empty() {
        return Ok(options.host);
    }
    let chosen = cx.get::<Chosen, _>((EnvironmentKey(name.clone()),)).await?;
    Ok(match &chosen.environment {
        Environment::Docker(docker) => Some(docker.platform),
        Environment::Remote(remote) => Some(remote.platform),
        Environment::Local | Environment::Workspace => options.host,
    })
}

fn no_condition(label: &Label, what: &str) -> Diag {
    Diag::build(format!(
        "`{label}` is {what}, and no condition of a `select`"
    ))
    .hint("conditions are `config_setting`s, `constraint_value`s and aliases of these")
}

/// All conditions of a `config_setting` (Bazel): its flags, defines and constraints.
async fn config_setting<R>(
    cx: &RuleCx<R>,
    def: &TargetDef,
    configuration: &Configuration,
) -> Result<SettingMatch, Diag>
where
    R: Declares<LoadedTarget, (TargetKey,)>
        + Declares<SettingMatch, (SettingKey,)>
        + Declares<Analyzed, (TargetKey,)>,
{
    let settings = configuration.settings();
    let mut result = SettingMatch {
        matches: true,
        facts: BTreeSet::new(),
        instead: None,
    };
    for (name, value) in dict(def.attr("values")) {
        let (AttrValue::String(name), AttrValue::String(value)) = (name, value) else {
            continue;
        };
        result.facts.insert(format!("flag {name}={value}"));
        result.matches &= native_flag(settings, name, value);
    }
    for (name, value) in dict(def.attr("define_values")) {
        let (AttrValue::String(name), AttrValue::String(value)) = (name, value) else {
            continue;
        };
        result.facts.insert(format!("flag define={name}={value}"));
        result.matches &= settings.defines.get(&**name) == Some(value);
    }
    for (flag, value) in dict(def.attr("flag_values")) {
        let (AttrValue::Label(flag), AttrValue::String(value)) = (flag, value) else {
            continue;
        };
        result.facts.insert(format!("flag {flag}={value}"));
        result.matches &= starlark_flag(cx, flag, value, configuration).await?;
    }
    for constraint in def
        .attr("constraint_values")
        .map_or(&[][..], AttrValue::items)
    {
        let AttrValue::Label(constraint) = constraint else {
            continue;
        };
        let inner = cx
            .get::<SettingMatch, _>((SettingKey(constraint.clone()),))
            .await?;
        result.facts.extend(inner.facts.iter().cloned());
        result.matches &= inner.matches;
    }
    Ok(result)
}

fn dict(value: Option<&AttrValue>) -> &[(AttrValue, AttrValue)] {
    match value {
        Some(AttrValue::Dict(entries)) => entries,
        _ => &[],
    }
}

/// `config_setting(values = {...})`: the flags kiln has, and those it only carries along.
fn native_flag(settings: &Settings, name: &str, wanted: &str) -> bool {
    let contains = |list: &[Arc<str>]| list.iter().any(|value| **value == *wanted);
    let truth = |value: bool| wanted.parse() == Ok(value) || wanted == u8::from(value).to_string();
    match name {
        "compilation_mode" => settings.mode.name() == wanted,
        "cpu" => *settings.cpu == *wanted,
        "host_cpu" => *settings.exec_cpu == *wanted,
        "define" => match wanted.split_once('=') {
            Some((name, value)) => settings.defines.get(name).is_some_and(|v| **v == *value),
            None => settings.defines.contains_key(wanted),
        },
        "copt" => contains(&settings.copts),
        "cxxopt" => contains(&settings.cxxopts),
        "conlyopt" => contains(&settings.conlyopts),
        "linkopt" => contains(&settings.linkopts),
        "features" => contains(&settings.features),
        "stamp" => truth(settings.stamp),
        "force_pic" => truth(settings.force_pic),
        "collect_code_coverage" => truth(settings.coverage),
        "strip" => *settings.strip == *wanted,
        "dynamic_mode" => *settings.dynamic_mode == *wanted,
        "is_exec_configuration" | "is exec configuration" => truth(settings.exec),
        name => settings
            .values
            .get(name)
            .is_some_and(|value| **value == *wanted),
    }
}

/// `config_setting(flag_values = {...})`: the value of a build setting against a text.
async fn starlark_flag<R>(
    cx: &RuleCx<R>,
    flag: &Label,
    wanted: &str,
    configuration: &Configuration,
) -> Result<bool, Diag>
where
    R: Declares<LoadedTarget, (TargetKey,)> + Declares<Analyzed, (TargetKey,)>,
{
    let mut label = flag.clone();
    for _ in 0..32 {
        let loaded = cx
            .get::<LoadedTarget, _>((TargetKey(label.clone()),))
            .await?;
        let LoadedKind::Rule(def) = &loaded.kind else {
            break;
        };
        if let RuleKind::Builtin(kind) = &def.rule.kind {
            match &**kind {
                "alias" => match def.attr("actual") {
                    Some(AttrValue::Label(actual)) => {
                        label = actual.clone();
                        continue;
                    }
                    _ => break,
                },
                "label_flag" | "label_setting" => {
                    let value = flag_value(def, configuration);
                    let AttrValue::Label(value) = value else {
                        return Ok(false);
                    };
                    let text = value.to_string();
                    return Ok(text == wanted || text.trim_start_matches('@') == wanted);
                }
                _ => {}
            }
        }
        if def.rule.build_setting.is_none() {
            let analyzed = cx.get::<Analyzed, _>((TargetKey(label.clone()),)).await?;
            match &analyzed.outcome {
                Outcome::Ready(Dep::Target(target)) if target.feature_flag.is_some() => {
                    return Ok(target.feature_flag.as_deref() == Some(wanted));
                }
                _ => break,
            }
        }
        return Ok(equals_text(&flag_value(def, configuration), wanted));
    }
    Err(Diag::build(format!(
        "`{flag}` in `flag_values` is no build setting"
    )))
}

/// The value of a build setting: from the command line (or a transition), else its default.
pub fn flag_value(def: &TargetDef, configuration: &Configuration) -> AttrValue {
    let set = configuration.settings().flags.get(&def.label);
    let default = || {
        def.attr("build_setting_default")
            .cloned()
            .unwrap_or(AttrValue::None)
    };
    set.cloned().unwrap_or_else(default)
}

fn equals_text(value: &AttrValue, wanted: &str) -> bool {
    match value {
        AttrValue::Bool(value) => {
            wanted.eq_ignore_ascii_case(if *value { "true" } else { "false" })
                || wanted == u8::from(*value).to_string()
        }
        AttrValue::Int(value) => value.to_string() == wanted,
        AttrValue::String(value) => **value == *wanted,
        AttrValue::List(items) => items.iter().any(|item| equals_text(item, wanted)),
        _ => false,
    }
}

/// The rules of this module.
pub fn rules() -> Vec<&'static RuleDef> {
    rules![setting_match]
}
