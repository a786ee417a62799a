//! Build information: `--stamp`, `--embed_label`, `--workspace_status_command`.

use expect_test::expect;
use kiln_testkit::{Output, Workspace};

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

/// `plain` reads the files as a rule does, `always` and `asked` as a `genrule`.
const FILES: &str = r#"
//- BUILD.bazel
load(":status.bzl", "status")

status(name = "plain")

genrule(
    name = "always",
    outs = ["always.txt"],
    cmd = "cat bazel-out/stable-status.txt bazel-out/volatile-status.txt > $@",
    stamp = 1,
)

genrule(
    name = "asked",
    outs = ["asked.txt"],
    cmd = "cat bazel-out/*.txt > $@ || true",
    stamp = -1,
)

genrule(
    name = "never",
    outs = ["never.txt"],
    cmd = "cat bazel-out/*.txt > $@ || true",
)
//- status.bzl
def _impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name + ".txt")
    ctx.actions.run_shell(
        outputs = [out],
        inputs = [ctx.info_file, ctx.version_file],
        command = "cat %s %s > %s" % (ctx.info_file.path, ctx.version_file.path, out.path),
    )
    return [DefaultInfo(files = depset([out]))]

status = rule(implementation = _impl)
//- status.sh
#!/bin/sh
cat said.txt
//- said.txt
STABLE_COMMIT one
TIME 1
"#;

#[track_caller]
fn build(workspace: &Workspace, target: &str, flags: &[&str]) -> Output {
    let mut words = vec!["build", target, "--format=json"];
    words.extend(flags);
    let output = workspace.run("", &words);
    assert_eq!(output.code, Some(0), "{flags:?}\n{}", output.show());
    output
}

/// How many actions run.
#[track_caller]
fn executed(workspace: &Workspace, flags: &[&str]) -> u32 {
    let output = build(workspace, "//:all", flags);
    let count = output
        .json("actions.executed")
        .and_then(|count| count.parse().ok());
    count.expect("a count")
}

#[track_caller]
fn made(workspace: &Workspace, target: &str) -> String {
    let path = format!("kiln-out/fastbuild/bin/{target}.txt");
    workspace
        .read(&path)
        .unwrap_or_else(|| panic!("there is no {path}"))
}

const COMMAND: &str = "--workspace_status_command=./status.sh";

#[test]
fn unstamped() {
    let workspace = Workspace::with(KILN, FILES);
    build(&workspace, "//:all", &[]);
    let nothing = "BUILD_EMBED_LABEL \nBUILD_HOST unknown\nBUILD_USER unknown\nBUILD_TIMESTAMP 0\n";
    assert_eq!(made(&workspace, "plain"), nothing);
    assert_eq!(made(&workspace, "always"), nothing);
    assert_eq!(made(&workspace, "asked"), "");
    assert_eq!(made(&workspace, "never"), "");
    assert_eq!(workspace.read("kiln-out/stable-status.txt"), None);
}

