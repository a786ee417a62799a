//! `@bazel_skylib//rules`.

use expect_test::expect;

use crate::world::{check, check_files};

#[test]
fn settings() {
    let files = r#"
=== BUILD
load("@bazel_skylib//rules:common_settings.bzl", "bool_flag", "int_flag", "string_flag", "string_list_flag", "BuildSettingInfo")
load(":d.bzl", "show")
bool_flag(name = "b", build_setting_default = True)
int_flag(name = "i", build_setting_default = 3)
string_flag(name = "s", build_setting_default = "one", values = ["one", "two"])
string_list_flag(name = "l", build_setting_default = ["a", "b"])
string_flag(name = "wrong", build_setting_default = "three", values = ["one", "two"])
show(name = "x", flags = [":b", ":i", ":s", ":l"])
=== d.bzl
load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")
def _impl(ctx):
    print([flag[BuildSettingInfo].value for flag in ctx.attr.flags])
    return []
show = rule(_impl, attrs = {"flags": attr.label_list()})
"#;
    check_files(
        files,
        "//:x",
        expect![[r#"
            prints: [True, 3, "one", ["a", "b"]]
        "#]],
    );
    check_files(
        files,
        "//:wrong",
        expect![[r#"
            error: //:wrong must be one of [one, two], not `three`
              --> BUILD:7:1
               |
             7 | string_flag(name = "wrong", build_setting_default = "three", values = ["one", "two"])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:wrong` (string_flag, declared at BUILD:7:1)
        "#]],
    );
}

#[test]
fn file_rules() {
    let files = r#"
=== BUILD
load("@bazel_skylib//rules:copy_file.bzl", "copy_file")
load("@bazel_skylib//rules:write_file.bzl", "write_file")
load("@bazel_skylib//rules:expand_template.bzl", "expand_template")
load("@bazel_skylib//rules:select_file.bzl", "select_file")
load("@bazel_skylib//rules:native_binary.bzl", "native_binary")
load("@bazel_skylib//rules:run_binary.bzl", "run_binary")
copy_file(name = "copy", src = "a.txt", out = "b.txt")
copy_file(name = "copyx", src = "a.txt", out = "c.sh", is_executable = True)
write_file(name = "write", out = "w.txt", content = ["one", "two"], newline = "windows")
expand_template(name = "expand", template = "a.txt", out = "e.txt", substitutions = {"@A@": "1", "B": "2"})
filegroup(name = "many", srcs = ["a.txt", "d/a.txt", "d/z.txt"])
select_file(name = "select", srcs = ":many", subpath = "z.txt")
select_file(name = "ambiguous", srcs = ":many", subpath = "a.txt")
native_binary(name = "native", src = "tool.sh", out = "renamed", data = ["a.txt"], env = {"F": "$(rootpath a.txt)"})
run_binary(name = "run", tool = ":native", srcs = ["a.txt"], outs = ["r.txt"], args = ["$(location a.txt)", "$(execpath r.txt)"], env = {"X": "$(location :native)"})
=== a.txt d/a.txt d/z.txt tool.sh
"#;
    check_files(
        files,
        "//:copy",
        expect![[r#"
        files: bin/b.txt
        runfiles: _main/b.txt
        Symlink -> bin/b.txt
          link: a.txt
    "#]],
    );
    check_files(
        files,
        "//:copyx",
        expect![[r#"
        files: bin/c.sh
        executable: bin/c.sh
        runfiles: _main/c.sh
        data runfiles: _main/c.sh
        ExecutableSymlink -> bin/c.sh
          program link: a.txt
    "#]],
    );
    check_files(
        files,
        "//:write",
        expect![[r#"
        files: bin/w.txt
        runfiles: _main/w.txt
        FileWrite -> bin/w.txt
          content: "one\r\ntwo\r\n"
    "#]],
    );
    check_files(
        files,
        "//:expand",
        expect![[r#"
        files: bin/e.txt
        TemplateExpand -> bin/e.txt
          template: a.txt
          replace: "@A@" by "1"
          replace: "B" by "2"
    "#]],
    );
    check_files(
        files,
        "//:select",
        expect![[r#"
        files: d/z.txt
        runfiles: _main/d/z.txt
    "#]],
    );
    check_files(
        files,
        "//:ambiguous",
        expect![[r#"
            error: `subpath` of //:ambiguous, which is `a.txt`, fits 2 files of [a.txt, d/a.txt, d/z.txt]
              --> BUILD:13:1
                |
             13 | select_file(name = "ambiguous", srcs = ":many", subpath = "a.txt")
                | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:ambiguous` (select_file, declared at BUILD:13:1)
        "#]],
    );
    check_files(
        files,
        "//:native",
        expect![[r#"
        files: bin/renamed
        executable: bin/renamed
        runfiles: _main/a.txt _main/renamed
        data runfiles: _main/a.txt _main/renamed
        env: F=a.txt
        ExecutableSymlink -> bin/renamed
          program link: tool.sh
    "#]],
    );
    check_files(
        files,
        "//:run",
        expect![[r#"
            files: bin/r.txt
            runfiles: _main/r.txt
            RunBinary -> bin/r.txt
              argv: <kiln-out/exec-opt/bin/renamed>
              argv: a.txt bin/r.txt
              inputs: a.txt
              tool: kiln-out/exec-opt/bin/renamed with _main/a.txt _main/renamed
              env: X=kiln-out/exec-opt/bin/renamed
        "#]],
    );
}

#[test]
fn tests_of_files() {
    let files = r#"
=== BUILD
load("@bazel_skylib//rules:build_test.bzl", "build_test")
load("@bazel_skylib//rules:diff_test.bzl", "diff_test")
load("@bazel_skylib//rules:analysis_test.bzl", "analysis_test")
load("@bazel_skylib//:bzl_library.bzl", "bzl_library")
build_test(name = "build", targets = ["a.txt", ":lib"], tags = ["t"])
diff_test(name = "diff", file1 = "a.txt", file2 = "it's.txt", failure_message = "do this")
analysis_test(name = "analysis", targets = [":lib"])
bzl_library(name = "lib", srcs = ["d.bzl"], deps = ["@bazel_skylib//lib:paths"])
=== a.txt it's.txt d.bzl
"#;
    check_files(
        files,
        "//:build",
        expect![[r##"
        files: bin/build
        executable: bin/build
        runfiles: _main/a.txt _main/build _main/d.bzl bazel_skylib/lib/paths.bzl
        data runfiles: _main/a.txt _main/build _main/d.bzl bazel_skylib/lib/paths.bzl
        FileWrite -> bin/build
          program: "#!/bin/sh\nexit 0\n"
    "##]],
    );
    check_files(
        files,
        "//:diff",
        expect![[r##"
        files: bin/diff-test.sh
        executable: bin/diff-test.sh
        runfiles: _main/a.txt _main/diff-test.sh _main/it's.txt
        data runfiles: _main/a.txt _main/diff-test.sh _main/it's.txt
        FileWrite -> bin/diff-test.sh
          program: "#!/bin/bash\nset -u\nfind_file() {\n  if [[ -e \"${RUNFILES_DIR:-${TEST_SRCDIR:-$0.runfiles}}/$1\" ]]; then\n    echo \"${RUNFILES_DIR:-${TEST_SRCDIR:-$0.runfiles}}/$1\"\n  else\n    echo \"cannot find $1 in the runfiles\" >&2\n    exit 1\n  fi\n}\none=\"$(find_file '_main/a.txt')\" || exit 1\ntwo=\"$(find_file '_main/it'\\''s.txt')\" || exit 1\nif ! diff  \"$one\" \"$two\"; then\n  echo \"FAIL: a.txt and it's.txt differ. \"'do this' >&2\n  exit 1\nfi\n"
    "##]],
    );
    check_files(
        files,
        "//:analysis",
        expect![[r##"
        files: bin/analysis
        executable: bin/analysis
        runfiles: _main/analysis
        FileWrite -> bin/analysis
          program: "#!/bin/sh\nexit 0\n"
    "##]],
    );
    check_files(
        files,
        "//:lib",
        expect![[r#"
        files: external/bazel_skylib/lib/paths.bzl d.bzl
        runfiles: _main/d.bzl bazel_skylib/lib/paths.bzl
        provider: StarlarkLibraryInfo(srcs = [<source file d.bzl>], transitive_srcs = depset([<source file ../bazel_skylib/lib/paths.bzl>, <source file d.bzl>], order = "postorder"))
    "#]],
    );
    check(
        "",
        "load('@bazel_skylib//rules:build_test.bzl', 'build_test')\nbuild_test(name = 'x', targets = [])",
        expect![[r#"
            error: `targets` of the build_test `x` is empty
              --> external/bazel_skylib/rules/build_test.bzl:30:9
                |
             30 |         fail("`targets` of the build_test `%s` is empty" % name)
                |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = `build_test` was called from BUILD:2:1
        "#]],
    );
}
