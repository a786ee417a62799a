//! What runs in the workspace, and what comes of it.

use std::fs;

use expect_test::expect;

use crate::{KILN, built, check, workspace};

#[test]
fn it_runs_in_the_repository_and_outputs_stay_out_of_it_env_130_env_131() {
    let workspace = workspace(
        r#"
//- lib/BUILD
genrule(
    name = "a",
    srcs = ["in.txt"],
    outs = ["a.txt"],
    cmd = "ls > $@; cat $(SRCS) undeclared.txt >> $@; [ $$PWD -ef $$OLDPWD ]; echo left > lib/left.txt",
    environment = "here",
)
//- lib/in.txt
declared
//- undeclared.txt
not declared
"#,
    );
    // As a shell would have it, for the command to compare.
    let root = workspace.root().display().to_string();
    let workspace = workspace.env("OLDPWD", &root);
    let text = built(
        &workspace,
        &format!("build //lib:a --action_env=OLDPWD={root}"),
        "fastbuild-here/bin/lib/a.txt",
    );
    expect![[r#"
        MODULE.bazel
        environments
        kiln-out
        kiln.toml
        lib
        undeclared.txt
        declared
        not declared
    "#]]
    .assert_eq(&text);
    assert_eq!(workspace.read("lib/left.txt").unwrap(), "left\n");
    assert_eq!(workspace.read("lib/a.txt"), None);
}

#[test]
fn variables_are_those_of_the_action_env_132() {
    let build = r#"
genrule(name = "a", outs = ["a.txt"], cmd = "/usr/bin/env | sort > $@", environment = "here")
"#;
    let workspace = workspace(&format!("//- BUILD\n{build}")).env("SECRET", "of the caller");
    let text = built(&workspace, "build //:a", "fastbuild-here/bin/a.txt");
    let names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split('=').next())
        .collect();
    assert_eq!(names, ["PATH", "PWD", "SHLVL", "_"]);
}

/// Each run adds a line to `runs`.
const COUNTED: &str = r#"
//- BUILD
genrule(name = "a", outs = ["a.txt"], cmd = "echo ran >> runs; cat in.txt > $@", environment = "here")
genrule(name = "b", srcs = [":a"], outs = ["b.txt"], cmd = "cat $< > $@")
genrule(name = "c", srcs = [":a"], outs = ["c.txt"], cmd = "cat $< > $@")
//- in.txt
one
"#;

fn runs(workspace: &kiln_testkit::Workspace) -> usize {
    workspace.read("runs").unwrap_or_default().lines().count()
}

#[test]
fn results_hold_for_one_command_env_133() {
    let workspace = workspace(COUNTED);
    assert_eq!(
        built(&workspace, "build //:b //:c", "fastbuild/bin/b.txt"),
        "one\n"
    );
    assert_eq!(runs(&workspace), 1);
    // Nothing that kiln knows of has changed.
    workspace.write("in.txt", "two\n");
    assert_eq!(
        built(&workspace, "build //:b //:c", "fastbuild/bin/c.txt"),
        "two\n"
    );
    assert_eq!(runs(&workspace), 2);
}

#[test]
fn declared_sources_make_results_last_env_134() {
    let sources = "environment = \"here\", workspace_invalidation_sources = [\"in.txt\", \"sub/**\", \"!sub/not.txt\", \"//MODULE.*\"]";
    let files = COUNTED.replacen("environment = \"here\"", sources, 1);
    let workspace = workspace(&files)
        .file("sub/BUILD", "")
        .file("sub/deep/x.txt", "x")
        .file("sub/not.txt", "x");
    let text = || built(&workspace, "build //:b", "fastbuild/bin/b.txt");
    assert_eq!((text(), runs(&workspace)), ("one\n".to_owned(), 1));
    assert_eq!((text(), runs(&workspace)), ("one\n".to_owned(), 1));
    for (changed, contents, expected) in [
        ("in.txt", "two\n", 2),
        // Sub-packages do not end a pattern.
        ("sub/deep/x.txt", "y", 3),
        ("sub/deep/new.txt", "", 4),
        ("sub/not.txt", "y", 4),
        ("other.txt", "y", 4),
        ("MODULE.bazel", "module(name = \"other\")\n", 5),
    ] {
        workspace.write(changed, contents);
        assert_eq!(
            (text(), runs(&workspace)),
            ("two\n".to_owned(), expected),
            "{changed}"
        );
    }
}

#[test]
fn patterns_are_checked_env_134() {
    check(
        r#"
genrule(name = "a", outs = ["a.txt"], cmd = "touch $@", environment = "here", workspace_invalidation_sources = ["nothing/*.txt", "//also/none"])
"#,
        "build //:a",
        expect![[r#"
            exit: 0
            --- stderr
            warning: `nothing/*.txt` in `workspace_invalidation_sources` of `//:a` matches no file
            warning: `//also/none` in `workspace_invalidation_sources` of `//:a` matches no file
            //:a:
              kiln-out/fastbuild-here/bin/a.txt
            built 1 target in [TIME]; 1 action: 1 run
        "#]],
    );
    check(
        r#"
genrule(name = "a", outs = ["a.txt"], cmd = "touch $@", environment = "here", workspace_invalidation_sources = ["a/../b"])
"#,
        "build //:a",
        expect![[r#"
            exit: 1
            --- stderr
            error: invalid glob pattern `a/../b`: it has the component `..`
              --> BUILD:2:1
               = in `workspace_invalidation_sources` of `//:a`
            hint: a glob cannot leave its package; put a `filegroup` where the files are
            failed: 0 of 1 target built, 1 failed in [TIME]
        "#]],
    );
}

#[test]
fn files_of_other_repositories_are_shown_env_131() {
    let workspace = workspace(
        r#"
//- MODULE.bazel
module(name = "test")
bazel_dep(name = "lib")
local_path_override(module_name = "lib", path = "third_party/lib")
//- BUILD
cc_test(name = "t", srcs = ["t.c"], deps = ["@lib//:lib"], environment = "here")
//- t.c
#include "lib.h"
int main(void) { return lib() - 7; }
//- third_party/lib/MODULE.bazel
module(name = "lib")
//- third_party/lib/BUILD
cc_library(name = "lib", srcs = ["lib.c"], hdrs = ["lib.h", ":made"], visibility = ["//visibility:public"])
genrule(name = "made", outs = ["made.h"], cmd = "echo '#define SEVEN 7' > $@")
//- third_party/lib/lib.h
int lib(void);
//- third_party/lib/lib.c
#include "lib.h"
#include "made.h"
int lib(void) { return SEVEN; }
"#,
    );
    let output = workspace.kiln("test //:t");
    assert_eq!(output.code, Some(0), "{}", output.show());
    // The place that they are shown at is empty outside of actions.
    let external = workspace.root().join("external");
    assert_eq!(fs::read_dir(external).unwrap().count(), 0);
}

#[test]
fn tests_have_the_protocol_and_are_told_where_the_workspace_is() {
    let workspace = workspace(
        r#"
//- BUILD
sh_test(name = "t", srcs = ["t.sh"], data = ["data.txt", ":made"], environment = "here")
genrule(name = "made", outs = ["made.txt"], cmd = "echo made > $@")
//- data.txt
data
//- undeclared.txt
undeclared
//- t.sh
#!/bin/sh
set -e
cat data.txt made.txt "$BUILD_WORKSPACE_DIRECTORY/undeclared.txt"
[ "$PWD" = "$TEST_SRCDIR/$TEST_WORKSPACE" ]
[ ! -e undeclared.txt ]
[ -z "$KILN_EXEC_ROOT" ]
echo out > "$TEST_UNDECLARED_OUTPUTS_DIR/o"
touch "$TEST_TMPDIR/x"
"#,
    );
    let expected = expect![[r#"
        exit: 0
        --- stdout
        //:t          PASSED in [TIME]
        1 test: 1 passed
        --- stderr
        ==================== Test output for //:t:
        data
        made
        undeclared
        ================================================================================
        //:t:
          kiln-out/fastbuild-here/bin/t
        built 1 target in [TIME]; 2 actions: 2 run
    "#]];
    // Nothing is known of it the second time.
    for _ in 0..2 {
        let output = workspace.kiln("test //:t --test_output=all");
        expected.assert_eq(&output.show());
    }
    let output = "kiln-out/testlogs/t/test.outputs/o";
    assert_eq!(workspace.read(output).as_deref(), Some("out\n"));
    let entries = fs::read_dir(workspace.root()).unwrap();
    let names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        names
            .iter()
            .all(|name| !name.to_string_lossy().starts_with("test-")),
        "{names:?}"
    );
}

/// Actions may be root there; a link to the store's files must not let them write to it.
#[test]
fn inputs_are_not_the_stores_to_change() {
    let workspace = workspace(
        r#"
//- BUILD
genrule(name = "beside", outs = ["beside.txt"], cmd = "echo as it was > $@")
genrule(name = "root", outs = ["root.txt"], cmd = "echo as it was > $@", environment = "__local__")
genrule(
    name = "a",
    srcs = [":beside", "//far", ":root"],
    outs = ["a.txt"],
    cmd = "for f in $(SRCS); do chmod +w $$f || true; (echo changed > $$f) || true; done 2>&1; cat $(SRCS) > $@",
    environment = "here",
)
//- far/BUILD
genrule(name = "far", outs = ["far.txt"], cmd = "echo as it was > $@", environment = "__local__", visibility = ["//visibility:public"])
"#,
    );
    // The one beside an output is a copy.
    let text = built(
        &workspace,
        "build //:a //:beside",
        "fastbuild-here/bin/a.txt",
    );
    assert_eq!(text, "changed\nas it was\nas it was\n");
    for (target, file) in [("//:root", "root.txt"), ("//far", "far/far.txt")] {
        let text = built(
            &workspace,
            &format!("build {target}"),
            &format!("fastbuild/bin/{file}"),
        );
        assert_eq!(text, "as it was\n");
    }
}

#[test]
fn nothing_is_left_of_what_ran_into_its_timeout() {
    let argument = format!("5{:08}", std::process::id());
    let workspace = workspace(&format!(
        r#"
//- BUILD
shell_command(
    name = "a",
    command = "sleep {argument} & setsid sh -c 'sleep {argument} & sleep {argument}' & sleep {argument}",
    output_files = ["x"],
    timeout = 1,
    environment = "here",
)
"#
    ));
    let output = workspace.kiln("build //:a");
    expect![[r#"
        exit: 1
        --- stderr
        error: ShellCommand of `//:a` timed out after [TIME] (making `kiln-out/fastbuild-here/bin/x`)
          --> BUILD:1:1
           = its output:
             Exceeded timeout of 1.0 seconds: Running //:a
        hint: have it do less, or raise the `timeout` of its action
        failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
    "#]]
    .assert_eq(&output.show());
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        assert!(
            !String::from_utf8_lossy(&line).contains(&argument),
            "{entry:?}"
        );
    }
}

/// An ordinary user has to ask for a user namespace, and stays who they are.
#[test]
fn an_ordinary_user_stays_who_they_are_env_130() {
    let workspace = workspace(
        r#"
//- BUILD
genrule(name = "a", outs = ["a.txt"], cmd = "id -u > $@; touch made", environment = "here")
"#,
    );
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let kiln = workspace.root().parent().unwrap().join("kiln");
    fs::copy(KILN, &kiln).unwrap();
    let folder = workspace.root().parent().unwrap().to_owned();
    let own = std::process::Command::new("chown")
        .args(["-R", "1234:1234"])
        .arg(&folder)
        .status()
        .unwrap();
    assert!(own.success());
    let user = ["setpriv", "--reuid=1234", "--regid=1234", "--clear-groups"];
    let output = workspace.run_other(&user, &kiln, "build //:a");
    assert_eq!(output.code, Some(0), "{}", output.show());
    let text = workspace.read("kiln-out/fastbuild-here/bin/a.txt");
    assert_eq!(text.as_deref(), Some("1234\n"));
    use std::os::unix::fs::MetadataExt;
    let made = fs::metadata(workspace.root().join("made")).unwrap();
    assert_eq!(made.uid(), 1234);
}

#[test]
fn a_machine_without_mounts_is_told() {
    let workspace = workspace(
        r#"
//- BUILD
genrule(name = "a", outs = ["a.txt"], cmd = "touch $@", environment = "here")
"#,
    );
    let refused = [
        "unshare",
        "--user",
        "--map-root-user",
        "setpriv",
        "--bounding-set=-sys_admin",
        "--inh-caps=-all",
        "sh",
        "-c",
        "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$@\"",
        "sh",
    ];
    let output = workspace.run_through(&refused, "build //:a --sandbox=off");
    expect![[r#"
        exit: 36
        --- stderr
        warning: sandbox: not hermetic: actions can read and write whatever this user can, and use the network; results are not shared
           = `--sandbox=off` was asked for
        error: the sandbox cannot make a user namespace: their limit is reached
           = it is how the outputs of an action in the workspace are kept out of it
           = environment `here` is `//environments:here`
          --> environments/BUILD:1:1
           |
         1 | experimental_workspace_environment(name = "here")
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = it has no `fallback_environment`
        hint: user namespaces are limited to none or too few here: `sudo sysctl user.max_user_namespaces=10000`
        failed: 0 of 1 target built, 1 failed in [TIME]
    "#]]
    .assert_eq(&output.show());
}

#[test]
fn there_is_one_only_if_its_platform_fits_env_043() {
    let build = r#"
genrule(name = "a", outs = ["a.txt"], cmd = "touch $@", environment = "__local_workspace__")
"#;
    check(
        build,
        "build //:a",
        expect![[r#"
        exit: 0
        --- stderr
        //:a:
          kiln-out/fastbuild-here/bin/a.txt
        built 1 target in [TIME]; 1 action: 1 run
    "#]],
    );
    check(
        build,
        "build //:a --env=here=//environments:gone",
        expect![[r#"
            exit: 1
            --- stderr
            error: no such target `//environments:gone`: `environments/BUILD` declares no target `gone` and there is no such file
               = environment `here` is `//environments:gone`, says the command line
            hint: correct the label, declare `gone` in `environments/BUILD`, or create the file
        "#]],
    );
}
