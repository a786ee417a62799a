//! `kiln serve` with kiln as its client: a second checkout executes nothing (R4, R14, R19, PX-100).

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use expect_test::{Expect, expect};
use kiln_testkit::{Casd, Output, Serve, Workspace};

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

/// Small and large outputs, a folder, a link, an executable, tests that pass, a tool that runs.
const FILES: &str = r#"
//- defs.bzl
def _folder(ctx):
    out = ctx.actions.declare_directory(ctx.label.name)
    ctx.actions.run_shell(
        outputs = [out],
        command = "mkdir -p $1/sub/empty && echo a > $1/a && echo b > $1/sub/b && ln -s ../a $1/sub/link",
        arguments = [out.path],
    )
    return DefaultInfo(files = depset([out]))

folder = rule(implementation = _folder)
//- BUILD.bazel
load("//:defs.bzl", "folder")

cc_library(
    name = "lib",
    srcs = ["lib.cc"],
    hdrs = ["lib.h"],
)

cc_test(
    name = "cc",
    srcs = ["main.cc"],
    deps = [":lib"],
)

cc_binary(
    name = "tool",
    srcs = ["tool.cc"],
)

genrule(
    name = "made",
    outs = ["made.txt"],
    cmd = "$(location :tool) > $@",
    tools = [":tool"],
)

genrule(
    name = "large",
    outs = ["large.bin"],
    cmd = "seq 1 1500000 > $@",
)

genrule(
    name = "both",
    srcs = ["made.txt", "large.bin"],
    outs = ["both.txt"],
    cmd = "cat $(SRCS) | cksum > $@",
)

folder(name = "tree")

sh_test(
    name = "t",
    srcs = ["t.sh"],
    data = ["both.txt", ":tree"],
)
//- lib.h
int answer();
//- lib.cc
#include "lib.h"
int answer() { return 42; }
//- main.cc
#include "lib.h"
int main() { return answer() - 42; }
//- tool.cc
#include <stdio.h>
int main() { puts("made"); return 0; }
//- t.sh
#!/bin/sh
grep -q . both.txt && test -L tree/sub/link && test -d tree/sub/empty && cat tree/sub/link
"#;

fn check(workspace: &Workspace, flags: &str, expected: Expect) -> Output {
    let output = workspace.kiln(&format!("test //... --format=json {flags}"));
    assert!(
        !output.stderr.contains("remote server"),
        "{}",
        output.show()
    );
    expected.assert_eq(&output.counts());
    output
}

/// What two checkouts with stores of their own do, and whether they have the same outputs.
fn two_checkouts(address: &str) {
    let flags = format!("--remote_executor={address} --remote_down=fail");
    let first = Workspace::with(KILN, FILES);
    check(
        &first,
        &flags,
        expect!["exit Some(0): 14 run, 0 remote, 0 local"],
    );
    let second = Workspace::with(KILN, FILES);
    check(
        &second,
        &flags,
        expect!["exit Some(0): 0 run, 14 remote, 0 local"],
    );
    let outputs = ["made.txt", "both.txt", "tree/sub/link", "tree/sub/b"];
    for path in outputs.map(|path| format!("kiln-out/fastbuild/bin/{path}")) {
        let content = second.read(&path);
        assert!(content.is_some(), "{path}");
        assert_eq!(content, first.read(&path), "{path}");
    }
    // A machine that builds by itself has the same outputs under the same keys.
    let third = Workspace::with(KILN, FILES);
    check(
        &third,
        &format!("--remote_cache={address}"),
        expect!["exit Some(0): 0 run, 14 remote, 0 local"],
    );
}

#[test]
fn a_second_checkout_executes_nothing() {
    let mut server = Serve::start(KILN, &[]);
    two_checkouts(server.address());
    assert_eq!(server.interrupt(), Some(0));
    expect![].assert_eq(&server.log());
}

