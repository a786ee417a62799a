//! The workflow of `docs/ci.md`: its commands, taken out of the file, run as a runner would.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::path::Path;
use std::process::Command;

use expect_test::{Expect, expect};
use kiln_testkit::{Serve, Workspace};

const KILN: &str = env!("CARGO_BIN_EXE_kiln");
const WORKFLOW: &str = ".github/workflows/kiln.yml";

/// A step of a job: its name and its commands.
fn steps(workflow: &str, job: &str) -> Vec<(String, String)> {
    let begin = format!("  {job}:");
    let lines = workflow.lines().skip_while(|line| *line != begin).skip(1);
    let own = lines.take_while(|line| line.is_empty() || line.starts_with("    "));
    let (mut steps, mut name, mut block) = (Vec::new(), String::new(), false);
    for line in own {
        let trimmed = line.trim();
        let indented = line.starts_with("          ");
        if let Some(text) = trimmed.strip_prefix("- name: ") {
            name = text.to_owned();
        }
        if let Some(text) = trimmed.strip_prefix("run: ") {
            block = text == "|";
            let text = if block { "" } else { text };
            steps.push((name.clone(), text.to_owned()));
        } else if block && indented {
            let script = &mut steps.last_mut().unwrap().1;
            script.push_str(trimmed);
            script.push('\n');
        } else {
            block = false;
        }
    }
    steps
}

/// Runs the steps of a job until one fails, as a runner does; what each ended with.
fn run(workspace: &Workspace, job: &str, variables: &[(&str, &str)]) -> String {
    let workflow = workspace.read(WORKFLOW).unwrap();
    let folder = Path::new(KILN).parent().unwrap().display().to_string();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap());
    let mut shown = Vec::new();
    for (name, script) in steps(&workflow, job) {
        let plain = workspace.command("", &[]);
        let mut shell = Command::new("bash");
        shell.args(["-e", "-o", "pipefail", "-c", &script]);
        shell.current_dir(workspace.root()).env_clear();
        for (name, value) in plain.get_envs() {
            shell.env(name, value.unwrap_or_default());
        }
        let output = shell
            .env("PATH", &path)
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let code = output.status.code().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = text.lines().filter(|line| line.starts_with("::error"));
        let said = errors.map(|line| format!(" {line}")).collect::<String>();
        shown.push(format!("{name}: {code}{said}"));
        if code != 0 {
            shown.push(
                String::from_utf8_lossy(&output.stderr)
                    .lines()
                    .last()
                    .map_or(String::new(), |line| {
                        line.split(" in ").next().unwrap_or_default().to_owned()
                    }),
            );
            break;
        }
    }
    shown.join("\n")
}

fn check(workspace: &Workspace, job: &str, variables: &[(&str, &str)], expected: Expect) {
    expected.assert_eq(&run(workspace, job, variables));
}

fn workspace() -> Workspace {
    Workspace::of(KILN, "testdata/ci")
}

/// Against a server that trusts nobody's results but its own.
#[test]
fn with_a_server() {
    let folder = tempfile::TempDir::new().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "letmein").unwrap();
    let flag = format!("--token_file={}", secret.display());
    let server = Serve::start(KILN, &[&flag, "--read_only"]);
    let token = folder.path().join("token").display().to_string();
    let variables = |secret| {
        [
            ("KILN_CONFIG_FILES", "kiln.ci.toml"),
            ("KILN_REMOTE_EXECUTOR", server.address()),
            ("KILN_REMOTE_TOKEN_FILE", &*token),
            ("TOKEN", secret),
        ]
    };
    let good = variables("letmein");
    let first = workspace();
    check(
        &first,
        "remote",
        &good,
        expect![[r#"
        Token: 0
        Test: 0"#]],
    );
    let report = first.read("kiln-out/testlogs/count_test/test.xml").unwrap();
    assert!(report.contains("<testsuite"), "{report}");
    // Another runner has nothing run.
    let second = workspace()
        .env("KILN_CONFIG_FILES", "kiln.ci.toml")
        .env("KILN_REMOTE_EXECUTOR", server.address())
        .env("KILN_REMOTE_TOKEN_FILE", &token);
    let output = second.kiln("test //... --format=json");
    expect!["exit Some(0): 0 run, 2 remote, 0 local"].assert_eq(&output.counts());
    // A change that breaks a test, and one that does not build.
    let third = workspace();
    third.write("words.txt", "two words\n");
    check(
        &third,
        "remote",
        &good,
        expect![[r#"
        Token: 0
        Test: 3
        failed: 2 of 2 targets built"#]],
    );
    assert!(
        third
            .read("kiln-out/testlogs/count_test/test.xml")
            .is_some()
    );
    third.remove("words.txt");
    check(
        &third,
        "remote",
        &good,
        expect![[r#"
        Token: 0
        Test: 1
        failed: 0 of 2 targets built, 1 failed, 1 skipped"#]],
    );
    // A token that is none.
    check(
        &workspace(),
        "remote",
        &variables("guessed"),
        expect![[r#"
        Token: 0
        Test: 32 ::error::the build server failed
        failed: 0 of 2 targets built, 1 failed, 1 skipped"#]],
    );
}

#[test]
fn with_a_server_that_is_not_there() {
    let token = tempfile::NamedTempFile::new().unwrap();
    let variables = [
        ("KILN_CONFIG_FILES", "kiln.ci.toml"),
        ("KILN_REMOTE_EXECUTOR", "grpc://127.0.0.1:9"),
        ("KILN_REMOTE_RETRIES", "0"),
        ("KILN_REMOTE_TOKEN_FILE", token.path().to_str().unwrap()),
        ("TOKEN", "any"),
    ];
    check(
        &workspace(),
        "remote",
        &variables,
        expect![[r#"
        Token: 0
        Test: 32 ::error::the build server failed
        failed: 0 of 2 targets built, 1 failed, 1 skipped"#]],
    );
}

/// The cache goes to another machine: to another folder, for a checkout in another one.
#[test]
fn without_a_server() {
    let first = workspace();
    check(
        &first,
        "local",
        &[],
        expect![[r#"
        Test: 0
        Shrink the cache: 0"#]],
    );
    let second = workspace();
    let copied = Command::new("cp")
        .arg("-a")
        .args([first.cache(), second.cache()])
        .status();
    assert!(copied.unwrap().success());
    let output = second.kiln("test //... --format=json");
    expect!["exit Some(0): 0 run, 0 remote, 2 local"].assert_eq(&output.counts());
    assert!(
        second
            .read("kiln-out/testlogs/count_test/test.xml")
            .is_some()
    );
}

/// The page shows what the files say.
#[test]
fn the_page_is_true() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let page = read("docs/ci.md");
    let files = [
        read("testdata/ci/.github/workflows/kiln.yml"),
        read("testdata/ci/kiln.ci.toml"),
    ];
    let mut shown = 0;
    for block in page.split("```").skip(1).step_by(2) {
        let Some(text) = block
            .strip_prefix("yaml\n")
            .or(block.strip_prefix("toml\n"))
        else {
            continue;
        };
        for line in text
            .lines()
            .map(|line| line.trim().trim_start_matches("- "))
        {
            let there = files.iter().any(|file| file.contains(line));
            assert!(there, "`{line}` of docs/ci.md is in no file of testdata/ci");
            shown += 1;
        }
    }
    assert!(shown > 10, "{shown} lines");
}
