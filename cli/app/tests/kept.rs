//! `--keep_sandboxes`: what is kept, who is told, and that the script repeats the action (PX-023).

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use expect_test::expect;
use kiln_testkit::Workspace;

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

const FILES: &str = r#"
//- BUILD.bazel
genrule(
    name = "fails",
    srcs = ["in.txt"],
    outs = ["sub/made.txt"],
    cmd = "cat $(SRCS); env | sort; pwd; id -u; echo error >&2; echo made > $@; echo > $< || true; exit 7",
)

genrule(
    name = "works",
    outs = ["works.txt"],
    cmd = "echo works | tee $@",
)

cc_binary(
    name = "prog",
    srcs = ["prog.cc", "prog.h"],
)

py_test(
    name = "snake_test",
    srcs = ["snake_test.py"],
    data = ["in.txt"],
)
//- in.txt
it's in
//- prog.h
#define ANSWER 42
//- prog.cc
#include "prog.h"
#warning seen
int main() { return ANSWER - 42; }
//- snake_test.py
import os, sys
print(open("in.txt").read(), os.getcwd(), sorted(os.environ.items()))
sys.exit(3)
"#;

/// The kept sandboxes by name, without the part that depends on the key.
fn kept(workspace: &Workspace) -> Vec<(String, PathBuf)> {
    let folder = workspace.root().join("kiln-out/sandboxes");
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut kept: Vec<(String, PathBuf)> = entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name.rsplit_once('-').unwrap().0.to_owned(), entry.path())
        })
        .collect();
    kept.sort();
    kept
}

fn names(workspace: &Workspace) -> Vec<String> {
    kept(workspace).into_iter().map(|(name, _)| name).collect()
}

/// Runs the script of a kept sandbox: exit code, standard output, standard error.
fn repeat(sandbox: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(sandbox.join("run.sh"))
        .args(arguments)
        .env("STRAY", "variable")
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// What the action wrote when kiln ran it.
fn written(sandbox: &Path, name: &str) -> String {
    fs::read_to_string(sandbox.join(name)).unwrap()
}

/// All files of a folder with their contents.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(at).unwrap().flatten() {
            match entry.file_type().unwrap().is_dir() {
                true => open.push(entry.path()),
                false => {
                    let path = entry.path();
                    let below = path.strip_prefix(folder).unwrap().to_owned();
                    found.push((below, fs::read(&path).unwrap()));
                }
            }
        }
    }
    found.sort();
    found
}

/// That the script in the sandbox does again what kiln did, outputs included.
fn check_repeats(sandbox: &Path, code: i32) {
    let (again, stdout, stderr) = repeat(sandbox, &[]);
    assert_eq!(stdout, written(sandbox, "stdout"));
    assert_eq!(stderr, written(sandbox, "stderr"));
    assert_eq!(again, Some(code));
    for (path, content) in contents(&sandbox.join("outputs")) {
        let made = fs::read(sandbox.join("run").join(&path)).unwrap();
        assert_eq!(made, content, "{}", path.display());
    }
}

