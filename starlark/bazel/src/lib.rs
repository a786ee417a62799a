//! Bazel's rules: `rule`, `provider`, `attr`, `struct`, `depset`, `ctx`, `ctx.actions`, and the
//! analysis of targets. [`StarlarkHost`] is the whole of Starlark behind the engine's one door.
//!
//! What it is not: it loads no file and runs no action; it knows no language rule: those are
//! Starlark, in the prelude.
#![allow(unused_qualifications)] // in what the interpreter's derives write
#![allow(clippy::too_many_arguments)] // native functions have Bazel's parameters

mod actions;
mod analysis;
mod context;
mod coverage;
mod ctx;
mod globals;
mod host;
mod interp;
mod json;
pub mod prelude;
mod providers;
mod rule;
mod values;

pub use analysis::run::provider_texts;
pub use host::StarlarkHost;
pub use kiln_build::LoaderOptions;
pub use kiln_host::Limits;
