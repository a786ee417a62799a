//! The end-to-end harness: a workspace in a temporary folder, a cache of its own, and the `kiln`
//! binary run in it.
//!
//! What it is not: nothing of the product depends on it, and it hides nothing: a test sees exit
//! code, standard output and standard error, with machine-dependent parts replaced.
//!
//! Also real servers of the Remote Execution API, for tests of remote caches and workers: [`Casd`]
//! and [`BuildGrid`], and kiln's own: [`Serve`]; and a real engine for containers: [`Docker`].
//!
//! Invariants: nothing outside of the temporary folder is written (but for servers that are
//! installed once, below `target/fixtures`); the binary sees none of the caller's environment but
//! `PATH`.

mod buildbox;
mod buildgrid;
mod docker;
mod output;
mod processes;
mod serve;
mod workspace;

pub use buildbox::Casd;
pub use buildgrid::{BuildGrid, Security};
pub use docker::Docker;
pub use output::Output;
pub use processes::no_process;
pub use serve::Serve;
pub use workspace::Workspace;
