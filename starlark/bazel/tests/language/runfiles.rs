//! Runfiles.

use expect_test::{Expect, expect};

use super::{check, check_body};

fn runfiles(body: &str, expect: Expect) {
    let attrs = r#"
    "srcs": attr.label_list(default = ["//:a.txt", "//:b.txt"], allow_files = True),
    "data": attr.label_list(allow_files = True),
"#;
    let body = format!("    a, b = ctx.files.srcs\n{}", body.trim_matches('\n'));
    check_body(
        &body,
        attrs,
        r#"data = [":group", "c.cc"]"#,
        r#"filegroup(name = "group", srcs = ["a.txt"], data = ["c.cc"])"#,
        expect,
    );
}

#[test]
fn made_and_merged() {
    runfiles(
        r#"
    one = ctx.runfiles(files = [a], transitive_files = depset([b]), symlinks = {"s/l": a}, root_symlinks = {"r": b})
    two = ctx.runfiles(files = [b])
    print(one.files, one.symlinks, one.root_symlinks, one.empty_filenames)
    print(one.merge(two).files, two.merge_all([one, ctx.runfiles()]).files, type(one))
    return DefaultInfo(runfiles = one.merge(two))
"#,
        expect![[r#"
            runfiles: _main/a.txt _main/b.txt _main/s/l r
            prints: depset([<source file b.txt>, <source file a.txt>]) depset([struct(path = "s/l", target_file = <source file a.txt>)]) depset([struct(path = "r", target_file = <source file b.txt>)]) depset([])
            prints: depset([<source file b.txt>, <source file a.txt>]) depset([<source file b.txt>, <source file a.txt>]) runfiles
        "#]],
    );
}

#[test]
fn collected() {
    runfiles(
        "    return DefaultInfo(runfiles = ctx.runfiles(collect_data = True))",
        expect![[r#"
        runfiles: _main/a.txt _main/b.txt _main/c.cc
    "#]],
    );
    runfiles(
        "    return DefaultInfo(runfiles = ctx.runfiles(collect_default = True))",
        expect![[r#"
        runfiles: _main/a.txt _main/c.cc
    "#]],
    );
    runfiles(
        "    return DefaultInfo(default_runfiles = ctx.runfiles([a]), data_runfiles = ctx.runfiles([b]))",
        expect![[r#"
            runfiles: _main/a.txt
            data runfiles: _main/b.txt
        "#]],
    );
}

#[test]
fn init_files() {
    check(
        r#"
=== d.bzl
def _impl(ctx):
    return DefaultInfo(runfiles = ctx.runfiles(ctx.files.srcs)._with_init_files())

mine = rule(_impl, attrs = {"srcs": attr.label_list(allow_files = True)})
=== a.py
=== p/q/b.py
=== p/has/__init__.py
=== p/has/c.py
=== p/data/d.txt
=== BUILD
load(":d.bzl", "mine")
mine(name = "x", srcs = glob(["**/*.py", "**/*.txt"]))
"#,
        expect![[r#"
            runfiles: _main/a.py _main/p/__init__.py _main/p/data/d.txt _main/p/has/__init__.py _main/p/has/c.py _main/p/q/__init__.py _main/p/q/b.py
        "#]],
    );
}

#[test]
fn mistakes() {
    runfiles(
        "    ctx.runfiles(files = ['a'])",
        expect![[r#"
        error: `files` takes files, and got `string` ("a")
          --> d.bzl:3:5
           |
         3 |     ctx.runfiles(files = ['a'])
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    runfiles(
        "    ctx.runfiles(transitive_files = depset(['a']))",
        expect![[r#"
        error: `transitive_files` takes files, and got a depset of `string`
          --> d.bzl:3:5
           |
         3 |     ctx.runfiles(transitive_files = depset(['a']))
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    runfiles(
        "    ctx.runfiles(symlinks = {'/abs': a})",
        expect![[r#"
        error: `symlinks` has the path `/abs`, which is no normalized relative path
          --> d.bzl:3:5
           |
         3 |     ctx.runfiles(symlinks = {'/abs': a})
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    runfiles(
        "    ctx.runfiles(symlinks = {'../up': a})",
        expect![[r#"
        error: `symlinks` has the path `../up`, which is no normalized relative path
          --> d.bzl:3:5
           |
         3 |     ctx.runfiles(symlinks = {'../up': a})
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    runfiles(
        "    ctx.runfiles(symlinks = {'x': 'a'})",
        expect![[r#"
        error: `symlinks` takes a dict from paths to files, and got `dict`
          --> d.bzl:3:5
           |
         3 |     ctx.runfiles(symlinks = {'x': 'a'})
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    runfiles(
        "    ctx.runfiles(symlinks = [a])",
        expect![[r#"
        error: `symlinks` takes a dict from paths to files, and got `list`
          --> d.bzl:3:5
           |
         3 |     ctx.runfiles(symlinks = [a])
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    runfiles(
        "    ctx.runfiles().merge_all(ctx.runfiles())",
        expect![[r#"
        error: `merge_all` takes a list of runfiles, and got `runfiles`
          --> d.bzl:3:5
           |
         3 |     ctx.runfiles().merge_all(ctx.runfiles())
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    runfiles(
        "    ctx.runfiles().merge_all([a])",
        expect![[r#"
        error: `merge_all` takes a list of runfiles, and one is `File`
          --> d.bzl:3:5
           |
         3 |     ctx.runfiles().merge_all([a])
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    runfiles(
        "    return DefaultInfo(runfiles = ctx.runfiles(), data_runfiles = ctx.runfiles())",
        expect![[r#"
        error: `DefaultInfo` takes `runfiles`, or `data_runfiles` and `default_runfiles`, not both
          --> d.bzl:3:12
           |
         3 |     return DefaultInfo(runfiles = ctx.runfiles(), data_runfiles = ctx.runfiles())
           |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
}
