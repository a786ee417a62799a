//! The test protocol (Bazel: test encyclopedia), as a test and its user see it.

mod attempts;
mod environment;
mod flags;
mod outputs;
mod results;
mod selection;

use kiln_testkit::{Output, Workspace};

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

/// A workspace with one test in each of these scripts, `NAME.sh`, and what else each `sh_test` of
/// that name says.
fn tests(tests: &[(&str, &str, &str)]) -> Workspace {
    let mut build = String::new();
    for (name, attributes, _) in tests {
        build += &format!("sh_test(name = \"{name}\", srcs = [\"{name}.sh\"], {attributes})\n");
    }
    let workspace = Workspace::new(KILN).file("BUILD.bazel", &build);
    tests
        .iter()
        .fold(workspace, |workspace, (name, _, script)| {
            workspace.file(&format!("{name}.sh"), &format!("#!/bin/bash\n{script}\n"))
        })
}

/// Runs kiln, and fails with all that it said unless it ends with this code.
#[track_caller]
fn expect_code(workspace: &Workspace, command_line: &str, code: i32) -> Output {
    let output = workspace.kiln(command_line);
    assert_eq!(output.code, Some(code), "{command_line}\n{}", output.show());
    output
}

/// The log of a test.
#[track_caller]
fn log(workspace: &Workspace, path: &str) -> String {
    let path = format!("kiln-out/testlogs/{path}/test.log");
    let text = workspace.read(&path);
    text.unwrap_or_else(|| panic!("there is no {path}"))
}

/// The value of a variable in a log that `env` wrote.
fn variable(log: &str, name: &str) -> Option<String> {
    let start = format!("{name}=");
    log.lines()
        .find_map(|line| line.strip_prefix(&start))
        .map(str::to_owned)
}

/// Which tests there were, by their numbers in the JSON summary: those that are not zero.
fn counts(output: &Output) -> String {
    let names = ["passed", "failed", "timeout", "flaky", "skipped", "cached"];
    let counts = names.iter().filter_map(|name| {
        let count = output.json(&format!("tests.{name}"))?;
        (count != "0").then(|| format!("{name} {count}"))
    });
    counts.collect::<Vec<_>>().join(", ")
}

/// The labels in the table of results, with the word for each.
fn table(output: &Output) -> Vec<String> {
    let lines = output.stdout.lines().filter(|line| line.starts_with("//"));
    lines
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let end = words.iter().position(|word| *word == "in");
            words[..end.unwrap_or(words.len())].join(" ")
        })
        .collect()
}
