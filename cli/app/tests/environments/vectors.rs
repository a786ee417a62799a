//! Vectors of the specification about environment targets as targets, and `env show`.

use expect_test::{Expect, expect};

use crate::check;

const BUILD: &str = r#"
local_environment(name = "here", tags = ["ours"])
docker_environment(name = "box", image = "debian:12", fallback_environment = "here", test_extra_env_vars = ["A=b"])
local_environment(name = "unnamed")
genrule(name = "a", outs = ["a.txt"], cmd = "touch $@")
"#;

const NAMES: &str = r#"[environments-preview.names]
here = "//:here"
box = "//:box"
[cc]
executable_search_paths = ["/opt/cc"]
"#;

/// They are ordinary targets for whoever asks (ENV-012, ENV-014), without files and dependencies
/// (ENV-015), and one that has no name is none of them (ENV-021).
#[test]
fn environments_are_targets_env_012_env_014_env_021() {
    check(
        NAMES,
        BUILD,
        "list //...",
        expect![[r#"
        exit: 0
        --- stdout
        //:a
        //:box
        //:here
        //:unnamed
    "#]],
    );
    check(
        NAMES,
        BUILD,
        "query attr(tags,ours,//...)",
        expect![[r#"
        exit: 0
        --- stdout
        //:here
    "#]],
    );
    check(
        NAMES,
        BUILD,
        "env explain __local__",
        expect![[r#"
        exit: 0
        --- stdout
        __local__
          built in `here` (local_environment), which is `//:here`
    "#]],
    );
    let field = |field: &str, expect: Expect| {
        let build = format!("local_environment(name = \"x\", {field})");
        check("", &build, "list //:x", expect);
    };
    field(
        "srcs = [\"x\"]",
        expect![[r#"
            exit: 1
            --- stderr
            error: `local_environment` has no attribute `srcs` (target `//:x`)
              --> BUILD:1:31
               |
             1 | local_environment(name = "x", srcs = ["x"])
               |                               ^^^^^^^^^^^^
               = it has applicable_licenses, aspect_hints, cc_executable_search_paths, compatible_platforms, compatible_with, deprecation, exec_compatible_with, exec_properties, fallback_environment, features, generator_function, generator_location, generator_name, licenses, name, package_metadata, python_bootstrap_search_path, race_with, requires_env, requires_option, restricted_to, shell_setup_executable_search_paths, subprocess_environment_env_vars, system_binaries_system_binary_paths, tags, target_compatible_with, test_extra_env_vars, testonly, toolchains, transitive_configs, visibility
            hint: remove `srcs`, or give it to another rule
        "#]],
    );
    field(
        "deps = [\":a\"]",
        expect![[r#"
            exit: 1
            --- stderr
            error: `local_environment` has no attribute `deps` (target `//:x`)
              --> BUILD:1:31
               |
             1 | local_environment(name = "x", deps = [":a"])
               |                               ^^^^^^^^^^^^^
               = it has applicable_licenses, aspect_hints, cc_executable_search_paths, compatible_platforms, compatible_with, deprecation, exec_compatible_with, exec_properties, fallback_environment, features, generator_function, generator_location, generator_name, licenses, name, package_metadata, python_bootstrap_search_path, race_with, requires_env, requires_option, restricted_to, shell_setup_executable_search_paths, subprocess_environment_env_vars, system_binaries_system_binary_paths, tags, target_compatible_with, test_extra_env_vars, testonly, toolchains, transitive_configs, visibility
            hint: remove `deps`, or give it to another rule
        "#]],
    );
}

/// ENV-013, ENV-070: all four have the same fields in place of options, each that of an option.
#[test]
fn all_four_have_the_fields_env_013() {
    let fields = [
        "cc_executable_search_paths",
        "python_bootstrap_search_path",
        "shell_setup_executable_search_paths",
        "subprocess_environment_env_vars",
        "system_binaries_system_binary_paths",
        "test_extra_env_vars",
    ];
    let kinds = [
        "local_environment(",
        "docker_environment(image = \"i\", ",
        "remote_environment(",
        "experimental_workspace_environment(",
    ];
    let mut build = String::new();
    for (at, kind) in kinds.iter().enumerate() {
        let given = fields.iter().map(|field| format!("{field} = [], "));
        build += &format!("{kind}name = \"e{at}\", {})\n", given.collect::<String>());
    }
    check(
        "",
        &build,
        "list //...",
        expect![[r#"
        exit: 0
        --- stdout
        //:e0
        //:e1
        //:e2
        //:e3
    "#]],
    );
    let help = crate::workspace("", "").kiln("help --json");
    let aware: Vec<&str> = help
        .stdout
        .match_indices("\"environment_field\":\"")
        .filter_map(|(at, key)| help.stdout[at + key.len()..].split('"').next())
        .collect();
    let mut aware = aware;
    aware.sort_unstable();
    assert_eq!(aware, fields);
}

#[test]
fn one_environment_is_shown() {
    check(
        NAMES,
        BUILD,
        "env show box",
        expect![[r#"
        exit: 0
        --- stdout
        box is `//:box` (docker_environment), says kiln.toml:3; it is declared at BUILD:3:1
          it cannot be used here: containers are off: there is `--nodocker_execution`; `here` is used instead
          fallback_environment = "here"
          image = "debian:12"
          what holds there of options:
            system_binaries_system_binary_paths  (default)
            subprocess_environment_env_vars  (default)
            test_extra_env_vars = ["A=b"]  (its field)
            cc_executable_search_paths = ["/opt/cc"]  (kiln.toml:5)
            python_bootstrap_search_path  (default)
            shell_setup_executable_search_paths  (default)
    "#]],
    );
    check(
        NAMES,
        BUILD,
        "env show box --format=json",
        expect![[r#"
        exit: 0
        --- stdout
        {"name":"box","label":"//:box","kind":"docker_environment","origin":"kiln.toml:3","file":"BUILD","line":3,"column":1,"fits":false,"reason":"containers are off: there is `--nodocker_execution`","fields":{"fallback_environment":"here","image":"debian:12"},"options":{"system_binaries_system_binary_paths":{"value":null,"from":"default"},"subprocess_environment_env_vars":{"value":null,"from":"default"},"test_extra_env_vars":{"value":["A=b"],"from":"its field"},"cc_executable_search_paths":{"value":["/opt/cc"],"from":"kiln.toml:5"},"python_bootstrap_search_path":{"value":null,"from":"default"},"shell_setup_executable_search_paths":{"value":null,"from":"default"}}}
    "#]],
    );
    check(
        NAMES,
        BUILD,
        "env show here",
        expect![[r#"
        exit: 0
        --- stdout
        here is `//:here` (local_environment), says kiln.toml:2; it is declared at BUILD:2:1
          it can be used here
          tags = ["ours"]
          what holds there of options:
            system_binaries_system_binary_paths  (default)
            subprocess_environment_env_vars  (default)
            test_extra_env_vars  (default)
            cc_executable_search_paths = ["/opt/cc"]  (kiln.toml:5)
            python_bootstrap_search_path  (default)
            shell_setup_executable_search_paths  (default)
    "#]],
    );
    check(
        NAMES,
        BUILD,
        "env show bx",
        expect![[r#"
        exit: 1
        --- stderr
        error: unrecognized environment `bx`
           = there are `box`, `here`
        hint: did you mean `box`?
        hint: give an environment target this name by `--env=NAME=//LABEL`, or a line `NAME = "//LABEL"` in `[environments-preview.names]` of `kiln.toml`
    "#]],
    );
    check(
        NAMES,
        BUILD,
        "env show",
        expect![[r#"
        exit: 2
        --- stderr
        error: `kiln env show` needs the name of one environment
        hint: `kiln env list` shows the names
    "#]],
    );
}

/// Without patterns all targets and all environments are looked at; labels name what they say.
#[test]
fn a_check_of_everything() {
    check(
        NAMES,
        BUILD,
        "env check",
        expect![[r#"
        exit: 0
        --- stdout
        checked 4 targets and what they need: all fit
          here: 1 target
    "#]],
    );
    check(
        NAMES,
        BUILD,
        "env check --format=json",
        expect![[r#"
        exit: 0
        --- stdout
        {"checked":4,"errors":0,"environments":[{"name":"here","targets":1,"answer":null}]}
    "#]],
    );
    check(
        "",
        BUILD,
        "env check //:a",
        expect![[r#"
            exit: 0
            --- stdout
            checked 1 target and what it needs: all fit
              this machine: 1 target
        "#]],
    );
}

/// BLD-081
#[test]
fn one_value_is_a_parameter_too_bld_081() {
    let build = "genrule(name = \"a\", outs = [\"a\"], cmd = parametrize(b = \"touch $@\"))";
    check(
        "",
        build,
        "list //...",
        expect![[r#"
        exit: 0
        --- stdout
        //:a@cmd=b
    "#]],
    );
}

/// What the key is called is told, not what the option is.
#[test]
fn mistakes_name_the_key() {
    check(
        "[environments-preview]\nnames = 3\n",
        "",
        "env list",
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
    check(
        "[environments-preview]\nnames = \"x\"\n",
        "",
        "env list",
        expect![[r#"
            exit: 2
            --- stderr
            error: `x` is no value for `names` of `[environments-preview]`: expected `NAME=VALUE`
              --> kiln.toml:2:9
               |
             2 | names = "x"
               |         ^^^
        "#]],
    );
    check(
        "[environments-preview]\nnames = \"[x\"\n",
        "",
        "env list",
        expect![[r#"
            exit: 2
            --- stderr
            error: no list for `names` of `[environments-preview]`: expected `,` or `]` at character 3
              --> kiln.toml:2:9
               |
             2 | names = "[x"
               |         ^^^^
               = in `[x`
        "#]],
    );
}
