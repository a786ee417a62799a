//! What is said of mistakes (BLD-071, BLD-074, BLD-076, BLD-080, BLD-094).

use expect_test::{Expect, expect};

use crate::{mistake, workspace};

#[test]
fn not_a_dictionary_bld_094() {
    mistake(
        "__defaults__(1)",
        expect![[r#"
            exit: 1
            --- stderr
            error: an argument of `__defaults__`: expected a dict, got `1` of type int
              --> BUILD:2:1
               |
             2 | __defaults__(1)
               | ^^^^^^^^^^^^^^^
            hint: write `__defaults__({"rule": {"attribute": value}})`
        "#]],
    );
    mistake(
        "__defaults__({show: 1})",
        expect![[r#"
            exit: 1
            --- stderr
            error: defaults of `show`: expected a dict, got `1` of type int
              --> BUILD:2:1
               |
             2 | __defaults__({show: 1})
               | ^^^^^^^^^^^^^^^^^^^^^^^
            hint: write `__defaults__({"rule": {"attribute": value}})`
        "#]],
    );
    mistake(
        "__defaults__(all = [])",
        expect![[r#"
            exit: 1
            --- stderr
            error: `all` of `__defaults__`: expected a dict, got `[]` of type list
              --> BUILD:2:1
               |
             2 | __defaults__(all = [])
               | ^^^^^^^^^^^^^^^^^^^^^^
            hint: write `__defaults__({"rule": {"attribute": value}})`
        "#]],
    );
    mistake(
        "__defaults__({show: {1: 2}})",
        expect![[r#"
            exit: 1
            --- stderr
            error: expected the name of an attribute, got `1` of type int
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
            error: there is no rule `cc_tset`
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
            error: there is no rule `show`
              --> BUILD:2:1
               |
             2 | __defaults__({"show": {}})
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: rules of .bzl files are given as what is loaded, without quotation marks
        "#]],
    );
    mistake(
        "__defaults__({macro: {}})",
        expect![[r#"
            exit: 1
            --- stderr
            error: expected a rule or the name of one, got `rules/show.bzl.macro` of type function
              --> BUILD:2:1
               |
             2 | __defaults__({macro: {}})
               | ^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: macros have no attributes of their own; name the rules that they use
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
            error: `show` has no attribute `txet` (target `//:__defaults__`)
              --> BUILD:2:1
               |
             2 | __defaults__({show: {"txet": "a"}})
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = it has applicable_licenses, aspect_hints, compatible_with, deprecation, deps, dict, environment, exec_compatible_with, exec_properties, features, flag, generator_function, generator_location, generator_name, licenses, list, name, package_metadata, restricted_to, tags, target_compatible_with, testonly, text, toolchains, transitive_configs, visibility
               = with `ignore_unknown_fields = True` it is for rules that have it
            hint: did you mean `text`?
        "#]],
    );
    mistake(
        "__defaults__({show: {\"text\": 1}})",
        expect![[r#"
            exit: 1
            --- stderr
            error: attribute `text` of show `//:__defaults__`: expected a string, got `1` of type int
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
            error: attribute `more` of other `//:__defaults__`: `c` is not one of `a`, `b`
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
            error: attribute `more` of other `//:__defaults__`: `c` is not one of `a`, `b`
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
            error: `name` cannot have a default
              --> BUILD:2:1
               |
             2 | __defaults__({show: {"name": "a"}})
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: each target needs a name of its own
        "#]],
    );
    mistake(
        "__defaults__({show: {\"visibility\": []}})",
        expect![[r#"
            exit: 0
            --- stderr
            built 0 targets in [TIME]
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

/// Values that hold themselves, and groups without end, are errors and no overflow.
#[test]
fn values_without_end() {
    mistake(
        "x = []\nx.append(x)\n__defaults__({show: {\"list\": x}})",
        expect![[r#"
            exit: 1
            --- stderr
            error: default of `list`: it is nested more than 20 times
              --> BUILD:4:1
               |
             4 | __defaults__({show: {"list": x}})
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: no attribute takes such a value; does a list hold itself?
        "#]],
    );
    mistake(
        "g = [parametrize(\"a\", text = \"a\")]\n[g.append(parametrize(\"a\", **g.pop())) for _ in range(50000)]\nshow(name = \"t\", **g[0])",
        expect![[r#"
            exit: 1
            --- stderr
            error: group `a` holds groups in more than 16 levels, or more than 1000 values
              --> BUILD:3:11
               |
             3 | [g.append(parametrize("a", **g.pop())) for _ in range(50000)]
               |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: write fewer groups within groups
        "#]],
    );
    mistake(
        "g = [parametrize(\"a\", text = \"a\")]\n[g.append(parametrize(\"a\", **g.pop())) for _ in range(50000)]\n__defaults__({show: g[0]})",
        expect![[r#"
            exit: 1
            --- stderr
            error: group `a` holds groups in more than 16 levels, or more than 1000 values
              --> BUILD:3:11
               |
             3 | [g.append(parametrize("a", **g.pop())) for _ in range(50000)]
               |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: write fewer groups within groups
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
            error: `//:t`: conflicting parametrizations: the group `A` sets what is parametrized by itself: `text`
              --> BUILD:2:1
               |
             2 | show(name = "t", text = parametrize("a"), **parametrize("A", text = "b"))
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: take it out of the group, or give it one value in each group
        "#]],
    );
    mistake(
        "show(name = \"t\", **parametrize(text = \"b\"))",
        expect![[r#"
            exit: 1
            --- stderr
            error: the argument provided for **kwargs is not a dictionary
              --> BUILD:2:1
               |
             2 | show(name = "t", **parametrize(text = "b"))
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: write `**{"name": value}`; a group of `parametrize` needs a name: `**parametrize("A", …)`
        "#]],
    );
    mistake(
        "show(name = \"t\", **parametrize(\"A\", \"B\", text = \"b\"))",
        expect![[r#"
            exit: 1
            --- stderr
            error: the argument provided for **kwargs is not a dictionary
              --> BUILD:2:1
               |
             2 | show(name = "t", **parametrize("A", "B", text = "b"))
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: write `**{"name": value}`; a group of `parametrize` needs a name: `**parametrize("A", …)`
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
            error: `//:t`: `name` cannot be parametrized
              --> BUILD:2:1
               |
             2 | show(name = "t", **parametrize("A", name = "b"))
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: parametrize another attribute; names of its targets follow from it
        "#]],
    );
}

/// The error alone: what rules print comes before or after it.
fn error(build: &str, expected: Expect) {
    let build = format!("load(\"//rules:show.bzl\", \"other\", \"show\")\n{build}");
    let output = workspace(&format!("//- BUILD\n{build}\n")).kiln("build //:all");
    let lines = output.stderr.lines();
    let lines = lines.skip_while(|line| !line.starts_with("error: "));
    let mut said = Vec::new();
    for line in lines {
        said.push(line);
        if line.starts_with("hint: ") {
            break;
        }
    }
    expected.assert_eq(&said.join("\n"));
}

#[test]
fn dependencies_that_could_be_several_bld_078_bld_080() {
    error(
        "show(name = \"dep\", text = parametrize(\"a\", \"b\"))\nshow(name = \"t\", deps = [\":dep\"])",
        expect![[r#"
            error: `//:dep` is parametrized, and may be several targets
              --> BUILD:3:26
               |
             3 | show(name = "t", deps = [":dep"])
               |                          ^^^^^^
               = none has the same `text` as `//:t`
               = `//:dep` is in `deps` of `//:t`
            hint: write one of `//:dep@text=a`, `//:dep@text=b`"#]],
    );
    error(
        "other(name = \"dep\", more = parametrize(\"a\", \"b\"))\nshow(name = \"t\", deps = [\":dep\"])",
        expect![[r#"
            error: `//:dep` is parametrized, and may be several targets
              --> BUILD:3:26
               |
             3 | show(name = "t", deps = [":dep"])
               |                          ^^^^^^
               = `//:t` has no `more` that could choose one
               = `//:dep` is in `deps` of `//:t`
            hint: write one of `//:dep@more=a`, `//:dep@more=b`"#]],
    );
}
