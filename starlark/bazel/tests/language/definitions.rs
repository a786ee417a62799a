//! `rule` and `attr`.

use expect_test::{Expect, expect};

use super::{check, prints};

#[test]
fn mistakes_in_rules() {
    prints(
        "x = rule()",
        expect![[r#"
        error: `rule` needs an `implementation`
          --> d.bzl:1:5
           |
         1 | x = rule()
           |     ^^^^^^
    "#]],
    );
    prints(
        "x = rule(lambda ctx: None, attr = {})",
        expect![[r#"
        error: `rule` takes no `attr`
          --> d.bzl:1:5
           |
         1 | x = rule(lambda ctx: None, attr = {})
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `attr` of `rule`
        hint: did you mean `attrs`?
    "#]],
    );
    prints(
        "x = rule(lambda ctx: None, attrs = [])",
        expect![[r#"
        error: `attrs` takes a dict, and got `list`
          --> d.bzl:1:5
           |
         1 | x = rule(lambda ctx: None, attrs = [])
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#]],
    );
    prints(
        "x = rule(lambda ctx: None, attrs = {'a': 'string'})",
        expect![[r#"
        error: attribute `a` must be made by `attr.*`, and is `string`
          --> d.bzl:1:5
           |
         1 | x = rule(lambda ctx: None, attrs = {'a': 'string'})
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: write `attr.string()`, for example
    "#]],
    );
    prints(
        "x = rule(lambda ctx: None, attrs = {'name': attr.string()})",
        expect![[r#"
        error: every rule has `name`; it cannot be redefined
          --> d.bzl:1:5
           |
         1 | x = rule(lambda ctx: None, attrs = {'name': attr.string()})
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#]],
    );
    prints(
        "x = rule(lambda ctx: None, attrs = {'a-b': attr.string()})",
        expect![[r#"
        error: `a-b` is no name of an attribute
          --> d.bzl:1:5
           |
         1 | x = rule(lambda ctx: None, attrs = {'a-b': attr.string()})
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#]],
    );
    prints(
        "x = rule(lambda ctx: None, test = True)",
        expect![[r#"
        error: a test rule must have a name that ends with `_test`, and this one is `x`
          --> d.bzl:1:1
           |
         1 | x = rule(lambda ctx: None, test = True)
           | ^
    "#]],
    );
    prints(
        "x_test = rule(lambda ctx: None)",
        expect![[r#"
        error: only test rules may have names that end with `_test`, and this one is `x_test`
          --> d.bzl:1:1
           |
         1 | x_test = rule(lambda ctx: None)
           | ^^^^^^
    "#]],
    );
    prints(
        "x = rule(lambda ctx: None, toolchains = '//:t')",
        expect![[r#"
        error: expected a list of toolchain types, got `string`
          --> d.bzl:1:5
           |
         1 | x = rule(lambda ctx: None, toolchains = '//:t')
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `toolchains` of `rule`
    "#]],
    );
    prints(
        "x = rule(lambda ctx: None, toolchains = ['//:a:b'])",
        expect![[r#"
            error: invalid label `//:a:b`: the target name contains `:`
              --> d.bzl:1:5
               |
             1 | x = rule(lambda ctx: None, toolchains = ['//:a:b'])
               |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `toolchains` of `rule`
            hint: labels look like `//package:name`, `:name` or `file.txt`
        "#]],
    );
    prints(
        "x = rule(lambda ctx: None, provides = [3])",
        expect![[r#"
        error: expected a provider, got `int`
          --> d.bzl:1:5
           |
         1 | x = rule(lambda ctx: None, provides = [3])
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `provides` of `rule`
    "#]],
    );
    prints(
        "x = rule(lambda ctx: None, build_setting = 'bool')",
        expect![[r#"
        error: expected `config.bool(...)` or its like, got `string`
          --> d.bzl:1:5
           |
         1 | x = rule(lambda ctx: None, build_setting = 'bool')
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `build_setting` of `rule`
    "#]],
    );
    prints(
        "x = rule(lambda ctx: None, _builtin = 'alias')",
        expect![[r#"
        error: this is for kiln's own rules only
          --> d.bzl:1:5
           |
         1 | x = rule(lambda ctx: None, _builtin = 'alias')
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `_builtin` of `rule`
    "#]],
    );
    prints(
        "x = rule(lambda ctx: None, outputs = {'a': 3})",
        expect![[r#"
        error: `outputs` takes a dict of strings
          --> d.bzl:1:5
           |
         1 | x = rule(lambda ctx: None, outputs = {'a': 3})
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `outputs` of `rule`
    "#]],
    );
    prints(
        "x = rule(lambda ctx: None)\nx(name = 'a')",
        expect![[r#"
        error: a rule cannot be called in the file that defines it while that is loaded
          --> d.bzl:2:1
           |
         2 | x(name = 'a')
           | ^^^^^^^^^^^^^
        hint: call it in a BUILD file, or in a function that a BUILD file calls
    "#]],
    );
}

#[test]
fn mistakes_in_attributes() {
    prints(
        "attr.string(defalt = '')",
        expect![[r#"
        error: `attr.string` takes no `defalt`
          --> d.bzl:1:1
           |
         1 | attr.string(defalt = '')
           | ^^^^^^^^^^^^^^^^^^^^^^^^
           = in `defalt` of `attr.string`
        hint: did you mean `default`?
    "#]],
    );
    prints(
        "attr.string(default = 3)",
        expect![[r#"
            error: expected a string, got `3` of type int
              --> d.bzl:1:1
               |
             1 | attr.string(default = 3)
               | ^^^^^^^^^^^^^^^^^^^^^^^^
               = in `default` of `attr.string`
            hint: write `"3"`
        "#]],
    );
    prints(
        "attr.string(default = 'c', values = ['a', 'b'])",
        expect![[r#"
        error: the default is none of the `values`
          --> d.bzl:1:1
           |
         1 | attr.string(default = 'c', values = ['a', 'b'])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#]],
    );
    prints(
        "attr.label(default = '//:a:b')",
        expect![[r#"
            error: invalid label `//:a:b`: the target name contains `:`
              --> d.bzl:1:1
               |
             1 | attr.label(default = '//:a:b')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `default` of `attr.label`
            hint: labels look like `//package:name`, `:name` or `file.txt`
        "#]],
    );
    prints(
        "attr.label(cfg = 'fast')",
        expect![[r#"
        error: `fast` is no configuration
          --> d.bzl:1:1
           |
         1 | attr.label(cfg = 'fast')
           | ^^^^^^^^^^^^^^^^^^^^^^^^
           = configurations are `target` and `exec`
           = in `cfg` of `attr.label`
    "#]],
    );
    prints(
        "attr.label(cfg = 3)",
        expect![[r#"
        error: expected `"target"`, `"exec"` or a transition, got `int`
          --> d.bzl:1:1
           |
         1 | attr.label(cfg = 3)
           | ^^^^^^^^^^^^^^^^^^^
           = in `cfg` of `attr.label`
    "#]],
    );
    prints(
        "attr.label(allow_files = ['cc'])",
        expect![[r#"
        error: `cc` is no file name ending: it must begin with a dot
          --> d.bzl:1:1
           |
         1 | attr.label(allow_files = ['cc'])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `allow_files` of `attr.label`
    "#]],
    );
    prints(
        "attr.label(allow_files = 3)",
        expect![[r#"
        error: expected a bool or a list of file name endings, got `int`
          --> d.bzl:1:1
           |
         1 | attr.label(allow_files = 3)
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `allow_files` of `attr.label`
    "#]],
    );
    prints(
        "attr.label(providers = [3])",
        expect![[r#"
        error: expected a provider, got `int`
          --> d.bzl:1:1
           |
         1 | attr.label(providers = [3])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `providers` of `attr.label`
    "#]],
    );
    prints(
        "attr.output(default = 'x')",
        expect![[r#"
        error: `attr.output` takes no `default`
          --> d.bzl:1:1
           |
         1 | attr.output(default = 'x')
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `default` of `attr.output`
    "#]],
    );
    prints(
        "attr.nothing()",
        expect![[r#"
        error: object of type `namespace` has no attribute `nothing`
          --> d.bzl:1:1
           |
         1 | attr.nothing()
           | ^^^^^^^^^^^^^^
    "#]],
    );
    prints(
        "attr.string('x')",
        expect![[r#"
        error: `attr.string` takes its arguments by name
          --> d.bzl:1:1
           |
         1 | attr.string('x')
           | ^^^^^^^^^^^^^^^^
    "#]],
    );
    prints(
        "attr.string_list(default = configuration_field('cpp', 'x'))",
        expect![[r#"
        error: `configuration_field` goes with `attr.label` only
          --> d.bzl:1:1
           |
         1 | attr.string_list(default = configuration_field('cpp', 'x'))
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `default` of `attr.string_list`
    "#]],
    );
}

#[test]
fn labels_are_relative_to_their_file() {
    check(
        r#"
=== lib/BUILD
=== lib/data.txt
=== lib/attrs.bzl
ATTRS = {"_data": attr.label(default = ":data.txt", allow_single_file = True)}
=== d.bzl
load("//lib:attrs.bzl", "ATTRS")
mine = rule(lambda ctx: print(ctx.file._data, Label(":here")), attrs = ATTRS)
=== BUILD
load(":d.bzl", "mine")
mine(name = "x")
"#,
        expect![[r#"
            prints: <source file lib/data.txt> @@//:here
        "#]],
    );
}

#[test]
fn computed_defaults() {
    let rule = |attrs: &str, call: &str, expect: Expect| {
        let files = format!(
            r#"
=== d.bzl
def _suffix(kind):
    return "lib-" + kind

mine = rule(lambda ctx: print(ctx.attr.out, ctx.attr.kind), attrs = {{
    "kind": attr.string(default = "k"),
    {attrs}
}})
=== BUILD
load(":d.bzl", "mine")
mine(name = "x", {call})
"#
        );
        check(&files, expect);
    };
    rule(
        "'out': attr.string(default = _suffix)",
        "",
        expect![[r#"
            prints: lib-k k
        "#]],
    );
    rule(
        "'out': attr.string(default = _suffix)",
        "kind = 'z'",
        expect![[r#"
            prints: lib-z z
        "#]],
    );
    rule(
        "'out': attr.string(default = _suffix)",
        "out = 'given'",
        expect![[r#"
            prints: given k
        "#]],
    );
    rule(
        "'out': attr.string(default = _suffix)",
        "kind = select({'//conditions:default': 'q'})",
        expect![[r#"
        error: the default of `out` is computed from `kind`, which must not be a `select`
          --> BUILD:2:1
           |
         2 | mine(name = "x", kind = select({'//conditions:default': 'q'}))
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#]],
    );
    rule(
        "'out': attr.string(default = lambda nothing: '')",
        "",
        expect![[r#"
        error: a computed default asks for `nothing`, which is no attribute
          --> BUILD:2:1
           |
         2 | mine(name = "x", )
           | ^^^^^^^^^^^^^^^^^^
    "#]],
    );
    rule(
        "'out': attr.string(), '_p': attr.string(default = _suffix)",
        "",
        expect![[r#"
        error: computed defaults of private attributes (`_p`) are not supported yet
          --> BUILD:2:1
           |
         2 | mine(name = "x", )
           | ^^^^^^^^^^^^^^^^^^
           = defined here
          --> d.bzl:4:8
           |
         4 | mine = rule(lambda ctx: print(ctx.attr.out, ctx.attr.kind), attrs = {
           |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:2:1)
    "#]],
    );
}

#[test]
fn initializers() {
    let rule = |initializer: &str, expect: Expect| {
        let files = format!(
            r#"
=== d.bzl
def _init(**kwargs):
    {initializer}

mine = rule(lambda ctx: print(ctx.attr.text), initializer = _init, attrs = {{"text": attr.string()}})
=== BUILD
load(":d.bzl", "mine")
mine(name = "x", text = "t")
"#
        );
        check(&files, expect);
    };
    rule(
        "return {'text': kwargs['text'] * 3}",
        expect![[r#"
            prints: ttt
        "#]],
    );
    rule(
        "return None",
        expect![[r#"
            prints: t
        "#]],
    );
    rule(
        "return 3",
        expect![[r#"
        error: the `initializer` of `mine` must return a dict, and returned `int`
          --> BUILD:2:1
           |
         2 | mine(name = "x", text = "t")
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#]],
    );
}

#[test]
fn rules_that_have_no_name() {
    check(
        r#"
=== d.bzl
def f():
    return [rule(lambda ctx: None)]

RULES = f()

def call():
    RULES[0](name = "x")
=== BUILD
load(":d.bzl", "call")
call()
"#,
        expect![[r#"
            error: the rule has no name: it was not assigned to a global variable of a .bzl file
              --> d.bzl:7:5
               |
             7 |     RULES[0](name = "x")
               |     ^^^^^^^^^^^^^^^^^^^^
               = `call` was called from BUILD:2:1
        "#]],
    );
}

#[test]
fn license_labels_are_not_loaded() {
    check(
        r#"
=== d.bzl
mine = rule(lambda ctx: print(ctx.attr.applicable_licenses, ctx.attr.compatible_with))

def call():
    mine(name = "x", applicable_licenses = [Label("//nowhere:license")], compatible_with = ["//nowhere:env"])
=== BUILD
load(":d.bzl", "call")
call()
"#,
        expect![[r#"
            prints: ["//nowhere:license"] ["//nowhere:env"]
        "#]],
    );
}
