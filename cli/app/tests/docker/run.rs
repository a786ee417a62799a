//! `kiln run` of a program that is built in a container: it runs in one (ENV-154).

use std::io::Write;
use std::process::Stdio;

use expect_test::{Expect, expect};
use kiln_testkit::Docker;

use crate::{no_containers, workspace};

const BUILD: &str = r#"
sh_binary(name = "tool", srcs = ["tool.sh"], data = ["data.txt"], args = ["of", "the target"], environment = "docker")
"#;

/// What a program in a container says, with this on its standard input.
fn check(script: &str, arguments: &[&str], input: &str, expected: Expect) {
    let Some(docker) = Docker::start() else {
        return;
    };
    let workspace = workspace(&docker, &docker.busybox(), BUILD);
    workspace.write("tool.sh", &format!("#!/bin/sh\n{script}\n"));
    workspace.write("data.txt", "data\n");
    let command = [&["run", "//:tool", "--ui=none"][..], arguments].concat();
    let mut kiln = workspace
        .command("", &command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    kiln.stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = workspace.finish(kiln);
    expected.assert_eq(&output.show());
    no_containers(&docker, &workspace);
}

#[test]
fn a_program_runs_where_it_was_built() {
    // The image has nothing but a busybox.
    check(
        "[ -e /etc/os-release ] || echo in the image; cat data.txt; for a; do echo \"<$a>\"; done; cat; echo err >&2; exit 7",
        &["--", "more"],
        "from the input\n",
        expect![[r#"
            exit: 7
            --- stdout
            in the image
            data
            <of>
            <the>
            <target>
            <more>
            from the input
            --- stderr
            built 1 target in [TIME]
            err
        "#]],
    );
    check(
        "echo made > \"$BUILD_WORKSPACE_DIRECTORY/made.txt\"; cat \"$BUILD_WORKSPACE_DIRECTORY/made.txt\"; (echo x > data.txt) 2>/dev/null || echo read-only",
        &[],
        "",
        expect![[r#"
            exit: 0
            --- stdout
            made
            read-only
            --- stderr
            built 1 target in [TIME]
        "#]],
    );
    check(
        "kill -9 $$",
        &[],
        "",
        expect![[r#"
        exit: 137
        --- stderr
        built 1 target in [TIME]
    "#]],
    );
}
