//! Environments: names, which of them a target is built in, and what is said when none fits.

use expect_test::{Expect, expect};
use kiln_testkit::{Output, Workspace};

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

/// A workspace with these lines in `kiln.toml` and `BUILD`.
fn workspace(names: &str, build: &str) -> Workspace {
    let files = format!(
        "
//- kiln.toml
{names}
//- ci.toml
[environments-preview.names.add]
there = \"//:other\"
//- BUILD
{build}
"
    );
    Workspace::with(KILN, &files)
}

fn check(names: &str, build: &str, command_line: &str, expect: Expect) {
    let output = workspace(names, build).kiln(command_line);
    expect.assert_eq(&output.show());
}

/// Runs kiln with further configuration files.
fn with_files(workspace: &Workspace, command_line: &str, files: &str) -> Output {
    let setting = format!("KILN_CONFIG_FILES={files}");
    workspace.run_through(&["/usr/bin/env", &setting], command_line)
}

const NAMES: &str = r#"[environments-preview.names]
here = "//:here"
there = "//:there"
mac = "//:mac"
"#;

const BUILD: &str = r#"
local_environment(name = "here")
local_environment(name = "mac", compatible_platforms = ["macos_arm64"])
local_environment(name = "other", compatible_platforms = ["macos_x86_64"], fallback_environment = "__local__")
docker_environment(name = "there", image = "debian:12", fallback_environment = "here")
genrule(name = "a", outs = ["a.txt"], cmd = "echo a > $@")
genrule(name = "b", srcs = [":a"], outs = ["b.txt"], cmd = "cat $< > $@", environment = "there")
genrule(name = "c", srcs = [":b"], outs = ["c.txt"], cmd = "cat $< > $@", environment = "mac")
"#;

