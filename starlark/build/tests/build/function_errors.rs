//! One snapshot for each message: native functions, phases, macros.

use expect_test::{Expect, expect};
use kiln_build::LoaderOptions;

use crate::world::{World, show};

fn check(text: &str, expect: Expect) {
    expect.assert_eq(&show(World::default().build(text, &[])));
}

fn check_bzl(bzl: &str, text: &str, expect: Expect) {
    expect.assert_eq(&show(
        World::default().build(text, &[("//q:defs.bzl", bzl)]),
    ));
}

#[test]
fn functions() {
    check(
        "package(default_visibilty = [])",
        expect![[r#"
        error: argument `default_visibilty` of `package`: there is no such argument
          --> p/BUILD:1:9
           |
         1 | package(default_visibilty = [])
           |         ^^^^^^^^^^^^^^^^^^^^^^
        hint: did you mean `default_visibility`?"#]],
    );
    check(
        "package()\npackage()",
        expect![[r#"
        error: `package` is called twice in one BUILD file
          --> p/BUILD:2:1
           |
         2 | package()
           | ^^^^^^^^^
           = first called here
          --> p/BUILD:1:1
           |
         1 | package()
           | ^^^^^^^^^"#]],
    );
    check(
        "package(features = 'x')",
        expect![[r#"
        error: argument `features` of `package`: expected a list of strings, got `"x"` of type string
          --> p/BUILD:1:9
           |
         1 | package(features = 'x')
           |         ^^^^^^^^^^^^^^"#]],
    );
    check(
        "glob(['/a'])",
        expect![[r#"
        error: argument `include` of `glob`: invalid pattern `/a`: it is absolute; patterns are relative to the package
          --> p/BUILD:1:1
           |
         1 | glob(['/a'])
           | ^^^^^^^^^^^^"#]],
    );
    check(
        "glob('*.cc')",
        expect![[r#"
        error: argument `include` of `glob`: expected a list of strings, got `"*.cc"` of type string
          --> p/BUILD:1:1
           |
         1 | glob('*.cc')
           | ^^^^^^^^^^^^"#]],
    );
    check(
        "glob(['a**'])",
        expect![[r#"
        error: argument `include` of `glob`: invalid pattern `a**`: `**` must be a whole component
          --> p/BUILD:1:1
           |
         1 | glob(['a**'])
           | ^^^^^^^^^^^^^"#]],
    );
    check(
        "glob(['../x'])",
        expect![[r#"
        error: argument `include` of `glob`: invalid pattern `../x`: it has a `.` or `..` component
          --> p/BUILD:1:1
           |
         1 | glob(['../x'])
           | ^^^^^^^^^^^^^^"#]],
    );
    check(
        "glob(['*.py'], allow_empty = False)",
        expect![[r#"
        error: `glob` pattern `*.py` matches nothing
          --> p/BUILD:1:1
           |
         1 | glob(['*.py'], allow_empty = False)
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: correct the pattern, or set `allow_empty = True`"#]],
    );
    check(
        "glob(['*.cc'], exclude = ['*.cc'], allow_empty = False)",
        expect![[r#"
            error: everything that this `glob` matches is excluded
              --> p/BUILD:1:1
               |
             1 | glob(['*.cc'], exclude = ['*.cc'], allow_empty = False)
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: set `allow_empty = True` if that is meant"#]],
    );
    check(
        "subpackages(include = ['nothing'])",
        expect![[r#"
        error: `subpackages` pattern `nothing` matches nothing
          --> p/BUILD:1:1
           |
         1 | subpackages(include = ['nothing'])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: correct the pattern, or set `allow_empty = True`"#]],
    );
    check(
        "exports_files('x')",
        expect![[r#"
        error: argument `srcs` of `exports_files`: expected a list of file names, got `"x"` of type string
          --> p/BUILD:1:1
           |
         1 | exports_files('x')
           | ^^^^^^^^^^^^^^^^^^"#]],
    );
    check(
        "exports_files(['x'])\nexports_files(['x'], visibility = [])",
        expect![[r#"
            error: exported file `x` is declared twice
              --> p/BUILD:2:1
               |
             2 | exports_files(['x'], visibility = [])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = first declared here
              --> p/BUILD:1:1
               |
             1 | exports_files(['x'])
               | ^^^^^^^^^^^^^^^^^^^^"#]],
    );
    check(
        "gen(name = 'a', out = 'x')\nexports_files(['x'])",
        expect![[r#"
            error: exported file `x` has the name of an earlier output
              --> p/BUILD:2:1
               |
             2 | exports_files(['x'])
               | ^^^^^^^^^^^^^^^^^^^^
               = first declared here
              --> p/BUILD:1:1
               |
             1 | gen(name = 'a', out = 'x')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: `exports_files` is for source files"#]],
    );
    check(
        "exports_files(['//q:x'])",
        expect![[r#"
        error: argument `srcs` of `exports_files`: `//q:x` is not in the package `//p`
          --> p/BUILD:1:1
           |
         1 | exports_files(['//q:x'])
           | ^^^^^^^^^^^^^^^^^^^^^^^^"#]],
    );
    check(
        "package_group(name = 'g', packages = ['x'])",
        expect![[r#"
            error: argument `packages` of `package_group`: invalid package `x`: it does not begin with `//`
              --> p/BUILD:1:1
               |
             1 | package_group(name = 'g', packages = ['x'])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: packages are written as `//p`, `//p/...`, `public` or `private`"#]],
    );
    check(
        "package_group(name = 'g', packages = ['//x:y'])",
        expect![[r#"
            error: argument `packages` of `package_group`: invalid package `//x:y`: it names a target, not a package
              --> p/BUILD:1:1
               |
             1 | package_group(name = 'g', packages = ['//x:y'])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: packages are written as `//p`, `//p/...`, `public` or `private`"#]],
    );
    check(
        "Label(1)",
        expect![[r#"
        error: `Label` takes a text, got `1` of type int
          --> p/BUILD:1:1
           |
         1 | Label(1)
           | ^^^^^^^^"#]],
    );
    check(
        "Label('//a:b:c')",
        expect![[r#"
        error: invalid label `//a:b:c`: the target name contains `:`
          --> p/BUILD:1:1
           |
         1 | Label('//a:b:c')
           | ^^^^^^^^^^^^^^^^"#]],
    );
    check(
        "cc_librry(name = 'x')",
        expect![[r#"
            error: `cc_librry` is not defined
              --> p/BUILD:1:1
               |
             1 | cc_librry(name = 'x')
               | ^^^^^^^^^
            hint: names defined here: False, Label, None, True, abs, all, any, bool, bytes, chr, dict, dir, distribs, enumerate, existing_rule, existing_rules, exports_files, fail, float, gen, getattr, glob, hasattr, hash, int, json, len, licenses, list, max, min, module_name, module_version, ord, package, package_group, package_name, package_relative_label, parametrize, print, range, repo_name, repository_name, repr, reversed, select, set, sorted, str, strict, subpackages, templated, thing, tuple, type, wrapped, zip"#]],
    );
    check(
        "thin(name = 'x')",
        expect![[r#"
        error: `thin` is not defined
          --> p/BUILD:1:1
           |
         1 | thin(name = 'x')
           | ^^^^
        hint: did you mean `thing`?"#]],
    );
    check(
        "x = glob(['*.cc']) + 1",
        expect![[r#"
            error: operation `+` not supported for types `list` and `int`
              --> p/BUILD:1:5
               |
             1 | x = glob(['*.cc']) + 1
               |     ^^^^^^^^^^^^^^^^^^
            hint: put the other value into a list: `[…]`"#]],
    );
}

#[test]
fn empty_globs_can_be_forbidden() {
    let world = World::new(LoaderOptions {
        allow_empty_glob: false,
    });
    expect![[r#"
        error: `glob` pattern `*.py` matches nothing
          --> p/BUILD:1:1
           |
         1 | glob(['*.cc', '*.py'])
           | ^^^^^^^^^^^^^^^^^^^^^^
        hint: correct the pattern, or set `allow_empty = True`"#]]
    .assert_eq(&show(world.build("glob(['*.cc', '*.py'])", &[])));
    expect![[r#""#]].assert_eq(&show(
        world.build("glob(['*.py'], allow_empty = True)", &[]),
    ));
}

#[test]
fn wrong_phase() {
    let load = "load('//q:defs.bzl', 'x')";
    check_bzl(
        "native.thing(name = 'a')",
        load,
        expect![[r#"
        error: rule `thing` is for BUILD files and macros; it cannot be called while a .bzl file is loaded
          --> q/defs.bzl:1:1
           |
         1 | native.thing(name = 'a')
           | ^^^^^^^^^^^^^^^^^^^^^^^^
        hint: call it in a function that a BUILD file calls"#]],
    );
    check_bzl(
        "x = native.glob(['*'])",
        load,
        expect![[r#"
        error: `glob` is for BUILD files and macros; it cannot be called while a .bzl file is loaded
          --> q/defs.bzl:1:5
           |
         1 | x = native.glob(['*'])
           |     ^^^^^^^^^^^^^^^^^^
        hint: call it in a function that a BUILD file calls"#]],
    );
    check_bzl(
        "def x(): visibility('public')",
        "load('//q:defs.bzl', 'x')\nx()",
        expect![[r#"
            error: `visibility` is for the top level of .bzl files
              --> q/defs.bzl:1:10
               |
             1 | def x(): visibility('public')
               |          ^^^^^^^^^^^^^^^^^^^^
               = `x` was called from p/BUILD:2:1"#]],
    );
    check_bzl(
        "native.thong(name = 'a')",
        load,
        expect![[r#"
            error: object of type `namespace` has no attribute `thong`
              --> q/defs.bzl:1:1
               |
             1 | native.thong(name = 'a')
               | ^^^^^^^^^^^^^^^^^^^^^^^^
            hint: did you mean `thing`?"#]],
    );
}

#[test]
fn macros() {
    check_bzl(
        "def m(name):\n    native.thing(\n        name = name,\n        srcs = 7,\n    )",
        "load('//q:defs.bzl', 'm')\nm(name = 'x')",
        expect![[r#"
            error: attribute `srcs` of thing `//p:x`: expected a list of labels, got `7` of type int
              --> q/defs.bzl:4:9
               |
             4 |         srcs = 7,
               |         ^^^^^^^^
               = `m` was called from p/BUILD:2:1
            hint: write a list: `["file.txt", ":target"]`"#]],
    );
    check_bzl(
        "def m(name, **kwargs):\n    native.thing(name = name, **kwargs)",
        "load('//q:defs.bzl', 'm')\nm(name = 'x', scrs = [])",
        expect![[r#"
            error: `thing` has no attribute `scrs` (target `//p:x`)
              --> q/defs.bzl:2:5
               |
             2 |     native.thing(name = name, **kwargs)
               |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = it has deps, flag, labels, lists, name, number, numbers, one, srcs, testonly, text, texts, tools, words
               = `m` was called from p/BUILD:2:1
            hint: did you mean `srcs`?"#]],
    );
    check_bzl(
        "x = 1",
        "load('//q:defs.bzl', 'y')",
        expect![[r#"
        error: `//q:defs.bzl` has no symbol `y`
          --> p/BUILD:1:22
           |
         1 | load('//q:defs.bzl', 'y')
           |                      ^^^
           = it exports x
        hint: did you mean `x`?"#]],
    );
}
