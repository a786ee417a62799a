//! The doorway to the Starlark interpreter: dialects, parsing, bounded evaluation, and errors
//! turned into [`kiln_diag::Diag`]. The only crate that owns the `starlark` crate; `kiln-build` and
//! `kiln-bazel` use what it re-exports.
//!
//! What it is not: it knows no BUILD function and no rule; it reads no file.
//!
//! # The evaluation context
//!
//! Every evaluation has one [`EvalContext`], plain Rust without Starlark values, reachable from
//! native functions through `eval.extra` by [`EvalContext::of`]. It says
//!
//! - which [`Phase`] it is: a .bzl file is loaded, a BUILD file or a MODULE.bazel file is
//!   evaluated, or a rule's implementation runs;
//! - which file the evaluation belongs to ([`EvalContext::file`]): the .bzl file that is loaded,
//!   the BUILD file, or the .bzl file of the rule;
//! - in which file the *innermost* running Starlark function is written
//!   ([`EvalContext::innermost`]): label strings given to `Label()` and in attribute defaults are
//!   relative to that one, whoever called the function;
//! - the state of the phase ([`EvalContext::state`]): a slot whose type the crate that starts the
//!   evaluation chooses (kiln-build's package under construction, kiln-bazel's analysis).
//!
//! Native functions that fail return `Err(raise(diag))`; the place and the call stack are added on
//! the way out. What is printed becomes a warning ([`EvalContext::warn`]).
//!
//! # Invariants
//!
//! - Nothing mutable sits in a Starlark heap: state is in the context.
//! - Every evaluation is bounded by [`Limits`], the same for every run of the same file.
//! - A frozen module carries its [`FileScope`] in its own heap, so a function keeps the meaning
//!   of its labels for as long as it can be called.

mod builtins;
mod context;
pub mod dialect;
mod error;
mod guard;
mod interpreter;
mod limits;
mod nesting;
mod scope;
mod span;
mod symbols;
mod syntax;
mod ticks;
mod wording;

pub use allocative;
pub use starlark;

pub use builtins::base_globals;
pub use context::{EvalContext, Phase};
pub use dialect::UNION;
pub use error::{raise, raise_text};
pub use interpreter::{FrozenFile, Interpreter};
pub use limits::Limits;
pub use scope::FileScope;
pub use span::{call_span, outermost_call, to_span};
pub use ticks::call_function;
