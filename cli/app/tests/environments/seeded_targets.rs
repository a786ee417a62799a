//! Further seeded misconfigurations: of fields, of targets that do not meet, of tools and platforms.

use expect_test::{Expect, expect};
use kiln_testkit::Workspace;

use crate::KILN;
use crate::seeded::{COMMON, rejected, seeded, seeded_for_check};

/// Rejected by `build`, with these words; there is a server that nobody asks.
fn seeded_for_workers(files: &str, expect: Expect) {
    let workspace = Workspace::with(KILN, &format!("{COMMON}{files}"));
    let built = workspace.kiln("build //... --remote_executor=grpc://127.0.0.1:1");
    rejected(&workspace, &built);
    expect.assert_eq(&built.show());
}

#[test]
fn fields_env_002_env_009_env_076_env_091() {
    let environment = |target: &str, expect: Expect| {
        let files = format!(
            r#"
//- environments/BUILD
local_environment(name = "here")
{target}
local_environment(name = "mac", compatible_platforms = ["macos_arm64"])
//- app/BUILD
genrule(name = "app", outs = ["app.txt"], cmd = "touch $@", environment = "docker")
"#
        );
        seeded(&files, expect);
    };
    // 19
    environment(
        "local_environment(name = \"docker\", compatible_platforms = [\"linux_amd64\"])",
        expect![[r#"
            exit: 1
            --- stdout
            checked 5 targets and what they need: 1 mistake
            --- stderr
            error: `compatible_platforms` of `//environments:docker`: `linux_amd64` is not one of `linux_arm64`, `linux_x86_64`, `macos_arm64`, `macos_x86_64`
              --> environments/BUILD:2:1
               |
             2 | local_environment(name = "docker", compatible_platforms = ["linux_amd64"])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = environment `docker` is `//environments:docker`, says kiln.toml:3
            hint: did you mean `linux_arm64`?
        "#]],
    );
    // 20
    environment(
        "docker_environment(name = \"docker\", image = \"debian@12\", fallback_environment = \"here\")",
        expect![[r#"
            exit: 1
            --- stdout
            checked 5 targets and what they need: 1 mistake
            --- stderr
            error: `image` of `//environments:docker`: `12` behind the `@` is no digest
              --> environments/BUILD:2:1
               |
             2 | docker_environment(name = "docker", image = "debian@12", fallback_environment = "here")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = environment `docker` is `//environments:docker`, says kiln.toml:3
            hint: for example `debian:12`, `debian@sha256:…` or `sha256:…`
        "#]],
    );
    // 21
    environment(
        "docker_environment(name = \"docker\", image = \"debian:12\", env_vars = [\"A=b\"])",
        expect![[r#"
            exit: 1
            --- stderr
            error: `docker_environment` has no attribute `env_vars` (target `//environments:docker`)
              --> environments/BUILD:2:58
               |
             2 | docker_environment(name = "docker", image = "debian:12", env_vars = ["A=b"])
               |                                                          ^^^^^^^^^^^^^^^^^^
               = it has applicable_licenses, aspect_hints, cc_executable_search_paths, compatible_with, deprecation, exec_compatible_with, exec_properties, fallback_environment, features, generator_function, generator_location, generator_name, image, licenses, name, package_metadata, platform, python_bootstrap_search_path, race_with, requires_env, requires_option, restricted_to, shell_setup_executable_search_paths, subprocess_environment_env_vars, system_binaries_system_binary_paths, tags, target_compatible_with, test_extra_env_vars, testonly, toolchains, transitive_configs, visibility
            hint: remove `env_vars`, or give it to another rule
        "#]],
    );
    // 22
    environment(
        "remote_environment(name = \"docker\", cc_executable_search_paths = [\"bin\"], fallback_environment = \"here\")",
        expect![[r#"
            exit: 1
            --- stdout
            checked 5 targets and what they need: 1 mistake
            --- stderr
            error: `cc_executable_search_paths` of `//environments:docker`: `bin` is no absolute path and not `<PATH>`
              --> environments/BUILD:2:1
               |
             2 | remote_environment(name = "docker", cc_executable_search_paths = ["bin"], fallback_environment = "here")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = environment `docker` is `//environments:docker`, says kiln.toml:3
            hint: write a folder such as `/opt/tools/bin`; `<PATH>` stands for those of its own `PATH`
        "#]],
    );
}

#[test]
fn members_that_cannot_meet_bld_078() {
    // 23: whoever needs it is built in neither of its environments.
    seeded(
        r#"
//- app/BUILD
genrule(name = "gen", outs = ["gen.txt"], cmd = "touch $@", environment = parametrize("docker", "mac"), tags = ["manual"])
genrule(name = "app", srcs = [":gen"], outs = ["app.txt"], cmd = "cp $< $@", environment = "here")
"#,
        expect![[r#"
            exit: 1
            --- stdout
            checked 5 targets and what they need: 1 mistake
              here: 2 targets
            --- stderr
            error: `//app:gen` is parametrized, and may be several targets
              --> app/BUILD:2:31
               |
             2 | genrule(name = "app", srcs = [":gen"], outs = ["app.txt"], cmd = "cp $< $@", environment = "here")
               |                               ^^^^^^
               = none has the same `environment` as `//app:app`
               = `//app:gen` is in `srcs` of `//app:app`
            hint: write one of `//app:gen@environment=docker`, `//app:gen@environment=mac`
        "#]],
    );
    // 24: a parameter that it does not have.
    seeded(
        r#"
//- app/BUILD
genrule(name = "gen", outs = ["gen.txt"], cmd = parametrize(a = "touch $@", b = "echo > $@"))
genrule(name = "app", srcs = [":gen@cmd=c"], outs = ["app.txt"], cmd = "cp $< $@")
"#,
        expect![[r#"
            exit: 1
            --- stdout
            checked 7 targets and what they need: 1 mistake
              here: 4 targets
            --- stderr
            error: no such target `//app:gen@cmd=c`: `gen` is parametrized, and has no such parameters
              --> app/BUILD:2:31
               |
             2 | genrule(name = "app", srcs = [":gen@cmd=c"], outs = ["app.txt"], cmd = "cp $< $@")
               |                               ^^^^^^^^^^^^
               = `//app:gen@cmd=c` is in `srcs` of `//app:app`
            hint: write one of `//app:gen@cmd=a`, `//app:gen@cmd=b`
        "#]],
    );
    // 25: a value for other platforms only.
    seeded(
        r#"
//- app/BUILD
genrule(name = "app", outs = ["app.txt"], cmd = per_platform(macos_arm64 = "touch $@", linux_arm64 = "touch $@"))
"#,
        expect![[r#"
            exit: 1
            --- stdout
            checked 5 targets and what they need: 1 mistake
              here: 1 target
            --- stderr
            error: attribute `cmd` of `//app:app`: no branch of its `select` matches the configuration
              --> app/BUILD:1:49
               |
             1 | genrule(name = "app", outs = ["app.txt"], cmd = per_platform(macos_arm64 = "touch $@", linux_arm64 = "touch $@"))
               |                                                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = conditions: `@@kiln_builtins//core:linux_arm64`, `@@kiln_builtins//core:macos_arm64`
               = the platform of the environment is `linux_x86_64`
               = `per_platform` has values for `linux_arm64`, `macos_arm64`
            hint: give it a value for this case too, or build the target where one fits
        "#]],
    );
}

#[test]
fn tools_that_are_not_there() {
    // 26: no compiler is looked for.
    seeded_for_check(
        r#"
//- environments/BUILD
local_environment(name = "here", cc_executable_search_paths = [])
docker_environment(name = "docker", image = "debian:12", fallback_environment = "here")
local_environment(name = "mac", compatible_platforms = ["macos_arm64"])
//- app/BUILD
filegroup(name = "all", srcs = [":app"])
cc_binary(name = "app", srcs = ["app.cc"])
//- app/app.cc
int main() {}
"#,
        expect![[r#"
            exit: 1
            --- stdout
            checked 6 targets and what they need: 1 mistake
              here: 3 targets
            --- stderr
            error: `//app:app` is built in `here` (local_environment), where there is no C++ compiler
              --> app/BUILD:2:1
               |
             2 | cc_binary(name = "app", srcs = ["app.cc"])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = environment `here` is `//environments:here`
              --> environments/BUILD:1:1
               |
             1 | local_environment(name = "here", cc_executable_search_paths = [])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: have one there, or say in which folder it is: `cc_executable_search_paths` of `//environments:here`, or `--cc_executable_search_paths`
        "#]],
    );
    // 27: no interpreter is where it says.
    seeded_for_check(
        r#"
//- environments/BUILD
local_environment(name = "here", python_bootstrap_search_path = ["/opt/python/bin"])
docker_environment(name = "docker", image = "debian:12", fallback_environment = "here")
local_environment(name = "mac", compatible_platforms = ["macos_arm64"])
//- app/BUILD
py_test(name = "app", srcs = ["app.py"], environment = "docker")
//- app/app.py
"#,
        expect![[r#"
            exit: 1
            --- stdout
            checked 5 targets and what they need: 1 mistake
              here: 2 targets
            --- stderr
            error: `//app:app` is built in `here` (local_environment), where there is no Python interpreter
              --> app/BUILD:1:1
               |
             1 | py_test(name = "app", srcs = ["app.py"], environment = "docker")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = environment `here` is `//environments:here`
              --> environments/BUILD:1:1
               |
             1 | local_environment(name = "here", python_bootstrap_search_path = ["/opt/python/bin"])
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            hint: have one there, or say in which folder it is: `python_bootstrap_search_path` of `//environments:here`, or `--python_bootstrap_search_path`
        "#]],
    );
}

#[test]
fn engines_and_servers_that_do_not_answer_env_105() {
    let docker = r#"
//- environments/BUILD
local_environment(name = "here")
docker_environment(name = "docker", image = "debian:12", fallback_environment = "here")
local_environment(name = "mac", compatible_platforms = ["macos_arm64"])
//- app/BUILD
genrule(name = "app", outs = ["app.txt"], cmd = "touch $@", environment = "docker")
"#;
    // 28: the engine.
    let workspace = Workspace::with(KILN, &format!("{COMMON}{docker}"));
    let workspace = workspace.env("DOCKER_HOST", "unix:///nowhere/docker.sock");
    let output = workspace.kiln("env check --docker_execution");
    rejected(&workspace, &output);
    expect![[r#"
        exit: 36
        --- stdout
        checked 5 targets and what they need: 1 mistake
          docker: 1 target
          here: 1 target
        --- stderr
        error: there is no Docker engine at `unix:///nowhere/docker.sock`: there is no socket `/nowhere/docker.sock`
          --> app/BUILD:1:1
           |
         1 | genrule(name = "app", outs = ["app.txt"], cmd = "touch $@", environment = "docker")
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = `DOCKER_HOST` says where it is
           = environment `docker` is `//environments:docker`
          --> environments/BUILD:2:1
           |
         2 | docker_environment(name = "docker", image = "debian:12", fallback_environment = "here")
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = `//app:app` is built in `docker` (docker_environment)
        hint: start Docker, or go without containers: `--nodocker_execution`
    "#]].assert_eq(&output.show());
}

/// ENV-123
#[test]
fn code_for_another_platform() {
    let common = r#"
//- environments/BUILD
local_environment(name = "here")
remote_environment(name = "docker", platform = "linux_arm64", fallback_environment = "here")
local_environment(name = "mac", compatible_platforms = ["macos_arm64"])
//- lib/BUILD
package(default_visibility = ["//visibility:public"])
cc_library(name = "lib", srcs = ["lib.cc"], environment = "docker")
cc_binary(name = "tool", srcs = ["tool.cc"], environment = "docker")
alias(name = "alias", actual = ":tool")
//- lib/lib.cc
//- lib/tool.cc
int main() {}
//- app/main.cc
int main() {}
"#;
    // 29: linked.
    seeded_for_workers(
        &format!(
            "{common}//- app/BUILD\ncc_binary(name = \"app\", srcs = [\"main.cc\"], deps = [\"//lib\"])\n"
        ),
        expect![[r#"
            exit: 1
            --- stderr
            error: `//app:app` is linked with `//lib:lib`, which is built for another platform
              --> app/BUILD:1:53
               |
             1 | cc_binary(name = "app", srcs = ["main.cc"], deps = ["//lib"])
               |                                                     ^^^^^^^
               = `//lib:lib` is built in `docker` (remote_environment), for `linux_arm64`
              --> lib/BUILD:2:1
               |
             2 | cc_library(name = "lib", srcs = ["lib.cc"], environment = "docker")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = `//app:app` is built in `here` (local_environment), for `linux_x86_64`
            hint: drop the `environment` of `//lib:lib`, so that it is built where it is needed, or have `parametrize` make one for each
            hint: if what it makes is the same everywhere, tag it `portable-outputs`
            failed: 0 of 8 targets built, 1 failed, 7 skipped in [TIME]
        "#]],
    );
    // 30: run, by way of an alias.
    seeded_for_workers(
        &format!(
            "{common}//- app/BUILD\ngenrule(name = \"app\", outs = [\"app.txt\"], tools = [\"//lib:alias\"], cmd = \"$(location //lib:alias) > $@\")\n"
        ),
        expect![[r#"
            exit: 1
            --- stderr
            error: `//app:app` runs `//lib:tool`, which is built for another platform
              --> app/BUILD:1:52
               |
             1 | genrule(name = "app", outs = ["app.txt"], tools = ["//lib:alias"], cmd = "$(location //lib:alias) > $@")
               |                                                    ^^^^^^^^^^^^^
               = `//lib:tool` is built in `docker` (remote_environment), for `linux_arm64`
              --> lib/BUILD:3:1
               |
             3 | cc_binary(name = "tool", srcs = ["tool.cc"], environment = "docker")
               | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
               = `//app:app` is built in `here` (local_environment), for `linux_x86_64`
            hint: drop the `environment` of `//lib:tool`, so that it is built where it is needed, or have `parametrize` make one for each
            hint: if what it makes is the same everywhere, tag it `portable-outputs`
            failed: 0 of 8 targets built, 1 failed, 7 skipped in [TIME]
        "#]],
    );
}

/// What scripts get: every finding has its place, its way, and a cure.
#[test]
fn findings_for_programs() {
    let files = r#"
//- app/BUILD
genrule(name = "app", srcs = [":lib"], outs = ["app.txt"], cmd = "cp $< $@")
genrule(name = "lib", srcs = [":gen"], outs = ["lib.txt"], cmd = "cp $< $@")
genrule(name = "gen", outs = ["gen.txt"], cmd = "touch $@", environment = "dokcer")
"#;
    let workspace = Workspace::with(KILN, &format!("{COMMON}{files}"));
    let output = workspace.kiln("env check //app:app //unrelated --format=json");
    expect![[r#"
        exit: 1
        --- stdout
        {"kind":"environment","message":"unrecognized environment `dokcer`","file":"app/BUILD","line":3,"column":75,"environment":"dokcer","chain":["//app:app","//app:lib","//app:gen"],"targets":["//app:app"],"notes":["there are `docker`, `here`, `mac`","asked for by the `environment` of `//app:gen`","the way to it: `//app:app` -> `//app:lib` -> `//app:gen` -> environment `dokcer`"],"hints":["did you mean `docker`?","give an environment target this name by `--env=NAME=//LABEL`, or a line `NAME = \"//LABEL\"` in `[environments-preview.names]` of `kiln.toml`"]}
        {"checked":2,"errors":1,"environments":[{"name":"here","targets":3,"answer":null}]}
    "#]].assert_eq(&output.show());
}

/// With `-k` what fits is built, and what does not is told.
#[test]
fn what_fits_is_built_with_k() {
    let files = r#"
//- app/BUILD
genrule(name = "app", outs = ["app.txt"], cmd = "touch $@", environment = "mac")
"#;
    let workspace = Workspace::with(KILN, &format!("{COMMON}{files}"));
    let output = workspace.kiln("build //... -k");
    expect![[r#"
        exit: 1
        --- stderr
        error: environment `mac` (`//environments:mac`) cannot be used: this machine is `linux_x86_64`, and it is compatible with `macos_arm64`
          --> environments/BUILD:3:1
           |
         3 | local_environment(name = "mac", compatible_platforms = ["macos_arm64"])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = asked for by the `environment` of `//app:app`
          --> app/BUILD:1:1
           |
         1 | genrule(name = "app", outs = ["app.txt"], cmd = "touch $@", environment = "mac")
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: set `fallback_environment` to what shall be used instead, for example `"__local__"`
        failed: 4 of 5 targets built, 1 failed in [TIME]; 1 action: 1 run
    "#]].assert_eq(&output.show());
    let made = workspace.read("kiln-out/fastbuild-here/bin/unrelated/unrelated.txt");
    assert_eq!(made.as_deref(), Some(""));
}
