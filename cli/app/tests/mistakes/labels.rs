//! Labels that lead nowhere, or where they must not.

use expect_test::expect;

use crate::check;

#[test]
fn labels() {
    check(
        "//- BUILD\nfilegroup(name = \"x\", srcs = [\":misspelt\"])\nfilegroup(name = \"mispelt\")\n",
        "build //:x",
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
    check(
        "//- BUILD\nfilegroup(name = \"x\", srcs = [\"missing.txt\"])\n",
        "build //:x",
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
    check(
        "//- BUILD\nfilegroup(name = \"x\")\n",
        "build //:z",
        expect![[r#"
        exit: 1
        --- stderr
        error: no such target `//:z`: `BUILD` declares no target `z` and there is no such file
        hint: did you mean `x`?
    "#]],
    );
    check(
        "//- BUILD\nfilegroup(name = \"x\")\n",
        "build //no/such/...",
        expect![[r#"
        exit: 2
        --- stderr
        error: target pattern `//no/such/...` matches nothing: no package at or below `//no/such`
        hint: a package is a folder with a BUILD.bazel or BUILD file
    "#]],
    );
    check(
        "//- BUILD\nfilegroup(name = \"a\", srcs = [\":b\"])\nfilegroup(name = \"b\", srcs = [\":a\"])\n",
        "build //:a",
        expect![[r#"
            exit: 1
            --- stderr
            error: dependency cycle
              --> BUILD:1:31
               |
             1 | filegroup(name = "a", srcs = [":b"])
               |                               ^^^^
               = `//:a`
               = needs `//:b`
               = needs `//:a`
               = `//:b` is in `srcs` of `//:a`
            hint: drop one of these dependencies, or move what several need into a target of its own
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
    check(
        "//- a/BUILD\nfilegroup(name = \"a\")\n//- BUILD\nfilegroup(name = \"x\", srcs = [\"//a\"])\n",
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: `//a:a` is not visible to `//:x` (attribute `srcs`)
              --> BUILD:1:31
               |
             1 | filegroup(name = "x", srcs = ["//a"])
               |                               ^^^^^
            hint: add `"//:__pkg__"` to the `visibility` of `//a:a`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
}
