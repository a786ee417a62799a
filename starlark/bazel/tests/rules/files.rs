//! `sh_*`, `filegroup`, and rules that only load.

use expect_test::expect;

use crate::world::{check, check_files};

#[test]
fn shell_scripts() {
    let files = r#"
=== BUILD
sh_library(name = "lib", srcs = ["lib.sh"], data = ["d.txt"])
sh_test(name = "x", srcs = ["x.sh"], deps = [":lib", "@bazel_tools//tools/bash/runfiles"], args = ["a b", "'c d'"])
sh_binary(name = "two", srcs = ["x.sh", "lib.sh"])
=== x.sh lib.sh d.txt
"#;
    check_files(
        files,
        "//:x",
        expect![[r#"
        files: bin/x x.sh
        executable: bin/x
        runfiles: _main/d.txt _main/lib.sh _main/x _main/x.sh bazel_tools/tools/bash/runfiles/runfiles.bash
        data runfiles: _main/d.txt _main/lib.sh _main/x _main/x.sh bazel_tools/tools/bash/runfiles/runfiles.bash
        args: a | b | c d
        ExecutableSymlink -> bin/x
          program link: x.sh
    "#]],
    );
    check_files(
        files,
        "//:two",
        expect![[r#"
            error: `srcs` of //:two must be exactly one file, and is 2
              --> BUILD:3:1
               |
             3 | sh_binary(name = "two", srcs = ["x.sh", "lib.sh"])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:two` (sh_binary, declared at BUILD:3:1)
            hint: `srcs` is the script that runs; what it reads or calls goes to `data`
        "#]],
    );
}

#[test]
fn groups_of_files() {
    check(
        "a.txt b.txt d.txt l.cc",
        r#"
filegroup(name = "inner", srcs = ["a.txt"], data = ["d.txt"])
filegroup(name = "x", srcs = ["b.txt", ":inner"])
"#,
        expect![[r#"
            files: b.txt a.txt
            runfiles: _main/d.txt
            data runfiles: _main/a.txt _main/b.txt _main/d.txt
        "#]],
    );
    check(
        "l.cc",
        r#"
cc_library(name = "l", srcs = ["l.cc"])
filegroup(name = "x", srcs = [":l"], output_group = "archive")
"#,
        expect![[r#"
            files: bin/libl.a
            data runfiles: _main/libl.a
        "#]],
    );
}

#[test]
fn rules_that_only_load() {
    check(
        "a.m",
        "load('@rules_cc//cc:objc_library.bzl', 'objc_library')\nobjc_library(name = 'x', srcs = ['a.m'])",
        expect![[r#"
            error: //:x needs Objective-C, which kiln does not build
              --> BUILD:2:1
               |
             2 | objc_library(name = 'x', srcs = ['a.m'])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:x` (objc_library, declared at BUILD:2:1)
            hint: `target_compatible_with = ["@platforms//os:macos"]` skips it
        "#]],
    );
    check(
        "",
        "cc_toolchain(name = 'x', toolchain_config = ':c', all_files = ':c')\nfilegroup(name = 'c')",
        expect![[r#"
            provider: ToolchainInfo()
        "#]],
    );
    check(
        "",
        "java_library(name = 'x')",
        expect![[r#"
        error: `java_library` is not defined
          --> BUILD:1:1
           |
         1 | java_library(name = 'x')
           | ^^^^^^^^^^^^
        hint: did you mean `cc_library` or `py_library` or `sh_library`?
    "#]],
    );
}
