//! Evaluations that fail, or that would never end.

use expect_test::expect;

use crate::{check, check_cured, works};

#[test]
fn a_loop_without_an_end() {
    let workspace = check(
        "
//- BUILD
load(\":m.bzl\", \"m\")

m(name = \"x\")
//- m.bzl
def m(name):
    for i in range(1000000):
        for j in range(1000000):
            if i * j < 0:
                return
",
        "build //:x --max_computation_steps=20000",
        expect![[r#"
            exit: 1
            --- stderr
            error: evaluating `BUILD` takes more than 20000 function calls and loop turns
              --> m.bzl:3:9
               |
             3 |         for j in range(1000000):
               |         ^^^^^^^^^^^^^^^^^^^^^^^^
               = `m` was called from BUILD:3:1
            hint: shorten the loop if it is far longer than meant, or allow more: `--max_computation_steps=…`
        "#]],
    );
    let text = "def m(name):\n    for i in range(30000):\n        pass\n    native.filegroup(name = name)\n";
    workspace.write("m.bzl", text);
    works(&workspace, "build //:x --max_computation_steps=50000");
    works(&workspace, "build //:x");
}

#[test]
fn a_function_that_calls_itself() {
    check(
        "
//- BUILD
load(\":m.bzl\", \"m\")

m(name = \"x\")
//- m.bzl
def m(name):
    m(name + \"x\")
",
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: more than 200 functions are active at once
              --> m.bzl:2:5
               |
             2 |     m(name + "x")
               |     ^^^^^^^^^^^^^
               = `m` was called from BUILD:3:1
            hint: a function seems to call itself; Bazel's Starlark has no recursion
        "#]],
    );
}

#[test]
fn a_rule_that_never_ends() {
    check(
        "
//- BUILD
load(\":r.bzl\", \"r\")

r(name = \"x\")
//- r.bzl
def _r(ctx):
    for i in range(1000000000):
        len([i])

r = rule(implementation = _r)
",
        "build //:x --max_computation_steps=20000",
        expect![[r#"
            exit: 1
            --- stderr
            error: evaluating `//:r.bzl` takes more than 20000 function calls and loop turns
              --> r.bzl:2:5
               |
             2 |     for i in range(1000000000):
               |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:x` (r, declared at BUILD:3:1)
            hint: shorten the loop if it is far longer than meant, or allow more: `--max_computation_steps=…`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
}

#[test]
fn values_that_do_not_go_together() {
    check_cured(
        "//- BUILD\nfilegroup(name = \"x\", srcs = \"a.txt\" + [\"b.txt\"])\n//- a.txt\n//- b.txt\n",
        "build //:x",
        (
            "BUILD",
            "filegroup(name = \"x\", srcs = [\"a.txt\"] + [\"b.txt\"])\n",
        ),
        expect![[r#"
            exit: 1
            --- stderr
            error: operation `+` not supported for types `string` and `list`
              --> BUILD:1:30
               |
             1 | filegroup(name = "x", srcs = "a.txt" + ["b.txt"])
               |                              ^^^^^^^^^^^^^^^^^^^
            hint: put the other value into a list: `[…]`
        "#]],
    );
}

#[test]
fn a_macro_that_refuses() {
    check(
        "
//- BUILD
load(\":m.bzl\", \"m\")

m(name = \"x\")
//- m.bzl
def m(name):
    fail(\"no more of these, use `n`\")
",
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: no more of these, use `n`
              --> m.bzl:2:5
               |
             2 |     fail("no more of these, use `n`")
               |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = `m` was called from BUILD:3:1
        "#]],
    );
}
