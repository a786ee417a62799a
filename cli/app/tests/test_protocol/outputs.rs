//! What a test leaves: logs, reports, files of its own.

use expect_test::expect;
use kiln_testkit::Workspace;

use super::{counts, expect_code, tests};

/// What a test puts into `TEST_UNDECLARED_OUTPUTS_DIR` is kept beside its log, also of a test
/// that failed, and also when the result comes from the cache.
#[test]
fn undeclared_outputs() {
    let script = r#"
cd "$TEST_UNDECLARED_OUTPUTS_DIR"
mkdir -p deep/er
echo one > a.txt
echo two > deep/er/b.txt
[ "$1" != fail ]"#;
    let workspace = tests(&[
        ("passes", "", script),
        ("fails", "args = [\"fail\"]", script),
        ("none", "", "true"),
    ]);
    expect_code(&workspace, "test //...", 3);
    let read = |path: &str| workspace.read(&format!("kiln-out/testlogs/{path}"));
    for test in ["passes", "fails"] {
        let outputs = format!("{test}/test.outputs");
        assert_eq!(read(&format!("{outputs}/a.txt")).as_deref(), Some("one\n"));
        assert_eq!(
            read(&format!("{outputs}/deep/er/b.txt")).as_deref(),
            Some("two\n")
        );
    }
    let none = workspace.root().join("kiln-out/testlogs/none/test.outputs");
    assert!(!none.exists());
    workspace.remove("kiln-out");
    expect_code(&workspace, "test //:passes", 0);
    assert_eq!(read("passes/test.outputs/a.txt").as_deref(), Some("one\n"));
}

/// A test that left `TEST_PREMATURE_EXIT_FILE` behind did not end where it should have: it
/// failed, and runs again.
#[test]
fn premature_exit() {
    let workspace = tests(&[("t", "", "touch \"$TEST_PREMATURE_EXIT_FILE\"; exit 0")]);
    let output = expect_code(&workspace, "test //:t", 3);
    let text = "(exit code 0 before its end: the file `$TEST_PREMATURE_EXIT_FILE` is still there)";
    assert!(output.stderr.contains(text), "{}", output.show());
    let again = expect_code(&workspace, "test //:t --format=json", 3);
    assert_eq!(again.json("actions.executed").as_deref(), Some("1"));
    assert_eq!(counts(&again), "failed 1");
}

/// Warnings and failures of the infrastructure are kept as Bazel keeps them.
#[test]
fn other_files() {
    let script = r#"
echo careful > "$TEST_WARNINGS_OUTPUT_FILE"
echo broken > "$TEST_INFRASTRUCTURE_FAILURE_FILE"
echo loose > "$TEST_TMPDIR/loose""#;
    let workspace = tests(&[("t", "", script)]);
    expect_code(&workspace, "test //:t", 0);
    let read = |path: &str| workspace.read(&format!("kiln-out/testlogs/t/{path}"));
    assert_eq!(read("test.warnings").as_deref(), Some("careful\n"));
    assert_eq!(
        read("test.infrastructure_failure").as_deref(),
        Some("broken\n")
    );
}

/// Standard output and standard error are one log, in the order in which they were written.
#[test]
fn one_log() {
    let workspace = tests(&[("t", "", "echo out; echo err >&2; echo out again")]);
    expect_code(&workspace, "test //:t", 0);
    assert_eq!(super::log(&workspace, "t"), "out\nerr\nout again\n");
}

/// A report, with its times taken out.
#[track_caller]
fn report(workspace: &Workspace, folder: &str) -> String {
    let path = format!("kiln-out/testlogs/{folder}/test.xml");
    let text = workspace.read(&path);
    let text = text.unwrap_or_else(|| panic!("there is no {path}"));
    let mut out = String::new();
    for part in text.split_inclusive('"') {
        let time = part.trim_end_matches('"').parse::<f64>();
        match (
            out.ends_with("time=\"") || out.ends_with("duration=\""),
            time,
        ) {
            (true, Ok(_)) => out += "[TIME]\"",
            (true, Err(error)) => panic!("{part}: {error}"),
            (false, _) => out += part,
        }
    }
    out
}