#[test]
fn names_and_what_they_come_down_to_env_020_env_045_env_047() {
    check(
        NAMES,
        BUILD,
        "env list",
        expect![[r#"
            exit: 0
            --- stdout
            here  //:here  local_environment
            mac  //:mac  environment `mac` (`//:mac`) cannot be used: this machine is `linux_x86_64`, and it is compatible with `macos_arm64`
            there  //:there  falls back to `here` (local_environment): kiln cannot run actions in containers yet
        "#]],
    );
    check(
        NAMES,
        BUILD,
        "env list --format=json",
        expect![[r#"
            exit: 0
            --- stdout
            {"name":"here","environment":"here","kind":"local_environment","environment_label":"//:here","left":[],"label":"//:here","origin":"kiln.toml:2"}
            {"name":"mac","label":"//:mac","origin":"kiln.toml:4","error":"environment `mac` (`//:mac`) cannot be used: this machine is `linux_x86_64`, and it is compatible with `macos_arm64`"}
            {"name":"there","environment":"here","kind":"local_environment","environment_label":"//:here","left":[{"name":"there","reason":"kiln cannot run actions in containers yet"}],"label":"//:there","origin":"kiln.toml:3"}
        "#]],
    );
    check(
        "",
        BUILD,
        "env list",
        expect![[r#"
        exit: 0
        --- stdout
        no environment has a name; everything is built on this machine
    "#]],
    );
}

#[test]
fn why_a_target_is_built_where_it_is_env_050_env_055() {
    check(
        NAMES,
        BUILD,
        "env explain //:a //:b there __local__",
        expect![[r#"
            exit: 0
            --- stdout
            //:a
              it says nothing, so it is built where what needs it is
              built in `here` (local_environment), which is `//:here`
            //:b
              its `environment` is `there`
              not `there`: kiln cannot run actions in containers yet
              built in `here` (local_environment), which is `//:here`
            there
              not `there`: kiln cannot run actions in containers yet
              built in `here` (local_environment), which is `//:here`
            __local__
              built in `here` (local_environment), which is `//:here`
        "#]],
    );
}

#[test]
fn a_target_without_a_place_is_found_before_anything_runs_env_051() {
    check(
        NAMES,
        BUILD,
        "env check //:a //:b",
        expect![[r#"
        exit: 0
        --- stdout
        checked 2 targets: each has an environment
    "#]],
    );
    check(
        NAMES,
        BUILD,
        "env check //...",
        expect![[r#"
        exit: 1
        --- stderr
        error: environment `mac` (`//:mac`) cannot be used: this machine is `linux_x86_64`, and it is compatible with `macos_arm64`
          --> BUILD:3:1
           |
         3 | local_environment(name = "mac", compatible_platforms = ["macos_arm64"])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = asked for by the `environment` of `//:c`
          --> BUILD:8:1
           |
         8 | genrule(name = "c", srcs = [":b"], outs = ["c.txt"], cmd = "cat $< > $@", environment = "mac")
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: set `fallback_environment` to what shall be used instead, for example `"__local__"`
    "#]],
    );
    check(
        NAMES,
        BUILD,
        "build //:c",
        expect![[r#"
        exit: 1
        --- stderr
        error: environment `mac` (`//:mac`) cannot be used: this machine is `linux_x86_64`, and it is compatible with `macos_arm64`
          --> BUILD:3:1
           |
         3 | local_environment(name = "mac", compatible_platforms = ["macos_arm64"])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = asked for by the `environment` of `//:c`
          --> BUILD:8:1
           |
         8 | genrule(name = "c", srcs = [":b"], outs = ["c.txt"], cmd = "cat $< > $@", environment = "mac")
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: set `fallback_environment` to what shall be used instead, for example `"__local__"`
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]],
    );
}

#[test]
fn a_dependency_is_built_where_its_dependent_is() {
    let workspace = workspace(NAMES, BUILD);
    let output = workspace.kiln("build //:b");
    assert_eq!(output.code, Some(0), "{}", output.show());
    // `there` falls back to `here`, and it is that name which counts (ENV-055).
    let made = workspace.read("kiln-out/fastbuild-here/bin/b.txt");
    assert_eq!(made.as_deref(), Some("a\n"));
    assert_eq!(workspace.read("kiln-out/fastbuild/bin/b.txt"), None);
}

#[test]
fn without_names_all_is_as_ever_env_040() {
    let workspace = workspace("", BUILD);
    let output = workspace.kiln("build //:a");
    assert_eq!(output.code, Some(0), "{}", output.show());
    let made = workspace.read("kiln-out/fastbuild/bin/a.txt");
    assert_eq!(made.as_deref(), Some("a\n"));
    let output = workspace.kiln("build //:b");
    expect![[r#"
        exit: 1
        --- stderr
        error: unrecognized environment `there`
          --> BUILD:7:1
           |
         7 | genrule(name = "b", srcs = [":a"], outs = ["b.txt"], cmd = "cat $< > $@", environment = "there")
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = no environment has a name
           = asked for by the `environment` of `//:b`
        hint: give an environment target this name by `--env=NAME=//LABEL`, or a line `NAME = "//LABEL"` in `[environments-preview.names]` of `kiln.toml`
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]].assert_eq(&output.show());
}

#[test]
fn flags_and_more_files_change_names_env_026_env_160() {
    check(
        NAMES,
        BUILD,
        "env explain --env=there=//:mac --env=more=//:other more",
        expect![[r#"
            exit: 0
            --- stdout
            more
              not `more`: this machine is `linux_x86_64`, and it is compatible with `macos_x86_64`
              built in `here` (local_environment), which is `//:here`
        "#]],
    );
    check(
        NAMES,
        BUILD,
        "env list --env=there",
        expect![[r#"
        exit: 2
        --- stderr
        error: `there` is no value for `--env`: expected `NAME=VALUE`
    "#]],
    );
    check(
        NAMES,
        BUILD,
        "env list --env=__x__=//:here",
        expect![[r#"
        exit: 2
        --- stderr
        error: `__x__` begins and ends with `__`, as only kiln's own names do
        hint: choose another name
    "#]],
    );
    let workspace = workspace(NAMES, BUILD);
    let output = with_files(&workspace, "env explain there", "ci.toml");
    expect![[r#"
        exit: 0
        --- stdout
        there
          not `there`: this machine is `linux_x86_64`, and it is compatible with `macos_x86_64`
          built in `here` (local_environment), which is `//:here`
    "#]]
    .assert_eq(&output.show());
    let output = with_files(&workspace, "env list", "ci.toml, no.toml");
    expect![[r#"
        exit: 2
        --- stderr
        error: there is no file `no.toml`
           = `KILN_CONFIG_FILES` names it; names are relative to [ROOT]
        hint: make it, or change `KILN_CONFIG_FILES`
    "#]]
    .assert_eq(&output.show());
}

#[test]
fn more_than_one_that_fits_is_ambiguous_env_041_env_042() {
    let build = "
local_environment(name = \"one\")
local_environment(name = \"two\")
genrule(name = \"a\", outs = [\"a.txt\"], cmd = \"echo a > $@\")
";
    let both = "[environments.names]\none = \"//:one\"\ntwo = \"//:two\"\n";
    check(
        both,
        build,
        "build //:a",
        expect![[r#"
        exit: 1
        --- stderr
        error: `__local__` is ambiguous: `one` (`//:one`) and `two` (`//:two`) fit this machine
           = `one`
          --> BUILD:2:1
           |
         2 | local_environment(name = "one")
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = `two`
          --> BUILD:3:1
           |
         3 | local_environment(name = "two")
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: narrow the `compatible_platforms` of all but one, or give only one of them a name
        hint: a target may name the one it means: `environment = "NAME"`; names can differ by user or in CI
    "#]],
    );
    // Two names of one target are no two choices (ENV-022).
    let same = "[environments.names]\none = \"//:one\"\ntwo = \"//:one\"\n";
    check(
        same,
        build,
        "env explain __local__",
        expect![[r#"
        exit: 0
        --- stdout
        __local__
          built in `one` (local_environment), which is `//:one`
    "#]],
    );
}

#[test]
fn mistakes_in_names_env_023_env_024_env_025() {
    check(
        "",
        BUILD,
        "env explain --env=x=//:nothing x",
        expect![[r#"
            exit: 1
            --- stderr
            error: no such target `//:nothing`: `BUILD` declares no target `nothing` and there is no such file
               = environment `x` is `//:nothing`, says the command line
            hint: correct the label, declare `nothing` in `BUILD`, or create the file
        "#]],
    );
    check(
        "",
        BUILD,
        "env explain --env=x=//:a x",
        expect![[r#"
            exit: 1
            --- stderr
            error: `//:a` is a `genrule`, and no environment
              --> BUILD:6:1
               |
             6 | genrule(name = "a", outs = ["a.txt"], cmd = "echo a > $@")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = environment `x` is `//:a`, says the command line
            hint: name a target of `local_environment`, `docker_environment`, `remote_environment` or `experimental_workspace_environment`
        "#]],
    );
    check(
        "",
        BUILD,
        "env explain --env=x=no//label x",
        expect![[r#"
            exit: 2
            --- stderr
            error: invalid label `no//label`: the target name contains `//`
               = environment `x` is `no//label`, says the command line
            hint: give the label of an environment target: `//environments:linux`
        "#]],
    );
    check(
        NAMES,
        BUILD,
        "env explain --env=here=//:other //:a",
        expect![[r#"
            exit: 0
            --- stdout
            //:a
              it says nothing, so it is built where what needs it is
              built on this machine
        "#]],
    );
    let asks = "genrule(name = \"z\", outs = [\"z\"], cmd = \"\", environment = \"heer\")";
    check(
        NAMES,
        &format!("{BUILD}{asks}"),
        "env check //:z",
        expect![[r#"
            exit: 1
            --- stderr
            error: unrecognized environment `heer`
               = there are `here`, `mac`, `there`
               = asked for by the `environment` of `//:z`
              --> BUILD:9:1
               |
             9 | genrule(name = "z", outs = ["z"], cmd = "", environment = "heer")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: did you mean `here`?
            hint: give an environment target this name by `--env=NAME=//LABEL`, or a line `NAME = "//LABEL"` in `[environments-preview.names]` of `kiln.toml`
        "#]],
    );
}

#[test]
fn mistakes_in_fields_env_002_env_005_env_006_env_009_env_011_env_091() {
    let field = |target: &str, expect: Expect| {
        check("", target, "env explain --env=x=//:x x", expect);
    };
    field(
        "local_environment(name = 'x', compatible_platforms = ['linux_x86'])",
        expect![[r#"
            exit: 1
            --- stderr
            error: `compatible_platforms` of `//:x`: `linux_x86` is not one of `linux_arm64`, `linux_x86_64`, `macos_arm64`, `macos_x86_64`
              --> BUILD:1:1
               |
             1 | local_environment(name = 'x', compatible_platforms = ['linux_x86'])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = environment `x` is `//:x`, says the command line
            hint: did you mean `linux_x86_64`?
        "#]],
    );
    field(
        "local_environment(name = 'x', compatible_platforms = [])",
        expect![[r#"
            exit: 1
            --- stderr
            error: environment `x` (`//:x`) cannot be used: its `compatible_platforms` is empty, so that it matches nowhere
              --> BUILD:1:1
               |
             1 | local_environment(name = 'x', compatible_platforms = [])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: set `fallback_environment` to what shall be used instead, for example `"__local__"`
        "#]],
    );
    field(
        "docker_environment(name = 'x')",
        expect![[r#"
            exit: 1
            --- stderr
            error: docker_environment `//:x` lacks `image` (string)
              --> BUILD:1:1
               |
             1 | docker_environment(name = 'x')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = environment `x` is `//:x`, says the command line
            hint: add `image = "…"`
        "#]],
    );
    field(
        "docker_environment(name = 'x', image = 'i', platform = 'macos_arm64')",
        expect![[r#"
            exit: 1
            --- stderr
            error: `platform` of `//:x`: `macos_arm64` is not one of `linux_arm64`, `linux_x86_64`
              --> BUILD:1:1
               |
             1 | docker_environment(name = 'x', image = 'i', platform = 'macos_arm64')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = environment `x` is `//:x`, says the command line
            hint: write `linux_arm64` or `linux_x86_64`
        "#]],
    );
    field(
        "docker_environment(name = 'x', image = 'debian@sha256:12')",
        expect![[r#"
            exit: 1
            --- stderr
            error: `image` of `//:x`: `sha256:12` behind the `@` is no digest
              --> BUILD:1:1
               |
             1 | docker_environment(name = 'x', image = 'debian@sha256:12')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = environment `x` is `//:x`, says the command line
            hint: for example `debian:12`, `debian@sha256:…` or `sha256:…`
        "#]],
    );
    field(
        "docker_environment(name = 'x', image = '')",
        expect![[r#"
            exit: 1
            --- stderr
            error: `image` of `//:x`: `` is no name of an image
              --> BUILD:1:1
               |
             1 | docker_environment(name = 'x', image = '')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = environment `x` is `//:x`, says the command line
            hint: for example `debian:12`, `debian@sha256:…` or `sha256:…`
        "#]],
    );
    field(
        "remote_environment(name = 'x', extra_platform_properties = ['pool'])",
        expect![[r#"
            exit: 1
            --- stderr
            error: `extra_platform_properties` of `//:x`: `pool` is no `key=value`
              --> BUILD:1:1
               |
             1 | remote_environment(name = 'x', extra_platform_properties = ['pool'])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = environment `x` is `//:x`, says the command line
            hint: write `pool=…`
        "#]],
    );
    field(
        "experimental_workspace_environment(name = 'x', fallback_environment = 'y')",
        expect![[r#"
            exit: 1
            --- stderr
            error: `experimental_workspace_environment` has no attribute `fallback_environment` (target `//:x`)
              --> BUILD:1:48
               |
             1 | experimental_workspace_environment(name = 'x', fallback_environment = 'y')
               |                                                ^^^^^^^^^^^^^^^^^^^^^^^^^^
               = it has applicable_licenses, aspect_hints, compatible_platforms, compatible_with, deprecation, exec_compatible_with, exec_properties, features, generator_function, generator_location, generator_name, licenses, name, package_metadata, restricted_to, tags, target_compatible_with, testonly, toolchains, transitive_configs, visibility
               = environment `x` is `//:x`, says the command line
            hint: remove `fallback_environment`, or give it to another rule
        "#]],
    );
}

#[test]
fn fallbacks_env_053_env_054() {
    let build = "
remote_environment(name = 'a', fallback_environment = 'b')
remote_environment(name = 'b', fallback_environment = 'a')
remote_environment(name = 'c', fallback_environment = 'd')
remote_environment(name = 'e')
";
    let names = "--env=a=//:a --env=b=//:b --env=c=//:c --env=e=//:e";
    check(
        "",
        build,
        &format!("env explain {names} a"),
        expect![[r#"
        exit: 1
        --- stderr
        error: fallbacks of environments go in a circle: `a` -> `b` -> `a`
          --> BUILD:3:1
           |
         3 | remote_environment(name = 'b', fallback_environment = 'a')
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: remove one of these `fallback_environment`s, or let it be `__local__`
    "#]],
    );
    check(
        "",
        build,
        &format!("env explain {names} c"),
        expect![[r#"
        exit: 1
        --- stderr
        error: unrecognized environment `d`
           = the `fallback_environment` of `//:c` says so
          --> BUILD:4:1
           |
         4 | remote_environment(name = 'c', fallback_environment = 'd')
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = there are `a`, `b`, `c`, `e`
        hint: did you mean `a` or `b` or `c`?
        hint: give an environment target this name by `--env=NAME=//LABEL`, or a line `NAME = "//LABEL"` in `[environments-preview.names]` of `kiln.toml`
    "#]],
    );
    check(
        "",
        build,
        &format!("env explain {names} e"),
        expect![[r#"
            exit: 1
            --- stderr
            error: environment `e` (`//:e`) cannot be used: kiln cannot run actions on remote workers yet
              --> BUILD:5:1
               |
             5 | remote_environment(name = 'e')
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: set `fallback_environment` to what shall be used instead, for example `"__local__"`
        "#]],
    );
    check(
        "",
        build,
        &format!("env explain {names} __local_workspace__"),
        expect![[r#"
            exit: 1
            --- stderr
            error: no named `experimental_workspace_environment` fits this machine, which is `linux_x86_64`
               = kiln cannot run actions in the workspace itself yet
            hint: give such a target a name by `--env=NAME=//LABEL`, or a line `NAME = "//LABEL"` in `[environments-preview.names]` of `kiln.toml`
        "#]],
    );
}

#[test]
fn no_macro_makes_an_environment_env_142() {
    let files = "
//- env.bzl
def mine(name):
    native.local_environment(name = name)
//- BUILD
load(\":env.bzl\", \"mine\")
mine(name = \"x\")
";
    let output = Workspace::with(KILN, files).kiln("env explain --env=x=//:x x");
    expect![[r#"
        exit: 1
        --- stderr
        error: environment targets cannot use macros, and `//:x` is made by `mine`
          --> BUILD:2:1
           |
         2 | mine(name = "x")
           | ^^^^^^^^^^^^^^^^
           = what they say must be plain to see: all that is built depends on it
           = environment `x` is `//:x`, says the command line
        hint: call `local_environment` in the BUILD file itself
    "#]]
    .assert_eq(&output.show());
}

#[test]
fn mistakes_in_kiln_toml_opt_008() {
    let toml = |text: &str, expect: Expect| check(text, "", "env list", expect);
    toml(
        "[environments-preview.names\nx = 1",
        expect![[r#"
        exit: 2
        --- stderr
        error: this is no TOML: unclosed table, expected `]`
          --> kiln.toml:1:28
           |
         1 | [environments-preview.names
           |                            ^
        hint: a value is a text in quotes, a number, `true`, `false`, a list or a table
    "#]],
    );
    toml(
        "[environment.names]\nx = \"//:x\"",
        expect![[r#"
        exit: 2
        --- stderr
        error: there is no section `environment`
          --> kiln.toml:1:2
           |
         1 | [environment.names]
           |  ^^^^^^^^^^^
           = there is `environments-preview`, also called `environments`
        hint: did you mean `environments`?
        hint: other options are flags, and stand in `.bazelrc`
    "#]],
    );
    toml(
        "[environments-preview]\nname = {}",
        expect![[r#"
        exit: 2
        --- stderr
        error: there is no option `name`
          --> kiln.toml:2:1
           |
         2 | name = {}
           | ^^^^
           = there is `names`
        hint: did you mean `names`?
        hint: other options are flags, and stand in `.bazelrc`
    "#]],
    );
    toml(
        "[environments-preview]\nnames = 3",
        expect![[r#"
        exit: 2
        --- stderr
        error: `names` needs a table
          --> kiln.toml:2:9
           |
         2 | names = 3
           |         ^
        hint: write `NAME = "//LABEL"` below `[environments-preview.names]`
    "#]],
    );
    toml(
        "[environments-preview.names]\nx = 3",
        expect![[r#"
        exit: 2
        --- stderr
        error: `x` needs a text
          --> kiln.toml:2:5
           |
         2 | x = 3
           |     ^
        hint: write the label of an environment target: `"//environments:linux"`
    "#]],
    );
    toml(
        "[environments-preview.names]\n__x__ = \"//:x\"",
        expect![[r#"
            exit: 2
            --- stderr
            error: `__x__` begins and ends with `__`, as only kiln's own names do
              --> kiln.toml:2:1
               |
             2 | __x__ = "//:x"
               | ^^^^^
            hint: choose another name
        "#]],
    );
}

#[test]
fn a_rule_of_its_own_attribute_keeps_it() {
    let files = "
//- d.bzl
def _impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name + \".txt\")
    ctx.actions.write(out, str(ctx.attr.environment))
    return DefaultInfo(files = depset([out]))

own = rule(_impl, attrs = {\"environment\": attr.string_list()})
//- BUILD
load(\":d.bzl\", \"own\")
own(name = \"x\", environment = [\"a\", \"b\"])
";
    let workspace = Workspace::with(KILN, files);
    let output = workspace.kiln("build //:x");
    assert_eq!(output.code, Some(0), "{}", output.show());
    let made = workspace.read("kiln-out/fastbuild/bin/x.txt");
    assert_eq!(made.as_deref(), Some("[\"a\", \"b\"]"));
}

#[test]
fn commands_of_env() {
    check(
        "",
        "",
        "env",
        expect![[r#"
        exit: 2
        --- stderr
        error: `kiln env` has no command ``
        hint: `kiln env list`, `kiln env explain TARGET` and `kiln env check TARGET` are there
    "#]],
    );
    check(
        "",
        "",
        "env show",
        expect![[r#"
        exit: 2
        --- stderr
        error: `kiln env` has no command `show`
        hint: `kiln env list`, `kiln env explain TARGET` and `kiln env check TARGET` are there
    "#]],
    );
    check(
        "",
        "",
        "env explain",
        expect![[r#"
        exit: 2
        --- stderr
        error: `kiln env explain` needs a target
        hint: `//...` means all targets of the workspace
    "#]],
    );
}

#[test]
fn what_cannot_be_done_yet_is_said_before_anything_runs() {
    let build = "
experimental_workspace_environment(name = 'x')
genrule(name = 'a', outs = ['o'], cmd = 'touch $@', environment = 'x')
";
    check(
        "",
        build,
        "build --env=x=//:x //:a",
        expect![[r#"
        exit: 1
        --- stderr
        error: environment `x` (`//:x`) cannot be used: kiln cannot run actions in the workspace itself yet
          --> BUILD:2:1
           |
         2 | experimental_workspace_environment(name = 'x')
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = asked for by the `environment` of `//:a`
          --> BUILD:3:1
           |
         3 | genrule(name = 'a', outs = ['o'], cmd = 'touch $@', environment = 'x')
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: name another environment for this machine
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]],
    );
}

/// A test that says in its log where it runs.
const PARAMETRIZED: &str = "
//- kiln.toml
[environments-preview.names]
one = \"//:one\"
two = \"//:two\"
//- one.sh
#!/bin/bash
[ -e made.txt ]
//- BUILD
local_environment(name = \"one\", compatible_platforms = [\"linux_x86_64\", \"linux_arm64\"])
local_environment(name = \"two\", compatible_platforms = [], fallback_environment = \"one\")
genrule(name = \"made\", outs = [\"made.txt\"], cmd = \"touch $@\")
sh_test(
    name = \"t\",
    srcs = [\"one.sh\"],
    data = [\":made\"],
    args = parametrize(plain = [], loud = [\"-v\"]),
    environment = parametrize(\"one\", \"two\"),
)
";

#[test]
fn one_target_for_each_value_env_032_bld_070_bld_072() {
    let workspace = Workspace::with(KILN, PARAMETRIZED);
    expect![[r#"
        exit: 0
        --- stdout
        genrule rule //:made
        local_environment rule //:one
        sh_test rule //:t@args=loud,environment=one
        sh_test rule //:t@args=loud,environment=two
        sh_test rule //:t@args=plain,environment=one
        sh_test rule //:t@args=plain,environment=two
        local_environment rule //:two
    "#]].assert_eq(&workspace.kiln("list //:all --output=label_kind").show());
    let test = "test //:t@args=plain,environment=one //:t@args=plain,environment=two";
    expect![[r#"
        exit: 0
        --- stdout
        //:t@args=plain,environment=one          PASSED in [TIME]
        //:t@args=plain,environment=two          PASSED in [TIME]
        2 tests: 2 passed
        --- stderr
        built 2 targets in [TIME]; 3 actions: 3 run
    "#]].assert_eq(&workspace.kiln(test).show());
    expect![[r#"
        exit: 0
        --- stdout
        //:t@args=loud,environment=two
          its `environment` is `two`
          not `two`: its `compatible_platforms` is empty, so that it matches nowhere
          built in `one` (local_environment), which is `//:one`
    "#]].assert_eq(
        &workspace
            .kiln("env explain //:t@args=loud,environment=two")
            .show(),
    );
    // There is none of the bare name.
    expect![[r#"
        exit: 1
        --- stderr
        error: no such target `//:t`: `BUILD` declares no target `t` and there is no such file
        hint: correct the label, declare `t` in `BUILD`, or create the file
    "#]].assert_eq(&workspace.kiln("build //:t").show());
}

#[test]
fn mistakes_in_parametrize_bld_071() {
    let mistake = |value: &str, expect: Expect| {
        let build = format!("filegroup(name = \"x\", tags = {value})");
        check("", &build, "list //:all", expect);
    };
    mistake("parametrize([])", expect![[r#"
        exit: 1
        --- stderr
        error: `parametrize` names targets by its values, and `[]` of type list is no text
          --> BUILD:1:30
           |
         1 | filegroup(name = "x", tags = parametrize([]))
           |                              ^^^^^^^^^^^^^^^
        hint: give it an alias: `parametrize(some_name = …)`
    "#]]);
    mistake("parametrize(\"a=b\")", expect![[r#"
        exit: 1
        --- stderr
        error: `a=b` cannot be part of a target's name
          --> BUILD:1:30
           |
         1 | filegroup(name = "x", tags = parametrize("a=b"))
           |                              ^^^^^^^^^^^^^^^^^^
        hint: give it an alias: `parametrize(some_name = …)`
    "#]]);
    mistake("parametrize(\"a\", a = [])", expect![[r#"
        exit: 1
        --- stderr
        error: `parametrize` has `a` twice
          --> BUILD:1:30
           |
         1 | filegroup(name = "x", tags = parametrize("a", a = []))
           |                              ^^^^^^^^^^^^^^^^^^^^^^^^
        hint: remove one of them, or give it another alias
    "#]]);
    mistake("parametrize()", expect![[r#"
        exit: 1
        --- stderr
        error: `parametrize` without values would make no target
          --> BUILD:1:30
           |
         1 | filegroup(name = "x", tags = parametrize())
           |                              ^^^^^^^^^^^^^
        hint: give it at least one value
    "#]]);
    mistake("parametrize(\"a\")", expect![[r#"
        exit: 1
        --- stderr
        error: attribute `tags` of filegroup `//:x@tags=a`: expected a list of strings, got `"a"` of type string
          --> BUILD:1:23
           |
         1 | filegroup(name = "x", tags = parametrize("a"))
           |                       ^^^^^^^^^^^^^^^^^^^^^^^
        hint: write `["a"]`
    "#]]);
    mistake("[], visibility = parametrize(\"a\")", expect![[r#"
        exit: 1
        --- stderr
        error: `visibility` cannot be parametrized
          --> BUILD:1:1
           |
         1 | filegroup(name = "x", tags = [], visibility = parametrize("a"))
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: parametrize another attribute; names of its targets follow from it
    "#]]);
    let many = format!(
        "parametrize(**{{\"v%d\" % n: [] for n in range({})}})",
        1001
    );
    mistake(&many, expect![[r#"
        exit: 1
        --- stderr
        error: `x` is parametrized into more than 1000 targets
          --> BUILD:1:1
           |
         1 | filegroup(name = "x", tags = parametrize(**{"v%d" % n: [] for n in range(1001)}))
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: parametrize fewer attributes, or with fewer values
    "#]]);
    // A single value makes a target too (BLD-081).
    mistake("parametrize(only = [\"a\"])", expect![[r#"
        exit: 0
        --- stdout
        //:x@tags=only
    "#]]);
}
