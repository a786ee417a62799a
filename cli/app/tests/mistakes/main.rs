//! Mistakes of users: the right place, the true cause and a cure. Where the cure is a change or a
//! command, it is applied, and the command works.

#![allow(
    clippy::print_stdout,
    reason = "what this machine does not let be tested is told"
)]

mod actions;
mod attributes;
mod build_files;
mod command_lines;
mod configurations;
mod evaluation;
mod files;
mod globs;
mod headers;
mod labels;
mod loads;
mod machine;
mod tests;

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

/// As [`check`]; a file with another text is the cure.
fn check_cured(files: &str, command_line: &str, cured: (&str, &str), expect: Expect) {
    let workspace = check(files, command_line, expect);
    let (path, text) = cured;
    workspace.write(path, text);
    works(&workspace, command_line);
}
