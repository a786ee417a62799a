//! Fields of environments in place of options (ENV-070 … ENV-084).

use expect_test::expect;
use kiln_testkit::Workspace;

use crate::{KILN, check};

/// A local environment with these fields, named `here` or not at all.
fn with_fields(fields: &str, more: &str) -> Workspace {
    let files = format!(
        "
//- kiln.toml
[subprocess-environment]
env_vars = [\"FLAVOR=global\", \"CALLER\"]
[test]
extra_env_vars = [\"FLAVOR=tests\"]
//- named.toml
[environments-preview.names]
here = \"//:here\"
//- BUILD
local_environment(name = \"here\", {fields})
genrule(name = \"show\", outs = [\"show.txt\"], cmd = \"echo $$PATH $$FLAVOR $$CALLER > $@\")
sh_test(name = \"t\", srcs = [\"t.sh\"])
{more}
//- t.sh
#!/bin/sh
echo $PATH $FLAVOR $CALLER
"
    );
    Workspace::with(KILN, &files).env("CALLER", "me")
}

/// What an action and a test see, without and with the environment.
fn seen(fields: &str) -> String {
    let workspace = with_fields(fields, "");
    let plain = workspace.kiln("build //:show");
    assert_eq!(plain.code, Some(0), "{}", plain.show());
    let mut text = workspace
        .read("kiln-out/fastbuild/bin/show.txt")
        .unwrap_or_default();
    let workspace = workspace.env("KILN_CONFIG_FILES", "named.toml");
    let named = workspace.kiln("test //:show //:t --test_output=all");
    assert_eq!(named.code, Some(0), "{}", named.show());
    text += &workspace
        .read("kiln-out/fastbuild-here/bin/show.txt")
        .unwrap_or_default();
    let log = workspace.read("kiln-out/testlogs/t/test.log");
    text + &log.unwrap_or_default()
}

#[test]
fn variables_and_paths_of_actions_and_tests_env_072_env_073_env_084() {
    // Unset fields inherit.
    expect![[r#"
        /usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin global me
        /usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin global me
        /usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin tests me
    "#]]
    .assert_eq(&seen(""));
    // Those that are given replace, and nothing is merged.
    let fields = r#"
    subprocess_environment_env_vars = ["FLAVOR=own"],
    system_binaries_system_binary_paths = ["/bin", "/usr/bin"],
    test_extra_env_vars = [],
"#;
    expect![[r#"
        /usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin global me
        /bin:/usr/bin own
        /bin:/usr/bin own
    "#]]
    .assert_eq(&seen(fields));
}

/// What is seen is in the key: another value is another action, the same one is none.
#[test]
fn values_are_in_the_keys() {
    let workspace = with_fields("subprocess_environment_env_vars = [\"CALLER\"]", "");
    let command = "build //:show --env=here=//:here --format=json";
    let counts = |workspace: &Workspace| workspace.kiln(command).counts();
    expect!["exit Some(0): 1 run, 0 remote, 0 local"].assert_eq(&counts(&workspace));
    expect!["exit Some(0): 0 run, 0 remote, 1 local"].assert_eq(&counts(&workspace));
    let workspace = workspace.env("CALLER", "you");
    expect!["exit Some(0): 1 run, 0 remote, 0 local"].assert_eq(&counts(&workspace));
}

/// `<PATH>` is the caller's on this machine (ENV-077, ENV-080); a folder that is not absolute would
/// depend on where one is.
#[test]
fn the_path_of_the_caller_env_077() {
    let fields = "system_binaries_system_binary_paths = [\"<PATH>\", \"/bin\"]";
    let workspace = with_fields(fields, "").env("PATH", "/usr/bin:relative:/sbin");
    let output = workspace.kiln("build //:show --env=here=//:here");
    assert_eq!(output.code, Some(0), "{}", output.show());
    let seen = workspace.read("kiln-out/fastbuild-here/bin/show.txt");
    expect![[r#"
        /usr/bin:/sbin:/bin global me
    "#]]
    .assert_eq(&seen.unwrap_or_default());
}

/// Tools are looked for in the folders of the field, and nowhere else.
#[test]
fn tools_are_looked_for_where_it_says() {
    let more = r#"
py_binary(name = "p", srcs = ["p.py"])
cc_test(name = "c", srcs = ["c.cc"])
"#;
    let tools = |workspace: &Workspace| {
        workspace.write("tools/python3", "#!/bin/sh\necho Python 3.99.0\n");
        let gcc = "#!/bin/sh\nexec /usr/bin/NAME -DFLAVOR=7 \"$@\"\n";
        for name in ["gcc", "g++"] {
            workspace.write(&format!("tools/{name}"), &gcc.replace("NAME", name));
        }
        workspace.write("p.py", "");
        workspace.write("c.cc", "int main() { return FLAVOR - 7; }\n");
    };
    let plain = with_fields("", more);
    tools(&plain);
    let folder = plain.root().join("tools");
    let flags = format!(
        "--python_bootstrap_search_path={0} --cc_executable_search_paths={0}",
        folder.display()
    );
    // The sandbox shows nothing of the workspace but inputs.
    let output = plain.kiln(&format!("test //:c //:p --sandbox=off {flags}"));
    assert_eq!(output.code, Some(0), "{}", output.show());
    let launcher = plain.read("kiln-out/fastbuild/bin/p").unwrap_or_default();
    assert!(
        launcher.contains(&format!("{}/python3", folder.display())),
        "{launcher}"
    );

    let none = with_fields(
        "cc_executable_search_paths = [], python_bootstrap_search_path = [\"/nowhere\"]",
        more,
    );
    tools(&none);
    // One after the other: errors come as they are found.
    let errors = ["//:c", "//:p"].map(|target| {
        let output = none.kiln(&format!("build {target} --env=here=//:here"));
        output.show()
    });
    expect![[r#"
        exit: 1
        --- stderr
        error: //:c needs a C++ compiler, and there is no `gcc` or `clang` where it is looked for
          --> BUILD:6:1
           |
         6 | cc_test(name = "c", srcs = ["c.cc"])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:c` (cc_test, declared at BUILD:6:1)
        hint: install one, on Debian: `apt install g++`, or say in which folder it is: `--cc_executable_search_paths`
        failed: 0 of 1 target built, 1 failed in [TIME]
        exit: 1
        --- stderr
        error: //:p needs Python 3, and there is no `python3` where it is looked for
          --> BUILD:5:1
           |
         5 | py_binary(name = "p", srcs = ["p.py"])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:p` (py_binary, declared at BUILD:5:1)
        hint: install it, on Debian: `apt install python3`, or say in which folder it is: `--python_bootstrap_search_path`
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]].assert_eq(&errors.join(""));
}

#[test]
fn mistakes_in_fields_env_076() {
    let field = |field: &str, expect: expect_test::Expect| {
        let build = format!("remote_environment(name = 'x', {field})");
        check("", &build, "env explain --env=x=//:x x", expect);
    };
    field(
        "cc_executable_search_paths = ['bin']",
        expect![[r#"
        exit: 1
        --- stderr
        error: `cc_executable_search_paths` of `//:x`: `bin` is no absolute path and not `<PATH>`
          --> BUILD:1:1
           |
         1 | remote_environment(name = 'x', cc_executable_search_paths = ['bin'])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = environment `x` is `//:x`, says the command line
        hint: write a folder such as `/opt/tools/bin`; `<PATH>` stands for those of its own `PATH`
    "#]],
    );
    field(
        "system_binaries_system_binary_paths = ['/a:/b']",
        expect![[r#"
        exit: 1
        --- stderr
        error: `system_binaries_system_binary_paths` of `//:x`: `/a:/b` is no absolute path and not `<PATH>`
          --> BUILD:1:1
           |
         1 | remote_environment(name = 'x', system_binaries_system_binary_paths = ['/a:/b'])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = environment `x` is `//:x`, says the command line
        hint: write a folder such as `/opt/tools/bin`; `<PATH>` stands for those of its own `PATH`
    "#]],
    );
    field(
        "test_extra_env_vars = ['=x']",
        expect![[r#"
        exit: 1
        --- stderr
        error: `test_extra_env_vars` of `//:x`: `=x` is no `NAME=VALUE` and no `NAME`
          --> BUILD:1:1
           |
         1 | remote_environment(name = 'x', test_extra_env_vars = ['=x'])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = environment `x` is `//:x`, says the command line
        hint: write `NAME=VALUE`, or `NAME` for the value that it has there
    "#]],
    );
    field(
        "test_env = ['A=b']",
        expect![[r#"
            exit: 1
            --- stderr
            error: `remote_environment` has no attribute `test_env` (target `//:x`)
              --> BUILD:1:32
               |
             1 | remote_environment(name = 'x', test_env = ['A=b'])
               |                                ^^^^^^^^^^^^^^^^^^
               = it has applicable_licenses, aspect_hints, cc_executable_search_paths, compatible_with, deprecation, exec_compatible_with, exec_properties, extra_platform_properties, fallback_environment, features, generator_function, generator_location, generator_name, licenses, name, package_metadata, platform, python_bootstrap_search_path, race_with, requires_env, requires_option, restricted_to, shell_setup_executable_search_paths, subprocess_environment_env_vars, system_binaries_system_binary_paths, tags, target_compatible_with, test_extra_env_vars, testonly, toolchains, transitive_configs, visibility
               = environment `x` is `//:x`, says the command line
            hint: remove `test_env`, or give it to another rule
        "#]],
    );
    field(
        "test_extra_env_vars = 'A=b'",
        expect![[r#"
        exit: 1
        --- stderr
        error: attribute `test_extra_env_vars` of remote_environment `//:x`: expected a list of strings, got `"A=b"` of type string
          --> BUILD:1:32
           |
         1 | remote_environment(name = 'x', test_extra_env_vars = 'A=b')
           |                                ^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = environment `x` is `//:x`, says the command line
        hint: write `["A=b"]`
    "#]],
    );
    check(
        "[system-binaries]\nsystem_binary_paths = [\"bin\"]\n",
        "",
        "env list",
        expect![[r#"
            exit: 2
            --- stderr
            error: `bin` is no value for `system_binaries_system_binary_paths`: expected an absolute path without `:`, or `<PATH>`
              --> kiln.toml:2:24
               |
             2 | system_binary_paths = ["bin"]
               |                        ^^^^^
        "#]],
    );
}

/// ENV-074: an option names its field, and the field the option.
#[test]
fn help_names_field_and_option_env_074() {
    check(
        "",
        "",
        "help cc_executable_search_paths",
        expect![[r#"
        exit: 0
        --- stdout
        --cc_executable_search_paths
            A folder in which the C and C++ compiler is looked for, as in `--system_binaries_system_binary_paths`, whose folders are taken if there is none.
            may be given several times; all values count
            in kiln.toml: `executable_search_paths` of `[cc]`
            variable: KILN_CC_EXECUTABLE_SEARCH_PATHS
            environments: their field `cc_executable_search_paths` holds in its place
            commands: build, test, run
    "#]],
    );
}
