//! What goes wrong while an action runs in a container: a clear outcome, and nothing left.

use std::process::{Child, Stdio};
use std::time::Duration;

use expect_test::expect;
use kiln_testkit::{Docker, Workspace};

use crate::{check, no_containers, shown, workspace};

/// An action that says when it runs, and goes on for long.
const SLOW: &str = r#"
genrule(
    name = "slow",
    outs = ["slow.txt"],
    cmd = "echo running >&2; sleep 600; echo x > $@",
    environment = "docker",
)
"#;

/// Starts a build and waits until its container is there.
fn started(docker: &Docker, workspace: &Workspace) -> (Child, String) {
    let mut command = workspace.command("", &["build", "//:slow"]);
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .stdin(Stdio::null());
    let child = command.spawn().unwrap();
    (child, container(docker, workspace, ""))
}

/// Waits for a container that runs the action, other than one.
fn container(docker: &Docker, workspace: &Workspace, other: &str) -> String {
    let label = format!("label=kiln.workspace={}", workspace.root().display());
    for _ in 0..1200 {
        let found = docker
            .run(&["ps", "-q", "--no-trunc", "--filter", &label])
            .unwrap();
        for id in found.lines().filter(|id| *id != other) {
            let processes = docker.run(&["top", id]).unwrap_or_default();
            if processes.contains("sleep 600") {
                return id.to_owned();
            }
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("no container runs the action");
}

#[test]
fn a_timeout_ends_the_action_env_100() {
    let Some(docker) = Docker::start() else {
        return;
    };
    let build = r#"
sh_test(name = "t", srcs = ["t.sh"], environment = "docker")
"#;
    let workspace = workspace(&docker, &docker.busybox(), build);
    workspace.write("t.sh", "#!/bin/sh\necho before\nsleep 600\n");
    let output = workspace.kiln("test //:t --test_timeout=1 --test_output=errors");
    expect![[r#"
        exit: 3
        --- stdout
        //:t          TIMEOUT in [TIME]
          kiln-out/testlogs/t/test.log
        1 test: 1 timed out
        --- stderr
        TIMEOUT: //:t (still running after its timeout of [TIME]) in [TIME], see kiln-out/testlogs/t/test.log
        ==================== Test output for //:t:
        before
        ================================================================================
        //:t:
          kiln-out/fastbuild-docker/bin/t
        hint: the `size` or `timeout` of a test says how long it may run, or `--test_timeout=SECONDS`
        hint: run again: kiln test //:t
        failed: 1 of 1 target built in [TIME]; 1 action: 1 run
    "#]].assert_eq(&shown(&output));
    no_containers(&docker, &workspace);
}

#[test]
fn an_interrupt_ends_the_action_env_100() {
    let Some(docker) = Docker::start() else {
        return;
    };
    let workspace = workspace(&docker, &docker.busybox(), SLOW);
    let (mut child, _) = started(&docker, &workspace);
    interrupt(&child);
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(8));
    no_containers(&docker, &workspace);
}

fn interrupt(child: &Child) {
    let id = child.id().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-INT", &id])
        .status();
    assert!(sent.unwrap().success());
}

#[test]
fn kiln_is_killed_env_103() {
    let Some(docker) = Docker::start() else {
        return;
    };
    let workspace = workspace(&docker, &docker.busybox(), SLOW);
    let (mut child, _) = started(&docker, &workspace);
    child.kill().unwrap();
    child.wait().unwrap();
    no_containers(&docker, &workspace);
}

/// A container that is ended from outside is replaced, once (ENV-101).
#[test]
fn the_container_is_killed_env_101() {
    let Some(docker) = Docker::start() else {
        return;
    };
    let workspace = workspace(&docker, &docker.busybox(), SLOW);
    let mut command = workspace.command("", &["build", "//:slow"]);
    command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .stdin(Stdio::null());
    let child = command.spawn().unwrap();
    let first = container(&docker, &workspace, "");
    docker.run(&["kill", &first]).unwrap();
    let second = container(&docker, &workspace, &first);
    docker.run(&["kill", &second]).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(36));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        text.contains("ended while an action ran in it, twice"),
        "{text}"
    );
    no_containers(&docker, &workspace);
}

/// An action can end whoever waits for it, and gains nothing.
#[test]
fn an_action_that_kills_all_there_is() {
    let Some(docker) = Docker::start() else {
        return;
    };
    let build = r#"
genrule(name = "g", outs = ["g.txt"], cmd = "echo x > $@; kill -9 -1; sleep 600", environment = "docker")
"#;
    check(
        &docker,
        build,
        "build //:g",
        expect![[r#"
            exit: 1
            --- stderr
            error: Genrule of `//:g` failed with signal 9 (making `kiln-out/fastbuild-docker/bin/g.txt`)
              --> BUILD:2:1
               = kiln did not kill it: perhaps it did itself, or the kernel, for want of memory
               = it wrote nothing to its output
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
}

/// Memory is limited for the container of an action.
#[test]
fn memory_runs_out() {
    let Some(docker) = Docker::start() else {
        return;
    };
    let build = r#"
genrule(
    name = "g",
    outs = ["g.txt"],
    cmd = "awk 'BEGIN { s = \"0123456789abcdef\"; while (length(s) < 400000000) s = s s; print length(s) }' > $@",
    environment = "docker",
)
"#;
    check(
        &docker,
        build,
        "build //:g --sandbox_memory_limit_mb=64",
        expect![[r#"
            exit: 1
            --- stderr
            error: Genrule of `//:g` was stopped: it used more than 64 MiB of memory (making `kiln-out/fastbuild-docker/bin/g.txt`)
              --> BUILD:2:1
               = its output:
                 Killed

                 Used more than 64 MiB of memory: Executing genrule //:g
            hint: `--sandbox_memory_limit_mb` says how much an action may use
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
}

/// An image that goes away while it is in use (ENV-090).
#[test]
fn the_image_is_gone() {
    let Some(docker) = Docker::start() else {
        return;
    };
    docker.busybox();
    docker
        .run(&["tag", "kiln-test/busybox:1", "kiln-test/moved:1"])
        .unwrap();
    let workspace = workspace(&docker, "kiln-test/moved:1", SLOW);
    docker.run(&["rmi", "kiln-test/moved:1"]).unwrap();
    let output = workspace.kiln("build //:slow");
    expect![[r#"
        exit: 36
        --- stderr
        error: cannot fetch image `kiln-test/moved:1`: Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io on 10.255.255.53:53: no such host
           = the Docker engine is at `unix:///var/run/docker.sock`
           = environment `docker` is `//environments:docker`
          --> environments/BUILD:3:1
           |
         3 | docker_environment(name = "docker", image = "kiln-test/moved:1")
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = it has no `fallback_environment`
        hint: see what `docker pull kiln-test/moved:1` says
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]]
    .assert_eq(&shown(&output));
    no_containers(&docker, &workspace);
}

/// A container that a killed kiln made and never started is removed by the next (ENV-102); one of a
/// kiln that is alive, or of another machine, is not.
#[test]
fn containers_of_killed_kilns_are_removed_env_102() {
    let Some(docker) = Docker::start() else {
        return;
    };
    let build = r#"
genrule(name = "g", outs = ["g.txt"], cmd = "sleep 2; echo x > $@", environment = "docker")
"#;
    let image = docker.busybox();
    let workspace = workspace(&docker, &image, build);
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let made = |owner: &str| {
        let label = format!("kiln.owner={owner}");
        docker
            .run(&["create", "--label", &label, &image, "sh"])
            .unwrap()
    };
    // Numbers of processes are smaller.
    let dead = made(&format!("99999999 {}", boot.trim()));
    let alive = made(&format!("{} {}", std::process::id(), boot.trim()));
    let foreign = made("99999999 another-machine");
    let output = workspace.kiln("build //:g");
    assert_eq!(output.code, Some(0), "{}", output.show());
    let left = [&dead, &alive, &foreign].map(|id| docker.run(&["inspect", id]).is_ok());
    for id in [&alive, &foreign] {
        docker.run(&["rm", "-f", id]).unwrap();
    }
    assert_eq!(left, [false, true, true]);
    no_containers(&docker, &workspace);
}
