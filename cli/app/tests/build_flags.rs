//! Flags that say how far a build goes, what it is about and what it takes for granted.

use expect_test::expect;
use kiln_testkit::{Output, Workspace};

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

const FILES: &str = r#"
//- BUILD.bazel
genrule(
    name = "made",
    outs = ["made.txt"],
    cmd = "echo made > $@",
)

genrule(
    name = "fails",
    outs = ["fails.txt"],
    cmd = "exit 7",
)

sh_test(
    name = "t",
    srcs = ["t.sh"],
)
//- t.sh
#!/bin/bash
//- bad/BUILD.bazel
genrule(
    name = "bad",
    srcs = ["//private:file.txt"],
    outs = ["bad.txt"],
    cmd = "cp $< $@",
)
//- private/BUILD.bazel
exports_files(["file.txt"], visibility = ["//visibility:private"])
//- private/file.txt
text
"#;

#[track_caller]
fn expect_code(workspace: &Workspace, command_line: &str, code: i32) -> Output {
    let output = workspace.kiln(command_line);
    assert_eq!(output.code, Some(code), "{command_line}\n{}", output.show());
    output
}

/// `--nobuild` analyzes and stops; `--noanalyze` stops before.
#[test]
fn how_far_a_build_goes() {
    let workspace = Workspace::with(KILN, FILES);
    for (command_line, code) in [
        ("build //:made //:fails", 1),
        ("build //:made //:fails --nobuild", 0),
        ("build //bad", 1),
        ("build //bad --nobuild", 1),
        ("build //bad --noanalyze", 0),
        ("build //bad:nothing --noanalyze", 1),
        ("build //nowhere --noanalyze", 1),
        // Nothing is known of tests then.
        ("test //:t --nobuild", 0),
        ("test //:made --nobuild", 0),
        ("test //:t --noanalyze", 0),
        ("run //:t --nobuild", 2),
    ] {
        let output = expect_code(&workspace, command_line, code);
        if command_line.contains("--no") {
            let run = output.stderr.contains("action");
            assert!(!run, "{command_line} ran something\n{}", output.show());
        }
    }
    let output = expect_code(&workspace, "build //:all --nobuild --format=json", 0);
    for (name, count) in [("requested", "3"), ("built", "0"), ("skipped", "3")] {
        let found = output.json(&format!("targets.{name}"));
        assert_eq!(found.as_deref(), Some(count), "{}", output.show());
    }
    assert_eq!(output.stderr, "checked 3 targets in [TIME]\n");
    let output = expect_code(&workspace, "build //:made //bad -k --nobuild", 1);
    expect![[r#"
        exit: 1
        --- stderr
        error: `//private:file.txt` is not visible to `//bad:bad` (attribute `srcs`)
          --> bad/BUILD.bazel:3:13
           |
         3 |     srcs = ["//private:file.txt"],
           |             ^^^^^^^^^^^^^^^^^^^^
        hint: add `exports_files(["file.txt"])` to the BUILD file of `//private`
        failed: 1 of 2 targets checked, 1 failed in [TIME]
    "#]]
    .assert_eq(&output.show());
    let output = expect_code(&workspace, "run //:t --nobuild", 2);
    expect![[r#"
        error: `//:t` is not built, so it cannot be run
        hint: leave out `--nobuild` and `--noanalyze`
    "#]]
    .assert_eq(&output.stderr);
}

/// `--target_pattern_file`: patterns one a line, comments and blanks left out, relative to the
/// folder of the user.
#[test]
fn patterns_from_a_file() {
    let workspace = Workspace::with(KILN, FILES)
        .file(
            "lists/targets",
            "# comment\n\n  //:made # why\n//:t\r\n-//:t\n",
        )
        .file("lists/nothing", "# nothing\n");
    let labels = |output: Output| output.json("targets.requested");
    let output = expect_code(
        &workspace,
        "build --target_pattern_file=lists/targets --format=json",
        0,
    );
    assert_eq!(labels(output).as_deref(), Some("1"));
    let output = workspace.kiln_in("lists", "build --target_pattern_file=targets --format=json");
    assert_eq!(labels(output).as_deref(), Some("1"));
    let mut said = String::new();
    for command_line in [
        "build --target_pattern_file=lists/targets //:made",
        "build --target_pattern_file=lists/nothing",
        "build --target_pattern_file=lists/none",
    ] {
        said += &expect_code(&workspace, command_line, 2).stderr;
    }
    expect![[r#"
        error: target patterns come from `--target_pattern_file`, or from the command line as `//:made`, but not from both
        error: `[ROOT]/lists/nothing` names no target
        hint: write one target pattern a line; `#` begins a comment
        error: cannot read `[ROOT]/lists/none`: No such file or directory (os error 2)
    "#]].assert_eq(&said);
}

/// `--deleted_packages`: a package that is taken not to be there; packages below it stay, and its
/// files belong to the package above.
#[test]
fn packages_that_are_taken_not_to_be_there() {
    let workspace = Workspace::with(
        KILN,
        r#"
//- BUILD.bazel
filegroup(
    name = "all",
    srcs = glob(["**/*.txt"]),
)
//- sub/BUILD.bazel
filegroup(name = "gone")
//- sub/a.txt
//- sub/below/BUILD.bazel
filegroup(name = "stays")
//- sub/below/b.txt
//- broken/BUILD.bazel
no_such_function()
"#,
    );
    for names in ["sub,broken", "//sub,//broken", "@//sub, @//broken"] {
        let flag = format!("--deleted_packages={names}");
        let list = |pattern: &str| {
            let output = workspace.run("", &["query", pattern, &flag]);
            assert_eq!(output.code, Some(0), "{}", output.show());
            output.stdout
        };
        assert_eq!(list("//..."), "//:all\n//sub/below:stays\n");
        assert_eq!(list("deps(//:all)"), "//:all\n//:sub/a.txt\n");
        let output = workspace.run("", &["build", "//...", &flag]);
        assert_eq!(output.code, Some(0), "{}", output.show());
    }
    let output = expect_code(&workspace, "build //sub:gone --deleted_packages=sub", 1);
    expect![[r#"
        error: no such package `//sub`: there is no BUILD.bazel or BUILD file in it
           = the folder belongs to package `//`
           = `--deleted_packages` takes it not to be there
        hint: create `sub/BUILD.bazel`, or name what is in it as `//:sub/…`
    "#]]
    .assert_eq(&output.stderr);
    let output = expect_code(&workspace, "build //... --deleted_packages=../sub", 2);
    expect![[r#"
        error: `../sub` in `--deleted_packages` is no package: path `../sub` is not normalized
    "#]]
    .assert_eq(&output.stderr);
}

/// `--nocheck_visibility`: what is not visible may be used, with a warning.
#[test]
fn visibility_that_is_not_enforced() {
    let workspace = Workspace::with(KILN, FILES);
    expect_code(&workspace, "build //bad", 1);
    let output = expect_code(&workspace, "build //bad --nocheck_visibility", 0);
    expect![[r#"
        warning: `//private:file.txt` is not visible to `//bad:bad` (attribute `srcs`)
          --> bad/BUILD.bazel:1:1
           |
         1 | genrule(
           | ^^^^^^^^
        hint: add `exports_files(["file.txt"])` to the BUILD file of `//private`
        //bad:bad:
          kiln-out/fastbuild/bin/bad/bad.txt
        built 1 target in [TIME]; 1 action: 1 run
    "#]]
    .assert_eq(&output.stderr);
}
