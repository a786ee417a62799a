//! The whole benchmark, with scripts in kiln's place.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

use expect_test::expect;
use serde_json::Value;
use tempfile::TempDir;

/// Exit code, standard output, and standard error without the lines of progress.
fn run(tool: &str, flags: &[&str]) -> (Option<i32>, String, String) {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/tools")
        .join(tool);
    let work = TempDir::new().unwrap();
    let folder = work.path().canonicalize().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_kiln-bench"))
        .arg(format!("--kiln={}", tool.display()))
        .arg(format!("--work={}", folder.join("measured").display()))
        .args(["--tools=kiln", "--targets=1", "--runs=2"])
        .args(flags)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| {
        String::from_utf8_lossy(bytes)
            .replace(&folder.display().to_string(), "[ROOT]")
            .replace(&tool.display().to_string(), "[TOOL]")
    };
    let stderr: Vec<String> = text(&output.stderr)
        .lines()
        .filter(|line| !line.contains(": kiln: "))
        .map(str::to_owned)
        .collect();
    (
        output.status.code(),
        text(&output.stdout),
        stderr.join("\n"),
    )
}

#[test]
fn every_run_of_every_scenario_is_reported() {
    let (code, stdout, stderr) = run("right", &["--scenarios=version,genrule", "--format=json"]);
    assert_eq!((code, &*stderr), (Some(0), ""));
    let report: Value = serde_json::from_str(&stdout).unwrap();
    let mut text = String::new();
    for row in ["/groups/0/rows", "/groups/1/rows"]
        .iter()
        .flat_map(|rows| report.pointer(rows).and_then(Value::as_array).unwrap())
    {
        let runs = row["runs"].as_array().unwrap();
        assert!(runs.iter().all(|run| run["wall"].as_f64().unwrap() > 0.0));
        text += &format!(
            "{} {} {} {}\n",
            row["scenario"],
            row["tool"],
            runs.len(),
            row["account"]
        );
        // Either the kernel counts, or the report says why not.
        let counted = runs
            .iter()
            .all(|run| run["cpu"].as_f64().is_some_and(|cpu| cpu > 0.0));
        assert_eq!(counted, report["accounting"].is_string(), "{report}");
        assert_ne!(counted, report["notMeasured"].is_array(), "{report}");
    }
    expect![[r#"
        "version" "kiln" 2 null
        "genrule-cold" "kiln" 2 "built 1 target in 0.01s; 1 actions: 1 run"
        "genrule-noop" "kiln" 2 "built 1 target in 0.01s; 1 actions: 1 run"
        "genrule-top" "kiln" 2 "built 1 target in 0.01s; 1 actions: 1 run"
        "genrule-base" "kiln" 2 "built 1 target in 0.01s; 1 actions: 1 run"
        "genrule-comment" "kiln" 2 "built 1 target in 0.01s; 1 actions: 1 run"
        "genrule-cached" "kiln" 2 "built 1 target in 0.01s; 1 actions: 1 run"
    "#]]
    .assert_eq(&text);
    expect![[r#"[{"tool":"kiln","program":"[TOOL]","version":"right 1.0"}] {"aim":"CPU time: less than Bazel's in every scenario","met":null,"why":"bazel was not measured"}"#]].assert_eq(&format!("{} {}", report["tools"], report["aims"][5]));
}

#[test]
fn tables_are_the_default() {
    let (code, stdout, _) = run("right", &["--scenarios=version"]);
    assert_eq!(code, Some(0));
    assert!(
        stdout.contains("\n### Starting\n\n| scenario | tool |"),
        "{stdout}"
    );
    assert!(stdout.contains("| print the version | kiln | "), "{stdout}");
    assert!(stdout.contains("open: bazel was not measured"), "{stdout}");
}

#[test]
fn a_tool_that_does_not_build_is_not_measured() {
    let (code, stdout, stderr) = run("idle", &["--scenarios=genrule-noop"]);
    assert_eq!((code, &*stdout), (Some(36), ""));
    expect!["error: cannot read the output `[ROOT]/measured/genrule/kiln/tree/kiln-out/fastbuild/bin/area0/part0/out0.txt`: no such file or directory"].assert_eq(&stderr);
    let (code, _, stderr) = run("idle", &["--scenarios=list-warm"]);
    assert_eq!(code, Some(36));
    expect![[r#"
        error: kiln listed 0 targets of 1
           = 1 missing, such as `//area0/part0:list0`"#]]
    .assert_eq(&stderr);
}

#[test]
fn a_wrong_result_ends_the_run() {
    let (code, _, stderr) = run("stale", &["--scenarios=genrule-noop"]);
    assert_eq!((code, &*stderr), (Some(0), ""), "nothing changed yet");
    let (code, stdout, stderr) = run("stale", &["--scenarios=genrule-noop,genrule-top"]);
    assert_eq!((code, &*stdout), (Some(36), ""));
    expect![[r#"
        error: kiln built a wrong `[ROOT]/measured/genrule/kiln/tree/kiln-out/fastbuild/bin/area0/part0/out0.txt`
           = expected "node 0 edit 1\n"
           = got "node 0 edit 0\n""#]].assert_eq(&stderr);
}

#[test]
fn a_command_that_fails_ends_the_run() {
    let (code, _, stderr) = run("failing", &["--scenarios=genrule-noop"]);
    assert_eq!(code, Some(36));
    expect![[r#"
        error: `[TOOL] build --ignore_all_rc_files --sandbox=required //...` ended with exit code 3
           = nothing goes"#]]
    .assert_eq(&stderr);
    let (code, _, stderr) = run("absent", &["--scenarios=version"]);
    assert_eq!(code, Some(36));
    expect!["error: cannot find `[TOOL]`: no such file or directory"].assert_eq(&stderr);
}
