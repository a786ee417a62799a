//! What an action sees and may do in a container.

use expect_test::{Expect, expect};
use kiln_testkit::Docker;

use crate::{no_containers, shown, workspace};

/// What a command in a container prints.
fn check(command: &str, expected: Expect) {
    let Some(docker) = Docker::start() else {
        return;
    };
    let build = format!(
        r#"
genrule(
    name = "g",
    srcs = ["in.txt"],
    outs = ["out/g.txt"],
    cmd = """{command}""",
    environment = "docker",
)
"#
    );
    let workspace = workspace(&docker, &docker.busybox(), &build);
    workspace.write("in.txt", "in\n");
    workspace.write("other.txt", "not declared\n");
    let output = workspace.kiln("build //:g");
    let text = match output.code {
        Some(0) => {
            let file = workspace.read("kiln-out/fastbuild-docker/bin/out/g.txt");
            file.unwrap_or_default()
        }
        _ => shown(&output),
    };
    expected.assert_eq(&text);
    no_containers(&docker, &workspace);
}

#[test]
fn only_declared_inputs_are_there() {
    check(
        "find . -type f -o -type l > $@",
        expect![[r#"
        ./in.txt
        ./kiln-out/fastbuild-docker/bin/out/g.txt
    "#]],
    );
}

#[test]
fn inputs_cannot_be_changed() {
    check(
        "set +e; for f in in.txt new.txt /bin/new; do (echo x >> $$f) 2>> $@; done; rm -f in.txt 2>> $@; chmod u+w in.txt 2>> $@; cat in.txt >> $@; ls >> $@",
        expect![[r#"
            /bin/sh: can't create in.txt: Permission denied
            /bin/sh: can't create new.txt: Permission denied
            /bin/sh: can't create /bin/new: Read-only file system
            rm: can't remove 'in.txt': Permission denied
            chmod: in.txt: Operation not permitted
            in
            in.txt
            kiln-out
        "#]],
    );
}

#[test]
fn the_environment_is_as_declared_env_097() {
    check(
        "env -u PWD -u OLDPWD -u SHLVL -u _ env | sort > $@; pwd >> $@; hostname >> $@",
        expect![[r#"
            PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin
            /kiln
            localhost
        "#]],
    );
}

#[test]
fn the_user_is_nobody_of_importance_env_099() {
    check(
        "if [ $$(id -u) = 0 ]; then echo root; else echo somebody; fi > $@; grep -E 'CapEff|NoNewPrivs' /proc/self/status >> $@",
        expect![[r#"
            somebody
            CapEff:	0000000000000000
            NoNewPrivs:	1
        "#]],
    );
}

#[test]
fn there_is_no_network() {
    check(
        "ls /sys/class/net > $@; ip route >> $@",
        expect![[r#"
        lo
    "#]],
    );
}

#[test]
fn an_undeclared_output_is_said() {
    check(
        "echo x > $$(dirname $@)/other.txt",
        expect![[r#"
        exit: 1
        --- stderr
        error: Genrule of `//:g` succeeded, but did not make `kiln-out/fastbuild-docker/bin/out/g.txt`
          --> BUILD:2:1
           = it made `kiln-out/fastbuild-docker/bin/out/other.txt`, which it does not declare
        hint: the command must write every declared output at exactly this path (`$@`, `$(OUTS)`, `$(RULEDIR)`)
        failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
    "#]],
    );
}

/// Nobody speaks in the runner's place, or changes what it does.
#[test]
fn the_runner_cannot_be_reached() {
    check(
        "set +e; for f in mem fd/0 fd/1 maps environ; do (: < /proc/1/$$f) 2>> $@; (: > /proc/1/$$f) 2>> $@; done; (cat /.kiln/sh | wc -c) >> $@ 2>&1; (echo > /.kiln/job) 2>> $@; kill -9 1 2>> $@; kill -STOP 1; echo $$? >> $@",
        expect![[r#"
            /bin/sh: can't open /proc/1/mem: Permission denied
            /bin/sh: can't create /proc/1/mem: Permission denied
            /bin/sh: can't open /proc/1/fd/0: Permission denied
            /bin/sh: can't create /proc/1/fd/0: Permission denied
            /bin/sh: can't open /proc/1/fd/1: Permission denied
            /bin/sh: can't create /proc/1/fd/1: Permission denied
            /bin/sh: can't open /proc/1/maps: Permission denied
            /bin/sh: can't create /proc/1/maps: Permission denied
            /bin/sh: can't open /proc/1/environ: Permission denied
            /bin/sh: can't create /proc/1/environ: Permission denied
            cat: can't open '/.kiln/sh': Permission denied
            0
            /bin/sh: can't create /.kiln/job: Read-only file system
            0
        "#]],
    );
}

/// What an action starts ends with it.
#[test]
fn processes_end_with_their_action() {
    let Some(docker) = Docker::start() else {
        return;
    };
    let build = r#"
genrule(
    name = "first",
    outs = ["first.txt"],
    cmd = "(trap '' HUP TERM; while :; do sleep 1; done) >/dev/null 2>&1 & sleep 300 & echo started > $@",
    environment = "docker",
)
genrule(
    name = "second",
    srcs = [":first"],
    outs = ["second.txt"],
    cmd = "ps | grep -c '[s]leep' > $@ || true",
    environment = "docker",
)
"#;
    let workspace = workspace(&docker, &docker.busybox(), build);
    let output = workspace.kiln("build //:second --jobs=1");
    assert_eq!(output.code, Some(0), "{}", output.show());
    let text = workspace.read("kiln-out/fastbuild-docker/bin/second.txt");
    assert_eq!(text.as_deref(), Some("0\n"));
    no_containers(&docker, &workspace);
}

/// Whoever runs kiln owns what comes of it (ENV-099).
#[test]
fn outputs_are_the_callers_own() {
    use std::os::unix::fs::MetadataExt;
    let Some(docker) = Docker::start() else {
        return;
    };
    let build = r#"
genrule(
    name = "g",
    outs = ["g.txt"],
    cmd = "echo x > $@; chmod 600 $@; mkdir -m 0 /tmp/shut",
    environment = "docker",
)
"#;
    let workspace = workspace(&docker, &docker.busybox(), build);
    let output = workspace.kiln("build //:g");
    let file = workspace.root().join("kiln-out/fastbuild-docker/bin/g.txt");
    let owner = file.metadata().map(|metadata| metadata.uid()).ok();
    let own = workspace.root().metadata().unwrap().uid();
    assert_eq!(owner, Some(own), "{}", output.show());
    no_containers(&docker, &workspace);
}

/// Whoever runs kiln without being root is the action's user too; the store stays as it is (ENV-099).
#[test]
fn an_ordinary_user() {
    use std::os::unix::fs::{MetadataExt, chown};
    let Some(docker) = Docker::start() else {
        return;
    };
    let socket = docker.host().unwrap_or("unix:///var/run/docker.sock");
    let socket = std::path::Path::new(socket.trim_start_matches("unix://")).metadata();
    let group = socket.map(|socket| (socket.gid(), socket.mode() & 0o060 == 0o060));
    let Ok((group, true)) = group else {
        eprintln!("not tested: no group may use this Docker engine");
        return;
    };
    let build = r#"
genrule(
    name = "g",
    srcs = ["in.txt"],
    outs = ["g.txt"],
    cmd = "ls -l --full-time in.txt | grep -c 2000-01-01 > $@; id -u >> $@; chmod u+w in.txt && echo changed >> in.txt",
    environment = "docker",
)
genrule(name = "h", srcs = ["in.txt", ":g"], outs = ["h.txt"], cmd = "cat in.txt > $@", environment = "docker")
"#;
    let workspace = workspace(&docker, &docker.busybox(), build);
    workspace.write("in.txt", "in\n");
    let root = workspace.root();
    let top = root.parent().unwrap().to_owned();
    if root.metadata().unwrap().uid() != 0 {
        eprintln!("not tested: it takes root to become somebody else");
        return;
    }
    let kiln = top.join("kiln");
    std::fs::copy(crate::KILN, &kiln).unwrap();
    let mut open = vec![top];
    while let Some(path) = open.pop() {
        chown(&path, Some(1234), Some(1234)).unwrap();
        if path.is_dir() {
            open.extend(
                std::fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        }
    }
    let groups = format!("--groups={group}");
    let user = ["setpriv", "--reuid=1234", "--regid=1234", &groups];
    let output = workspace.run_other(&user, &kiln, "build //:g //:h");
    assert_eq!(output.code, Some(0), "{}", output.show());
    let read = |name: &str| workspace.read(&format!("kiln-out/fastbuild-docker/bin/{name}"));
    expect![[r#"Some("1\n1234\n") Some("in\n")"#]].assert_eq(&format!(
        "{:?} {:?}",
        read("g.txt"),
        read("h.txt")
    ));
    no_containers(&docker, &workspace);
}
