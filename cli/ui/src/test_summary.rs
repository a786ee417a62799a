//! What came of the tests (UI-011).

use std::fmt::Write;
use std::time::Duration;

use kiln_events::{TestEvent, TestStatus};

use crate::duration;
use crate::progress::count;
use crate::sanitize::sanitize;
use crate::settings::TestSummary;
use crate::style::Style;

/// A line for each test, sorted by label, and a line that sums up. Empty without tests.
pub(crate) fn summary(tests: &[TestEvent], kind: TestSummary, style: Style) -> String {
    let mut out = String::new();
    if tests.is_empty() || kind == TestSummary::None {
        return out;
    }
    let mut sorted: Vec<&TestEvent> = tests.iter().collect();
    sorted.sort_by(|a, b| a.label.cmp(&b.label));
    let width = sorted
        .iter()
        .map(|test| test.label.chars().count())
        .max()
        .unwrap_or(0)
        .min(70);
    for test in &sorted {
        if kind != TestSummary::Terse || !test.status.success() {
            line(&mut out, test, width, style);
            if kind == TestSummary::Detailed {
                attempts(&mut out, test, style);
            }
        }
    }
    total(&mut out, tests);
    out
}

/// `//a:t   (cached) PASSED in 0.3s`; logs of what did not pass are on lines of their own.
fn line(out: &mut String, test: &TestEvent, width: usize, style: Style) {
    let label = sanitize(&test.label, false);
    let cached = if test.cached {
        "(cached) "
    } else {
        "         "
    };
    let _ = write!(out, "{label:width$} {cached}{}", word(test.status, style));
    let failed = test
        .attempts
        .iter()
        .filter(|attempt| !attempt.status.success())
        .count();
    match test.status {
        TestStatus::Skipped | TestStatus::NotBuilt => {}
        TestStatus::Passed => {
            let _ = write!(out, " in {}", duration::shown(test.elapsed));
        }
        TestStatus::Flaky | TestStatus::Failed | TestStatus::Timeout => {
            if test.attempts.len() > 1 {
                let _ = write!(
                    out,
                    " in {failed} out of {}",
                    count(test.attempts.len(), "run")
                );
            }
            let _ = write!(out, " in {}", duration::shown(test.elapsed));
        }
    }
    out.push('\n');
    let failed = test.attempts.iter().filter(|a| !a.status.success());
    for attempt in failed {
        let _ = writeln!(out, "  {}", sanitize(&attempt.log_path, false));
    }
}

fn attempts(out: &mut String, test: &TestEvent, style: Style) {
    for attempt in &test.attempts {
        let mut name = format!("run {}", attempt.run);
        if let Some((shard, _)) = attempt.shard {
            name += &format!(", shard {shard}");
        }
        if attempt.attempt > 1 {
            name += &format!(", attempt {}", attempt.attempt);
        }
        let how = match attempt.status.success() {
            true => String::new(),
            false => format!(" ({})", sanitize(&attempt.exit, false)),
        };
        let elapsed = duration::shown(attempt.elapsed);
        let _ = writeln!(
            out,
            "    {name}: {}{how} in {elapsed}",
            word(attempt.status, style)
        );
    }
}

fn word(status: TestStatus, style: Style) -> String {
    let word = status.word();
    match status {
        TestStatus::Passed => style.green(word),
        TestStatus::Flaky => style.yellow(word),
        TestStatus::Skipped => style.dim(word),
        TestStatus::Failed | TestStatus::Timeout | TestStatus::NotBuilt => style.red(word),
    }
}

/// `3 tests: 2 passed, 1 failed; 1 from cache.`
fn total(out: &mut String, tests: &[TestEvent]) {
    let of = |status: TestStatus| tests.iter().filter(|test| test.status == status).count();
    let counts = [
        (of(TestStatus::Passed), "passed"),
        (of(TestStatus::Flaky), "flaky"),
        (of(TestStatus::Failed), "failed"),
        (of(TestStatus::Timeout), "timed out"),
        (of(TestStatus::NotBuilt), "not built"),
        (of(TestStatus::Skipped), "skipped"),
    ];
    let counts: Vec<String> = counts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{number} {word}"))
        .collect();
    let cached = tests.iter().filter(|test| test.cached).count();
    let cached = match cached {
        0 => String::new(),
        cached => format!("; {cached} from cache"),
    };
    let _ = writeln!(
        out,
        "{}: {}{cached}",
        count(tests.len(), "test"),
        counts.join(", ")
    );
}

/// The command that runs what did not pass again; `None` if all did (UI-011).
pub(crate) fn rerun(tests: &[TestEvent]) -> Option<String> {
    let failed = tests.iter().filter(|test| !test.status.success());
    let mut labels: Vec<String> = failed
        .map(|test| quote(&sanitize(&test.label, false)))
        .collect();
    labels.sort();
    (!labels.is_empty()).then(|| format!("kiln test {}", labels.join(" ")))
}

/// A word as a shell takes it.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./_-".contains(c);
    match word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// The output of a part of a test between two rules (Bazel).
pub(crate) fn output(label: &str, part: &str, text: &str, style: Style) -> String {
    let mut label = sanitize(label, false);
    if !part.is_empty() {
        label += &format!(" ({part})");
    }
    let text = sanitize(text, style.color);
    let rule = "=".repeat(80);
    let end = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    let head = style.bold(&format!("{} Test output for {label}:", "=".repeat(20)));
    format!("{head}\n{text}{end}{rule}\n")
}

/// The line that says that a test did not pass, as soon as it is known.
pub(crate) fn failure(test: &TestEvent, style: Style) -> String {
    let mut text = word(test.status, style);
    let _ = write!(text, ": {}", sanitize(&test.label, false));
    let last = test
        .attempts
        .iter()
        .rev()
        .find(|attempt| !attempt.status.success());
    if let Some(attempt) = last {
        let how = [attempt.part(), sanitize(&attempt.exit, false)];
        let how: Vec<String> = how.into_iter().filter(|text| !text.is_empty()).collect();
        if !how.is_empty() {
            let _ = write!(text, " ({})", how.join(": "));
        }
    }
    if test.elapsed > Duration::ZERO {
        let _ = write!(text, " in {}", duration::shown(test.elapsed));
    }
    if let Some(attempt) = last {
        let _ = write!(text, ", see {}", sanitize(&attempt.log_path, false));
    }
    text + "\n"
}
