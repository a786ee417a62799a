//! Providers and dependencies.

use expect_test::expect;

use super::{check, check_body};

#[test]
fn providers_reach_dependents() {
    check(
        r#"
=== d.bzl
Info = provider(fields = ["names", "files"])

def _impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name + ".txt")
    ctx.actions.write(out, ctx.attr.text)
    infos = [dep[Info] for dep in ctx.attr.deps if Info in dep]
    return [
        DefaultInfo(files = depset([out])),
        Info(
            names = depset([ctx.label.name], transitive = [info.names for info in infos]),
            files = depset([out], transitive = [info.files for info in infos]),
        ),
    ]

text = rule(_impl, attrs = {
    "text": attr.string(mandatory = True),
    "deps": attr.label_list(providers = [Info]),
})
=== BUILD
load(":d.bzl", "text")
text(name = "a", text = "A")
text(name = "b", text = "B", deps = [":a"])
text(name = "c", text = "C", deps = [":a"])
alias(name = "aliased", actual = ":c")
text(name = "x", text = "hello", deps = [":b", ":aliased"])
"#,
        expect![[r#"
            files: kiln-out/fastbuild/bin/x.txt
            provider: Info(files = depset([<generated file a.txt>, <generated file b.txt>, <generated file c.txt>, <generated file x.txt>]), names = depset([depset([depset(["a"]), "b"]), depset([depset(["a"]), "c"]), "x"]))
            FileWrite -> kiln-out/fastbuild/bin/x.txt
              content: "hello"
        "#]],
    );
}

#[test]
fn attributes_of_all_kinds() {
    check_body(
        r#"
    a = ctx.attr
    print(a.b, a.i, a.s, a.sl, a.sd, a.sld, a.il)
    print(a.l, a.ll, a.lsd, a.sld2, a.none, a.empty)
    print(a.name, a.tags, a.testonly, a.visibility, a.features)
    print(a._private, a.o, a.ol, ctx.outputs.o, ctx.outputs.ol)
    for f in [ctx.outputs.o] + ctx.outputs.ol:
        ctx.actions.write(f, "")
"#,
        r#"
    "b": attr.bool(), "i": attr.int(default = 3), "s": attr.string(), "sl": attr.string_list(),
    "sd": attr.string_dict(), "sld": attr.string_list_dict(), "il": attr.int_list(),
    "l": attr.label(allow_files = True), "ll": attr.label_list(allow_files = True),
    "lsd": attr.label_keyed_string_dict(allow_files = True),
    "sld2": attr.string_keyed_label_dict(allow_files = True),
    "none": attr.label(), "empty": attr.label_list(),
    "o": attr.output(), "ol": attr.output_list(),
    "_private": attr.label(default = "//:a.txt", allow_single_file = True),
"#,
        r#"
    b = True, s = "t", sl = ["a", "b"], sd = {"k": "v"}, sld = {"k": ["v", "w"]}, il = [1, 2],
    l = "a.txt", ll = ["a.txt", ":b.txt"], lsd = {"a.txt": "one"}, sld2 = {"one": "b.txt"},
    tags = ["manual"], o = "out.o", ol = ["o1", "sub/o2"],
"#,
        "",
        expect![[r#"
            files: kiln-out/fastbuild/bin/out.o kiln-out/fastbuild/bin/o1 kiln-out/fastbuild/bin/sub/o2
            FileWrite -> kiln-out/fastbuild/bin/out.o
              content: ""
            FileWrite -> kiln-out/fastbuild/bin/o1
              content: ""
            FileWrite -> kiln-out/fastbuild/bin/sub/o2
              content: ""
            prints: True 3 t ["a", "b"] {"k": "v"} {"k": ["v", "w"]} [1, 2]
            prints: <input file target //:a.txt> [<input file target //:a.txt>, <input file target //:b.txt>] {<input file target //:a.txt>: "one"} {"one": <input file target //:b.txt>} None []
            prints: x ["manual"] False [] []
            prints: <input file target //:a.txt> @@//:out.o [@@//:o1, @@//:sub/o2] <generated file out.o> [<generated file o1>, <generated file sub/o2>]
        "#]],
    );
}

#[test]
fn files_of_dependencies() {
    check_body(
        r#"
    print(ctx.files.srcs, ctx.file.one, ctx.executable.tool)
    print(dir(ctx.file), dir(ctx.executable))
    src = ctx.attr.srcs[0]
    print(src, src.label, src.files, src[DefaultInfo].files_to_run.executable)
    print(src.data_runfiles.files, src.default_runfiles.files)
    print(ctx.attr.tool.label, ctx.attr.tool.files_to_run.executable)
    print(ctx.split_attr.one)
"#,
        r#"
    "srcs": attr.label_list(allow_files = [".txt"]),
    "one": attr.label(allow_single_file = True),
    "tool": attr.label(executable = True, cfg = "exec", allow_files = True),
"#,
        r#"srcs = ["a.txt", ":group"], one = "b.txt", tool = "c.cc""#,
        r#"filegroup(name = "group", srcs = ["b.txt", "a.txt"])"#,
        expect![[r#"
            prints: [<source file a.txt>, <source file b.txt>] <source file b.txt> <source file c.cc>
            prints: ["one"] ["tool"]
            prints: <input file target //:a.txt> @@//:a.txt depset([<source file a.txt>]) <source file a.txt>
            prints: depset([]) depset([])
            prints: @@//:c.cc <source file c.cc>
            prints: {None: <input file target //:b.txt>}
        "#]],
    );
}

#[test]
fn the_context() {
    check_body(
        r#"
    print(ctx, ctx.label, ctx.workspace_name, ctx.build_file_path)
    print(ctx.bin_dir.path, ctx.genfiles_dir.path)
    print(ctx.var["COMPILATION_MODE"], ctx.configuration.coverage_enabled, ctx.configuration.host_path_separator)
    print(ctx.fragments.cpp.copts, ctx.features, ctx.disabled_features)
    print(ctx.coverage_instrumented(), ctx.aspect_ids)
    print(ctx.package_relative_label("//p:q"), ctx.package_relative_label(":q"))
    print(ctx.tokenize("a 'b c'"))
    f = ctx.actions.declare_file("d/f.tar.gz")
    ctx.actions.write(f, "")
    print(f, f.path.startswith(ctx.bin_dir.path + "/"), f.root.path == ctx.bin_dir.path)
    print(f.short_path, f.basename, f.dirname, f.extension, f.is_source, f.is_directory, f.owner)
"#,
        r#""srcs": attr.label_list()"#,
        r#"features = ["a", "-b"]"#,
        r#"package(features = ["b", "c"])"#,
        expect![[r#"
            FileWrite -> kiln-out/fastbuild/bin/d/f.tar.gz
              content: ""
            prints: <rule context for //:x> @@//:x _main BUILD
            prints: kiln-out/fastbuild/bin kiln-out/fastbuild/bin
            prints: fastbuild False :
            prints: [] ["c", "a"] ["b"]
            prints: False []
            prints: @@//p:q @@//:q
            prints: ["a", "b c"]
            prints: <generated file d/f.tar.gz> True True
            prints: d/f.tar.gz f.tar.gz kiln-out/fastbuild/bin/d gz False False @@//:x
        "#]],
    );
}

#[test]
fn default_outputs_without_default_info() {
    check(
        r#"
=== d.bzl
def _impl(ctx):
    ctx.actions.write(ctx.outputs.out, "a")
    ctx.actions.write(ctx.outputs.log, "b")

mine = rule(_impl, attrs = {"out": attr.output(), "kind": attr.string()}, outputs = {"log": "%{name}.%{kind}.log"})
=== BUILD
load(":d.bzl", "mine")
mine(name = "x", out = "x.txt", kind = "k")
"#,
        expect![[r#"
            files: kiln-out/fastbuild/bin/x.txt kiln-out/fastbuild/bin/x.k.log
            FileWrite -> kiln-out/fastbuild/bin/x.txt
              content: "a"
            FileWrite -> kiln-out/fastbuild/bin/x.k.log
              content: "b"
        "#]],
    );
}

#[test]
fn old_rules_return_structs() {
    check_body(
        r#"
    f = ctx.actions.declare_file("f")
    ctx.actions.write(f, "")
    return struct(files = depset([f]), runfiles = ctx.runfiles([f]), providers = [OutputGroupInfo(g = [f])])
"#,
        "",
        "",
        "",
        expect![[r#"
            files: kiln-out/fastbuild/bin/f
            runfiles: _main/f
            group g: kiln-out/fastbuild/bin/f
            provider: OutputGroupInfo(g = depset([<generated file f>]))
            FileWrite -> kiln-out/fastbuild/bin/f
              content: ""
        "#]],
    );
}

#[test]
fn output_groups() {
    check(
        r#"
=== d.bzl
def _a(ctx):
    f = ctx.actions.declare_file("f")
    ctx.actions.write(f, "")
    return [OutputGroupInfo(g = depset([f]), h = [f])]

def _b(ctx):
    groups = ctx.attr.dep[OutputGroupInfo]
    print("g" in groups, "z" in groups, groups.g, groups["h"], [name for name in groups])
    print(ctx.attr.dep.output_groups.g)
    return DefaultInfo(files = groups.g)

a = rule(_a)
b = rule(_b, attrs = {"dep": attr.label()})
=== BUILD
load(":d.bzl", "a", "b")
a(name = "a")
b(name = "x", dep = ":a")
"#,
        expect![[r#"
            files: kiln-out/fastbuild/bin/f
            prints: True False depset([<generated file f>]) depset([<generated file f>]) ["g", "h"]
            prints: depset([<generated file f>])
        "#]],
    );
}

#[test]
fn an_output_file_is_a_dependency() {
    check(
        r#"
=== d.bzl
def _gen(ctx):
    ctx.actions.write(ctx.outputs.out, "")

def _use(ctx):
    print(ctx.attr.src, ctx.attr.src.label, ctx.files.src, DefaultInfo in ctx.attr.src, OutputGroupInfo in ctx.attr.src)

gen = rule(_gen, attrs = {"out": attr.output()})
use = rule(_use, attrs = {"src": attr.label(allow_single_file = [".txt"])})
=== BUILD
load(":d.bzl", "gen", "use")
gen(name = "g", out = "sub/g.txt")
alias(name = "other", actual = "sub/g.txt")
use(name = "x", src = ":other")
"#,
        expect![[r#"
            prints: <output file target //:sub/g.txt> @@//:sub/g.txt [<generated file sub/g.txt>] True False
        "#]],
    );
}
