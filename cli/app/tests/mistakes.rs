//! Mistakes of users: the right place, the true cause and a cure.

use expect_test::{Expect, expect};
use kiln_testkit::Workspace;

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

fn check(files: &str, command_line: &str, expect: Expect) {
    let workspace = Workspace::with(KILN, files);
    expect.assert_eq(&workspace.kiln(command_line).show());
}

#[test]
fn build_files() {
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
    "#]],
    );
    check(
        "//- BUILD\ncc_libary(name = \"x\")\n",
        "build //...",
        expect![[r#"
        exit: 1
        --- stderr
        error: `cc_libary` is not defined
          --> BUILD:1:1
           |
         1 | cc_libary(name = "x")
           | ^^^^^^^^^
        hint: did you mean `cc_library` or `cc_binary` or `py_library`?
    "#]],
    );
    check(
        "//- BUILD\ncc_library(name = \"x\", hrds = [])\n",
        "build //...",
        expect![[r#"
        exit: 1
        --- stderr
        error: `cc_library` has no attribute `hrds` (target `//:x`)
          --> BUILD:1:24
           |
         1 | cc_library(name = "x", hrds = [])
           |                        ^^^^^^^^^
           = it has additional_compiler_inputs, additional_linker_inputs, alwayslink, applicable_licenses, aspect_hints, compatible_with, conlyopts, copts, cxxopts, data, defines, deprecation, deps, exec_compatible_with, exec_properties, features, generator_function, generator_location, generator_name, hdrs, hdrs_check, implementation_deps, include_prefix, includes, licenses, linkopts, linkstamp, linkstatic, local_defines, module_interfaces, name, nocopts, package_metadata, restricted_to, srcs, stamp, strip_include_prefix, tags, target_compatible_with, testonly, textual_hdrs, toolchains, transitive_configs, visibility, win_def_file
        hint: did you mean `hdrs`?
    "#]],
    );
    check(
        "//- BUILD\ncc_library(name = \"x\", srcs = 3)\n",
        "build //...",
        expect![[r#"
        exit: 1
        --- stderr
        error: attribute `srcs` of cc_library `//:x`: expected a list of labels, got `3` of type int
          --> BUILD:1:24
           |
         1 | cc_library(name = "x", srcs = 3)
           |                        ^^^^^^^^
    "#]],
    );
    check(
        "//- BUILD\nfilegroup(name = \"x\")\nfilegroup(name = \"x\")\n",
        "build //...",
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
    check(
        "//- BUILD\nload(\":nowhere.bzl\", \"f\")\n",
        "build //...",
        expect![[r#"
        exit: 1
        --- stderr
        error: cannot load `//:nowhere.bzl`: there is no such file
          --> BUILD:1:6
           |
         1 | load(":nowhere.bzl", "f")
           |      ^^^^^^^^^^^^^^
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
fn labels() {
    check(
        "//- BUILD\nfilegroup(name = \"x\", srcs = [\":misspelt\"])\nfilegroup(name = \"mispelt\")\n",
        "build //:x",
        expect![[r#"
        exit: 1
        --- stderr
        error: no such target `//:misspelt`: `BUILD` declares no target `misspelt` and there is no such file
          --> BUILD:1:1
           |
         1 | filegroup(name = "x", srcs = [":misspelt"])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = `//:misspelt` is in `srcs` of `//:x`
        hint: did you mean `mispelt`?
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]],
    );
    check(
        "//- BUILD\nfilegroup(name = \"x\", srcs = [\"//no/such:y\"])\n",
        "build //:x",
        expect![[r#"
        exit: 1
        --- stderr
        error: no such package `//no/such`: there is no BUILD.bazel or BUILD file in it
          --> BUILD:1:1
           |
         1 | filegroup(name = "x", srcs = ["//no/such:y"])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = `//no/such:y` is in `srcs` of `//:x`
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]],
    );
    check(
        "//- BUILD\nfilegroup(name = \"x\", srcs = [\"missing.txt\"])\n",
        "build //:x",
        expect![[r#"
        exit: 1
        --- stderr
        error: no such target `//:missing.txt`: `BUILD` declares no target `missing.txt` and there is no such file
          --> BUILD:1:1
           |
         1 | filegroup(name = "x", srcs = ["missing.txt"])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = `//:missing.txt` is in `srcs` of `//:x`
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]],
    );
    check(
        "//- BUILD\nfilegroup(name = \"x\")\n",
        "build //:z",
        expect![[r#"
        exit: 1
        --- stderr
        error: no such target `//:z`: `BUILD` declares no target `z` and there is no such file
        hint: did you mean `x`?
    "#]],
    );
    check(
        "//- BUILD\nfilegroup(name = \"x\")\n",
        "build //no/such/...",
        expect![[r#"
        exit: 2
        --- stderr
        error: target pattern `//no/such/...` matches nothing: no package at or below `//no/such`
        hint: a package is a folder with a BUILD.bazel or BUILD file
    "#]],
    );
    check(
        "//- BUILD\nfilegroup(name = \"a\", srcs = [\":b\"])\nfilegroup(name = \"b\", srcs = [\":a\"])\n",
        "build //:a",
        expect![[r#"
            exit: 1
            --- stderr
            error: dependency cycle
              --> BUILD:2:1
               |
             2 | filegroup(name = "b", srcs = [":a"])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = `//:a`
               = needs `//:b`
               = needs `//:a`
               = `//:a` is in `srcs` of `//:b`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
    check(
        "//- a/BUILD\nfilegroup(name = \"a\")\n//- BUILD\nfilegroup(name = \"x\", srcs = [\"//a\"])\n",
        "build //:x",
        expect![[r#"
        exit: 1
        --- stderr
        error: `//a:a` is not visible to `//:x` (attribute `srcs`)
          --> BUILD:1:1
           |
         1 | filegroup(name = "x", srcs = ["//a"])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: add `"//:__pkg__"` to the `visibility` of `//a:a`
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]],
    );
}

#[test]
fn actions() {
    check(
        "//- BUILD\ngenrule(name = \"x\", outs = [\"o\"], cmd = \"echo broken >&2; exit 2\")\n",
        "build //:x",
        expect![[r#"
        exit: 1
        --- stderr
        error: Genrule of `//:x` failed with exit code 2 (making `kiln-out/fastbuild/bin/o`)
           = its output:
             broken
        failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
    "#]],
    );
    check(
        "//- BUILD\ngenrule(name = \"x\", outs = [\"o\"], cmd = \"true\")\n",
        "build //:x",
        expect![[r#"
        exit: 1
        --- stderr
        error: Genrule of `//:x` succeeded, but did not make `kiln-out/fastbuild/bin/o`
        hint: the command must write every declared output at exactly this path (`$@`, `$(OUTS)`, `$(RULEDIR)`)
        failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
    "#]],
    );
    check(
        "//- BUILD\ngenrule(name = \"x\", outs = [\"o\"], cmd = \"cat secret.txt > $@\")\n//- secret.txt\ns\n",
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: Genrule of `//:x` failed with exit code 1 (making `kiln-out/fastbuild/bin/o`)
               = its output:
                 cat: secret.txt: No such file or directory
               = `secret.txt` is in the workspace, but is no input of `//:x`
            hint: declare it: put `secret.txt` into `srcs` of `//:x`
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
    check(
        "//- BUILD\ngenrule(name = \"x\", outs = [\"o\"], cmd = \"echo > elsewhere.txt\")\n",
        "build //:x",
        expect![[r#"
        exit: 1
        --- stderr
        error: Genrule of `//:x` failed with exit code 1 (making `kiln-out/fastbuild/bin/o`)
           = its output:
             /usr/bin/bash: line 1: elsewhere.txt: Read-only file system
           = `//:x` wrote to `elsewhere.txt`, which is not one of its outputs
        hint: write to declared outputs or to a temporary folder (`mktemp -d`)
        failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
    "#]],
    );
    check(
        "//- BUILD\ngenrule(name = \"x\", outs = [\"o\"], cmd = \"no-such-tool > $@\")\n",
        "build //:x",
        expect![[r#"
        exit: 1
        --- stderr
        error: Genrule of `//:x` failed with exit code 127 (making `kiln-out/fastbuild/bin/o`)
           = its output:
             /usr/bin/bash: line 1: no-such-tool: command not found
        failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
    "#]],
    );
    check(
        "//- BUILD\ngenrule(name = \"x\", outs = [\"o\"], cmd = \"echo $(NOPE) > $@\")\n",
        "build //:x",
        expect![[r#"
        exit: 1
        --- stderr
        error: unknown make variable `NOPE` (write `$$` for a plain `$`) in `$(NOPE)`
          --> BUILD:1:1
           |
         1 | genrule(name = "x", outs = ["o"], cmd = "echo $(NOPE) > $@")
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in the attribute `cmd`
           = in `//:x` (genrule, declared at BUILD:1:1)
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]],
    );
}

#[test]
fn configurations() {
    check(
        "//- BUILD\nconfig_setting(name = \"opt\", values = {\"compilation_mode\": \"opt\"})\nfilegroup(name = \"x\", srcs = select({\":opt\": []}))\n",
        "build //:x",
        expect![[r#"
        exit: 1
        --- stderr
        error: attribute `srcs` of `//:x`: no branch of its `select` matches the configuration
          --> BUILD:2:1
           |
         2 | filegroup(name = "x", srcs = select({":opt": []}))
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = conditions: `//:opt`
        hint: add a branch `"//conditions:default"`
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]],
    );
    check(
        "//- BUILD\nfilegroup(name = \"x\", target_compatible_with = [\"@platforms//os:windows\"])\n",
        "build //:x",
        expect![[r#"
        exit: 1
        --- stderr
        error: `//:x` is incompatible with the target platform: `@@platforms//os:windows` does not hold for the target platform
        hint: leave it out, or choose a platform it is made for with `--platforms`
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]],
    );
}

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
fn flags_that_nothing_acts_on_say_so() {
    check(
        "//- BUILD\nfilegroup(name = \"x\")\n",
        "build --nobuild //:x",
        expect![[r#"
            exit: 0
            --- stderr
            warning: `--build` has no effect yet
            //:x:
            built 1 target in [TIME]
        "#]],
    );
}
