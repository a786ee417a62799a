//! Showing what happens. All printing of the binary is here and in the verbs that answer on
//! standard output.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use kiln_diag::Diag;
use kiln_events::{Event, EventSink, Tally, Tee};
use kiln_options::Options;
use kiln_store::Store;

struct Print;
impl EventSink for Print {
    fn emit(&self, event: Event) {
        match event {
            Event::Diagnostic(diag) => eprintln!("{diag}"),
            Event::TestFinished(test) => eprintln!(
                "{} {} {:?} cached={}",
                test.status, test.label, test.elapsed, test.cached
            ),
            Event::ActionFinished {
                action,
                source,
                elapsed,
                ..
            } => eprintln!("{source:?} {} {:?}", action.progress, elapsed),
            _ => {}
        }
    }
}

/// What a command shows.
pub(crate) struct Show {
    tally: Arc<Tally>,
    sink: Arc<dyn EventSink>,
    json: bool,
}

impl Show {
    pub(crate) fn new(options: &Options, _environment: &BTreeMap<String, String>) -> Show {
        let tally = Arc::new(Tally::default());
        let sink: Arc<dyn EventSink> = Arc::new(Tee(vec![tally.clone(), Arc::new(Print)]));
        Show {
            tally,
            sink,
            json: options.format() == "json",
        }
    }

    pub(crate) fn sink(&self) -> Arc<dyn EventSink> {
        self.sink.clone()
    }

    pub(crate) fn emit(&self, event: Event) {
        self.sink.emit(event);
    }

    pub(crate) fn finish(
        &self,
        success: bool,
        tests: bool,
        wall: Duration,
        _store: &Store,
    ) -> Result<(), Diag> {
        self.emit(Event::Finished);
        let summary = self.tally.summary(success, tests, wall);
        eprintln!("{summary:?} {}", self.json);
        Ok(())
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

/// A size for people.
pub(crate) fn bytes(count: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut size = count as f64;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < units.len() {
        size /= 1024.0;
        unit += 1;
    }
    match unit {
        0 => format!("{count} B"),
        _ => format!("{size:.1} {}", units[unit]),
    }
}
