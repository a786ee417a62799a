//! `requires_env` and `requires_option`: conditions of environments on what the caller says.
//!
//! | written | it holds if |
//! | --- | --- |
//! | `NAME` | the variable is set; the option is on, or has a value |
//! | `NAME=VALUE` | it has this value; of a list: this is one of them |
//! | `!NAME` | `NAME` does not hold |
//! | `NAME!=VALUE` | `NAME=VALUE` does not hold |

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_diag::{Diag, Part};

use super::EnvironmentTarget;

/// What an option is set to, for predicates.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OptionValue {
    /// Its values as texts: several of a list, none if it has none.
    pub values: Vec<Arc<str>>,
    /// Whether they may be secret, and so must not be shown.
    pub secret: bool,
}

impl OptionValue {
    /// Whether it is on, or has a value.
    fn is_set(&self) -> bool {
        let set = |value: &Arc<str>| !value.is_empty() && **value != *"false";
        self.values.iter().any(set)
    }

    fn shown(&self) -> String {
        match (self.secret, &self.values[..]) {
            (_, []) => "it has none".to_owned(),
            (true, _) => "it has another one".to_owned(),
            (false, values) => {
                let values = values.iter().map(|value| format!("`{value}`"));
                format!("it is {}", values.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// What predicates are about.
pub(super) struct Facts<'a> {
    /// The caller's variables.
    pub(super) variables: &'a BTreeMap<String, String>,
    /// The command's options, by the name of the flag.
    pub(super) options: &'a BTreeMap<Arc<str>, OptionValue>,
}

/// One condition, taken apart.
struct Predicate<'t> {
    name: &'t str,
    value: Option<&'t str>,
    negated: bool,
}

impl Predicate<'_> {
    fn parse(text: &str) -> Option<Predicate<'_>> {
        let (text, not) = match text.strip_prefix('!') {
            Some(text) => (text, true),
            None => (text, false),
        };
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let (name, differs) = match (name.strip_suffix('!'), value) {
            (Some(name), Some(_)) => (name, true),
            _ => (name, false),
        };
        let plain = !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '!');
        // `!NAME=VALUE` could be meant either way.
        (plain && !(not && value.is_some())).then_some(Predicate {
            name,
            value,
            negated: not || differs,
        })
    }
}

impl Facts<'_> {
    /// The first condition of a target that does not hold, as a reason; `None` if all hold.
    ///
    /// Errors: one that is written wrongly, or names an option that there is not.
    pub(super) fn unmet(&self, target: &EnvironmentTarget) -> Result<Option<String>, Diag> {
        let mut unmet = None;
        for text in target.requires_env.iter() {
            let field = "requires_env";
            let predicate = Predicate::parse(text).ok_or_else(|| malformed(target, field, text))?;
            unmet = unmet.or(self.variable(&predicate));
        }
        for text in target.requires_option.iter() {
            let field = "requires_option";
            let predicate = Predicate::parse(text).ok_or_else(|| malformed(target, field, text))?;
            let reason = self.option(&predicate);
            let reason = reason.map_err(|error| placed(error, target, field, text))?;
            unmet = unmet.or(reason);
        }
        Ok(unmet)
    }

    /// Values of variables may be secret, and so are not shown.
    fn variable(&self, predicate: &Predicate<'_>) -> Option<String> {
        let found = self.variables.get(predicate.name);
        let name = predicate.name;
        let holds = match predicate.value {
            None => found.is_some(),
            Some(value) => found.is_some_and(|found| found == value),
        };
        (holds == predicate.negated).then(|| match (predicate.negated, predicate.value) {
            (false, None) => format!("the variable `{name}` is not set"),
            (true, None) => format!("the variable `{name}` is set"),
            (true, Some(value)) => format!("the variable `{name}` is `{value}`"),
            (false, Some(value)) => match found {
                None => format!("the variable `{name}` is not set, and `{value}` is required"),
                Some(_) => format!("the variable `{name}` is not `{value}`"),
            },
        })
    }

    fn option(&self, predicate: &Predicate<'_>) -> Result<Option<String>, Diag> {
        let name = predicate.name.trim_start_matches("--").replace('-', "_");
        let Some(found) = self.options.get(&*name) else {
            let names = self.options.keys().map(|name| &**name);
            return Err(Diag::build(format!("kiln has no option `{}`", predicate.name))
                .did_you_mean(&name, names)
                .hint("options are named as their flags are, without dashes in front; `kiln help build` lists them"));
        };
        let holds = match predicate.value {
            None => found.is_set(),
            Some(value) => found.values.iter().any(|one| **one == *value),
        };
        Ok(
            (holds == predicate.negated).then(|| match (predicate.negated, predicate.value) {
                (false, None) => format!("`--{name}` is not set"),
                (true, None) => format!("`--{name}` is set"),
                (true, Some(value)) => format!("`--{name}` is `{value}`"),
                (false, Some(value)) => {
                    format!("`--{name}` is not `{value}`: {}", found.shown())
                }
            }),
        )
    }
}

fn malformed(target: &EnvironmentTarget, field: &str, text: &str) -> Diag {
    let error = Diag::build(format!("`{text}` is no condition"))
        .hint("write `NAME`, `NAME=VALUE`, `!NAME` or `NAME!=VALUE`");
    placed(error, target, field, text)
}

fn placed(error: Diag, target: &EnvironmentTarget, field: &str, text: &str) -> Diag {
    let label = &target.label;
    error
        .at(target.span.clone())
        .about(field, Part::Text(text.to_owned()))
        .note(format!("in `{field}` of `{label}`"))
}