#[test]
fn a_failed_action() {
    let workspace = Workspace::with(KILN, FILES);
    let output = workspace.kiln("build //:fails --keep_sandboxes=on-failure");
    let [(_, sandbox)] = &kept(&workspace)[..] else {
        panic!("{:?}\n{}", kept(&workspace), output.show());
    };
    let key = sandbox.file_name().unwrap().to_string_lossy().into_owned();
    let key = key.rsplit_once('-').unwrap().1;
    expect![[r#"
        exit: 1
        --- stderr
        error: Genrule of `//:fails` failed with exit code 7 (making `kiln-out/fastbuild/bin/sub/made.txt`)
          --> BUILD.bazel:1:1
           = its output:
             it's in
             PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin
             PWD=/kiln
             SHLVL=1
             _=/usr/bin/env
             /kiln
             1000
             error
             /usr/bin/bash: line 1: in.txt: Read-only file system
           = `//:fails` wrote to `in.txt`, which is one of its inputs; they are read-only
           = its sandbox was kept; to run it again: kiln-out/sandboxes/Genrule-fails-[KEY]/run.sh
        hint: write to declared outputs or to a temporary folder (`mktemp -d`)
        failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
    "#]].assert_eq(&output.show().replace(key, "[KEY]"));
    check_repeats(sandbox, 7);
    // Another command in its place, and the same without namespaces.
    assert_eq!(repeat(sandbox, &["echo", "hi"]).1, "hi\n");
    let (code, stdout, _) = repeat(sandbox, &["--plain"]);
    let root = sandbox.canonicalize().unwrap().join("run");
    let expected = written(sandbox, "stdout").replace("/kiln\n", &format!("{}\n", root.display()));
    let expected = expected.replace(
        "\n1000\n",
        &format!("\n{}\n", rustix::process::geteuid().as_raw()),
    );
    assert_eq!((code, stdout), (Some(7), expected));
}

#[test]
fn what_is_kept_when() {
    for (flag, expected) in [
        ("--keep_sandboxes=never", &[][..]),
        ("--keep_sandboxes=on-failure", &["Genrule-fails"]),
        ("--sandbox_debug", &["Genrule-fails"]),
        (
            "--keep_sandboxes=always",
            &["Genrule-fails", "Genrule-works"],
        ),
        ("--keep_sandboxes", &["Genrule-fails", "Genrule-works"]),
    ] {
        let workspace = Workspace::with(KILN, FILES);
        let output = workspace.kiln(&format!("build //:fails //:works -k {flag}"));
        assert_eq!(names(&workspace), expected, "{flag}\n{}", output.show());
        // `clean` takes them away.
        assert_eq!(workspace.kiln("clean").code, Some(0));
        assert_eq!(names(&workspace), [""; 0]);
    }
}

#[test]
fn compilations_repeat() {
    let workspace = Workspace::with(KILN, FILES);
    let output = workspace.kiln("build //:prog --keep_sandboxes=always");
    assert_eq!(output.code, Some(0), "{}", output.show());
    let kept = kept(&workspace);
    assert_eq!(names(&workspace), ["CppCompile-prog", "CppLink-prog"]);
    for (name, sandbox) in &kept {
        let told = format!(
            "{}/run.sh",
            sandbox.strip_prefix(workspace.root()).unwrap().display()
        );
        assert!(output.stderr.contains(&told), "{name}: {}", output.show());
        check_repeats(sandbox, 0);
    }
    assert!(written(&kept[0].1, "stderr").contains("#warning seen"));
}

#[test]
fn a_test_repeats() {
    let workspace = Workspace::with(KILN, FILES);
    let output = workspace.kiln("test //:snake_test --keep_sandboxes=on-failure");
    assert_eq!(output.code, Some(3), "{}", output.show());
    let [(name, sandbox)] = &kept(&workspace)[..] else {
        panic!("{:?}", kept(&workspace));
    };
    assert_eq!(name, "TestRunner-snake_test");
    assert!(
        output
            .stderr
            .contains("kiln-out/sandboxes/TestRunner-snake_test-"),
        "{}",
        output.show()
    );
    let (code, stdout, stderr) = repeat(sandbox, &[]);
    assert_eq!((code, stderr), (Some(3), String::new()));
    assert_eq!(stdout, written(sandbox, "stdout"));
}

/// What weaker tiers keep can be repeated as well.
#[test]
fn other_tiers() {
    for tier in ["landlock", "off"] {
        let workspace = Workspace::with(KILN, FILES);
        workspace.kiln(&format!(
            "build //:works --keep_sandboxes=always --sandbox={tier}"
        ));
        let [(_, sandbox)] = &kept(&workspace)[..] else {
            panic!("{:?}", kept(&workspace));
        };
        check_repeats(sandbox, 0);
        assert_eq!(repeat(sandbox, &["--plain"]).1, "works\n");
    }
}
