//! `__defaults__`.

use std::sync::Arc;

use expect_test::{Expect, expect};

use crate::world::{World, show};

/// What a package shows whose folder above says `above`.
fn check(above: &str, text: &str, expect: Expect) {
    let world = World::default();
    let above = world.build(above, &[]).map(|package| package.defaults);
    let package = above.and_then(|above| world.build_below(&above, text, &[]));
    expect.assert_eq(&show(package));
}

#[test]
fn a_default_is_for_targets_that_give_nothing_bld_090() {
    check(
        "",
        r#"
__defaults__({thing: {"text": "t", "srcs": ["x"]}, ("gen", "strict"): {"testonly": True}})
thing(name = "all")
thing(name = "own", text = "own", srcs = [])
thing(name = "none", text = None)
gen(name = "g")
"#,
        expect![[r#"
            all: thing(srcs = [//p:x], text = "t")
            g: gen(testonly = true)
            none: thing(srcs = [//p:x], text = "t")
            own: thing(srcs = [], text = "own")"#]],
    );
    // Labels are relative to the package that says so.
    check(
        r#"__defaults__({"thing": {"deps": [":d"], "visibility": [":__pkg__"]}})"#,
        r#"thing(name = "x")"#,
        expect!["x: thing(deps = [//p:d]) visibility [//p]"],
    );
    // Values that depend on the configuration.
    check(
        r#"__defaults__({"thing": {"texts": ["a"] + select({":s": ["b"], "//conditions:default": []})}})"#,
        r#"thing(name = "x")"#,
        expect![[r#"x: thing(texts = ["a"] + select(//p:s: ["b"], default: []))"#]],
    );
}

#[test]
fn the_nearest_folder_decides_for_a_rule_bld_091() {
    let above = r#"__defaults__({"thing": {"text": "t", "number": 1}, "gen": {"testonly": True}})"#;
    let targets = "thing(name = \"x\")\ngen(name = \"y\")\n";
    let below = |call: &str, expect| check(above, &format!("{call}\n{targets}"), expect);
    below(
        "",
        expect![[r#"
        x: thing(number = 1, text = "t")
        y: gen(testonly = true)"#]],
    );
    below(
        r#"__defaults__({"thing": {"flag": True}})"#,
        expect![[r#"
        x: thing(flag = true)
        y: gen(testonly = true)"#]],
    );
    below(
        r#"__defaults__({"thing": {"number": 2}}, extend = True)"#,
        expect![[r#"
            x: thing(number = 2, text = "t")
            y: gen(testonly = true)"#]],
    );
    // BLD-092
    below(
        r#"__defaults__({"thing": {}})"#,
        expect![[r#"
        x: thing()
        y: gen(testonly = true)"#]],
    );
    // The later of two calls replaces too; the later entry of one adds.
    below(
        r#"
__defaults__({"thing": {"flag": True}}, {"thing": {"number": 3}})
__defaults__({"gen": {}})"#,
        expect![[r#"
            x: thing(flag = true, number = 3)
            y: gen()"#]],
    );
}

#[test]
fn all_is_for_every_rule_that_has_it_bld_093_env_033() {
    let above = r#"__defaults__({"thing": {"text": "t"}})"#;
    let targets = "thing(name = \"x\")\ngen(name = \"y\")\nstrict(name = \"z\", srcs = [\"s\"])";
    let below = |call: &str, expect| check(above, &format!("{call}\n{targets}"), expect);
    below(
        r#"__defaults__(all = dict(size = "small"))"#,
        expect![[r#"
        x: thing()
        y: gen()
        z: strict(size = "small", srcs = [//p:s])"#]],
    );
    below(
        r#"__defaults__(all = {"number": 1, "testonly": True}, extend = True)"#,
        expect![[r#"
            x: thing(number = 1, testonly = true, text = "t")
            y: gen(testonly = true)
            z: strict(srcs = [//p:s], testonly = true)"#]],
    );
    below(
        r#"__defaults__({"thing": {"number": 2}}, all = {"testonly": True})"#,
        expect![[r#"
            x: thing(number = 2, testonly = true)
            y: gen(testonly = true)
            z: strict(srcs = [//p:s], testonly = true)"#]],
    );
    below(
        "__defaults__(all = {})",
        expect![[r#"
        x: thing()
        y: gen()
        z: strict(srcs = [//p:s])"#]],
    );
}

#[test]
fn mistakes_bld_094() {
    let mistake = |call: &str, expect| check("", call, expect);
    mistake(
        r#"__defaults__(["thing"])"#,
        expect![[r#"
        error: an argument of `__defaults__`: expected a dict, got `["thing"]` of type list
          --> p/BUILD:1:1
           |
         1 | __defaults__(["thing"])
           | ^^^^^^^^^^^^^^^^^^^^^^^
        hint: write `__defaults__({"rule": {"attribute": value}})`"#]],
    );
    mistake(
        r#"__defaults__({"thing": "text"})"#,
        expect![[r#"
        error: defaults of `thing`: expected a dict, got `"text"` of type string
          --> p/BUILD:1:1
           |
         1 | __defaults__({"thing": "text"})
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: write `__defaults__({"rule": {"attribute": value}})`"#]],
    );
    mistake(
        r#"__defaults__({"thin": {}})"#,
        expect![[r#"
        error: there is no rule `thin`
          --> p/BUILD:1:1
           |
         1 | __defaults__({"thin": {}})
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: did you mean `thing`?"#]],
    );
    mistake(
        r#"__defaults__({"nothing_like_it": {}})"#,
        expect![[r#"
        error: there is no rule `nothing_like_it`
          --> p/BUILD:1:1
           |
         1 | __defaults__({"nothing_like_it": {}})
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: rules of .bzl files are given as what is loaded, without quotation marks"#]],
    );
    mistake(
        r#"__defaults__({1: {}})"#,
        expect![[r#"
        error: expected a rule or the name of one, got `1` of type int
          --> p/BUILD:1:1
           |
         1 | __defaults__({1: {}})
           | ^^^^^^^^^^^^^^^^^^^^^
        hint: macros have no attributes of their own; name the rules that they use"#]],
    );
    mistake(
        r#"__defaults__({wrapped: {}})"#,
        expect![[r#"
        error: expected a rule or the name of one, got `natives.bzl.wrapped` of type function
          --> p/BUILD:1:1
           |
         1 | __defaults__({wrapped: {}})
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: macros have no attributes of their own; name the rules that they use"#]],
    );
    mistake(
        r#"__defaults__({"thing": {"txt": "t"}})"#,
        expect![[r#"
        error: `thing` has no attribute `txt` (target `//p:__defaults__`)
          --> p/BUILD:1:1
           |
         1 | __defaults__({"thing": {"txt": "t"}})
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = it has deps, flag, labels, lists, name, number, numbers, one, srcs, testonly, text, texts, tools, words
           = with `ignore_unknown_fields = True` it is for rules that have it
        hint: did you mean `text`?"#]],
    );
    mistake(
        r#"__defaults__({"thing": {"name": "t"}})"#,
        expect![[r#"
        error: `name` cannot have a default
          --> p/BUILD:1:1
           |
         1 | __defaults__({"thing": {"name": "t"}})
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: each target needs a name of its own"#]],
    );
    mistake(
        r#"__defaults__({"thing": {"_private": "t"}})"#,
        expect![[r#"
        error: attribute `_private` of `thing` is private; only the rule's definition sets it
          --> p/BUILD:1:1
           |
         1 | __defaults__({"thing": {"_private": "t"}})
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"#]],
    );
    mistake(
        r#"__defaults__({"thing": {"number": "t"}})"#,
        expect![[r#"
        error: attribute `number` of thing `//p:__defaults__`: expected an int, got `"t"` of type string
          --> p/BUILD:1:1
           |
         1 | __defaults__({"thing": {"number": "t"}})
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: write a number without quotation marks"#]],
    );
    mistake(
        r#"__defaults__({"strict": {"size": "smal"}})"#,
        expect![[r#"
        error: attribute `size` of strict `//p:__defaults__`: `smal` is not one of `small`, `large`
          --> p/BUILD:1:1
           |
         1 | __defaults__({"strict": {"size": "smal"}})
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: did you mean `small`?"#]],
    );
    mistake(
        r#"__defaults__(all = {"number": "t"})"#,
        expect![[r#"
        error: attribute `number` of thing `//p:__defaults__`: expected an int, got `"t"` of type string
          --> p/BUILD:1:1
           |
         1 | __defaults__(all = {"number": "t"})
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: write a number without quotation marks"#]],
    );
    mistake(
        r#"__defaults__({"thing": {"text": thing}})"#,
        expect![[r#"
        error: default of `text`: expected a value that an attribute can have, got `<rule thing>` of type rule
          --> p/BUILD:1:1
           |
         1 | __defaults__({"thing": {"text": thing}})
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"#]],
    );
    mistake(
        r#"__defaults__({"thing": {"number": parametrize(a = 1, b = "b")}})"#,
        expect![[r#"
            error: attribute `number` of thing `//p:__defaults__`: expected an int, got `"b"` of type string
              --> p/BUILD:1:1
               |
             1 | __defaults__({"thing": {"number": parametrize(a = 1, b = "b")}})
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: write a number without quotation marks"#]],
    );
    // Unless they are to be ignored.
    mistake(
        r#"
__defaults__({("thing", "gen"): {"text": "t"}}, ignore_unknown_fields = True)
__defaults__({"thin": {}}, ignore_unknown_targets = True)
thing(name = "x")
gen(name = "y")"#,
        expect![[r#"
            x: thing(text = "t")
            y: gen()"#]],
    );
}

/// A value for all rules may be wrong for one of them only: its targets say so.
#[test]
fn a_default_that_does_not_fit_names_the_package_that_says_so() {
    check(
        r#"__defaults__(all = {"size": "small", "srcs": []})"#,
        r#"strict(name = "x")"#,
        expect![[r#"
            error: attribute `srcs` of strict `//p:x`: it must not be empty
              --> p/BUILD:1:1
               |
             1 | strict(name = "x")
               | ^^^^^^^^^^^^^^^^^^
               = it is a default: `__defaults__` in `//p` says so
            hint: give it a value, or leave it out"#]],
    );
}

#[test]
fn parametrized_defaults_give_way_bld_082_bld_096() {
    let above = r#"__defaults__({"thing": {"text": parametrize("a", "b")}})"#;
    check(
        above,
        r#"thing(name = "x")"#,
        expect![[r#"
        x: members x@text=a x@text=b
        x@text=a: thing(text = "a")
        x@text=b: thing(text = "b")"#]],
    );
    check(
        above,
        r#"thing(name = "x", text = "own")"#,
        expect![[r#"x: thing(text = "own")"#]],
    );
    check(
        above,
        r#"thing(name = "x", **parametrize("A", text = "own", number = 1))"#,
        expect![[r#"
            x: members x@parametrize=A
            x@parametrize=A: thing(number = 1, text = "own")"#]],
    );
    // A group that does not set it takes the default.
    check(
        above,
        r#"thing(name = "x", **parametrize("A", text = "own") | parametrize("B", number = 1))"#,
        expect![[r#"
            x: members x@parametrize=A x@parametrize=B,text=a x@parametrize=B,text=b
            x@parametrize=A: thing(text = "own")
            x@parametrize=B,text=a: thing(number = 1, text = "a")
            x@parametrize=B,text=b: thing(number = 1, text = "b")"#]],
    );
    let groups = r#"__defaults__({"thing":
        parametrize("A", text = "a", number = 1) | parametrize("B", text = "b", flag = True)})"#;
    check(
        groups,
        r#"thing(name = "x")"#,
        expect![[r#"
        x: members x@parametrize=A x@parametrize=B
        x@parametrize=A: thing(number = 1, text = "a")
        x@parametrize=B: thing(flag = true, text = "b")"#]],
    );
    check(
        groups,
        r#"thing(name = "x", number = 7)"#,
        expect![[r#"
        x: members x@parametrize=A x@parametrize=B
        x@parametrize=A: thing(number = 7, text = "a")
        x@parametrize=B: thing(flag = true, number = 7, text = "b")"#]],
    );
    check(
        groups,
        r#"thing(name = "x", **parametrize("C", number = 7))"#,
        expect![[r#"
            x: members x@parametrize=C
            x@parametrize=C: thing(number = 7)"#]],
    );
}

#[test]
fn what_is_declared_above_does_not_get_it_bld_098() {
    check(
        "",
        r#"
thing(name = "early")
gen(name = "other")
__defaults__({"thing": {"text": "t"}})
thing(name = "late")
"#,
        expect![[r#"
            early: thing()
            late: thing(text = "t")
            other: gen()
            warning: these defaults do not count for what is declared above them: `early`
              --> p/BUILD:4:1
               |
             4 | __defaults__({"thing": {"text": "t"}})
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: move `__defaults__` to the top of the file"#]],
    );
}

#[test]
fn package_defaults_and_these_go_together() {
    check(
        r#"__defaults__({"thing": {"visibility": ["//q:__pkg__"]}})"#,
        r#"
package(default_visibility = ["//visibility:public"], default_testonly = True)
thing(name = "x")
gen(name = "y")
"#,
        expect![[r#"
            package: visibility public
            package: features [] testonly true
            x: thing(testonly = true) visibility [//q]
            y: gen(testonly = true) visibility public"#]],
    );
}

/// Macros do not see it: that a BUILD file has none can be told from its text.
#[test]
fn it_is_for_build_files_only() {
    let world = World::default();
    let macros = "def f():\n    native.__defaults__({})\n";
    let text = "load(\"//:m.bzl\", \"f\")\nf()\n";
    let package = world.build_below(&Arc::default(), text, &[("//:m.bzl", macros)]);
    expect![[r#"
        error: object of type `namespace` has no attribute `__defaults__`
          --> m.bzl:2:5
           |
         2 |     native.__defaults__({})
           |     ^^^^^^^^^^^^^^^^^^^^^^^
           = `f` was called from p/BUILD:2:1"#]]
    .assert_eq(&show(package));
}
