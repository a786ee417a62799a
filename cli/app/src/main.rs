//! The `kiln` binary: flags to a request, the composition root, answers to exit codes.
//!
//! What it is not: no build logic is here. [`engine`] is the only place that knows every
//! implementation; what is built and tested is decided by typed rules.
//!
//! Invariants: the zygotes that sandboxes are forked from start before any thread; standard output
//! carries answers only, all else goes to standard error; exit codes are Bazel's.

mod command;
mod configuration;
mod engine;
mod executors;
mod explain;
mod in_workspace;
mod output;
mod runfiles;
mod show;

use std::process::ExitCode;

/// Loading and analysis make and drop millions of small things on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    command::main()
}
