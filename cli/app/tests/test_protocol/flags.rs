//! Flags that say how tests run.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use expect_test::expect;
use kiln_testkit::Workspace;
use tempfile::TempDir;

use super::{KILN, counts, expect_code, log, table, tests, variable};

/// A folder that all tests see if there is no sandbox. They may run as somebody else.
fn shared() -> TempDir {
    let folder = TempDir::new().expect("a folder");
    fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).expect("a mode");
    folder
}

/// Three tests that fail if they meet another one.
fn alone(folder: &TempDir, attributes: &str) -> Workspace {
    let script = format!(
        r#"
set -e
exec 9>"{0}/lock"
flock --nonblock 9
# Long enough that another one would start, if it could.
for i in $(seq 200); do /bin/true; done
echo "$TEST_TARGET" >> "{0}/order""#,
        folder.path().display()
    );
    tests(&["a", "b", "c"].map(|name| (name, attributes, &*script)))
}

/// `exclusive`, `--test_strategy=exclusive`, `--local_test_jobs`, `--test_output=streamed`: no two
/// tests at a time.
#[test]
fn one_at_a_time() {
    for (attributes, flags) in [
        ("tags = [\"exclusive\"]", ""),
        ("", "--test_strategy=exclusive"),
        ("", "--local_test_jobs=1"),
        ("", "--local_test_jobs=HOST_CPUS*.01"),
        ("", "--test_output=streamed"),
    ] {
        let folder = shared();
        let workspace = alone(&folder, attributes);
        let command = format!("test //... --jobs=8 --sandbox=off {flags}");
        expect_code(&workspace, &command, 0);
        let order = fs::read_to_string(folder.path().join("order")).expect("an order");
        assert_eq!(order.lines().count(), 3, "{flags}");
    }
}

/// Otherwise as many run as there are jobs: these two wait for each other.
#[test]
fn several_at_a_time() {
    for flags in [
        "",
        "--local_test_jobs=2",
        "--local_test_jobs=0",
        "--test_strategy=standalone",
    ] {
        let folder = shared();
        let script = |own: &str, other: &str| {
            let folder = folder.path().display();
            format!("touch {folder}/{own}; until [ -e {folder}/{other} ]; do sleep 0.01; done")
        };
        let (a, b) = (script("a", "b"), script("b", "a"));
        let workspace = tests(&[("a", "", &a), ("b", "", &b)]);
        expect_code(
            &workspace,
            &format!("test //... --jobs=2 --sandbox=off {flags}"),
            0,
        );
    }
}

/// `--test_runner_fail_fast` asks the test; it can do nothing else.
#[test]
fn fail_fast() {
    let workspace = tests(&[("t", "", "env")]);
    expect_code(&workspace, "test //:t --test_runner_fail_fast", 0);
    let value = variable(&log(&workspace, "t"), "TESTBRIDGE_TEST_RUNNER_FAIL_FAST");
    assert_eq!(value.as_deref(), Some("1"));
}

/// `--notest_keep_going`: the first failed test ends the command. The other one would run longer
/// than anybody waits.
#[test]
fn no_keep_going() {
    let workspace = tests(&[("fails", "", "false"), ("slow", "", "sleep 86396.5")]);
    let output = expect_code(&workspace, "test //... --jobs=2 --notest_keep_going", 3);
    assert_eq!(table(&output), ["//:fails FAILED"]);
}

/// `--runs_per_test_detects_flakes`
#[test]
fn runs_that_differ() {
    let workspace = tests(&[("t", "", "[ $TEST_RUN_NUMBER != 2 ]")]);
    let command = "test //:t --runs_per_test=3 --format=json";
    let output = expect_code(&workspace, command, 3);
    assert_eq!(counts(&output), "failed 1");
    let command = format!("{command} --runs_per_test_detects_flakes");
    let output = expect_code(&workspace, &command, 0);
    assert_eq!(counts(&output), "flaky 1");
}

const UNDER: &str = r#"
//- BUILD.bazel
sh_test(
    name = "t",
    srcs = ["t.sh"],
    args = ["own"],
)
sh_binary(
    name = "greet",
    srcs = ["t.sh"],
    args = ["own"],
)
//- t.sh
#!/bin/bash
echo "$GREETING: $*"
//- tools/BUILD.bazel
sh_binary(
    name = "wrap",
    srcs = ["wrap.sh"],
    data = ["greeting.txt"],
)
//- tools/wrap.sh
#!/bin/bash
echo "wrapped: $1"
shift
# Its runfiles are those of the test, or its own where it stands in front of a program.
export GREETING=$(cat {"$RUNFILES_DIR","$0.runfiles"}/_main/tools/greeting.txt 2>/dev/null)
exec "$@"
//- tools/greeting.txt
hello
"#;

/// `--run_under` with a command, found on the `PATH`; its words as a shell has them.
#[test]
fn a_command_in_front() {
    let workspace = Workspace::with(KILN, UNDER);
    let arguments = [
        "test",
        "//:t",
        "--test_arg=last",
        "--run_under=env 'GREETING=good day'",
    ];
    let output = workspace.run("", &arguments);
    assert_eq!(output.code, Some(0), "{}", output.show());
    assert_eq!(log(&workspace, "t"), "good day: own last\n");
}

