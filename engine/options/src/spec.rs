//! What an option is.

use crate::{Value, Verb, VerbSet};

/// One option.
#[derive(Debug)]
pub struct OptionSpec {
    /// Its name, with underscores as Bazel writes it; `-` is the same.
    pub name: &'static str,
    /// Its name of one letter (`-k`).
    pub short: Option<char>,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// What values it takes.
    pub kind: Kind,
    /// Which commands have it.
    pub verbs: VerbSet,
    /// What it acts on.
    pub effect: Effect,
    /// What values mean, beyond what the kind says: checks a value when it is read. The error is
    /// put behind "expected".
    pub check: Option<Check>,
    /// Whether each value is `NAME=VALUE`, so that all of them are a dictionary.
    pub pairs: bool,
    /// Whether environment targets have a field of its name, whose value holds in place of the
    /// option's for what runs there (ENV-070, ENV-072).
    pub aware: bool,
    /// Whether a value may hold a secret: it is in no message, no `Debug` output and no
    /// configuration.
    pub secret: bool,
    /// The value when it is not given, as one would write it; for help. Empty: none.
    pub default: &'static str,
    /// What it is, in a sentence or two.
    pub doc: &'static str,
}

impl OptionSpec {
    /// Whether a command takes it: `config` takes all, to show what they are set to, and `env` what
    /// builds take, as it says where they would go.
    pub(crate) fn is_taken_by(&self, verb: Verb) -> bool {
        let builds = verb == Verb::Env && self.verbs.contains(Verb::Test);
        verb == Verb::Config || builds || self.verbs.contains(verb)
    }
}

/// Checks a value; the error is what was expected.
pub type Check = fn(&str) -> Result<(), &'static str>;

/// What values an option takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// On or off: `--x`, `--nox`, `--x=true`.
    Flag,
    /// A whole number.
    Int,
    /// A text; the last one wins.
    Text,
    /// A text with commas; the last one wins.
    Commas,
    /// Texts, one each time it is given; all of them count.
    List,
    /// One of some words.
    Choice(Choice),
    /// Stands for other flags.
    Expansion(&'static [&'static str]),
}

/// Words to choose from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// The words.
    pub words: &'static [&'static str],
    /// Other spellings, and which word each is.
    pub synonyms: &'static [(&'static str, &'static str)],
    /// What the flag means without a value, if that is allowed.
    pub implicit: Option<&'static str>,
    /// What `--no` in front of it means, if that is allowed.
    pub negated: Option<&'static str>,
}

/// What an option acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effect {
    /// Which files of options are read.
    Files,
    /// The configuration: what is built, and so every key.
    Configuration,
    /// Which targets are meant.
    Selection,
    /// Where other repositories are.
    Repositories,
    /// How tests run.
    Tests,
    /// How actions run.
    Execution,
    /// What is shown.
    Display,
}

impl Kind {
    /// Whether `--name` alone needs the next word as its value.
    pub(crate) fn needs_value(&self) -> bool {
        match self {
            Kind::Flag | Kind::Expansion(_) => false,
            Kind::Int | Kind::Text | Kind::Commas | Kind::List => true,
            Kind::Choice(choice) => choice.implicit.is_none(),
        }
    }

    /// Whether `--noname` is allowed.
    pub(crate) fn can_negate(&self) -> bool {
        match self {
            Kind::Flag => true,
            Kind::Choice(choice) => choice.negated.is_some(),
            _ => false,
        }
    }

    /// The value of `--name`, if it can do without one.
    pub(crate) fn implicit(&self) -> Option<Value> {
        match self {
            Kind::Flag => Some(Value::Flag(true)),
            Kind::Choice(choice) => choice.implicit.map(Value::word),
            _ => None,
        }
    }

    /// The value of `--noname`, if it is allowed.
    pub(crate) fn negated(&self) -> Option<Value> {
        match self {
            Kind::Flag => Some(Value::Flag(false)),
            Kind::Choice(choice) => choice.negated.map(Value::word),
            _ => None,
        }
    }
}
