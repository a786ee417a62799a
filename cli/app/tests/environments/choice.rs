//! Which environment a target is built in.

use expect_test::expect;
use kiln_testkit::Workspace;

use crate::{BUILD, KILN, NAMES, check, with_files, workspace};

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
            there  //:there  falls back to `here` (local_environment): containers are off: there is `--nodocker_execution`
        "#]],
    );
    check(
        NAMES,
        BUILD,
        "env list --format=json",
        expect![[r#"
            exit: 0
            --- stdout
            {"name":"here","environment":"here","kind":"local_environment","environment_label":"//:here","race_with":null,"left":[],"label":"//:here","origin":"kiln.toml:2"}
            {"name":"mac","label":"//:mac","origin":"kiln.toml:4","error":"environment `mac` (`//:mac`) cannot be used: this machine is `linux_x86_64`, and it is compatible with `macos_arm64`"}
            {"name":"there","environment":"here","kind":"local_environment","environment_label":"//:here","race_with":null,"left":[{"name":"there","reason":"containers are off: there is `--nodocker_execution`"}],"label":"//:there","origin":"kiln.toml:3"}
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
              not `there`: containers are off: there is `--nodocker_execution`
              built in `here` (local_environment), which is `//:here`
            there
              not `there`: containers are off: there is `--nodocker_execution`
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
            checked 2 targets and what they need: all fit
              here: 2 targets
        "#]],
    );
    check(
        NAMES,
        BUILD,
        "env check //...",
        expect![[r#"
            exit: 1
            --- stdout
            checked 7 targets and what they need: 1 mistake
              here: 2 targets
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
fn the_workspace_is_an_environment_env_011() {
    let build = "
experimental_workspace_environment(name = 'x')
genrule(name = 'a', outs = ['o'], cmd = 'touch $@', environment = 'x')
";
    check(
        "",
        build,
        "build --env=x=//:x //:a",
        expect![[r#"
            exit: 0
            --- stderr
            //:a:
              kiln-out/fastbuild-x/bin/o
            built 1 target in [TIME]; 1 action: 1 run
        "#]],
    );
}

#[test]
fn lines_of_rc_files_for_builds_count_as_far_as_they_concern_it() {
    let files = "
//- .bazelrc
build --copt=-O2 --env=here=//:here
test --test_output=all
//- BUILD
local_environment(name = \"here\")
";
    let output = Workspace::with(KILN, files).kiln("env list");
    expect![[r#"
        exit: 0
        --- stdout
        here  //:here  local_environment
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

/// What is run to build something runs where that is built.
#[test]
fn tools_are_built_where_they_run() {
    let files = "
//- kiln.toml
[environments-preview.names]
here = \"//:here\"
//- BUILD
local_environment(name = \"here\")
sh_binary(name = \"tool\", srcs = [\"tool.sh\"])
genrule(name = \"a\", outs = [\"a.txt\"], cmd = \"echo $(location :tool) > $@\", tools = [\":tool\"], environment = \"here\")
//- tool.sh
#!/bin/bash
";
    let workspace = Workspace::with(KILN, files);
    let output = workspace.kiln("build //:a");
    assert_eq!(output.code, Some(0), "{}", output.show());
    let said = workspace.read("kiln-out/fastbuild-here/bin/a.txt");
    expect![[r#"
        kiln-out/exec-opt-here/bin/tool
    "#]]
    .assert_eq(&said.unwrap_or_default());
}

/// Environments are targets, so loading must not depend on any (ENV-140): the solved graph holds
/// that nothing below a package reads one.
#[test]
fn packages_know_of_no_environment_env_140_env_146() {
    let output = workspace("", "").kiln("rules explain Package");
    assert_eq!(output.code, Some(0), "{}", output.show());
    assert!(output.stdout.contains("RepoOptions"), "{}", output.show());
    for ambient in ["Configuration", "EnvironmentOptions", "Chosen"] {
        assert!(!output.stdout.contains(ambient), "{}", output.show());
    }
}
