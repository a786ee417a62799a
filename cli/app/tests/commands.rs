//! Commands as a user types them: exit code, standard output, standard error (cli.md 1.4).

use expect_test::{Expect, expect};
use kiln_testkit::Workspace;

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

const FILES: &str = r#"
//- BUILD.bazel
genrule(
    name = "made",
    srcs = ["in.txt"],
    outs = ["out.txt"],
    cmd = "tr a-z A-Z < $< > $@",
)

sh_test(
    name = "passes",
    srcs = ["passes.sh"],
    data = [":made"],
)

sh_test(
    name = "fails",
    srcs = ["fails.sh"],
    tags = ["manual"],
)

sh_binary(
    name = "greet",
    srcs = ["greet.sh"],
)
//- in.txt
fire
//- passes.sh
#!/bin/bash
[ "$(cat out.txt)" = FIRE ]
//- fails.sh
#!/bin/bash
echo this one fails
exit 3
//- greet.sh
#!/bin/bash
echo "hello $1"
"#;

fn check(command_line: &str, expect: Expect) {
    let workspace = Workspace::with(KILN, FILES);
    expect.assert_eq(&workspace.kiln(command_line).show());
}

#[test]
fn building() {
    let workspace = Workspace::with(KILN, FILES);
    let output = workspace.kiln("build //:made");
    assert_eq!(output.code, Some(0), "{}", output.show());
    assert_eq!(
        workspace.read("kiln-out/fastbuild/bin/out.txt").as_deref(),
        Some("FIRE\n")
    );
}

#[test]
fn running() {
    let workspace = Workspace::with(KILN, FILES);
    let output = workspace.kiln("run //:greet -- you");
    assert_eq!(
        (output.code, &*output.stdout),
        (Some(0), "hello you\n"),
        "{}",
        output.show()
    );
}

#[test]
fn exit_codes_of_tests() {
    let workspace = Workspace::with(KILN, FILES);
    let code = |command_line: &str| workspace.kiln(command_line).code;
    assert_eq!(code("test //..."), Some(0));
    assert_eq!(code("test //:fails"), Some(3));
    assert_eq!(code("test //:made"), Some(4));
    assert_eq!(code("test //:nowhere"), Some(1));
    assert_eq!(code("test --no_such_flag //..."), Some(2));
    assert_eq!(code("frobnicate"), Some(2));
    assert_eq!(code("query deps("), Some(2));
}

#[test]
fn listing() {
    check(
        "list //... --output=label_kind",
        expect![[r#"
        exit: 0
        --- stdout
        sh_test rule //:fails
        sh_binary rule //:greet
        genrule rule //:made
        sh_test rule //:passes
    "#]],
    );
    check(
        "list //:made --format=json",
        expect![[r#"
        exit: 0
        --- stdout
        {"label":"//:made","kind":"genrule rule"}
    "#]],
    );
    check(
        "query kind(test,//...)",
        expect![[r#"
        exit: 0
        --- stdout
        //:fails
        //:passes
    "#]],
    );
}

#[test]
fn a_failed_test_shows_its_output() {
    check(
        "test //:fails",
        expect![[r#"
        exit: 3
        --- stdout
        //:fails          FAILED in [TIME]
          kiln-out/testlogs/fails/test.log
        1 test: 1 failed
        --- stderr
        FAILED: //:fails (exit code 3) in [TIME], see kiln-out/testlogs/fails/test.log
        ==================== Test output for //:fails:
        this one fails
        ================================================================================
        //:fails:
          kiln-out/fastbuild/bin/fails
        hint: run again: kiln test //:fails
        failed: 1 of 1 target built in [TIME]; 1 action: 1 run
    "#]],
    );
}

/// The graph is there in both forms; nothing else is a graph.
#[test]
fn formats_of_the_rule_graph() {
    let workspace = Workspace::with(KILN, FILES);
    let dot = workspace.kiln("rules graph --format=dot");
    assert!(dot.stdout.starts_with("digraph"), "{}", dot.stdout);
    let json = workspace.kiln("rules graph --format=json");
    assert!(
        json.stdout.starts_with("{\"instances\":["),
        "{}",
        json.stdout
    );
    for command in [
        "list //... --format=dot",
        "rules explain GoalReport --format=dot",
    ] {
        let output = workspace.kiln(command);
        expect![[r#"
            error: only `kiln rules graph` has the format `dot`
            hint: leave `--format` out, or use `--format=json`
        "#]]
        .assert_eq(&output.stderr);
    }
}
