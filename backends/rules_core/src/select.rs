//! The choice of `select` branches.

use std::sync::Arc;

use kiln_address::Label;
use kiln_diag::{Diag, Part};
use kiln_rules::{Declares, RuleCx};
use kiln_targets::{AttrValue, Select, SelectKey};

use crate::keys::SettingKey;
use crate::settings::SettingMatch;

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
    let mut instead: Vec<String> = Vec::new();
    for (key, value) in &select.branches {
        let SelectKey::Setting(label) = key else {
            default = Some(value);
            continue;
        };
        let found = cx
            .get::<SettingMatch, _>((SettingKey(label.clone()),))
            .await;
        let found = found.map_err(|error| {
            let error = match error.span() {
                Some(_) => error,
                None => error.about(attr, Part::Label(label.to_string())),
            };
            error.note(format!(
                "in the `select` of attribute `{attr}` of `{target}`"
            ))
        })?;
        if let Some(text) = found.instead.iter().find(|text| !instead.contains(text)) {
            instead.push(text.clone());
        }
        if !found.matches || best.iter().any(|(_, other, _)| special(other, &found)) {
            continue;
        }
        best.retain(|(_, other, _)| !special(&found, other));
        best.push((label, found, value));
    }
    match &best[..] {
        [] => default.ok_or_else(|| no_branch(target, attr, select, &instead)),
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

fn no_branch(target: &Label, attr: &str, select: &Select, instead: &[String]) -> Diag {
    let keys = select.branches.iter().filter_map(|(key, _)| match key {
        SelectKey::Setting(label) => Some(format!("`{label}`")),
        SelectKey::Default => None,
    });
    let keys = keys.collect::<Vec<String>>().join(", ");
    let diag = Diag::build(format!(
        "attribute `{attr}` of `{target}`: no branch of its `select` matches the configuration"
    ))
    .note(format!("conditions: {keys}"));
    let diag = instead.iter().fold(diag, |diag, text| diag.note(text));
    match &select.no_match_error {
        Some(text) => diag.note(text.to_string()),
        None => diag.hint("add a branch `\"//conditions:default\"`"),
    }
}
