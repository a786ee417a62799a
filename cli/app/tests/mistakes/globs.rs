//! `glob` patterns that match nothing where they must not.

use expect_test::expect;

use crate::{check, works};

#[test]
fn every_pattern_must_match() {
    let files = |glob: &str| {
        format!(
            "//- BUILD\nfilegroup(name = \"x\", srcs = {glob})\n\
             //- a.txt\na\n//- sub/b.txt\nb\n//- other/BUILD\n//- other/c.txt\nc\n"
        )
    };
    let workspace = check(
        &files("glob([\"*.txt\", \"sub/*.md\"], allow_empty = False)"),
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: `glob` pattern `sub/*.md` matches nothing
              --> BUILD:1:30
               |
             1 | filegroup(name = "x", srcs = glob(["*.txt", "sub/*.md"], allow_empty = False))
               |                              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: correct the pattern, or set `allow_empty = True`
        "#]],
    );
    workspace.write("sub/b.md", "b");
    works(&workspace, "build //:x");
    let workspace = check(
        &files("glob([\"*.txt\", \"other/*.txt\"], allow_empty = False)"),
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: `glob` pattern `other/*.txt` matches nothing
              --> BUILD:1:30
               |
             1 | filegroup(name = "x", srcs = glob(["*.txt", "other/*.txt"], allow_empty = False))
               |                              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = `other` is a package of its own, and a glob does not look into others
            hint: correct the pattern, or set `allow_empty = True`
        "#]],
    );
    workspace.remove("other/BUILD");
    works(&workspace, "build //:x");
    check(
        &files("glob([\"*.txt\"], exclude = [\"a*\"], allow_empty = False)"),
        "build //:x",
        expect![[r#"
            exit: 1
            --- stderr
            error: everything that this `glob` matches is excluded
              --> BUILD:1:30
               |
             1 | filegroup(name = "x", srcs = glob(["*.txt"], exclude = ["a*"], allow_empty = False))
               |                              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: set `allow_empty = True` if that is meant
        "#]],
    );
}

#[test]
fn a_flag_makes_that_the_default() {
    let workspace = check(
        "//- BUILD\nfilegroup(name = \"x\", srcs = glob([\"*.txt\"]))\n",
        "build //:x --incompatible_disallow_empty_glob",
        expect![[r#"
            exit: 1
            --- stderr
            error: `glob` pattern `*.txt` matches nothing
              --> BUILD:1:30
               |
             1 | filegroup(name = "x", srcs = glob(["*.txt"]))
               |                              ^^^^^^^^^^^^^^^
            hint: correct the pattern, or set `allow_empty = True`
        "#]],
    );
    works(&workspace, "build //:x");
    let allowed = "filegroup(name = \"x\", srcs = glob([\"*.txt\"], allow_empty = True))\n";
    workspace.write("BUILD", allowed);
    works(&workspace, "build //:x --incompatible_disallow_empty_glob");
}
