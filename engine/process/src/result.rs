//! What came of a process.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use kiln_base::{Digest, RelPath};
use kiln_tree::Tree;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// It ended by itself with this code.
    Code(i32),
    /// A signal ended it.
    Signal(i32),
    /// It was still running after its timeout and was killed (PX-017).
    TimedOut,
    /// It used more than it may and was killed.
    Limit(Limit),
}

/// What a process may use at most, with all that it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// So many bytes of memory.
    Memory(u64),
    /// So many processes and threads.
    Processes(u64),
}

/// As in "used more than ...".
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::Memory(bytes) => write!(f, "{} MiB of memory", bytes >> 20),
            Limit::Processes(number) => write!(f, "{number} processes"),
        }
    }
}

impl Exit {
    /// Whether it is a success.
    pub fn success(self) -> bool {
        self == Exit::Code(0)
    }
}

/// Where a result comes from (PX-003).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The process ran.
    Ran,
    /// The local cache.
    LocalCache,
    /// A remote cache.
    RemoteCache,
}

/// What came of a process. Every digest in it is in the store when the result is handed over, but
/// for those that were left at a server.
#[derive(Clone, Debug)]
pub struct ProcessResult {
    /// How it ended.
    pub exit: Exit,
    /// All that it wrote to its standard output.
    pub stdout: Digest,
    /// All that it wrote to its standard error.
    pub stderr: Digest,
    /// The declared outputs that were there, relative to the working directory. Empty after a
    /// timeout (PX-017).
    pub outputs: Tree,
    /// Run time, without waiting for a slot (PX-034). That of the original run if cached.
    pub elapsed: Duration,
    /// Where it comes from.
    pub source: Source,
    /// The sandbox, if it was kept.
    pub sandbox: Option<PathBuf>,
    /// Where outputs are lacking: files beside them that were not declared, some of them. Inputs
    /// may be among them.
    pub strays: Vec<RelPath>,
    /// Files of the workspace that it read although [`Request::declared`] does not cover them,
    /// relative to its root, sorted; `None` where nobody asked, or nobody could see.
    ///
    /// [`Request::declared`]: crate::Request::declared
    pub unlisted_reads: Option<Vec<RelPath>>,
    /// Contents of outputs that are not in the store: a server has them ([`crate::Contents`]).
    pub left: Vec<Digest>,
}

impl ProcessResult {
    /// The first of the declared outputs that is not there.
    pub fn lacks<'a>(&self, declared: &'a [RelPath]) -> Option<&'a RelPath> {
        let lacking = |path: &&RelPath| !path.is_root() && self.outputs.get(path).is_none();
        declared.iter().find(lacking)
    }
}

/// Equality is about the outcome: how long it took and where it came from do not count.
impl PartialEq for ProcessResult {
    fn eq(&self, other: &Self) -> bool {
        self.exit == other.exit
            && self.stdout == other.stdout
            && self.stderr == other.stderr
            && self.outputs == other.outputs
    }
}

impl Eq for ProcessResult {}
