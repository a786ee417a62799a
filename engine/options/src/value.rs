//! Values, checked.

use std::sync::Arc;

use kiln_diag::nearest;

use crate::{Kind, OptionSpec};

/// The value of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Of a flag.
    Flag(bool),
    /// Of a number.
    Int(i64),
    /// Of anything else; a choice is in its canonical spelling.
    Text(Arc<str>),
}

impl Value {
    pub(crate) fn word(word: &str) -> Value {
        Value::Text(Arc::from(word))
    }

    /// Reads a value. The error is what was expected, and near matches.
    pub(crate) fn parse(spec: &OptionSpec, text: &str) -> Result<Value, Expected> {
        let value = match spec.kind {
            Kind::Flag => Value::Flag(truth(text).ok_or(Expected::new("`true` or `false`"))?),
            Kind::Int => Value::Int(whole(text).ok_or(Expected::new("a whole number"))?),
            Kind::Choice(choice) => {
                let synonym = choice.synonyms.iter().find(|(word, _)| *word == text);
                let word = synonym.map_or(text, |(_, word)| word);
                let word = choice.words.iter().find(|w| **w == word);
                Value::word(word.ok_or_else(|| Expected {
                    what: one_of(choice.words),
                    near: nearest(text, choice.words.iter().copied()),
                })?)
            }
            Kind::Text | Kind::Commas | Kind::List | Kind::Expansion(_) => Value::word(text),
        };
        if let Some(check) = spec.check {
            check(text).map_err(Expected::new)?;
        }
        Ok(value)
    }
}

/// What was expected instead of a value.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) what: String,
    pub(crate) near: Vec<&'static str>,
}

impl Expected {
    fn new(what: &str) -> Expected {
        Expected {
            what: what.to_owned(),
            near: Vec::new(),
        }
    }
}

/// Digits may be grouped by underscores (OPT-026).
fn whole(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut groups = text.match_indices('_').map(|(at, _)| at);
    let grouped = groups.all(|at| at > 0 && digit(at - 1) && digit(at + 1));
    grouped
        .then(|| text.replace('_', "").parse().ok())
        .flatten()
}

fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" | "t" | "y" => Some(true),
        "false" | "no" | "0" | "f" | "n" => Some(false),
        _ => None,
    }
}

fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}
