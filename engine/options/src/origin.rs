//! Where a value comes from.

use std::fmt;
use std::sync::Arc;

use kiln_diag::{Diag, Span};

use crate::{OptionSpec, Value};

/// Where something was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// On the command line.
    CommandLine,
    /// In a configuration file or an rc file.
    File(Span),
    /// In an environment variable of this name.
    Variable(Arc<str>),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::CommandLine => f.write_str("command line"),
            Origin::File(span) => write!(f, "{}:{}", span.file, span.line),
            Origin::Variable(name) => write!(f, "${name}"),
        }
    }
}

impl Origin {
    /// The same place, without what stands there.
    pub(crate) fn without_text(&self) -> Origin {
        match self {
            Origin::CommandLine | Origin::Variable(_) => self.clone(),
            Origin::File(span) => Origin::File(Span {
                text: None,
                ..span.clone()
            }),
        }
    }

    /// Says in an error where it was.
    pub(crate) fn on(&self, diag: Diag) -> Diag {
        match self {
            Origin::CommandLine => diag,
            Origin::File(span) => diag.at(span.clone()),
            Origin::Variable(name) => diag.note(format!("the variable `{name}` says so")),
        }
    }
}

/// A value that was given to an option.
#[derive(Clone)]
pub struct Given {
    /// Which option.
    pub option: &'static OptionSpec,
    /// The value.
    pub value: Value,
    /// Where it was given.
    pub origin: Origin,
}

/// Without values that may be secret.
impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Given");
        shown.field("option", &self.option.name);
        match self.option.secret {
            true => shown.field("value", &"***"),
            false => shown.field("value", &self.value),
        };
        shown.field("origin", &self.origin).finish()
    }
}
