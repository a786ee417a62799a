//! Which tests run, and what else is built.

use expect_test::expect;
use kiln_testkit::{Output, Workspace};

use super::{KILN, expect_code, table};

const FILES: &str = r#"
//- BUILD.bazel
sh_test(name = "small", srcs = ["t.sh"], size = "small", tags = ["fast", "unit"])
sh_test(name = "medium", srcs = ["t.sh"], tags = ["unit"])
sh_test(name = "large", srcs = ["t.sh"], size = "large", tags = ["slow"])
sh_test(name = "by_hand", srcs = ["t.sh"], tags = ["manual"])
py_test(name = "py", srcs = ["py.py"], timeout = "eternal")
sh_binary(name = "tool", srcs = ["t.sh"])
genrule(name = "made", outs = ["made.txt"], cmd = "touch $@", tags = ["slow"])
test_suite(name = "units", tags = ["unit"])
test_suite(name = "listed", tests = [":large", ":by_hand", ":units"], tags = ["manual"])
//- t.sh
#!/bin/bash
//- py.py
"#;

/// The names of the tests that ran.
fn ran(output: &Output) -> String {
    let table = table(output);
    let names = table.iter().filter_map(|line| line.split(' ').next());
    names
        .map(|name| name.trim_start_matches("//:"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// How many targets were built.
fn built(workspace: &Workspace, command_line: &str, code: i32) -> String {
    let output = expect_code(workspace, &format!("{command_line} --format=json"), code);
    output.json("targets.built").unwrap_or_default()
}

#[test]
fn which_tests_run() {
    let workspace = Workspace::with(KILN, FILES);
    for (arguments, code, expected) in [
        ("//...", 0, "large medium py small"),
        ("//:all", 0, "large medium py small"),
        ("//:by_hand", 0, "by_hand"),
        ("//... //:by_hand", 0, "by_hand large medium py small"),
        ("//... -- -//:large", 0, "medium py small"),
        ("//:units", 0, "medium small"),
        ("//:listed", 0, "by_hand large medium small"),
        ("//:listed -- -//:large", 0, "by_hand medium small"),
        ("//... --test_tag_filters=unit", 0, "medium small"),
        ("//... --test_tag_filters=unit,-fast", 0, "medium"),
        ("//... --test_tag_filters=-unit,-slow", 0, "py"),
        ("//... --test_tag_filters=+fast,slow", 0, "large small"),
        ("//... --test_size_filters=small,large", 0, "large small"),
        ("//... --test_size_filters=-medium", 0, "large small"),
        (
            "//... --test_timeout_filters=moderate,eternal",
            0,
            "medium py",
        ),
        ("//... --test_timeout_filters=-short", 0, "large medium py"),
        ("//... --test_lang_filters=py", 0, "py"),
        ("//... --test_lang_filters=-py", 0, "large medium small"),
        ("//... --test_lang_filters=sh,-sh", 4, ""),
        ("//... --test_tag_filters=nothing", 4, ""),
        ("//:large --test_size_filters=small", 4, ""),
        ("//:made", 4, ""),
    ] {
        let output = expect_code(&workspace, &format!("test {arguments}"), code);
        assert_eq!(ran(&output), expected, "{arguments}");
    }
}

/// Filters of tests choose what runs; without `--build_tests_only` all is built that the patterns
/// match (Bazel).
#[test]
fn what_is_built() {
    let workspace = Workspace::with(KILN, FILES);
    for (command_line, code, expected) in [
        ("build //...", 0, "6"),
        ("test //...", 0, "6"),
        ("test //... --test_tag_filters=fast", 0, "6"),
        ("test //:large --test_size_filters=small", 4, "1"),
        ("test //... --build_tests_only", 0, "4"),
        (
            "test //... --build_tests_only --test_tag_filters=fast",
            0,
            "1",
        ),
        ("build //... --build_tests_only", 0, "4"),
        (
            "build //... --build_tests_only --test_size_filters=small",
            0,
            "1",
        ),
        ("build //... --build_tag_filters=-slow", 0, "4"),
        ("build //... --build_tag_filters=slow", 0, "2"),
        ("test //... --build_tag_filters=fast", 0, "4"),
        ("build //:units", 0, "2"),
        ("build //... --build_manual_tests", 0, "7"),
        ("test //... --build_manual_tests", 0, "7"),
    ] {
        assert_eq!(
            built(&workspace, command_line, code),
            expected,
            "{command_line}"
        );
    }
}

/// A filter that no test can pass is a mistake.
#[test]
fn classes_that_do_not_exist() {
    let workspace = Workspace::with(KILN, FILES);
    let mut said = String::new();
    for flag in ["--test_size_filters=tiny", "--test_timeout_filters=-brief"] {
        said += &expect_code(&workspace, &format!("test //... {flag}"), 2).stderr;
    }
    expect![[r#"
        error: `tiny` is no value for `--test_size_filters`: expected `small`, `medium`, `large` or `enormous`, with commas
        error: `-brief` is no value for `--test_timeout_filters`: expected `short`, `moderate`, `long` or `eternal`, with commas
    "#]].assert_eq(&said);
}
