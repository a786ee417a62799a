//! Environments: names, which of them a target is built in, and what is said when none fits.

mod choice;
mod mistakes;
mod options;
mod parametrize;
mod per_platform;
mod predicates;
mod remote;
mod seeded;
mod seeded_targets;
mod valid;
mod vectors;

use expect_test::Expect;
use kiln_testkit::{Output, Workspace};

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

/// A workspace with these lines in `kiln.toml` and `BUILD`. No engine is asked for anything.
fn workspace(names: &str, build: &str) -> Workspace {
    let files = format!(
        "
//- .bazelrc
common --nodocker_execution
//- kiln.toml
{names}
//- ci.toml
[environments-preview.names.add]
there = \"//:other\"
//- BUILD
{build}
"
    );
    Workspace::with(KILN, &files)
}

fn check(names: &str, build: &str, command_line: &str, expect: Expect) {
    let output = workspace(names, build).kiln(command_line);
    expect.assert_eq(&output.show());
}

/// Runs kiln with further configuration files.
fn with_files(workspace: &Workspace, command_line: &str, files: &str) -> Output {
    let setting = format!("KILN_CONFIG_FILES={files}");
    workspace.run_through(&["/usr/bin/env", &setting], command_line)
}

const NAMES: &str = r#"[environments-preview.names]
here = "//:here"
there = "//:there"
mac = "//:mac"
"#;

const BUILD: &str = r#"
local_environment(name = "here")
local_environment(name = "mac", compatible_platforms = ["macos_arm64"])
local_environment(name = "other", compatible_platforms = ["macos_x86_64"], fallback_environment = "__local__")
docker_environment(name = "there", image = "debian:12", fallback_environment = "here")
genrule(name = "a", outs = ["a.txt"], cmd = "echo a > $@")
genrule(name = "b", srcs = [":a"], outs = ["b.txt"], cmd = "cat $< > $@", environment = "there")
genrule(name = "c", srcs = [":b"], outs = ["c.txt"], cmd = "cat $< > $@", environment = "mac")
"#;
