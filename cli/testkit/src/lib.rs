//! The end-to-end harness: a workspace in a temporary folder, a cache of its own, and the `kiln`
//! binary run in it.
//!
//! What it is not: nothing of the product depends on it, and it hides nothing: a test sees exit
//! code, standard output and standard error, with machine-dependent parts replaced.
//!
//! Invariants: nothing outside of the temporary folder is written; the binary sees none of the
//! caller's environment but `PATH`.

mod output;
mod workspace;

pub use output::Output;
pub use workspace::Workspace;