/// The socket is the user's alone, and goes with the server.
#[test]
fn at_a_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let flag = format!("--listen=unix:{}", path.display());
    let mut server = Serve::start(KILN, &[&flag]);
    assert_eq!(server.address(), format!("unix:{}", path.display()));
    let file = std::fs::metadata(&path).unwrap();
    assert!(file.file_type().is_socket());
    assert_eq!(file.mode() & 0o777, 0o600);
    two_checkouts(server.address());
    assert_eq!(server.interrupt(), Some(0));
    assert!(!path.exists());
    // Nothing is left of how it was made.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// `buildbox-casd` as a client: it passes on what it is asked, for an instance of its own.
#[test]
fn through_another_server() {
    let server = Serve::start(KILN, &[]);
    let remote = format!("--remote={}", server.address().replace("grpc", "http"));
    let Some(between) = Casd::start(&[&remote, "--proxy-instance=between"]) else {
        return;
    };
    let flags = format!(
        "--remote_executor={} --remote_instance_name=between --remote_down=fail",
        between.address()
    );
    check(
        &Workspace::with(KILN, FILES),
        &flags,
        expect!["exit Some(0): 14 run, 0 remote, 0 local"],
    );
    check(
        &Workspace::with(KILN, FILES),
        &flags,
        expect!["exit Some(0): 0 run, 14 remote, 0 local"],
    );
    // Its own store knows the rest.
    let flags = format!("--remote_executor={}", server.address());
    check(
        &Workspace::with(KILN, FILES),
        &flags,
        expect!["exit Some(0): 0 run, 14 remote, 0 local"],
    );
}

/// What was built where the server runs is known to its clients, and the other way round.
#[test]
fn one_store_for_the_server_and_its_user() {
    let server = Serve::start(KILN, &[]);
    let flags = format!("--remote_executor={} --remote_down=fail", server.address());
    let cache = server.cache().display().to_string();
    let here = Workspace::with(KILN, FILES).env("KILN_CACHE_DIR", &cache);
    check(
        &here,
        "",
        expect!["exit Some(0): 14 run, 0 remote, 0 local"],
    );
    check(
        &Workspace::with(KILN, FILES),
        &flags,
        expect!["exit Some(0): 0 run, 14 remote, 0 local"],
    );
    let server = Serve::start(KILN, &[]);
    let flags = format!("--remote_executor={}", server.address());
    check(
        &Workspace::with(KILN, FILES),
        &flags,
        expect!["exit Some(0): 14 run, 0 remote, 0 local"],
    );
    let cache = server.cache().display().to_string();
    let here = Workspace::with(KILN, FILES).env("KILN_CACHE_DIR", &cache);
    check(
        &here,
        "",
        expect!["exit Some(0): 0 run, 0 remote, 14 local"],
    );
}

const FAILURES: &str = r#"
//- BUILD.bazel
genrule(name = "fails", outs = ["never"], cmd = "echo because >&2; exit 3")
genrule(name = "lacks", outs = ["lacking"], cmd = "echo made nothing")
genrule(name = "killed", outs = ["none"], cmd = "kill -9 $$$$")
sh_test(name = "red", srcs = ["red.sh"])
sh_test(name = "slow", srcs = ["slow.sh"])
//- red.sh
#!/bin/sh
echo red > beside; cat beside; exit 1
//- slow.sh
#!/bin/sh
echo begun; sleep 600
"#;

