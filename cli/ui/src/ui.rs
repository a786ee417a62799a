//! The state machine.

use std::collections::BTreeMap;
use std::time::Duration;

use kiln_events::{
    ActionEvent, ActionSource, BuildSummary, Detail, Event, TargetStatus, TestAttempt, TestEvent,
};

use crate::diagnostics::Diagnostics;
use crate::duration;
use crate::progress::{LONG_PERIOD, Progress, describe};
use crate::report::{last_line, summary_json};
use crate::sanitize::sanitize;
use crate::settings::{Mode, Settings, TestOutput};
use crate::style::Style;
use crate::test_summary;

/// What to write, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// To standard error.
    pub stderr: String,
    /// To standard output: results.
    pub stdout: String,
    /// To standard error, once `stdout` is written and flushed.
    pub stderr_after: String,
}

/// Turns events into text. All times are since the start of the command.
#[derive(Debug)]
pub struct Ui {
    settings: Settings,
    style: Style,
    progress: Progress,
    diagnostics: Diagnostics,
    tests: Vec<TestEvent>,
    /// Labels and paths, up to one more than are shown.
    outputs: Vec<(String, Vec<String>)>,
    /// Unfinished lines of streamed tests: bytes, because a character may come in two parts.
    streams: BTreeMap<String, Vec<u8>>,
    /// The test whose streamed output was written last.
    stream: Option<String>,
    /// How many live lines are on the screen.
    drawn: usize,
    drawn_at: Duration,
    listed_at: Duration,
    over: bool,
}

/// How often live lines are drawn anew.
const REDRAW: Duration = Duration::from_millis(100);

/// Bytes that a streamed test may write without a new line before they are shown.
const LONGEST_LINE: usize = 64 << 10;

/// Bytes of a failed action's command that are shown without `-s`.
const SHOWN_COMMAND: usize = 4096;

impl Ui {
    /// A screen on which nothing is yet.
    pub fn new(settings: Settings) -> Ui {
        Ui {
            style: Style {
                color: settings.color,
            },
            settings,
            progress: Progress::default(),
            diagnostics: Diagnostics::default(),
            tests: Vec::new(),
            outputs: Vec::new(),
            streams: BTreeMap::new(),
            stream: None,
            drawn: 0,
            drawn_at: Duration::ZERO,
            listed_at: Duration::ZERO,
            over: false,
        }
    }

    /// Whether it wants events of a kind that is costly to make.
    pub fn wants(&self, detail: Detail) -> bool {
        match detail {
            Detail::Commands => self.settings.commands || self.settings.verbose_failures,
            Detail::TestOutput => self.settings.test_output == TestOutput::Streamed,
        }
    }

    /// Whether the output of an attempt is shown: whoever has the log attaches it as
    /// [`TestAttempt::output`] before the event is handed over.
    pub fn wants_log(&self, attempt: &TestAttempt) -> bool {
        match self.settings.test_output {
            TestOutput::Summary | TestOutput::Streamed => false,
            TestOutput::Errors => attempt.last && !attempt.status.success(),
            TestOutput::All => attempt.last,
        }
    }

    /// Takes an event in.
    pub fn event(&mut self, event: Event, now: Duration) -> Output {
        let mut text = String::new();
        match event {
            Event::Phase(phase) => self.progress.phase = phase,
            Event::TargetsRequested(_) => {}
            Event::PackageLoaded => self.progress.package_loaded(),
            Event::TargetAnalyzed => self.progress.target_analyzed(),
            Event::ActionsPlanned(count) => self.progress.planned(count),
            Event::TargetFinished { label, status } => text = self.target(&label, status),
            Event::TargetOutputs { label, paths } => {
                if self.outputs.len() <= self.settings.show_result {
                    self.outputs.push((label, paths));
                }
            }
            Event::ActionStarted(action) => {
                self.progress.action_started(&action, now);
                if self.settings.commands {
                    text = self.command(&action, usize::MAX);
                }
            }
            Event::ActionFinished {
                action,
                source,
                success,
                elapsed,
            } => {
                self.progress.action_finished(&action, source, success);
                text = self.finished(&action, source, success, elapsed, now);
            }
            Event::ActionDropped(action) => self.progress.action_dropped(&action),
            Event::ActionOutput { action, bytes } => text = self.action_output(&action, &bytes),
            // Its process is an action as well.
            Event::TestStarted { .. } => {}
            Event::TestOutput { label, bytes } => text = self.stream(&label, &bytes),
            Event::TestFinished(test) => {
                text = self.test(&test);
                self.tests.push(test);
            }
            Event::Diagnostic(diag) => {
                if !(self.settings.quiet && diag.is_warning()) {
                    text = self.diagnostics.show(&diag, self.style).unwrap_or_default();
                }
            }
            Event::Note(note) if !self.settings.quiet => {
                text = sanitize(&note, self.settings.color);
                text.push('\n');
            }
            Event::Note(_) => {}
            // Told at the end, with the summary.
            Event::Transferred { .. } => {}
            Event::Finished => self.over = true,
        }
        self.write(text, now)
    }