/// `--run_under` with a target: it is built, and has its runfiles among those of the test.
#[test]
fn a_target_in_front() {
    let workspace = Workspace::with(KILN, UNDER);
    let arguments = ["test", "//:t", "--run_under=//tools:wrap 'one word'"];
    let output = workspace.run("", &arguments);
    assert_eq!(output.code, Some(0), "{}", output.show());
    assert_eq!(log(&workspace, "t"), "wrapped: one word\nhello: own\n");
}

/// `kiln run` puts it in front as well; there a shell reads a command.
#[test]
fn something_in_front_of_a_program() {
    let workspace = Workspace::with(KILN, UNDER).env("GREETING", "hi");
    for (under, expected) in [
        ("env GREETING=good\\ day", "good day: own more\n"),
        ("echo first &&", "first\nhi: own more\n"),
        ("//tools:wrap 'a b'", "wrapped: a b\nhello: own more\n"),
    ] {
        let flag = format!("--run_under={under}");
        let output = workspace.run("", &["run", &flag, "//:greet", "--", "more"]);
        assert_eq!(output.code, Some(0), "{}", output.show());
        assert_eq!(output.stdout, expected, "{under}");
    }
}

#[test]
fn nothing_to_put_in_front() {
    let workspace = Workspace::with(KILN, UNDER);
    let mut said = String::new();
    for (verb, target, under) in [
        ("test", "//:t", "//tools:nothing"),
        ("test", "//:t", "//tools:greeting.txt"),
        ("test", "//:t", "@nowhere//:x"),
        ("test", "//:t", "echo 'a"),
        ("run", "//:greet", "//tools:greeting.txt"),
        ("test", "//:t", "no_such_program"),
    ] {
        let flag = format!("--run_under={under}");
        let output = workspace.run("", &[verb, target, &flag, "--ui=none"]);
        said += &format!("$ kiln {verb} {target} {flag}\n{}\n", output.show());
    }
    expect![[r#"
        $ kiln test //:t --run_under=//tools:nothing
        exit: 1
        --- stdout
        //:t          NO STATUS
        1 test: 1 not built
        --- stderr
        error: no such target `//tools:nothing`: `tools/BUILD.bazel` declares no target `nothing` and there is no such file
           = it is what `--run_under` names
        hint: correct the label, declare `nothing` in `tools/BUILD.bazel`, or create the file
        hint: run again: kiln test //:t
        failed: 0 of 1 target built, 1 failed in [TIME]

        $ kiln test //:t --run_under=//tools:greeting.txt
        exit: 2
        --- stdout
        //:t          NO STATUS
        1 test: 1 not built
        --- stderr
        error: `--run_under=//tools:greeting.txt`: the target is a file
        hint: name a target that `kiln run` could run, or a command
        hint: run again: kiln test //:t
        failed: 0 of 1 target built, 1 failed in [TIME]

        $ kiln test //:t --run_under=@nowhere//:x
        exit: 1
        --- stdout
        //:t          NO STATUS
        1 test: 1 not built
        --- stderr
        error: repository `@nowhere` is not available
           = it is what `--run_under` names
        hint: declare it in MODULE.bazel: bazel_dep(name = "nowhere", version = "...")
        hint: run again: kiln test //:t
        failed: 0 of 1 target built, 1 failed in [TIME]

        $ kiln test //:t --run_under=echo 'a
        exit: 2
        --- stderr
        error: `echo 'a` is no value for `--run_under`: expected a command as for a shell, or a label and arguments

        $ kiln run //:greet --run_under=//tools:greeting.txt
        exit: 2
        --- stderr
        error: `//tools:greeting.txt` is a `source file` and cannot be run
        hint: binaries and tests can be run

        $ kiln test //:t --run_under=no_such_program
        exit: 3
        --- stdout
        //:t          FAILED in [TIME]
          kiln-out/testlogs/t/test.log
        1 test: 1 failed
        --- stderr
        FAILED: //:t (exit code 127) in [TIME], see kiln-out/testlogs/t/test.log
        ==================== Test output for //:t:
        kiln-out/fastbuild/bin/t: line 30: exec: no_such_program: not found
        ================================================================================
        //:t:
          kiln-out/fastbuild/bin/t
        hint: run again: kiln test //:t
        failed: 1 of 1 target built in [TIME]; 1 action: 1 run

    "#]].assert_eq(&said);
}

#[test]
fn a_strategy_that_does_not_exist() {
    let workspace = tests(&[("t", "", "true")]);
    let output = expect_code(&workspace, "test //:t --test_strategy=exlusive", 2);
    expect![[r#"
        error: `exlusive` is no value for `--test_strategy`: expected `exclusive`, `standalone`, `sandboxed`, or another strategy of Bazel's
    "#]].assert_eq(&output.stderr);
    expect_code(&workspace, "test //:t --test_strategy=sandboxed,local", 0);
}
