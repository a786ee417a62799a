//! Seeded misconfigurations: each is rejected before the first process, with a place and a cure.

use expect_test::{Expect, expect};
use kiln_testkit::{Output, Workspace};

use crate::KILN;

/// Names and targets that most of them begin with.
pub(crate) const COMMON: &str = r#"
//- .bazelrc
common --nodocker_execution
//- kiln.toml
[environments-preview.names]
here = "//environments:here"
docker = "//environments:docker"
mac = "//environments:mac"
//- environments/BUILD
local_environment(name = "here")
docker_environment(name = "docker", image = "debian:12", fallback_environment = "here")
local_environment(name = "mac", compatible_platforms = ["macos_arm64"])
//- unrelated/BUILD
genrule(name = "unrelated", outs = ["unrelated.txt"], cmd = "touch $@")
"#;

/// Places and cures are there, and nothing ran.
pub(crate) fn rejected(workspace: &Workspace, output: &Output) {
    let text = output.show();
    assert_ne!(output.code, Some(0), "{text}");
    assert!(text.contains("  --> "), "no place: {text}");
    assert!(text.contains("\nhint: "), "no cure: {text}");
    for folder in ["fastbuild", "fastbuild-here"] {
        let made = workspace.read(&format!("kiln-out/{folder}/bin/unrelated/unrelated.txt"));
        assert_eq!(made, None, "something ran: {text}");
    }
}

/// Rejected by `env check` of all targets, with these words, and by `build` of all targets.
pub(crate) fn seeded(files: &str, expect: Expect) {
    let workspace = Workspace::with(KILN, &format!("{COMMON}{files}"));
    let checked = workspace.kiln("env check");
    rejected(&workspace, &checked);
    expect.assert_eq(&checked.show());
    rejected(&workspace, &workspace.kiln("build //..."));
}

/// Rejected by `env check` alone: a build would find it out too late, or has no need to know.
pub(crate) fn seeded_for_check(files: &str, expect: Expect) {
    let workspace = Workspace::with(KILN, &format!("{COMMON}{files}"));
    let checked = workspace.kiln("env check");
    rejected(&workspace, &checked);
    expect.assert_eq(&checked.show());
}

