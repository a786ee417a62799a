//! Tests that cannot pass as they are.

use expect_test::expect;

use crate::{check, works};

#[test]
fn a_test_that_takes_too_long() {
    let workspace = check(
        "
//- BUILD
sh_test(name = \"x\", size = \"small\", srcs = [\"x.sh\"])
//- x.sh
#!/bin/bash
echo waiting
[ \"$TEST_TIMEOUT\" != 1 ] || read line < /dev/zero
",
        "test //:x --test_timeout=1",
        expect![[r#"
            exit: 3
            --- stdout
            //:x          TIMEOUT in [TIME]
              kiln-out/testlogs/x/test.log
            1 test: 1 timed out
            --- stderr
            TIMEOUT: //:x (still running after its timeout of [TIME]) in [TIME], see kiln-out/testlogs/x/test.log
            ==================== Test output for //:x:
            waiting
            ================================================================================
            //:x:
              kiln-out/fastbuild/bin/x
            hint: the `size` or `timeout` of a test says how long it may run, or `--test_timeout=SECONDS`
            hint: run again: kiln test //:x
            failed: 1 of 1 target built in [TIME]; 1 action: 1 run
        "#]],
    );
    works(&workspace, "test //:x");
}

#[test]
fn a_test_without_a_program() {
    let workspace = check(
        "
//- BUILD
sh_test(name = \"x\", srcs = [\"x.sh\"])
//- x.sh
#!/no/such/interpreter
",
        "test //:x",
        expect![[r#"
            exit: 3
            --- stdout
            //:x          FAILED in [TIME]
              kiln-out/testlogs/x/test.log
            1 test: 1 failed
            --- stderr
            FAILED: //:x (exit code 127) in [TIME], see kiln-out/testlogs/x/test.log
            ==================== Test output for //:x:
            kiln-out/fastbuild/bin/x: line 30: /kiln/kiln-out/fastbuild/bin/x.runfiles/_main/x: cannot execute: required file not found
            ================================================================================
            //:x:
              kiln-out/fastbuild/bin/x
            hint: run again: kiln test //:x
            failed: 1 of 1 target built in [TIME]; 1 action: 1 run
        "#]],
    );
    workspace.write("x.sh", "#!/bin/sh\n");
    works(&workspace, "test //:x");
}

#[test]
fn nothing_to_test() {
    check(
        "//- BUILD\nfilegroup(name = \"x\")\n",
        "test //:x",
        expect![[r#"
            exit: 4
            --- stderr
            warning: no tests were found
            hint: `kiln build` builds without tests
            //:x:
            built 1 target in [TIME]
        "#]],
    );
}
