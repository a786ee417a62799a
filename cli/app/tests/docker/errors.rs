//! What is said where containers cannot be used.

use expect_test::{Expect, expect};
use kiln_testkit::{Docker, Workspace};

use crate::{KILN, check, no_containers, shown, workspace};

const ONE: &str = r#"
genrule(name = "g", outs = ["g.txt"], cmd = "echo x > $@", environment = "docker")
"#;

/// Without an engine the error names the environment and what to do (ENV-105).
fn without(host: &str, image: &str, expected: Expect) {
    let files = format!(
        "
//- kiln.toml
[environments-preview.names]
docker = \"//environments:docker\"
//- environments/BUILD
docker_environment(name = \"docker\", image = \"{image}\")
//- BUILD
{ONE}
"
    );
    let workspace = Workspace::with(KILN, &files).env("DOCKER_HOST", host);
    let output = workspace.kiln("build //:g");
    expected.assert_eq(&shown(&output));
}

#[test]
fn no_engine_env_105() {
    without(
        "unix:///nowhere/docker.sock",
        "debian:12",
        expect![[r#"
        exit: 36
        --- stderr
        error: there is no Docker engine at `unix:///nowhere/docker.sock`: there is no socket `/nowhere/docker.sock`
           = `DOCKER_HOST` says where it is
           = environment `docker` is `//environments:docker`
          --> environments/BUILD:1:1
           |
         1 | docker_environment(name = "docker", image = "debian:12")
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = it has no `fallback_environment`
        hint: start Docker, or go without containers: `--nodocker_execution`
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]],
    );
    without(
        "tcp://127.0.0.1:1",
        "debian:12",
        expect![[r#"
            exit: 36
            --- stderr
            error: there is no Docker engine at `tcp://127.0.0.1:1`: connection refused
               = `DOCKER_HOST` says where it is
               = environment `docker` is `//environments:docker`
              --> environments/BUILD:1:1
               |
             1 | docker_environment(name = "docker", image = "debian:12")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = it has no `fallback_environment`
            hint: start Docker, or go without containers: `--nodocker_execution`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
    without(
        "ssh://somewhere",
        "debian:12",
        expect![[r#"
            exit: 36
            --- stderr
            error: kiln cannot reach a Docker engine at `ssh://somewhere`
               = `DOCKER_HOST` says that it is there
               = environment `docker` is `//environments:docker`
              --> environments/BUILD:1:1
               |
             1 | docker_environment(name = "docker", image = "debian:12")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = it has no `fallback_environment`
            hint: use one that listens at `unix://…` or `tcp://…`
            hint: its socket can be forwarded: `ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST`, and `DOCKER_HOST=unix:///tmp/docker.sock`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
}

#[test]
fn containers_are_off_env_105() {
    let Some(docker) = Docker::start() else {
        return;
    };
    check(
        &docker,
        ONE,
        "build //:g --nodocker_execution",
        expect![[r#"
            exit: 1
            --- stderr
            error: environment `docker` (`//environments:docker`) cannot be used: containers are off: there is `--nodocker_execution`
              --> environments/BUILD:3:1
               |
             3 | docker_environment(name = "docker", image = "kiln-test/busybox:1")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = asked for by the `environment` of `//:g`
              --> BUILD:2:1
               |
             2 | genrule(name = "g", outs = ["g.txt"], cmd = "echo x > $@", environment = "docker")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: set `fallback_environment` to what shall be used instead, for example `"__local__"`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
}

#[test]
fn no_image_env_090() {
    let Some(docker) = Docker::start() else {
        return;
    };
    let id = format!("sha256:{}", "0".repeat(64));
    let workspace = workspace(&docker, &id, ONE);
    expect![[r#"
        exit: 36
        --- stderr
        error: there is no image `sha256:<id>`
           = the Docker engine is at `unix:///var/run/docker.sock`
           = an id cannot be fetched: only names can
           = environment `docker` is `//environments:docker`
          --> environments/BUILD:3:1
           |
         3 | docker_environment(name = "docker", image = "sha256:<id>")
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = it has no `fallback_environment`
        hint: give a name with a digest: `NAME@sha256:<id>…`
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]].assert_eq(&shown(&workspace.kiln("build //:g")));
}

#[test]
fn a_program_that_is_not_in_the_image_env_106() {
    let Some(docker) = Docker::start() else {
        return;
    };
    let build = r#"
genrule(name = "g", outs = ["g.txt"], cmd = "no-such-program > $@", environment = "docker")
"#;
    check(
        &docker,
        build,
        "build //:g",
        expect![[r#"
            exit: 1
            --- stderr
            error: Genrule of `//:g` failed with exit code 127 (making `kiln-out/fastbuild-docker/bin/g.txt`)
              --> BUILD:2:1
               = `no-such-program` is not among the programs that actions find, which are those in /usr/local/bin, /usr/bin, /bin, /usr/local/sbin, /usr/sbin, /sbin
               = its output:
                 /bin/sh: no-such-program: not found
            hint: if a target makes `no-such-program`, put it into `tools` and write `$(location …)`; otherwise install it
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
}

#[test]
fn an_image_without_a_shell_env_106() {
    let Some(docker) = Docker::start() else {
        return;
    };
    let workspace = workspace(&docker, &docker.empty(), ONE);
    expect![[r#"
        exit: 1
        --- stderr
        error: image `kiln-test/empty:1` has no `/bin/sh`
           = there is no `/bin/sh`
           = while looking for a shell in the environment
        hint: an environment needs an image with `/bin/sh` and `env`
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]]
    .assert_eq(&shown(&workspace.kiln("build //:g")));
    no_containers(&docker, &workspace);
}

#[test]
fn an_image_for_another_platform() {
    let Some(docker) = Docker::start() else {
        return;
    };
    let workspace = workspace(&docker, &docker.foreign(), ONE);
    expect![[r#"
        exit: 1
        --- stderr
        error: image `kiln-test/foreign:1` is made for `arm64`, and the environment is `linux_x86_64`
           = environment `docker` is `//environments:docker`
          --> environments/BUILD:3:1
           |
         3 | docker_environment(name = "docker", image = "kiln-test/foreign:1")
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = it has no `fallback_environment`
        hint: set `platform` to what the image is made for, or take another image
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]].assert_eq(&shown(&workspace.kiln("build //:g")));
}