#[test]
fn names_that_are_not_there_env_025() {
    // 1: a name that nobody defines, seen from two targets away.
    seeded(
        r#"
//- app/BUILD
genrule(name = "app", srcs = ["//lib"], outs = ["app.txt"], cmd = "cp $< $@")
//- lib/BUILD
package(default_visibility = ["//visibility:public"])
genrule(name = "lib", srcs = [":gen"], outs = ["lib.txt"], cmd = "cp $< $@")
genrule(name = "gen", outs = ["gen.txt"], cmd = "touch $@", environment = "dokcer")
"#,
        expect![[r#"
            exit: 1
            --- stdout
            checked 7 targets and what they need: 1 mistake
              here: 3 targets
            --- stderr
            error: unrecognized environment `dokcer`
              --> lib/BUILD:3:75
               |
             3 | genrule(name = "gen", outs = ["gen.txt"], cmd = "touch $@", environment = "dokcer")
               |                                                                           ^^^^^^^^
               = there are `docker`, `here`, `mac`
               = asked for by the `environment` of `//lib:gen`
            hint: did you mean `docker`?
            hint: give an environment target this name by `--env=NAME=//LABEL`, or a line `NAME = "//LABEL"` in `[environments-preview.names]` of `kiln.toml`
        "#]],
    );
    // 2: by a default for a whole folder.
    seeded(
        r#"
//- app/BUILD
__defaults__(all = {"environment": "linux"})
genrule(name = "app", outs = ["app.txt"], cmd = "touch $@")
"#,
        expect![[r#"
            exit: 1
            --- stdout
            checked 5 targets and what they need: 1 mistake
              here: 1 target
            --- stderr
            error: unrecognized environment `linux`
              --> app/BUILD:2:1
               |
             2 | genrule(name = "app", outs = ["app.txt"], cmd = "touch $@")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = there are `docker`, `here`, `mac`
               = asked for by the `environment` of `//app:app`
            hint: give an environment target this name by `--env=NAME=//LABEL`, or a line `NAME = "//LABEL"` in `[environments-preview.names]` of `kiln.toml`
        "#]],
    );
    // 3: one of two members.
    seeded(
        r#"
//- app/BUILD
genrule(name = "app", outs = ["app.txt"], cmd = "touch $@", environment = parametrize("here", "there"))
"#,
        expect![[r#"
            exit: 1
            --- stdout
            checked 6 targets and what they need: 1 mistake
              here: 2 targets
            --- stderr
            error: unrecognized environment `there`
              --> app/BUILD:1:95
               |
             1 | genrule(name = "app", outs = ["app.txt"], cmd = "touch $@", environment = parametrize("here", "there"))
               |                                                                                               ^^^^^^^
               = there are `docker`, `here`, `mac`
               = asked for by the `environment` of `//app:app@environment=there`
            hint: did you mean `here`?
            hint: give an environment target this name by `--env=NAME=//LABEL`, or a line `NAME = "//LABEL"` in `[environments-preview.names]` of `kiln.toml`
        "#]],
    );
}

#[test]
fn environments_that_do_not_fit_here_env_051() {
    // 4: a machine that this is not.
    seeded(
        r#"
//- app/BUILD
sh_test(name = "app", srcs = ["app.sh"], environment = "mac")
//- app/app.sh
#!/bin/sh
"#,
        expect![[r#"
            exit: 1
            --- stdout
            checked 5 targets and what they need: 1 mistake
              here: 1 target
            --- stderr
            error: environment `mac` (`//environments:mac`) cannot be used: this machine is `linux_x86_64`, and it is compatible with `macos_arm64`
              --> environments/BUILD:3:1
               |
             3 | local_environment(name = "mac", compatible_platforms = ["macos_arm64"])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = asked for by the `environment` of `//app:app`
              --> app/BUILD:1:1
               |
             1 | sh_test(name = "app", srcs = ["app.sh"], environment = "mac")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: set `fallback_environment` to what shall be used instead, for example `"__local__"`
        "#]],
    );
    // 5: containers are off.
    seeded(
        r#"
//- environments/BUILD
local_environment(name = "here")
docker_environment(name = "docker", image = "debian:12")
local_environment(name = "mac", compatible_platforms = ["macos_arm64"])
//- app/BUILD
genrule(name = "app", outs = ["app.txt"], cmd = "touch $@", environment = "docker")
"#,
        expect![[r#"
            exit: 1
            --- stdout
            checked 5 targets and what they need: 1 mistake
              here: 1 target
            --- stderr
            error: environment `docker` (`//environments:docker`) cannot be used: containers are off: there is `--nodocker_execution`
              --> environments/BUILD:2:1
               |
             2 | docker_environment(name = "docker", image = "debian:12")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = asked for by the `environment` of `//app:app`
              --> app/BUILD:1:1
               |
             1 | genrule(name = "app", outs = ["app.txt"], cmd = "touch $@", environment = "docker")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: set `fallback_environment` to what shall be used instead, for example `"__local__"`
        "#]],
    );
    // 6: there is no server.
    seeded(
        r#"
//- environments/BUILD
local_environment(name = "here")
remote_environment(name = "docker")
local_environment(name = "mac", compatible_platforms = ["macos_arm64"])
//- app/BUILD
genrule(name = "app", outs = ["app.txt"], cmd = "touch $@", environment = "docker")
"#,
        expect![[r#"
            exit: 1
            --- stdout
            checked 5 targets and what they need: 1 mistake
              here: 1 target
            --- stderr
            error: environment `docker` (`//environments:docker`) cannot be used: remote execution is off: there is no `--remote_executor`
              --> environments/BUILD:2:1
               |
             2 | remote_environment(name = "docker")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = asked for by the `environment` of `//app:app`
              --> app/BUILD:1:1
               |
             1 | genrule(name = "app", outs = ["app.txt"], cmd = "touch $@", environment = "docker")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: set `fallback_environment` to what shall be used instead, for example `"__local__"`
        "#]],
    );
    // 7: it matches nowhere.
    seeded(
        r#"
//- environments/BUILD
local_environment(name = "here")
local_environment(name = "docker", compatible_platforms = [])
local_environment(name = "mac", compatible_platforms = ["macos_arm64"])
//- app/BUILD
genrule(name = "app", outs = ["app.txt"], cmd = "touch $@", environment = "docker")
"#,
        expect![[r#"
            exit: 1
            --- stdout
            checked 5 targets and what they need: 1 mistake
              here: 1 target
            --- stderr
            error: environment `docker` (`//environments:docker`) cannot be used: its `compatible_platforms` is empty, so that it matches nowhere
              --> environments/BUILD:2:1
               |
             2 | local_environment(name = "docker", compatible_platforms = [])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = asked for by the `environment` of `//app:app`
              --> app/BUILD:1:1
               |
             1 | genrule(name = "app", outs = ["app.txt"], cmd = "touch $@", environment = "docker")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: set `fallback_environment` to what shall be used instead, for example `"__local__"`
        "#]],
    );
    // 8: no workspace environment is for this machine.
    seeded(
        r#"
//- environments/BUILD
local_environment(name = "here")
experimental_workspace_environment(name = "docker", compatible_platforms = ["macos_arm64"])
local_environment(name = "mac", compatible_platforms = ["macos_arm64"])
//- app/BUILD
genrule(name = "app", outs = ["app.txt"], cmd = "touch $@", environment = "__local_workspace__")
"#,
        expect![[r#"
            exit: 1
            --- stdout
            checked 5 targets and what they need: 1 mistake
              here: 1 target
            --- stderr
            error: no named `experimental_workspace_environment` fits this machine, which is `linux_x86_64`
              --> app/BUILD:1:75
               |
             1 | genrule(name = "app", outs = ["app.txt"], cmd = "touch $@", environment = "__local_workspace__")
               |                                                                           ^^^^^^^^^^^^^^^^^^^^^
               = asked for by the `environment` of `//app:app`
            hint: give such a target a name by `--env=NAME=//LABEL`, or a line `NAME = "//LABEL"` in `[environments-preview.names]` of `kiln.toml`
        "#]],
    );
}

#[test]
fn conditions_that_do_not_hold() {
    // 9: a variable that is not set.
    seeded(
        r#"
//- environments/BUILD
local_environment(name = "here")
local_environment(name = "docker", requires_env = ["DEPLOY_TOKEN"])
local_environment(name = "mac", compatible_platforms = ["macos_arm64"])
//- kiln.toml
[environments-preview.names]
here = "//environments:here"
deploy = "//environments:docker"
//- app/BUILD
genrule(name = "app", outs = ["app.txt"], cmd = "touch $@", environment = "deploy")
"#,
        expect![[r#"
            exit: 1
            --- stdout
            checked 5 targets and what they need: 1 mistake
              here: 1 target
            --- stderr
            error: environment `deploy` (`//environments:docker`) cannot be used: the variable `DEPLOY_TOKEN` is not set
              --> environments/BUILD:2:1
               |
             2 | local_environment(name = "docker", requires_env = ["DEPLOY_TOKEN"])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = asked for by the `environment` of `//app:app`
              --> app/BUILD:1:1
               |
             1 | genrule(name = "app", outs = ["app.txt"], cmd = "touch $@", environment = "deploy")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: set `fallback_environment` to what shall be used instead, for example `"__local__"`
        "#]],
    );
    // 10: an option with another value.
    seeded(
        r#"
//- environments/BUILD
local_environment(name = "here")
local_environment(name = "docker", requires_option = ["compilation_mode=opt"])
local_environment(name = "mac", compatible_platforms = ["macos_arm64"])
//- app/BUILD
genrule(name = "app", outs = ["app.txt"], cmd = "touch $@", environment = "docker")
"#,
        expect![[r#"
            exit: 1
            --- stdout
            checked 5 targets and what they need: 1 mistake
              here: 1 target
            --- stderr
            error: environment `docker` (`//environments:docker`) cannot be used: `--compilation_mode` is not `opt`: it is `fastbuild`
              --> environments/BUILD:2:1
               |
             2 | local_environment(name = "docker", requires_option = ["compilation_mode=opt"])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = asked for by the `environment` of `//app:app`
              --> app/BUILD:1:1
               |
             1 | genrule(name = "app", outs = ["app.txt"], cmd = "touch $@", environment = "docker")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: set `fallback_environment` to what shall be used instead, for example `"__local__"`
        "#]],
    );
    // 11: an option that there is not.
    seeded(
        r#"
//- environments/BUILD
local_environment(name = "here")
local_environment(name = "docker", requires_option = ["compilation_mod=opt"])
local_environment(name = "mac", compatible_platforms = ["macos_arm64"])
//- app/BUILD
genrule(name = "app", outs = ["app.txt"], cmd = "touch $@", environment = "docker")
"#,
        expect![[r#"
            exit: 1
            --- stdout
            checked 5 targets and what they need: 1 mistake
            --- stderr
            error: kiln has no option `compilation_mod`
              --> environments/BUILD:2:1
               |
             2 | local_environment(name = "docker", requires_option = ["compilation_mod=opt"])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = in `requires_option` of `//environments:docker`
            hint: did you mean `compilation_mode`?
            hint: options are named as their flags are, without dashes in front; `kiln help build` lists them
        "#]],
    );
}

#[test]
fn fallbacks_that_lead_nowhere_env_053_env_054() {
    // 12: a circle.
    seeded(
        r#"
//- environments/BUILD
local_environment(name = "here")
docker_environment(name = "docker", image = "debian:12", fallback_environment = "mac")
local_environment(name = "mac", compatible_platforms = ["macos_arm64"], fallback_environment = "docker")
//- app/BUILD
genrule(name = "app", outs = ["app.txt"], cmd = "touch $@", environment = "mac")
"#,
        expect![[r#"
            exit: 1
            --- stdout
            checked 5 targets and what they need: 1 mistake
              here: 1 target
            --- stderr
            error: fallbacks of environments go in a circle: `mac` -> `docker` -> `mac`
              --> environments/BUILD:2:1
               |
             2 | docker_environment(name = "docker", image = "debian:12", fallback_environment = "mac")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = asked for by the `environment` of `//app:app`
              --> app/BUILD:1:1
               |
             1 | genrule(name = "app", outs = ["app.txt"], cmd = "touch $@", environment = "mac")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: remove one of these `fallback_environment`s, or let it be `__local__`
        "#]],
    );
    // 13: a name that is not there, and taken.
    seeded(
        r#"
//- environments/BUILD
local_environment(name = "here")
docker_environment(name = "docker", image = "debian:12", fallback_environment = "heer")
local_environment(name = "mac", compatible_platforms = ["macos_arm64"])
//- app/BUILD
genrule(name = "app", outs = ["app.txt"], cmd = "touch $@", environment = "docker")
"#,
        expect![[r#"
            exit: 1
            --- stdout
            checked 5 targets and what they need: 2 mistakes
              here: 1 target
            --- stderr
            error: `fallback_environment` of `//environments:docker` is `heer`, and no environment has that name
              --> environments/BUILD:2:1
               |
             2 | docker_environment(name = "docker", image = "debian:12", fallback_environment = "heer")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: did you mean `here`?
            hint: `kiln env list` shows the names
            error: unrecognized environment `heer`
              --> app/BUILD:1:75
               |
             1 | genrule(name = "app", outs = ["app.txt"], cmd = "touch $@", environment = "docker")
               |                                                                           ^^^^^^^^
               = the `fallback_environment` of `//environments:docker` says so
              --> environments/BUILD:2:1
               |
             2 | docker_environment(name = "docker", image = "debian:12", fallback_environment = "heer")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = there are `docker`, `here`, `mac`
               = asked for by the `environment` of `//app:app`
            hint: did you mean `here`?
            hint: give an environment target this name by `--env=NAME=//LABEL`, or a line `NAME = "//LABEL"` in `[environments-preview.names]` of `kiln.toml`
        "#]],
    );
    // 14: the same, which nobody takes yet.
    seeded_for_check(
        r#"
//- environments/BUILD
local_environment(name = "here", fallback_environment = "moon")
docker_environment(name = "docker", image = "debian:12", fallback_environment = "here")
local_environment(name = "mac", compatible_platforms = ["macos_arm64"])
"#,
        expect![[r#"
            exit: 1
            --- stdout
            checked 4 targets and what they need: 1 mistake
              here: 1 target
            --- stderr
            error: `fallback_environment` of `//environments:here` is `moon`, and no environment has that name
              --> environments/BUILD:1:1
               |
             1 | local_environment(name = "here", fallback_environment = "moon")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: `kiln env list` shows the names
        "#]],
    );
}

#[test]
fn what_names_stand_for_env_023_env_024_env_041_env_142() {
    // 15: two environments that `__local__` could be.
    seeded(
        r#"
//- environments/BUILD
local_environment(name = "here")
local_environment(name = "docker")
local_environment(name = "mac", compatible_platforms = ["macos_arm64"])
"#,
        expect![[r#"
            exit: 1
            --- stdout
            checked 4 targets and what they need: 1 mistake
            --- stderr
            error: `__local__` is ambiguous: `docker` (`//environments:docker`) and `here` (`//environments:here`) fit this machine
              --> environments/BUILD:2:1
               |
             2 | local_environment(name = "docker")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = `here`
              --> environments/BUILD:1:1
               |
             1 | local_environment(name = "here")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: narrow the `compatible_platforms` of all but one, or give only one of them a name
            hint: a target may name the one it means: `environment = "NAME"`; names can differ by user or in CI
        "#]],
    );
    // 16: a label of nothing.
    seeded(
        r#"
//- environments/BUILD
local_environment(name = "here")
docker_environment(name = "dokcer", image = "debian:12")
local_environment(name = "mac", compatible_platforms = ["macos_arm64"])
"#,
        expect![[r#"
            exit: 1
            --- stdout
            checked 4 targets and what they need: 1 mistake
            --- stderr
            error: no such target `//environments:docker`: `environments/BUILD` declares no target `docker` and there is no such file
              --> kiln.toml:3:1
               |
             3 | docker = "//environments:docker"
               | ^^^^^^
               = environment `docker` is `//environments:docker`, says kiln.toml:3
            hint: did you mean `dokcer`?
        "#]],
    );
    // 17: a label of something else.
    seeded(
        r#"
//- environments/BUILD
local_environment(name = "here")
platform(name = "docker")
local_environment(name = "mac", compatible_platforms = ["macos_arm64"])
"#,
        expect![[r#"
            exit: 1
            --- stdout
            checked 4 targets and what they need: 1 mistake
            --- stderr
            error: `//environments:docker` is a `platform`, and no environment
              --> environments/BUILD:2:1
               |
             2 | platform(name = "docker")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^
               = environment `docker` is `//environments:docker`, says kiln.toml:3
            hint: name a target of `local_environment`, `docker_environment`, `remote_environment` or `experimental_workspace_environment`
        "#]],
    );
    // 18: a target that a macro makes.
    seeded(
        r#"
//- environments/defs.bzl
def container(name):
    native.docker_environment(name = name, image = "debian:12")
//- environments/BUILD
load(":defs.bzl", "container")
local_environment(name = "here")
container(name = "docker")
local_environment(name = "mac", compatible_platforms = ["macos_arm64"])
"#,
        expect![[r#"
            exit: 1
            --- stdout
            checked 4 targets and what they need: 1 mistake
            --- stderr
            error: environment targets cannot use macros, and `//environments:docker` is made by `container`
              --> environments/BUILD:3:1
               |
             3 | container(name = "docker")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^
               = what they say must be plain to see: all that is built depends on it
               = environment `docker` is `//environments:docker`, says kiln.toml:3
            hint: call `docker_environment` in the BUILD file itself
        "#]],
    );
}
