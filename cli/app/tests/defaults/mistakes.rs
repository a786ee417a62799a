//! What is said of mistakes (BLD-071, BLD-074, BLD-076, BLD-080, BLD-094).

use expect_test::expect;

use crate::mistake;

#[test]
fn not_a_dictionary_bld_094() {
    mistake(
        "__defaults__(1)",
        expect![[r#"
        exit: 1
        --- stderr
        error: `__defaults__` takes dictionaries, and got `1` of type int
          --> BUILD:2:1
           |
         2 | __defaults__(1)
           | ^^^^^^^^^^^^^^^
        hint: write `__defaults__({cc_test: {"size": "small"}})`
    "#]],
    );
    mistake(
        "__defaults__({show: 1})",
        expect![[r#"
            exit: 1
            --- stderr
            error: the defaults of `show` must be a dictionary, and are `1` of type int
              --> BUILD:2:1
               |
             2 | __defaults__({show: 1})
               | ^^^^^^^^^^^^^^^^^^^^^^^
            hint: write attributes and their values: `{"size": "small"}`
        "#]],
    );
    mistake(
        "__defaults__(all = [])",
        expect![[r#"
        exit: 1
        --- stderr
        error: the defaults of `all` must be a dictionary, and are `[]` of type list
          --> BUILD:2:1
           |
         2 | __defaults__(all = [])
           | ^^^^^^^^^^^^^^^^^^^^^^
        hint: write attributes and their values: `{"size": "small"}`
    "#]],
    );
    mistake(
        "__defaults__({show: {1: 2}})",
        expect![[r#"
            exit: 1
            --- stderr
            error: `1` among the defaults of `show` is no name of an attribute
              --> BUILD:2:1
               |
             2 | __defaults__({show: {1: 2}})
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn unknown_rules_bld_094() {
    mistake(
        "__defaults__({\"cc_tset\": {}})",
        expect![[r#"
        exit: 1
        --- stderr
        error: `__defaults__` names `cc_tset`, and there is no such rule
          --> BUILD:2:1
           |
         2 | __defaults__({"cc_tset": {}})
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: did you mean `cc_test`?
    "#]],
    );
    mistake(
        "__defaults__({\"show\": {}})",
        expect![[r#"
        exit: 1
        --- stderr
        error: `__defaults__` names `show`, and there is no such rule
          --> BUILD:2:1
           |
         2 | __defaults__({"show": {}})
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: load a rule of a .bzl file and give the rule itself, not its name
    "#]],
    );
    mistake(
        "__defaults__({macro: {}})",
        expect![[r#"
        exit: 1
        --- stderr
        error: `__defaults__` got `rules/show.bzl.macro` of type function where a rule is expected
          --> BUILD:2:1
           |
         2 | __defaults__({macro: {}})
           | ^^^^^^^^^^^^^^^^^^^^^^^^^
           = macros have no defaults: only the rules that they call have
        hint: name a rule, as a text or as it is called: `cc_test`
    "#]],
    );
    mistake(
        "__defaults__({\"cc_tset\": {}}, ignore_unknown_targets = True)\nshow(name = \"t\")",
        expect![[r#"
            exit: 0
            --- stderr
            warning: t: text=own list=[] dict={} flag=False deps=[]
              --> rules/show.bzl:3:5
               |
             3 |     print("%s: text=%s list=%s dict=%s flag=%s deps=%s" % (
               |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            //:t:
            built 1 target in [TIME]
        "#]],
    );
}

#[test]
fn unknown_and_wrong_attributes_bld_094() {
    mistake(
        "__defaults__({show: {\"txet\": \"a\"}})",
        expect![[r#"
            exit: 1
            --- stderr
            error: `show` has no attribute `txet`
              --> BUILD:2:1
               |
             2 | __defaults__({show: {"txet": "a"}})
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = it has applicable_licenses, aspect_hints, compatible_with, deprecation, deps, dict, environment, exec_compatible_with, exec_properties, features, flag, generator_function, generator_location, generator_name, licenses, list, name, package_metadata, restricted_to, tags, target_compatible_with, testonly, text, toolchains, transitive_configs, visibility
            hint: did you mean `text`?
            hint: remove it, or set `ignore_unknown_fields = True`
        "#]],
    );
    mistake(
        "__defaults__({show: {\"text\": 1}})",
        expect![[r#"
            exit: 1
            --- stderr
            error: default of `text` of `show`: expected a string, got `1` of type int
              --> BUILD:2:1
               |
             2 | __defaults__({show: {"text": 1}})
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: write `"1"`
        "#]],
    );
    mistake(
        "__defaults__({other: {\"more\": \"c\"}})",
        expect![[r#"
            exit: 1
            --- stderr
            error: default of `more` of `other`: `c` is not one of `a`, `b`
              --> BUILD:2:1
               |
             2 | __defaults__({other: {"more": "c"}})
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: did you mean `a` or `b`?
        "#]],
    );
    mistake(
        "__defaults__({other: {\"more\": parametrize(\"a\", \"c\")}})",
        expect![[r#"
            exit: 1
            --- stderr
            error: default of `more` of `other`: `c` is not one of `a`, `b`
              --> BUILD:2:1
               |
             2 | __defaults__({other: {"more": parametrize("a", "c")}})
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: did you mean `a` or `b`?
        "#]],
    );
    mistake(
        "__defaults__({show: {\"name\": \"a\"}})",
        expect![[r#"
            exit: 1
            --- stderr
            error: default of `name` of `show`: it can have none
              --> BUILD:2:1
               |
             2 | __defaults__({show: {"name": "a"}})
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: give each target its name
        "#]],
    );
    mistake(
        "__defaults__({show: {\"visibility\": []}})",
        expect![[r#"
            exit: 1
            --- stderr
            error: default of `visibility` of `show`: it can have none
              --> BUILD:2:1
               |
             2 | __defaults__({show: {"visibility": []}})
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: write `package(default_visibility = …)` in each BUILD file
        "#]],
    );
    mistake(
        "__defaults__({show: {\"txet\": \"a\"}}, ignore_unknown_fields = True)\nshow(name = \"t\")",
        expect![[r#"
            exit: 0
            --- stderr
            warning: t: text=own list=[] dict={} flag=False deps=[]
              --> rules/show.bzl:3:5
               |
             3 |     print("%s: text=%s list=%s dict=%s flag=%s deps=%s" % (
               |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            //:t:
            built 1 target in [TIME]
        "#]],
    );
}

#[test]
fn groups_bld_074_bld_076() {
    mistake(
        "show(name = \"t\", text = parametrize(\"a\"), **parametrize(\"A\", text = \"b\"))",
        expect![[r#"
            exit: 1
            --- stderr
            error: conflicting parametrizations of `t`: group `A` and the target itself parametrize `text`
              --> BUILD:2:1
               |
             2 | show(name = "t", text = parametrize("a"), **parametrize("A", text = "b"))
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: parametrize it in one of the two places
        "#]],
    );
    mistake(
        "show(name = \"t\", **parametrize(text = \"b\"))",
        expect![[r#"
            exit: 1
            --- stderr
            error: a group of `t` has no name
              --> BUILD:2:1
               |
             2 | show(name = "t", **parametrize(text = "b"))
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: name it first: `**parametrize("some_name", attribute = value)`
        "#]],
    );
    mistake(
        "show(name = \"t\", **parametrize(\"A\", \"B\", text = \"b\"))",
        expect![[r#"
            exit: 1
            --- stderr
            error: a group of `t` has several names
              --> BUILD:2:1
               |
             2 | show(name = "t", **parametrize("A", "B", text = "b"))
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: name it first: `**parametrize("some_name", attribute = value)`
        "#]],
    );
    mistake(
        "show(name = \"t\", **parametrize(\"A=\", text = \"b\"))",
        expect![[r#"
            exit: 1
            --- stderr
            error: `A=` cannot be part of a target's name
              --> BUILD:2:20
               |
             2 | show(name = "t", **parametrize("A=", text = "b"))
               |                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: give it an alias: `parametrize(some_name = …)`
        "#]],
    );
    mistake(
        "show(name = \"t\", **parametrize(\"A\", txet = \"b\"))",
        expect![[r#"
            exit: 1
            --- stderr
            error: `show` has no attribute `txet` (target `//:t@parametrize=A`)
              --> BUILD:2:1
               |
             2 | show(name = "t", **parametrize("A", txet = "b"))
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = it has applicable_licenses, aspect_hints, compatible_with, deprecation, deps, dict, environment, exec_compatible_with, exec_properties, features, flag, generator_function, generator_location, generator_name, licenses, list, name, package_metadata, restricted_to, tags, target_compatible_with, testonly, text, toolchains, transitive_configs, visibility
            hint: did you mean `text`?
        "#]],
    );
    mistake(
        "show(name = \"t\", **parametrize(\"A\", name = \"b\"))",
        expect![[r#"
            exit: 1
            --- stderr
            error: `name` cannot be parametrized
              --> BUILD:2:1
               |
             2 | show(name = "t", **parametrize("A", name = "b"))
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: parametrize another attribute; names of its targets follow from it
        "#]],
    );
}

#[test]
fn dependencies_that_could_be_several_bld_078_bld_080() {
    mistake(
        "show(name = \"dep\", text = parametrize(\"a\", \"b\"))\nshow(name = \"t\", deps = [\":dep\"])",
        expect![[r#"
            exit: 1
            --- stderr
            error: `//:dep` is parametrized, and none of its targets is like `//:t`
              --> BUILD:3:26
               |
             3 | show(name = "t", deps = [":dep"])
               |                          ^^^^^^
               = its targets differ in what of `//:t` is: `text` is `own`
               = `//:dep` is in `deps` of `//:t`
            hint: name one of `//:dep@text=a`, `//:dep@text=b`
            failed: 0 of 3 targets built, 1 failed, 2 skipped in [TIME]
        "#]],
    );
    mistake(
        "other(name = \"dep\", more = parametrize(\"a\", \"b\"))\nshow(name = \"t\", deps = [\":dep\"])",
        expect![[r#"
            exit: 1
            --- stderr
            error: `//:dep` is parametrized, and none of its targets is like `//:t`
              --> BUILD:3:26
               |
             3 | show(name = "t", deps = [":dep"])
               |                          ^^^^^^
               = its targets differ in what of `//:t` is: `more` is not set
               = `//:dep` is in `deps` of `//:t`
            hint: name one of `//:dep@more=a`, `//:dep@more=b`
            failed: 0 of 3 targets built, 1 failed, 2 skipped in [TIME]
        "#]],
    );
}
