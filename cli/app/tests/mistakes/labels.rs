//! Labels that lead nowhere, or where they must not.

use expect_test::{Expect, expect};

use crate::{check, check_cured, works};

const FILES: &str = "
//- a.txt
a
//- lib/BUILD
filegroup(name = \"private\")
filegroup(name = \"public\", visibility = [\"//visibility:public\"])
exports_files([\"b.txt\"])
//- lib/b.txt
b
//- lib/c.txt
c
";

fn in_build(wrong: &str, right: &str, expect: Expect) {
    let files = format!("//- BUILD\n{wrong}\n{FILES}");
    check_cured(&files, "build //:x", ("BUILD", right), expect);
}

#[test]
fn a_target_that_does_not_exist() {
    in_build(
        "filegroup(name = \"x\", srcs = [\":misspelt\"])\nfilegroup(name = \"mispelt\")",
        "filegroup(name = \"x\", srcs = [\":mispelt\"])\nfilegroup(name = \"mispelt\")",
        expect![[r#"
            exit: 1
            --- stderr
            error: no such target `//:misspelt`: `BUILD` declares no target `misspelt` and there is no such file
              --> BUILD:1:31
               |
             1 | filegroup(name = "x", srcs = [":misspelt"])
               |                               ^^^^^^^^^^^
               = `//:misspelt` is in `srcs` of `//:x`
            hint: did you mean `mispelt`?
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
    // The file of that name is another package's.
    in_build(
        "filegroup(name = \"x\", srcs = [\"//:public\"])",
        "filegroup(name = \"x\", srcs = [\"//lib:public\"])",
        expect![[r#"
            exit: 1
            --- stderr
            error: no such target `//:public`: `BUILD` declares no target `public` and there is no such file
              --> BUILD:1:31
               |
             1 | filegroup(name = "x", srcs = ["//:public"])
               |                               ^^^^^^^^^^^
               = `//:public` is in `srcs` of `//:x`
            hint: correct the label, declare `public` in `BUILD`, or create the file
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
}

#[test]
fn a_file_that_does_not_exist() {
    in_build(
        "filegroup(name = \"x\", srcs = [\"missing.txt\"])",
        "filegroup(name = \"x\", srcs = [\"a.txt\"])",
        expect![[r#"
            exit: 1
            --- stderr
            error: no such target `//:missing.txt`: `BUILD` declares no target `missing.txt` and there is no such file
              --> BUILD:1:31
               |
             1 | filegroup(name = "x", srcs = ["missing.txt"])
               |                               ^^^^^^^^^^^^^
               = `//:missing.txt` is in `srcs` of `//:x`
            hint: correct the label, declare `missing.txt` in `BUILD`, or create the file
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
    in_build(
        "filegroup(name = \"x\", srcs = [\"aa.txt\"])",
        "filegroup(name = \"x\", srcs = [\"a.txt\"])",
        expect![[r#"
            exit: 1
            --- stderr
            error: no such target `//:aa.txt`: `BUILD` declares no target `aa.txt` and there is no such file
              --> BUILD:1:31
               |
             1 | filegroup(name = "x", srcs = ["aa.txt"])
               |                               ^^^^^^^^
               = `//:aa.txt` is in `srcs` of `//:x`
            hint: did you mean `a.txt`?
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
}

#[test]
fn a_package_that_does_not_exist() {
    in_build(
        "filegroup(name = \"x\", srcs = [\"//lob:public\"])",
        "filegroup(name = \"x\", srcs = [\"//lib:public\"])",
        expect![[r#"
            exit: 1
            --- stderr
            error: no such package `//lob`: there is no BUILD.bazel or BUILD file in it
              --> BUILD:1:31
               |
             1 | filegroup(name = "x", srcs = ["//lob:public"])
               |                               ^^^^^^^^^^^^^^
               = `//lob:public` is in `srcs` of `//:x`
            hint: did you mean `//lib`?
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
    let workspace = check(
        "//- BUILD\nfilegroup(name = \"x\", srcs = [\"//sub/folder:y\"])\n//- sub/folder/y\ny\n",
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: no such package `//sub/folder`: there is no BUILD.bazel or BUILD file in it
              --> BUILD:1:31
               |
             1 | filegroup(name = "x", srcs = ["//sub/folder:y"])
               |                               ^^^^^^^^^^^^^^^^
               = the folder belongs to package `//`
               = `//sub/folder:y` is in `srcs` of `//:x`
            hint: create `sub/folder/BUILD.bazel`, or name what is in it as `//:sub/folder/…`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
    workspace.write(
        "BUILD",
        "filegroup(name = \"x\", srcs = [\"//:sub/folder/y\"])",
    );
    works(&workspace, "build //:x");
    check(
        "//- BUILD\nfilegroup(name = \"x\", srcs = [\"//no/such:y\"])\n",
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: no such package `//no/such`: there is no BUILD.bazel or BUILD file in it
              --> BUILD:1:31
               |
             1 | filegroup(name = "x", srcs = ["//no/such:y"])
               |                               ^^^^^^^^^^^^^
               = `//no/such:y` is in `srcs` of `//:x`
            hint: correct the label, or create `no/such/BUILD.bazel`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
}

#[test]
fn a_file_of_a_deeper_package() {
    in_build(
        "filegroup(name = \"x\", srcs = [\"a.txt\", \"lib/b.txt\"])",
        "filegroup(name = \"x\", srcs = [\"a.txt\", \"//lib:b.txt\"])",
        expect![[r#"
            exit: 1
            --- stderr
            error: label `//:lib/b.txt` crosses the boundary of package `//lib`
              --> BUILD:1:40
               |
             1 | filegroup(name = "x", srcs = ["a.txt", "lib/b.txt"])
               |                                        ^^^^^^^^^^^
               = `//:lib/b.txt` is in `srcs` of `//:x`
            hint: write `//lib:b.txt`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
}

#[test]
fn a_label_that_is_none() {
    in_build(
        "filegroup(name = \"x\", srcs = [\"//lib:public:x\"])",
        "filegroup(name = \"x\", srcs = [\"//lib:public\"])",
        expect![[r#"
            exit: 1
            --- stderr
            error: attribute `srcs` of filegroup `//:x`: invalid label `//lib:public:x`: the target name contains `:`
              --> BUILD:1:23
               |
             1 | filegroup(name = "x", srcs = ["//lib:public:x"])
               |                       ^^^^^^^^^^^^^^^^^^^^^^^^^
               = in a list
            hint: labels look like `//package:name`, `:name` or `file.txt`
        "#]],
    );
    in_build(
        "filegroup(name = \"x\", srcs = [\"./a.txt\"])",
        "filegroup(name = \"x\", srcs = [\"a.txt\"])",
        expect![[r#"
            exit: 1
            --- stderr
            error: attribute `srcs` of filegroup `//:x`: invalid label `./a.txt`: the target name has a `.` component
              --> BUILD:1:23
               |
             1 | filegroup(name = "x", srcs = ["./a.txt"])
               |                       ^^^^^^^^^^^^^^^^^^
               = in a list
            hint: labels look like `//package:name`, `:name` or `file.txt`
        "#]],
    );
}

#[test]
fn the_same_label_twice() {
    in_build(
        "filegroup(name = \"x\", srcs = [\"a.txt\", \":a.txt\"])",
        "filegroup(name = \"x\", srcs = [\"a.txt\"])",
        expect![[r#"
            exit: 1
            --- stderr
            error: attribute `srcs` of filegroup `//:x`: `//:a.txt` is listed twice
              --> BUILD:1:23
               |
             1 | filegroup(name = "x", srcs = ["a.txt", ":a.txt"])
               |                       ^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: remove one of the two
        "#]],
    );
}

#[test]
fn a_target_that_is_private() {
    let workspace = check(
        &format!("//- BUILD\nfilegroup(name = \"x\", srcs = [\"//lib:private\"])\n{FILES}"),
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: `//lib:private` is not visible to `//:x` (attribute `srcs`)
              --> BUILD:1:31
               |
             1 | filegroup(name = "x", srcs = ["//lib:private"])
               |                               ^^^^^^^^^^^^^^^
            hint: add `"//:__pkg__"` to the `visibility` of `//lib:private`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
    let cured = "filegroup(name = \"private\", visibility = [\"//:__pkg__\"])\n";
    workspace.write("lib/BUILD", cured);
    works(&workspace, "build //:x");
}

#[test]
fn a_file_that_is_private() {
    let workspace = check(
        &format!("//- BUILD\nfilegroup(name = \"x\", srcs = [\"//lib:c.txt\"])\n{FILES}"),
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: `//lib:c.txt` is not visible to `//:x` (attribute `srcs`)
              --> BUILD:1:31
               |
             1 | filegroup(name = "x", srcs = ["//lib:c.txt"])
               |                               ^^^^^^^^^^^^^
            hint: add `exports_files(["c.txt"])` to the BUILD file of `//lib`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
    workspace.write("lib/BUILD", "exports_files([\"c.txt\"])\n");
    works(&workspace, "build //:x");
}

#[test]
fn a_target_for_tests_only() {
    in_build(
        "filegroup(name = \"x\", srcs = [\":t\"])\nfilegroup(name = \"t\", testonly = True)",
        "filegroup(name = \"x\", srcs = [\":t\"], testonly = True)\nfilegroup(name = \"t\", testonly = True)",
        expect![[r#"
            exit: 1
            --- stderr
            error: `//:x` depends on `//:t`, which is for tests only (`testonly`)
              --> BUILD:1:31
               |
             1 | filegroup(name = "x", srcs = [":t"])
               |                               ^^^^
            hint: set `testonly = True` on `//:x`, or drop the dependency
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
}

#[test]
fn a_circle() {
    in_build(
        "filegroup(name = \"x\", srcs = [\":y\"])\nfilegroup(name = \"y\", srcs = [\":z\"])\nfilegroup(name = \"z\", srcs = [\":x\"])",
        "filegroup(name = \"x\", srcs = [\":y\"])\nfilegroup(name = \"y\", srcs = [\":z\"])\nfilegroup(name = \"z\")",
        expect![[r#"
            exit: 1
            --- stderr
            error: dependency cycle
              --> BUILD:1:31
               |
             1 | filegroup(name = "x", srcs = [":y"])
               |                               ^^^^
               = `//:x`
               = needs `//:y`
               = needs `//:z`
               = needs `//:x`
               = `//:y` is in `srcs` of `//:x`
            hint: drop one of these dependencies, or move what several need into a target of its own
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
}

#[test]
fn a_visibility_that_does_not_exist() {
    in_build(
        "filegroup(name = \"x\", visibility = [\"//visibility:pubic\"])",
        "filegroup(name = \"x\", visibility = [\"//visibility:public\"])",
        expect![[r#"
            exit: 1
            --- stderr
            error: attribute `visibility` of filegroup `//:x`: there is no visibility `pubic`
              --> BUILD:1:23
               |
             1 | filegroup(name = "x", visibility = ["//visibility:pubic"])
               |                       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: did you mean `public`?
        "#]],
    );
}

#[test]
fn a_repository_that_nobody_declares() {
    check(
        "//- BUILD\nfilegroup(name = \"x\", srcs = [\"@nowhere//:y\"])\n",
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: repository `@nowhere` is not available
              --> BUILD:1:31
               |
             1 | filegroup(name = "x", srcs = ["@nowhere//:y"])
               |                               ^^^^^^^^^^^^^^
               = `@nowhere//:y` is in `srcs` of `//:x`
            hint: declare it in MODULE.bazel: bazel_dep(name = "nowhere", version = "...")
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
    in_build(
        "filegroup(name = \"x\", srcs = [\"@bazel_tool//:y\"])",
        "filegroup(name = \"x\", srcs = [\"@bazel_tools//tools/cpp:empty\"])",
        expect![[r#"
            exit: 1
            --- stderr
            error: repository `@bazel_tool` is not available
              --> BUILD:1:31
               |
             1 | filegroup(name = "x", srcs = ["@bazel_tool//:y"])
               |                               ^^^^^^^^^^^^^^^^^
               = `@bazel_tool//:y` is in `srcs` of `//:x`
            hint: did you mean `bazel_tools`?
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
}
