//! What happens during a command, as a stream of plain data.
//!
//! What it is not: it decides nothing, formats nothing and is no log. Whoever shows a build
//! (a terminal, a JSON file) is an [`EventSink`].
//!
//! Invariants: [`EventSink::emit`] is cheap and never blocks on a reader; an action that started
//! also finishes or is dropped, unless the command is interrupted; actions that came from a cache finish
//! without having started.

mod action;
mod sink;
mod summary;
mod tally;
mod test;

use std::time::Duration;

use kiln_diag::Diag;

pub use action::{ActionEvent, ActionSource};
pub use sink::{Detail, EventSink, Recorder, Tee};
pub use summary::{ActionCounts, BuildSummary, TargetCounts, TestCounts};
pub use tally::Tally;
pub use test::{TestAttempt, TestEvent, TestStatus};

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// What the command does now, for people: "loading", "analyzing", "building".
    Phase(&'static str),
    /// So many targets were asked for.
    TargetsRequested(usize),
    /// A package was loaded.
    PackageLoaded,
    /// A target was analyzed.
    TargetAnalyzed,
    /// So many more actions are known to be needed; the numbers add up.
    ActionsPlanned(usize),
    /// A target is done.
    TargetFinished {
        /// Its label.
        label: String,
        /// What became of it.
        status: TargetStatus,
    },
    /// Where the outputs of a requested target are, for people; sent before it is finished.
    TargetOutputs {
        /// Its label.
        label: String,
        /// The paths.
        paths: Vec<String>,
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
    /// An action that started has to start again: it came to nothing, by no fault of its own.
    ActionDropped(ActionEvent),
    /// What an action wrote although it succeeded (a compiler's warnings). What a failed one wrote
    /// is in its [`Event::Diagnostic`].
    ActionOutput {
        /// Which action.
        action: ActionEvent,
        /// Its standard output, then its standard error.
        bytes: Vec<u8>,
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
    /// A line for the user that is neither (`print` in a BUILD file, what a goal has done).
    Note(String),
    /// What came from remote servers and went to them since the command began, in bytes of contents.
    Transferred {
        /// From servers.
        downloaded: u64,
        /// To servers.
        uploaded: u64,
    },
    /// The command is done with its work.
    Finished,
}

/// What became of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TargetStatus {
    /// Built.
    Built,
    /// Good as far as the command looked, and not built (`--nobuild`).
    Checked,
    /// Not for this platform.
    Skipped,
    /// Failed.
    Failed,
}
