//! One target of a package, and the choice of `select` branches.

use std::collections::BTreeSet;
use std::sync::Arc;

use kiln_address::Label;
use kiln_base::RelPath;
use kiln_diag::Diag;
use kiln_fs::Resolved;
use kiln_rules::{Declares, Product, RuleCx, RuleDef, rule, rules};
use kiln_targets::{
    AttrValue, Configuration, Dep, PackageDefs, PackageGroup, RuleKind, Select, SelectKey,
    Settings, Target, TargetDef, Visibility,
};

use crate::analysis::{Analyzed, Outcome};
use crate::files::DirEntries;
use crate::keys::{DirKey, PackageKey, SettingKey, TargetKey};
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
        None => source_kind(cx, label).await?.map(|directory| {
            // Bazel: a file that is not exported is visible in its own package only.
            (LoadedKind::Source { directory }, Visibility::Private)
        }),
    };
    let (kind, visibility) = found.ok_or_else(|| no_such_target(label, defs))?;
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

fn no_such_target(label: &Label, defs: &PackageDefs) -> Diag {
    let package = label.package();
    Diag::build(format!(
        "no such target `{label}`: `{}` declares no target `{}` and there is no such file",
        crate::files::shown_path(&package.repo, &defs.build_file),
        label.name()
    ))
    .did_you_mean(label.name(), defs.targets.keys().map(|name| &**name))
}

/// Whether a condition holds, and which facts it looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingMatch {
    /// Whether it holds.
    pub matches: bool,
    /// The facts; a condition with more of them than another, the other's included, is the
    /// special case and wins.
    pub facts: BTreeSet<String>,
}
impl Product for SettingMatch {}

/// Decides a condition of a `select`.
#[rule(gets(TargetKey -> Analyzed))]
pub async fn setting_match(
    cx: &RuleCx,
    key: Arc<SettingKey>,
    configuration: Arc<Configuration>,
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
        }),
        "config_setting" => config_setting(cx, def, &configuration).await,
        other => Err(no_condition(&key.0, &format!("a `{other}`"))),
    }
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

/// The value of an attribute with every `select` decided; `None` for "the default".
pub async fn resolve<R>(
    cx: &RuleCx<R>,
    target: &Label,
    attr: &str,
    value: &AttrValue,
) -> Result<Option<AttrValue>, Diag>
where
    R: Declares<SettingMatch, (SettingKey,)>,
{
    match value {
        AttrValue::Select(select) => {
            let chosen = choose(cx, target, attr, select).await?;
            Ok((*chosen != AttrValue::None).then(|| chosen.clone()))
        }
        AttrValue::Concat(parts) => {
            let mut whole: Option<AttrValue> = None;
            for part in parts.iter() {
                let part = match part {
                    AttrValue::Select(select) => choose(cx, target, attr, select).await?,
                    plain => plain,
                };
                whole = Some(match whole {
                    None => part.clone(),
                    Some(whole) => add(whole, part),
                });
            }
            Ok(whole.filter(|whole| *whole != AttrValue::None))
        }
        AttrValue::None => Ok(None),
        plain => Ok(Some(plain.clone())),
    }
}

fn add(left: AttrValue, right: &AttrValue) -> AttrValue {
    match (left, right) {
        (AttrValue::List(left), AttrValue::List(right)) => {
            AttrValue::List(left.iter().chain(right.iter()).cloned().collect())
        }
        (AttrValue::String(left), AttrValue::String(right)) => {
            AttrValue::String(Arc::from(format!("{left}{right}")))
        }
        (AttrValue::Dict(left), AttrValue::Dict(right)) => {
            let replaced = |key: &AttrValue| right.iter().any(|(other, _)| other == key);
            let kept = left.iter().filter(|(key, _)| !replaced(key));
            AttrValue::Dict(kept.chain(right.iter()).cloned().collect())
        }
        (AttrValue::None, right) => right.clone(),
        (left, _) => left,
    }
}

/// The branch of a `select` that fits: the most special of those that match, else the default.
async fn choose<'v, R>(
    cx: &RuleCx<R>,
    target: &Label,
    attr: &str,
    select: &'v Select,
) -> Result<&'v AttrValue, Diag>
where
    R: Declares<SettingMatch, (SettingKey,)>,
{
    let mut best: Vec<(&Label, Arc<SettingMatch>, &AttrValue)> = Vec::new();
    let mut default = None;
    for (key, value) in &select.branches {
        let SelectKey::Setting(label) = key else {
            default = Some(value);
            continue;
        };
        let found = cx
            .get::<SettingMatch, _>((SettingKey(label.clone()),))
            .await;
        let found = found.map_err(|error| {
            error.note(format!(
                "in the `select` of attribute `{attr}` of `{target}`"
            ))
        })?;
        if !found.matches || best.iter().any(|(_, other, _)| special(other, &found)) {
            continue;
        }
        best.retain(|(_, other, _)| !special(&found, other));
        best.push((label, found, value));
    }
    match &best[..] {
        [] => default.ok_or_else(|| no_branch(target, attr, select)),
        [(_, _, value)] => Ok(value),
        [(_, _, value), rest @ ..] if rest.iter().all(|(_, _, other)| other == value) => Ok(value),
        several => {
            let names: Vec<String> = several
                .iter()
                .map(|(label, _, _)| format!("`{label}`"))
                .collect();
            Err(Diag::build(format!(
                "attribute `{attr}` of `{target}`: several branches of its `select` match and \
                 none is a special case of the others: {}",
                names.join(", ")
            ))
            .hint("make one condition include the other's, or give the branches equal values"))
        }
    }
}

/// Whether `one` is a special case of `other`.
fn special(one: &SettingMatch, other: &SettingMatch) -> bool {
    one.facts.len() > other.facts.len() && one.facts.is_superset(&other.facts)
}

fn no_branch(target: &Label, attr: &str, select: &Select) -> Diag {
    let keys = select.branches.iter().filter_map(|(key, _)| match key {
        SelectKey::Setting(label) => Some(format!("`{label}`")),
        SelectKey::Default => None,
    });
    let keys = keys.collect::<Vec<String>>().join(", ");
    let diag = Diag::build(format!(
        "attribute `{attr}` of `{target}`: no branch of its `select` matches the configuration"
    ))
    .note(format!("conditions: {keys}"));
    match &select.no_match_error {
        Some(text) => diag.note(text.to_string()),
        None => diag.hint("add a branch `\"//conditions:default\"`"),
    }
}

/// The rules of this module.
pub fn rules() -> Vec<&'static RuleDef> {
    rules![loaded_target, setting_match]
}