    /// To be called now and then (ten times a second, say): draws live lines anew, lists what
    /// has been running for long.
    pub fn tick(&mut self, now: Duration) -> Output {
        let mut text = String::new();
        if self.settings.mode == Mode::Plain && !self.settings.quiet {
            let due = now.saturating_sub(self.listed_at) >= LONG_PERIOD;
            if due || self.progress.has_new_long_running(now) {
                self.listed_at = now;
                for line in self.progress.long_running(now) {
                    text += &self.stamped("INFO", &line, now);
                }
            }
        }
        if now.saturating_sub(self.drawn_at) >= REDRAW && !self.over {
            self.drawn_at = now;
            return self.redraw(text, now);
        }
        self.write(text, now)
    }

    /// Ends a command that builds: what came of the tests, the outputs, the last line or the JSON
    /// object. Removes the live lines.
    pub fn finish(&mut self, summary: &BuildSummary, now: Duration) -> Output {
        self.over = true;
        let tests = test_summary::summary(&self.tests, self.settings.test_summary, self.style);
        let mut text = String::new();
        for (label, rest) in std::mem::take(&mut self.streams) {
            text += &self.streamed(&label, &rest);
        }
        if !self.settings.quiet {
            text += &self.target_outputs();
        }
        let mut output = self.write(text, now);
        match self.settings.json {
            true => {
                output.stderr += &tests;
                output.stdout = summary_json(summary) + "\n";
            }
            false => output.stdout = tests,
        }
        if !self.settings.quiet {
            let hint = self.style.cyan("hint:");
            if self
                .tests
                .iter()
                .any(|test| test.status == kiln_events::TestStatus::Timeout)
            {
                output.stderr_after = format!(
                    "{hint} the `size` or `timeout` of a test says how long it may run, \
                     or `--test_timeout=SECONDS`\n"
                );
            }
            if let Some(command) = test_summary::rerun(&self.tests) {
                output.stderr_after += &format!("{hint} run again: {command}\n");
            }
            output.stderr_after += &last_line(summary, self.style);
        }
        output
    }

    /// Ends a command that does not build: removes the live lines.
    pub fn close(&mut self, now: Duration) -> Output {
        self.over = true;
        self.write(String::new(), now)
    }

    fn target(&self, label: &str, status: TargetStatus) -> String {
        match status {
            TargetStatus::Skipped if self.settings.verbose => {
                format!("skipped {}\n", sanitize(label, false))
            }
            _ => String::new(),
        }
    }

    fn finished(
        &self,
        action: &ActionEvent,
        source: ActionSource,
        success: bool,
        elapsed: Duration,
        now: Duration,
    ) -> String {
        if !success && self.settings.verbose_failures && !self.settings.commands {
            return self.command(action, SHOWN_COMMAND);
        }
        if self.settings.verbose && self.settings.mode == Mode::Plain {
            let from = match source {
                ActionSource::Executed => format!("in {}", duration::shown(elapsed)),
                ActionSource::LocalCache => "from cache".to_owned(),
                ActionSource::RemoteCache => "from remote cache".to_owned(),
                ActionSource::Memoized => "in memory".to_owned(),
            };
            let word = if success { "completed" } else { "failed" };
            return self.stamped("INFO", &format!("{word}: {} {from}", describe(action)), now);
        }
        String::new()
    }

