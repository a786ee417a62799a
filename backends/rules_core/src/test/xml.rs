//! The report of a test that writes none itself, in the form that Bazel gives it.

use std::fmt::Write;
use std::time::Duration;

use kiln_process::Exit;

/// Bytes of a log that a report repeats at most: the last ones, where a test says how it ended.
const MAX_LOG: usize = 16 << 20;

/// What a report is made of: nothing but the result of the action, so that one from a cache has
/// the report of the run.
pub(super) struct Report<'a> {
    /// The test's program.
    pub(super) binary: &'a str,
    /// Which shard of how many.
    pub(super) shard: Option<(u32, u32)>,
    /// How it ended.
    pub(super) exit: Exit,
    /// Why it is no success.
    pub(super) error: Option<&'a str>,
    /// Its run time.
    pub(super) elapsed: Duration,
    /// What it wrote: any bytes.
    pub(super) log: &'a [u8],
}

/// The report.
pub(super) fn render(report: &Report<'_>) -> String {
    let name = report.binary.trim_start_matches("./");
    let mut name = attribute(name.strip_prefix("../").unwrap_or(name));
    if let Some((shard, shards)) = report.shard {
        // Reports of shards are put together by their names.
        let _ = write!(name, "_shard_{shard}/{shards}");
    }
    let error = match (report.exit, report.error) {
        (_, None) => String::new(),
        (Exit::TimedOut, _) => error("Timed out"),
        (Exit::Signal(signal), _) => error(&format!("Terminated by signal {signal}")),
        (Exit::Code(0), Some(text)) => error(text),
        (Exit::Code(code), _) => error(&format!("exited with error code {code}")),
    };
    let errors = u8::from(!error.is_empty());
    let time = format!("{:.3}", report.elapsed.as_secs_f64());
    let (cut, log) = match report.log.len().checked_sub(MAX_LOG) {
        None | Some(0) => (String::new(), report.log),
        Some(cut) => (format!("({cut} bytes left out)\n"), &report.log[cut..]),
    };
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="{name}" tests="1" failures="0" errors="{errors}" time="{time}">
    <testcase name="{name}" status="run" duration="{time}" time="{time}">{error}</testcase>
      <system-out>
Generated test.log (if the file is not UTF-8, then this may be unreadable):
<![CDATA[{cut}{}]]>
      </system-out>
    </testsuite>
</testsuites>
"#,
        cdata(log)
    )
}

fn error(message: &str) -> String {
    format!(r#"<error message="{}"></error>"#, attribute(message))
}

/// A text as the value of an attribute.
fn attribute(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().map(valid) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => {
                let _ = write!(out, "&#{};", c as u32);
            }
            c => out.push(c),
        }
    }
    out
}

/// Any bytes as the content of a CDATA section: what cannot stand in XML is a question mark, and
/// what would end the section is split between two.
fn cdata(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.extend(chunk.valid().chars().map(valid));
        out.extend(chunk.invalid().iter().map(|_| '?'));
    }
    out.replace("]]>", "]]>]]&gt;<![CDATA[")
}

/// A character that XML 1.0 allows.
fn valid(c: char) -> char {
    match c {
        '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'.. => c,
        _ => '?',
    }
}
