//! `race_with`: one action in two environments at a time, with real sandboxes and real workers
//! (PX-130). Workers of `buildbox-casd` have a host name of their own, so that actions can tell
//! where they are.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use expect_test::{Expect, expect};
use kiln_testkit::{Casd, Output, Serve, Workspace, no_process};

const KILN: &str = env!("CARGO_BIN_EXE_kiln");
const NAMES: &str = "
//- kiln.toml
[environments-preview.names]
here = \"//:here\"
there = \"//:there\"
//- BUILD
local_environment(name = \"here\", race_with = \"there\")
remote_environment(name = \"there\")
";

/// One action that does this on workers, and that here.
fn workspace(on_workers: &str, here: &str) -> Workspace {
    let files = format!(
        "{NAMES}
genrule(
    name = \"a\",
    outs = [\"a.txt\"],
    cmd = \"if [ $$(hostname) = buildbox ]; then {on_workers}; else {here}; fi\",
)
"
    );
    Workspace::with(KILN, &files)
}

/// What was said, without places that are others each time.
fn shown(output: &Output, server: &str) -> String {
    let text = output.show().replace(server, "ADDRESS");
    let lines = text.lines().filter(|line| !line.starts_with("kiln:"));
    lines.collect::<Vec<_>>().join("\n")
}

fn made(workspace: &Workspace) -> Option<String> {
    workspace.read("kiln-out/fastbuild-here/bin/a.txt")
}

/// What hangs here is done by a worker, and ended here. The result is known by the worker's key alone.
#[test]
fn the_other_environment_wins() {
    let Some(server) = Casd::with_workers() else {
        return;
    };
    let address = server.address();
    let flag = format!("--remote_executor={address}");
    let workspace = workspace("hostname > $@", "sleep 71829; hostname > $@");
    let output = workspace.run("", &["build", "//:a", &flag]);
    expect![[r#"
        exit: 0
        --- stderr
        race of `here` and `there`: 0 won by `here`, 1 by `there`, 1 stopped
        //:a:
          kiln-out/fastbuild-here/bin/a.txt
        built 1 target in [TIME]; 1 action: 1 run; 9 B downloaded"#]]
    .assert_eq(&shown(&output, &address));
    assert_eq!(made(&workspace).as_deref(), Some("buildbox\n"));
    no_process("71829");
    // Nothing runs: it is known what the worker made.
    let output = workspace.run("", &["build", "//:a", &flag, "--format=json"]);
    expect!["exit Some(0): 0 run, 0 remote, 1 local"].assert_eq(&output.counts());
}

/// What hangs on a worker is done here, and ended there.
#[test]
fn the_own_environment_wins() {
    let Some(server) = Casd::with_workers() else {
        return;
    };
    let address = server.address();
    let flag = format!("--remote_executor={address}");
    // The worker begins before this is over.
    let workspace = workspace("sleep 71830", "sleep 3; echo here > $@");
    let output = workspace.run("", &["build", "//:a", &flag]);
    expect![[r#"
        exit: 0
        --- stderr
        race of `here` and `there`: 1 won by `here`, 0 by `there`, 1 stopped
        //:a:
          kiln-out/fastbuild-here/bin/a.txt
        built 1 target in [TIME]; 1 action: 1 run"#]]
    .assert_eq(&shown(&output, &address));
    assert_eq!(made(&workspace).as_deref(), Some("here\n"));
    no_process("71830");
}

/// A result is known under the key of the environment that made it, and under no other.
#[test]
fn caches_stay_sound() {
    let Some(server) = Casd::with_workers() else {
        return;
    };
    let flag = format!("--remote_executor={}", server.address());
    let workspace = workspace("echo there > $@", "sleep 3; echo here > $@");
    let build = |race: &str| {
        let output = workspace.run("", &["build", "//:a", &flag, "--format=json", race]);
        format!("{}: {:?}", output.counts(), made(&workspace))
    };
    expect![[r#"exit Some(0): 1 run, 0 remote, 0 local: Some("there\n")"#]]
        .assert_eq(&build("--race=on"));
    expect![[r#"exit Some(0): 1 run, 0 remote, 0 local: Some("here\n")"#]]
        .assert_eq(&build("--race=off"));
    // Its own result comes first.
    expect![[r#"exit Some(0): 0 run, 0 remote, 1 local: Some("here\n")"#]]
        .assert_eq(&build("--race=on"));
    // Another machine finds either by its own key.
    let other = Workspace::with(KILN, &files_of(&workspace));
    let output = other.run("", &["build", "//:a", &flag, "--format=json", "--race=off"]);
    assert_eq!(output.code, Some(0), "{}", output.show());
    assert_eq!(made(&other).as_deref(), Some("here\n"));
}

fn files_of(workspace: &Workspace) -> String {
    let file = |path: &str| format!("//- {path}\n{}\n", workspace.read(path).unwrap());
    file("kiln.toml") + &file("BUILD")
}

/// With `--race=compare` both run to their end, and what differs is told.
#[test]
fn differences_are_told() {
    let Some(server) = Casd::with_workers() else {
        return;
    };
    let address = server.address();
    let flag = format!("--remote_executor={address}");
    let check = |on_workers: &str, here: &str, expected: Expect| {
        let workspace = workspace(on_workers, here);
        let output = workspace.run("", &["build", "//:a", &flag, "--race=compare"]);
        expected.assert_eq(&shown(&output, &address));
    };
    check(
        "echo there > $@",
        "echo here > $@",
        expect![[r#"
        exit: 0
        --- stderr
        warning: Genrule of `//:a` makes other outputs in `there` than in `here`
           = `kiln-out/fastbuild-here/bin/a.txt`: c6006557cc52f5ddab8cb3cf6e69feec1cce3350c8d4628cc240872ad13c3c97/5 in `here`, 1ab094ade32450c63a421b4dda9fa4351896c54c8073795d64786ac97da000eb/6 in `there`
        hint: make the action deterministic, or let its environments not race
        race of `here` and `there`: 1 won by `here`, 0 by `there`, 1 compared, 1 with other outputs
        //:a:
          kiln-out/fastbuild-here/bin/a.txt
        built 1 target in [TIME]; 1 action: 1 run"#]],
    );
    check(
        "echo same > $@",
        "echo same > $@",
        expect![[r#"
        exit: 0
        --- stderr
        race of `here` and `there`: 1 won by `here`, 0 by `there`, 1 compared
        //:a:
          kiln-out/fastbuild-here/bin/a.txt
        built 1 target in [TIME]; 1 action: 1 run"#]],
    );
    check(
        "echo there > $@",
        "false",
        expect![[r#"
            exit: 0
            --- stderr
            warning: Genrule of `//:a` succeeds in `there` and fails in `here`
               = it ended with exit code 1 there
            hint: a race is for environments that have the same tools
            race of `here` and `there`: 0 won by `here`, 1 by `there`, 1 compared, 1 with other outputs
            //:a:
              kiln-out/fastbuild-here/bin/a.txt
            built 1 target in [TIME]; 1 action: 1 run; 6 B downloaded"#]],
    );
    check(
        "false",
        "echo here > $@",
        expect![[r#"
        exit: 0
        --- stderr
        warning: Genrule of `//:a` succeeds in `here` and fails in `there`
           = it ended with exit code 1 there
        hint: a race is for environments that have the same tools
        race of `here` and `there`: 1 won by `here`, 0 by `there`, 1 compared, 1 with other outputs
        //:a:
          kiln-out/fastbuild-here/bin/a.txt
        built 1 target in [TIME]; 1 action: 1 run"#]],
    );
}

/// The action's own environment decides that it fails; the other one may lack what it needs.
#[test]
fn failures() {
    let Some(server) = Casd::with_workers() else {
        return;
    };
    let address = server.address();
    let flag = format!("--remote_executor={address}");
    let failing = workspace("sleep 71831", "sleep 2; echo because >&2; exit 3");
    let output = failing.run("", &["build", "//:a", &flag]);
    expect![[r#"
        exit: 1
        --- stderr
        error: Genrule of `//:a` failed with exit code 3 (making `kiln-out/fastbuild-here/bin/a.txt`)
          --> BUILD:4:1
           = its output:
             because
        race of `here` and `there`: 1 won by `here`, 0 by `there`, 1 stopped
        failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run"#]].assert_eq(&shown(&output, &address));
    no_process("71831");
    let lacking = workspace("exit 9", "sleep 2; echo here > $@");
    let output = lacking.run("", &["build", "//:a", &flag]);
    expect![[r#"
        exit: 0
        --- stderr
        warning: Genrule of `//:a` succeeds in `here` and fails in `there`
           = it ended with exit code 9 there
        hint: a race is for environments that have the same tools
        race of `here` and `there`: 1 won by `here`, 0 by `there`, 1 compared, 1 with other outputs
        //:a:
          kiln-out/fastbuild-here/bin/a.txt
        built 1 target in [TIME]; 1 action: 1 run"#]]
    .assert_eq(&shown(&output, &address));
}

/// A server that is not there is no loss.
#[test]
fn a_dead_server() {
    let workspace = workspace("false", "sleep 2; echo here > $@");
    let flags = ["--remote_executor=grpc://127.0.0.1:1", "--remote_retries=0"];
    let output = workspace.run("", &["build", "//:a", flags[0], flags[1]]);
    assert_eq!(output.code, Some(0), "{}", output.show());
    assert_eq!(made(&workspace).as_deref(), Some("here\n"));
    assert!(
        output.stderr.contains("1 without a rival"),
        "{}",
        output.show()
    );
}

/// Compilers make the same in sandboxes of this machine and of a server on it.
#[test]
fn compilers_make_the_same() {
    let server = Serve::start(KILN, &[]);
    let files = format!(
        "{NAMES}
cc_library(name = \"lib\", srcs = [\"lib.cc\"], hdrs = [\"lib.h\"])
cc_binary(name = \"tool\", srcs = [\"main.cc\"], deps = [\":lib\"])
//- lib.h
int answer();
//- lib.cc
#include \"lib.h\"
int answer() {{ return 42; }}
//- main.cc
#include \"lib.h\"
int main() {{ return answer() - 42; }}
"
    );
    let workspace = Workspace::with(KILN, &files);
    let flag = format!("--remote_executor={}", server.address());
    let output = workspace.run("", &["build", "//:tool", &flag, "--race=compare"]);
    expect![[r#"
        exit: 0
        --- stderr
        race of `here` and `there`: 4 won by `here`, 0 by `there`, 4 compared
        //:tool:
          kiln-out/fastbuild-here/bin/tool
        built 1 target in [TIME]; 4 actions: 4 run"#]]
    .assert_eq(&shown(&output, server.address()));
}

/// What names no environment to race with is told where it is written.
#[test]
fn mistakes() {
    let check = |environments: &str, expected: Expect| {
        let files = format!(
            "
//- kiln.toml
[environments-preview.names]
here = \"//:here\"
there = \"//:there\"
arm = \"//:arm\"
space = \"//:space\"
//- BUILD
{environments}
docker_environment(name = \"there\", image = \"debian:12\")
docker_environment(name = \"arm\", image = \"debian:12\", platform = \"linux_arm64\")
experimental_workspace_environment(name = \"space\")
"
        );
        let workspace = Workspace::with(KILN, &files);
        let output = workspace.kiln("env explain here --nodocker_execution");
        expected.assert_eq(&output.show());
    };
    check(
        "local_environment(name = \"here\", race_with = \"ther\")",
        expect![[r#"
        exit: 1
        --- stderr
        error: `race_with` of `//:here`: unrecognized environment `ther`
          --> BUILD:1:1
           |
         1 | local_environment(name = "here", race_with = "ther")
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = there are `arm`, `here`, `space`, `there`
        hint: did you mean `there`?
        hint: it is the name of an environment, as `environment` of other targets says it; give one by `[environments-preview.names]` in `kiln.toml`
    "#]],
    );
    check(
        "local_environment(name = \"here\", race_with = \"here\")",
        expect![[r#"
        exit: 1
        --- stderr
        error: `race_with` of `//:here`: `here` is the same environment
          --> BUILD:1:1
           |
         1 | local_environment(name = "here", race_with = "here")
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: name another one, or leave `race_with` out
    "#]],
    );
    check(
        "local_environment(name = \"here\", race_with = \"__local__\")",
        expect![[r#"
        exit: 1
        --- stderr
        error: `race_with` of `//:here`: `__local__` is the same environment
          --> BUILD:1:1
           |
         1 | local_environment(name = "here", race_with = "__local__")
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: name another one, or leave `race_with` out
    "#]],
    );
    check(
        "local_environment(name = \"here\", race_with = \"space\")",
        expect![[r#"
        exit: 1
        --- stderr
        error: `race_with` of `//:here`: `space` runs in the workspace itself
          --> BUILD:1:1
           |
         1 | local_environment(name = "here", race_with = "space")
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = of two that run at a time, both must write to kiln's store and nowhere else
        hint: name a `local_environment`, `docker_environment` or `remote_environment`
    "#]],
    );
    check(
        "local_environment(name = \"here\", race_with = \"arm\")",
        expect![[r#"
        exit: 1
        --- stderr
        error: `race_with` of `//:here`: `arm` is for `linux_arm64`, and this one for `linux_x86_64`
          --> BUILD:1:1
           |
         1 | local_environment(name = "here", race_with = "arm")
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = what they make would differ
        hint: name an environment for `linux_x86_64`
    "#]],
    );
    check(
        "local_environment(name = \"here\", race_with = \"there\")",
        expect![[r#"
        exit: 0
        --- stdout
        here
          built in `here` (local_environment), which is `//:here`
    "#]],
    );
}
