//! Workspace environments (ENV-130 … ENV-136), and the targets made for them: `shell_command` and
//! `adhoc_tool`.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod adhoc;
mod reads;
mod running;

use expect_test::Expect;
use kiln_testkit::Workspace;

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

/// A workspace with a workspace environment `here`, and these further files.
fn workspace(files: &str) -> Workspace {
    let files = format!(
        "
//- kiln.toml
[environments-preview.names]
here = \"//environments:here\"
//- environments/BUILD
experimental_workspace_environment(name = \"here\")
{files}"
    );
    Workspace::with(KILN, &files)
}

/// What a command says in a workspace with that BUILD file.
fn check(build: &str, command_line: &str, expected: Expect) {
    let output = workspace(&format!("//- BUILD\n{build}")).kiln(command_line);
    expected.assert_eq(&output.show());
}

/// Builds, and reads one of the outputs.
fn built(workspace: &Workspace, command_line: &str, output: &str) -> String {
    let done = workspace.kiln(command_line);
    assert_eq!(done.code, Some(0), "{}", done.show());
    workspace.read(&format!("kiln-out/{output}")).unwrap()
}
