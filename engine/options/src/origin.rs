//! Where a value comes from.

use std::fmt;

use kiln_diag::{Diag, Span};

use crate::{OptionSpec, Value};

/// Where something was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// On the command line.
    CommandLine,
    /// In an rc file.
    File(Span),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::CommandLine => f.write_str("command line"),
            Origin::File(span) => write!(f, "{}:{}", span.file, span.line),
        }
    }
}

impl Origin {
    /// Says in an error where it was.
    pub(crate) fn on(&self, diag: Diag) -> Diag {
        match self {
            Origin::CommandLine => diag,
            Origin::File(span) => diag.at(span.clone()),
        }
    }
}

/// A value that was given to an option.
#[derive(Clone, Debug)]
pub struct Given {
    /// Which option.
    pub option: &'static OptionSpec,
    /// The value.
    pub value: Value,
    /// Where it was given.
    pub origin: Origin,
}
