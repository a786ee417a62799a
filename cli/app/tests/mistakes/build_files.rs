//! BUILD files that cannot be evaluated.

use expect_test::expect;

use crate::check;

#[test]
fn build_files() {
    check(
        "//- BUILD\ncc_library(name = \"x\",, )\n",
        "build //...",
        expect![[r#"
            exit: 1
            --- stderr
            error: unexpected symbol ',', expected expression
              --> BUILD:1:23
               |
             1 | cc_library(name = "x",, )
               |                       ^
            hint: remove it, or write a value before it
        "#]],
    );
    check(
        "//- BUILD\ncc_libary(name = \"x\")\n",
        "build //...",
        expect![[r#"
        exit: 1
        --- stderr
        error: `cc_libary` is not defined
          --> BUILD:1:1
           |
         1 | cc_libary(name = "x")
           | ^^^^^^^^^
        hint: did you mean `cc_library` or `cc_binary` or `py_library`?
    "#]],
    );
    check(
        "//- BUILD\ncc_library(name = \"x\", hrds = [])\n",
        "build //...",
        expect![[r#"
        exit: 1
        --- stderr
        error: `cc_library` has no attribute `hrds` (target `//:x`)
          --> BUILD:1:24
           |
         1 | cc_library(name = "x", hrds = [])
           |                        ^^^^^^^^^
           = it has additional_compiler_inputs, additional_linker_inputs, alwayslink, applicable_licenses, aspect_hints, compatible_with, conlyopts, copts, cxxopts, data, defines, deprecation, deps, exec_compatible_with, exec_properties, features, generator_function, generator_location, generator_name, hdrs, hdrs_check, implementation_deps, include_prefix, includes, licenses, linkopts, linkstamp, linkstatic, local_defines, module_interfaces, name, nocopts, package_metadata, restricted_to, srcs, stamp, strip_include_prefix, tags, target_compatible_with, testonly, textual_hdrs, toolchains, transitive_configs, visibility, win_def_file
        hint: did you mean `hdrs`?
    "#]],
    );
    check(
        "//- BUILD\ncc_library(name = \"x\", srcs = 3)\n",
        "build //...",
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
    check(
        "//- BUILD\nfilegroup(name = \"x\")\nfilegroup(name = \"x\")\n",
        "build //...",
        expect![[r#"
        exit: 1
        --- stderr
        error: target `x` is declared twice
          --> BUILD:2:1
           |
         2 | filegroup(name = "x")
           | ^^^^^^^^^^^^^^^^^^^^^
           = first declared here
          --> BUILD:1:1
           |
         1 | filegroup(name = "x")
           | ^^^^^^^^^^^^^^^^^^^^^
        hint: give one of them another `name`
    "#]],
    );
    check(
        "//- BUILD\nload(\":nowhere.bzl\", \"f\")\n",
        "build //...",
        expect![[r#"
            exit: 1
            --- stderr
            error: cannot load `//:nowhere.bzl`: there is no file `nowhere.bzl`
              --> BUILD:1:6
               |
             1 | load(":nowhere.bzl", "f")
               |      ^^^^^^^^^^^^^^
            hint: correct the label, or create `nowhere.bzl`
        "#]],
    );
    check(
        "//- BUILD\nload(\"@nowhere//:x.bzl\", \"f\")\n",
        "build //...",
        expect![[r#"
            exit: 1
            --- stderr
            error: repository `@nowhere` is not available
              --> BUILD:1:6
               |
             1 | load("@nowhere//:x.bzl", "f")
               |      ^^^^^^^^^^^^^^^^^^
            hint: declare it in MODULE.bazel: bazel_dep(name = "nowhere", version = "...")
        "#]],
    );
}
