//! `kiln serve` with kiln as its client: a second checkout executes nothing (R4, R14, R19, PX-100).

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::os::unix::fs::{FileTypeExt, MetadataExt};

use expect_test::{Expect, expect};
use kiln_testkit::{Output, Serve, Workspace};

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

/// Small and large outputs, a folder, a link, an executable, tests that pass, a tool that runs.
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

cc_library(
    name = "lib",
    srcs = ["lib.cc"],
    hdrs = ["lib.h"],
)

cc_test(
    name = "cc",
    srcs = ["main.cc"],
    deps = [":lib"],
)

cc_binary(
    name = "tool",
    srcs = ["tool.cc"],
)

genrule(
    name = "made",
    outs = ["made.txt"],
    cmd = "$(location :tool) > $@",
    tools = [":tool"],
)

genrule(
    name = "large",
    outs = ["large.bin"],
    cmd = "seq 1 1500000 > $@",
)

genrule(
    name = "both",
    srcs = ["made.txt", "large.bin"],
    outs = ["both.txt"],
    cmd = "cat $(SRCS) | cksum > $@",
)

folder(name = "tree")

sh_test(
    name = "t",
    srcs = ["t.sh"],
    data = ["both.txt", ":tree"],
)
//- lib.h
int answer();
//- lib.cc
#include "lib.h"
int answer() { return 42; }
//- main.cc
#include "lib.h"
int main() { return answer() - 42; }
//- tool.cc
#include <stdio.h>
int main() { puts("made"); return 0; }
//- t.sh
#!/bin/sh
grep -q . both.txt && test -L tree/sub/link && test -d tree/sub/empty && cat tree/sub/link
"#;

fn check(workspace: &Workspace, flags: &str, expected: Expect) -> Output {
    let output = workspace.kiln(&format!("test //... --format=json {flags}"));
    assert!(
        !output.stderr.contains("remote server"),
        "{}",
        output.show()
    );
    expected.assert_eq(&output.counts());
    output
}

/// What two checkouts with stores of their own do, and whether they have the same outputs.
fn two_checkouts(address: &str) {
    let flags = format!("--remote_executor={address} --remote_down=fail");
    let first = Workspace::with(KILN, FILES);
    check(
        &first,
        &flags,
        expect!["exit Some(0): 14 run, 0 remote, 0 local"],
    );
    let second = Workspace::with(KILN, FILES);
    check(
        &second,
        &flags,
        expect!["exit Some(0): 0 run, 14 remote, 0 local"],
    );
    let outputs = ["made.txt", "both.txt", "tree/sub/link", "tree/sub/b"];
    for path in outputs.map(|path| format!("kiln-out/fastbuild/bin/{path}")) {
        let content = second.read(&path);
        assert!(content.is_some(), "{path}");
        assert_eq!(content, first.read(&path), "{path}");
    }
    // A machine that builds by itself has the same outputs under the same keys.
    let third = Workspace::with(KILN, FILES);
    check(
        &third,
        &format!("--remote_cache={address}"),
        expect!["exit Some(0): 0 run, 14 remote, 0 local"],
    );
}

#[test]
fn a_second_checkout_executes_nothing() {
    let mut server = Serve::start(KILN, &[]);
    two_checkouts(server.address());
    assert_eq!(server.interrupt(), Some(0));
    expect![].assert_eq(&server.log());
}

/// The socket is the user's alone, and goes with the server.
#[test]
fn at_a_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let flag = format!("--listen=unix:{}", path.display());
    let mut server = Serve::start(KILN, &[&flag]);
    assert_eq!(server.address(), format!("unix:{}", path.display()));
    let file = std::fs::metadata(&path).unwrap();
    assert!(file.file_type().is_socket());
    assert_eq!(file.mode() & 0o777, 0o600);
    two_checkouts(server.address());
    assert_eq!(server.interrupt(), Some(0));
    assert!(!path.exists());
    // Nothing is left of how it was made.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// What was built where the server runs is known to its clients, and the other way round.
#[test]
fn one_store_for_the_server_and_its_user() {
    let server = Serve::start(KILN, &[]);
    let flags = format!("--remote_executor={} --remote_down=fail", server.address());
    let cache = server.cache().display().to_string();
    let here = Workspace::with(KILN, FILES).env("KILN_CACHE_DIR", &cache);
    check(
        &here,
        "",
        expect!["exit Some(0): 14 run, 0 remote, 0 local"],
    );
    check(
        &Workspace::with(KILN, FILES),
        &flags,
        expect!["exit Some(0): 0 run, 14 remote, 0 local"],
    );
    let server = Serve::start(KILN, &[]);
    let flags = format!("--remote_executor={}", server.address());
    check(
        &Workspace::with(KILN, FILES),
        &flags,
        expect!["exit Some(0): 14 run, 0 remote, 0 local"],
    );
    let cache = server.cache().display().to_string();
    let here = Workspace::with(KILN, FILES).env("KILN_CACHE_DIR", &cache);
    check(
        &here,
        "",
        expect!["exit Some(0): 0 run, 0 remote, 14 local"],
    );
}
