//! Where namespaces are refused.

use std::process::Command;
use std::time::Duration;

use expect_test::expect;
use kiln_exec_local::{LocalExecutor, Sandbox, Tier};
use kiln_process::Exit;

use crate::Test;
use crate::support::{self, Fixture, paths, sh};

/// Set when this program runs where something is refused: the file to tell of it.
const REPORT: &str = "KILN_TEST_REPORT";

const MASKED_TEST: &str = "a masked /proc is used as it is, which is told";
const REFUSED_TEST: &str = "refused namespaces are told with their cause";

pub const TESTS: &[Test] = &[
    ("a plain folder", plain),
    ("Landlock and seccomp", landlock),
    ("daemons die without namespaces too", plain_daemons),
    (REFUSED_TEST, refused),
    (MASKED_TEST, masked_proc),
    ("all of it as an ordinary user", ordinary),
];

fn executor(fixture: &Fixture, sandbox: Sandbox) -> LocalExecutor {
    open(fixture);
    let mut config = fixture.config();
    config.sandbox = sandbox;
    fixture.executor_with(config)
}

/// Without mounts, the other user that actions are when kiln is root has to get there by itself.
fn open(fixture: &Fixture) {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(fixture.folder.path(), mode).unwrap();
}

fn plain(fixture: &Fixture) {
    let executor = executor(fixture, Sandbox::Off);
    assert_eq!(executor.tier(), Tier::Plain);
    expect![[r#"
        warning: sandbox: not hermetic: actions can read and write whatever this user can, and use the network; results are not shared
           = `--sandbox=off` was asked for"#]].assert_eq(&executor.warnings()[0].to_string());
    let mut process = sh(
        "find . | sort; cat in/a; ./tool.sh; echo o > out/o; mkdir out/d; echo u > in/undeclared; \
         echo x >> in/a; ln -s x out/l; [ $(id -u) != 0 ] && echo ordinary; cat",
    );
    process.inputs = fixture.tree(&[
        ("in/a", "a\n"),
        ("tool.sh", "#!/bin/sh\necho tool\n"),
        ("out/in", "b"),
        ("in/l -> a", ""),
    ]);
    process.outputs = paths(&["out/o", "out/d", "out/l", "new/x"]);
    let run = || {
        let run = support::run(&executor, &process);
        let result = fixture.runtime.block_on(run).unwrap();
        format!("{}{:?}", fixture.show(&result), result.outputs)
    };
    let shown = run();
    expect![[r#"
        Code(0)
        .
        ./in
        ./in/a
        ./in/l
        ./new
        ./out
        ./out/in
        ./tool.sh
        a
        tool
        ordinary
        /bin/sh: 1: cannot create in/undeclared: Permission denied
        /bin/sh: 1: cannot create in/a: Permission denied
        [out/d dir of 0, out/l -> x, out/o 7427d152/2]"#]]
    .assert_eq(&shown);
    assert_eq!(run(), shown);
    fixture.verify();
}

fn landlock(fixture: &Fixture) {
    let executor = executor(fixture, Sandbox::Landlock);
    assert_eq!(executor.tier(), Tier::Landlock);
    let mut process = sh(
        "cat in/a; ./tool.sh; echo o > out/o; cat /etc/shells; ls /etc /var; echo u > in/undeclared; \
         echo x > /var/tmp/kiln-test; echo t > /tmp/kiln-test-$$ && rm /tmp/kiln-test-$$; \
         echo via path >> /dev/stdout; python3 -c 'import socket\n\
for family in socket.AF_INET, socket.AF_INET6, socket.AF_UNIX:\n try: socket.socket(family); print(\"socket\")\n except OSError as e: print(e)'; \
         kill -0 $PPID; kill -0 1; [ $(id -u) != 0 ] && echo ordinary",
    );
    process.inputs = fixture.tree(&[("in/a", "a\n"), ("tool.sh", "#!/bin/sh\necho tool\n")]);
    process.outputs = paths(&["out/o"]);
    let run = support::run(&executor, &process);
    let result = fixture.runtime.block_on(run).unwrap();
    let shown = format!("{}{:?}", fixture.show(&result), result.outputs);
    expect![[r#"
        Code(0)
        a
        tool
        via path
        [Errno 13] Permission denied
        [Errno 13] Permission denied
        socket
        ordinary
        cat: /etc/shells: Permission denied
        ls: cannot open directory '/etc': Permission denied
        ls: cannot open directory '/var': Permission denied
        /bin/sh: 1: cannot create in/undeclared: Permission denied
        /bin/sh: 1: cannot create /var/tmp/kiln-test: Permission denied
        /bin/sh: 4: kill: Operation not permitted

        [out/o 7427d152/2]"#]]
    .assert_eq(&shown);
    fixture.verify();
}

fn plain_daemons(fixture: &Fixture) {
    let executor = executor(fixture, Sandbox::Off);
    let argument = crate::survivors::unique_sleep();
    let script = |then: &str| crate::survivors::daemonize(&argument, then);
    let run = |process: &kiln_process::Process| {
        fixture
            .runtime
            .block_on(support::run(&executor, process))
            .unwrap()
    };
    let result = run(&sh(&script("exit 3")));
    assert_eq!(result.exit, Exit::Code(3));
    assert!(crate::survivors::sleepers(&argument).is_empty());
    let mut process = sh(&script(&format!("sleep {argument}")));
    process.timeout = Some(Duration::from_millis(1500));
    assert_eq!(run(&process).exit, Exit::TimedOut);
    assert!(crate::survivors::sleepers(&argument).is_empty());
}

/// Runs this program again for the tests that `filter` names.
fn again(mut command: Command) {
    let output = command.env_remove("UPDATE_EXPECT").output().unwrap();
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success(), "{out}{err}");
}

/// Runs one test of this program by way of a shell script that changes the surroundings, and
/// returns what it reported.
fn elsewhere(fixture: &Fixture, unshare: &[&str], script: &str, test: &str) -> String {
    open(fixture);
    let report = fixture.folder.path().join("report");
    let script = format!("{script} && exec \"$@\"");
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user"]).args(unshare);
    command.args(["sh", "-c", &script, "sh"]);
    command.arg(std::env::current_exe().unwrap());
    command.args(["--exact", test]).env(REPORT, &report);
    again(command);
    std::fs::read_to_string(report).unwrap()
}

fn refused(fixture: &Fixture) {
    if let Some(report) = std::env::var_os(REPORT) {
        let mut config = fixture.config();
        config.sandbox = Sandbox::Require;
        let made = LocalExecutor::new(config, fixture.store.clone(), fixture.zygotes.clone());
        let error = made.err().map(|error| error.to_string());
        std::fs::write(report, error.unwrap_or_default()).unwrap();
        return;
    }
    let script = "echo 0 > /proc/sys/user/max_user_namespaces";
    let report = elsewhere(fixture, &[], script, REFUSED_TEST);
    expect![[r#"
        error: the sandbox cannot make a user namespace: their limit is reached
           = `--sandbox=required` was asked for
        hint: user namespaces are limited to none or too few here: `sudo sysctl user.max_user_namespaces=10000`"#]].assert_eq(&report);
}

fn masked_proc(fixture: &Fixture) {
    if let Some(report) = std::env::var_os(REPORT) {
        let executor = fixture.executor();
        let process = sh("echo ran; id -u; hostname");
        let run = support::run(&executor, &process);
        let result = fixture.runtime.block_on(run).unwrap();
        let warnings = executor.warnings();
        let text = format!(
            "{:?} {warnings:?} {}",
            executor.tier(),
            fixture.show(&result)
        );
        std::fs::write(report, text).unwrap();
        return;
    }
    // As containers do it.
    let script = "mount -t tmpfs none /proc/sys";
    let report = elsewhere(fixture, &["--mount"], script, MASKED_TEST);
    expect![[r#"
        OuterProc [warning: sandbox: actions see the list of this machine's processes
           = the sandbox cannot mount `/proc`: operation not permitted
        hint: this container's `/proc` is masked: start it with `--security-opt systempaths=unconfined`] Code(0)
        ran
        1000
        localhost
    "#]].assert_eq(&report);
}

/// Everything above and below, if root runs the tests, as somebody else once more.
fn ordinary(fixture: &Fixture) {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let folder = fixture.folder.path();
    let program = folder.join("program");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let temporary = folder.join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    for path in [folder, &temporary] {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(path, mode).unwrap();
    }
    let mut command = Command::new(program);
    std::os::unix::process::CommandExt::uid(&mut command, 12345);
    std::os::unix::process::CommandExt::gid(&mut command, 12345);
    command.env("TMPDIR", temporary).current_dir("/");
    again(command);
}
