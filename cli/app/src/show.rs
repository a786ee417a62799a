//! Showing what happens. All printing of the binary is here and in the verbs that answer on
//! standard output.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kiln_diag::Diag;
use kiln_events::{Detail, Event, EventSink, Tally, Tee, TestEvent};
use kiln_options::Options;
use kiln_store::Store;
pub(crate) use kiln_ui::bytes;
use kiln_ui::{
    Color, Output, Settings, Terminal, TestOutput, TestSummary, Ui, UiChoice, color_wanted,
    mode_wanted,
};

use crate::engine::Made;

/// How often live lines are drawn anew.
const TICK: Duration = Duration::from_millis(100);

/// What a command shows.
pub(crate) struct Show {
    tally: Arc<Tally>,
    screen: Arc<Screen>,
    sink: Arc<dyn EventSink>,
}

/// The screen: fed with events from all threads, written to under one lock.
struct Screen {
    ui: Mutex<Ui>,
    started: Instant,
    store: OnceLock<Store>,
    over: AtomicBool,
}

impl Screen {
    fn with(&self, change: impl FnOnce(&mut Ui, Duration) -> Output) {
        // A panic elsewhere leaves the screen as it was: what follows is still worth showing.
        let mut ui = self.ui.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.started.elapsed();
        write(&change(&mut ui, now));
    }

    /// The logs of a test that are wanted.
    fn attach_logs(&self, test: &mut TestEvent) {
        let Some(store) = self.store.get() else {
            return;
        };
        for attempt in &mut test.attempts {
            let wanted = self
                .ui
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .wants_log(attempt);
            if wanted && let Ok(Some(bytes)) = store.read(&attempt.log) {
                attempt.output = Some(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
    }
}

impl EventSink for Screen {
    fn emit(&self, mut event: Event) {
        if let Event::TestFinished(test) = &mut event {
            self.attach_logs(test);
        }
        self.with(|ui, now| ui.event(event, now));
    }

    fn wants(&self, detail: Detail) -> bool {
        self.ui
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .wants(detail)
    }
}

/// Whoever read may have gone; nobody can be told then.
fn write(output: &Output) {
    let _ = io::stderr().lock().write_all(output.stderr.as_bytes());
    let _ = io::stdout().lock().write_all(output.stdout.as_bytes());
    let _ = io::stderr()
        .lock()
        .write_all(output.stderr_after.as_bytes());
}

impl Show {
    /// A screen as the options and the terminal ask for, and a thread that keeps it fresh.
    pub(crate) fn new(
        options: &Options,
        environment: &BTreeMap<String, String>,
        jobs: u32,
    ) -> Show {
        let tally = Arc::new(Tally::default());
        let screen = Arc::new(Screen {
            ui: Mutex::new(Ui::new(settings(options, environment, jobs))),
            started: Instant::now(),
            store: OnceLock::new(),
            over: AtomicBool::new(false),
        });
        let ticking = screen.clone();
        thread::spawn(move || {
            while !ticking.over.load(Ordering::Relaxed) {
                thread::sleep(TICK);
                if !ticking.over.load(Ordering::Relaxed) {
                    ticking.with(|ui, now| ui.tick(now));
                }
            }
        });
        let sink: Arc<dyn EventSink> = Arc::new(Tee(vec![tally.clone(), screen.clone()]));
        Show {
            tally,
            screen,
            sink,
        }
    }

    /// Where events go.
    pub(crate) fn sink(&self) -> Arc<dyn EventSink> {
        self.sink.clone()
    }

    /// Says where logs are read from.
    pub(crate) fn read_logs_from(&self, store: &Store) {
        let _ = self.screen.store.set(store.clone());
    }

    /// Tells what the store has to say, and what the sandbox of this machine cannot enforce.
    pub(crate) fn warn(&self, made: &Made) {
        for warning in [made.store_warnings(), made.sandbox_warnings()].concat() {
            self.emit(Event::Diagnostic(warning));
        }
    }

    /// Tells of one event.
    pub(crate) fn emit(&self, event: Event) {
        self.sink.emit(event);
    }

    /// The end of a command that builds.
    pub(crate) fn finish(&self, success: bool, tests: bool) {
        self.emit(Event::Finished);
        self.screen.over.store(true, Ordering::Relaxed);
        let wall = self.screen.started.elapsed();
        let summary = self.tally.summary(success, tests, wall);
        self.screen.with(|ui, now| ui.finish(&summary, now));
    }
}

/// A command that ends early takes its live lines away.
impl Drop for Show {
    fn drop(&mut self) {
        if !self.screen.over.swap(true, Ordering::Relaxed) {
            self.screen.with(|ui, now| ui.close(now));
        }
    }
}

fn terminal(environment: &BTreeMap<String, String>) -> Terminal {
    let var = |name: &str| environment.get(name).cloned();
    let size = rustix::termios::tcgetwinsize(io::stderr()).ok();
    Terminal {
        is_terminal: io::stderr().is_terminal(),
        size: size.map(|size| (usize::from(size.ws_col), usize::from(size.ws_row))),
        no_color: var("NO_COLOR"),
        clicolor_force: var("CLICOLOR_FORCE"),
        force_color: var("FORCE_COLOR"),
        term: var("TERM"),
        ci: var("CI"),
    }
}

fn settings(options: &Options, environment: &BTreeMap<String, String>, jobs: u32) -> Settings {
    let terminal = terminal(environment);
    let color = match options.color() {
        "always" => Color::Always,
        "never" => Color::Never,
        _ => Color::Auto,
    };
    let choice = match options.ui() {
        _ if !options.show_progress() => UiChoice::None,
        "full" => UiChoice::Full,
        "plain" => UiChoice::Plain,
        "none" => UiChoice::None,
        _ => UiChoice::Auto,
    };
    let since_midnight = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Settings {
        mode: mode_wanted(choice, &terminal),
        color: color_wanted(color, &terminal),
        test_output: match options.test_output() {
            "summary" => TestOutput::Summary,
            "all" => TestOutput::All,
            "streamed" => TestOutput::Streamed,
            _ => TestOutput::Errors,
        },
        test_summary: match options.test_summary() {
            "terse" => TestSummary::Terse,
            "detailed" | "testcase" => TestSummary::Detailed,
            "none" => TestSummary::None,
            _ => TestSummary::Short,
        },
        verbose_failures: options.verbose_failures(),
        commands: options.subcommands() != "no",
        quiet: options.quiet(),
        verbose: options.verbose(),
        json: options.format() == "json",
        show_result: usize::try_from(options.show_result()).unwrap_or(0),
        jobs: jobs as usize,
        time_of_day: Duration::from_secs(since_midnight.as_secs() % 86_400),
    }
}

/// Prints errors where people look for them.
pub(crate) fn errors(errors: &[Diag]) {
    for error in errors {
        // Where standard error is closed nobody can be told.
        let _ = writeln!(io::stderr(), "{}", error.render());
    }
}

/// A JSON object on standard output.
pub(crate) fn out(value: &serde_json::Value) -> Result<u8, Diag> {
    written(writeln!(io::stdout(), "{value}"))
}

/// The end of writing to standard output: whoever read may have gone, and that is no error.
pub(crate) fn written(result: io::Result<()>) -> Result<u8, Diag> {
    match result {
        Ok(()) => Ok(0),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(0),
        Err(error) => Err(Diag::environment(format!(
            "cannot write the answer: {error}"
        ))),
    }
}
