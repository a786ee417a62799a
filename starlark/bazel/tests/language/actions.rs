//! `ctx.actions`.

use expect_test::{Expect, expect};

use super::{check, check_body};

/// A rule whose body makes actions; `src` is `a.txt`.
fn actions(body: &str, expect: Expect) {
    let attrs = r#""src": attr.label(default = "//:a.txt", allow_single_file = True)"#;
    let body = format!(
        "    src = ctx.file.src\n    declare = ctx.actions.declare_file\n{}",
        body.trim_matches('\n')
    );
    check_body(&body, attrs, "", "", expect);
}

#[test]
fn run() {
    actions(
        r#"
    out = declare("out.o")
    args = ctx.actions.args().add("-o", out).add(src, format = "--in=%s")
    ctx.actions.run(
        outputs = [out, declare("out.d")],
        inputs = depset([src]),
        executable = "/usr/bin/cc",
        arguments = ["-c", args, "-x", src],
        mnemonic = "Compile",
        progress_message = "Compiling %{input} for %{label} to %{output}",
        env = {"B": "2", "A": "1"},
        use_default_shell_env = True,
        execution_requirements = {"no-cache": ""},
    )
"#,
        expect![[r#"
            Compile -> kiln-out/fastbuild/bin/out.o kiln-out/fastbuild/bin/out.d
              progress: Compiling a.txt for //:x to kiln-out/fastbuild/bin/out.o
              argv: /usr/bin/cc
              argv: -c
              argv: -o <kiln-out/fastbuild/bin/out.o> <a.txt as --in=%s>
              argv: -x <a.txt>
              inputs: a.txt
              env: A=1 B=2
              env: default
              requirements: no-cache=
        "#]],
    );
}

#[test]
fn run_shell() {
    actions(
        r#"
    out = declare("out")
    ctx.actions.run_shell(outputs = [out], inputs = [src], command = "cat $1 > $2", arguments = [src.path, out.path])
    ctx.actions.run_shell(outputs = [declare("other")], command = "true")
"#,
        expect![[r#"
            Action -> kiln-out/fastbuild/bin/out
              argv: /bin/bash -c cat $1 > $2 
              argv: a.txt kiln-out/fastbuild/bin/out
              inputs: a.txt
            Action -> kiln-out/fastbuild/bin/other
              argv: /bin/bash -c true
        "#]],
    );
}

#[test]
fn tools_bring_their_runfiles() {
    check(
        r#"
=== d.bzl
def _tool(ctx):
    out = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(out, "program", is_executable = True)
    return DefaultInfo(executable = out, runfiles = ctx.runfiles(ctx.files.data))

tool = rule(_tool, executable = True, attrs = {"data": attr.label_list(allow_files = True)})

def _impl(ctx):
    a, b, c = [ctx.actions.declare_file(n) for n in ["a", "b", "c"]]
    ctx.actions.run(outputs = [a], executable = ctx.executable._tool)
    ctx.actions.run(outputs = [b], executable = ctx.attr._tool[DefaultInfo].files_to_run)
    ctx.actions.run_shell(outputs = [c], command = "x", tools = [ctx.attr._tool.files_to_run, ctx.file.data, depset([ctx.file.data])])

mine = rule(_impl, attrs = {
    "_tool": attr.label(default = "//:tool", executable = True, cfg = "exec"),
    "data": attr.label(default = "//:data.txt", allow_single_file = True),
})
=== data.txt
=== BUILD
load(":d.bzl", "mine", "tool")
tool(name = "tool", data = ["data.txt"])
mine(name = "x")
"#,
        expect![[r#"
            Action -> kiln-out/fastbuild/bin/a
              argv: <kiln-out/exec-opt/bin/tool>
              tool: kiln-out/exec-opt/bin/tool with _main/data.txt _main/tool
            Action -> kiln-out/fastbuild/bin/b
              argv: <kiln-out/exec-opt/bin/tool>
              tool: kiln-out/exec-opt/bin/tool with _main/data.txt _main/tool
            Action -> kiln-out/fastbuild/bin/c
              argv: /bin/bash -c x
              inputs: data.txt
              tool: kiln-out/exec-opt/bin/tool with _main/data.txt _main/tool
        "#]],
    );
}

#[test]
fn files_and_links() {
    actions(
        r#"
    ctx.actions.write(declare("w"), "text\n", is_executable = True)
    ctx.actions.write(declare("args"), ctx.actions.args().add_all([src]).set_param_file_format("multiline"))
    ctx.actions.symlink(output = declare("link"), target_file = src, is_executable = True)
    ctx.actions.symlink(output = ctx.actions.declare_symlink("raw"), target_path = "../else")
    ctx.actions.expand_template(
        template = src,
        output = declare("t"),
        substitutions = {"{A}": "1", "{B}": "2"},
        is_executable = True,
        computed_substitutions = ctx.actions.template_dict()
            .add("{C}", "3")
            .add_joined("{D}", depset([src]), join_with = ",", map_each = lambda f: f.basename),
    )
    d = ctx.actions.declare_directory("dir")
    ctx.actions.run_shell(outputs = [d], command = "x")
    ctx.actions.declare_file("near", sibling = d)
    ctx.actions.write(declare("near"), "")
    ctx.actions.do_nothing(mnemonic = "Nothing", inputs = [])
"#,
        expect![[r#"
            FileWrite -> kiln-out/fastbuild/bin/w
              program: "text\n"
            FileWrite -> kiln-out/fastbuild/bin/args
              args: <a.txt> (param file %s Multiline always=true)
            ExecutableSymlink -> kiln-out/fastbuild/bin/link
              program link: a.txt
            UnresolvedSymlink -> kiln-out/fastbuild/bin/raw
              raw link: ../else
            TemplateExpand -> kiln-out/fastbuild/bin/t
              template: a.txt
              replace: "{A}" by "1"
              replace: "{B}" by "2"
              replace: "{C}" by "3"
              replace: "{D}" by "a.txt"
              executable: yes
            Action -> kiln-out/fastbuild/bin/dir
              argv: /bin/bash -c x
            FileWrite -> kiln-out/fastbuild/bin/near
              content: ""
        "#]],
    );
}

#[test]
fn tags_are_requirements() {
    check_body(
        r#"
    ctx.actions.run_shell(outputs = [ctx.actions.declare_file("a")], command = "x", execution_requirements = {"timeout": "3"})
"#,
        "",
        r#"tags = ["manual", "requires-network", "cpu:4", "local"]"#,
        "",
        expect![[r#"
            Action -> kiln-out/fastbuild/bin/a
              argv: /bin/bash -c x
              requirements: cpu:4= local= requires-network= timeout=3
        "#]],
    );
}

#[test]
fn status_files() {
    actions(
        r#"
    out = declare("o")
    ctx.actions.run_shell(outputs = [out], inputs = [ctx.version_file, ctx.info_file], command = "x")
"#,
        expect![[r#"
            Action -> kiln-out/fastbuild/bin/o
              argv: /bin/bash -c x
              inputs: bazel-out/volatile-status.txt bazel-out/stable-status.txt
        "#]],
    );
}

#[test]
fn mistakes_in_outputs() {
    actions(
        "    declare('o')",
        expect![[r#"
        error: no action makes `o`, which is declared as an output
          --> d.bzl:4:5
           |
         4 |     declare('o')
           |     ^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    actions(
        "    [ctx.actions.write(declare('o'), t) for t in ['a', 'b']]",
        expect![[r#"
        error: two actions make `o`
          --> d.bzl:4:6
           |
         4 |     [ctx.actions.write(declare('o'), t) for t in ['a', 'b']]
           |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = the first one is here
          --> d.bzl:4:6
           |
         4 |     [ctx.actions.write(declare('o'), t) for t in ['a', 'b']]
           |      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    actions(
        "    ctx.actions.write(src, '')",
        expect![[r#"
        error: `a.txt` cannot be an output: it is no file that this target declares
          --> d.bzl:4:5
           |
         4 |     ctx.actions.write(src, '')
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^
           = it is a source file
           = in `//:x` (mine, declared at BUILD:3:1)
        hint: declare outputs by `ctx.actions.declare_file`
    "#]],
    );
    actions(
        "    declare('../o')",
        expect![[r#"
        error: `../o` is no name of an output: it is not normalized
          --> d.bzl:4:5
           |
         4 |     declare('../o')
           |     ^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    actions(
        "    declare('/o')",
        expect![[r#"
        error: `/o` is no name of an output: it is absolute
          --> d.bzl:4:5
           |
         4 |     declare('/o')
           |     ^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    actions(
        "    declare('')",
        expect![[r#"
        error: `` is no name of an output: it is empty
          --> d.bzl:4:5
           |
         4 |     declare('')
           |     ^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    actions(
        "    declare('o')\n    ctx.actions.declare_directory('o')",
        expect![[r#"
        error: `o` is declared as a file and as a directory
          --> d.bzl:5:5
           |
         5 |     ctx.actions.declare_directory('o')
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = first declared here
          --> d.bzl:4:5
           |
         4 |     declare('o')
           |     ^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    actions(
        "    ctx.actions.run(outputs = [], executable = 'x')",
        expect![[r#"
        error: `outputs` is empty: an action must make something
          --> d.bzl:4:5
           |
         4 |     ctx.actions.run(outputs = [], executable = 'x')
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
        hint: `ctx.actions.do_nothing` is for actions that make nothing
    "#]],
    );
    actions(
        "    ctx.actions.run(outputs = ['o'], executable = 'x')",
        expect![[r#"
        error: `outputs` takes files, and got `string` ("o")
          --> d.bzl:4:5
           |
         4 |     ctx.actions.run(outputs = ['o'], executable = 'x')
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    actions(
        "    ctx.actions.run(outputs = 'o', executable = 'x')",
        expect![[r#"
        error: `outputs` takes a list or depset of files, and got `string`
          --> d.bzl:4:5
           |
         4 |     ctx.actions.run(outputs = 'o', executable = 'x')
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
}

#[test]
fn mistakes_in_inputs() {
    let run = |rest: &str| format!("    ctx.actions.run(outputs = [declare('o')], {rest})");
    actions(
        &run("executable = 3"),
        expect![[r#"
        error: `executable` takes a file, a string or `FilesToRunProvider`, and got `int`
          --> d.bzl:4:5
           |
         4 |     ctx.actions.run(outputs = [declare('o')], executable = 3)
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    actions(
        &run("executable = 'x', inputs = ['a']"),
        expect![[r#"
        error: `inputs` takes files, and got `string` ("a")
          --> d.bzl:4:5
           |
         4 |     ctx.actions.run(outputs = [declare('o')], executable = 'x', inputs = ['a'])
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    actions(
        &run("executable = 'x', inputs = depset(['a'])"),
        expect![[r#"
        error: `inputs` takes files, and got a depset of `string`
          --> d.bzl:4:5
           |
         4 |     ctx.actions.run(outputs = [declare('o')], executable = 'x', inputs = depset(['a']))
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    actions(
        &run("executable = 'x', arguments = [3]"),
        expect![[r#"
        error: `arguments` takes strings, files and `Args`, and got `int`
          --> d.bzl:4:5
           |
         4 |     ctx.actions.run(outputs = [declare('o')], executable = 'x', arguments = [3])
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    actions(
        &run("executable = 'x', arguments = 'a b'"),
        expect![[r#"
        error: `arguments` takes a list, and got `string`
          --> d.bzl:4:5
           |
         4 |     ctx.actions.run(outputs = [declare('o')], executable = 'x', arguments = 'a b')
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    actions(
        &run("executable = 'x', mnemonic = 'My-Action'"),
        expect![[r#"
        error: a mnemonic has letters and digits only, and `My-Action` has `-`
          --> d.bzl:4:5
           |
         4 |     ctx.actions.run(outputs = [declare('o')], executable = 'x', mnemonic = 'My-Action')
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    actions(
        &run("executable = 'x', env = {'A': 1}"),
        expect![[r#"
        error: `env` takes a dict of strings, and has `"A": 1`
          --> d.bzl:4:5
           |
         4 |     ctx.actions.run(outputs = [declare('o')], executable = 'x', env = {'A': 1})
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    actions(
        &run("executable = 'x', tools = [3]"),
        expect![[r#"
        error: `tools` takes files, depsets of files and `FilesToRunProvider`, and got `int`
          --> d.bzl:4:5
           |
         4 |     ctx.actions.run(outputs = [declare('o')], executable = 'x', tools = [3])
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    actions(
        &run("executable = 'x', input = []"),
        expect![[r#"
            error: `run` has no parameter `input`
              --> d.bzl:4:5
               |
             4 |     ctx.actions.run(outputs = [declare('o')], executable = 'x', input = [])
               |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `//:x` (mine, declared at BUILD:3:1)
            hint: remove it, or correct its name
        "#]],
    );
    actions(
        "    ctx.actions.write(declare('o'), 3)",
        expect![[r#"
        error: `content` takes a string or `Args`, and got `int`
          --> d.bzl:4:5
           |
         4 |     ctx.actions.write(declare('o'), 3)
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    actions(
        "    ctx.actions.symlink(output = declare('o'))",
        expect![[r#"
        error: `symlink` takes either `target_file` or `target_path`
          --> d.bzl:4:5
           |
         4 |     ctx.actions.symlink(output = declare('o'))
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
    actions(
        "    ctx.actions.symlink(output = declare('o'), target_path = 'x')",
        expect![[r#"
        error: `target_path` goes with an output made by `declare_symlink`, and `o` is none
          --> d.bzl:4:5
           |
         4 |     ctx.actions.symlink(output = declare('o'), target_path = 'x')
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
        hint: use `target_file` for a link to a file
    "#]],
    );
    actions(
        "    ctx.actions.symlink(output = ctx.actions.declare_symlink('o'), target_file = src)",
        expect![[r#"
        error: `o` was made by `declare_symlink`, which goes with `target_path`
          --> d.bzl:4:5
           |
         4 |     ctx.actions.symlink(output = ctx.actions.declare_symlink('o'), target_file = src)
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
        hint: use `declare_file` for a link to a file
    "#]],
    );
    actions(
        "    ctx.actions.expand_template(template = src, output = declare('o'), substitutions = {'a': 1})",
        expect![[r#"
        error: `substitutions` takes a dict of strings, and has `"a": 1`
          --> d.bzl:4:5
           |
         4 |     ctx.actions.expand_template(template = src, output = declare('o'), substitutions = {'a': 1})
           |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:3:1)
    "#]],
    );
}
