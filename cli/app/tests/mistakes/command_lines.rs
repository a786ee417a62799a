//! Command lines.

use expect_test::expect;

use crate::{check, check_cured, works};

#[test]
fn command_lines() {
    check(
        "//- BUILD\n",
        "biuld //...",
        expect![[r#"
        exit: 2
        --- stderr
        error: kiln has no command `biuld`
        hint: did you mean `build`?
        hint: `kiln help` lists the commands
    "#]],
    );
    check(
        "//- BUILD\n",
        "build --compilation_mod=opt //...",
        expect![[r#"
        exit: 2
        --- stderr
        error: there is no flag `--compilation_mod`
        hint: did you mean `--compilation_mode`?
        hint: `kiln help build` lists the flags
    "#]],
    );
    check(
        "//- BUILD\n",
        "build -c fast //...",
        expect![[r#"
        exit: 2
        --- stderr
        error: `fast` is no value for `--compilation_mode`: expected `fastbuild`, `dbg` or `opt`
    "#]],
    );
    check(
        "//- BUILD\n",
        "build",
        expect![[r#"
        exit: 2
        --- stderr
        error: `kiln build` needs a target
        hint: `//...` means all targets of the workspace
    "#]],
    );
    check(
        "//- BUILD\n",
        "rules explain GoalReprot",
        expect![[r#"
        exit: 2
        --- stderr
        error: no rule that commands use makes a `GoalReprot`
        hint: did you mean `GoalReport`?
        hint: `kiln rules graph` shows all rules and their types
    "#]],
    );
}

#[test]
fn configs_that_are_not_defined() {
    let workspace = check(
        "//- BUILD\nfilegroup(name = \"x\")\n//- .bazelrc\nbuild:asan --copt=-fsanitize=address\n",
        "build --config=assan //:x",
        expect![[r#"
            exit: 2
            --- stderr
            error: no rc file defines the config `assan`
            hint: did you mean `asan`?
            hint: define it in `.bazelrc` by lines such as `build:assan --copt=-O2`
        "#]],
    );
    works(&workspace, "build --config=asan //:x");
}

#[test]
fn lines_of_rc_files() {
    check_cured(
        "//- BUILD\nfilegroup(name = \"x\")\n//- .bazelrc\n# flags\nbuild --copt=-O2 --no_such_flag\n",
        "build //:x",
        (".bazelrc", "# flags\nbuild --copt=-O2\n"),
        expect![[r#"
            exit: 2
            --- stderr
            error: there is no flag `--no_such_flag`
              --> .bazelrc:2:18
               |
             2 | build --copt=-O2 --no_such_flag
               |                  ^^^^^^^^^^^^^^
            hint: take it out, or leave rc files out with `--ignore_all_rc_files`
        "#]],
    );
}

#[test]
fn patterns() {
    let files = "//- foo/bar/BUILD\nfilegroup(name = \"x\")\n//- foo/bar/y.txt\n";
    for (wrong, right, expect) in [
        (
            "//foo/bar:x:y",
            "//foo/bar:x",
            expect![[r#"
            exit: 2
            --- stderr
            error: invalid target pattern `//foo/bar:x:y`: the target name contains `:`
            hint: patterns look like `//pkg:target`, `//pkg/...`, `//pkg:all`, `pkg::` or `path/to/file`
        "#]],
        ),
        (
            "//foo/brr:x",
            "//foo/bar:x",
            expect![[r#"
            exit: 1
            --- stderr
            error: no such package `//foo/brr`: there is no BUILD.bazel or BUILD file in it
            hint: did you mean `//foo/bar`?
        "#]],
        ),
        (
            "//foo/bar:xx",
            "//foo/bar:x",
            expect![[r#"
            exit: 1
            --- stderr
            error: no such target `//foo/bar:xx`: `foo/bar/BUILD` declares no target `xx` and there is no such file
            hint: did you mean `x`?
        "#]],
        ),
        (
            "//fooo/...",
            "//foo/...",
            expect![[r#"
                exit: 2
                --- stderr
                error: target pattern `//fooo/...` matches nothing: no package at or below `//fooo`
                hint: did you mean `//foo/...`?
            "#]],
        ),
        (
            "foo/bar/y.txt",
            "//foo/bar:all",
            expect![[r#"
                exit: 2
                --- stderr
                error: target pattern `foo/bar/y.txt` matches nothing: no target of `//foo/bar` has `y.txt` as a source
                hint: name the file as `//foo/bar:y.txt`, or put it into the `srcs` of a target
            "#]],
        ),
        (
            "foo/baz/y.txt",
            "foo/bar:y.txt",
            expect![[r#"
                exit: 2
                --- stderr
                error: target pattern `foo/baz/y.txt` matches nothing: `foo/baz/y.txt` is neither a package nor a file of one
                hint: did you mean `foo/bar/y.txt`?
            "#]],
        ),
        (
            "///foo",
            "//foo/...",
            expect![[r#"
            exit: 2
            --- stderr
            error: invalid target pattern `///foo`: the path is absolute
            hint: patterns look like `//pkg:target`, `//pkg/...`, `//pkg:all`, `pkg::` or `path/to/file`
        "#]],
        ),
    ] {
        let workspace = check(files, &format!("build {wrong}"), expect);
        works(&workspace, &format!("build {right}"));
    }
}

#[test]
fn outside_of_a_workspace() {
    let workspace = kiln_testkit::Workspace::new(crate::KILN);
    workspace.remove("MODULE.bazel");
    expect![[r#"
        exit: 2
        --- stderr
        error: `[ROOT]` is not in a workspace
           = the root of a workspace has one of the files `MODULE.bazel`, `REPO.bazel`, `WORKSPACE.bazel`, `WORKSPACE`, `kiln.toml`
        hint: change to a folder of a workspace, or make one here with `touch MODULE.bazel`
    "#]].assert_eq(&workspace.kiln("build //...").show());
    workspace.write("MODULE.bazel", "");
    workspace.write("BUILD.bazel", "filegroup(name = \"x\")");
    works(&workspace, "build //...");
}

#[test]
fn flags_that_nothing_acts_on_say_so() {
    check(
        "//- BUILD\nfilegroup(name = \"x\")\n",
        "build --stripopt=-p //:x",
        expect![[r#"
            exit: 0
            --- stderr
            warning: `--stripopt` has no effect yet
            //:x:
            built 1 target in [TIME]
        "#]],
    );
}
