//! `@bazel_skylib`: rules and libraries.

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
    check_files(files, "//:x", expect![[r#"
        warning: warning: [True, 3, "one", ["a", "b"]]
          --> d.bzl:3:5
           |
         3 |     print([flag[BuildSettingInfo].value for flag in ctx.attr.flags])
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#]]);
    check_files(files, "//:wrong", expect![[r#"
        error: Label("@@//:wrong") must be one of [one, two], not `three`
          --> external/bazel_skylib/rules/common_settings.bzl:17:13
            |
         17 |             fail("%s must be one of [%s], not `%s`" % (ctx.label, ", ".join(allowed), each))
            |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:wrong` (string_flag, declared at BUILD:7:1)
    "#]]);
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
    check_files(files, "//:copy", expect![[r#"
        files: bin/b.txt
        runfiles: _main/b.txt
        Symlink -> bin/b.txt
          link: a.txt
    "#]]);
    check_files(files, "//:copyx", expect![[r#"
        files: bin/c.sh
        executable: bin/c.sh
        runfiles: _main/c.sh
        data runfiles: _main/c.sh
        ExecutableSymlink -> bin/c.sh
          program link: a.txt
    "#]]);
    check_files(files, "//:write", expect![[r#"
        files: bin/w.txt
        runfiles: _main/w.txt
        FileWrite -> bin/w.txt
          content: "one\r\ntwo\r\n"
    "#]]);
    check_files(files, "//:expand", expect![[r#"
        files: bin/e.txt
        TemplateExpand -> bin/e.txt
          template: a.txt
          replace: "@A@" by "1"
          replace: "B" by "2"
    "#]]);
    check_files(files, "//:select", expect![[r#"
        files: d/z.txt
        runfiles: _main/d/z.txt
    "#]]);
    check_files(files, "//:ambiguous", expect![[r#"
        error: `subpath` of Label("@@//:ambiguous"), which is `a.txt`, fits 2 files of [a.txt, d/a.txt, d/z.txt]
          --> external/bazel_skylib/rules/select_file.bzl:13:9
            |
         13 |         fail("`subpath` of %s, which is `%s`, fits %d files of [%s]" % (
            |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:ambiguous` (select_file, declared at BUILD:13:1)
    "#]]);
    check_files(files, "//:native", expect![[r#"
        files: bin/renamed
        executable: bin/renamed
        runfiles: _main/a.txt _main/renamed
        data runfiles: _main/a.txt _main/renamed
        env: F=a.txt
        provider: RunEnvironmentInfo(environment = {"F": "a.txt"}, inherited_environment = [])
        ExecutableSymlink -> bin/renamed
          program link: tool.sh
    "#]]);
    check_files(files, "//:run", expect![[r#"
        files: bin/r.txt
        runfiles: _main/r.txt
        args: a.txt | bin/r.txt
        RunBinary -> bin/r.txt
          argv: <kiln-out/exec-opt/bin/renamed>
          argv: a.txt bin/r.txt
          inputs: a.txt
          tool: kiln-out/exec-opt/bin/renamed with _main/a.txt _main/renamed
          env: X=kiln-out/exec-opt/bin/renamed
    "#]]);
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
    check_files(files, "//:build", expect![[r##"
        files: bin/build
        executable: bin/build
        runfiles: _main/a.txt _main/build _main/d.bzl bazel_skylib/lib/paths.bzl
        data runfiles: _main/a.txt _main/build _main/d.bzl bazel_skylib/lib/paths.bzl
        FileWrite -> bin/build
          program: "#!/bin/sh\nexit 0\n"
    "##]]);
    check_files(files, "//:diff", expect![[r##"
        files: bin/diff-test.sh
        executable: bin/diff-test.sh
        runfiles: _main/a.txt _main/diff-test.sh _main/it's.txt
        data runfiles: _main/a.txt _main/diff-test.sh _main/it's.txt
        FileWrite -> bin/diff-test.sh
          program: "#!/bin/bash\nset -u\nfind_file() {\n  if [[ -e \"${RUNFILES_DIR:-${TEST_SRCDIR:-$0.runfiles}}/$1\" ]]; then\n    echo \"${RUNFILES_DIR:-${TEST_SRCDIR:-$0.runfiles}}/$1\"\n  else\n    echo \"cannot find $1 in the runfiles\" >&2\n    exit 1\n  fi\n}\none=\"$(find_file '_main/a.txt')\" || exit 1\ntwo=\"$(find_file '_main/it'\\''s.txt')\" || exit 1\nif ! diff  \"$one\" \"$two\"; then\n  echo \"FAIL: a.txt and it's.txt differ. \"'do this' >&2\n  exit 1\nfi\n"
    "##]]);
    check_files(files, "//:analysis", expect![[r##"
        files: bin/analysis
        executable: bin/analysis
        runfiles: _main/analysis
        FileWrite -> bin/analysis
          program: "#!/bin/sh\nexit 0\n"
    "##]]);
    check_files(files, "//:lib", expect![[r#"
        files: external/bazel_skylib/lib/paths.bzl d.bzl
        runfiles: _main/d.bzl bazel_skylib/lib/paths.bzl
        provider: StarlarkLibraryInfo(srcs = [<source file d.bzl>], transitive_srcs = depset([<source file ../bazel_skylib/lib/paths.bzl>, <source file d.bzl>], order = "postorder"))
    "#]]);
    check("", "load('@bazel_skylib//rules:build_test.bzl', 'build_test')\nbuild_test(name = 'x', targets = [])", expect![[r#"
        error: `targets` of the build_test `x` is empty
          --> external/bazel_skylib/rules/build_test.bzl:30:9
            |
         30 |         fail("`targets` of the build_test `%s` is empty" % name)
            |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = `build_test` was called from BUILD:2:1
    "#]]);
}

/// Loads the libraries and compares what they give.
fn library(load: &str, pairs: &[(&str, &str)]) {
    let body: Vec<String> = pairs
        .iter()
        .map(|(call, expected)| format!("    equal({call:?}, {call}, {expected})\n"))
        .collect();
    let body = body.concat();
    check_files(
        &format!(
            "=== d.bzl\n{load}\ndef equal(call, got, expected):\n\
             \x20   if got != expected:\n        print(call, got)\n\
             def run():\n{body}\
             === BUILD\nload(':d.bzl', 'run')\nrun()\nfilegroup(name = 'x')"
        ),
        "//:x",
        expect![[""]],
    );
}

#[test]
fn paths() {
    library(
        "load('@bazel_skylib//lib:paths.bzl', 'paths')",
        &[
            ("paths.basename('a/b.c')", "'b.c'"),
            ("paths.basename('a/')", "''"),
            ("paths.dirname('a/b/c')", "'a/b'"),
            ("paths.dirname('a')", "''"),
            ("paths.dirname('/a')", "'/'"),
            ("paths.is_absolute('/a')", "True"),
            ("paths.is_absolute('c:\\\\a')", "True"),
            ("paths.is_absolute('a/b')", "False"),
            ("paths.join('a', 'b', 'c')", "'a/b/c'"),
            ("paths.join('a/', 'b')", "'a/b'"),
            ("paths.join('a', '/b', 'c')", "'/b/c'"),
            ("paths.join('', 'b')", "'b'"),
            ("paths.normalize('')", "'.'"),
            ("paths.normalize('a/./b/../c//d/')", "'a/c/d'"),
            ("paths.normalize('../a/..')", "'..'"),
            ("paths.normalize('/../a')", "'/a'"),
            ("paths.normalize('//a')", "'//a'"),
            ("paths.normalize('///a')", "'/a'"),
            ("paths.relativize('a/b/c', 'a')", "'b/c'"),
            ("paths.relativize('a/b', '.')", "'a/b'"),
            ("paths.relativize('a', 'a')", "''"),
            ("paths.replace_extension('a/b.c', '.d')", "'a/b.d'"),
            ("paths.replace_extension('a.x/b', '.d')", "'a.x/b.d'"),
            ("paths.split_extension('a/b.tar.gz')", "('a/b.tar', '.gz')"),
            ("paths.split_extension('.bashrc')", "('.bashrc', '')"),
            ("paths.split_extension('a.b/c')", "('a.b/c', '')"),
            ("paths.is_normalized('a/../b')", "False"),
            ("paths.is_normalized('a/./b', False)", "True"),
            ("paths.starts_with('a/b', 'a')", "True"),
            ("paths.starts_with('ab', 'a')", "False"),
        ],
    );
}

#[test]
fn small_libraries() {
    library(
        "load('@bazel_skylib//lib:collections.bzl', 'collections')\n\
         load('@bazel_skylib//lib:dicts.bzl', 'dicts')\n\
         load('@bazel_skylib//lib:new_sets.bzl', 'sets')\n\
         load('@bazel_skylib//lib:partial.bzl', 'partial')\n\
         load('@bazel_skylib//lib:shell.bzl', 'shell')\n\
         load('@bazel_skylib//lib:structs.bzl', 'structs')\n\
         load('@bazel_skylib//lib:types.bzl', 'types')\n\
         load('@bazel_skylib//lib:versions.bzl', 'versions')\n\
         def f(a, b, c = 0):\n    return (a, b, c)\n",
        &[
            ("collections.after_each('-', [1, 2])", "[1, '-', 2, '-']"),
            ("collections.before_each('-', [1, 2])", "['-', 1, '-', 2]"),
            ("collections.uniq([2, 1, 2])", "[2, 1]"),
            ("dicts.add({'a': 1}, {'a': 2, 'b': 3}, c = 4)", "{'a': 2, 'b': 3, 'c': 4}"),
            ("dicts.omit({'a': 1, 'b': 2}, ['a'])", "{'b': 2}"),
            ("dicts.pick({'a': 1, 'b': 2}, ['a', 'z'])", "{'a': 1}"),
            ("sets.to_list(sets.union(sets.make([1]), sets.make([2, 1])))", "[1, 2]"),
            ("sets.to_list(sets.difference(sets.make([1, 2]), sets.make([2])))", "[1]"),
            ("sets.to_list(sets.intersection(sets.make([1, 2]), sets.make([2])))", "[2]"),
            ("sets.is_equal(sets.make([1, 2]), sets.make([2, 1]))", "True"),
            ("sets.is_subset(sets.make([1]), sets.make([2]))", "False"),
            ("sets.length(sets.insert(sets.make(), 1))", "1"),
            ("sets.contains(sets.remove(sets.make([1]), 1), 1)", "False"),
            ("sets.disjoint(sets.make([1]), sets.make([2]))", "True"),
            ("sets.repr(sets.make([1]))", "'[1]'"),
            ("partial.call(partial.make(f, 1, c = 2), 3)", "(1, 3, 2)"),
            ("partial.call(partial.make(f, 1, c = 2), 3, c = 4)", "(1, 3, 4)"),
            ("partial.is_instance(partial.make(f))", "True"),
            ("partial.is_instance(f)", "False"),
            ("shell.quote(\"it's\")", "\"'it'\\\\''s'\""),
            ("shell.array_literal(['a b', 1])", "\"('a b' '1')\""),
            ("structs.to_dict(struct(a = 1, b = 2))", "{'a': 1, 'b': 2}"),
            ("types.is_list([])", "True"),
            ("types.is_string(1)", "False"),
            ("types.is_dict({})", "True"),
            ("types.is_function(f)", "True"),
            ("types.is_function(len)", "True"),
            ("types.is_none(None)", "True"),
            ("types.is_bool(True)", "True"),
            ("types.is_int(1)", "True"),
            ("types.is_tuple(())", "True"),
            ("types.is_depset(depset())", "True"),
            ("types.is_set(sets.make())", "True"),
            ("versions.parse('1.10.2-rc1 x')", "(1, 10, 2)"),
            ("versions.is_at_least('1.9.0', '1.10.0')", "True"),
            ("versions.is_at_most('1.9.0', '1.10.0')", "False"),
            ("versions.check('0.1')", "None"),
        ],
    );
}

#[test]
fn groups_of_conditions() {
    check_files(
        r#"
=== BUILD
load("@bazel_skylib//lib:selects.bzl", "selects")
config_setting(name = "a", values = {"define": "a=1"})
config_setting(name = "b", values = {"define": "b=1"})
selects.config_setting_group(name = "any", match_any = [":a", ":b"])
selects.config_setting_group(name = "all", match_all = [":a", ":b"])
filegroup(name = "x", srcs = selects.with_or({(":a", ":b"): ["ab.txt"], "//conditions:default": ["d.txt"]}))
=== ab.txt d.txt
"#,
        "//:x",
        expect![[r#"
            files: d.txt
            data runfiles: _main/d.txt
        "#]],
    );
    check(
        "",
        "load('@bazel_skylib//lib:selects.bzl', 'selects')\n\
         selects.config_setting_group(name = 'x')",
        expect![[r#"
            error: exactly one of `match_any` and `match_all` must be given, and not empty
              --> external/bazel_skylib/lib/selects.bzl:29:9
                |
             29 |         fail("exactly one of `match_any` and `match_all` must be given, and not empty")
                |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = `_config_setting_group` was called from BUILD:2:1
        "#]],
    );
}

#[test]
fn unit_tests() {
    let files = r#"
=== d.bzl
load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts", "loadingtest", "unittest")
load("@bazel_skylib//lib:partial.bzl", "partial")

def _good_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, 1, 1)
    asserts.true(env, True)
    return unittest.end(env)

good_test = unittest.make(_good_impl)

def _bad_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, 1, 2, "numbers")
    asserts.false(env, True)
    asserts.true(env, False, "it's")
    unittest.fail(env, "anyway")
    return unittest.end(env)

bad_test = unittest.make(_bad_impl, attrs = {"x": attr.string()})

def _target_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.equals(env, "g", analysistest.target_under_test(env).label.name)
    return analysistest.end(env)

target_test = analysistest.make(_target_impl)

def suite():
    unittest.suite("suite", good_test, partial.make(bad_test, size = "small"))
    env = loadingtest.make("loading")
    loadingtest.equals(env, "same", 1, 1)
    loadingtest.equals(env, "other", 1, 2)
=== BUILD
load(":d.bzl", "suite", "target_test")
suite()
filegroup(name = "g")
target_test(name = "target", target_under_test = ":g")
"#;
    check_files(files, "//:suite_test_0", expect![[r##"
        files: bin/suite_test_0
        executable: bin/suite_test_0
        runfiles: _main/suite_test_0
        FileWrite -> bin/suite_test_0
          program: "#!/bin/sh\nexit 0\n"
    "##]]);
    check_files(files, "//:suite_test_1", expect![[r##"
        files: bin/suite_test_1
        executable: bin/suite_test_1
        runfiles: _main/suite_test_1
        FileWrite -> bin/suite_test_1
          program: "#!/bin/sh\nprintf '%s\\n' 'In test Label(\"@@//:suite_test_1\"): numbers (Expected \"1\", but got \"2\")'\nprintf '%s\\n' 'In test Label(\"@@//:suite_test_1\"): Expected condition to be false, but was true.'\nprintf '%s\\n' 'In test Label(\"@@//:suite_test_1\"): it'\\''s'\nprintf '%s\\n' 'In test Label(\"@@//:suite_test_1\"): anyway'\nexit 1\n"
    "##]]);
    check_files(files, "//:target", expect![[r##"
        files: bin/target
        executable: bin/target
        runfiles: _main/target
        FileWrite -> bin/target
          program: "#!/bin/sh\nexit 0\n"
    "##]]);
    check_files(files, "//:loading_same", expect![[r##"
        files: bin/loading_same
        executable: bin/loading_same
        runfiles: _main/loading_same
        FileWrite -> bin/loading_same
          program: "#!/bin/sh\nexit 0\n"
    "##]]);
    check_files(files, "//:loading_other", expect![[r##"
        files: bin/loading_other
        executable: bin/loading_other
        runfiles: _main/loading_other
        FileWrite -> bin/loading_other
          program: "#!/bin/sh\nprintf '%s\\n' 'Expected \"1\", but got \"2\"'\nexit 1\n"
    "##]]);
}
