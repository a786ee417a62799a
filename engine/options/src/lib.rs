//! Options as data: what flags there are, how a command line and `.bazelrc` files are read, and
//! which value wins.
//!
//! One registry ([`OPTIONS`]) feeds the parser, `kiln.toml`, variables, the rc files and help. A value knows
//! where it comes from ([`Origin`]).
//!
//! What it is not: it opens no file itself (see [`RcFiles`]), reads no environment variable, runs
//! no command and knows nothing of targets: labels in flags stay texts.
//!
//! Invariants: values are checked when they are read, so accessors of [`Options`] cannot fail;
//! `_` and `-` in a flag's name are the same; a later value wins over an earlier one, in the order
//! configuration files, kiln's rc files, variables, `always` and `common` lines, lines of the general command, lines of the special command, then
//! the command line, each `--config` standing for its lines at its place (Bazel).

mod args;
mod bazel_flags;
mod checks;
mod config;
mod environments;
mod expand;
mod jobs;
mod load;
mod options;
mod origin;
mod rc;
mod registry;
mod spec;
mod value;
mod verb;

pub use bazel_flags::{BazelFlag, bazel_flag};
pub use jobs::HostResources;
pub use load::Request;
pub use options::{EnvSetting, Options, RunUnder, StarlarkFlag};
pub use origin::{Given, Origin};
pub use rc::RcFiles;
pub use registry::{OPTIONS, find_option};
pub use spec::{Check, Choice, Effect, Kind, OptionSpec};
pub use value::Value;
pub use verb::{Verb, VerbSet};
