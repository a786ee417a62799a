//! kiln's benchmark against other build tools on generated trees.
//!
//! Each tool gets a tree of its own with the same logical graph. Tools run in turn, so that ratios
//! can be taken pair by pair while the machine drifts. Every command is started by a small process
//! that lives in the tool's cgroup; the kernel counts there what the command set to work, daemons
//! and sandboxed actions included.
//!
//! What it is not: no part of kiln is linked into it, it drives the binary as a user does.
//!
//! Invariants: what a build must have made is checked after every build that is timed, and a wrong
//! result or exit code ends the run; verdicts are computed from the figures of this run; what cannot
//! be measured on a machine is said, and not estimated.

mod aims;
mod args;
mod cgroup;
mod graph;
mod launcher;
mod machine;
mod measure;
mod proc;
mod report;
mod scenario;
mod stats;
mod subject;
mod tool;
mod tree;

pub use aims::{Outcome, Verdict, verdicts};
pub use args::{Format, Parsed, Settings, parse};
pub use graph::Graph;
pub use launcher::{ARGUMENT as LAUNCH, serve};
pub use machine::Machine;
pub use measure::{Measured, Report, Row, run};
pub use report::{as_json, markdown};
pub use scenario::{Group, Peer, SCENARIOS, Scenario, Step};
pub use stats::{Measure, Sample, Summary};
pub use tool::bazel_rc;
pub use tree::{Edit, Flavour, Form, Tree};