    /// `# //a:b (CppCompile)` and the command line, if it is known.
    fn command(&self, action: &ActionEvent, limit: usize) -> String {
        let Some(command) = &action.command else {
            return String::new();
        };
        let command = sanitize(command, false);
        let label = sanitize(&action.label, false);
        let head = self.style.bold(&format!("# {label} ({})", action.mnemonic));
        if command.len() <= limit {
            return format!("{head}\n{command}\n");
        }
        let mut end = limit;
        while !command.is_char_boundary(end) {
            end -= 1;
        }
        let left = command.len() - end;
        format!(
            "{head}\n{}\n... {left} more bytes; `-s` shows all\n",
            &command[..end]
        )
    }

    fn action_output(&self, action: &ActionEvent, bytes: &[u8]) -> String {
        if self.settings.quiet || bytes.is_empty() {
            return String::new();
        }
        let text = sanitize(&String::from_utf8_lossy(bytes), self.settings.color);
        let end = if text.ends_with('\n') { "" } else { "\n" };
        let head = self.style.bold(&format!("output of {}:", describe(action)));
        format!("{head}\n{text}{end}")
    }

    fn test(&mut self, test: &TestEvent) -> String {
        let mut text = String::new();
        if let Some(rest) = self.streams.remove(&test.label) {
            text += &self.streamed(&test.label, &rest);
        }
        let failed = !test.status.success();
        if failed && !test.attempts.is_empty() {
            text += &test_summary::failure(test, self.style);
        }
        for attempt in &test.attempts {
            if let Some(output) = attempt.output.as_ref().filter(|_| self.wants_log(attempt)) {
                text += &test_summary::output(&test.label, &attempt.part(), output, self.style);
            }
        }
        text
    }

    /// Whole lines of a streamed test, under a heading when another test wrote before.
    fn stream(&mut self, label: &str, bytes: &[u8]) -> String {
        let buffer = self.streams.entry(label.to_owned()).or_default();
        buffer.extend(bytes);
        let end = match buffer.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => end + 1,
            None if buffer.len() > LONGEST_LINE => buffer.len(),
            None => return String::new(),
        };
        let rest = buffer.split_off(end);
        let lines = std::mem::replace(buffer, rest);
        if buffer.is_empty() {
            self.streams.remove(label);
        }
        self.streamed(label, &lines)
    }

    fn streamed(&mut self, label: &str, bytes: &[u8]) -> String {
        let mut text = sanitize(&String::from_utf8_lossy(bytes), self.settings.color);
        if !text.ends_with('\n') {
            text.push('\n');
        }
        if self.stream.as_deref() == Some(label) {
            return text;
        }
        self.stream = Some(label.to_owned());
        let head = format!("-------- {}", sanitize(label, false));
        format!("{}\n{text}", self.style.bold(&head))
    }

    /// Where to find what was built, if it is for few targets (Bazel: `--show_result`).
    fn target_outputs(&self) -> String {
        let mut text = String::new();
        if self.outputs.len() > self.settings.show_result {
            return text;
        }
        for (label, paths) in &self.outputs {
            text += &format!("{}:\n", sanitize(label, false));
            for path in paths {
                text += &format!("  {}\n", sanitize(path, false));
            }
        }
        text
    }

    /// `12:00:00.00 [INFO] text` (UI-051).
    fn stamped(&self, level: &str, text: &str, now: Duration) -> String {
        let clock = duration::clock(self.settings.time_of_day + now);
        format!("{clock} [{level}] {text}\n")
    }

    /// Lines that stay, above the live ones.
    fn write(&mut self, text: String, now: Duration) -> Output {
        if text.is_empty() && !(self.over && self.drawn > 0) {
            return Output::default();
        }
        self.redraw(text, now)
    }

    fn redraw(&mut self, text: String, now: Duration) -> Output {
        let mut stderr = self.erase();
        stderr += &text;
        if let Mode::Live { width, height } = self.settings.mode
            && !self.over
            && !self.settings.quiet
        {
            let lines = self
                .progress
                .lines((width, height), self.settings.jobs, now, self.style);
            stderr += &lines.join("\n");
            self.drawn = lines.len();
        }
        Output {
            stderr,
            ..Output::default()
        }
    }

    /// Moves to the first live line and clears from there: UI-050 leaves nothing behind.
    fn erase(&mut self) -> String {
        let up = match std::mem::take(&mut self.drawn) {
            0 => return String::new(),
            1 => String::new(),
            lines => format!("\x1b[{}A", lines - 1),
        };
        format!("\r{up}\x1b[J")
    }
}
