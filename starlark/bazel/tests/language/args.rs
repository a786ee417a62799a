//! `Args`.

use expect_test::{Expect, expect};

use super::check_body;

/// A rule that runs a program with `args`; `a` and `b` are files, `d` is a folder it makes.
fn args(body: &str, expect: Expect) {
    let body = format!(
        "    a, b = ctx.files.srcs\n    d = ctx.actions.declare_directory('d')\n    args = ctx.actions.args()\n{}\n    ctx.actions.run(outputs = [d], executable = 'x', arguments = [args])\n",
        body.trim_matches('\n')
    );
    let attrs =
        r#""srcs": attr.label_list(default = ["//:a.txt", "//:b.txt"], allow_files = True)"#;
    check_body(&body, attrs, "", "", expect);
}

#[test]
fn add() {
    args(
        r#"
    args.add("x").add("--n", 3).add("--f", a).add(a, format = "-I%s").add(Label("//p:q")).add("y", format = "%%%s%%")
"#,
        expect![[r#"
            Action -> kiln-out/fastbuild/bin/d
              argv: x
              argv: x --n 3 --f <a.txt> <a.txt as -I%s> @@//p:q %y%
        "#]],
    );
}

#[test]
fn add_all() {
    args(
        r#"
    args.add_all("--srcs", [a, b, "text", 3], before_each = "-i", format_each = "<%s>", terminate_with = "--")
    args.add_all([])
    args.add_all("--empty", [], omit_if_empty = False)
    args.add_all(["x", "y", "x"], uniquify = True)
    args.add_all(depset([a, b]), before_each = "-d", expand_directories = False)
    args.add_all("--deep", depset(["p", "q"]))
    args.add_all([a, d], format_each = "-%s")
"#,
        expect![[r#"
            Action -> kiln-out/fastbuild/bin/d
              argv: x
              argv: --srcs -i <a.txt as <%s>> -i <b.txt as <%s>> -i <text> -i <3> -- --empty x y [a.txt b.txt before=-d no-expand] --deep p q <a.txt as -%s> [kiln-out/fastbuild/bin/d each=-%s]
        "#]],
    );
}

#[test]
fn map_each() {
    args(
        r#"
    args.add_all(depset([a, b]), map_each = lambda f: None if f == a else ["-f", f.basename])
    args.add_all([d], map_each = lambda f: f.path, expand_directories = False)
"#,
        expect![[r#"
            Action -> kiln-out/fastbuild/bin/d
              argv: x
              argv: -f b.txt kiln-out/fastbuild/bin/d
        "#]],
    );
}

#[test]
fn add_joined() {
    args(
        r#"
    args.add_joined("--j", [a, b, "z"], join_with = ",", format_each = "[%s]", format_joined = "(%s)")
    args.add_joined([], join_with = ",")
    args.add_joined("--e", [], join_with = ",", omit_if_empty = False)
    args.add_joined(depset([a]), join_with = ":", uniquify = True)
    args.add_joined([d, a], join_with = ":")
"#,
        expect![[r#"
            Action -> kiln-out/fastbuild/bin/d
              argv: x
              argv: --j ([a.txt],[b.txt],[z]) --e  [a.txt join=: unique] [kiln-out/fastbuild/bin/d a.txt join=:]
        "#]],
    );
}

#[test]
fn param_files() {
    args(
        r#"
    args.add(a).use_param_file("@%s", use_always = True).set_param_file_format("multiline")
"#,
        expect![[r#"
            Action -> kiln-out/fastbuild/bin/d
              argv: x
              argv: <a.txt> (param file @%s Multiline always=true)
        "#]],
    );
}

#[test]
fn mistakes() {
    args(
        "    args.add([a])",
        expect![[r#"
        error: `add` takes a string, number, label or file, and got `list`
          --> d.bzl:5:5
           |
         5 |     args.add([a])
           |     ^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
        hint: use `add_all` or `add_joined`
    "#]],
    );
    args(
        "    args.add(d)",
        expect![[r#"
        error: `add` takes no directory (`d`): it may stand for many files
          --> d.bzl:5:5
           |
         5 |     args.add(d)
           |     ^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
        hint: use `add_all([directory])`, with `expand_directories = False` for its path
    "#]],
    );
    args(
        "    args.add(3, 'x')",
        expect![[r#"
        error: the name of an argument must be a string, and is `int`
          --> d.bzl:5:5
           |
         5 |     args.add(3, 'x')
           |     ^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    args(
        "    args.add('x', format = 'y')",
        expect![[r#"
        error: `format` must contain `%s` once, and no other `%` (write `%%` for one): `y`
          --> d.bzl:5:5
           |
         5 |     args.add('x', format = 'y')
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    args(
        "    args.add_all('x')",
        expect![[r#"
        error: `add_all` takes a list or depset, and got `string`
          --> d.bzl:5:5
           |
         5 |     args.add_all('x')
           |     ^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    args(
        "    args.add_all([struct()])",
        expect![[r#"
        error: members of `add_all` must be strings, numbers, labels or files, and one is `struct`
          --> d.bzl:5:5
           |
         5 |     args.add_all([struct()])
           |     ^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
        hint: `map_each` takes a function that makes a string of a member
    "#]],
    );
    args(
        "    args.add_all([a], map_each = lambda f: 3)",
        expect![[r#"
        error: `map_each` must return a string, a list of strings, or None, and returned `int`
          --> d.bzl:5:5
           |
         5 |     args.add_all([a], map_each = lambda f: 3)
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    args(
        "    args.add_all([d], map_each = lambda f: f.path)",
        expect![[r#"
        error: `map_each` met the directory `d`, whose files are known only after its action has run
          --> d.bzl:5:5
           |
         5 |     args.add_all([d], map_each = lambda f: f.path)
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
        hint: `expand_directories = False` gives the directory itself to the function
    "#]],
    );
    args(
        "    args.add_joined(['s', d], join_with = ',')",
        expect![[r#"
        error: `add_joined` cannot join strings (`s`) with directories that are expanded
          --> d.bzl:5:5
           |
         5 |     args.add_joined(['s', d], join_with = ',')
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    args(
        "    args.use_param_file('@')",
        expect![[r#"
        error: `param_file_arg` must contain `%s` once, and no other `%` (write `%%` for one): `@`
          --> d.bzl:5:5
           |
         5 |     args.use_param_file('@')
           |     ^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    args(
        "    args.set_param_file_format('lines')",
        expect![[r#"
        error: `lines` is no format of param files
          --> d.bzl:5:5
           |
         5 |     args.set_param_file_format('lines')
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = formats are `shell`, `multiline` and `flag_per_line`
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    args(
        "    args.add_all([a], map_each = lambda f: f.nothing)",
        expect![[r#"
        error: object of type `File` has no attribute `nothing`
          --> d.bzl:5:44
           |
         5 |     args.add_all([a], map_each = lambda f: f.nothing)
           |                                            ^^^^^^^^^
           = `add_all` was called from d.bzl:5:5
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
}
