//! Targets that do not fit the configuration.

use expect_test::expect;

use crate::{check, check_cured, works};

#[test]
fn no_branch_of_a_select() {
    check_cured(
        "
//- BUILD
config_setting(name = \"opt\", values = {\"compilation_mode\": \"opt\"})

filegroup(
    name = \"x\",
    srcs = [] + select({
        \":opt\": [],
    }),
)
",
        "build //:x",
        (
            "BUILD",
            "
config_setting(name = \"opt\", values = {\"compilation_mode\": \"opt\"})

filegroup(
    name = \"x\",
    srcs = [] + select({
        \":opt\": [],
        \"//conditions:default\": [],
    }),
)
",
        ),
        expect![[r#"
            exit: 1
            --- stderr
            error: attribute `srcs` of `//:x`: no branch of its `select` matches the configuration
              --> BUILD:5:12
               |
             5 |     srcs = [] + select({
               |            ^^^^^^^^^^^^^
               = conditions: `//:opt`
            hint: add a branch `"//conditions:default"`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
}

#[test]
fn a_condition_that_is_none() {
    check(
        "//- BUILD\nfilegroup(name = \"f\")\nfilegroup(name = \"x\", srcs = select({\":f\": []}))\n",
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: `//:f` is a `filegroup`, and no condition of a `select`
              --> BUILD:2:38
               |
             2 | filegroup(name = "x", srcs = select({":f": []}))
               |                                      ^^^^
               = in the `select` of attribute `srcs` of `//:x`
            hint: conditions are `config_setting`s, `constraint_value`s and aliases of these
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
    check(
        "//- BUILD\nfilegroup(name = \"x\", srcs = select({\":nope\": []}))\n",
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: no such target `//:nope`: `BUILD` declares no target `nope` and there is no such file
              --> BUILD:1:38
               |
             1 | filegroup(name = "x", srcs = select({":nope": []}))
               |                                      ^^^^^^^
               = in the `select` of attribute `srcs` of `//:x`
            hint: correct the label, declare `nope` in `BUILD`, or create the file
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
}

#[test]
fn several_branches() {
    check(
        "
//- BUILD
config_setting(name = \"a\", values = {\"compilation_mode\": \"fastbuild\"})
config_setting(name = \"b\", define_values = {\"x\": \"y\"})

filegroup(
    name = \"x\",
    srcs = select({
        \":a\": [\"BUILD\"],
        \":b\": [],
    }),
)
",
        "build //:x --define=x=y",
        expect![[r#"
            exit: 1
            --- stderr
            error: attribute `srcs` of `//:x`: several branches of its `select` match and none is a special case of the others: `//:a`, `//:b`
              --> BUILD:6:12
               |
             6 |     srcs = select({
               |            ^^^^^^^^
            hint: make one condition include the other's, or give the branches equal values
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
}

#[test]
fn a_platform_that_does_not_fit() {
    let workspace = check(
        "
//- BUILD
platform(name = \"windows\", constraint_values = [\"@platforms//os:windows\"])
filegroup(name = \"x\", target_compatible_with = [\"@platforms//os:windows\"])
",
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: `//:x` is incompatible with the target platform: `@@platforms//os:windows` does not hold for the target platform
            hint: leave it out, or choose a platform it is made for with `--platforms`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
    works(&workspace, "build //:x --platforms=//:windows");
    expect![[r#"
        exit: 2
        --- stderr
        error: --platforms: `//:x` is no `platform`
        hint: name a target that the rule `platform` makes
    "#]]
    .assert_eq(&workspace.kiln("build //:x --platforms=//:x").show());
    expect![[r#"
        exit: 2
        --- stderr
        error: --platforms: no such target `//:wndows`: `BUILD` declares no target `wndows` and there is no such file
        hint: did you mean `windows`?
    "#]].assert_eq(&workspace.kiln("build //:x --platforms=//:wndows").show());
}

#[test]
fn flags_of_the_workspace() {
    let workspace = check(
        "
//- BUILD
load(\"@bazel_skylib//rules:common_settings.bzl\", \"bool_flag\")
bool_flag(name = \"fast\", build_setting_default = False)
filegroup(name = \"x\")
",
        "build //:x --//:fsat",
        expect![[r#"
            exit: 2
            --- stderr
            error: --//:fsat: no such target `//:fsat`: `BUILD` declares no target `fsat` and there is no such file
            hint: did you mean `fast`?
        "#]],
    );
    expect![[r#"
        exit: 2
        --- stderr
        error: --//:fast: `maybe` is no bool
        hint: write `--//:fast=true` or `--//:fast=false`
    "#]]
    .assert_eq(&workspace.kiln("build //:x --//:fast=maybe").show());
    expect![[r#"
        exit: 2
        --- stderr
        error: --//:x: `//:x` is no flag
        hint: flags are targets such as `bool_flag` and `string_flag`
    "#]]
    .assert_eq(&workspace.kiln("build //:x --//:x").show());
    works(&workspace, "build //:x --//:fast");
}
