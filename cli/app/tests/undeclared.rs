//! Undeclared reads and writes: the message names the path, the target, and the label that would
//! declare the file.

use expect_test::{Expect, expect};
use kiln_testkit::Workspace;

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

fn check(files: &str, command_line: &str, expect: Expect) {
    let workspace = Workspace::with(KILN, files);
    expect.assert_eq(&workspace.kiln(command_line).show());
}

fn genrule(attributes: &str) -> String {
    format!("//- BUILD\ngenrule(name = \"x\", outs = [\"o\"], {attributes})\n")
}

#[test]
fn a_file_of_the_same_package() {
    check(
        &(genrule("cmd = \"cat sub/secret.txt > $@\"") + "//- sub/secret.txt\ns\n"),
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: Genrule of `//:x` failed with exit code 1 (making `kiln-out/fastbuild/bin/o`)
              --> BUILD:1:1
               = its output:
                 cat: sub/secret.txt: No such file or directory
               = `sub/secret.txt` is in the workspace, but is no input of `//:x`
            hint: declare it: put `sub/secret.txt` into `srcs` of `//:x`
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
}

#[test]
fn a_file_of_another_package() {
    let files = genrule("cmd = \"cat other/a.txt > $@\"") + "//- other/a.txt\ns\n";
    check(
        &format!("{files}//- other/BUILD.bazel\n"),
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: Genrule of `//:x` failed with exit code 1 (making `kiln-out/fastbuild/bin/o`)
              --> BUILD:1:1
               = its output:
                 cat: other/a.txt: No such file or directory
               = `other/a.txt` is in the workspace, but is no input of `//:x`
            hint: declare it: put `//other:a.txt` into `srcs` of `//:x`
            hint: for that, `other/BUILD.bazel` needs `exports_files(["a.txt"])`
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
    check(
        &format!("{files}//- other/BUILD.bazel\nexports_files([\"a.txt\"])\n"),
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: Genrule of `//:x` failed with exit code 1 (making `kiln-out/fastbuild/bin/o`)
              --> BUILD:1:1
               = its output:
                 cat: other/a.txt: No such file or directory
               = `other/a.txt` is in the workspace, but is no input of `//:x`
            hint: declare it: put `//other:a.txt` into `srcs` of `//:x`
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
    check(
        &format!(
            "{files}//- other/BUILD.bazel\nfilegroup(name = \"all\", srcs = glob([\"*.txt\"]))\n"
        ),
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: Genrule of `//:x` failed with exit code 1 (making `kiln-out/fastbuild/bin/o`)
              --> BUILD:1:1
               = its output:
                 cat: other/a.txt: No such file or directory
               = `other/a.txt` is in the workspace, but is no input of `//:x`
            hint: declare it: put `//other:a.txt` into `srcs` of `//:x` (`//other:all` has it in its `srcs`)
            hint: for that, `other/BUILD.bazel` needs `exports_files(["a.txt"])`
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
}

#[test]
fn a_file_of_no_package() {
    check(
        "//- pkg/BUILD\ngenrule(name = \"x\", outs = [\"o\"], cmd = \"cat top.txt > $@\")\n//- top.txt\ns\n",
        "build //pkg:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: Genrule of `//pkg:x` failed with exit code 1 (making `kiln-out/fastbuild/bin/pkg/o`)
              --> pkg/BUILD:1:1
               = its output:
                 cat: top.txt: No such file or directory
               = `top.txt` is in the workspace, but is no input of `//pkg:x`
            hint: declare it: make one of the folders above `top.txt` a package (with a `BUILD.bazel` file) and put the file into `srcs` of `//pkg:x`
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
}

#[test]
fn folders() {
    let files = genrule("cmd = \"ls data other > $@\"")
        + "//- data/a\na\n//- other/BUILD\n//- other/b\nb\n";
    check(
        &files,
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: Genrule of `//:x` failed with exit code 2 (making `kiln-out/fastbuild/bin/o`)
              --> BUILD:1:1
               = its output:
                 ls: cannot access 'data': No such file or directory
                 ls: cannot access 'other': No such file or directory
               = `data` is in the workspace, but is no input of `//:x`
               = `other` is in the workspace, but is no input of `//:x`
            hint: declare what is needed of it: put `glob(["data/**"])` into `srcs` of `//:x`
            hint: declare what is needed of it: put targets of package `//other` into `srcs` of `//:x`
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
}

#[test]
fn a_file_that_another_target_makes() {
    let made = "genrule(name = \"made\", outs = [\"made.txt\"], cmd = \"echo > $@\")\n";
    check(
        &(genrule("cmd = \"cat kiln-out/fastbuild/bin/made.txt > $@\"") + made),
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: Genrule of `//:x` failed with exit code 1 (making `kiln-out/fastbuild/bin/o`)
              --> BUILD:1:1
               = its output:
                 cat: kiln-out/fastbuild/bin/made.txt: No such file or directory
               = `kiln-out/fastbuild/bin/made.txt` is made by `//:made`, and is no input of `//:x`
            hint: declare it: put `made.txt` into `srcs` of `//:x`
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
}

#[test]
fn files_that_are_nowhere_and_files_of_the_machine() {
    let workspace = Workspace::with(KILN, "");
    let file = workspace.cache().with_file_name("outside.txt");
    std::fs::write(&file, "outside").unwrap();
    let own = workspace.root().join("in.txt");
    workspace.write("in.txt", "in");
    let command = format!(
        "cmd = \"cat nowhere.txt {} {} > $@\", srcs = [\"in.txt\"]",
        file.display(),
        own.display()
    );
    workspace.write("BUILD", genrule(&command).trim_start_matches("//- BUILD\n"));
    let shown = workspace.kiln("build //:x").show();
    let outside = file.display().to_string();
    expect![[r#"
        exit: 1
        --- stderr
        error: Genrule of `//:x` failed with exit code 1 (making `kiln-out/fastbuild/bin/o`)
          --> BUILD:1:1
           = its output:
             cat: nowhere.txt: No such file or directory
             cat: [OUTSIDE]: No such file or directory
             cat: [ROOT]/in.txt: No such file or directory
           = `nowhere.txt` is no input of `//:x`, and not in the workspace either
           = `[OUTSIDE]` is on this machine, but actions see only their inputs and the folders of the system
           = `[ROOT]/in.txt` is on this machine, but actions see only their inputs and the folders of the system
        hint: correct the path, or have a target make `nowhere.txt` and declare that
        hint: put what is needed into the workspace or a module, and declare it
        hint: name it as an action sees it: `in.txt`, relative to the folder it runs in
        failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
    "#]].assert_eq(&shown.replace(&outside, "[OUTSIDE]"));
}

#[test]
fn writes() {
    check(
        &(genrule(
            "srcs = [\"in.txt\"], cmd = \"set +e; echo > $@; echo > in.txt; mkdir new; echo > /usr/x; exit 1\"",
        ) + "//- in.txt\n\n"),
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: Genrule of `//:x` failed with exit code 1 (making `kiln-out/fastbuild/bin/o`)
              --> BUILD:1:1
               = its output:
                 /usr/bin/bash: line 1: in.txt: Read-only file system
                 mkdir: cannot create directory 'new': Read-only file system
                 /usr/bin/bash: line 1: /usr/x: Read-only file system
               = `//:x` wrote to `in.txt`, which is one of its inputs; they are read-only
               = `//:x` wrote to `new`, which is not one of its outputs
               = `//:x` wrote to `/usr/x`, which is not one of its outputs
            hint: write to declared outputs or to a temporary folder (`mktemp -d`)
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
}

/// Without mounts the refusals are others; the message is the same.
#[test]
fn landlock() {
    let files = genrule(
        "srcs = [\"in.txt\"], cmd = \"set +e; cat secret.txt /etc/shells; mkdir new; exit 1\"",
    ) + "//- in.txt\n\n//- secret.txt\n\n";
    check(
        &files,
        "build //:x --sandbox=landlock",
        expect![[r#"
            exit: 1
            --- stderr
            warning: sandbox: using Landlock: host name, user, process list and `/tmp` are this machine's, and paths differ from those elsewhere; results are not shared
               = `--sandbox=landlock` was asked for
            error: Genrule of `//:x` failed with exit code 1 (making `kiln-out/fastbuild/bin/o`)
              --> BUILD:1:1
               = its output:
                 cat: secret.txt: No such file or directory
                 cat: /etc/shells: Permission denied
                 mkdir: cannot create directory 'new': Permission denied
               = `secret.txt` is in the workspace, but is no input of `//:x`
               = `/etc/shells` is on this machine, but actions see only their inputs and the folders of the system
               = `//:x` wrote to `new`, which is not one of its outputs
            hint: declare it: put `secret.txt` into `srcs` of `//:x`
            hint: put what is needed into the workspace or a module, and declare it
            hint: write to declared outputs or to a temporary folder (`mktemp -d`)
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
}

#[test]
fn headers() {
    let files = r#"
//- BUILD
cc_library(name = "x", srcs = ["x.cc"])
//- x.cc
#include "lib/lib.h"
//- lib/BUILD
cc_library(name = "lib", hdrs = ["lib.h"], visibility = ["//visibility:public"])
//- lib/lib.h
int f();
"#;
    check(
        files,
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: CppCompile of `//:x` failed with exit code 1 (making `kiln-out/fastbuild/bin/_objs/x/x.o`)
              --> BUILD:1:1
               = its output:
                 x.cc:1:10: fatal error: lib/lib.h: No such file or directory
                     1 | #include "lib/lib.h"
                       |          ^~~~~~~~~~~
                 compilation terminated.
               = `lib/lib.h` is in the workspace, but is no input of `//:x`
            hint: declare it: add `//lib:lib`, which has it in its `hdrs`, to the `deps` of `//:x`
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
    let files = r#"
//- BUILD
cc_library(name = "x", srcs = ["x.cc"])
genrule(name = "gen", outs = ["gen.h"], cmd = "echo > $@")
//- x.cc
#include "own.h"
//- own.h
int f();
"#;
    check(
        files,
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: CppCompile of `//:x` failed with exit code 1 (making `kiln-out/fastbuild/bin/_objs/x/x.o`)
              --> BUILD:1:1
               = its output:
                 x.cc:1:10: fatal error: own.h: No such file or directory
                     1 | #include "own.h"
                       |          ^~~~~~~
                 compilation terminated.
               = `own.h` is in the workspace, but is no input of `//:x`
            hint: declare it: put `own.h` into `srcs`, `hdrs` or `data` of `//:x`
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
    let generated = files.replace("\"own.h\"", "\"gen.h\"");
    check(
        &generated,
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: CppCompile of `//:x` failed with exit code 1 (making `kiln-out/fastbuild/bin/_objs/x/x.o`)
              --> BUILD:1:1
               = its output:
                 x.cc:1:10: fatal error: gen.h: No such file or directory
                     1 | #include "gen.h"
                       |          ^~~~~~~
                 compilation terminated.
               = `gen.h` is made by `//:gen`, and is no input of `//:x`
            hint: declare it: put `gen.h` into `srcs`, `hdrs` or `data` of `//:x`
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
    let absent = files.replace("\"own.h\"", "\"no/such.h\"");
    check(
        &absent,
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: CppCompile of `//:x` failed with exit code 1 (making `kiln-out/fastbuild/bin/_objs/x/x.o`)
              --> BUILD:1:1
               = its output:
                 x.cc:1:10: fatal error: no/such.h: No such file or directory
                     1 | #include "no/such.h"
                       |          ^~~~~~~~~~~
                 compilation terminated.
               = `no/such.h` is no input of `//:x`, and not in the workspace either
            hint: correct the `#include`; if another module has the header, name that in a `bazel_dep` of MODULE.bazel and its target in `deps`
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
}

/// Where nothing keeps a compiler from reading what it should not, its own list of what it read
/// is looked at.
#[test]
fn headers_in_a_plain_folder() {
    let workspace = Workspace::with(
        KILN,
        "//- BUILD\ncc_library(name = \"x\", srcs = [\"x.cc\"])\n//- secret.h\nint f();\n",
    );
    let header = workspace.root().join("secret.h");
    workspace.write("x.cc", &format!("#include \"{}\"\n", header.display()));
    let output = workspace.kiln("build //:x --sandbox=off");
    expect![[r#"
        exit: 1
        --- stderr
        warning: sandbox: not hermetic: actions can read and write whatever this user can, and use the network; results are not shared
           = `--sandbox=off` was asked for
        error: `//:x` includes files that it does not declare
          --> BUILD:1:1
           = `secret.h` is in the workspace, but is no input of `//:x`
        hint: declare it: put `secret.h` into `srcs`, `hdrs` or `data` of `//:x`
        failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
    "#]].assert_eq(&output.show());
}

#[test]
fn python_modules() {
    let files = r#"
//- BUILD
py_binary(name = "tool", srcs = ["tool.py"])
py_library(name = "lib", srcs = ["lib.py"])
genrule(name = "x", outs = ["o"], tools = [":tool"], cmd = "$(location :tool) > $@")
//- tool.py
import lib
//- lib.py
x = 1
"#;
    check(
        files,
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: Genrule of `//:x` failed with exit code 1 (making `kiln-out/fastbuild/bin/o`)
              --> BUILD:3:1
               = its output:
                 Traceback (most recent call last):
                   File "/kiln/kiln-out/exec-opt/bin/tool.runfiles/_main/tool.py", line 1, in <module>
                     import lib
                 ModuleNotFoundError: No module named 'lib'
               = `lib.py` is in the workspace, but is no input of `//:x`
            hint: declare it: put the target that has it into the `deps` of the one that imports it (`//:lib` has it in its `srcs`)
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
}

#[test]
fn tests() {
    let files = r#"
//- pkg/BUILD
sh_test(name = "t", srcs = ["t.sh"], data = ["in.txt"])
genrule(name = "made", outs = ["made.txt"], cmd = "echo > $@")
//- pkg/t.sh
#!/bin/bash
cat pkg/in.txt pkg/secret.txt pkg/made.txt pkg/nowhere.txt
//- pkg/in.txt
in
//- pkg/secret.txt
secret
"#;
    check(
        files,
        "test //pkg:t",
        expect![[r#"
        exit: 3
        --- stdout
        //pkg:t          FAILED in [TIME]
          kiln-out/testlogs/pkg/t/test.log
        1 test: 1 failed
        --- stderr
        warning: `//pkg:t` uses files that it does not declare
           = `pkg/secret.txt` is in the workspace, but is no input of `//pkg:t`
           = `pkg/made.txt` is made by `//pkg:made`, and is no input of `//pkg:t`
        hint: declare it: put `secret.txt` into `srcs` or `data` of `//pkg:t`
        hint: declare it: put `made.txt` into `srcs` or `data` of `//pkg:t`
        FAILED: //pkg:t (exit code 1) in [TIME], see kiln-out/testlogs/pkg/t/test.log
        ==================== Test output for //pkg:t:
        in
        cat: pkg/secret.txt: No such file or directory
        cat: pkg/made.txt: No such file or directory
        cat: pkg/nowhere.txt: No such file or directory
        ================================================================================
        //pkg:t:
          kiln-out/fastbuild/bin/pkg/t
        hint: run again: kiln test //pkg:t
        failed: 1 of 1 target built in [TIME]; 1 action: 1 run
    "#]],
    );
    let quiet = files.replace(" pkg/secret.txt pkg/made.txt", "");
    check(
        &quiet,
        "test //pkg:t",
        expect![[r#"
        exit: 3
        --- stdout
        //pkg:t          FAILED in [TIME]
          kiln-out/testlogs/pkg/t/test.log
        1 test: 1 failed
        --- stderr
        FAILED: //pkg:t (exit code 1) in [TIME], see kiln-out/testlogs/pkg/t/test.log
        ==================== Test output for //pkg:t:
        in
        cat: pkg/nowhere.txt: No such file or directory
        ================================================================================
        //pkg:t:
          kiln-out/fastbuild/bin/pkg/t
        hint: run again: kiln test //pkg:t
        failed: 1 of 1 target built in [TIME]; 1 action: 1 run
    "#]],
    );
}
