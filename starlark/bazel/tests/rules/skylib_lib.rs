//! `@bazel_skylib//lib`.

use expect_test::expect;

use crate::world::{check, check_files};

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
             \x20   if got != expected:\n        fail('%s gives %r and not %r' % (call, got, expected))\n\
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
            (
                "dicts.add({'a': 1}, {'a': 2, 'b': 3}, c = 4)",
                "{'a': 2, 'b': 3, 'c': 4}",
            ),
            ("dicts.omit({'a': 1, 'b': 2}, ['a'])", "{'b': 2}"),
            ("dicts.pick({'a': 1, 'b': 2}, ['a', 'z'])", "{'a': 1}"),
            (
                "sets.to_list(sets.union(sets.make([1]), sets.make([2, 1])))",
                "[1, 2]",
            ),
            (
                "sets.to_list(sets.difference(sets.make([1, 2]), sets.make([2])))",
                "[1]",
            ),
            (
                "sets.to_list(sets.intersection(sets.make([1, 2]), sets.make([2])))",
                "[2]",
            ),
            (
                "sets.is_equal(sets.make([1, 2]), sets.make([2, 1]))",
                "True",
            ),
            ("sets.is_subset(sets.make([1]), sets.make([2]))", "False"),
            ("sets.length(sets.insert(sets.make(), 1))", "1"),
            ("sets.contains(sets.remove(sets.make([1]), 1), 1)", "False"),
            ("sets.disjoint(sets.make([1]), sets.make([2]))", "True"),
            ("sets.repr(sets.make([1]))", "'[1]'"),
            ("partial.call(partial.make(f, 1, c = 2), 3)", "(1, 3, 2)"),
            (
                "partial.call(partial.make(f, 1, c = 2), 3, c = 4)",
                "(1, 3, 4)",
            ),
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
    check_files(
        files,
        "//:suite_test_0",
        expect![[r##"
        files: bin/suite_test_0
        executable: bin/suite_test_0
        runfiles: _main/suite_test_0
        FileWrite -> bin/suite_test_0
          program: "#!/bin/sh\nexit 0\n"
    "##]],
    );
    check_files(
        files,
        "//:suite_test_1",
        expect![[r##"
        files: bin/suite_test_1
        executable: bin/suite_test_1
        runfiles: _main/suite_test_1
        FileWrite -> bin/suite_test_1
          program: "#!/bin/sh\nprintf '%s\\n' 'In test @@//:suite_test_1: numbers (Expected \"1\", but got \"2\")'\nprintf '%s\\n' 'In test @@//:suite_test_1: Expected condition to be false, but was true.'\nprintf '%s\\n' 'In test @@//:suite_test_1: it'\\''s'\nprintf '%s\\n' 'In test @@//:suite_test_1: anyway'\nexit 1\n"
    "##]],
    );
    check_files(
        files,
        "//:target",
        expect![[r##"
        files: bin/target
        executable: bin/target
        runfiles: _main/target
        FileWrite -> bin/target
          program: "#!/bin/sh\nexit 0\n"
    "##]],
    );
    check_files(
        files,
        "//:loading_same",
        expect![[r##"
        files: bin/loading_same
        executable: bin/loading_same
        runfiles: _main/loading_same
        FileWrite -> bin/loading_same
          program: "#!/bin/sh\nexit 0\n"
    "##]],
    );
    check_files(
        files,
        "//:loading_other",
        expect![[r##"
        files: bin/loading_other
        executable: bin/loading_other
        runfiles: _main/loading_other
        FileWrite -> bin/loading_other
          program: "#!/bin/sh\nprintf '%s\\n' 'Expected \"1\", but got \"2\"'\nexit 1\n"
    "##]],
    );
}
