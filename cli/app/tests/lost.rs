//! Blobs that go away while kiln runs: whoever made them runs again, and the build ends right (R6,
//! PX-090). Every order and subset of it is tested in `rules_core`; here it is the real sandbox.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use expect_test::expect;
use kiln_base::Digest;
use kiln_testkit::{Output, Workspace};

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

/// `made` is made, then `gate` waits for this test to let it pass, then all that needs both runs.
fn workspace(port: u16) -> Workspace {
    let files = format!(
        r#"
//- BUILD.bazel
genrule(
    name = "made",
    srcs = ["in.txt"],
    outs = ["made.txt"],
    cmd = "tr a-z A-Z < $< > $@",
)

genrule(
    name = "gate",
    srcs = [":made"],
    outs = ["gate.txt"],
    cmd = "exec 3<>/dev/tcp/127.0.0.1/{port}; cat <&3 > $@",
    tags = ["requires-network"],
)

genrule(
    name = "last",
    srcs = [":made", ":gate", "in.txt"],
    outs = ["last.txt"],
    cmd = "cat $(SRCS) > $@",
)

sh_binary(
    name = "tool",
    srcs = ["last_test.sh"],
    data = [":made"],
)

sh_test(
    name = "last_test",
    srcs = ["last_test.sh"],
    data = [":made", ":gate"],
)
//- in.txt
fire
//- last_test.sh
#!/bin/bash
[ "$(cat made.txt gate.txt)" = "$(printf 'FIRE\nopen')" ]
"#
    );
    Workspace::with(KILN, &files)
}

/// The path of a blob in the store.
fn blob(workspace: &Workspace, content: &str) -> PathBuf {
    let hex = Digest::of(content.as_bytes()).hex();
    workspace
        .cache()
        .join("store/cas")
        .join(&hex[..2])
        .join(&hex[2..])
}

/// Builds; does something while the gate is closed; opens it. Returns how kiln ended.
fn meanwhile(command_line: &str, act: impl FnOnce(&Workspace)) -> (Workspace, Output) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let workspace = workspace(listener.local_addr().unwrap().port());
    let words: Vec<&str> = command_line.split_whitespace().collect();
    let kiln = workspace
        .command("", &words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (gate, kiln) = accept(&listener, kiln);
    act(&workspace);
    pass(gate);
    // It may be run once more, if what it made is lost.
    std::thread::spawn(move || {
        while let Ok((gate, _)) = listener.accept() {
            pass(gate);
        }
    });
    let output = workspace.finish(kiln);
    (workspace, output)
}

fn accept(listener: &TcpListener, mut kiln: Child) -> (TcpStream, Child) {
    listener.set_nonblocking(true).unwrap();
    loop {
        match listener.accept() {
            Ok((gate, _)) => {
                listener.set_nonblocking(false).unwrap();
                return (gate, kiln);
            }
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
        assert!(
            kiln.try_wait().unwrap().is_none(),
            "kiln ended before the gate"
        );
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

fn pass(mut gate: TcpStream) {
    gate.write_all(b"open").unwrap();
}

#[test]
fn an_output_that_is_removed() {
    let (workspace, output) = meanwhile("build //:last", |workspace| {
        fs::remove_file(blob(workspace, "FIRE\n")).unwrap();
    });
    expect![[r#"
        exit: 0
        --- stderr
        warning: the contents of `kiln-out/fastbuild/bin/made.txt` are gone from the store; `//:made` makes them again
        //:last:
          kiln-out/fastbuild/bin/last.txt
        built 1 target in [TIME]; 4 actions: 4 run
    "#]].assert_eq(&output.show());
    let made = workspace.read("kiln-out/fastbuild/bin/last.txt");
    assert_eq!(made.as_deref(), Some("FIRE\nopenfire\n"));
}

/// With the source behind it.
#[test]
fn all_that_there_was() {
    let (workspace, output) = meanwhile("build //:last --format=json", |workspace| {
        for entry in fs::read_dir(workspace.cache().join("store/cas")).unwrap() {
            fs::remove_dir_all(entry.unwrap().path()).unwrap();
        }
    });
    assert_eq!(output.code, Some(0), "{}", output.show());
    assert_eq!(output.json("actions.executed").as_deref(), Some("4"));
    let made = workspace.read("kiln-out/fastbuild/bin/last.txt");
    assert_eq!(made.as_deref(), Some("FIRE\nopenfire\n"));
}

/// Bytes that were written over are noticed by the file's time; `cache verify` looks at them all.
#[test]
fn an_output_that_is_damaged() {
    for verify in [false, true] {
        let (workspace, output) = meanwhile("build //:last --format=json", |workspace| {
            let path = blob(workspace, "FIRE\n");
            fs::remove_file(&path).unwrap();
            fs::write(&path, "FIRM\n").unwrap();
            if verify {
                let output = workspace.kiln("cache verify");
                assert!(
                    output.stdout.contains("damaged and removed: 1"),
                    "{}",
                    output.show()
                );
            }
        });
        assert_eq!(output.code, Some(0), "{}", output.show());
        assert_eq!(output.json("actions.executed").as_deref(), Some("4"));
        let made = workspace.read("kiln-out/fastbuild/bin/last.txt");
        assert_eq!(made.as_deref(), Some("FIRE\nopenfire\n"));
    }
}

#[test]
fn an_input_of_a_test() {
    let (_, output) = meanwhile("test //:last_test --format=json", |workspace| {
        fs::remove_file(blob(workspace, "FIRE\n")).unwrap();
    });
    assert_eq!(output.code, Some(0), "{}", output.show());
    assert_eq!(output.json("tests.passed").as_deref(), Some("1"));
    // `made` twice, the gate, the test.
    assert_eq!(output.json("actions.executed").as_deref(), Some("4"));
}

/// What kiln itself writes into runfiles belongs to no artifact, and is written again.
#[test]
fn a_file_that_kiln_writes() {
    let (workspace, output) = meanwhile("build //:last //:tool --format=json", |workspace| {
        let mapping = blob(workspace, ",test,_main\n");
        while !mapping.exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        fs::remove_file(mapping).unwrap();
    });
    assert_eq!(output.code, Some(0), "{}", output.show());
    assert_eq!(output.json("actions.executed").as_deref(), Some("3"));
    let mapping = workspace.read("kiln-out/fastbuild/bin/tool.runfiles/_repo_mapping");
    assert_eq!(mapping.as_deref(), Some(",test,_main\n"));
}

/// A collection leaves what a running kiln has used.
#[test]
fn a_collection_meanwhile() {
    let (_, output) = meanwhile("build //:last --format=json", |workspace| {
        let output = workspace.kiln("cache gc --max_bytes=0");
        assert_eq!(output.code, Some(0), "{}", output.show());
        assert!(blob(workspace, "FIRE\n").exists());
    });
    assert_eq!(output.code, Some(0), "{}", output.show());
    assert_eq!(output.json("actions.executed").as_deref(), Some("3"));
}
