//! Bazel's rules: `rule`, `provider`, `attr`, `struct`, `depset`, `ctx`, `ctx.actions`, and the
//! analysis of targets. [`StarlarkHost`] is the whole of Starlark behind the engine's one door.
//!
//! What it is not: it loads no file and runs no action; it knows no language rule: those are
//! Starlark, in the prelude.
//!
//! # How a target is analyzed
//!
//! 1. A call of `rule(...)` becomes a plain `RuleSpec` in the heap of its .bzl file. Calling that
//!    rule in a BUILD file makes a [`kiln_targets::RuleClass`] whose handle keeps the heap alive.
//! 2. The engine resolves attributes, analyzes dependencies, and calls
//!    [`Host::analyze`](kiln_targets::Host::analyze): dependencies are checked against the schema,
//!    `ctx` is made, and the implementation function runs, start to finish, in a heap of its own.
//! 3. Actions are registered in a plain Rust value that native functions reach through the
//!    evaluation context. Arguments are turned into plain data when they are added.
//! 4. The providers returned are frozen, together with the `Target` value that dependents get as
//!    it is: a dependency costs its dependents no allocation.
//!
//! # Invariants
//!
//! - Nothing mutable sits in a frozen heap, and nothing frozen refers to an evaluation that is
//!   over: `ctx` and `Args` refuse to be frozen.
//! - A depset of files is an [`ArtifactSet`](kiln_targets::ArtifactSet) from the start; no set of
//!   files is ever flattened to become the inputs of an action.
//! - A declared output has exactly one action, of the target that declares it, in its package.
//! - Providers are told apart by the file that defines them and their name there, so that two
//!   evaluations of one file agree.
//! - What kiln does not do yet (aspects, transitions, …) can be defined; using it is an error at
//!   the place of use.
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
