//! The description of a process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kiln_base::RelPath;
use kiln_tree::Tree;

/// Everything that decides the result of a process, and nothing that does not (PX-001, PX-002).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// The program and its arguments. A program without a slash is looked up in the `PATH` of
    /// `env`; one with a slash is relative to the working directory (PX-018).
    pub argv: Vec<String>,
    /// The whole environment (PX-011).
    pub env: BTreeMap<String, String>,
    /// The current directory, relative to the input root.
    pub workdir: RelPath,
    /// All that is visible besides the system roots.
    pub inputs: Tree,
    /// Files or folders to keep, relative to the working directory. Their parent folders exist
    /// before the start; one that is not there afterwards is left out (PX-014, PX-015).
    pub outputs: Vec<RelPath>,
    /// How long it may run.
    pub timeout: Option<Duration>,
    /// Whether it may use the network (`tags = ["requires-network"]`).
    pub network: bool,
    /// Platform properties, sent to remote workers and part of the key.
    pub platform: BTreeMap<String, String>,
    /// The identity of the environment that runs it: operating system, instruction set, system
    /// roots (R17). Part of the key.
    pub environment: Arc<[u8]>,
    /// Who may reuse the result.
    pub cache: CacheScope,
}

/// Who may reuse a result (GR-073).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CacheScope {
    /// Everybody, if the exit code is 0.
    Successful,
    /// Everybody, whatever the exit code.
    Always,
    /// Everybody on this machine, if the exit code is 0: never a remote cache (`no-remote`).
    LocalSuccessful,
    /// As `Successful`, but this time it runs, and what comes of it takes the place of what was
    /// known, whatever it is (`--nocache_test_results`).
    Refresh,
    /// Nobody beyond this session (`no-cache`, `external`).
    Session,
}
