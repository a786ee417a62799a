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
        (Exit::Limit(limit), _) => error(&format!("Used more than {limit}")),
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

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use proptest::prelude::*;
    use roxmltree::Document;

    use super::*;

    fn report<'a>(binary: &'a str, exit: Exit, log: &'a [u8]) -> Report<'a> {
        Report {
            binary,
            shard: None,
            exit,
            error: (!exit.success()).then_some("what the user was told"),
            elapsed: Duration::from_millis(1234),
            log,
        }
    }

    /// What the log is to whoever reads the report.
    fn read_log(xml: &str) -> String {
        let document = Document::parse(xml).expect(xml);
        let mut nodes = document.descendants();
        let out = nodes.find(|node| node.has_tag_name("system-out"));
        let out = out.expect("a system-out");
        let text: String = out.children().filter_map(|node| node.text()).collect();
        let (_, text) = text.split_once("unreadable):\n").expect("a heading");
        text.strip_suffix("\n      ").expect("an end").to_owned()
    }

    #[test]
    fn a_report() {
        let mut failed = report("../r/a&b_test", Exit::Code(3), b"one \xff\x00 ]]> two\n");
        failed.shard = Some((2, 3));
        expect![[r#"
            <?xml version="1.0" encoding="UTF-8"?>
            <testsuites>
              <testsuite name="r/a&amp;b_test_shard_2/3" tests="1" failures="0" errors="1" time="1.234">
                <testcase name="r/a&amp;b_test_shard_2/3" status="run" duration="1.234" time="1.234"><error message="exited with error code 3"></error></testcase>
                  <system-out>
            Generated test.log (if the file is not UTF-8, then this may be unreadable):
            <![CDATA[one ?? ]]>]]&gt;<![CDATA[ two
            ]]>
                  </system-out>
                </testsuite>
            </testsuites>
        "#]].assert_eq(&render(&failed));
    }

    #[test]
    fn errors() {
        let message = |report: Report<'_>| {
            let xml = render(&report);
            let document = Document::parse(&xml).expect("XML");
            let suite = document.descendants().find(|n| n.has_tag_name("testsuite"));
            let count = suite.and_then(|suite| suite.attribute("errors"));
            let error = document.descendants().find(|n| n.has_tag_name("error"));
            let message = error.and_then(|error| error.attribute("message"));
            format!("{} {}", count.unwrap_or("?"), message.unwrap_or("none"))
        };
        for (exit, expected) in [
            (Exit::Code(0), "0 none"),
            (Exit::Code(7), "1 exited with error code 7"),
            (Exit::Signal(6), "1 Terminated by signal 6"),
            (Exit::TimedOut, "1 Timed out"),
        ] {
            assert_eq!(message(report("a", exit, b"")), expected);
        }
        let early = Report {
            error: Some("too early: `<a>` & \"b\""),
            ..report("a", Exit::Code(0), b"")
        };
        assert_eq!(message(early), "1 too early: `<a>` & \"b\"");
    }

    #[test]
    fn the_end_of_a_long_log() {
        let mut log = vec![b'a'; MAX_LOG + 5];
        log.extend_from_slice(b"the end");
        let xml = render(&report("a", Exit::Code(0), &log));
        let read = read_log(&xml);
        assert!(read.starts_with("(12 bytes left out)\naaa"));
        assert!(read.ends_with("aaathe end"));
    }

    /// Texts that are likely to go wrong.
    fn texts() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("]]>".to_owned()),
            Just("]".to_owned()),
            Just(">".to_owned()),
            Just("<![CDATA[".to_owned()),
            Just("&amp;<a b=\"c\">".to_owned()),
            any::<char>().prop_map(String::from),
            any::<String>(),
        ];
        prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn whatever_the_log_is_the_report_is_xml(
            log in prop::collection::vec(any::<u8>(), 0..200),
            binary in any::<String>(),
            code in any::<i32>(),
        ) {
            let xml = render(&report(&binary, Exit::Code(code), &log));
            prop_assert!(Document::parse(&xml).is_ok(), "{xml}");
        }

        #[test]
        fn a_text_is_in_the_report(log in texts(), name in texts()) {
            let xml = render(&report(&name, Exit::Code(0), log.as_bytes()));
            // Every reader of XML makes these one line feed.
            let lines = log.replace("\r\n", "\n").replace('\r', "\n");
            let expected: String = lines.chars().map(valid).collect();
            prop_assert_eq!(read_log(&xml), expected);
        }
    }
}