/// A test that writes no report has one, made from its log: of each shard its own.
#[test]
fn reports() {
    let workspace = tests(&[
        (
            "passes",
            "",
            "echo 'all <is> well ]]>'; printf 'a\\x01\\xffb'",
        ),
        ("fails", "", "echo lost >&2; exit 7"),
        (
            "shards",
            "shard_count = 2",
            "touch \"$TEST_SHARD_STATUS_FILE\"",
        ),
        ("late", "timeout = \"short\"", "echo begun; sleep 86397.5"),
    ]);
    expect_code(&workspace, "test //... --test_timeout=1,-1,-1,-1", 3);
    expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites>
          <testsuite name="passes" tests="1" failures="0" errors="0" time="[TIME]">
            <testcase name="passes" status="run" duration="[TIME]" time="[TIME]"></testcase>
              <system-out>
        Generated test.log (if the file is not UTF-8, then this may be unreadable):
        <![CDATA[all <is> well ]]>]]&gt;<![CDATA[
        a??b]]>
              </system-out>
            </testsuite>
        </testsuites>
    "#]]
    .assert_eq(&report(&workspace, "passes"));
    expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites>
          <testsuite name="fails" tests="1" failures="0" errors="1" time="[TIME]">
            <testcase name="fails" status="run" duration="[TIME]" time="[TIME]"><error message="exited with error code 7"></error></testcase>
              <system-out>
        Generated test.log (if the file is not UTF-8, then this may be unreadable):
        <![CDATA[lost
        ]]>
              </system-out>
            </testsuite>
        </testsuites>
    "#]].assert_eq(&report(&workspace, "fails"));
    expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites>
          <testsuite name="shards_shard_2/2" tests="1" failures="0" errors="0" time="[TIME]">
            <testcase name="shards_shard_2/2" status="run" duration="[TIME]" time="[TIME]"></testcase>
              <system-out>
        Generated test.log (if the file is not UTF-8, then this may be unreadable):
        <![CDATA[]]>
              </system-out>
            </testsuite>
        </testsuites>
    "#]]
    .assert_eq(&report(&workspace, "shards/shard_2_of_2"));
    expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites>
          <testsuite name="late" tests="1" failures="0" errors="1" time="[TIME]">
            <testcase name="late" status="run" duration="[TIME]" time="[TIME]"><error message="Timed out"></error></testcase>
              <system-out>
        Generated test.log (if the file is not UTF-8, then this may be unreadable):
        <![CDATA[begun
        ]]>
              </system-out>
            </testsuite>
        </testsuites>
    "#]]
    .assert_eq(&report(&workspace, "late"));
}

/// A result from the cache has the report of the run, its times included.
#[test]
fn a_report_from_the_cache() {
    let workspace = tests(&[("t", "", "echo text")]);
    let path = "kiln-out/testlogs/t/test.xml";
    expect_code(&workspace, "test //:t", 0);
    let first = workspace.read(path).expect("a report");
    workspace.remove("kiln-out");
    let output = expect_code(&workspace, "test //:t --format=json", 0);
    assert_eq!(counts(&output), "passed 1, cached 1");
    assert_eq!(workspace.read(path), Some(first));
}

/// The report of a test that writes one is kept as it is.
#[test]
fn a_report_of_the_test() {
    let script = "echo '<testsuites><own/></testsuites>' > \"$XML_OUTPUT_FILE\"; exit 1";
    let workspace = tests(&[("t", "", script)]);
    expect_code(&workspace, "test //:t", 3);
    let report = workspace.read("kiln-out/testlogs/t/test.xml");
    assert_eq!(report.as_deref(), Some("<testsuites><own/></testsuites>\n"));
}

/// What is no file is no report, and a link is not followed.
#[test]
fn what_is_no_report() {
    let workspace = tests(&[
        ("link", "", "ln -s /etc/passwd \"$XML_OUTPUT_FILE\""),
        ("folder", "", "mkdir \"$XML_OUTPUT_FILE\""),
        (
            "outputs",
            "",
            "rmdir \"$TEST_UNDECLARED_OUTPUTS_DIR\"; ln -s / \"$TEST_UNDECLARED_OUTPUTS_DIR\"",
        ),
    ]);
    expect_code(&workspace, "test //...", 0);
    for test in ["link", "folder"] {
        let report = report(&workspace, test);
        assert!(
            report.contains(&format!("<testsuite name=\"{test}\"")),
            "{report}"
        );
    }
    let outputs = workspace
        .root()
        .join("kiln-out/testlogs/outputs/test.outputs");
    assert!(outputs.symlink_metadata().is_err());
}
