//! Mistakes of users: the right place, the true cause and a cure.

mod actions;
mod build_files;
mod command_lines;
mod configurations;
mod globs;
mod labels;

use expect_test::Expect;
use kiln_testkit::Workspace;

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

/// Runs kiln in a workspace with these files, which have a mistake.
fn check(files: &str, command_line: &str, expect: Expect) -> Workspace {
    let workspace = Workspace::with(KILN, files);
    expect.assert_eq(&workspace.kiln(command_line).show());
    workspace
}

/// The same command once the cure is applied.
fn works(workspace: &Workspace, command_line: &str) {
    let output = workspace.kiln(command_line);
    assert_eq!(output.code, Some(0), "{}", output.show());
}
