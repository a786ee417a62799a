//! What happens during a command, as a stream of plain data.
//!
//! What it is not: it decides nothing, formats nothing and is no log. Whoever shows a build
//! (a terminal, a JSON file) is an [`EventSink`].
//!
//! Invariants: [`EventSink::emit`] is cheap and never blocks on a reader; an action that started
//! also finishes, unless the command is interrupted; actions that came from a cache finish
//! without having started.

use std::fmt;
use std::time::Duration;

use kiln_base::Digest;
use kiln_diag::Diag;

/// Who is told.
pub trait EventSink: Send + Sync {
    /// Takes one event.
    fn emit(&self, event: Event);
}

/// A sink that forgets.
impl EventSink for () {
    fn emit(&self, _event: Event) {}
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// What the command does now, for people: "loading", "analyzing", "building".
    Phase(&'static str),
    /// So many targets were asked for.
    TargetsRequested(usize),
    /// A target is done.
    TargetFinished {
        /// Its label.
        label: String,
        /// What became of it.
        status: TargetStatus,
    },
    /// An action's process starts.
    ActionStarted(ActionEvent),
    /// An action is done.
    ActionFinished {
        /// Which action.
        action: ActionEvent,
        /// Where the result comes from.
        source: ActionSource,
        /// Whether it succeeded.
        success: bool,
        /// Run time of the process (of the original run, if cached).
        elapsed: Duration,
    },
    /// A test's process starts.
    TestStarted {
        /// The target.
        label: String,
    },
    /// A running test wrote something (`--test_output=streamed`).
    TestOutput {
        /// The target.
        label: String,
        /// What.
        bytes: Vec<u8>,
    },
    /// A test is done with all its runs, shards and attempts.
    TestFinished(TestEvent),
    /// An error or a warning.
    Diagnostic(Diag),
    /// The command is done with its work.
    Finished,
}

/// What became of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TargetStatus {
    /// Built.
    Built,
    /// Not for this platform.
    Skipped,
    /// Failed.
    Failed,
}

/// An action, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionEvent {
    /// The target.
    pub label: String,
    /// The kind of action.
    pub mnemonic: String,
    /// What it does.
    pub progress: String,
    /// Its key.
    pub digest: Digest,
    /// Its command line, quoted for a shell; filled in only where somebody wants it (`-s`).
    pub command: Option<String>,
}

/// Where an action's result comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActionSource {
    /// Its process ran.
    Executed,
    /// The cache of this machine.
    LocalCache,
    /// A remote cache.
    RemoteCache,
}

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
