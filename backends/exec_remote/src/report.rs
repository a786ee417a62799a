//! What became of calls, counted; and the one line about what went wrong.

use std::sync::atomic::{AtomicU64, Ordering};

use kiln_diag::Diag;
use parking_lot::Mutex;

use crate::{Address, CallError};

/// What became of calls (PX-078).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Results that were looked up.
    pub lookups: u64,
    /// Results that were found and used.
    pub hits: u64,
    /// Look-ups that failed, or were not made because the server was not there.
    pub failed_lookups: u64,
    /// Results that were found and not believed.
    pub refused: u64,
    /// Results that were uploaded.
    pub uploads: u64,
    /// Results that could not be uploaded.
    pub failed_uploads: u64,
    /// Bytes of blobs received.
    pub downloaded_bytes: u64,
    /// Bytes of blobs sent.
    pub uploaded_bytes: u64,
    /// Actions that were meant for workers and ran here.
    pub failed_runs: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) lookups: AtomicU64,
    pub(crate) hits: AtomicU64,
    pub(crate) failed_lookups: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) uploads: AtomicU64,
    pub(crate) failed_uploads: AtomicU64,
    pub(crate) downloaded_bytes: AtomicU64,
    pub(crate) uploaded_bytes: AtomicU64,
    pub(crate) failed_runs: AtomicU64,
    first: Mutex<First>,
}

#[derive(Debug, Default)]
struct First {
    failure: Option<CallError>,
    refusal: Option<String>,
}

pub(crate) fn add(counter: &AtomicU64, number: u64) {
    counter.fetch_add(number, Ordering::Relaxed);
}

impl Tally {
    /// Keeps the first failure: later ones mostly say the same.
    pub(crate) fn failure(&self, error: &CallError) {
        self.first
            .lock()
            .failure
            .get_or_insert_with(|| error.clone());
    }

    /// Keeps the first reason why a result was not believed.
    pub(crate) fn refusal(&self, reason: impl Into<String>) {
        add(&self.refused, 1);
        self.first
            .lock()
            .refusal
            .get_or_insert_with(|| reason.into());
    }

    pub(crate) fn counts(&self) -> Counts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            lookups: get(&self.lookups),
            hits: get(&self.hits),
            failed_lookups: get(&self.failed_lookups),
            refused: get(&self.refused),
            uploads: get(&self.uploads),
            failed_uploads: get(&self.failed_uploads),
            downloaded_bytes: get(&self.downloaded_bytes),
            uploaded_bytes: get(&self.uploaded_bytes),
            failed_runs: get(&self.failed_runs),
        }
    }

    /// What people should know at the end; nothing if all went well.
    pub(crate) fn warnings(&self, address: &Address, unfinished: u64) -> Vec<Diag> {
        let counts = self.counts();
        let first = self.first.lock();
        let mut warnings = Vec::new();
        let what = [
            (counts.failed_lookups, "looked up"),
            (counts.failed_uploads + unfinished, "uploaded"),
        ];
        let parts = what.iter().filter(|(number, _)| *number > 0);
        let mut parts: Vec<String> = parts
            .map(|(number, what)| format!("{number} {} not be {what}", results(*number)))
            .collect();
        match counts.failed_runs {
            0 => {}
            1 => parts.push("1 action ran here instead".to_owned()),
            number => parts.push(format!("{number} actions ran here instead")),
        }
        if !parts.is_empty() {
            let text = format!("remote server {address}: {}", parts.join(", "));
            let warning = Diag::environment(text).into_warning();
            warnings.push(match &first.failure {
                Some(error) => with_hint(
                    warning.note(format!("the first failure: {error}")),
                    error,
                    address,
                ),
                None => warning.note("time was up"),
            });
        }
        if let Some(reason) = &first.refusal {
            let (number, them) = match counts.refused {
                1 => ("1 result that was found".to_owned(), "it was"),
                number => (format!("{number} results that were found"), "they were"),
            };
            let text = format!(
                "remote server {address}: {number} could not be used; {them} computed here"
            );
            let warning = Diag::environment(text).into_warning();
            warnings.push(warning.note(format!("the first: {reason}")));
        }
        warnings
    }
}

fn results(number: u64) -> &'static str {
    match number {
        1 => "result could",
        _ => "results could",
    }
}

fn with_hint(warning: Diag, error: &CallError, address: &Address) -> Diag {
    let hints = error.diag(address).hints().to_vec();
    hints.into_iter().fold(warning, Diag::hint)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use tonic::Code;

    use super::*;

    fn check(tally: &Tally, unfinished: u64, expected: Expect) {
        let address = Address::parse("grpcs://cache:80").expect("an address");
        let warnings = tally.warnings(&address, unfinished);
        let texts: Vec<String> = warnings.iter().map(Diag::render).collect();
        expected.assert_eq(&texts.join("\n"));
    }

    /// PX-073, PX-078: counted, and one line.
    #[test]
    fn one_line_for_all_failures() {
        let tally = Tally::default();
        check(&tally, 0, expect![""]);
        check(
            &tally,
            1,
            expect![[r#"
                warning: remote server grpcs://cache:80: 1 result could not be uploaded
                   = time was up"#]],
        );
        add(&tally.failed_lookups, 12);
        add(&tally.failed_uploads, 1);
        tally.failure(&CallError::new(
            "GetActionResult",
            Code::Unavailable,
            "tcp connect error",
        ));
        tally.failure(&CallError::new("Write", Code::Aborted, "later"));
        tally.refusal("`../x` is no declared output");
        check(
            &tally,
            0,
            expect![[r#"
                warning: remote server grpcs://cache:80: 12 results could not be looked up, 1 result could not be uploaded
                   = the first failure: GetActionResult: Unavailable: tcp connect error
                warning: remote server grpcs://cache:80: 1 result that was found could not be used; it was computed here
                   = the first: `../x` is no declared output"#]],
        );
    }
}
