//! What a test leaves: logs, reports, files of its own.

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
