//! The numbers at the end. They are a stable interface: `--format=json` prints them.

use std::time::Duration;

/// What a build or test command came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildSummary {
    /// Whether all went well.
    pub success: bool,
    /// Requested targets.
    pub targets: TargetCounts,
    /// Actions by where their results came from.
    pub actions: ActionCounts,
    /// Test targets by status; `None` if the command runs no tests.
    pub tests: Option<TestCounts>,
    /// Bytes of contents that came from remote servers.
    pub downloaded: u64,
    /// Bytes of contents that went to remote servers.
    pub uploaded: u64,
    /// From the start of the command to its end.
    pub wall: Duration,
}

/// Requested targets: every one is in exactly one of the others at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TargetCounts {
    /// How many the patterns named.
    pub requested: u64,
    /// Built.
    pub built: u64,
    /// Not begun, or not for this platform.
    pub skipped: u64,
    /// Failed.
    pub failed: u64,
    /// Good as far as was looked (`--nobuild`). JSON counts them as skipped.
    pub checked: u64,
}

/// Actions by where their results came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ActionCounts {
    /// Ran.
    pub executed: u64,
    /// Found in the local cache.
    pub local_cache: u64,
    /// Found in a remote cache.
    pub remote_cache: u64,
    /// Were in memory.
    pub memoized: u64,
}

/// Test targets by status. Each is in one of the first five; a cached one in `cached` as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TestCounts {
    /// Passed at the first attempt.
    pub passed: u64,
    /// Failed, or could not be built.
    pub failed: u64,
    /// Killed at the time limit.
    pub timeout: u64,
    /// Passed, but not at the first attempt.
    pub flaky: u64,
    /// Not run.
    pub skipped: u64,
    /// Nothing was run: the results came from a cache or from memory.
    pub cached: u64,
}
