//! Containers, against a real engine (ENV-090 … ENV-108).

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod apart;
mod awkward;
mod errors;
mod faults;
mod hermetic;
mod options;
mod race;
mod run;

use std::path::Path;

use expect_test::{Expect, expect};
use kiln_testkit::{Docker, Output, Workspace};

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

/// A workspace with a local environment, one of this image, and itself.
fn workspace(docker: &Docker, image: &str, build: &str) -> Workspace {
    let files = format!(
        "
//- kiln.toml
[environments-preview.names]
local = \"//environments:local\"
docker = \"//environments:docker\"
workspace = \"//environments:workspace\"
//- environments/BUILD
local_environment(name = \"local\")
experimental_workspace_environment(name = \"workspace\")
docker_environment(name = \"docker\", image = \"{image}\")
//- BUILD
{build}
"
    );
    let workspace = Workspace::with(KILN, &files);
    match docker.host() {
        Some(host) => workspace.env("DOCKER_HOST", host),
        None => workspace,
    }
}

/// What a command says in such a workspace.
fn check(docker: &Docker, build: &str, command_line: &str, expected: Expect) {
    let workspace = workspace(docker, &docker.busybox(), build);
    let output = workspace.kiln(command_line);
    expected.assert_eq(&shown(&output));
    no_containers(docker, &workspace);
}

/// Ids of images are others on each machine.
fn shown(output: &Output) -> String {
    let text = output.show();
    let mut parts = text.split("sha256:");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_hexdigit());
        shown.push_str("sha256:<id>");
        shown.push_str(rest);
    }
    shown
}

fn no_containers(docker: &Docker, workspace: &Workspace) {
    let left = docker.containers_left(&workspace.root());
    assert!(left.is_empty(), "{left:?}");
}

/// One repository, two environments: each test runs where it says, and each has results of its
/// own in the cache (ENV-032, ENV-094).
#[test]
fn one_test_in_two_environments() {
    let Some(docker) = Docker::start() else {
        return;
    };
    let build = r#"
genrule(name = "made", outs = ["made.txt"], cmd = "echo made > $@")
sh_test(
    name = "t",
    srcs = ["t.sh"],
    data = [":made"],
    environment = parametrize("local", "docker"),
)
"#;
    let workspace = workspace(&docker, &docker.busybox(), build);
    workspace.write(
        "t.sh",
        "#!/bin/sh\ncat made.txt && if [ -e /.kiln/runner ]; then echo container; else echo sandbox; fi\n",
    );
    let first = workspace.kiln("test //... --test_output=all");
    expect![[r#"
        exit: 0
        --- stdout
        //:t@environment=docker          PASSED in [TIME]
        //:t@environment=local           PASSED in [TIME]
        2 tests: 2 passed
        --- stderr
        ==================== Test output for //:t@environment=local:
        made
        sandbox
        ================================================================================
        ==================== Test output for //:t@environment=docker:
        made
        container
        ================================================================================
        built 6 targets in [TIME]; 4 actions: 4 run
    "#]]
    .assert_eq(&shown(&first));
    let again = workspace.kiln("test //... --format=json");
    expect!["exit Some(0): 0 run, 0 remote, 4 local"].assert_eq(&again.counts());
    no_containers(&docker, &workspace);
}

/// A compiler and an interpreter that the image has, and not those of this machine (ENV-081).
#[test]
fn tools_are_those_of_the_image() {
    let Some(docker) = Docker::start() else {
        return;
    };
    let build = r#"
cc_library(name = "lib", srcs = ["lib.cc"], hdrs = ["lib.h"])
cc_test(name = "c", srcs = ["main.cc"], deps = [":lib"], environment = parametrize("local", "docker"))
py_test(name = "p", srcs = ["p.py"], environment = parametrize("local", "docker"))
"#;
    let workspace = workspace(&docker, &docker.gcc(), build);
    workspace.write("lib.h", "int answer();\n");
    workspace.write(
        "lib.cc",
        "#include \"lib.h\"\nint answer() { return 42; }\n",
    );
    workspace.write(
        "main.cc",
        "#include \"lib.h\"\nint main() { return answer() - 42; }\n",
    );
    workspace.write(
        "p.py",
        "import os, sys\nassert sys.version_info.major == 3\n",
    );
    let output = workspace.kiln("test //... --format=json");
    expect!["exit Some(0): 12 run, 0 remote, 0 local"].assert_eq(&output.counts());
    // The image has no unknown compiler, but one of its own: nothing is shared.
    let explained = workspace.kiln("env explain //:c@environment=docker");
    expect![[r#"
        exit: 0
        --- stdout
        //:c@environment=docker
          its `environment` is `docker`
          built in `docker` (docker_environment), which is `//environments:docker`
    "#]]
    .assert_eq(&shown(&explained));
    no_containers(&docker, &workspace);
}

/// The example, with an image that can be had here: as it stands, and where `docker` means
/// something else (ENV-160).
#[test]
fn the_example() {
    let Some(docker) = Docker::start() else {
        return;
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/containers");
    let mut workspace = Workspace::new(KILN);
    let files = ["", "environments"].map(|name| std::fs::read_dir(folder.join(name)).unwrap());
    for file in files.into_iter().flatten() {
        let path = file.unwrap().path();
        if path.is_file() {
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.replace("buildpack-deps:bookworm", &docker.gcc());
            let below = path.strip_prefix(&folder).unwrap();
            workspace.write(&below.display().to_string(), &text);
        }
    }
    if let Some(host) = docker.host() {
        workspace = workspace.env("DOCKER_HOST", host);
    }
    let output = workspace.kiln("test //... --format=json");
    expect!["exit Some(0): 12 run, 0 remote, 0 local"].assert_eq(&output.counts());
    no_containers(&docker, &workspace);
    let workspace = workspace.env("KILN_CONFIG_FILES", "kiln.ci.toml");
    let output = workspace.kiln("test //...");
    expect![[r#"
        exit: 0
        --- stdout
        //:cc_test@environment=docker          PASSED in [TIME]
        //:cc_test@environment=local  (cached) PASSED in [TIME]
        //:py_test@environment=docker          PASSED in [TIME]
        //:py_test@environment=local  (cached) PASSED in [TIME]
        4 tests: 4 passed; 2 from cache
        --- stderr
        built 7 targets in [TIME]; 12 actions: 6 run, 6 from cache
    "#]]
    .assert_eq(&shown(&output));
}

/// Many actions share few containers, and do not see one another.
#[test]
fn containers_are_used_again_env_094() {
    let Some(docker) = Docker::start() else {
        return;
    };
    let build = r#"
[
    genrule(
        name = "g%d" % i,
        outs = ["g%d.txt" % i],
        cmd = "ls -A /tmp /dev/shm > $@; echo %d > /tmp/left; mkdir -p /tmp/d/e; echo x > /tmp/.hidden; echo x > /dev/shm/left" % i,
        environment = "docker",
    )
    for i in range(20)
]
genrule(
    name = "together",
    srcs = [":g%d" % i for i in range(20)],
    outs = ["together.txt"],
    cmd = "sort -u $(SRCS) > $@",
    environment = "docker",
)
"#;
    let workspace = workspace(&docker, &docker.busybox(), build);
    let output = workspace.kiln("build //:together --format=json --jobs=2");
    expect!["exit Some(0): 21 run, 0 remote, 0 local"].assert_eq(&output.counts());
    let text = workspace.read("kiln-out/fastbuild-docker/bin/together.txt");
    expect![[r#"Some("\n/dev/shm:\n/tmp:\n")"#]].assert_eq(&format!("{text:?}"));
    no_containers(&docker, &workspace);
}
