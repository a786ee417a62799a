//! `--remote_executor` against a real server with workers (PX-100 to PX-107, R4, R5, R18, R19).

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use expect_test::{Expect, expect};
use kiln_testkit::{Casd, Workspace};

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

const FILES: &str = r#"
//- BUILD.bazel
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

genrule(
    name = "where",
    outs = ["where.txt"],
    cmd = "hostname > $@; echo said",
)

genrule(
    name = "fails",
    outs = ["never.txt"],
    cmd = "echo because >&2; exit 3",
    tags = ["manual"],
)

genrule(
    name = "here",
    outs = ["here.txt"],
    cmd = "echo here > $@",
    tags = ["no-remote"],
)
//- lib.h
int answer();
//- lib.cc
#include "lib.h"
int answer() { return 42; }
//- main.cc
#include "lib.h"
int main() { return answer() - 42; }
"#;

fn check(workspace: &Workspace, flags: &str, expected: Expect) {
    let output = workspace.kiln(&format!("test //... --format=json {flags}"));
    assert!(
        !output.stderr.contains("remote server"),
        "{}",
        output.show()
    );
    expected.assert_eq(&output.counts());
}

/// Compilers, links and tests run on workers; a second machine finds their results, and a machine
/// without workers shares them.
#[test]
fn actions_run_on_workers() {
    let Some(server) = Casd::with_workers() else {
        return;
    };
    let flags = format!("--remote_executor={}", server.address());
    let first = Workspace::with(KILN, FILES);
    check(
        &first,
        &flags,
        expect!["exit Some(0): 7 run, 0 remote, 0 local"],
    );
    // What ran there ran nowhere else.
    let bin = "kiln-out/fastbuild/bin";
    let host = first.read(&format!("{bin}/where.txt"));
    expect![[r#"
        buildbox
    "#]]
    .assert_eq(&host.unwrap());
    assert_eq!(
        first.read(&format!("{bin}/here.txt")).as_deref(),
        Some("here\n")
    );
    let log = server.log();
    assert!(log.contains("Execute request"), "{log}");
    let second = Workspace::with(KILN, FILES);
    check(
        &second,
        &flags,
        expect!["exit Some(0): 1 run, 6 remote, 0 local"],
    );
    let cache = format!("--remote_cache={}", server.address());
    check(
        &Workspace::with(KILN, FILES),
        &cache,
        expect!["exit Some(0): 1 run, 6 remote, 0 local"],
    );
}

/// A failure is an outcome: shown as it is, never taken from a cache.
#[test]
fn failures_of_actions() {
    let Some(server) = Casd::with_workers() else {
        return;
    };
    let command = format!("build //:fails --remote_executor={}", server.address());
    for _ in 0..2 {
        let output = Workspace::with(KILN, FILES).kiln(&command);
        let line = output.stderr.lines().find(|line| line.contains("because"));
        assert_eq!(
            (output.code, line.map(str::trim)),
            (Some(1), Some("because")),
            "{}",
            output.show()
        );
    }
}

/// PX-126: workers that are not there.
#[test]
fn workers_that_are_not_there() {
    let Some(mut server) = Casd::start(&[]) else {
        return;
    };
    let address = server.address();
    let run = |flags: &str| {
        let command = format!("build //:where --remote_executor={address} {flags}");
        let output = Workspace::with(KILN, FILES).kiln(&command);
        let lines = output
            .stderr
            .lines()
            .filter(|line| !line.contains("kiln-out"));
        let text = lines
            .collect::<Vec<_>>()
            .join("\n")
            .replace(&address, "ADDRESS");
        format!("exit: {:?}\n{text}", output.code)
    };
    // A cache that executes nothing.
    expect![[r#"
        exit: Some(32)
        error: remote server ADDRESS: GetCapabilities: Unimplemented: the server executes nothing
           = while running Genrule of `//:where`
        failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run"#]]
    .assert_eq(&run(""));
    server.stop();
    expect![[r#"
        exit: Some(0)
        output of Executing genrule //:where:
        said
        warning: remote server ADDRESS: 1 result could not be looked up, 1 result could not be uploaded
           = the first failure: GetCapabilities: Unavailable: tcp connect error: transport error: Connection refused (os error 111)
        warning: remote server ADDRESS: 1 action ran here instead
           = the first failure: GetCapabilities: Unavailable: tcp connect error: transport error: Connection refused (os error 111)
        //:where:
        built 1 target in [TIME]; 1 action: 1 run"#]].assert_eq(&run("--remote_retries=0"));
    expect![[r#"
        exit: Some(32)
        error: remote server ADDRESS: GetCapabilities: Unavailable: tcp connect error: transport error: Connection refused (os error 111)
           = while running Genrule of `//:where`
        failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run"#]].assert_eq(&run("--remote_retries=0 --remote_down=fail"));
}

/// A remote environment is used where there are workers, and its fallback where there are none;
/// what names none stays on this machine (ENV-045, ENV-057, ENV-161).
#[test]
fn remote_environments() {
    let Some(server) = Casd::with_workers() else {
        return;
    };
    let files = r#"
//- kiln.toml
[environments-preview.names]
here = "//:here"
there = "//:there"
//- BUILD
local_environment(name = "here")
remote_environment(name = "there", fallback_environment = "__local__")
cc_test(name = "t", srcs = ["t.cc"], environment = "there")
genrule(name = "a", outs = ["a.txt"], cmd = "hostname > $@", environment = "there")
genrule(name = "b", outs = ["b.txt"], cmd = "hostname > $@")
//- t.cc
int main() { return 0; }
"#;
    let flags = format!("--remote_executor={}", server.address());
    let workspace = Workspace::with(KILN, files);
    check(
        &workspace,
        &flags,
        expect!["exit Some(0): 5 run, 0 remote, 0 local"],
    );
    let read = |path: &str| workspace.read(&format!("kiln-out/{path}"));
    assert_eq!(
        read("fastbuild-there/bin/a.txt").as_deref(),
        Some("buildbox\n")
    );
    let here = read("fastbuild-here/bin/b.txt");
    assert_ne!(here.as_deref(), Some("buildbox\n"), "{here:?}");
    assert!(here.is_some());
    let output = workspace.kiln(&format!("env list {flags}"));
    expect![[r#"
        exit: 0
        --- stdout
        here  //:here  local_environment
        there  //:there  remote_environment
    "#]]
    .assert_eq(&output.show());
    // Without workers all of it is built here.
    check(
        &workspace,
        "",
        expect!["exit Some(0): 4 run, 0 remote, 1 local"],
    );
    let output = workspace.kiln("env list");
    expect![[r#"
        exit: 0
        --- stdout
        here  //:here  local_environment
        there  //:there  falls back to `here` (local_environment): remote execution is off: there is no `--remote_executor`
    "#]].assert_eq(&output.show());
}
