//! The algebra of `select`.

use expect_test::{Expect, expect};

use crate::world::{World, show};

fn check(attr: &str, expect: Expect) {
    let text = format!(
        "l = select({{':a': ['x'], '//conditions:default': []}})\n\
         s = select({{':a': 'x', ':b': None}}, no_match_error = 'no')\n\
         d = select({{':a': {{'k': 'x'}}}})\n\
         thing(name = 't', {attr})"
    );
    expect.assert_eq(&show(World::default().build(&text, &[])));
}

#[test]
fn lists() {
    check(
        "texts = l",
        expect![[r#"t: thing(texts = select(//p:a: ["x"], default: []))"#]],
    );
    check(
        "texts = l + ['y']",
        expect![[r#"t: thing(texts = select(//p:a: ["x"], default: []) + ["y"])"#]],
    );
    check(
        "texts = ['y'] + l",
        expect![[r#"t: thing(texts = ["y"] + select(//p:a: ["x"], default: []))"#]],
    );
    check(
        "texts = ['y'] + l + ['z'] + l",
        expect![[
            r#"t: thing(texts = ["y"] + select(//p:a: ["x"], default: []) + ["z"] + select(//p:a: ["x"], default: []))"#
        ]],
    );
    check(
        "texts = ('y',) + l",
        expect![[r#"t: thing(texts = ["y"] + select(//p:a: ["x"], default: []))"#]],
    );
    check(
        "srcs = ['y'] + l + glob(['*.cc'])",
        expect![
            "t: thing(srcs = [//p:y] + select(//p:a: [//p:x], default: []) + [//p:a.cc, //p:b.cc])"
        ],
    );
    check(
        "srcs = select({Label('//c:d'): ['e'], '@dep//:c': [], '@nowhere//:x': None})",
        expect!["t: thing(srcs = select(//c:d: [//p:e], @@dep+//:c: [], @nowhere//:x: None))"],
    );
    check(
        "numbers = [1] + select({':a': [2]})",
        expect!["t: thing(numbers = [1] + select(//p:a: [2]))"],
    );
}

#[test]
fn texts() {
    check(
        "text = s",
        expect![[r#"t: thing(text = select(//p:a: "x", //p:b: None or "no"))"#]],
    );
    check(
        "text = s + 'y'",
        expect![[r#"t: thing(text = select(//p:a: "x", //p:b: None or "no") + "y")"#]],
    );
    check(
        "text = 'y' + s + 'z'",
        expect![[r#"t: thing(text = "y" + select(//p:a: "x", //p:b: None or "no") + "z")"#]],
    );
}

#[test]
fn dicts() {
    check(
        "words = d",
        expect![[r#"t: thing(words = select(//p:a: {"k": "x"}))"#]],
    );
    check(
        "words = d | {'l': 'y'}",
        expect![[r#"t: thing(words = select(//p:a: {"k": "x"}) + {"l": "y"})"#]],
    );
    check(
        "words = {'l': 'y'} | d",
        expect![[r#"t: thing(words = {"l": "y"} + select(//p:a: {"k": "x"}))"#]],
    );
    check(
        "words = {'l': 'y'} | d | d",
        expect![[
            r#"t: thing(words = {"l": "y"} + select(//p:a: {"k": "x"}) + select(//p:a: {"k": "x"}))"#
        ]],
    );
    check(
        "words = {'l': 'y'} | {'m': 'z'}",
        expect![[r#"t: thing(words = {"l": "y", "m": "z"})"#]],
    );
    check("number = 6 | 1", expect!["t: thing(number = 7)"]);
}

#[test]
fn scalars() {
    check(
        "flag = select({':a': True, ':b': 0})",
        expect!["t: thing(flag = select(//p:a: true, //p:b: false))"],
    );
    check(
        "one = select({':a': '//x', ':b': None})",
        expect!["t: thing(one = select(//p:a: //x:x, //p:b: None))"],
    );
}

#[test]
fn later_changes_do_not_show() {
    let bzl = "def m(name):\n  d = {':a': ['x']}\n  l = ['y']\n  s = select(d) + l\n  \
               d[':b'] = []\n  l.append('z')\n  native.thing(name = name, texts = s)";
    let text = "load('//q:defs.bzl', 'm')\nm(name = 't')";
    let shown = show(World::default().build(text, &[("//q:defs.bzl", bzl)]));
    expect![[r#"t: thing(texts = select(//p:a: ["x"]) + ["y"]) by m at p/BUILD:2:1"#]]
        .assert_eq(&shown);
}

#[test]
fn frozen_selects_are_selects() {
    let bzl = "S = select({':a': ['x']}) + ['y']";
    let text = "load('//q:defs.bzl', 'S')\nthing(name = 't', srcs = S + S + ['z'])";
    let shown = show(World::default().build(text, &[("//q:defs.bzl", bzl)]));
    expect!["t: thing(srcs = select(//p:a: [//p:x]) + [//p:y] + select(//p:a: [//p:x]) + [//p:y] + [//p:z])"].assert_eq(&shown);
}

#[test]
fn mistakes() {
    check(
        "texts = l + 'y'",
        expect![[r#"
        error: `+` cannot put together a list and a string, one of which comes from a `select`
          --> p/BUILD:4:27
           |
         4 | thing(name = 't', texts = l + 'y')
           |                           ^^^^^^^"#]],
    );
    check(
        "texts = 'y' + l",
        expect![[r#"
        error: `+` cannot put together a string and a list, one of which comes from a `select`
          --> p/BUILD:4:27
           |
         4 | thing(name = 't', texts = 'y' + l)
           |                           ^^^^^^^"#]],
    );
    check(
        "texts = l + s",
        expect![[r#"
        error: `+` cannot put together a list and a string, one of which comes from a `select`
          --> p/BUILD:4:27
           |
         4 | thing(name = 't', texts = l + s)
           |                           ^^^^^"#]],
    );
    check(
        "words = d + d",
        expect![[r#"
        error: `+` cannot put together a dict and a dict, one of which comes from a `select`
          --> p/BUILD:4:27
           |
         4 | thing(name = 't', words = d + d)
           |                           ^^^^^"#]],
    );
    check(
        "texts = l | l",
        expect![[r#"
        error: `|` cannot put together a list and a list, one of which comes from a `select`
          --> p/BUILD:4:27
           |
         4 | thing(name = 't', texts = l | l)
           |                           ^^^^^"#]],
    );
    check(
        "texts = [l]",
        expect![[r#"
        error: attribute `texts` of thing `//p:t`: expected a string, got `select({":a": ["x"], "//conditions:default": []})` of type select
          --> p/BUILD:4:19
           |
         4 | thing(name = 't', texts = [l])
           |                   ^^^^^^^^^^^
           = in a list
        hint: a `select` gives the whole value of an attribute, or a part put to it with `+`"#]],
    );
    check(
        "texts = [x for x in l]",
        expect![[r#"
        error: a `select` cannot be looked into: it is resolved after loading
          --> p/BUILD:4:39
           |
         4 | thing(name = 't', texts = [x for x in l])
           |                                       ^
        hint: put the branches' values together with `+` instead of looping over them"#]],
    );
    check(
        "texts = select({})",
        expect![[r#"
        error: `select` without conditions can never give a value
          --> p/BUILD:4:27
           |
         4 | thing(name = 't', texts = select({}))
           |                           ^^^^^^^^^^
        hint: add a `//conditions:default` branch"#]],
    );
    check(
        "texts = select([1])",
        expect![[r#"
        error: `select` takes a dict, got `[1]` of type list
          --> p/BUILD:4:27
           |
         4 | thing(name = 't', texts = select([1]))
           |                           ^^^^^^^^^^^"#]],
    );
    check(
        "texts = select({1: []})",
        expect![[r#"
        error: the conditions of a `select` are labels, got `1` of type int
          --> p/BUILD:4:27
           |
         4 | thing(name = 't', texts = select({1: []}))
           |                           ^^^^^^^^^^^^^^^"#]],
    );
    check(
        "texts = select({':a': l})",
        expect![[r#"
        error: a `select` cannot contain another one
          --> p/BUILD:4:27
           |
         4 | thing(name = 't', texts = select({':a': l}))
           |                           ^^^^^^^^^^^^^^^^^
        hint: combine conditions with `selects.config_setting_group` of bazel_skylib"#]],
    );
    check(
        "texts = select({':a': ['x'], '//p:a': []})",
        expect![[r#"
            error: attribute `texts` of thing `//p:t`: two branches of a `select` have the same condition, "//p:a"
              --> p/BUILD:4:19
               |
             4 | thing(name = 't', texts = select({':a': ['x'], '//p:a': []}))
               |                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: remove one of the two"#]],
    );
    check(
        "texts = select({':a': 'x'})",
        expect![[r#"
        error: attribute `texts` of thing `//p:t`: expected a list of strings, got `"x"` of type string
          --> p/BUILD:4:19
           |
         4 | thing(name = 't', texts = select({':a': 'x'}))
           |                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in the branch ":a" of a `select`
        hint: write `["x"]`"#]],
    );
    check(
        "one = select({':a': '//x'}) + '//y'",
        expect![[r#"
        error: attribute `one` of thing `//p:t`: a label cannot be put together from several values
          --> p/BUILD:4:19
           |
         4 | thing(name = 't', one = select({':a': '//x'}) + '//y')
           |                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"#]],
    );
    check(
        "texts = select({':a:b': []})",
        expect![[r#"
            error: attribute `texts` of thing `//p:t`: invalid label `:a:b`: the target name contains `:`
              --> p/BUILD:4:19
               |
             4 | thing(name = 't', texts = select({':a:b': []}))
               |                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: labels look like `//package:name`, `:name` or `file.txt`"#]],
    );
}
