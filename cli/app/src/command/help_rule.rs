//! `help RULE`: what targets of a rule that BUILD files know can say (OPT-062).

use std::sync::Arc;

use kiln_address::{Repo, RepoMapping};
use kiln_options::find_option;
use kiln_rules_core::packages::NativeRules;
use kiln_targets::{AttrSchema, AttrValue, RuleClass};
use serde_json::{Value, json};

use crate::command::context::Context;
use crate::command::inspect::attr_json;
use crate::command::runtime;

/// The rules that BUILD files know without loading them; none outside of a workspace, or where
/// something prevents it: help must work whatever is wrong (OPT-065).
pub(super) fn rules(context: &Context) -> Vec<RuleClass> {
    let Ok(runtime) = runtime() else {
        return Vec::new();
    };
    let found = runtime.block_on(async {
        let made = context.engine(Arc::new(())).ok()?;
        let repos = context.repo_options().ok()?;
        let session = made.engine.session();
        let found = session.query::<NativeRules, _>((repos,)).await.ok()?;
        Some(found.0.clone())
    });
    runtime.shutdown_background();
    found.unwrap_or_default()
}

/// Attributes with something to say first, private ones not at all.
fn attributes(rule: &RuleClass) -> (Vec<&AttrSchema>, Vec<&AttrSchema>) {
    let public = rule.attrs.iter().filter(|attr| !attr.name.starts_with('_'));
    public.partition(|attr| attr.doc.is_some() || attr.mandatory && *attr.name != *"name")
}

fn default(attr: &AttrSchema) -> Value {
    match &attr.default {
        AttrValue::None => Value::Null,
        value => attr_json(value, &RepoMapping::new(Repo::root())),
    }
}

/// Whether there is nothing to tell of a default.
fn is_nothing(default: &AttrValue) -> bool {
    match default {
        AttrValue::None => true,
        AttrValue::String(text) => text.is_empty(),
        AttrValue::List(items) => items.is_empty(),
        AttrValue::Dict(entries) => entries.is_empty(),
        _ => false,
    }
}

fn option_of(attr: &AttrSchema) -> Option<&'static str> {
    let option = find_option(&attr.name).filter(|option| option.aware);
    option.map(|option| option.name)
}

pub(super) fn text(rule: &RuleClass) -> String {
    let mut text = format!("{}\n", rule.name);
    if let Some(doc) = &rule.doc {
        text += &format!("    {}\n", doc.trim());
    }
    let (told, others) = attributes(rule);
    for attr in told {
        text += &format!("\n    {} ({}", attr.name, attr.kind);
        text += match attr.mandatory {
            true => ", mandatory)\n",
            false => ")\n",
        };
        if let Some(doc) = &attr.doc {
            text += &format!("        {}\n", doc.trim());
        }
        if !attr.mandatory && !is_nothing(&attr.default) {
            text += &format!("        default: {}\n", default(attr));
        }
        if !attr.values.is_empty() {
            let values = attr.values.iter().filter_map(AttrValue::as_str);
            text += &format!(
                "        one of: {}\n",
                values.collect::<Vec<_>>().join(", ")
            );
        }
        if let Some(option) = option_of(attr) {
            text += &format!("        holds in place of the option `--{option}`\n");
        }
    }
    let names: Vec<&str> = others.iter().map(|attr| &*attr.name).collect();
    text + &format!("\n    and {}\n", names.join(", "))
}

pub(super) fn as_json(rule: &RuleClass) -> Value {
    let (told, others) = attributes(rule);
    let attributes = told.into_iter().chain(others).map(|attr| {
        let values = attr.values.iter().filter_map(AttrValue::as_str);
        json!({
            "name": &*attr.name,
            "type": attr.kind.name(),
            "mandatory": attr.mandatory,
            "default": default(attr),
            "values": values.collect::<Vec<_>>(),
            "doc": attr.doc.as_deref(),
            "option": option_of(attr),
        })
    });
    json!({
        "rule": &*rule.name,
        "doc": rule.doc.as_deref(),
        "test": rule.test,
        "executable": rule.executable,
        "attributes": attributes.collect::<Vec<_>>(),
    })
}
