//! `$(location)`, make variables, `args`.

use expect_test::{Expect, expect};

use super::{check, check_body};
use crate::harness::World;

fn expanded(text: &str, expect: Expect) {
    check_body(
        &format!(
            "    print(ctx.expand_location({text:?}))\n    print(ctx.expand_location({text:?}, short_paths = True))"
        ),
        r#""srcs": attr.label_list(allow_files = True), "data": attr.label_list(allow_files = True), "out": attr.string()"#,
        r#"srcs = ["a.txt", ":two"], data = ["c.cc"]"#,
        r#"filegroup(name = "two", srcs = ["a.txt", "b.txt"])"#,
        expect,
    );
}

#[test]
fn locations() {
    expanded(
        "x $(location a.txt) $(execpath :c.cc) $(rootpath //:c.cc) $(rlocationpath c.cc) $$ $(NAME)",
        expect![[r#"
            prints: x a.txt c.cc c.cc _main/c.cc $$ $(NAME)
            prints: x a.txt c.cc c.cc _main/c.cc $$ $(NAME)
        "#]],
    );
    expanded(
        "$(locations :two)",
        expect![[r#"
            prints: a.txt b.txt
            prints: a.txt b.txt
        "#]],
    );
    expanded(
        "$(location :two)",
        expect![[r#"
            error: label `:two` has 2 files, and `$(location)` needs exactly one in `$(location :two)`
              --> d.bzl:2:11
               |
             2 |     print(ctx.expand_location("$(location :two)"))
               |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:x` (mine, declared at BUILD:3:1)
            hint: write `$(locations :two)` for all of them
        "#]],
    );
    expanded(
        "$(location :nothing)",
        expect![[r#"
            error: label `:nothing` is no dependency of this target in `$(location :nothing)`
              --> d.bzl:2:11
               |
             2 |     print(ctx.expand_location("$(location :nothing)"))
               |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:x` (mine, declared at BUILD:3:1)
            hint: put `:nothing` into `srcs` or `data`
        "#]],
    );
    expanded(
        "$(location //:a:b)",
        expect![[r#"
            error: invalid label `//:a:b`: the target name contains `:` in `$(location //:a:b)`
              --> d.bzl:2:11
               |
             2 |     print(ctx.expand_location("$(location //:a:b)"))
               |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:x` (mine, declared at BUILD:3:1)
            hint: write a label: `//package:name`, `:name` or `file.txt`
        "#]],
    );
}

#[test]
fn make_variables() {
    let vars = |text: &str, expect: Expect| {
        check_body(
            &format!(
                "    print(ctx.expand_make_variables('cmd', {text:?}, {{'MINE': '1', '@': 'out'}}))"
            ),
            "",
            "",
            "",
            expect,
        );
    };
    vars(
        "$(MINE) $@ $$x $(BINDIR) $(COMPILATION_MODE)",
        expect![[r#"
            prints: 1 out $x kiln-out/fastbuild/bin fastbuild
        "#]],
    );
    vars(
        "$(COMPILATION_MOD)",
        expect![[r#"
            error: unknown make variable `COMPILATION_MOD` in `$(COMPILATION_MOD)`
              --> d.bzl:2:11
               |
             2 |     print(ctx.expand_make_variables('cmd', "$(COMPILATION_MOD)", {'MINE': '1', '@': 'out'}))
               |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in the attribute `cmd`
               = in `//:x` (mine, declared at BUILD:3:1)
            hint: write `$$` for a plain `$`
            hint: did you mean `$(COMPILATION_MODE)`?
        "#]],
    );
    vars(
        "$x",
        expect![[r#"
            error: unknown make variable `x` in `$x`
              --> d.bzl:2:11
               |
             2 |     print(ctx.expand_make_variables('cmd', "$x", {'MINE': '1', '@': 'out'}))
               |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in the attribute `cmd`
               = in `//:x` (mine, declared at BUILD:3:1)
            hint: write `$$` for a plain `$`
        "#]],
    );
}

#[test]
fn variables_of_toolchains() {
    check(
        r#"
=== d.bzl
def _vars(ctx):
    return [platform_common.TemplateVariableInfo({"TOOL": "/bin/tool"})]

def _impl(ctx):
    print(ctx.var["TOOL"], ctx.expand_make_variables("cmd", "$(TOOL)", {}))

vars = rule(_vars)
mine = rule(_impl)
=== BUILD
load(":d.bzl", "mine", "vars")
vars(name = "v")
mine(name = "x", toolchains = [":v"])
"#,
        expect![[r#"
            prints: /bin/tool /bin/tool
        "#]],
    );
}

#[test]
fn args_are_expanded() {
    let build = |args: &str| {
        format!(
            r#"
=== d.bzl
def _impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(out, "", is_executable = True)
    return DefaultInfo(executable = out)

mine = rule(_impl, executable = True, attrs = {{"data": attr.label_list(allow_files = True)}})
=== a b.txt
=== BUILD
load(":d.bzl", "mine")
mine(name = "x", data = ["a b.txt"], args = [{args}])
"#
        )
    };
    check(
        &build(
            r#""--f=$(location a b.txt)", "'q r' s", "$(COMPILATION_MODE)", "$$HOME", "$$(location a b.txt)""#,
        ),
        expect![[r#"
        files: kiln-out/fastbuild/bin/x
        executable: kiln-out/fastbuild/bin/x
        runfiles: _main/x
        args: --f=a | b.txt | q r | s | fastbuild | $HOME | $(location | a | b.txt)
        FileWrite -> kiln-out/fastbuild/bin/x
          program: ""
    "#]],
    );
    check(
        &build(r#""$(location :c)""#),
        expect![[r#"
            error: label `:c` is no dependency of this target in `$(location :c)`
              --> BUILD:2:1
               |
             2 | mine(name = "x", data = ["a b.txt"], args = ["$(location :c)"])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in the attribute `args`
               = in `//:x` (mine, declared at BUILD:2:1)
            hint: put `:c` into `data`
        "#]],
    );
    check(
        &build(r#""$(NOPE)""#),
        expect![[r#"
            error: unknown make variable `NOPE` in `$(NOPE)`
              --> BUILD:2:1
               |
             2 | mine(name = "x", data = ["a b.txt"], args = ["$(NOPE)"])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in the attribute `args`
               = in `//:x` (mine, declared at BUILD:2:1)
            hint: write `$$` for a plain `$`
        "#]],
    );
    check(
        &build(r#""'open""#),
        expect![[r#"
        error: unclosed ' in `'open`
          --> BUILD:2:1
           |
         2 | mine(name = "x", data = ["a b.txt"], args = ["'open"])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:2:1)
    "#]],
    );
}

#[test]
fn other_repositories_have_other_paths() {
    let mut world = World::new(
        r#"
=== BUILD
load("@other//p:d.bzl", "mine")
alias(name = "x", actual = "@other//p:y")
"#,
    );
    world.add(
        "other",
        "p/d.bzl",
        r#"
def _impl(ctx):
    out = ctx.actions.declare_file("o")
    ctx.actions.write(out, "")
    src = ctx.file.src
    print(ctx.label, ctx.build_file_path, Label(":z"), ctx.bin_dir.path)
    print(out.path, out.short_path, out.root.path, out.owner)
    print(src.path, src.short_path, src.root.path, src.owner)
    return DefaultInfo(files = depset([out]), runfiles = ctx.runfiles([src, out]))

mine = rule(_impl, attrs = {"src": attr.label(default = ":s.txt", allow_single_file = True)})
"#,
    );
    world.add("other", "p/s.txt", "");
    world.add(
        "other",
        "p/BUILD",
        "load(':d.bzl', 'mine')\nmine(name = 'y')",
    );
    expect![[r#"
        files: kiln-out/fastbuild/bin/external/other/p/o
        runfiles: other/p/o other/p/s.txt
        FileWrite -> kiln-out/fastbuild/bin/external/other/p/o
          content: ""
        prints: @@other//p:y external/other/p/BUILD @@other//p:z kiln-out/fastbuild/bin
        prints: kiln-out/fastbuild/bin/external/other/p/o ../other/p/o kiln-out/fastbuild/bin @@other//p:y
        prints: external/other/p/s.txt ../other/p/s.txt external/other @@other//p:s.txt
    "#]].assert_eq(&super::analyzed(&mut world));
}
