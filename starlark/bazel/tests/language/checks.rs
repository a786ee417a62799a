//! What analysis refuses.

use std::sync::Arc;

use expect_test::{Expect, expect};

use kiln_bazel::{Limits, LoaderOptions, StarlarkHost};

use super::{check, check_body};
use crate::harness::World;

/// A dependency attribute with this definition and value.
fn dep(attr: &str, value: &str, expect: Expect) {
    let files = format!(
        r#"
=== d.bzl
Info = provider()
Other = provider()

def _program(ctx):
    out = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(out, "", is_executable = True)
    return [DefaultInfo(executable = out), Info()]

def _impl(ctx):
    return []

program = rule(_program, executable = True)
mine = rule(_impl, attrs = {{"dep": {attr}}})
=== a.txt
=== b.txt
=== c.cc
=== BUILD
load(":d.bzl", "mine", "program")
filegroup(name = "group", srcs = ["a.txt", "b.txt"])
filegroup(name = "none")
program(name = "program")
mine(name = "x", dep = {value})
"#
    );
    check(&files, expect);
}

#[test]
fn files() {
    dep(
        "attr.label()",
        "'a.txt'",
        expect![[r#"
            error: in the attribute `dep`, `//:a.txt` is a file, and targets are expected there
              --> BUILD:5:1
               |
             5 | mine(name = "x", dep = 'a.txt')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:x` (mine, declared at BUILD:5:1)
            hint: put the label of a target there
        "#]],
    );
    dep(
        "attr.label(allow_files = ['.cc'])",
        "'a.txt'",
        expect![[r#"
            error: in the attribute `dep`, `//:a.txt` is a file of another kind; `.cc` files are expected there
              --> BUILD:5:1
               |
             5 | mine(name = "x", dep = 'a.txt')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:x` (mine, declared at BUILD:5:1)
            hint: put `.cc` files there
        "#]],
    );
    dep(
        "attr.label(allow_files = ['.cc', '.h', '.c'])",
        "':group'",
        expect![[r#"
            error: in the attribute `dep`, `//:group` (filegroup) makes no `.cc`, `.h` or `.c` files
              --> BUILD:5:1
               |
             5 | mine(name = "x", dep = ':group')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = it makes a.txt, b.txt
               = in `//:x` (mine, declared at BUILD:5:1)
            hint: put a target that makes `.cc`, `.h` or `.c` files there
        "#]],
    );
    dep(
        "attr.label(allow_files = ['.cc'])",
        "':none'",
        expect![[r#"
            error: in the attribute `dep`, `//:none` (filegroup) makes no `.cc` files
              --> BUILD:5:1
               |
             5 | mine(name = "x", dep = ':none')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = it makes no files by default
               = in `//:x` (mine, declared at BUILD:5:1)
            hint: put a target that makes `.cc` files there
        "#]],
    );
    dep(
        "attr.label(allow_files = ['.txt'])",
        "':group'",
        expect![""],
    );
    dep(
        "attr.label(allow_single_file = True)",
        "':group'",
        expect![[r#"
            error: in the attribute `dep`, `//:group` (filegroup) makes 2 files, and exactly one is expected there
              --> BUILD:5:1
               |
             5 | mine(name = "x", dep = ':group')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = it makes a.txt, b.txt
               = in `//:x` (mine, declared at BUILD:5:1)
            hint: name one file, or a target that makes one
        "#]],
    );
    dep(
        "attr.label(allow_single_file = True)",
        "':none'",
        expect![[r#"
            error: in the attribute `dep`, `//:none` (filegroup) makes 0 files, and exactly one is expected there
              --> BUILD:5:1
               |
             5 | mine(name = "x", dep = ':none')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = it makes no files by default
               = in `//:x` (mine, declared at BUILD:5:1)
            hint: name one file, or a target that makes one
        "#]],
    );
    dep(
        "attr.label_list(allow_files = ['.cc'])",
        "['c.cc', 'a.txt']",
        expect![[r#"
            error: in the attribute `dep`, `//:a.txt` is a file of another kind; `.cc` files are expected there
              --> BUILD:5:1
               |
             5 | mine(name = "x", dep = ['c.cc', 'a.txt'])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:x` (mine, declared at BUILD:5:1)
            hint: put `.cc` files there
        "#]],
    );
}

#[test]
fn programs_and_providers() {
    dep(
        "attr.label(executable = True, cfg = 'exec')",
        "':program'",
        expect![""],
    );
    dep(
        "attr.label(executable = True, cfg = 'exec')",
        "':group'",
        expect![[r#"
            error: in the attribute `dep`, `//:group` (filegroup) is not executable
              --> BUILD:5:1
               |
             5 | mine(name = "x", dep = ':group')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:x` (mine, declared at BUILD:5:1)
            hint: name a target that is a program
        "#]],
    );
    dep("attr.label(providers = [Info])", "':program'", expect![""]);
    dep(
        "attr.label(providers = [Info])",
        "':group'",
        expect![[r#"
            error: in the attribute `dep`, `//:group` (filegroup) lacks `Info`
              --> BUILD:5:1
               |
             5 | mine(name = "x", dep = ':group')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = it has `DefaultInfo`
               = in `//:x` (mine, declared at BUILD:5:1)
            hint: put a target that has `Info` there
        "#]],
    );
    dep(
        "attr.label(providers = [[Info, Other], [Other]])",
        "':program'",
        expect![[r#"
            error: in the attribute `dep`, `//:program` (program) lacks `Info` and `Other`, or `Other`
              --> BUILD:5:1
               |
             5 | mine(name = "x", dep = ':program')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = it has `DefaultInfo`, `Info`
               = in `//:x` (mine, declared at BUILD:5:1)
            hint: put a target that has `Info` and `Other`, or `Other` there
        "#]],
    );
    dep(
        "attr.label(providers = [Other], allow_rules = ['program'])",
        "':program'",
        expect![""],
    );
}

#[test]
fn providers_that_are_not_there() {
    let access = |what: &str, expect: Expect| {
        check_body(
            &format!("    dep = ctx.attr.dep\n    print({what})"),
            r#""dep": attr.label(default = "//:a.txt", allow_files = True)"#,
            "",
            "",
            expect,
        );
    };
    access(
        "dep[OutputGroupInfo]",
        expect![[r#"
        error: the file `//:a.txt` has no provider `OutputGroupInfo`
          --> d.bzl:3:11
           |
         3 |     print(dep[OutputGroupInfo])
           |           ^^^^^^^^^^^^^^^^^^^^
           = it has `DefaultInfo`
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    access(
        "dep['x']",
        expect![[r#"
        error: `[]` of a target takes a provider, and got `string`
          --> d.bzl:3:11
           |
         3 |     print(dep['x'])
           |           ^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    access(
        "'x' in dep",
        expect![[r#"
        error: `in` of a target takes a provider, and got `string`
          --> d.bzl:3:11
           |
         3 |     print('x' in dep)
           |           ^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    access(
        "dep.file",
        expect![[r#"
            error: object of type `Target` has no attribute `file`
              --> d.bzl:3:11
               |
             3 |     print(dep.file)
               |           ^^^^^^^^
               = in `//:x` (mine, declared at BUILD:3:1)
            hint: did you mean `files`?
        "#]],
    );
    access(
        "ctx.attr.depp",
        expect![[r#"
            error: object of type `struct` has no attribute `depp`
              --> d.bzl:3:11
               |
             3 |     print(ctx.attr.depp)
               |           ^^^^^^^^^^^^^
               = in `//:x` (mine, declared at BUILD:3:1)
            hint: did you mean `dep`?
        "#]],
    );
    access(
        "ctx.file.dep",
        expect![[r#"
        error: object of type `struct` has no attribute `dep`
          --> d.bzl:3:11
           |
         3 |     print(ctx.file.dep)
           |           ^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    access(
        "ctx.lable",
        expect![[r#"
            error: object of type `ctx` has no attribute `lable`
              --> d.bzl:3:11
               |
             3 |     print(ctx.lable)
               |           ^^^^^^^^^
               = in `//:x` (mine, declared at BUILD:3:1)
            hint: did you mean `label`?
        "#]],
    );
    access(
        "ctx.rule",
        expect![[r#"
        error: `ctx.rule` exists only in aspects
          --> d.bzl:3:11
           |
         3 |     print(ctx.rule)
           |           ^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    access(
        "ctx.build_setting_value",
        expect![[r#"
        error: `build_setting_value` exists only in rules with `build_setting`, and `mine` has none
          --> d.bzl:3:11
           |
         3 |     print(ctx.build_setting_value)
           |           ^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    access(
        "ctx.machine_tools",
        expect![[r#"
        error: `ctx` has no `machine_tools` here
          --> d.bzl:3:11
           |
         3 |     print(ctx.machine_tools)
           |           ^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    access(
        "ctx.toolchains['//:t']",
        expect![[r#"
        error: the rule does not ask for toolchains of the type "//:t"
          --> d.bzl:3:11
           |
         3 |     print(ctx.toolchains['//:t'])
           |           ^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
        hint: add `toolchains = [...]` to the call of `rule`
    "#]],
    );
    access(
        "ctx.target_platform_has_constraint(dep)",
        expect![[r#"
        error: `target_platform_has_constraint` takes a `ConstraintValueInfo`, and got `Target`
          --> d.bzl:3:11
           |
         3 |     print(ctx.target_platform_has_constraint(dep))
           |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
        hint: write `ctx.attr._x[platform_common.ConstraintValueInfo]`
    "#]],
    );
}

#[test]
fn results() {
    let returns = |what: &str, expect: Expect| {
        check_body(&format!("    return {what}"), "", "", "", expect);
    };
    returns(
        "[3]",
        expect![[r#"
        error: an implementation function returns a list of providers, and one is `int`
          --> BUILD:3:1
           |
         3 | mine(name = "x", )
           | ^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    returns(
        "[[DefaultInfo()]]",
        expect![[r#"
        error: an implementation function returns a list of providers, and one is `list`
          --> BUILD:3:1
           |
         3 | mine(name = "x", )
           | ^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
        hint: put lists together with `+`
    "#]],
    );
    returns(
        "3",
        expect![[r#"
        error: an implementation function returns a list of providers, and one is `int`
          --> BUILD:3:1
           |
         3 | mine(name = "x", )
           | ^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    returns(
        "[DefaultInfo(), DefaultInfo()]",
        expect![[r#"
        error: the implementation function returns the provider `DefaultInfo` twice
          --> BUILD:3:1
           |
         3 | mine(name = "x", )
           | ^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    returns(
        "[OutputGroupInfo(), OutputGroupInfo()]",
        expect![[r#"
        error: the implementation function returns the provider `OutputGroupInfo` twice
          --> BUILD:3:1
           |
         3 | mine(name = "x", )
           | ^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    returns(
        "fail('stop:', 3, ctx.label.name)",
        expect![[r#"
        error: stop: 3 x
          --> d.bzl:2:12
           |
         2 |     return fail('stop:', 3, ctx.label.name)
           |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    returns(
        "[RunEnvironmentInfo(environment = {'A': 1})]",
        expect![[r#"
        error: `environment` is a dict of strings, and has `"A": 1`
          --> BUILD:3:1
           |
         3 | mine(name = "x", )
           | ^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    returns(
        "OutputGroupInfo(x = depset([ctx.actions.declare_file('o')]))",
        expect![[r#"
        error: no action makes `o`, which is declared as an output
          --> d.bzl:2:40
           |
         2 |     return OutputGroupInfo(x = depset([ctx.actions.declare_file('o')]))
           |                                        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    returns(
        "platform_common.ToolchainInfo(x = ctx)",
        expect![[r#"
            error: a provider holds a value of type `ctx`, which is valid only while the implementation function runs
              --> BUILD:3:1
               |
             3 | mine(name = "x", )
               | ^^^^^^^^^^^^^^^^^^
               = in `//:x` (mine, declared at BUILD:3:1)
        "#]],
    );
}

#[test]
fn what_is_promised_is_provided() {
    check(
        r#"
=== d.bzl
Info = provider()
mine = rule(lambda ctx: [OutputGroupInfo()], provides = [Info])
=== BUILD
load(":d.bzl", "mine")
mine(name = "x")
"#,
        expect![[r#"
            error: the rule says that it provides `Info`, and its implementation function returned none
              --> BUILD:2:1
               |
             2 | mine(name = "x")
               | ^^^^^^^^^^^^^^^^
               = it returned `DefaultInfo`, `OutputGroupInfo`
               = in `//:x` (mine, declared at BUILD:2:1)
        "#]],
    );
}

#[test]
fn executables() {
    let rule = |body: &str, expect: Expect| {
        let files = format!(
            "=== d.bzl\ndef _impl(ctx):\n    f = ctx.actions.declare_file('f')\n    {body}\n\nmine = rule(_impl, executable = True, attrs = {{'src': attr.label(allow_single_file = True)}})\n=== a.txt\n=== BUILD\nload(':d.bzl', 'mine')\nmine(name = 'x', src = 'a.txt')\n"
        );
        check(&files, expect);
    };
    rule(
        "ctx.actions.write(f, '')",
        expect![[r#"
        error: `mine` is an executable rule, and its implementation function gave no executable
          --> BUILD:2:1
           |
         2 | mine(name = 'x', src = 'a.txt')
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:2:1)
        hint: return `DefaultInfo(executable = ...)` with a file that an action of it makes
    "#]],
    );
    rule(
        "ctx.actions.write(f, ''); return DefaultInfo(executable = ctx.file.src)",
        expect![[r#"
        error: the executable `a.txt` is not made by an action of this target
          --> BUILD:2:1
           |
         2 | mine(name = 'x', src = 'a.txt')
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:2:1)
        hint: make a link to it by `ctx.actions.symlink(output = ..., target_file = ..., is_executable = True)`
    "#]],
    );
    rule(
        "ctx.actions.write(f, ''); ctx.actions.write(ctx.outputs.executable, '')",
        expect![[r#"
        files: kiln-out/fastbuild/bin/x
        executable: kiln-out/fastbuild/bin/x
        runfiles: _main/x
        FileWrite -> kiln-out/fastbuild/bin/f
          content: ""
        FileWrite -> kiln-out/fastbuild/bin/x
          content: ""
    "#]],
    );
}

#[test]
fn runaway_functions() {
    let run = |body: &str, expect: Expect| {
        let files = format!(
            "=== d.bzl\ndef _impl(ctx):\n    {body}\n\nmine = rule(_impl)\n=== BUILD\nload(':d.bzl', 'mine')\nmine(name = 'x')\n"
        );
        let mut world = World::new(&files);
        let limits = Limits {
            ticks: 10_000,
            ..Limits::default()
        };
        world.host = Arc::new(StarlarkHost::new(limits, LoaderOptions::default()));
        expect.assert_eq(&super::analyzed(&mut world));
    };
    run(
        "f = lambda f, n: f(f, n + 1); f(f, 0)",
        expect![[r#"
        error: more than 200 functions are active at once
          --> d.bzl:2:22
           |
         2 |     f = lambda f, n: f(f, n + 1); f(f, 0)
           |                      ^^^^^^^^^^^
           = `lambda` was called from d.bzl:2:35
           = in `//:x` (mine, declared at BUILD:2:1)
        hint: a function seems to call itself; Bazel's Starlark has no recursion
    "#]],
    );
    run(
        "[None for i in range(1000000000)]",
        expect![[r#"
            error: evaluating `//:d.bzl` takes more than 10000 function calls and loop turns
              --> d.bzl:2:20
               |
             2 |     [None for i in range(1000000000)]
               |                    ^^^^^^^^^^^^^^^^^
               = in `//:x` (mine, declared at BUILD:2:1)
            hint: shorten the loop if it is far longer than meant, or allow more: `--max_computation_steps=…`
        "#]],
    );
}

#[test]
fn errors_show_the_way() {
    check(
        r#"
=== lib.bzl
def helper(ctx):
    for i in [1]:
        print(ctx.attr.missing)
=== d.bzl
load(":lib.bzl", "helper")

def _impl(ctx):
    return helper(ctx)

mine = rule(_impl)
=== BUILD
load(":d.bzl", "mine")

mine(
    name = "x",
)
"#,
        expect![[r#"
            error: object of type `struct` has no attribute `missing`
              --> lib.bzl:3:15
               |
             3 |         print(ctx.attr.missing)
               |               ^^^^^^^^^^^^^^^^
               = `helper` was called from d.bzl:4:12
               = in `//:x` (mine, declared at BUILD:3:1)
        "#]],
    );
}
