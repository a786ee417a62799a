//! Machines that lack something: a compiler, an interpreter, space.
//!
//! These tests mount over parts of the machine, in mount namespaces of their own. Where that is
//! refused they say so and test nothing.

use std::process::Command;

use expect_test::{Expect, expect};
use kiln_testkit::{Output, Workspace};

use crate::{KILN, works};

/// Runs kiln after a script, in a mount namespace of its own; `None` if there can be none.
fn after(workspace: &Workspace, script: &str, command_line: &str) -> Option<Output> {
    let mut alone = Command::new("unshare");
    alone.args(["--mount", "sh", "-e", "-c", script]);
    if !alone.output().is_ok_and(|output| output.status.success()) {
        println!("not tested: this machine does not let tests mount");
        return None;
    }
    let whole = format!("{script}\nexec \"$0\" \"$@\"");
    let through = ["unshare", "--mount", "sh", "-e", "-c", &whole];
    Some(workspace.run_through(&through, command_line))
}

fn check(workspace: &Workspace, script: &str, command_line: &str, expect: Expect) {
    if let Some(output) = after(workspace, script, command_line) {
        expect.assert_eq(&output.show());
    }
}

/// Puts something that is no program in place of some programs.
fn without(programs: &str) -> String {
    format!(
        "for program in {programs}; do
            for folder in /usr/local/bin /usr/bin /bin; do
                [ ! -e $folder/$program ] || mount --bind /dev/null $folder/$program
            done
        done"
    )
}

#[test]
fn without_a_compiler() {
    let files = "//- BUILD\ncc_library(name = \"x\", srcs = [\"x.cc\"])\n//- x.cc\nint x;\n";
    let workspace = Workspace::with(KILN, files);
    let script = without("gcc g++ clang clang++ cc c++");
    check(
        &workspace,
        &script,
        "build //:x",
        expect![[r#"
        exit: 1
        --- stderr
        error: //:x needs a C++ compiler, and there is no `gcc` or `clang` where it is looked for
          --> BUILD:1:1
           |
         1 | cc_library(name = "x", srcs = ["x.cc"])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (cc_library, declared at BUILD:1:1)
        hint: install one, on Debian: `apt install g++`, or say in which folder it is: `--cc_executable_search_paths`
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]],
    );
    works(&workspace, "build //:x");
}

#[test]
fn without_python() {
    let files = "//- BUILD\npy_binary(name = \"x\", srcs = [\"x.py\"])\n//- x.py\n";
    let workspace = Workspace::with(KILN, files);
    check(
        &workspace,
        &without("python3"),
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: //:x needs Python 3, and there is no `python3` where it is looked for
              --> BUILD:1:1
               |
             1 | py_binary(name = "x", srcs = ["x.py"])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:x` (py_binary, declared at BUILD:1:1)
            hint: install it, on Debian: `apt install python3`, or say in which folder it is: `--python_bootstrap_search_path`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
    works(&workspace, "build //:x");
}

/// A small file system in place of the cache folder.
fn small_cache(workspace: &Workspace, size: &str) -> String {
    let cache = workspace.cache().display().to_string();
    format!("mkdir -p {cache}\nmount -t tmpfs -o size={size} small {cache}")
}

#[test]
fn without_space_for_an_output() {
    let files = "//- BUILD\ngenrule(name = \"x\", outs = [\"o\"], cmd = \"head -c 20000000 /dev/zero > $@\")\n";
    let workspace = Workspace::with(KILN, files);
    let script = small_cache(&workspace, "8m");
    check(
        &workspace,
        &script,
        "build //:x",
        expect![[r#"
        exit: 36
        --- stderr
        error: cannot write to `[CACHE]/exec/scratch`: no space left on device
           = while running Genrule of `//:x`
        hint: free some space there, or put kiln's folder elsewhere: `--cache_dir=<folder>`
        failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
    "#]],
    );
    let elsewhere = workspace
        .root()
        .with_file_name("elsewhere")
        .display()
        .to_string();
    works(&workspace, &format!("build //:x --cache_dir={elsewhere}"));
}

#[test]
fn without_space_for_a_source() {
    let files = "//- BUILD\ngenrule(name = \"x\", srcs = [\"in\"], outs = [\"o\"], cmd = \"wc -c < $< > $@\")\n";
    let workspace = Workspace::with(KILN, files).file("in", &"x".repeat(20_000_000));
    let script = small_cache(&workspace, "8m");
    check(
        &workspace,
        &script,
        "build //:x",
        expect![[r#"
        exit: 36
        --- stderr
        error: cannot write to the store `[CACHE]/store/cas/bc/01a03f3f505eaf5572211cc8a8c6dcda5f6bb93ecc6697f880a5d24a3ffac7`: no space left on device
           = it is a source file of the build, `//:in`
        hint: free some space, or make the store smaller: `kiln cache gc`
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]],
    );
    works(&workspace, "build //:x");
}

#[test]
fn without_a_folder_to_write_to() {
    let workspace = Workspace::with(KILN, "//- BUILD\nfilegroup(name = \"x\")\n");
    let cache = workspace.cache().display().to_string();
    let script = format!("mkdir -p {cache}\nmount -t tmpfs -o ro,size=1m small {cache}");
    check(
        &workspace,
        &script,
        "build //:x",
        expect![[r#"
        exit: 36
        --- stderr
        error: cannot make the folder `[CACHE]/store`: read-only file system
        hint: the store must be a folder that this user can write to
    "#]],
    );
    works(&workspace, "build //:x");
}
