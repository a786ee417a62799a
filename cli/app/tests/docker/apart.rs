//! An engine that does not see kiln's files, as on another machine: they go there and back in
//! archives.

use std::process::Command;

use expect_test::expect;
use kiln_testkit::{Docker, Output, Workspace};

use crate::awkward::RULE;
use crate::{no_containers, shown, workspace};

/// Runs kiln where its cache is a file system that only it sees: the engine, elsewhere, does not.
/// `None` where that cannot be arranged.
fn apart(workspace: &Workspace, command_line: &str) -> Option<Output> {
    let mount = format!(
        "mkdir -p {0} && mount -t tmpfs none {0} && exec \"$@\"",
        workspace.cache().display()
    );
    let may = Command::new("unshare").args(["--mount", "true"]).status();
    if !may.is_ok_and(|status| status.success()) {
        return None;
    }
    let through = ["unshare", "--mount", "sh", "-c", &mount, "sh"];
    Some(workspace.run_through(&through, command_line))
}

/// Every output is asked for by its text, since the cache is gone with the command.
fn check(
    build: &str,
    image: impl Fn(&Docker) -> String,
    command_line: &str,
    expected: expect_test::Expect,
) {
    let Some(docker) = Docker::start() else {
        return;
    };
    let workspace = workspace(&docker, &image(&docker), build);
    let Some(output) = apart(&workspace, command_line) else {
        return;
    };
    expected.assert_eq(&shown(&output));
    no_containers(&docker, &workspace);
}

#[test]
fn a_build_and_a_test() {
    check(
        r#"
genrule(name = "a", outs = ["a.txt", "sub/b.txt"], cmd = "echo a > $(location a.txt); echo b > $(location sub/b.txt)", environment = "docker")
genrule(name = "c", srcs = [":a"], outs = ["c.txt"], cmd = "cat $(SRCS) > $@; cat $@", environment = "docker")
cc_test(name = "t", srcs = ["t.c"], data = [":c"], environment = "docker")
"#,
        |docker| docker.gcc(),
        "build //:c",
        expect![[r#"
            exit: 0
            --- stderr
            output of Executing genrule //:c:
            a
            b
            //:c:
              kiln-out/fastbuild-docker/bin/c.txt
            built 1 target in [TIME]; 2 actions: 2 run
        "#]],
    );
}

#[test]
fn actions_leave_nothing_for_the_next() {
    // One container after the other is used again, and each finds what it would in a new one.
    let target = |number: u32| {
        format!(
            r#"
genrule(
    name = "a{number}",
    outs = ["a{number}.txt"],
    cmd = "find /tmp /kiln -not -type d; mkdir -p /tmp/d/e; echo x > /tmp/d/e/f; chmod 0 /tmp/d; echo y > $(@D)/.left; mkdir $(@D)/shut; chmod 0 $(@D)/shut; touch $@; chmod a-w $(@D)",
    environment = "docker",
)
"#
        )
    };
    check(
        &(0..3).map(target).collect::<String>(),
        |docker| docker.busybox(),
        "build --jobs=1 //:a0 //:a1 //:a2",
        expect![[r#"
            exit: 0
            --- stderr
            built 3 targets in [TIME]; 3 actions: 3 run
        "#]],
    );
}

#[test]
fn failures_are_those_of_other_engines() {
    check(
        r#"
genrule(name = "a", outs = ["a.txt"], cmd = "echo said; echo wrong >&2; exit 7", environment = "docker")
"#,
        |docker| docker.busybox(),
        "build //:a",
        expect![[r#"
            exit: 1
            --- stderr
            error: Genrule of `//:a` failed with exit code 7 (making `kiln-out/fastbuild-docker/bin/a.txt`)
              --> BUILD:2:1
               = its output:
                 said
                 wrong
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
    check(
        r#"
genrule(name = "a", outs = ["a.txt", "b.txt"], cmd = "touch $(location a.txt); rm -r $$(dirname $(location a.txt))/* || true", environment = "docker")
"#,
        |docker| docker.busybox(),
        "build //:a",
        expect![[r#"
            exit: 1
            --- stderr
            error: Genrule of `//:a` succeeded, but did not make `kiln-out/fastbuild-docker/bin/a.txt`
              --> BUILD:2:1
            hint: the command must write every declared output at exactly this path (`$@`, `$(OUTS)`, `$(RULEDIR)`)
            failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
        "#]],
    );
    check(
        r#"
sh_test(name = "t", srcs = ["t.sh"], timeout = "short", environment = "docker")
genrule(name = "script", outs = ["t.sh"], cmd = "printf '#!/bin/sh\nsleep 1000\n' > $@", environment = "local")
"#,
        |docker| docker.busybox(),
        "test //:t --test_timeout=1",
        expect![[r#"
            exit: 3
            --- stdout
            //:t          TIMEOUT in [TIME]
              kiln-out/testlogs/t/test.log
            1 test: 1 timed out
            --- stderr
            TIMEOUT: //:t (still running after its timeout of [TIME]) in [TIME], see kiln-out/testlogs/t/test.log
            ==================== Test output for //:t:
            ================================================================================
            //:t:
              kiln-out/fastbuild-docker/bin/t
              kiln-out/fastbuild-local/bin/t.sh
            hint: the `size` or `timeout` of a test says how long it may run, or `--test_timeout=SECONDS`
            hint: run again: kiln test //:t
            failed: 1 of 1 target built in [TIME]; 2 actions: 2 run
        "#]],
    );
}

#[test]
fn trees_are_the_same() {
    let Some(docker) = Docker::start() else {
        return;
    };
    let build = r#"
load(":rule.bzl", "awkward")
awkward(name = "local", environment = "local")
awkward(name = "docker", environment = "docker")
sh_test(name = "t", srcs = ["t.sh"], data = [":local", ":docker"], environment = "local")
"#;
    // What differs cannot be looked at when the cache is gone, so a test does.
    let test = "#!/bin/sh
list() { (cd $1; find . -type l -exec ls -l {} + | sed 's/.* \\.\\//.\\//'; find . -not -type l -printf '%p %m\\n'; find . -type f -exec cat {} +) | sort; }
[ \"$(list local_tree)\" = \"$(list docker_tree)\" ] && cmp local_file docker_file
";
    let workspace = workspace(&docker, &docker.busybox(), build);
    workspace.write("rule.bzl", RULE);
    workspace.write("t.sh", test);
    let Some(output) = apart(&workspace, "test //:t --test_output=errors") else {
        return;
    };
    assert_eq!(output.code, Some(0), "{}", output.show());
    no_containers(&docker, &workspace);
}
