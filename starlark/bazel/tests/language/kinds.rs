//! Tests, build settings, toolchains, kiln's own kinds.

use expect_test::{Expect, expect};
use kiln_targets::AttrValue;

use super::{analyzed, check};
use crate::harness::{World, machine};

#[test]
fn tests() {
    check(
        r#"
=== d.bzl
def _impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(out, "", is_executable = True)
    print(ctx.attr.size, ctx.attr.timeout, ctx.attr.flaky, ctx.attr.shard_count, ctx.attr.args)
    return [
        DefaultInfo(executable = out),
        testing.ExecutionInfo({"requires-network": ""}),
        testing.TestEnvironment({"A": "1"}, ["HOME"]),
    ]

my_test = rule(_impl, test = True)
=== BUILD
load(":d.bzl", "my_test")
my_test(name = "x", size = "small", shard_count = 2, args = ["--a b"])
"#,
        expect![[r#"
            files: kiln-out/fastbuild/bin/x
            executable: kiln-out/fastbuild/bin/x
            runfiles: _main/x
            args: --a | b
            env: A=1
            inherits: HOME
            requirements: requires-network=
            provider: ExecutionInfo(exec_group = "test", requirements = {"requires-network": ""})
            provider: RunEnvironmentInfo(environment = {"A": "1"}, inherited_environment = ["HOME"])
            FileWrite -> kiln-out/fastbuild/bin/x
              program: ""
            prints: small  False 2 ["--a b"]
        "#]],
    );
}

#[test]
fn analysis_tests() {
    check(
        r#"
=== d.bzl
def _impl(ctx):
    return AnalysisTestResultInfo(success = False, message = "it's wrong")

my_test = rule(_impl, analysis_test = True)
=== BUILD
load(":d.bzl", "my_test")
my_test(name = "x")
"#,
        expect![[r##"
            files: kiln-out/fastbuild/bin/x
            executable: kiln-out/fastbuild/bin/x
            runfiles: _main/x
            provider: AnalysisTestResultInfo(message = "it's wrong", success = False)
            FileWrite -> kiln-out/fastbuild/bin/x
              program: "#!/bin/bash\nprintf '%s\\n' 'it'\\''s wrong'\nexit 1\n"
        "##]],
    );
}

#[test]
fn build_settings() {
    let files = r#"
=== d.bzl
Value = provider()

def _flag(ctx):
    return Value(value = ctx.build_setting_value)

def _impl(ctx):
    print(ctx.attr.flag[Value].value, ctx.attr.list[Value].value)

flag = rule(_flag, build_setting = config.bool(flag = True))
list_flag = rule(_flag, build_setting = config.string_list(flag = True))
mine = rule(_impl, attrs = {"flag": attr.label(), "list": attr.label()})
=== BUILD
load(":d.bzl", "flag", "list_flag", "mine")
flag(name = "flag", build_setting_default = True)
list_flag(name = "list", build_setting_default = ["a"])
mine(name = "x", flag = ":flag", list = ":list")
"#;
    check(
        files,
        expect![[r#"
            prints: True ["a"]
        "#]],
    );
    let mut world = World::new(files);
    world
        .flags
        .insert(world.label("//:flag"), AttrValue::Bool(false));
    expect![[r#"
        prints: False ["a"]
    "#]]
    .assert_eq(&analyzed(&mut world));
}

fn toolchain_world(rule: &str) -> World {
    let mut world = World::new(&format!(
        r#"
=== d.bzl
def _toolchain(ctx):
    return [platform_common.ToolchainInfo(compiler = ctx.attr.compiler)]

def _impl(ctx):
    t = ctx.toolchains
    print(t["//:type"].compiler, t[Label("//:type")].compiler, "//:type" in t, "//:other" in t)
    print(ctx.exec_groups["any"].toolchains["//:type"].compiler)
    print(t["//:optional"])

tc = rule(_toolchain, attrs = {{"compiler": attr.string()}})
mine = rule(_impl, {rule})
=== BUILD
load(":d.bzl", "mine", "tc")
toolchain_type(name = "type")
toolchain_type(name = "optional")
tc(name = "cc", compiler = "gcc")
mine(name = "x")
"#
    ));
    world
        .toolchains
        .insert(world.label("//:type"), world.label("//:cc"));
    world
}

#[test]
fn toolchains() {
    let rule = r#"toolchains = ["//:type", config_common.toolchain_type("//:optional", mandatory = False)]"#;
    expect![[r#"
        prints: gcc gcc True False
        prints: gcc
        prints: None
    "#]]
    .assert_eq(&analyzed(&mut toolchain_world(rule)));
    let rule = r#"toolchains = ["//:type"]"#;
    expect![[r#"
        error: the rule does not ask for toolchains of the type "//:optional"
          --> d.bzl:8:11
           |
         8 |     print(t["//:optional"])
           |           ^^^^^^^^^^^^^^^^
           = it asks for `//:type`
           = in `//:x` (mine, declared at BUILD:5:1)
    "#]]
    .assert_eq(&analyzed(&mut toolchain_world(rule)));
}

#[test]
fn constraints() {
    let files = r#"
=== d.bzl
def _impl(ctx):
    info = ctx.attr.c[platform_common.ConstraintValueInfo]
    print(info, ctx.target_platform_has_constraint(info))

mine = rule(_impl, attrs = {"c": attr.label()})
=== BUILD
load(":d.bzl", "mine")
constraint_setting(name = "s")
constraint_value(name = "v", constraint_setting = ":s")
mine(name = "x", c = ":v")
"#;
    check(
        files,
        expect![[r#"
            prints: ConstraintValueInfo(label = @@//:v) False
        "#]],
    );
    let mut world = World::new(files);
    let constraints = vec![world.label("//:v")];
    world.configuration = kiln_targets::Configuration::new(kiln_targets::Settings {
        constraints,
        ..world.configuration.settings().clone()
    });
    expect![[r#"
        prints: ConstraintValueInfo(label = @@//:v) True
    "#]]
    .assert_eq(&analyzed(&mut world));
}

#[test]
fn machine_tools_are_for_the_prelude() {
    let mut world = World::new(
        r#"
=== d.bzl
mine = rule(lambda ctx: None, _machine_tools = True)
=== BUILD
load(":d.bzl", "mine")
mine(name = "x")
"#,
    );
    expect![[r#"
        error: this is for kiln's own rules only
          --> d.bzl:1:8
           |
         1 | mine = rule(lambda ctx: None, _machine_tools = True)
           |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `_machine_tools` of `rule`
    "#]]
    .assert_eq(&analyzed(&mut world));
    let mut world = World::new("=== BUILD\nshow(name = 'x')\n");
    world.add(
        "kiln_builtins",
        "exports.bzl",
        r#"
def _show(ctx):
    tools = ctx.machine_tools
    print(tools.cc.compiler, tools.cc.include_dirs, tools.cc.linker, tools.python.version, tools.shell.bash)

show = rule(_show, _machine_tools = ["cc", "python", "shell"])
"#,
    );
    world.machine = Some(machine());
    expect![[r#"
        prints: gcc ["/usr/include"] None 3.11.2 /bin/bash
    "#]]
    .assert_eq(&analyzed(&mut world));
}

#[test]
fn what_is_not_there_yet_can_be_defined() {
    let with = |rule: &str, expect: Expect| {
        let files = format!(
            r#"
=== d.bzl
a = aspect(implementation = lambda target, ctx: [], attr_aspects = ["deps"])
t = transition(implementation = lambda settings, attr: {{}}, inputs = [], outputs = [])
r = repository_rule(implementation = lambda ctx: None, attrs = {{}})
tag = tag_class(attrs = {{}})
e = module_extension(implementation = lambda ctx: None, tag_classes = {{"t": tag}})
g = exec_group()
s = subrule(implementation = lambda ctx: None)
print(a, t, r, e, tag, g, s)

def call():
    r(name = "x")

mine = rule(lambda ctx: [], {rule})
=== BUILD
load(":d.bzl", "mine")
mine(name = "x")
"#
        );
        check(&files, expect);
    };
    with("", expect![""]);
    with("exec_groups = {'g': g}", expect![""]);
    with(
        "attrs = {'deps': attr.label_list(aspects = [a])}",
        expect![[r#"
        error: aspects of attributes (`deps`) are not supported yet
          --> BUILD:2:1
           |
         2 | mine(name = "x")
           | ^^^^^^^^^^^^^^^^
           = defined here
          --> d.bzl:13:8
            |
         13 | mine = rule(lambda ctx: [], attrs = {'deps': attr.label_list(aspects = [a])})
            |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:2:1)
    "#]],
    );
    with(
        "attrs = {'dep': attr.label(cfg = t)}",
        expect![[r#"
        error: transitions of attributes (`dep`) are not supported yet
          --> BUILD:2:1
           |
         2 | mine(name = "x")
           | ^^^^^^^^^^^^^^^^
           = defined here
          --> d.bzl:13:8
            |
         13 | mine = rule(lambda ctx: [], attrs = {'dep': attr.label(cfg = t)})
            |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:2:1)
    "#]],
    );
    with(
        "cfg = t",
        expect![[r#"
        error: transitions of rules are not supported yet
          --> BUILD:2:1
           |
         2 | mine(name = "x")
           | ^^^^^^^^^^^^^^^^
           = defined here
          --> d.bzl:13:8
            |
         13 | mine = rule(lambda ctx: [], cfg = t)
            |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:2:1)
    "#]],
    );
    with(
        "subrules = [s]",
        expect![[r#"
        error: subrules are not supported yet
          --> BUILD:2:1
           |
         2 | mine(name = "x")
           | ^^^^^^^^^^^^^^^^
           = defined here
          --> d.bzl:13:8
            |
         13 | mine = rule(lambda ctx: [], subrules = [s])
            |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:2:1)
    "#]],
    );
    with(
        "parent = 3",
        expect![[r#"
        error: rules with `parent` are not supported yet
          --> BUILD:2:1
           |
         2 | mine(name = "x")
           | ^^^^^^^^^^^^^^^^
           = defined here
          --> d.bzl:13:8
            |
         13 | mine = rule(lambda ctx: [], parent = 3)
            |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:x` (mine, declared at BUILD:2:1)
    "#]],
    );
    with("cfg = config.exec()", expect![""]);
    with(
        "attrs = {'dep': attr.label(cfg = config.exec('g'))}",
        expect![""],
    );
    with(
        "attrs = {'dep': attr.label(cfg = analysis_test_transition(settings = {}))}",
        expect![""],
    );
}

#[test]
fn repository_rules_are_not_run() {
    check(
        r#"
=== d.bzl
r = repository_rule(implementation = lambda ctx: None)

def call():
    r(name = "x")
=== BUILD
load(":d.bzl", "call")
call()
"#,
        expect![[r#"
            error: repository rules are not supported yet
              --> d.bzl:4:5
               |
             4 |     r(name = "x")
               |     ^^^^^^^^^^^^^
               = `call` was called from BUILD:2:1
            hint: put the repository's files into a folder, and name it by `--vendor_dir` or `--override_repository`
        "#]],
    );
}

#[test]
fn symbolic_macros_are_expanded() {
    let build = |call: &str, expect: Expect| {
        let files = format!(
            r#"
=== d.bzl
def _rule(ctx):
    print(ctx.attr.srcs, ctx.attr.text)

mine = rule(_rule, attrs = {{"srcs": attr.label_list(allow_files = True), "text": attr.string()}})

def _impl(name, visibility, srcs, text):
    print(name, visibility, srcs, text)
    mine(name = name, srcs = srcs, text = text)

m = macro(implementation = _impl, attrs = {{"srcs": attr.label_list(mandatory = True), "text": attr.string(default = "d")}})
=== a.txt
=== BUILD
load(":d.bzl", "m")
{call}
"#
        );
        check(&files, expect);
    };
    build(
        "m(name = 'x', srcs = ['a.txt'])",
        expect![[r#"
            prints: [<input file target //:a.txt>] d
        "#]],
    );
    build(
        "m(name = 'x')",
        expect![[r#"
        error: a `m` needs `srcs`
          --> BUILD:2:1
           |
         2 | m(name = 'x')
           | ^^^^^^^^^^^^^
    "#]],
    );
    build(
        "m(name = 'x', src = [])",
        expect![[r#"
        error: `m` has no attribute `src`
          --> BUILD:2:1
           |
         2 | m(name = 'x', src = [])
           | ^^^^^^^^^^^^^^^^^^^^^^^
        hint: did you mean `srcs`?
    "#]],
    );
    build(
        "m(srcs = [])",
        expect![[r#"
        error: a `m` needs a `name`
          --> BUILD:2:1
           |
         2 | m(srcs = [])
           | ^^^^^^^^^^^^
    "#]],
    );
}
