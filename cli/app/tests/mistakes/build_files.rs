//! BUILD files that are not what a BUILD file is.

use expect_test::expect;

use crate::{check, check_cured};

#[test]
fn a_comma_too_many() {
    check(
        "//- BUILD\ncc_library(name = \"x\",, )\n",
        "build //...",
        expect![[r#"
            exit: 1
            --- stderr
            error: unexpected symbol ',', expected expression
              --> BUILD:1:23
               |
             1 | cc_library(name = "x",, )
               |                       ^
            hint: remove it, or write a value before it
        "#]],
    );
}

#[test]
fn a_comma_too_few() {
    check_cured(
        "//- BUILD\nfilegroup(\n    name = \"x\"\n    srcs = [],\n)\n",
        "build //:x",
        (
            "BUILD",
            "filegroup(\n    name = \"x\",\n    srcs = [],\n)\n",
        ),
        expect![[r#"
            exit: 1
            --- stderr
            error: unexpected identifier 'srcs', expected symbol ')'
              --> BUILD:3:5
               |
             3 |     srcs = [],
               |     ^^^^
            hint: put a comma before it, or close the bracket
        "#]],
    );
}

#[test]
fn a_bracket_that_is_not_closed() {
    check_cured(
        "//- BUILD\nfilegroup(\n    name = \"x\",\n    srcs = [],\n",
        "build //:x",
        (
            "BUILD",
            "filegroup(\n    name = \"x\",\n    srcs = [],\n)\n",
        ),
        expect![[r#"
            exit: 1
            --- stderr
            error: unexpected new line, expected expression
              --> BUILD:4:1
               |
             4 | 
               | ^
            hint: complete the line, or close the bracket that was opened further up
        "#]],
    );
}

#[test]
fn a_text_that_is_not_closed() {
    check_cured(
        "//- BUILD\nfilegroup(name = \"x)\n",
        "build //:x",
        ("BUILD", "filegroup(name = \"x\")\n"),
        expect![[r#"
            exit: 1
            --- stderr
            error: unfinished string literal
              --> BUILD:1:18
               |
             1 | filegroup(name = "x)
               |                  ^^^
            hint: close it with the quotation mark it begins with; `"""` begins a text of several lines
        "#]],
    );
}

#[test]
fn a_rule_that_does_not_exist() {
    check_cured(
        "//- BUILD\nfile_group(name = \"x\")\n",
        "build //:x",
        ("BUILD", "filegroup(name = \"x\")\n"),
        expect![[r#"
            exit: 1
            --- stderr
            error: `file_group` is not defined
              --> BUILD:1:1
               |
             1 | file_group(name = "x")
               | ^^^^^^^^^^
            hint: did you mean `filegroup`?
        "#]],
    );
}

#[test]
fn two_targets_of_one_name() {
    check_cured(
        "//- BUILD\nfilegroup(name = \"x\")\nfilegroup(name = \"x\")\n",
        "build //:x",
        (
            "BUILD",
            "filegroup(name = \"x\")\nfilegroup(name = \"y\")\n",
        ),
        expect![[r#"
            exit: 1
            --- stderr
            error: target `x` is declared twice
              --> BUILD:2:1
               |
             2 | filegroup(name = "x")
               | ^^^^^^^^^^^^^^^^^^^^^
               = first declared here
              --> BUILD:1:1
               |
             1 | filegroup(name = "x")
               | ^^^^^^^^^^^^^^^^^^^^^
            hint: give one of them another `name`
        "#]],
    );
}

#[test]
fn a_statement_that_only_bzl_files_may_have() {
    check_cured(
        "//- BUILD\nfor name in [\"x\", \"y\"]:\n    filegroup(name = name)\n",
        "build //:x",
        (
            "BUILD",
            "[filegroup(name = name) for name in [\"x\", \"y\"]]\n",
        ),
        expect![[r#"
            exit: 1
            --- stderr
            error: `for` outside of functions is not allowed in BUILD files
              --> BUILD:1:1
               |
             1 | for name in ["x", "y"]:
               | ^^^^^^^^^^^^^^^^^^^^^^^
            hint: define a function in a .bzl file and `load` it
        "#]],
    );
}

#[test]
fn bytes_that_are_no_text() {
    let workspace = check(
        "//- BUILD\n",
        "build //...",
        expect![[r#"
        exit: 0
        --- stderr
        built 0 targets in [TIME]
    "#]],
    );
    let build = workspace.root().join("BUILD");
    std::fs::write(&build, b"# caf\xe9\nfilegroup(name = \"x\")\n").expect("a file");
    expect![[r#"
        exit: 1
        --- stderr
        error: `BUILD` is not UTF-8: byte 0xe9 cannot stand here
          --> BUILD:1:6
           |
         1 | # caf�
           |      ^
        hint: convert it, for example from Latin-1 with `iconv -f latin1 -t utf-8 BUILD`
    "#]]
    .assert_eq(&workspace.kiln("build //:x").show());
    let status = std::process::Command::new("sh")
        .args([
            "-c",
            "iconv -f latin1 -t utf-8 BUILD > BUILD.utf8 && mv BUILD.utf8 BUILD",
        ])
        .current_dir(workspace.root())
        .status();
    assert!(status.expect("a shell").success());
    crate::works(&workspace, "build //:x");
}
