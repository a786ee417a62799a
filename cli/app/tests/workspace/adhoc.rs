//! `shell_command` and `adhoc_tool`, in sandboxes and in the workspace.

use expect_test::{Expect, expect};
use kiln_testkit::Workspace;

use crate::{built, check, workspace};

/// The same target in a sandbox (`s`) and in the workspace (`w`).
fn both() -> Workspace {
    let target = |name: &str, environment: &str| {
        format!(
            r#"
shell_command(
    name = "{name}",
    command = """
        cat in.txt
        cat {{chroot}}/pkg/gen/made.txt "$CHROOT/pkg/gen/made.txt"
        echo "$GREETING" > {name}.greeting
        mkdir -p {name}_made/deep {name}_made/empty
        ln -sf deep {name}_made/link
        echo x > {name}_made/deep/x
    """,
    execution_dependencies = ["in.txt", ":gen"],
    extra_env_vars = ["GREETING=it's {{chroot}}"],
    output_directories = ["{name}_made/"],
    output_files = ["{name}.greeting"],
    stdout = "{name}.out",
    environment = "{environment}",
)
"#
        )
    };
    workspace(&format!(
        "
//- pkg/BUILD
genrule(name = \"gen\", outs = [\"gen/made.txt\"], cmd = \"echo made > $@\")
{}{}
//- pkg/in.txt
in
",
        target("s", "__local__"),
        target("w", "here")
    ))
}

#[test]
fn both_make_the_same() {
    let workspace = both();
    let output = workspace.kiln("build //pkg:s //pkg:w");
    expect![[r#"
        exit: 0
        --- stderr
        built 2 targets in [TIME]; 4 actions: 4 run
    "#]]
    .assert_eq(&output.show());
    for (name, folder) in [("s", "fastbuild"), ("w", "fastbuild-here")] {
        let path = |file: &str| format!("kiln-out/{folder}/bin/pkg/{name}{file}");
        let read = |file: &str| workspace.read(&path(file)).unwrap();
        assert_eq!(read(".out"), "in\nmade\nmade\n");
        assert!(
            read(".greeting").starts_with("it's /"),
            "{}",
            read(".greeting")
        );
        assert_eq!(read("_made/link/x"), "x\n");
        let empty = workspace.root().join(path("_made/empty"));
        assert_eq!(std::fs::read_dir(empty).unwrap().count(), 0);
    }
    // In the workspace they are also where they were made.
    assert_eq!(workspace.read("pkg/w.out").unwrap(), "in\nmade\nmade\n");
    assert_eq!(workspace.read("pkg/s.out"), None);
}

#[test]
fn the_working_directory_is_where_one_says() {
    let build = |workdir: &str| {
        format!(
            r#"
//- pkg/BUILD
shell_command(name = "a", command = "echo ${{PWD#$CHROOT}}; ls", stdout = "out.txt", workdir = "{workdir}", execution_dependencies = ["in.txt"])
//- pkg/in.txt
"#
        )
    };
    let check = |workdir: &str, expected: &str| {
        let workspace = workspace(&build(workdir));
        let text = built(&workspace, "build //pkg:a", "fastbuild/bin/pkg/out.txt");
        assert_eq!(text, expected, "{workdir}");
    };
    check(".", "/pkg\nin.txt\nout.txt\n");
    check("", "/pkg\nin.txt\nout.txt\n");
    check("./deeper", "/pkg/deeper\nout.txt\n");
    check("/", "\nout.txt\npkg\n");
    check("other", "/other\nout.txt\n");
    check("/other/", "/other\nout.txt\n");
}

#[test]
fn tools_are_all_that_is_found() {
    let files = r#"
//- BUILD
shell_command(name = "a", command = "tar --version >/dev/null; cat in.txt", tools = ["tar"], stdout = "a.txt")
shell_command(name = "b", command = "echo $PATH; command -v tar", tools = ["tar", "cat"], stdout = "b.txt")
shell_command(name = "c", command = "true", tools = ["no-such-program"], stdout = "c.txt")
"#;
    let workspace = workspace(files);
    let check = |target: &str, expected: Expect| {
        expected.assert_eq(&workspace.kiln(&format!("build {target}")).show());
    };
    check(
        "//:a",
        expect![[r#"
        exit: 1
        --- stderr
        error: ShellCommand of `//:a` failed with exit code 127 (making `kiln-out/fastbuild/bin/a.txt`)
          --> BUILD:1:1
           = its output:
             kiln-out/fastbuild/bin/a.kiln_script.sh: line 48: cat: command not found
        hint: if the target has `tools`, only these are found: add `cat`; otherwise install it
        failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
    "#]],
    );
    check(
        "//:b",
        expect![[r#"
        exit: 0
        --- stderr
        //:b:
          kiln-out/fastbuild/bin/b.txt
        built 1 target in [TIME]; 1 action: 1 run
    "#]],
    );
    check(
        "//:c",
        expect![[r#"
        exit: 1
        --- stderr
        error: ShellCommand of `//:c` failed with exit code 127 (making `kiln-out/fastbuild/bin/c.txt`)
          --> BUILD:3:1
           = its output:
             there is no program `no-such-program`, which `tools` names, in PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin
        failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
    "#]],
    );
    let path = "/kiln/kiln-out/fastbuild/bin/b.work.bin";
    assert_eq!(
        workspace.read("kiln-out/fastbuild/bin/b.txt").unwrap(),
        format!("{path}\n{path}/tar\n")
    );
}

#[test]
fn a_tool_gets_its_arguments_as_they_are() {
    let workspace = workspace(
        r#"
//- BUILD
sh_binary(name = "tool", srcs = ["tool.sh"], data = ["data.txt"])
adhoc_tool(name = "a", runnable = ":tool", args = ["it's", "a  b", "$HOME", ""], stdout = "a.txt", stderr = "a.err")
adhoc_tool(name = "b", runnable = "tool.sh", args = ["x"], stdout = "b.txt", environment = "here")
//- data.txt
//- tool.sh
#!/bin/sh
for argument; do echo "<$argument>"; done
echo wrong >&2
"#,
    );
    let command = "build //:a //:b";
    let text = built(&workspace, command, "fastbuild/bin/a.txt");
    assert_eq!(text, "<it's>\n<a  b>\n<$HOME>\n<>\n");
    assert_eq!(built(&workspace, command, "fastbuild/bin/a.err"), "wrong\n");
    assert_eq!(
        built(&workspace, command, "fastbuild-here/bin/b.txt"),
        "<x>\n"
    );
}

#[test]
fn output_is_shown_only_if_asked_for_or_if_it_fails() {
    let target = |more: &str| {
        format!(
            "shell_command(name = \"a\", command = \"echo said; touch x\", output_files = [\"x\"]{more})\n"
        )
    };
    check(
        &target(""),
        "build //:a",
        expect![[r#"
        exit: 0
        --- stderr
        //:a:
          kiln-out/fastbuild/bin/x
        built 1 target in [TIME]; 1 action: 1 run
    "#]],
    );
    check(
        &target(", log_output = True"),
        "build //:a",
        expect![[r#"
        exit: 0
        --- stderr
        output of Running //:a:
        said
        //:a:
          kiln-out/fastbuild/bin/x
        built 1 target in [TIME]; 1 action: 1 run
    "#]],
    );
    check(
        &target("").replace("touch x", "exit 3"),
        "build //:a",
        expect![[r#"
            exit: 1
            --- stderr
            error: ShellCommand of `//:a` failed with exit code 3 (making `kiln-out/fastbuild/bin/x`)
              --> BUILD:1:1
               = its output:
                 said
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
}

#[test]
fn mistakes_have_their_place() {
    let command = |attributes: &str| format!("shell_command(name = \"a\", {attributes})\n");
    let check = |build: &str, expected: Expect| check(build, "build //:a", expected);
    check(
        &command("command = \"true\""),
        expect![[r#"
        exit: 1
        --- stderr
        error: the target makes nothing: there is neither `output_files` nor `output_directories`
          --> BUILD:1:1
           |
         1 | shell_command(name = "a", command = "true")
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `//:a` (shell_command, declared at BUILD:1:1)
        hint: name what it makes; `stdout = "FILE"` takes what it prints
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]],
    );
    check(
        &command("command = \" \", stdout = \"x\""),
        expect![[r#"
        exit: 1
        --- stderr
        error: `command` is empty
          --> BUILD:1:37
           |
         1 | shell_command(name = "a", command = " ", stdout = "x")
           |                                     ^^^
           = in `//:a` (shell_command, declared at BUILD:1:1)
        hint: give the command to run
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]],
    );
    check(
        &command("command = \"true\", output_files = [\"x\", \"../y\"]"),
        expect![[r#"
            exit: 1
            --- stderr
            error: `../y` is no path below the working directory
              --> BUILD:1:66
               |
             1 | shell_command(name = "a", command = "true", output_files = ["x", "../y"])
               |                                                                  ^^^^^^
               = in `//:a` (shell_command, declared at BUILD:1:1)
            hint: write it as `folder/file`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
    check(
        &command("command = \"true\", stdout = \"x\", workdir = \"../y\""),
        expect![[r#"
            exit: 1
            --- stderr
            error: `../y` leads out of the repository
              --> BUILD:1:69
               |
             1 | shell_command(name = "a", command = "true", stdout = "x", workdir = "../y")
               |                                                                     ^^^^^^
               = in `//:a` (shell_command, declared at BUILD:1:1)
            hint: a path is relative to the root of the repository; `.` is the folder of the BUILD file
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
    check(
        &command("command = \"true\", stdout = \"x\", extra_env_vars = [\"HOME\"]"),
        expect![[r#"
            exit: 1
            --- stderr
            error: `HOME` is no `NAME=value`
              --> BUILD:1:77
               |
             1 | shell_command(name = "a", command = "true", stdout = "x", extra_env_vars = ["HOME"])
               |                                                                             ^^^^^^
               = in `//:a` (shell_command, declared at BUILD:1:1)
            hint: write `HOME=…`; with `--action_env=HOME` the caller's own value is passed on
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
    check(
        &command("command = \"true\", stdout = \"x\", tools = [\"/bin/cat\"]"),
        expect![[r#"
            exit: 1
            --- stderr
            error: `/bin/cat` is no name of a program
              --> BUILD:1:68
               |
             1 | shell_command(name = "a", command = "true", stdout = "x", tools = ["/bin/cat"])
               |                                                                    ^^^^^^^^^^
               = in `//:a` (shell_command, declared at BUILD:1:1)
            hint: give names that are looked up: `"tar"`
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
    check(
        &command("command = \"true\", output_files = [\"x\"]"),
        expect![[r#"
            exit: 1
            --- stderr
            error: ShellCommand of `//:a` failed with exit code 1 (making `kiln-out/fastbuild/bin/x`)
              --> BUILD:1:1
               = its output:
                 it did not make `x` in `.`, which `output_files` names
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
    check(
        &command("command = \"true\", stdout = \"x\", cache_scope = \"forever\""),
        expect![[r#"
            exit: 1
            --- stderr
            error: attribute `cache_scope` of shell_command `//:a`: `forever` is not one of `from_environment`, `session`
              --> BUILD:1:59
               |
             1 | shell_command(name = "a", command = "true", stdout = "x", cache_scope = "forever")
               |                                                           ^^^^^^^^^^^^^^^^^^^^^^^
        "#]],
    );
    check(
        "filegroup(name = \"f\", srcs = [])\nadhoc_tool(name = \"a\", runnable = \":f\", stdout = \"x\")\n",
        expect![[r#"
            exit: 1
            --- stderr
            error: in the attribute `runnable`, `//:f` (filegroup) is not executable
              --> BUILD:2:35
               |
             2 | adhoc_tool(name = "a", runnable = ":f", stdout = "x")
               |                                   ^^^^
               = in `//:a` (adhoc_tool, declared at BUILD:2:1)
            hint: name a target that is a program
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
}
