//! Shards, runs, attempts and timeouts.

use std::fs;

use expect_test::expect;
use kiln_testkit::Workspace;

use super::{counts, expect_code, log, table, tests, variable};

const SHARDED: &str = r#"touch "$TEST_SHARD_STATUS_FILE"; env"#;

/// The logs that there are below a test's folder, relative to it.
fn logs(workspace: &Workspace, test: &str) -> Vec<String> {
    let folder = workspace.root().join("kiln-out/testlogs").join(test);
    let mut found = Vec::new();
    let mut pending = vec![folder.clone()];
    while let Some(next) = pending.pop() {
        for entry in fs::read_dir(&next).expect("a folder of logs") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => pending.push(path),
                false => {
                    let path = path.strip_prefix(&folder).expect("a path below");
                    found.push(path.display().to_string());
                }
            }
        }
    }
    found.sort();
    found
}

/// Each shard knows how many there are and which it is, and has a folder of its own.
#[test]
fn shards() {
    let workspace = tests(&[("t", "shard_count = 3", SHARDED)]);
    let output = expect_code(&workspace, "test //:t --format=json", 0);
    assert_eq!(counts(&output), "passed 1");
    assert_eq!(output.json("actions.executed").as_deref(), Some("3"));
    for shard in 0..3 {
        let log = log(&workspace, &format!("t/shard_{}_of_3", shard + 1));
        assert_eq!(variable(&log, "TEST_TOTAL_SHARDS").as_deref(), Some("3"));
        let index = variable(&log, "TEST_SHARD_INDEX");
        assert_eq!(index, Some(shard.to_string()));
    }
}

/// googletest has names of its own for the same, which Bazel sets beside.
#[test]
fn shards_of_googletest() {
    let script = "test \"$GTEST_SHARD_INDEX/$GTEST_TOTAL_SHARDS\" = \"$TEST_SHARD_INDEX/2\" && \
                  touch \"$GTEST_SHARD_STATUS_FILE\"";
    let workspace = tests(&[("t", "shard_count = 2", script)]);
    expect_code(&workspace, "test //:t", 0);
}

