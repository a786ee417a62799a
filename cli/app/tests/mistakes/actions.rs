//! Actions that fail.

use expect_test::expect;

use crate::check;

#[test]
fn actions() {
    check(
        "//- BUILD\ngenrule(name = \"x\", outs = [\"o\"], cmd = \"echo broken >&2; exit 2\")\n",
        "build //:x",
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
    check(
        "//- BUILD\ngenrule(name = \"x\", outs = [\"o\"], cmd = \"true\")\n",
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: Genrule of `//:x` succeeded, but did not make `kiln-out/fastbuild/bin/o`
              --> BUILD:1:1
            hint: the command must write every declared output at exactly this path (`$@`, `$(OUTS)`, `$(RULEDIR)`)
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
    check(
        "//- BUILD\ngenrule(name = \"x\", outs = [\"o\"], cmd = \"cat secret.txt > $@\")\n//- secret.txt\ns\n",
        "build //:x",
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
    check(
        "//- BUILD\ngenrule(name = \"x\", outs = [\"o\"], cmd = \"echo > elsewhere.txt\")\n",
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: Genrule of `//:x` failed with exit code 1 (making `kiln-out/fastbuild/bin/o`)
              --> BUILD:1:1
               = its output:
                 /usr/bin/bash: line 1: elsewhere.txt: Read-only file system
               = `//:x` wrote to `elsewhere.txt`, which is not one of its outputs
            hint: write to declared outputs or to a temporary folder (`mktemp -d`)
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
    check(
        "//- BUILD\ngenrule(name = \"x\", outs = [\"o\"], cmd = \"no-such-tool > $@\")\n",
        "build //:x",
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
    check(
        "//- BUILD\ngenrule(name = \"x\", outs = [\"o\"], cmd = \"echo $(NOPE) > $@\")\n",
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: unknown make variable `NOPE` in `$(NOPE)`
              --> BUILD:1:41
               |
             1 | genrule(name = "x", outs = ["o"], cmd = "echo $(NOPE) > $@")
               |                                         ^^^^^^^^^^^^^^^^^^^
               = in the attribute `cmd`
               = in `//:x` (genrule, declared at BUILD:1:1)
            hint: write `$$` for a plain `$`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
}
