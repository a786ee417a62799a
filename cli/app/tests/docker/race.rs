//! A container and a sandbox of this machine, for one action at a time (`race_with`).

use expect_test::{Expect, expect};
use kiln_testkit::{Docker, Workspace, no_process};

use crate::{KILN, no_containers, shown};

/// What is said of an action that does this in the container and that in the sandbox. Nothing is
/// left of either.
fn check(docker: &Docker, container: &str, sandbox: &str, word: &str, expected: Expect) {
    let workspace = workspace(docker, container, sandbox);
    let output = workspace.kiln("build //:a");
    expected.assert_eq(&shown(&output));
    let made = workspace.read("kiln-out/fastbuild-local/bin/a.txt");
    assert_eq!(made.as_deref(), Some("made\n"));
    no_containers(docker, &workspace);
    no_process(word);
}

/// A workspace with one action, which does this in the container and that in the sandbox.
fn workspace(docker: &Docker, container: &str, sandbox: &str) -> Workspace {
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
    srcs = [\"in.txt\"],
    outs = [\"a.txt\"],
    cmd = \"if [ -e /.kiln/runner ]; then {container}; else {sandbox}; fi\",
)
//- in.txt
text
"
    );
    let workspace = Workspace::with(KILN, &files);
    match docker.host() {
        Some(host) => workspace.env("DOCKER_HOST", host),
        None => workspace,
    }
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

/// Each side has a record of its own, so that `--explain` finds no change where there is none.
#[test]
fn both_sides_are_explained() {
    let Some(docker) = Docker::start() else {
        return;
    };
    let workspace = workspace(&docker, "echo made > $@", "echo made > $@");
    let mut said = String::new();
    for _ in 0..2 {
        let flags = "--race=compare --explain=why.txt";
        let output = workspace.kiln(&format!("build //:a {flags}"));
        assert_eq!(output.code, Some(0), "{}", output.show());
        let why = workspace.read("why.txt").unwrap();
        let mut lines: Vec<&str> = why.lines().collect();
        lines.sort_unstable();
        said += &format!("{}\n", lines.join("\n"));
        workspace.write("in.txt", "another\n");
    }
    expect![[r#"
        //:a: Genrule, Executing genrule //:a, in `docker`: nothing is on record of it
        //:a: Genrule, Executing genrule //:a: nothing is on record of it
        //:a: Genrule, Executing genrule //:a, in `docker`: input `in.txt` changed
        //:a: Genrule, Executing genrule //:a: input `in.txt` changed
    "#]]
    .assert_eq(&said);
}