/// One failed shard fails the test, which says which.
#[test]
fn a_failed_shard() {
    let script = r#"touch "$TEST_SHARD_STATUS_FILE"; echo "I am $TEST_SHARD_INDEX"; [ $TEST_SHARD_INDEX != 1 ]"#;
    let workspace = tests(&[("t", "shard_count = 2", script)]);
    let output = expect_code(&workspace, "test //:t", 3);
    expect![[r#"
        exit: 3
        --- stdout
        //:t          FAILED in 1 out of 2 runs in [TIME]
          kiln-out/testlogs/t/shard_2_of_2/test.log
        1 test: 1 failed
        --- stderr
        FAILED: //:t (shard 2 of 2: exit code 1) in [TIME], see kiln-out/testlogs/t/shard_2_of_2/test.log
        ==================== Test output for //:t (shard 2 of 2):
        I am 1
        ================================================================================
        //:t:
          kiln-out/fastbuild/bin/t
        hint: run again: kiln test //:t
        failed: 1 of 1 target built in [TIME]; 2 actions: 2 run
    "#]].assert_eq(&output.show());
}

/// A test that ignores which shard it is would run everything in each: it fails (Bazel:
/// `--incompatible_check_sharding_support`).
#[test]
fn shards_that_do_not_know_it() {
    let workspace = tests(&[("t", "shard_count = 2", "true")]);
    let output = expect_code(&workspace, "test //:t", 3);
    expect![[r#"
        exit: 3
        --- stdout
        //:t          FAILED in 2 out of 2 runs in [TIME]
          kiln-out/testlogs/t/shard_1_of_2/test.log
          kiln-out/testlogs/t/shard_2_of_2/test.log
        1 test: 1 failed
        --- stderr
        FAILED: //:t (shard 2 of 2: it has `shard_count`, but did not touch `$TEST_SHARD_STATUS_FILE`: all shards would run the same) in [TIME], see kiln-out/testlogs/t/shard_2_of_2/test.log
        ==================== Test output for //:t (shard 1 of 2):
        ================================================================================
        ==================== Test output for //:t (shard 2 of 2):
        ================================================================================
        //:t:
          kiln-out/fastbuild/bin/t
        hint: run again: kiln test //:t
        failed: 1 of 1 target built in [TIME]; 2 actions: 2 run
    "#]].assert_eq(&output.show());
    let again = expect_code(&workspace, "test //:t --format=json", 3);
    assert_eq!(again.json("actions.executed").as_deref(), Some("2"));
    expect_code(
        &workspace,
        "test //:t --noincompatible_check_sharding_support",
        0,
    );
    expect_code(&workspace, "test //:t --test_sharding_strategy=disabled", 0);
    assert_eq!(log(&workspace, "t"), "");
}

/// `shard_count = 1` is a test with one shard, in the folder of a test without.
#[test]
fn one_shard() {
    let workspace = tests(&[("t", "shard_count = 1", SHARDED)]);
    expect_code(&workspace, "test //:t", 0);
    let log = log(&workspace, "t");
    assert_eq!(variable(&log, "TEST_TOTAL_SHARDS").as_deref(), Some("1"));
}

#[test]
fn too_many_shards() {
    let workspace = tests(&[("t", "shard_count = 51", "true")]);
    let output = expect_code(&workspace, "test //:t", 1);
    expect![[r#"
        error: test `//:t` has `shard_count = 51`, which is no number from 0 to 50
          --> BUILD.bazel:1:1
           |
         1 | sh_test(name = "t", srcs = ["t.sh"], shard_count = 51)
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: run again: kiln test //:t
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]]
    .assert_eq(&output.stderr);
}

/// Passes at the second attempt.
const SECOND: &str = r#"echo "attempt ${TEST_ATTEMPT_NUMBER:-1}"; [ -n "$TEST_ATTEMPT_NUMBER" ]"#;

#[test]
fn flaky_tests_have_three_attempts() {
    let workspace = tests(&[("t", "flaky = True", SECOND)]);
    let output = expect_code(&workspace, "test //:t --format=json", 0);
    assert_eq!(counts(&output), "flaky 1");
    assert_eq!(output.json("actions.executed").as_deref(), Some("2"));
    assert_eq!(log(&workspace, "t"), "attempt 2\n");
    assert_eq!(
        logs(&workspace, "t"),
        [
            "test.log",
            "test.xml",
            "test_attempts/attempt_1.log",
            "test_attempts/attempt_1.xml"
        ]
    );
    let output = expect_code(&workspace, "test //:t", 0);
    assert_eq!(table(&output), ["//:t FLAKY"]);
    // PX-002: what passed as a retry is tried again, not taken from the cache.
    let again = expect_code(&workspace, "test //:t --format=json", 0);
    assert_eq!(again.json("actions.executed").as_deref(), Some("2"));

    let workspace = tests(&[("t", "flaky = True", "false")]);
    let output = expect_code(&workspace, "test //:t --format=json", 3);
    assert_eq!(counts(&output), "failed 1");
    assert_eq!(output.json("actions.executed").as_deref(), Some("3"));
}

/// `--flaky_test_attempts`: for all tests, for those that a filter fits, and the default.
#[test]
fn attempts_by_flag() {
    let workspace = tests(&[("plain", "", SECOND), ("flaky", "flaky = True", SECOND)]);
    for (flags, code, expected) in [
        ("", 3, ["//:flaky FLAKY", "//:plain FAILED"]),
        (
            "--flaky_test_attempts=2",
            0,
            ["//:flaky FLAKY", "//:plain FLAKY"],
        ),
        (
            "--flaky_test_attempts=1",
            3,
            ["//:flaky FAILED", "//:plain FAILED"],
        ),
        (
            "--flaky_test_attempts=:p.*n$@2",
            0,
            ["//:flaky FLAKY", "//:plain FLAKY"],
        ),
        (
            "--flaky_test_attempts=//:.*,-plain@1",
            3,
            ["//:flaky FAILED", "//:plain FAILED"],
        ),
        (
            "--flaky_test_attempts=1 --flaky_test_attempts=flaky@default",
            3,
            ["//:flaky FLAKY", "//:plain FAILED"],
        ),
    ] {
        let output = expect_code(&workspace, &format!("test //... {flags}"), code);
        assert_eq!(table(&output), expected, "{flags}");
    }
    let output = expect_code(&workspace, "test //... --flaky_test_attempts=a(@2", 2);
    expect![[r#"
        error: `a(` is no regular expression: found open group without closing ')'
           = it is in `--flaky_test_attempts`
    "#]]
    .assert_eq(&output.stderr);
}

/// `--runs_per_test`: each run knows its number, and none is taken from a cache.
#[test]
fn runs() {
    let script = r#"echo "run $TEST_RUN_NUMBER""#;
    let workspace = tests(&[("a", "", script), ("b", "", script)]);
    let command = "test //... --format=json --runs_per_test=2 --runs_per_test=:b@3";
    let output = expect_code(&workspace, command, 0);
    assert_eq!(counts(&output), "passed 2");
    assert_eq!(output.json("actions.executed").as_deref(), Some("5"));
    assert_eq!(log(&workspace, "a/run_2_of_2"), "run 2\n");
    assert_eq!(log(&workspace, "b/run_3_of_3"), "run 3\n");
    let output = expect_code(&workspace, command, 0);
    assert_eq!(output.json("actions.executed").as_deref(), Some("5"));
    expect_code(
        &workspace,
        &format!("{command} --cache_test_results=yes"),
        0,
    );
    let output = expect_code(
        &workspace,
        &format!("{command} --cache_test_results=yes"),
        0,
    );
    assert_eq!(counts(&output), "passed 2, cached 2");
}

/// Runs and shards together: every shard is run so often.
#[test]
fn runs_of_shards() {
    let workspace = tests(&[("t", "shard_count = 2", SHARDED)]);
    expect_code(&workspace, "test //:t --runs_per_test=2", 0);
    assert_eq!(
        logs(&workspace, "t")
            .into_iter()
            .filter(|path| path.ends_with(".log"))
            .collect::<Vec<_>>(),
        [
            "shard_1_of_2_run_1_of_2/test.log",
            "shard_1_of_2_run_2_of_2/test.log",
            "shard_2_of_2_run_1_of_2/test.log",
            "shard_2_of_2_run_2_of_2/test.log",
        ]
    );
}

/// By `size`, by `timeout`, by `--test_timeout`.
#[test]
fn timeouts() {
    let workspace = tests(&[
        ("medium", "", "env"),
        ("small", "size = \"small\"", "env"),
        ("large", "size = \"large\"", "env"),
        ("enormous", "size = \"enormous\"", "env"),
        ("both", "size = \"small\", timeout = \"long\"", "env"),
    ]);
    for (flags, expected) in [
        ("", ["900", "3600", "900", "300", "60"]),
        ("--test_timeout=7", ["7", "7", "7", "7", "7"]),
        ("--test_timeout=1,2,-1,4", ["900", "4", "900", "2", "1"]),
    ] {
        expect_code(&workspace, &format!("test //... {flags}"), 0);
        let seconds = ["both", "enormous", "large", "medium", "small"]
            .map(|test| variable(&log(&workspace, test), "TEST_TIMEOUT").unwrap_or_default());
        assert_eq!(seconds, expected, "{flags}");
    }
}

/// A test that runs too long is killed with all it started; what it wrote is kept.
#[test]
fn a_timeout_ends_a_test() {
    let script = "echo begun; sleep 86399.25 & sleep 86399.25";
    let workspace = tests(&[("t", "flaky = True", script)]);
    let output = expect_code(
        &workspace,
        "test //:t --test_timeout=1 --flaky_test_attempts=1",
        3,
    );
    expect![[r#"
        exit: 3
        --- stdout
        //:t          TIMEOUT in [TIME]
          kiln-out/testlogs/t/test.log
        1 test: 1 timed out
        --- stderr
        TIMEOUT: //:t (still running after its timeout of [TIME]) in [TIME], see kiln-out/testlogs/t/test.log
        ==================== Test output for //:t:
        begun
        ================================================================================
        //:t:
          kiln-out/fastbuild/bin/t
        hint: the `size` or `timeout` of a test says how long it may run, or `--test_timeout=SECONDS`
        hint: run again: kiln test //:t
        failed: 1 of 1 target built in [TIME]; 1 action: 1 run
    "#]].assert_eq(&output.show());
    assert_eq!(log(&workspace, "t"), "begun\n");
    let left = fs::read_dir("/proc").expect("/proc").flatten();
    let left = left.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    assert!(left.into_iter().all(|line| line != b"sleep\x0086399.25\0"));
    let output = expect_code(&workspace, "test //:t --test_timeout=1 --format=json", 3);
    assert_eq!(counts(&output), "timeout 1");
}

#[test]
fn sizes_and_timeouts_that_do_not_exist() {
    let mut said = String::new();
    for attribute in ["size = \"tiny\"", "timeout = \"brief\""] {
        let workspace = tests(&[("t", attribute, "true")]);
        said += &expect_code(&workspace, "test //:t", 1).stderr;
    }
    expect![[r#"
        error: attribute `size` of sh_test `//:t`: `tiny` is not one of `small`, `medium`, `large`, `enormous`
          --> BUILD.bazel:1:38
           |
         1 | sh_test(name = "t", srcs = ["t.sh"], size = "tiny")
           |                                      ^^^^^^^^^^^^^
        error: attribute `timeout` of sh_test `//:t`: `brief` is not one of `short`, `moderate`, `long`, `eternal`
          --> BUILD.bazel:1:38
           |
         1 | sh_test(name = "t", srcs = ["t.sh"], timeout = "brief")
           |                                      ^^^^^^^^^^^^^^^^^
    "#]].assert_eq(&said);
}
