//! `--remote_executor` against BuildGrid: the example as people have it, and all ways to come in
//! (PX-100, PX-121, R1, R4, R14, R18, R20).

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use expect_test::{Expect, expect};
use kiln_testkit::{BuildGrid, Output, Security, Workspace};

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

/// Builds and tests with the server's workers, and on this machine nothing.
fn run(workspace: &Workspace, server: &BuildGrid, more: &[&str]) -> Output {
    let address = format!("--remote_executor={}", server.address());
    let flags = server.flags();
    let mut words = vec!["test", "//...", "--format=json", "--remote_down=fail"];
    words.push(&address);
    words.extend(flags.iter().map(String::as_str));
    words.extend(more);
    workspace.run("", &words)
}

fn check(output: &Output, server: &BuildGrid, expected: Expect) {
    let well = output.code == Some(0) && !output.stderr.contains("remote server");
    assert!(well, "{}\n{}", output.show(), server.log());
    expected.assert_eq(&output.counts());
}

/// What two checkouts with stores of their own do.
fn two_checkouts(security: Security) {
    let Some(server) = BuildGrid::start(security) else {
        return;
    };
    let first = Workspace::of(KILN, "testdata/example");
    let output = run(&first, &server, &[]);
    check(
        &output,
        &server,
        expect!["exit Some(0): 10 run, 0 remote, 0 local"],
    );
    let second = Workspace::of(KILN, "testdata/example");
    let output = run(&second, &server, &[]);
    check(
        &output,
        &server,
        expect!["exit Some(0): 0 run, 10 remote, 0 local"],
    );
    let app = "kiln-out/fastbuild/bin/app/app";
    let bytes = |workspace: &Workspace| std::fs::read(workspace.root().join(app)).unwrap();
    assert!(bytes(&first) == bytes(&second), "{app} differs");
}

#[test]
fn a_second_checkout_executes_nothing() {
    two_checkouts(Security::None);
}

#[test]
fn with_tls() {
    two_checkouts(Security::Tls);
}

/// The server knows its clients by their certificates, and nobody else.
#[test]
fn with_certificates_of_clients() {
    two_checkouts(Security::MutualTls);
}

#[test]
fn with_a_token() {
    two_checkouts(Security::Token);
}

/// The errors of a build that only trusts the server: those lines that begin with one of some words.
fn refused(security: Security, shown: &[&str], expected: Expect) {
    let Some(server) = BuildGrid::start(security) else {
        return;
    };
    let workspace = Workspace::of(KILN, "testdata/example");
    let address = format!("--remote_executor={}", server.address());
    let flags = server.flags();
    let mut words = vec![
        "build",
        "//greeting",
        "--remote_down=fail",
        "--remote_retries=0",
    ];
    words.push(&address);
    words.extend(
        flags
            .iter()
            .map(String::as_str)
            .filter(|flag| flag.contains("tls_certificate")),
    );
    let output = workspace.run("", &words);
    let lines: Vec<&str> = output.stderr.lines().collect();
    let wanted = lines
        .iter()
        .filter(|line| shown.iter().any(|word| line.starts_with(word)));
    let text = wanted.copied().collect::<Vec<_>>().join("\n");
    let text = text.replace(&server.address(), "ADDRESS");
    expected.assert_eq(&format!("exit {:?}\n{text}", output.code));
}

#[test]
fn without_a_token() {
    refused(
        Security::Token,
        &["error", "hint"],
        expect![[r#"
            exit Some(32)
            error: remote server ADDRESS: GetCapabilities: Unauthenticated: No valid authorization or authentication provided
            hint: credentials come from `--remote_token_file`, `--remote_header`, `--credential_helper` or `--tls_client_certificate`"#]],
    );
}

/// Such a server closes the connection, with other words each time.
#[test]
fn without_a_certificate() {
    refused(
        Security::MutualTls,
        &["hint"],
        expect![[r#"
            exit Some(32)
            hint: a server that wants to know who asks needs `--tls_client_certificate` and `--tls_client_key`"#]],
    );
}
