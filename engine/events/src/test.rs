//! Tests.

use std::fmt;
use std::time::Duration;

use kiln_base::Digest;

/// The verdict on a test, the better first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TestStatus {
    /// Not run: not for this platform.
    Skipped,
    /// Passed at the first attempt.
    Passed,
    /// Passed at a later attempt.
    Flaky,
    /// Failed.
    Failed,
    /// Killed after its timeout.
    Timeout,
    /// It could not be built.
    NotBuilt,
}

impl TestStatus {
    /// Bazel's word for it.
    pub fn word(self) -> &'static str {
        match self {
            TestStatus::Skipped => "SKIPPED",
            TestStatus::Passed => "PASSED",
            TestStatus::Flaky => "FLAKY",
            TestStatus::Failed => "FAILED",
            TestStatus::Timeout => "TIMEOUT",
            TestStatus::NotBuilt => "NO STATUS",
        }
    }

    /// Whether it counts as a success.
    pub fn success(self) -> bool {
        self <= TestStatus::Flaky
    }
}

impl fmt::Display for TestStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One process of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestAttempt {
    /// Which run (`--runs_per_test`), from 1.
    pub run: u32,
    /// Which shard, from 1; `None` for tests without.
    pub shard: Option<u32>,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// Its verdict.
    pub status: TestStatus,
    /// How it ended ("exit code 1", "signal 6", "a timeout").
    pub exit: String,
    /// Its log in the store.
    pub log: Digest,
    /// Its run time.
    pub elapsed: Duration,
    /// Whether the result came from a cache.
    pub cached: bool,
    /// Whether the test was sharded but did not say that it can be.
    pub unsharded: bool,
}

/// A finished test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestEvent {
    /// The target.
    pub label: String,
    /// The verdict.
    pub status: TestStatus,
    /// Its processes.
    pub attempts: Vec<TestAttempt>,
    /// Whether all of them came from a cache.
    pub cached: bool,
    /// The time of all of them together.
    pub elapsed: Duration,
    /// The last log, as text, if it is to be shown.
    pub output: Option<String>,
    /// Where the logs are, for people.
    pub log_path: Option<String>,
}
