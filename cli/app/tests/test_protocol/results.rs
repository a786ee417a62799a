//! What a user is told: exit codes, counts, output, results from the cache.

use expect_test::expect;
use kiln_testkit::Workspace;

use super::{KILN, counts, expect_code, table, tests};

/// Each kind of outcome with its exit code (cli.md 1.4) and its place in the JSON summary.
#[test]
fn kinds_of_outcomes() {
    let workspace = Workspace::with(
        KILN,
        r#"
//- BUILD.bazel
constraint_setting(name = "setting")
constraint_value(name = "elsewhere", constraint_setting = ":setting")
sh_test(name = "passes", srcs = ["passes.sh"])
sh_test(name = "fails", srcs = ["fails.sh"])
sh_test(name = "killed", srcs = ["killed.sh"])
sh_test(name = "late", srcs = ["late.sh"])
sh_test(name = "flaky", srcs = ["flaky.sh"], flaky = True)
sh_test(name = "skipped", srcs = ["passes.sh"], target_compatible_with = [":elsewhere"])
sh_test(name = "unbuilt", srcs = ["passes.sh"], data = [":broken"])
genrule(name = "broken", outs = ["broken.txt"], cmd = "exit 9")
genrule(name = "fine", outs = ["fine.txt"], cmd = "touch $@")
//- passes.sh
#!/bin/bash
//- fails.sh
#!/bin/bash
exit 7
//- killed.sh
#!/bin/bash
kill -ABRT $$
//- late.sh
#!/bin/bash
sleep 86398.5
//- flaky.sh
#!/bin/bash
[ -n "$TEST_ATTEMPT_NUMBER" ]
"#,
    );
    for (arguments, code, targets, tests) in [
        ("//:passes", 0, "1 1 0 0", "passed 1"),
        ("//:passes", 0, "1 1 0 0", "passed 1, cached 1"),
        ("//:fails", 3, "1 1 0 0", "failed 1"),
        ("//:killed", 3, "1 1 0 0", "failed 1"),
        ("//:late --test_timeout=1", 3, "1 1 0 0", "timeout 1"),
        ("//:flaky", 0, "1 1 0 0", "flaky 1"),
        ("//:unbuilt", 1, "1 0 0 1", "failed 1"),
        ("//:fine", 4, "1 1 0 0", ""),
        ("//:nowhere", 1, "0 0 0 0", ""),
        (
            "//:fails //:passes",
            3,
            "2 2 0 0",
            "passed 1, failed 1, cached 1",
        ),
        ("//:fails //:unbuilt -k", 1, "2 1 0 1", "failed 2"),
        (
            "//... -k --test_timeout=1",
            1,
            "11 8 1 2",
            "passed 1, failed 3, timeout 1, flaky 1, skipped 1",
        ),
    ] {
        let output = expect_code(&workspace, &format!("test {arguments} --format=json"), code);
        let target = |name: &str| output.json(&format!("targets.{name}")).unwrap_or_default();
        let found = ["requested", "built", "skipped", "failed"]
            .map(target)
            .join(" ");
        // A command that ends before it knows its targets has no summary.
        if !output.stdout.is_empty() {
            assert_eq!(found, targets, "{arguments}\n{}", output.show());
        }
        assert_eq!(counts(&output), tests, "{arguments}\n{}", output.show());
    }
    let output = expect_code(
        &workspace,
        "test //... -k --test_timeout=1 --test_output=summary",
        1,
    );
    expect![[r#"
        //:fails            FAILED in [TIME]
          kiln-out/testlogs/fails/test.log
        //:flaky            FLAKY in 1 out of 2 runs in [TIME]
          kiln-out/testlogs/flaky/test_attempts/attempt_1.log
        //:killed           FAILED in [TIME]
          kiln-out/testlogs/killed/test.log
        //:late             TIMEOUT in [TIME]
          kiln-out/testlogs/late/test.log
        //:passes  (cached) PASSED in [TIME]
        //:skipped          SKIPPED
        //:unbuilt          NO STATUS
        7 tests: 1 passed, 1 flaky, 2 failed, 1 timed out, 1 not built, 1 skipped; 1 from cache
    "#]]
    .assert_eq(&output.stdout);
}

/// `--cache_test_results`: results of tests that passed are used again, of those that failed
/// only if all are.
#[test]
fn results_from_the_cache() {
    let workspace = tests(&[("passes", "", "true"), ("fails", "", "false")]);
    for (flags, expected) in [
        ("", "passed 1, failed 1"),
        ("", "passed 1, failed 1, cached 1"),
        ("--cache_test_results=auto", "passed 1, failed 1, cached 1"),
        ("--cache_test_results=yes", "passed 1, failed 1, cached 1"),
        ("--cache_test_results=yes", "passed 1, failed 1, cached 2"),
        ("", "passed 1, failed 1, cached 1"),
        ("--cache_test_results=no", "passed 1, failed 1"),
        ("--nocache_test_results", "passed 1, failed 1"),
        ("-t-", "passed 1, failed 1"),
        ("--force", "passed 1, failed 1"),
        ("", "passed 1, failed 1, cached 1"),
        ("--cache_test_results=yes", "passed 1, failed 1, cached 2"),
    ] {
        let output = expect_code(&workspace, &format!("test //... --format=json {flags}"), 3);
        assert_eq!(counts(&output), expected, "{flags}");
    }
}

/// A test that was made to run and failed is not said to have passed afterwards, although nothing
/// changed that it gets. This one finds out when it was run by what is outside of its sandbox.
#[test]
fn what_is_known_gives_way_to_a_forced_run() {
    let workspace = tests(&[("t", "", "[ ! -e \"$GONE\" ]")]);
    let gone = workspace.root().join("gone");
    let flags = format!(
        "--sandbox=off --test_env=GONE={} --format=json",
        gone.display()
    );
    let run = |more: &str, code: i32| {
        let output = expect_code(&workspace, &format!("test //:t {flags} {more}"), code);
        counts(&output)
    };
    assert_eq!(run("", 0), "passed 1");
    assert_eq!(run("", 0), "passed 1, cached 1");
    workspace.write("gone", "");
    assert_eq!(run("", 0), "passed 1, cached 1");
    assert_eq!(run("--force", 3), "failed 1");
    assert_eq!(run("", 3), "failed 1");
    assert_eq!(run("--cache_test_results=yes", 3), "failed 1, cached 1");
    workspace.remove("gone");
    assert_eq!(run("--force", 0), "passed 1");
    assert_eq!(run("", 0), "passed 1, cached 1");
}

/// `external`: never from the cache. `no-cache` likewise.
#[test]
fn tests_that_are_not_cached() {
    let workspace = tests(&[
        ("external", "tags = [\"external\"]", "true"),
        ("no_cache", "tags = [\"no-cache\"]", "true"),
        ("plain", "", "true"),
    ]);
    expect_code(&workspace, "test //...", 0);
    let output = expect_code(&workspace, "test //...", 0);
    assert_eq!(
        table(&output),
        [
            "//:external PASSED",
            "//:no_cache PASSED",
            "//:plain (cached) PASSED"
        ]
    );
    let output = expect_code(&workspace, "test //... --cache_test_results=yes", 0);
    assert_eq!(table(&output)[0], "//:external PASSED");
}

/// `--test_output`: of failed tests, of all, of none; from a cache as well.
#[test]
fn shown_output() {
    let workspace = tests(&[
        ("passes", "", "echo all is well"),
        ("fails", "", "echo all is lost; exit 1"),
    ]);
    for (flags, passed, failed) in [
        ("", false, true),
        ("--test_output=errors", false, true),
        ("--test_output=all", true, true),
        ("--test_output=all", true, true),
        ("--test_output=summary", false, false),
    ] {
        let output = expect_code(&workspace, &format!("test //... {flags}"), 3);
        let shown = |text: &str| output.stderr.contains(text);
        assert_eq!(shown("all is well"), passed, "{flags}\n{}", output.show());
        assert_eq!(shown("all is lost"), failed, "{flags}\n{}", output.show());
    }
}

/// Every shard's output is shown, under its own heading.
#[test]
fn shown_output_of_shards() {
    let script = r#"touch "$TEST_SHARD_STATUS_FILE"; echo "I am $TEST_SHARD_INDEX""#;
    let workspace = tests(&[("t", "shard_count = 2", script)]);
    let output = expect_code(&workspace, "test //... --test_output=all", 0);
    for text in [
        "Test output for //:t (shard 1 of 2):\nI am 0\n",
        "Test output for //:t (shard 2 of 2):\nI am 1\n",
    ] {
        assert!(output.stderr.contains(text), "{}", output.show());
    }
}

/// `--test_output=streamed`: what a test writes is shown while it runs. This one goes on only
/// when it was.
#[test]
fn streamed_output() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    let script = "echo first line\nuntil [ -e \"$GO\" ]; do sleep 0.01; done\necho last line";
    let workspace = tests(&[("t", "", script)]);
    let go = workspace.root().join("go");
    let variable = format!("--test_env=GO={}", go.display());
    let arguments = [
        "test",
        "//:t",
        "--test_output=streamed",
        "--sandbox=off",
        &variable,
    ];
    let mut kiln = workspace
        .command("", &arguments)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("kiln");
    let stderr = BufReader::new(kiln.stderr.take().expect("a pipe"));
    let mut seen = Vec::new();
    for line in stderr.lines() {
        let line = line.expect("a line");
        if line == "first line" {
            std::fs::write(&go, "").expect("a file");
        }
        seen.push(line);
    }
    assert!(kiln.wait().expect("an end").success(), "{seen:#?}");
    let at = |text: &str| seen.iter().position(|line| line == text);
    assert!(at("first line") < at("last line"), "{seen:#?}");
    assert!(at("-------- //:t") < at("first line"), "{seen:#?}");
}

/// `-k`: without it the first target that cannot be built ends the command.
#[test]
fn keep_going() {
    let workspace = tests(&[("a", "data = [\":nothing\"]", "true"), ("b", "", "true")]);
    let output = expect_code(&workspace, "test //... -k", 1);
    assert_eq!(table(&output), ["//:a NO STATUS", "//:b PASSED"]);
    let output = expect_code(&workspace, "test //:a", 1);
    assert_eq!(table(&output), ["//:a NO STATUS"]);
}
