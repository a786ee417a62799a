//! Targets that do not fit the configuration.

use expect_test::expect;

use crate::check;

#[test]
fn configurations() {
    check(
        "//- BUILD\nconfig_setting(name = \"opt\", values = {\"compilation_mode\": \"opt\"})\nfilegroup(name = \"x\", srcs = select({\":opt\": []}))\n",
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: attribute `srcs` of `//:x`: no branch of its `select` matches the configuration
              --> BUILD:2:30
               |
             2 | filegroup(name = "x", srcs = select({":opt": []}))
               |                              ^^^^^^^^^^^^^^^^^^^^
               = conditions: `//:opt`
            hint: add a branch `"//conditions:default"`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
    check(
        "//- BUILD\nfilegroup(name = \"x\", target_compatible_with = [\"@platforms//os:windows\"])\n",
        "build //:x",
        expect![[r#"
        exit: 1
        --- stderr
        error: `//:x` is incompatible with the target platform: `@@platforms//os:windows` does not hold for the target platform
        hint: leave it out, or choose a platform it is made for with `--platforms`
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]],
    );
}
