//! Attributes: of the wrong type, missing, unknown, and with values that rules do not take.

use expect_test::{Expect, expect};

use crate::{check, check_cured};

fn in_build(wrong: &str, right: &str, expect: Expect) {
    let files = format!("//- BUILD\n{wrong}\n//- a.cc\nint a;\n//- a.txt\na\n//- m.py\n");
    check_cured(&files, "build //:x", ("BUILD", right), expect);
}

#[test]
fn of_the_wrong_type() {
    in_build(
        "cc_library(name = \"x\", srcs = \"a.cc\")",
        "cc_library(name = \"x\", srcs = [\"a.cc\"])",
        expect![[r#"
            exit: 1
            --- stderr
            error: attribute `srcs` of cc_library `//:x`: expected a list of labels, got `"a.cc"` of type string
              --> BUILD:1:24
               |
             1 | cc_library(name = "x", srcs = "a.cc")
               |                        ^^^^^^^^^^^^^
            hint: write `["a.cc"]`
        "#]],
    );
    check(
        "//- BUILD\ncc_library(name = \"x\", srcs = 3)\n",
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: attribute `srcs` of cc_library `//:x`: expected a list of labels, got `3` of type int
              --> BUILD:1:24
               |
             1 | cc_library(name = "x", srcs = 3)
               |                        ^^^^^^^^
            hint: write a list: `["file.txt", ":target"]`
        "#]],
    );
    in_build(
        "cc_library(name = \"x\", linkstatic = \"yes\")",
        "cc_library(name = \"x\", linkstatic = True)",
        expect![[r#"
            exit: 1
            --- stderr
            error: attribute `linkstatic` of cc_library `//:x`: expected a bool, got `"yes"` of type string
              --> BUILD:1:24
               |
             1 | cc_library(name = "x", linkstatic = "yes")
               |                        ^^^^^^^^^^^^^^^^^^
            hint: write `True` or `False`
        "#]],
    );
    in_build(
        "sh_test(name = \"x\", srcs = [\"a.txt\"], shard_count = \"2\")",
        "sh_test(name = \"x\", srcs = [\"a.txt\"], shard_count = 2)",
        expect![[r#"
            exit: 1
            --- stderr
            error: attribute `shard_count` of sh_test `//:x`: expected an int, got `"2"` of type string
              --> BUILD:1:39
               |
             1 | sh_test(name = "x", srcs = ["a.txt"], shard_count = "2")
               |                                       ^^^^^^^^^^^^^^^^^
            hint: write `2`
        "#]],
    );
}

#[test]
fn with_a_value_that_is_none_of_those_there_are() {
    in_build(
        "sh_test(name = \"x\", srcs = [\"a.txt\"], size = \"smal\")",
        "sh_test(name = \"x\", srcs = [\"a.txt\"], size = \"small\")",
        expect![[r#"
            exit: 1
            --- stderr
            error: attribute `size` of sh_test `//:x`: `smal` is not one of `small`, `medium`, `large`, `enormous`
              --> BUILD:1:39
               |
             1 | sh_test(name = "x", srcs = ["a.txt"], size = "smal")
               |                                       ^^^^^^^^^^^^^
            hint: did you mean `small`?
        "#]],
    );
}

#[test]
fn missing() {
    in_build(
        "genrule(name = \"x\", cmd = \"touch $@\")",
        "genrule(name = \"x\", outs = [\"o\"], cmd = \"touch $@\")",
        expect![[r#"
            exit: 1
            --- stderr
            error: genrule `//:x` lacks `outs` (list of output file names)
              --> BUILD:1:1
               |
             1 | genrule(name = "x", cmd = "touch $@")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: add `outs = ["…"]`
        "#]],
    );
    in_build(
        "filegroup(srcs = [\"a.txt\"])",
        "filegroup(name = \"x\", srcs = [\"a.txt\"])",
        expect![[r#"
            exit: 1
            --- stderr
            error: a `filegroup` needs a `name`
              --> BUILD:1:1
               |
             1 | filegroup(srcs = ["a.txt"])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: add `name = "…"`
        "#]],
    );
    in_build(
        "genrule(name = \"x\", outs = [\"o\"])",
        "genrule(name = \"x\", outs = [\"o\"], cmd = \"touch $@\")",
        expect![[r#"
            exit: 1
            --- stderr
            error: a genrule needs a command
              --> BUILD:1:1
               |
             1 | genrule(name = "x", outs = ["o"])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:x` (genrule, declared at BUILD:1:1)
            hint: add `cmd = "…"`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
}

#[test]
fn unknown() {
    in_build(
        "filegroup(name = \"x\", scrs = [\"a.txt\"])",
        "filegroup(name = \"x\", srcs = [\"a.txt\"])",
        expect![[r#"
            exit: 1
            --- stderr
            error: `filegroup` has no attribute `scrs` (target `//:x`)
              --> BUILD:1:23
               |
             1 | filegroup(name = "x", scrs = ["a.txt"])
               |                       ^^^^^^^^^^^^^^^^
               = it has applicable_licenses, aspect_hints, compatible_with, data, deprecation, environment, exec_compatible_with, exec_properties, features, generator_function, generator_location, generator_name, licenses, name, output_group, output_licenses, package_metadata, path, restricted_to, srcs, tags, target_compatible_with, testonly, toolchains, transitive_configs, visibility
            hint: did you mean `srcs`?
        "#]],
    );
    in_build(
        "filegroup(name = \"x\", colour = \"red\")",
        "filegroup(name = \"x\")",
        expect![[r#"
            exit: 1
            --- stderr
            error: `filegroup` has no attribute `colour` (target `//:x`)
              --> BUILD:1:23
               |
             1 | filegroup(name = "x", colour = "red")
               |                       ^^^^^^^^^^^^^^
               = it has applicable_licenses, aspect_hints, compatible_with, data, deprecation, environment, exec_compatible_with, exec_properties, features, generator_function, generator_location, generator_name, licenses, name, output_group, output_licenses, package_metadata, path, restricted_to, srcs, tags, target_compatible_with, testonly, toolchains, transitive_configs, visibility
            hint: remove `colour`, or give it to another rule
        "#]],
    );
}

#[test]
fn given_by_position() {
    in_build(
        "filegroup(\"x\", srcs = [\"a.txt\"])",
        "filegroup(name = \"x\", srcs = [\"a.txt\"])",
        expect![[r#"
            exit: 1
            --- stderr
            error: `filegroup` takes named arguments only
              --> BUILD:1:1
               |
             1 | filegroup("x", srcs = ["a.txt"])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: write `name = "…"`
        "#]],
    );
}

#[test]
fn of_a_target_that_lacks_a_provider() {
    in_build(
        "cc_library(\n    name = \"x\",\n    deps = [\n        \":f\",\n    ],\n)\nfilegroup(name = \"f\", srcs = [\"a.txt\"])",
        "cc_library(\n    name = \"x\",\n    data = [\n        \":f\",\n    ],\n)\nfilegroup(name = \"f\", srcs = [\"a.txt\"])",
        expect![[r#"
            exit: 1
            --- stderr
            error: in the attribute `deps`, `//:f` (filegroup) lacks `CcInfo`
              --> BUILD:4:9
               |
             4 |         ":f",
               |         ^^^^
               = it has `DefaultInfo`
               = in `//:x` (cc_library, declared at BUILD:1:1)
            hint: move `//:f` to `data`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
}

#[test]
fn with_a_file_of_the_wrong_kind() {
    in_build(
        "cc_library(name = \"x\", deps = [\"a.cc\"])",
        "cc_library(name = \"x\", srcs = [\"a.cc\"])",
        expect![[r#"
            exit: 1
            --- stderr
            error: in the attribute `deps`, `//:a.cc` is a file of another kind; targets with `CcInfo`, or `.ld`, `.lds` or `.ldscript` files are expected there
              --> BUILD:1:32
               |
             1 | cc_library(name = "x", deps = ["a.cc"])
               |                                ^^^^^^
               = in `//:x` (cc_library, declared at BUILD:1:1)
            hint: move `//:a.cc` to `srcs` or `hdrs` or `textual_hdrs` or `data`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
    in_build(
        "cc_library(name = \"x\", srcs = [\"a.cc\", \"a.txt\"])",
        "cc_library(name = \"x\", srcs = [\"a.cc\"], data = [\"a.txt\"])",
        expect![[r#"
            exit: 1
            --- stderr
            error: `srcs` of //:x has `a.txt`, which is no C or C++ source, header, object or library
              --> BUILD:1:40
               |
             1 | cc_library(name = "x", srcs = ["a.cc", "a.txt"])
               |                                        ^^^^^^^
               = in `//:x` (cc_library, declared at BUILD:1:1)
            hint: headers of any name go to `hdrs` or `textual_hdrs`, other files to `data`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
}

#[test]
fn without_a_main_file() {
    in_build(
        "py_binary(name = \"x\", srcs = [\"m.py\"])",
        "py_binary(name = \"x\", srcs = [\"m.py\"], main = \"m.py\")",
        expect![[r#"
            exit: 1
            --- stderr
            error: //:x has no `x.py` in `srcs`
              --> BUILD:1:30
               |
             1 | py_binary(name = "x", srcs = ["m.py"])
               |                              ^^^^^^^^
               = in `//:x` (py_binary, declared at BUILD:1:1)
            hint: name the file to run: `main = "m.py"`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
}

#[test]
fn with_more_than_one_script() {
    in_build(
        "sh_binary(name = \"x\", srcs = [\"a.txt\", \"m.py\"])",
        "sh_binary(name = \"x\", srcs = [\"a.txt\"], data = [\"m.py\"])",
        expect![[r#"
            exit: 1
            --- stderr
            error: `srcs` of //:x must be exactly one file, and is 2
              --> BUILD:1:30
               |
             1 | sh_binary(name = "x", srcs = ["a.txt", "m.py"])
               |                              ^^^^^^^^^^^^^^^^^
               = in `//:x` (sh_binary, declared at BUILD:1:1)
            hint: `srcs` is the script that runs; what it reads or calls goes to `data`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
}

#[test]
fn outputs_outside_of_the_package() {
    in_build(
        "genrule(name = \"x\", outs = [\"../o\"], cmd = \"touch $@\")",
        "genrule(name = \"x\", outs = [\"o\"], cmd = \"touch $@\")",
        expect![[r#"
            exit: 1
            --- stderr
            error: attribute `outs` of genrule `//:x`: invalid label `../o`: the target name has a `..` component
              --> BUILD:1:21
               |
             1 | genrule(name = "x", outs = ["../o"], cmd = "touch $@")
               |                     ^^^^^^^^^^^^^^^
               = in a list
            hint: outputs are files in the folder of `//`: `out.txt`, `sub/out.txt`
        "#]],
    );
    in_build(
        "genrule(name = \"x\", outs = [\"//other:o\"], cmd = \"touch $@\")",
        "genrule(name = \"x\", outs = [\"sub/o\"], cmd = \"touch $@\")",
        expect![[r#"
            exit: 1
            --- stderr
            error: attribute `outs` of genrule `//:x`: output `//other:o` is not in the package `//`
              --> BUILD:1:21
               |
             1 | genrule(name = "x", outs = ["//other:o"], cmd = "touch $@")
               |                     ^^^^^^^^^^^^^^^^^^^^
               = in a list
            hint: outputs are files in the folder of `//`: `out.txt`, `sub/out.txt`
        "#]],
    );
}

#[test]
fn locations_of_what_is_no_dependency() {
    in_build(
        "genrule(name = \"x\", outs = [\"o\"], cmd = \"cat $(location a.txt) > $@\")",
        "genrule(name = \"x\", srcs = [\"a.txt\"], outs = [\"o\"], cmd = \"cat $(location a.txt) > $@\")",
        expect![[r#"
            exit: 1
            --- stderr
            error: label `a.txt` is no dependency of this target in `$(location a.txt)`
              --> BUILD:1:41
               |
             1 | genrule(name = "x", outs = ["o"], cmd = "cat $(location a.txt) > $@")
               |                                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:x` (genrule, declared at BUILD:1:1)
            hint: put `a.txt` into `srcs` or `tools`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
    in_build(
        "genrule(name = \"x\", srcs = [\":f\"], outs = [\"o\"], cmd = \"cat $(location :f) > $@\")\nfilegroup(name = \"f\", srcs = [\"a.txt\", \"a.cc\"])",
        "genrule(name = \"x\", srcs = [\":f\"], outs = [\"o\"], cmd = \"cat $(locations :f) > $@\")\nfilegroup(name = \"f\", srcs = [\"a.txt\", \"a.cc\"])",
        expect![[r#"
            exit: 1
            --- stderr
            error: label `:f` has 2 files, and `$(location)` needs exactly one in `$(location :f)`
              --> BUILD:1:56
               |
             1 | genrule(name = "x", srcs = [":f"], outs = ["o"], cmd = "cat $(location :f) > $@")
               |                                                        ^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:x` (genrule, declared at BUILD:1:1)
            hint: write `$(locations :f)` for all of them
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
}

#[test]
fn make_variables_that_do_not_exist() {
    in_build(
        "genrule(name = \"x\", outs = [\"o\"], cmd = \"echo $HOME > $@\")",
        "genrule(name = \"x\", outs = [\"o\"], cmd = \"echo $$HOME > $@\")",
        expect![[r#"
            exit: 1
            --- stderr
            error: unknown make variable `H` in `$H`
              --> BUILD:1:41
               |
             1 | genrule(name = "x", outs = ["o"], cmd = "echo $HOME > $@")
               |                                         ^^^^^^^^^^^^^^^^^
               = in the attribute `cmd`
               = in `//:x` (genrule, declared at BUILD:1:1)
            hint: write `$$` for a plain `$`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
    in_build(
        "genrule(name = \"x\", outs = [\"o\"], cmd = \"echo $(COMPILATION_MOD) > $@\")",
        "genrule(name = \"x\", outs = [\"o\"], cmd = \"echo $(COMPILATION_MODE) > $@\")",
        expect![[r#"
            exit: 1
            --- stderr
            error: unknown make variable `COMPILATION_MOD` in `$(COMPILATION_MOD)`
              --> BUILD:1:41
               |
             1 | genrule(name = "x", outs = ["o"], cmd = "echo $(COMPILATION_MOD) > $@")
               |                                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in the attribute `cmd`
               = in `//:x` (genrule, declared at BUILD:1:1)
            hint: write `$$` for a plain `$`
            hint: did you mean `$(COMPILATION_MODE)`?
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
}
