//! Tests.

use std::fmt;
use std::time::Duration;

use kiln_base::Digest;

/// The verdict on a test, the better first (Bazel's order).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TestStatus {
    /// Not run: not for this platform.
    Skipped,
    /// Passed at the first attempt.
    Passed,
    /// Passed at a later attempt.
    Flaky,
    /// Killed after its timeout.
    Timeout,
    /// Failed.
    Failed,
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
    /// Of so many.
    pub runs: u32,
    /// Which shard, from 1, and of how many; `None` for tests without.
    pub shard: Option<(u32, u32)>,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// Whether it is the one that counts: no other followed.
    pub last: bool,
    /// Its verdict.
    pub status: TestStatus,
    /// How it ended ("exit code 1", "signal 6").
    pub exit: String,
    /// Its log in the store.
    pub log: Digest,
    /// Where its log is, for people.
    pub log_path: String,
    /// Its run time.
    pub elapsed: Duration,
    /// Whether the result came from a cache.
    pub cached: bool,
    /// Its log as text, if it is to be shown.
    pub output: Option<String>,
}

impl TestAttempt {
    /// Which part of its test it ran: `shard 1 of 2, run 3 of 5`; empty for all of it.
    pub fn part(&self) -> String {
        let mut names = Vec::new();
        if let Some((shard, shards)) = self.shard {
            names.push(format!("shard {shard} of {shards}"));
        }
        if self.runs > 1 {
            names.push(format!("run {} of {}", self.run, self.runs));
        }
        names.join(", ")
    }
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
}
