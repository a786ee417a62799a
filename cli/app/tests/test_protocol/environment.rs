//! What a test sees.

use kiln_testkit::Workspace;

use super::{KILN, expect_code, log, tests, variable};

/// The variables of the test encyclopedia, with the folders made relative to the runfiles.
#[test]
fn variables() {
    let workspace = tests(&[("t", "size = \"small\"", "env")]);
    expect_code(&workspace, "test //:t", 0);
    let log = log(&workspace, "t");
    let get = |name: &str| variable(&log, name).unwrap_or_else(|| panic!("no {name}\n{log}"));
    let runfiles = get("TEST_SRCDIR");
    assert!(runfiles.ends_with("/t.runfiles"), "{runfiles}");
    for (name, value) in [
        ("RUNFILES_DIR", &*runfiles),
        ("JAVA_RUNFILES", &runfiles),
        ("PYTHON_RUNFILES", &runfiles),
        ("PWD", &format!("{runfiles}/_main")),
        ("TEST_WORKSPACE", "_main"),
        ("TEST_TARGET", "//:t"),
        ("TEST_BINARY", "t"),
        ("TEST_SIZE", "small"),
        ("TEST_TIMEOUT", "60"),
        ("HOME", &get("TEST_TMPDIR")),
        ("TZ", "UTC"),
        ("BAZEL_TEST", "1"),
        ("RUN_UNDER_RUNFILES", "1"),
        ("RUNTEST_PRESERVE_CWD", "1"),
    ] {
        assert_eq!(get(name), value, "{name}");
    }
    for name in [
        "TEST_TMPDIR",
        "XML_OUTPUT_FILE",
        "TEST_UNDECLARED_OUTPUTS_DIR",
        "TEST_UNDECLARED_OUTPUTS_ANNOTATIONS_DIR",
        "TEST_PREMATURE_EXIT_FILE",
        "TEST_WARNINGS_OUTPUT_FILE",
        "TEST_INFRASTRUCTURE_FAILURE_FILE",
        "TEST_LOGSPLITTER_OUTPUT_FILE",
        "TEST_UNUSED_RUNFILES_LOG_FILE",
    ] {
        assert!(get(name).starts_with('/'), "{name}");
    }
    for name in [
        "TEST_TOTAL_SHARDS",
        "TEST_SHARD_INDEX",
        "TEST_SHARD_STATUS_FILE",
        "TEST_RUN_NUMBER",
        "TESTBRIDGE_TEST_ONLY",
        "TESTBRIDGE_TEST_RUNNER_FAIL_FAST",
    ] {
        assert_eq!(variable(&log, name), None, "{name}");
    }
}

/// Every folder that a test is given is there, is writable and is empty; files may be written.
#[test]
fn folders_and_files_may_be_written() {
    let script = r#"
set -e
for folder in "$TEST_TMPDIR" "$TEST_UNDECLARED_OUTPUTS_DIR" "$TEST_UNDECLARED_OUTPUTS_ANNOTATIONS_DIR"; do
  [ -z "$(ls -A "$folder")" ]
  echo text > "$folder/file"
done
echo text > "$XML_OUTPUT_FILE"
echo text > "$TEST_WARNINGS_OUTPUT_FILE"
echo text > "$TEST_PREMATURE_EXIT_FILE"
rm "$TEST_PREMATURE_EXIT_FILE""#;
    // Two of them at a time have folders of their own.
    let workspace = tests(&[("a", "", script), ("b", "", script)]);
    expect_code(&workspace, "test //...", 0);
}

/// `--test_env=NAME=VALUE`, `--test_env=NAME`, the last of a name; `env` and `env_inherit` of
/// the target.
#[test]
fn variables_of_the_user() {
    let attributes = r#"
        env = {"OWN": "rule", "OVER": "rule", "PLACE": "$(location data.txt)"},
        env_inherit = ["INHERITED", "ABSENT"],
        data = ["data.txt"],
    "#;
    let workspace = tests(&[("t", attributes, "env")])
        .file("data.txt", "")
        .env("CALLER", "from the caller")
        .env("INHERITED", "asked for by the rule")
        .env("HIDDEN", "asked for by nobody");
    expect_code(
        &workspace,
        "test //:t --test_env=CALLER --test_env=GONE --test_env=A=1 --test_env=A=2 --test_env=E= \
         --test_env=OVER=flag",
        0,
    );
    let log = log(&workspace, "t");
    for (name, value) in [
        ("CALLER", Some("from the caller")),
        ("INHERITED", Some("asked for by the rule")),
        ("ABSENT", None),
        ("HIDDEN", None),
        ("GONE", None),
        ("A", Some("2")),
        ("E", Some("")),
        ("OWN", Some("rule")),
        ("OVER", Some("flag")),
        ("PLACE", Some("data.txt")),
    ] {
        assert_eq!(variable(&log, name).as_deref(), value, "{name}");
    }
}

