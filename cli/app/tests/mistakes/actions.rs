//! Actions that fail, and those that do not what they declare.

use expect_test::{Expect, expect};

use crate::check_cured;

fn command(wrong: &str, right: &str, expect: Expect) {
    let build = |attributes: &str| format!("genrule(name = \"x\", outs = [\"o\"], {attributes})\n");
    let files = format!("//- BUILD\n{}//- secret.txt\ns\n", build(wrong));
    check_cured(&files, "build //:x", ("BUILD", &build(right)), expect);
}

#[test]
fn a_command_that_fails() {
    command(
        "cmd = \"echo broken >&2; exit 2\"",
        "cmd = \"echo right > $@\"",
        expect![[r#"
            exit: 1
            --- stderr
            error: Genrule of `//:x` failed with exit code 2 (making `kiln-out/fastbuild/bin/o`)
              --> BUILD:1:1
               = its output:
                 broken
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
    command(
        "cmd = \"exit 3\"",
        "cmd = \"echo right > $@\"",
        expect![[r#"
            exit: 1
            --- stderr
            error: Genrule of `//:x` failed with exit code 3 (making `kiln-out/fastbuild/bin/o`)
              --> BUILD:1:1
               = it wrote nothing to its output
            hint: `--keep_sandboxes=on-failure` keeps its folder, with a script to run it again
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
}

#[test]
fn an_output_that_is_not_made() {
    command(
        "cmd = \"echo o\"",
        "cmd = \"echo o > $@\"",
        expect![[r#"
            exit: 1
            --- stderr
            output of Executing genrule //:x:
            o
            error: Genrule of `//:x` succeeded, but did not make `kiln-out/fastbuild/bin/o`
              --> BUILD:1:1
            hint: the command must write every declared output at exactly this path (`$@`, `$(OUTS)`, `$(RULEDIR)`)
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
}

#[test]
fn an_output_of_another_kind() {
    command(
        "cmd = \"mkdir $@\"",
        "cmd = \"touch $@\"",
        expect![[r#"
            exit: 1
            --- stderr
            error: Genrule of `//:x` made a folder at `kiln-out/fastbuild/bin/o`, which was declared as a file (`declare_file`)
              --> BUILD:1:1
            hint: make a file there; only rules that declare a folder can make one
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
}

#[test]
fn a_file_that_is_read_and_not_declared() {
    command(
        "cmd = \"cat secret.txt > $@\"",
        "srcs = [\"secret.txt\"], cmd = \"cat secret.txt > $@\"",
        expect![[r#"
            exit: 1
            --- stderr
            error: Genrule of `//:x` failed with exit code 1 (making `kiln-out/fastbuild/bin/o`)
              --> BUILD:1:1
               = its output:
                 cat: secret.txt: No such file or directory
               = `secret.txt` is in the workspace, but is no input of `//:x`
            hint: declare it: put `secret.txt` into `srcs` of `//:x`
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
}

#[test]
fn a_file_that_is_written_and_not_declared() {
    command(
        "cmd = \"echo log > log.txt; touch $@\"",
        "cmd = \"log=$$(mktemp); echo log > $$log; touch $@\"",
        expect![[r#"
            exit: 1
            --- stderr
            error: Genrule of `//:x` failed with exit code 1 (making `kiln-out/fastbuild/bin/o`)
              --> BUILD:1:1
               = its output:
                 /usr/bin/bash: line 1: log.txt: Read-only file system
               = `//:x` wrote to `log.txt`, which is not one of its outputs
            hint: write to declared outputs or to a temporary folder (`mktemp -d`)
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
}

#[test]
fn an_input_that_is_written() {
    command(
        "srcs = [\"secret.txt\"], cmd = \"echo more >> secret.txt; touch $@\"",
        "srcs = [\"secret.txt\"], cmd = \"cat $< > $@; echo more >> $@\"",
        expect![[r#"
            exit: 1
            --- stderr
            error: Genrule of `//:x` failed with exit code 1 (making `kiln-out/fastbuild/bin/o`)
              --> BUILD:1:1
               = `secret.txt` is one of its inputs, and those are read-only
               = its output:
                 /usr/bin/bash: line 1: secret.txt: Permission denied
            hint: write to a declared output, or to a copy in a temporary folder (`mktemp -d`)
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
}

#[test]
fn a_tool_that_is_not_there() {
    command(
        "cmd = \"no-such-tool > $@\"",
        "cmd = \"touch $@\"",
        expect![[r#"
            exit: 1
            --- stderr
            error: Genrule of `//:x` failed with exit code 127 (making `kiln-out/fastbuild/bin/o`)
              --> BUILD:1:1
               = `no-such-tool` is not among the programs that actions find, which are those in /usr/local/bin, /usr/bin, /bin, /usr/local/sbin, /usr/sbin, /sbin
               = its output:
                 /usr/bin/bash: line 1: no-such-tool: command not found
            hint: if a target makes `no-such-tool`, put it into `tools` and write `$(location …)`; otherwise install it
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
}

#[test]
fn an_action_that_takes_too_long() {
    let build = |seconds: u32| {
        format!("load(\":r.bzl\", \"r\")\n\nr(name = \"x\", seconds = \"{seconds}\")\n")
    };
    let rule = "
def _r(ctx):
    out = ctx.actions.declare_file(\"o\")
    ctx.actions.run_shell(
        outputs = [out],
        command = \"read line < /dev/zero; touch \" + out.path if ctx.attr.seconds == \"1\" else \"touch \" + out.path,
        execution_requirements = {\"timeout\": ctx.attr.seconds},
    )
    return [DefaultInfo(files = depset([out]))]

r = rule(implementation = _r, attrs = {\"seconds\": attr.string()})
";
    check_cured(
        &format!("//- BUILD\n{}//- r.bzl\n{rule}", build(1)),
        "build //:x",
        ("BUILD", &build(600)),
        expect![[r#"
            exit: 1
            --- stderr
            error: Action of `//:x` timed out after [TIME] (making `kiln-out/fastbuild/bin/o`)
              --> BUILD:3:1
               = its output:
                 Exceeded timeout of 1.0 seconds: Action kiln-out/fastbuild/bin/o
            hint: have it do less, or raise the `timeout` of its action
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
}
