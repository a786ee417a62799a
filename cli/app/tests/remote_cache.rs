//! `--remote_cache` against a real server (PX-070 to PX-082, R1, R19, R22).

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use expect_test::{Expect, expect};
use kiln_testkit::{Casd, Output, Workspace};

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

/// Small and large outputs, a folder, a link, an executable, a test.
const FILES: &str = r#"
//- defs.bzl
def _folder(ctx):
    out = ctx.actions.declare_directory(ctx.label.name)
    ctx.actions.run_shell(
        outputs = [out],
        command = "mkdir -p $1/sub/empty && echo a > $1/a && echo b > $1/sub/b && ln -s ../a $1/sub/link",
        arguments = [out.path],
    )
    return DefaultInfo(files = depset([out]))

folder = rule(implementation = _folder)
//- BUILD.bazel
load("//:defs.bzl", "folder")

genrule(
    name = "small",
    outs = ["small.txt"],
    cmd = "echo hello > $@; echo said",
)

genrule(
    name = "large",
    outs = ["large.bin"],
    cmd = "seq 1 1500000 > $@",
)

genrule(
    name = "both",
    srcs = ["small.txt", "large.bin"],
    outs = ["both.txt"],
    cmd = "cat $(SRCS) | cksum > $@",
)

folder(name = "tree")

sh_test(
    name = "t",
    srcs = ["t.sh"],
    data = ["both.txt", ":tree"],
)
//- t.sh
#!/bin/sh
grep -q . both.txt && test -L tree/sub/link && test -d tree/sub/empty && cat tree/sub/link
"#;

fn check(workspace: &Workspace, flags: &str, expected: Expect) -> Output {
    let output = workspace.kiln(&format!("test //... --format=json {flags}"));
    expected.assert_eq(&output.counts());
    output
}

/// A second checkout, with an empty local cache, executes nothing and has the same outputs.
#[test]
fn a_second_checkout_executes_nothing() {
    let Some(server) = Casd::start(&[]) else {
        return;
    };
    let flags = format!("--remote_cache={}", server.address());
    let first = Workspace::with(KILN, FILES);
    check(
        &first,
        &flags,
        expect!["exit Some(0): 5 run, 0 remote, 0 local"],
    );
    let second = Workspace::with(KILN, FILES);
    check(
        &second,
        &flags,
        expect!["exit Some(0): 0 run, 5 remote, 0 local"],
    );
    for path in [
        "kiln-out/fastbuild/bin/both.txt",
        "kiln-out/fastbuild/bin/tree/sub/link",
    ] {
        let content = second.read(path);
        assert!(content.is_some(), "{path}");
        assert_eq!(content, first.read(path), "{path}");
    }
    // PX-042: what a server knew is known here as well from then on.
    second.kiln("clean");
    check(
        &second,
        "",
        expect!["exit Some(0): 0 run, 0 remote, 5 local"],
    );
    // R22: the server is told who asks, and what for.
    let log = server.log();
    for fact in ["kiln", "Genrule", "//:small"] {
        assert!(log.contains(fact), "{fact} is not in {log}");
    }
}

/// PX-070: reading and writing are switched one by one, and an instance can be named.
#[test]
fn reading_and_writing_are_separate() {
    let Some(server) = Casd::start(&[]) else {
        return;
    };
    let flags = format!("--remote_cache={}", server.address());
    let fresh = || Workspace::with(KILN, FILES);
    let silent = format!("{flags} --noremote_upload_local_results");
    check(
        &fresh(),
        &silent,
        expect!["exit Some(0): 5 run, 0 remote, 0 local"],
    );
    check(
        &fresh(),
        &flags,
        expect!["exit Some(0): 5 run, 0 remote, 0 local"],
    );
    let deaf = format!("{flags} --noremote_accept_cached");
    check(
        &fresh(),
        &deaf,
        expect!["exit Some(0): 5 run, 0 remote, 0 local"],
    );
    check(
        &fresh(),
        &flags,
        expect!["exit Some(0): 0 run, 5 remote, 0 local"],
    );
    let other = format!("{flags} --remote_instance_name=main --noremote_upload_local_results");
    check(
        &fresh(),
        &other,
        expect!["exit Some(0): 0 run, 5 remote, 0 local"],
    );
}

/// PX-073: a server that is not there costs a line, or the build if that was asked for.
#[test]
fn servers_that_are_not_there() {
    let Some(mut server) = Casd::start(&[]) else {
        return;
    };
    server.stop();
    let address = server.address();
    let show = |output: &Output| output.show().replace(&address, "ADDRESS");
    let flags = format!("--remote_cache={address} --remote_retries=0");
    let output = check(
        &Workspace::with(KILN, FILES),
        &flags,
        expect!["exit Some(0): 5 run, 0 remote, 0 local"],
    );
    let lines: Vec<&str> = output
        .stderr
        .lines()
        .filter(|line| line.contains("remote server"))
        .collect();
    expect!["warning: remote server ADDRESS: 5 results could not be looked up, 5 results could not be uploaded"].assert_eq(&lines.join("\n").replace(&address, "ADDRESS"));
    let output =
        Workspace::with(KILN, FILES).kiln(&format!("build //:small {flags} --remote_down=fail"));
    expect![[r#"
        exit: 32
        --- stderr
        error: remote server ADDRESS: GetCapabilities: Unavailable: tcp connect error: transport error: Connection refused (os error 111)
           = while running Genrule of `//:small`
        hint: `--remote_down=fallback` builds without it
        failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
    "#]].assert_eq(&show(&output));
    // It comes back: what it missed is told with the next run.
    server.restart();
    let flags = format!("--remote_cache={address}");
    check(
        &Workspace::with(KILN, FILES),
        &flags,
        expect!["exit Some(0): 5 run, 0 remote, 0 local"],
    );
    check(
        &Workspace::with(KILN, FILES),
        &flags,
        expect!["exit Some(0): 0 run, 5 remote, 0 local"],
    );
}

/// What cannot be meant is said before anything runs (PX-120, PX-121).
#[test]
fn flags_that_cannot_be_meant() {
    let check = |flags: &str, expected: Expect| {
        let output = Workspace::with(KILN, FILES).kiln(&format!("build //:small {flags}"));
        expected.assert_eq(&output.show());
    };
    check(
        "--remote_cache=https://cache.example",
        expect![[r#"
            exit: 2
            --- stderr
            error: `https://cache.example` is no address of a remote server
            hint: servers are reached by gRPC: `grpcs://cache.example`
        "#]],
    );
    check(
        "--remote_cache=grpcs://x --tls_client_key=k",
        expect![[r#"
        exit: 2
        --- stderr
        error: `--tls_client_key` is of no use without `--tls_client_certificate`
        hint: give both, or neither; `--tls_client_certificate` names a PEM file
    "#]],
    );
    check(
        "--remote_cache=grpcs://x --tls_certificate=none.pem",
        expect![[r#"
            exit: 36
            --- stderr
            error: cannot read `[ROOT]/none.pem`: no such file or directory
        "#]],
    );
    check(
        "--remote_header=secret",
        expect![[r#"
            exit: 2
            --- stderr
            error: no value for `--remote_header`: expected `NAME=VALUE`
               = what was given is not shown: it may be a secret
        "#]],
    );
}