/// A variable that a test gets is part of what names its result; one that it does not get is not.
#[test]
fn variables_name_results() {
    let workspace = tests(&[("t", "", "true")]);
    let executed = |workspace: &Workspace, flags: &str| {
        let output = expect_code(workspace, &format!("test //:t --format=json {flags}"), 0);
        output.json("actions.executed")
    };
    assert_eq!(executed(&workspace, "").as_deref(), Some("1"));
    assert_eq!(executed(&workspace, "--test_env=X").as_deref(), Some("0"));
    let workspace = workspace.env("X", "1");
    assert_eq!(executed(&workspace, "").as_deref(), Some("0"));
    assert_eq!(executed(&workspace, "--test_env=X").as_deref(), Some("1"));
}

/// Arguments: those of the rule with places of files, then those of `--test_arg`.
#[test]
fn arguments() {
    let attributes = r#"
        args = ["$(location data.txt)", "$(rootpath :made)", "'two words'", "$$HOME"],
        data = ["data.txt", ":made"],
    "#;
    let script = r#"for argument in "$@"; do echo "<$argument>"; done; cat "$1" "$2""#;
    let workspace = tests(&[("t", attributes, script)]).file("data.txt", "data\n");
    let build = workspace.read("BUILD.bazel").expect("a BUILD file");
    let rule = "genrule(name = \"made\", outs = [\"out.txt\"], cmd = \"echo made > $@\")\n";
    workspace.write("BUILD.bazel", &(build + rule));
    let words = ["test", "//:t", "--test_arg=one", "--test_arg=--two = 3"];
    let output = workspace.run("", &words);
    assert_eq!(output.code, Some(0), "{}", output.show());
    assert_eq!(
        log(&workspace, "t"),
        "<data.txt>\n<out.txt>\n<two words>\n<$HOME>\n<one>\n<--two = 3>\ndata\nmade\n"
    );
}

/// `--test_filter` is handed to the test, whose framework decides what it means.
#[test]
fn filters_within_a_test() {
    let workspace = tests(&[("t", "", "env")]).file(
        "py/BUILD.bazel",
        "py_test(name = \"py\", srcs = [\"py.py\"])\n",
    );
    let script = "import os\nprint(\"only\", os.environ[\"TESTBRIDGE_TEST_ONLY\"])\n";
    workspace.write("py/py.py", script);
    expect_code(&workspace, "test //... --test_filter=Suite.*-Suite.slow", 0);
    let sh = log(&workspace, "t");
    assert_eq!(
        variable(&sh, "TESTBRIDGE_TEST_ONLY").as_deref(),
        Some("Suite.*-Suite.slow")
    );
    assert_eq!(log(&workspace, "py/py"), "only Suite.*-Suite.slow\n");
}

/// A test sees its runfiles, and no source beside them.
#[test]
fn data() {
    let workspace = Workspace::with(
        KILN,
        r#"
//- lib/BUILD.bazel
filegroup(
    name = "files",
    srcs = ["a.txt"],
    data = ["b.txt"],
    visibility = ["//visibility:public"],
)
//- lib/a.txt
//- lib/b.txt
//- lib/c.txt
//- BUILD.bazel
sh_test(
    name = "t",
    srcs = ["t.sh"],
    data = ["//lib:files"],
)
//- t.sh
#!/bin/bash
find -L . -type f | sort
[ ! -e "$TEST_SRCDIR/../../../../lib" ]
"#,
    );
    expect_code(&workspace, "test //:t", 0);
    assert_eq!(
        log(&workspace, "t"),
        "./lib/a.txt\n./lib/b.txt\n./t\n./t.sh\n"
    );
}

/// rules_shell: `use_bash_launcher` gives a script `rlocation`, for itself and for what it runs.
#[test]
fn bash_launcher() {
    let workspace = Workspace::with(
        KILN,
        r#"
//- BUILD.bazel
sh_test(
    name = "t",
    srcs = ["t.sh"],
    data = ["data.txt", ":tool"],
    env = {"DATA": "$(rlocationpath data.txt)"},
    use_bash_launcher = True,
)

sh_binary(
    name = "tool",
    srcs = ["tool.sh"],
    use_bash_launcher = True,
)
//- data.txt
some data
//- t.sh
#!/bin/bash
grep "some data" "$(rlocation "$DATA")" && "$(rlocation _main/tool)" a "b c"
//- tool.sh
#!/bin/bash
test "$#/$2" = "2/b c" && grep "some data" "$(rlocation _main/data.txt)"
"#,
    );
    expect_code(&workspace, "test //:t", 0);
    expect_code(&workspace, "run //:tool -- a b", 1);
}
