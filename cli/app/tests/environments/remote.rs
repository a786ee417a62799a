//! Remote environments, against kiln's own server.

use expect_test::expect;
use kiln_testkit::{Output, Serve, Workspace};

use crate::KILN;

const FILES: &str = r#"
//- kiln.toml
[environments-preview.names]
far = "//:far"
//- BUILD
remote_environment(
    name = "far",
    subprocess_environment_env_vars = ["CALLER", "FIXED=1"],
    system_binaries_system_binary_paths = ["/usr/bin", "<PATH>", "/bin"],
)
genrule(name = "show", outs = ["show.txt"], cmd = "echo $$PATH $${CALLER:-none} $$FIXED > $@", environment = "far")
sh_binary(name = "program", srcs = ["program.sh"], environment = "far")
alias(name = "alias", actual = ":program")
sh_binary(name = "local", srcs = ["program.sh"])
//- program.sh
#!/bin/sh
echo started
"#;

fn run(server: &Serve, command: &str) -> (Workspace, Output) {
    let workspace = Workspace::with(KILN, FILES).env("CALLER", "me");
    let address = server.address();
    let output = workspace.kiln(&format!("{command} --remote_executor={address}"));
    (workspace, output)
}

fn shown(server: &Serve, output: &Output) -> String {
    let address = server.address();
    output.show().replace(address, "[SERVER]")
}

/// The server is asked, and what it says is told as that.
#[test]
fn a_server_that_answers_is_told() {
    let server = Serve::start(KILN, &[]);
    let (_, output) = run(&server, "env check //:show //:program");
    expect![[r#"
        exit: 0
        --- stdout
        checked 2 targets and what they need: all fit
          far: 3 targets; asked just now: [SERVER] answers, and runs actions
    "#]]
    .assert_eq(&shown(&server, &output));
}

/// Values of variables are those of workers, and never the caller's (ENV-084, ENV-080).
#[test]
fn values_are_those_of_workers() {
    let server = Serve::start(KILN, &[]);
    let (workspace, output) = run(&server, "build //:show");
    assert_eq!(output.code, Some(0), "{}", output.show());
    let seen = workspace.read("kiln-out/fastbuild-far/bin/show.txt");
    expect![[r#"
        /usr/bin:/bin none 1
    "#]]
    .assert_eq(&seen.unwrap_or_default());
}

/// ENV-151, ENV-154
#[test]
fn a_program_of_a_worker_starts_here_with_a_warning() {
    let server = Serve::start(KILN, &[]);
    let (_, output) = run(&server, "run //:alias");
    expect![[r#"
        exit: 0
        --- stdout
        started
        --- stderr
        built 1 target in [TIME]
        warning: `//:program` is built in environment `far` (remote_environment), and `kiln run` starts it on this machine
        hint: what it finds there it may not find here; `kiln test` runs tests where they are built
    "#]].assert_eq(&shown(&server, &output));
    let (_, output) = run(&server, "run //:local");
    expect![[r#"
        exit: 0
        --- stdout
        started
        --- stderr
        built 1 target in [TIME]
    "#]]
    .assert_eq(&shown(&server, &output));
}