/// Failures are outcomes of actions: shown as they are, and run again (R19, PX-104).
#[test]
fn failures() {
    let server = Serve::start(KILN, &[]);
    let run = |command: &str| {
        let flags = format!("--remote_executor={} --remote_down=fail", server.address());
        let output = Workspace::with(KILN, FAILURES).kiln(&format!("{command} {flags}"));
        let lines = output.stderr.lines().map(str::trim);
        let wanted = ["because", "exit code", "lack"];
        let lines = lines.filter(|line| wanted.iter().any(|word| line.contains(word)));
        format!(
            "exit {:?}\n{}",
            output.code,
            lines.collect::<Vec<_>>().join("\n")
        )
    };
    let once = run("build //:fails");
    expect![[r#"
        exit Some(1)
        error: Genrule of `//:fails` failed with exit code 3 (making `kiln-out/fastbuild/bin/never`)
        because"#]]
    .assert_eq(&once);
    assert_eq!(run("build //:fails"), once);
    expect![[r#"
        exit Some(1)
        output of Executing genrule //:lacks:
        error: Genrule of `//:lacks` succeeded, but did not make `kiln-out/fastbuild/bin/lacking`"#]].assert_eq(&run("build //:lacks"));
    expect![[r#"
        exit Some(1)
        error: Genrule of `//:killed` failed with exit code 137 (making `kiln-out/fastbuild/bin/none`)"#]].assert_eq(&run("build //:killed"));
    let flags = format!("--remote_executor={} --remote_down=fail", server.address());
    let workspace = Workspace::with(KILN, FAILURES);
    let output = workspace.kiln(&format!(
        "test //:red //:slow --test_timeout=2 --test_output=errors {flags}"
    ));
    assert_eq!(output.code, Some(3), "{}", output.show());
    for part in ["red\n", "begun\n", "TIMEOUT", "FAILED"] {
        let whole = format!("{}{}", output.stdout, output.stderr);
        assert!(whole.contains(part), "{part}: {}", output.show());
    }
}

/// A token and a certificate; who lacks one of them builds nothing by this server (PX-121, PX-122).
#[test]
fn with_a_token_and_a_certificate() {
    let pki = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let certificate = file("cert.pem", &pki.cert.pem());
    let key = file("key.pem", &pki.signing_key.serialize_pem());
    let (token, wrong) = (file("token", "secret\n"), file("wrong", "guess\n"));
    let flags = [
        &format!("--token_file={token}"),
        &format!("--tls_server_certificate={certificate}"),
        &format!("--tls_server_key={key}"),
        "--instance_name=main",
    ];
    let server = Serve::start(KILN, &flags);
    let address = server.address().to_owned();
    assert!(address.starts_with("grpcs://"), "{address}");
    let build = |flags: &str| {
        let common = "--remote_instance_name=main --remote_down=fail --remote_retries=0";
        let command = format!("build //:made --remote_executor={address} {common} {flags}");
        let output = Workspace::with(KILN, FILES).kiln(&command);
        let error = output.stderr.lines().find(|line| line.starts_with("error"));
        let error = error.unwrap_or_default().replace(&address, "ADDRESS");
        format!("exit {:?} {error}", output.code)
    };
    let trust = format!("--tls_certificate={certificate}");
    expect!["exit Some(0) "].assert_eq(&build(&format!("{trust} --remote_token_file={token}")));
    expect!["exit Some(32) error: remote server ADDRESS: GetCapabilities: Unauthenticated: this server wants a token: `authorization: Bearer TOKEN`"].assert_eq(&build(&format!("{trust} --remote_token_file={wrong}")));
    expect!["exit Some(32) error: remote server ADDRESS: GetCapabilities: Unauthenticated: this server wants a token: `authorization: Bearer TOKEN`"].assert_eq(&build(&trust));
    expect!["exit Some(32) error: remote server ADDRESS: GetCapabilities: Unavailable: invalid peer certificate: UnknownIssuer: transport error"].assert_eq(&build(&format!("--remote_token_file={token}")));
    assert!(!server.log().contains("secret"));
}

/// What cannot be meant is said before anything is served.
#[test]
fn flags_that_cannot_be_meant() {
    let check = |flags: &str, expected: Expect| {
        let output = Workspace::with(KILN, "").kiln(&format!("serve {flags}"));
        expected.assert_eq(&output.show());
    };
    check(
        "//...",
        expect![[r#"
        exit: 2
        --- stderr
        error: `kiln serve` takes no targets: `//...`
        hint: clients say what is built: `kiln help serve` lists its flags
    "#]],
    );
    check(
        "--listen=grpc://127.0.0.1:0",
        expect![[r#"
        exit: 2
        --- stderr
        error: `grpc://127.0.0.1:0` is no address to listen at
        hint: leave the scheme out: `127.0.0.1:0`
    "#]],
    );
    check(
        "--listen=0.0.0.0:0",
        expect![[r#"
        exit: 2
        --- stderr
        error: `0.0.0.0:0` is open to other machines (0.0.0.0), without a token or encryption
           = whoever reaches the server runs programs on this machine and decides what results are
        hint: give `--token_file`, `--tls_server_certificate` and `--tls_server_key`; or `--allow_insecure_listen` where something else keeps strangers out
    "#]],
    );
    check(
        "--tls_server_key=k",
        expect![[r#"
        exit: 2
        --- stderr
        error: `--tls_server_key` is of no use without `--tls_server_certificate`
        hint: give both, or neither; `--tls_server_certificate` names a PEM file
    "#]],
    );
    check(
        "--token_file=none",
        expect![[r#"
        exit: 36
        --- stderr
        error: cannot read `[ROOT]/none`: no such file or directory
    "#]],
    );
    check(
        "--listen=no.such.host.invalid:0",
        expect![[r#"
            exit: 36
            --- stderr
            error: cannot listen at `no.such.host.invalid:0`: no such host is known
        "#]],
    );
    check(
        "--read_onyl",
        expect![[r#"
        exit: 2
        --- stderr
        error: there is no flag `--read_onyl`
        hint: did you mean `--read_only`?
        hint: `kiln help serve` lists the flags
    "#]],
    );
}

#[test]
fn help_about_it() {
    let workspace = Workspace::with(KILN, "");
    expect![[r#"
        exit: 0
        --- stdout
        --read_only
            Take results from actions that ran here alone, and none from clients.
            default: false
            in kiln.toml: `read_only` of `[serve]`
            variable: KILN_SERVE_READ_ONLY
            commands: serve
    "#]]
    .assert_eq(&workspace.kiln("help read_only").show());
    let help = workspace.kiln("help serve").stdout;
    assert!(help.contains("kiln serve [FLAGS]\n"), "{help}");
    for flag in [
        "--listen",
        "--token_file",
        "--jobs",
        "--sandbox",
        "--instance_name",
    ] {
        assert!(help.contains(flag), "{help}");
    }
}

/// Processes of this machine with such a word on their command lines.
fn processes_with(word: &str) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines
        .filter(|line| String::from_utf8_lossy(line).contains(word))
        .count()
}

/// R21, PX-105: what an interrupted client asked for ends on the server.
#[test]
fn an_interrupted_client() {
    let mut server = Serve::start(KILN, &[]);
    // Nobody else sleeps for so long.
    let word = format!("98765.{}", std::process::id());
    let build =
        format!("genrule(name = \"slow\", outs = [\"slow.txt\"], cmd = \"sleep {word}\")\n");
    let workspace = Workspace::new(KILN).file("BUILD", &build);
    let flag = format!("--remote_executor={}", server.address());
    let mut client = workspace
        .command("", &["build", "//:slow", &flag])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while processes_with(&word) == 0 {
        assert!(client.try_wait().unwrap().is_none(), "{}", server.log());
        std::thread::sleep(Duration::from_millis(10));
    }
    let id = client.id().to_string();
    Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert_eq!(workspace.finish(client).code, Some(8));
    // The server itself would wait for a minute.
    let since = Instant::now();
    while processes_with(&word) > 0 {
        assert!(since.elapsed() < Duration::from_secs(30), "it goes on");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(server.interrupt(), Some(0));
}

/// For scripts: where it listens, as soon as it does.
#[test]
fn what_scripts_read() {
    let workspace = Workspace::with(KILN, "");
    let arguments = ["serve", "--listen=127.0.0.1:0", "--format=json", "--jobs=3"];
    let mut server = workspace
        .command("", &arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let stdout = server.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
    let cache = workspace.cache().display().to_string();
    let (before, port) = line.split_once("127.0.0.1:").unwrap();
    let after = port.trim_start_matches(|c: char| c.is_ascii_digit());
    expect![[r#"
        {"address":"grpc://HOST:PORT","jobs":3,"store":"[CACHE]/store"}
    "#]]
    .assert_eq(&format!("{before}HOST:PORT{after}").replace(&cache, "[CACHE]"));
}
