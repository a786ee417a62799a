//! A container and a sandbox of this machine, for one action at a time (`race_with`).

use expect_test::{Expect, expect};
use kiln_testkit::Docker;

use crate::{KILN, no_containers, shown};

/// What is said of an action that does this in the container and that in the sandbox. Nothing is
/// left of either.
fn check(docker: &Docker, container: &str, sandbox: &str, word: &str, expected: Expect) {
    let image = docker.gcc();
    let files = format!(
        "
//- kiln.toml
[environments-preview.names]
docker = \"//:docker\"
local = \"//:local\"
//- BUILD
local_environment(name = \"local\", race_with = \"docker\")
docker_environment(name = \"docker\", image = \"{image}\")
genrule(
    name = \"a\",
    outs = [\"a.txt\"],
    cmd = \"if [ -e /.kiln/runner ]; then {container}; else {sandbox}; fi\",
)
"
    );
    let workspace = kiln_testkit::Workspace::with(KILN, &files);
    let workspace = match docker.host() {
        Some(host) => workspace.env("DOCKER_HOST", host),
        None => workspace,
    };
    let output = workspace.kiln("build //:a");
    expected.assert_eq(&shown(&output));
    let made = workspace.read("kiln-out/fastbuild-local/bin/a.txt");
    assert_eq!(made.as_deref(), Some("made\n"));
    no_containers(docker, &workspace);
    kiln_testkit::no_process(word);
}

#[test]
fn whoever_hangs_loses() {
    let Some(docker) = Docker::start() else {
        return;
    };
    let (other, own) = ("echo made > $@", "sleep 71841");
    check(
        &docker,
        other,
        own,
        "71841",
        expect![[r#"
        exit: 0
        --- stderr
        race of `local` and `docker`: 0 won by `local`, 1 by `docker`, 1 stopped
        //:a:
          kiln-out/fastbuild-local/bin/a.txt
        built 1 target in [TIME]; 1 action: 1 run
    "#]],
    );
    let (other, own) = ("sleep 71842", "sleep 4; echo made > $@");
    check(
        &docker,
        other,
        own,
        "71842",
        expect![[r#"
        exit: 0
        --- stderr
        race of `local` and `docker`: 1 won by `local`, 0 by `docker`, 1 stopped
        //:a:
          kiln-out/fastbuild-local/bin/a.txt
        built 1 target in [TIME]; 1 action: 1 run
    "#]],
    );
}
