//! Configuration of all sources in whole commands, and `kiln config show` (OPT-010, OPT-011).

use expect_test::{Expect, expect};
use kiln_testkit::Workspace;

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

const FILES: &str = r#"
//- kiln.toml
[GLOBAL]
jobs = 3
copt = ["-Wall"]

[remote]
header = ["x-secret=1234"]

[test]
output = "all"
//- kiln.ci.toml
[DEFAULT]
level = "-O2"

[GLOBAL]
jobs = 4
copt.add = ["%(level)s"]
//- .kiln.rc
[GLOBAL]
jobs = 5
//- .bazelrc
build --copt=-g
"#;

fn workspace() -> Workspace {
    let workspace = Workspace::with(KILN, FILES);
    let workspace = workspace.env("KILN_CONFIG_FILES", "kiln.ci.toml");
    workspace.env("KILN_TEST_TIMEOUT", "7")
}

fn check(command_line: &str, expected: Expect) {
    expected.assert_eq(&workspace().kiln(command_line).show());
}

#[test]
fn what_is_set_opt_010() {
    check(
        "config show",
        expect![[r#"
        exit: 0
        --- stdout
        --copt = ["-Wall","-O2","-g"]
        --test_output = "all"
        --test_timeout = "7"
        --jobs = "5"
        --cache_dir = "[CACHE]"
        --remote_header = ["***"]
    "#]],
    );
}

#[test]
fn where_it_comes_from_opt_011() {
    check(
        "config show --origin --jobs=6 jobs copt test.timeout remote_header keep_going",
        expect![[r#"
            exit: 0
            --- stdout
            --jobs = "6"
              "3"  kiln.toml:2
              "4"  kiln.ci.toml:5
              "5"  .kiln.rc:2
              "6"  command line
            --copt = ["-Wall","-O2","-g"]
              "-Wall"  kiln.toml:3
              "-O2"  kiln.ci.toml:6
              "-g"  .bazelrc:1
            --test_timeout = "7"
              "7"  $KILN_TEST_TIMEOUT
            --remote_header = ["***"]
              "***"  kiln.toml:6
            --keep_going = false
              nothing says so: it is the default
        "#]],
    );
    check(
        "config show jobs env remote_header --format=json",
        expect![[r#"
            exit: 0
            --- stdout
            {"option":"jobs","section":"GLOBAL","key":"jobs","variable":"KILN_JOBS","value":"5","default":"auto","origins":[{"value":"3","from":"kiln.toml:2"},{"value":"4","from":"kiln.ci.toml:5"},{"value":"5","from":".kiln.rc:2"}]}
            {"option":"env","section":"environments-preview","key":"names","variable":"KILN_ENVIRONMENTS_PREVIEW_NAMES","value":[],"default":"","origins":[]}
            {"option":"remote_header","section":"remote","key":"header","variable":"KILN_REMOTE_HEADER","value":["***"],"default":"","origins":[{"value":"***","from":"kiln.toml:6"}]}
        "#]],
    );
}

#[test]
fn mistakes_of_config_show() {
    check(
        "config",
        expect![[r#"
        exit: 2
        --- stderr
        error: `kiln config` needs a command
        hint: `kiln config show` is there
    "#]],
    );
    check(
        "config list",
        expect![[r#"
        exit: 2
        --- stderr
        error: `kiln config` has no command `list`
        hint: `kiln config show` is there
    "#]],
    );
    check(
        "config show jbos",
        expect![[r#"
            exit: 2
            --- stderr
            error: kiln has no option `jbos`
            hint: did you mean `jobs`?
            hint: `kiln help build` lists those of a command
        "#]],
    );
}

/// What is set acts; a variable wins over a file.
#[test]
fn values_of_files_and_variables_act() {
    let files = r#"
//- kiln.toml
[test]
output = "errors"
timeout = "1"
//- BUILD
sh_test(name = "t", srcs = ["t.sh"])
//- t.sh
#!/bin/sh
echo the timeout is $TEST_TIMEOUT
exit 1
"#;
    let workspace = Workspace::with(KILN, files).env("KILN_TEST_TIMEOUT", "9");
    let output = workspace.kiln("test //:t");
    expect![[r#"
        exit: 3
        --- stdout
        //:t          FAILED in [TIME]
          kiln-out/testlogs/t/test.log
        1 test: 1 failed
        --- stderr
        FAILED: //:t (exit code 1) in [TIME], see kiln-out/testlogs/t/test.log
        ==================== Test output for //:t:
        the timeout is 9
        ================================================================================
        //:t:
          kiln-out/fastbuild/bin/t
        hint: run again: kiln test //:t
        failed: 1 of 1 target built in [TIME]; 1 action: 1 run
    "#]]
    .assert_eq(&output.show());
}

/// Mistakes in several places are all told (OPT-051).
#[test]
fn all_mistakes_are_told_opt_051() {
    let files = r#"
//- kiln.toml
[GLOBAL]
jbos = 3

[tset]
output = "all"
//- .kiln.rc
[test]
output = "loud"
"#;
    expect![[r#"
        exit: 2
        --- stderr
        error: there is no option `jbos` in `[GLOBAL]`
          --> kiln.toml:2:1
           = also: there is no section `tset`; did you mean `test`?
          --> kiln.toml:4:2
           = also: `loud` is no value for `test_output`: expected `summary`, `errors`, `all` or `streamed`
          --> .kiln.rc:2:10
           |
         2 | output = "loud"
           |          ^^^^^^
        hint: did you mean `jobs`?
    "#]].assert_eq(&Workspace::with(KILN, files).kiln("build //...").show());
}

/// OPT-054: a workspace may be for one version.
#[test]
fn another_version_opt_054() {
    let of = |version: &str| {
        let files = format!("\n//- kiln.toml\n[GLOBAL]\nkiln_version = \"{version}\"\n");
        Workspace::with(KILN, &files)
    };
    let own = env!("CARGO_PKG_VERSION");
    let output = of(own).kiln("config show jobs");
    assert_eq!(output.code, Some(0), "{}", output.show());
    let output = of("99.0.0").kiln("build //...");
    expect![[r#"
        exit: 2
        --- stderr
        error: this is kiln [VERSION], and the workspace is for 99.0.0
          --> kiln.toml:2:16
           |
         2 | kiln_version = "99.0.0"
           |                ^^^^^^^^
        hint: install kiln 99.0.0, or change `kiln_version` in `[GLOBAL]`
    "#]]
    .assert_eq(&output.show().replace(own, "[VERSION]"));
    // What helps works all the same (OPT-065).
    assert_eq!(of("99.0.0").kiln("help jobs").code, Some(0));
    let output = of(own).env("KILN_VERSION", "99.1.0").kiln("list //...");
    expect![[r#"
        exit: 2
        --- stderr
        error: this is kiln [VERSION], and the workspace is for 99.1.0
           = says $KILN_VERSION
        hint: install kiln 99.1.0, or change `kiln_version` in `[GLOBAL]`
    "#]]
    .assert_eq(&output.show().replace(own, "[VERSION]"));
}

/// OPT-060, OPT-061
#[test]
fn the_registry_for_programs_opt_061() {
    check(
        "help --json copt",
        expect![[r#"
            exit: 0
            --- stdout
            {"version":"0.1.0","commands":[{"name":"build","doc":"builds targets"},{"name":"test","doc":"builds and runs tests"},{"name":"run","doc":"builds a target and runs it; arguments follow `--`"}],"options":[{"name":"copt","short":null,"aliases":[],"kind":"list","choices":null,"stands_for":null,"default":null,"doc":"Give an argument to the C and C++ compiler.","section":"GLOBAL","key":"copt","variable":"KILN_COPT","environment_field":null,"secret":false,"effect":"configuration","commands":["build","test","run"]}]}
        "#]],
    );
    check(
        "help --json no_such_topic",
        expect![[r#"
        exit: 2
        --- stderr
        error: there is no help on `no_such_topic`
    "#]],
    );
    let all = workspace().kiln("help --json").stdout;
    for name in ["\"jobs\"", "\"remote_cache\"", "\"build\"", "\"serve\""] {
        assert!(all.contains(&format!("\"name\":{name}")), "{name}: {all}");
    }
    let of_clean = workspace().kiln("help clean --json").stdout;
    assert!(of_clean.contains("\"name\":\"expunge\""), "{of_clean}");
    assert!(!of_clean.contains("\"name\":\"copt\""), "{of_clean}");
}

/// OPT-062, ENV-074: rules and environments, with their attributes.
#[test]
fn rules_are_explained_opt_062() {
    check(
        "help docker_environment",
        expect![[r#"
            exit: 0
            --- stdout
            docker_environment
                A container.

                cc_executable_search_paths (list of strings)
                    Folders in which the C and C++ compiler is looked for there, in place of those of `--cc_executable_search_paths`. `<PATH>` stands for the folders of its own `PATH`.
                    holds in place of the option `--cc_executable_search_paths`

                fallback_environment (string)
                    The environment to use where this one cannot be: a name, `__local__` or `__local_workspace__`.

                image (string, mandatory)
                    The image: a name with a tag or a digest, or an id.

                platform (string)
                    `linux_arm64` or `linux_x86_64`; without it this machine's instruction set.

                python_bootstrap_search_path (list of strings)
                    Folders in which the Python interpreter is looked for there, in place of those of `--python_bootstrap_search_path`. `<PATH>` stands for the folders of its own `PATH`.
                    holds in place of the option `--python_bootstrap_search_path`

                race_with (string)
                    An environment with the same tools, by its name: actions are asked of both, and the first good result counts.

                requires_env (list of strings)
                    Variables of whoever calls kiln, each a condition: `NAME`, `NAME=VALUE`, `!NAME` or `NAME!=VALUE`. It can be used if all hold.

                requires_option (list of strings)
                    Options of kiln, each a condition: `NAME`, `NAME=VALUE`, `!NAME` or `NAME!=VALUE`. It can be used if all hold.

                shell_setup_executable_search_paths (list of strings)
                    Folders in which the shell is looked for there, in place of those of `--shell_setup_executable_search_paths`. `<PATH>` stands for the folders of its own `PATH`.
                    holds in place of the option `--shell_setup_executable_search_paths`

                subprocess_environment_env_vars (list of strings)
                    Variables of actions and tests there, in place of those of `--subprocess_environment_env_vars`: `NAME=VALUE`, or `NAME` for the value that it has there.
                    holds in place of the option `--subprocess_environment_env_vars`

                system_binaries_system_binary_paths (list of strings)
                    Folders in which programs are looked for by kiln and by actions there, in place of those of `--system_binaries_system_binary_paths`. `<PATH>` stands for the folders of its own `PATH`.
                    holds in place of the option `--system_binaries_system_binary_paths`

                test_extra_env_vars (list of strings)
                    Variables of tests there, in place of those of `--test_extra_env_vars`: `NAME=VALUE`, or `NAME` for the value that it has there.
                    holds in place of the option `--test_extra_env_vars`

                and applicable_licenses, aspect_hints, compatible_with, deprecation, exec_compatible_with, exec_properties, features, generator_function, generator_location, generator_name, licenses, name, package_metadata, restricted_to, tags, target_compatible_with, testonly, toolchains, transitive_configs, visibility
        "#]],
    );
    let text = workspace().kiln("help cc_library").stdout;
    assert!(text.contains("\n    srcs (list of labels)\n"), "{text}");
    let json = workspace().kiln("help --json sh_test").stdout;
    assert!(json.contains("\"name\":\"timeout\""), "{json}");
    check(
        "help cc_libary",
        expect![[r#"
        exit: 2
        --- stderr
        error: there is no help on `cc_libary`
        hint: did you mean `cc_library` or `cc_binary` or `py_library`?
        hint: `kiln help` lists the commands
    "#]],
    );
}
