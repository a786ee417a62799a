//! Command lines.

use expect_test::expect;

use crate::check;

#[test]
fn command_lines() {
    check(
        "//- BUILD\n",
        "biuld //...",
        expect![[r#"
        exit: 2
        --- stderr
        error: kiln has no command `biuld`
        hint: did you mean `build`?
        hint: `kiln help` lists the commands
    "#]],
    );
    check(
        "//- BUILD\n",
        "build --compilation_mod=opt //...",
        expect![[r#"
        exit: 2
        --- stderr
        error: there is no flag `--compilation_mod`
        hint: did you mean `--compilation_mode`?
        hint: `kiln help build` lists the flags
    "#]],
    );
    check(
        "//- BUILD\n",
        "build -c fast //...",
        expect![[r#"
        exit: 2
        --- stderr
        error: `fast` is no value for `--compilation_mode`: expected `fastbuild`, `dbg` or `opt`
    "#]],
    );
    check(
        "//- BUILD\n",
        "build",
        expect![[r#"
        exit: 2
        --- stderr
        error: `kiln build` needs a target
        hint: `//...` means all targets of the workspace
    "#]],
    );
    check(
        "//- BUILD\n",
        "rules explain GoalReprot",
        expect![[r#"
        exit: 2
        --- stderr
        error: no rule that commands use makes a `GoalReprot`
        hint: did you mean `GoalReport`?
        hint: `kiln rules graph` shows all rules and their types
    "#]],
    );
}

#[test]
fn flags_that_nothing_acts_on_say_so() {
    check(
        "//- BUILD\nfilegroup(name = \"x\")\n",
        "build --noenable_runfiles //:x",
        expect![[r#"
            exit: 0
            --- stderr
            warning: `--enable_runfiles` has no effect yet
            //:x:
            built 1 target in [TIME]
        "#]],
    );
}