#[test]
fn stamped() {
    let workspace = Workspace::with(KILN, FILES)
        .env("USER", "somebody")
        .env("SOURCE_DATE_EPOCH", "1709208123");
    build(
        &workspace,
        "//:all",
        &["--stamp", "--embed_label=v1.2", COMMAND],
    );
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy();
    let plain = made(&workspace, "plain");
    expect![[r#"
        BUILD_EMBED_LABEL v1.2
        BUILD_HOST [HOST]
        BUILD_USER somebody
        STABLE_COMMIT one
        BUILD_TIMESTAMP 1709208123
        FORMATTED_DATE 2024 Feb 29 12 02 03 Thu
        TIME 1
    "#]]
    .assert_eq(&plain.replace(&format!("BUILD_HOST {host}"), "BUILD_HOST [HOST]"));
    assert_eq!(made(&workspace, "always"), plain);
    assert_eq!(made(&workspace, "asked"), plain);
    assert_eq!(made(&workspace, "never"), "");
    let read = |name: &str| workspace.read(&format!("kiln-out/{name}-status.txt"));
    let both = read("stable")
        .zip(read("volatile"))
        .map(|(one, two)| one + &two);
    assert_eq!(both, Some(plain));
}

/// What changes each time is no reason to run an action again; what is called stable is.
#[test]
fn what_runs_again() {
    let workspace = Workspace::with(KILN, FILES);
    assert_eq!(executed(&workspace, &[COMMAND]), 4);
    assert!(made(&workspace, "plain").ends_with("STABLE_COMMIT one\nBUILD_TIMESTAMP 0\nTIME 1\n"));

    workspace.write("said.txt", "STABLE_COMMIT one\nTIME 2\n");
    assert_eq!(executed(&workspace, &[COMMAND]), 0);
    assert!(made(&workspace, "plain").ends_with("TIME 1\n"));

    workspace.write("said.txt", "STABLE_COMMIT two\nTIME 3\n");
    assert_eq!(executed(&workspace, &[COMMAND]), 2);
    assert!(made(&workspace, "plain").ends_with("STABLE_COMMIT two\nBUILD_TIMESTAMP 0\nTIME 3\n"));

    // A change of the action itself has it read what is true now.
    workspace.write("said.txt", "STABLE_COMMIT two\nTIME 4\n");
    let rule = workspace.read("status.bzl").expect("a file");
    workspace.write("status.bzl", &rule.replace("cat %s", "cat -- %s"));
    assert_eq!(executed(&workspace, &[COMMAND]), 1);
    assert!(made(&workspace, "plain").ends_with("TIME 4\n"));

    // `--stamp` is a configuration of its own, with a time that is no reason either.
    let first = executed(&workspace, &[COMMAND, "--stamp"]);
    assert!(first > 0);
    assert_eq!(executed(&workspace, &[COMMAND, "--stamp"]), 0);
    assert_eq!(
        executed(&workspace, &[COMMAND, "--stamp", "--embed_label=x"]),
        3
    );
}

/// Without a build the program is not run.
#[test]
fn no_build() {
    let workspace = Workspace::with(KILN, FILES);
    build(
        &workspace,
        "//:all",
        &["--workspace_status_command=false", "--nobuild"],
    );
    let output = workspace.run("", &["query", "//:all"]);
    assert_eq!(output.code, Some(0), "{}", output.show());
}

#[test]
fn programs_that_fail() {
    let workspace = Workspace::with(KILN, FILES);
    let mut said = String::new();
    for command in ["exit 4", "echo sorry >&2; exit 3", "printf 'A \\377'"] {
        let flag = format!("--workspace_status_command={command}");
        let output = workspace.run("", &["build", "//:never", &flag]);
        assert_eq!(output.code, Some(1), "{}", output.show());
        said += &output.stderr;
    }
    let output = workspace
        .env("SOURCE_DATE_EPOCH", "now")
        .run("", &["build", "//:never", "--stamp"]);
    assert_eq!(output.code, Some(2), "{}", output.show());
    said += &output.stderr;
    expect![[r#"
        error: the workspace status command failed: exit status: 4
           = it is what `--workspace_status_command` names: exit 4
        hint: it runs in the root of the workspace and prints lines `NAME VALUE`
        error: the workspace status command failed: exit status: 3
           = sorry
           = it is what `--workspace_status_command` names: echo sorry >&2; exit 3
        hint: it runs in the root of the workspace and prints lines `NAME VALUE`
        error: the workspace status command wrote something that is not UTF-8
           = it is what `--workspace_status_command` names: printf 'A \377'
        error: `SOURCE_DATE_EPOCH` is `now`, which is no number of seconds
    "#]]
    .assert_eq(&said);
}

/// What the program says on standard error is for the user.
#[test]
fn a_program_that_talks() {
    let workspace = Workspace::with(KILN, FILES);
    let command = "--workspace_status_command=echo be patient >&2";
    let output = workspace.run("", &["build", "//:never", command]);
    assert!(output.stderr.contains("be patient\n"), "{}", output.show());
}
