//! `load` statements, and calls of what they load.

use expect_test::{Expect, expect};

use crate::{check, check_cured};

const MACROS: &str = "
//- macros.bzl
def group(name, srcs = []):
    native.filegroup(name = name, srcs = srcs)

def _private(name):
    pass
";

fn in_build(wrong: &str, right: &str, expect: Expect) {
    let files = format!("//- BUILD\n{wrong}\n{MACROS}");
    check_cured(&files, "build //:x", ("BUILD", right), expect);
}

#[test]
fn a_file_that_does_not_exist() {
    in_build(
        "load(\":macro.bzl\", \"group\")\ngroup(name = \"x\")",
        "load(\":macros.bzl\", \"group\")\ngroup(name = \"x\")",
        expect![[r#"
            exit: 1
            --- stderr
            error: cannot load `//:macro.bzl`: there is no file `macro.bzl`
              --> BUILD:1:6
               |
             1 | load(":macro.bzl", "group")
               |      ^^^^^^^^^^^^
            hint: did you mean `//:macros.bzl`?
        "#]],
    );
    in_build(
        "load(\"//buid:defs.bzl\", \"group\")\ngroup(name = \"x\")",
        "load(\":macros.bzl\", \"group\")\ngroup(name = \"x\")",
        expect![[r#"
            exit: 1
            --- stderr
            error: cannot load `//buid:defs.bzl`: there is no file `buid/defs.bzl`
              --> BUILD:1:6
               |
             1 | load("//buid:defs.bzl", "group")
               |      ^^^^^^^^^^^^^^^^^
            hint: correct the label, or create `buid/defs.bzl`
        "#]],
    );
    check(
        "//- BUILD\nload(\"@nowhere//:x.bzl\", \"f\")\n",
        "build //...",
        expect![[r#"
            exit: 1
            --- stderr
            error: repository `@nowhere` is not available
              --> BUILD:1:6
               |
             1 | load("@nowhere//:x.bzl", "f")
               |      ^^^^^^^^^^^^^^^^^^
            hint: declare it in MODULE.bazel: bazel_dep(name = "nowhere", version = "...")
        "#]],
    );
}

#[test]
fn a_symbol_that_does_not_exist() {
    in_build(
        "load(\":macros.bzl\", \"gruop\")\ngruop(name = \"x\")",
        "load(\":macros.bzl\", \"group\")\ngroup(name = \"x\")",
        expect![[r#"
            exit: 1
            --- stderr
            error: `:macros.bzl` has no symbol `gruop`
              --> BUILD:1:21
               |
             1 | load(":macros.bzl", "gruop")
               |                     ^^^^^^^
               = it exports group
            hint: did you mean `group`?
        "#]],
    );
    in_build(
        "load(\":macros.bzl\", \"library\")\nlibrary(name = \"x\")",
        "load(\":macros.bzl\", \"group\")\ngroup(name = \"x\")",
        expect![[r#"
            exit: 1
            --- stderr
            error: `:macros.bzl` has no symbol `library`
              --> BUILD:1:21
               |
             1 | load(":macros.bzl", "library")
               |                     ^^^^^^^^^
               = it exports group
            hint: define `library` there, or load it from where it is
        "#]],
    );
}

#[test]
fn a_symbol_that_is_private() {
    let workspace = check(
        &format!(
            "//- BUILD\nload(\":macros.bzl\", \"_private\")\nfilegroup(name = \"x\")\n{MACROS}"
        ),
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: `_private` is private to `:macros.bzl`: names that begin with `_` cannot be loaded
              --> BUILD:1:21
               |
             1 | load(":macros.bzl", "_private")
               |                     ^^^^^^^^^^
            hint: give it a public name there: `private = _private`
        "#]],
    );
    let text = workspace.read("macros.bzl").expect("the file");
    workspace.write("macros.bzl", &(text + "private = _private\n"));
    workspace.write(
        "BUILD",
        "load(\":macros.bzl\", \"private\")\nfilegroup(name = \"x\")\n",
    );
    crate::works(&workspace, "build //:x");
}

#[test]
fn a_file_that_is_no_bzl_file() {
    in_build(
        "load(\":macros\", \"group\")\ngroup(name = \"x\")",
        "load(\":macros.bzl\", \"group\")\ngroup(name = \"x\")",
        expect![[r#"
            exit: 1
            --- stderr
            error: `:macros` is no .bzl file
              --> BUILD:1:6
               |
             1 | load(":macros", "group")
               |      ^^^^^^^^^
            hint: load statements name files that end in `.bzl`
        "#]],
    );
}

#[test]
fn a_circle() {
    check(
        "
//- BUILD
load(\":a.bzl\", \"a\")
//- a.bzl
load(\":b.bzl\", \"b\")
a = 1
//- b.bzl
load(\":c.bzl\", \"c\")
b = 1
//- c.bzl
load(\":a.bzl\", \"a\")
c = 1
",
        "build //...",
        expect![[r#"
            exit: 1
            --- stderr
            error: dependency cycle
              --> a.bzl:1:6
               |
             1 | load(":b.bzl", "b")
               |      ^^^^^^^^
               = `//:a.bzl`
               = needs `//:b.bzl`
               = needs `//:c.bzl`
               = needs `//:a.bzl`
            hint: move what these files share into another one, and load that
        "#]],
    );
}

#[test]
fn an_error_in_a_macro() {
    check(
        "
//- BUILD
load(\":m.bzl\", \"m\")

m(name = \"x\")
//- m.bzl
def m(name):
    inner(name)

def inner(name):
    native.filegroup(name = name, scrs = [])
",
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: `filegroup` has no attribute `scrs` (target `//:x`)
              --> m.bzl:5:35
               |
             5 |     native.filegroup(name = name, scrs = [])
               |                                   ^^^^^^^^^
               = it has applicable_licenses, aspect_hints, compatible_with, data, deprecation, environment, exec_compatible_with, exec_properties, features, generator_function, generator_location, generator_name, licenses, name, output_group, output_licenses, package_metadata, path, restricted_to, srcs, tags, target_compatible_with, testonly, toolchains, transitive_configs, visibility
               = `inner` was called from m.bzl:2:5
               = `m` was called from BUILD:3:1
            hint: did you mean `srcs`?
        "#]],
    );
}

#[test]
fn arguments_of_macros() {
    in_build(
        "load(\":macros.bzl\", \"group\")\ngroup(\"x\", [], True)",
        "load(\":macros.bzl\", \"group\")\ngroup(\"x\", [])",
        expect![[r#"
            exit: 1
            --- stderr
            error: `group` is given one positional argument too many
              --> BUILD:2:1
               |
             2 | group("x", [], True)
               | ^^^^^^^^^^^^^^^^^^^^
            hint: give arguments by name: `name = value`
        "#]],
    );
    in_build(
        "load(\":macros.bzl\", \"group\")\ngroup(nam = \"x\")",
        "load(\":macros.bzl\", \"group\")\ngroup(name = \"x\")",
        expect![[r#"
            exit: 1
            --- stderr
            error: `group` needs the argument `name`
              --> BUILD:2:1
               |
             2 | group(nam = "x")
               | ^^^^^^^^^^^^^^^^
            hint: did you mean `name` where it says `nam`?
        "#]],
    );
    in_build(
        "load(\":macros.bzl\", \"group\")\ngroup(name = \"x\", deps = [])",
        "load(\":macros.bzl\", \"group\")\ngroup(name = \"x\")",
        expect![[r#"
            exit: 1
            --- stderr
            error: `group` has no parameter `deps`
              --> BUILD:2:1
               |
             2 | group(name = "x", deps = [])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: remove it, or correct its name
        "#]],
    );
    in_build(
        "load(\":macros.bzl\", \"group\")\ngroup()",
        "load(\":macros.bzl\", \"group\")\ngroup(name = \"x\")",
        expect![[r#"
            exit: 1
            --- stderr
            error: `group` needs the argument `name`
              --> BUILD:2:1
               |
             2 | group()
               | ^^^^^^^
            hint: add `name = …`
        "#]],
    );
}
