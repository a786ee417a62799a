//! What is said when no environment can be chosen, or something is written wrongly.

use expect_test::{Expect, expect};
use kiln_testkit::Workspace;

use crate::{BUILD, KILN, NAMES, check};

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
            --- stdout
            checked 1 target and what it needs: 1 mistake
            --- stderr
            error: unrecognized environment `heer`
              --> BUILD:9:59
               |
             9 | genrule(name = "z", outs = ["z"], cmd = "", environment = "heer")
               |                                                           ^^^^^^
               = there are `here`, `mac`, `there`
               = asked for by the `environment` of `//:z`
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
               = it has applicable_licenses, aspect_hints, cc_executable_search_paths, compatible_platforms, compatible_with, deprecation, exec_compatible_with, exec_properties, features, generator_function, generator_location, generator_name, licenses, name, package_metadata, python_bootstrap_search_path, requires_env, requires_option, restricted_to, shell_setup_executable_search_paths, subprocess_environment_env_vars, system_binaries_system_binary_paths, tags, target_compatible_with, test_extra_env_vars, testonly, toolchains, transitive_configs, visibility
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
            error: environment `e` (`//:e`) cannot be used: remote execution is off: there is no `--remote_executor`
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
            hint: did you mean `environments`?
            hint: sections are `GLOBAL`, `DEFAULT`, `cc`, `python-bootstrap`, `remote`, `serve`, `shell-setup`, `subprocess-environment`, `system-binaries`, `test`, `environments-preview`
        "#]],
    );
    toml(
        "[environments-preview]\nname = {}",
        expect![[r#"
            exit: 2
            --- stderr
            error: there is no option `name` in `[environments-preview]`
              --> kiln.toml:2:1
            hint: did you mean `names`?
        "#]],
    );
    toml(
        "[environments-preview]\nnames = 3",
        expect![[r#"
            exit: 2
            --- stderr
            error: `names` of `[environments-preview]` needs a table
              --> kiln.toml:2:9
               |
             2 | names = 3
               |         ^
            hint: write the label of an environment target: `NAME = "//environments:linux"`
        "#]],
    );
    toml(
        "[environments-preview.names]\nx = 3",
        expect![[r#"
            exit: 2
            --- stderr
            error: `names` of `[environments-preview]` needs a text
              --> kiln.toml:2:5
               |
             2 | x = 3
               |     ^
            hint: write the label of an environment target: `NAME = "//environments:linux"`
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
    toml(
        "[environments.names]\nx = \"//:x\"\n\n[environments-preview.names]\ny = \"//:y\"",
        expect![[r#"
            exit: 2
            --- stderr
            error: `environments-preview` is another name of `environments`, which is there already
              --> kiln.toml:4:2
               |
             4 | [environments-preview.names]
               |  ^^^^^^^^^^^^^^^^^^^^
               = the first one
              --> kiln.toml:1:2
               |
             1 | [environments.names]
               |  ^^^^^^^^^^^^
            hint: put the lines of both into one
        "#]],
    );
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
            error: `kiln env` needs a command
            hint: `kiln env list`, `kiln env show NAME`, `kiln env explain TARGET` and `kiln env check TARGET` are there
        "#]],
    );
    check(
        "",
        "",
        "env show",
        expect![[r#"
            exit: 2
            --- stderr
            error: `kiln env show` needs the name of one environment
            hint: `kiln env list` shows the names
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
