//! Events into text for people: live progress on a terminal, plain lines elsewhere, what failed,
//! and the summary at the end.
//!
//! [`Ui`] is a state machine: it is fed events and clock values and returns what to write. So
//! nothing here needs a terminal, a clock, an environment variable or a thread, and every output
//! is tested as text.
//!
//! What it is not: it writes to no stream and reads no event by itself (`cli/app` does), and it
//! does not decide what is shown of a test: whoever emits the event attaches the output.
//!
//! Invariants: standard output gets results only (test summary, JSON), all else is for standard
//! error; nothing of the live lines stays when a command is over; texts of others (file names,
//! compiler output) cannot move the cursor or change the terminal; a warning is shown once.

mod diagnostics;
mod duration;
mod progress;
mod report;
mod sanitize;
mod settings;
mod size;
mod style;
mod test_summary;
mod ui;

pub use report::summary_json;
pub use settings::{
    Color, Mode, Settings, Terminal, TestOutput, TestSummary, UiChoice, color_wanted, mode_wanted,
};
pub use size::bytes;
pub use ui::{Output, Ui};
