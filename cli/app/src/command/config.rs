//! `config show`: what options are set to, and by what (OPT-011).

use std::io::{self, Write};

use kiln_diag::Diag;
use kiln_options::{Given, Kind, OPTIONS, OptionSpec, Value};
use serde_json::json;

use crate::command::context::Context;
use crate::show::{out, written};

/// Runs `config show [OPTION…]`: those that anything sets, or those that are named.
///
/// Errors: another command, or no such option.
pub(crate) fn config(context: &Context) -> Result<u8, Diag> {
    let words = context.options.patterns();
    let words: Vec<&str> = words.iter().map(|word| &**word).collect();
    let Some(("show", names)) = words.split_first().map(|(first, rest)| (*first, rest)) else {
        let message = match words.first() {
            None => "`kiln config` needs a command".to_owned(),
            Some(word) => format!("`kiln config` has no command `{word}`"),
        };
        return Err(Diag::usage(message).hint("`kiln config show` is there"));
    };
    let named = names.iter().map(|name| find(name));
    let mut shown: Vec<&OptionSpec> = named.collect::<Result<_, _>>()?;
    if shown.is_empty() {
        shown = OPTIONS
            .iter()
            .filter(|option| is_set(context, option))
            .collect();
    }
    for option in shown {
        show(context, option)?;
    }
    Ok(0)
}

/// Flags about what this command itself prints are no setting.
fn is_set(context: &Context, option: &OptionSpec) -> bool {
    let own = matches!(option.name, "origin" | "format");
    !own && context.options.given(option.name).next().is_some()
}

fn find(name: &str) -> Result<&'static OptionSpec, Diag> {
    let plain = name.trim_start_matches('-').replace('-', "_");
    let found = OPTIONS.iter().find(|option| {
        option.name == plain
            || option.aliases.contains(&plain.as_str())
            || option
                .key()
                .is_some_and(|(section, key)| plain == format!("{section}.{key}"))
    });
    found.ok_or_else(|| {
        let names = OPTIONS.iter().map(|option| option.name);
        Diag::usage(format!("kiln has no option `{name}`"))
            .did_you_mean(&plain, names)
            .hint("`kiln help build` lists those of a command")
    })
}

/// Prints one option.
fn show(context: &Context, option: &'static OptionSpec) -> Result<u8, Diag> {
    let given: Vec<&Given> = context.options.given(option.name).collect();
    if context.options.format() == "json" {
        let (section, key) = option.key().unzip();
        let origins = given.iter().map(|given| {
            let (value, from) = (plain(option, &given.value), given.origin.to_string());
            json!({"value": value, "from": from})
        });
        return out(&json!({
            "option": option.name,
            "section": section,
            "key": key,
            "variable": option.variable(),
            "value": effective(option, &given),
            "default": option.default,
            "origins": origins.collect::<Vec<_>>(),
        }));
    }
    let mut text = format!("--{} = {}\n", option.name, effective(option, &given));
    if context.options.origin() {
        for given in &given {
            let value = plain(option, &given.value);
            text.push_str(&format!("  {value}  {}\n", given.origin));
        }
        if given.is_empty() {
            text.push_str("  nothing says so: it is the default\n");
        }
    }
    written(io::stdout().write_all(text.as_bytes()))
}

/// What holds: all values of a list, else the strongest.
fn effective(option: &OptionSpec, given: &[&Given]) -> serde_json::Value {
    let values = given.iter().map(|given| plain(option, &given.value));
    match (option.kind, values.clone().next_back()) {
        (Kind::List, _) => values.collect(),
        (_, Some(value)) => value,
        (Kind::Flag, None) => json!(option.default == "true"),
        (_, None) => json!(option.default),
    }
}

/// A value, unless it may be secret.
fn plain(option: &OptionSpec, value: &Value) -> serde_json::Value {
    match value {
        _ if option.secret => json!("***"),
        Value::Flag(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::Text(text) => json!(&**text),
    }
}
