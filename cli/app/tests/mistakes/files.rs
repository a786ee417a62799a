//! Files that are not what they seem: links to nowhere, pipes, names and permissions.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use expect_test::expect;
use kiln_testkit::Workspace;

use crate::{KILN, works};

const COPY: &str =
    "//- BUILD\ngenrule(name = \"x\", srcs = [\"in.txt\"], outs = [\"o\"], cmd = \"cp $< $@\")\n";

#[test]
fn a_link_to_nowhere() {
    let workspace = Workspace::with(KILN, COPY);
    symlink("nowhere.txt", workspace.root().join("in.txt")).expect("a link");
    expect![[r#"
        exit: 1
        --- stderr
        error: `//:in.txt` is neither a target nor a file: `in.txt` is a symbolic link that leads nowhere
          --> BUILD:1:29
           |
         1 | genrule(name = "x", srcs = ["in.txt"], outs = ["o"], cmd = "cp $< $@")
           |                             ^^^^^^^^
           = `//:in.txt` is in `srcs` of `//:x`
        hint: put a file or folder there, or remove the label
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]].assert_eq(&workspace.kiln("build //:x").show());
    workspace.write("nowhere.txt", "somewhere");
    works(&workspace, "build //:x");
}

#[test]
fn a_pipe() {
    let workspace = Workspace::with(KILN, COPY);
    let made = Command::new("mkfifo")
        .arg(workspace.root().join("in.txt"))
        .status();
    assert!(made.expect("mkfifo").success());
    expect![[r#"
        exit: 1
        --- stderr
        error: `//:in.txt` is neither a target nor a file: `in.txt` is a pipe, a socket or a device
          --> BUILD:1:29
           |
         1 | genrule(name = "x", srcs = ["in.txt"], outs = ["o"], cmd = "cp $< $@")
           |                             ^^^^^^^^
           = `//:in.txt` is in `srcs` of `//:x`
        hint: put a file or folder there, or remove the label
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]]
    .assert_eq(&workspace.kiln("build //:x").show());
    workspace.remove("in.txt");
    workspace.write("in.txt", "text");
    works(&workspace, "build //:x");
}

#[test]
fn a_build_file_that_is_a_folder() {
    let workspace = Workspace::with(KILN, "//- pkg/BUILD/notes.txt\n");
    expect![[r#"
        exit: 1
        --- stderr
        error: no such package `//pkg`: there is no BUILD.bazel or BUILD file in it
           = `pkg/BUILD` is a folder
        hint: put a file `BUILD.bazel` beside it
    "#]]
    .assert_eq(&workspace.kiln("build //pkg:x").show());
    workspace.write("pkg/BUILD.bazel", "filegroup(name = \"x\")");
    works(&workspace, "build //pkg:x");
}

#[test]
fn a_file_that_cannot_be_read() {
    let workspace = Workspace::with(KILN, COPY);
    // Reading it fails, whoever reads, with an error of the device.
    symlink("/proc/self/mem", workspace.root().join("in.txt")).expect("a link");
    expect![[r#"
        exit: 36
        --- stderr
        error: cannot read `[ROOT]/in.txt`: input/output error
           = it is a source file of the build, `//:in.txt`
        hint: the disk, or whatever is behind the file, is at fault; `dmesg` may say more
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]]
    .assert_eq(&workspace.kiln("build //:x").show());
    workspace.remove("in.txt");
    workspace.write("in.txt", "text");
    works(&workspace, "build //:x");
}

/// A user who is nobody in particular.
const NOBODY: u32 = 65534;

/// Runs kiln as somebody who has no rights beyond those of the files.
fn as_nobody(workspace: &Workspace, command_line: &str) -> String {
    let words: Vec<&str> = command_line.split_whitespace().collect();
    let mut command = workspace.command("", &words);
    command.uid(NOBODY).gid(NOBODY);
    let output = command.output().expect("kiln can be started");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let root = workspace.root().canonicalize().expect("the workspace");
    format!(
        "exit: {:?}\n{}",
        output.status.code(),
        text.replace(&root.display().to_string(), "[ROOT]")
    )
}

#[test]
fn a_file_that_this_user_may_not_read() {
    let workspace = Workspace::with(KILN, COPY).file("in.txt", "text");
    let above = workspace
        .root()
        .parent()
        .map(Path::to_owned)
        .expect("a folder");
    let owned = Command::new("chown")
        .arg("-R")
        .arg(NOBODY.to_string())
        .arg(&above)
        .status();
    let runs = Command::new(KILN)
        .arg("version")
        .uid(NOBODY)
        .gid(NOBODY)
        .output();
    if !owned.is_ok_and(|status| status.success()) || !runs.is_ok_and(|o| o.status.success()) {
        println!("not tested: this machine does not let tests be another user");
        return;
    }
    let file = workspace.root().join("in.txt");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).expect("a mode");
    let shown = as_nobody(&workspace, "build //:x");
    let error: Vec<&str> = shown
        .lines()
        .filter(|line| !line.starts_with("failed:"))
        .collect();
    expect![[r#"
        exit: Some(36)
        error: cannot read `[ROOT]/in.txt`: permission denied
           = it is a source file of the build, `//:in.txt`
        hint: allow it with `chmod u+r [ROOT]/in.txt`
    "#]]
    .assert_eq(&(error.join("\n") + "\n"));
    // What the hint says, as the user that owns the file.
    let cured = Command::new("chmod")
        .arg("u+r")
        .arg(&file)
        .uid(NOBODY)
        .status();
    assert!(cured.expect("chmod").success());
    let shown = as_nobody(&workspace, "build //:x");
    assert!(shown.starts_with("exit: Some(0)"), "{shown}");
}

#[test]
fn a_name_that_is_no_text() {
    let files =
        "//- BUILD\nfilegroup(name = \"x\", srcs = glob([\"data/*.txt\"]))\n//- data/a.txt\n";
    let workspace = Workspace::with(KILN, files);
    let odd = workspace
        .root()
        .join("data")
        .join(OsStr::from_bytes(b"caf\xe9.txt"));
    fs::write(&odd, "text").expect("a file");
    expect![[r#"
        exit: 1
        --- stderr
        error: the name `caf\xe9.txt` in folder `data` is not UTF-8, and a glob matches it
          --> BUILD:1:30
           |
         1 | filegroup(name = "x", srcs = glob(["data/*.txt"]))
           |                              ^^^^^^^^^^^^^^^^^^^^
        hint: rename it, or exclude it from the glob (`?` stands for any character in `exclude`)
    "#]]
    .assert_eq(&workspace.kiln("build //:x").show());
    let excluded =
        "filegroup(name = \"x\", srcs = glob([\"data/*.txt\"], exclude = [\"data/caf?.txt\"]))\n";
    workspace.write("BUILD", excluded);
    works(&workspace, "build //:x");
}
