//! `requires_env` and `requires_option`.

use expect_test::{Expect, expect};
use kiln_testkit::Workspace;

use crate::{KILN, check};

/// One environment with these fields, and what is said of it. The caller has `REGION=eu`, `EMPTY` and
/// no other variable of note.
fn env(fields: &str, flags: &str, expect: Expect) {
    let files = format!(
        "
//- kiln.toml
[GLOBAL]
copt = [\"-O1\", \"-g\"]
[remote]
header = [\"token=secret\"]
[environments-preview.names]
x = \"//:x\"
//- BUILD
local_environment(name = \"x\", fallback_environment = \"__local__\", {fields})
"
    );
    let workspace = Workspace::with(KILN, &files)
        .env("REGION", "eu")
        .env("EMPTY", "");
    let output = workspace.kiln(&format!("env explain x {flags}"));
    let lines = output.show();
    let kept: Vec<&str> = lines.lines().filter(|line| line.trim() != "x").collect();
    expect.assert_eq(&kept.join("\n"));
}

#[test]
fn variables() {
    let holds = |condition: &str| {
        let fields = format!("requires_env = [\"{condition}\"]");
        let workspace = Workspace::with(
            KILN,
            &format!("\n//- BUILD\nlocal_environment(name = \"x\", {fields})\n"),
        );
        let workspace = workspace.env("REGION", "eu").env("EMPTY", "");
        let output = workspace.kiln("env list --env=x=//:x");
        output.stdout.trim_start_matches("x  //:x  ").to_owned()
    };
    let table = [
        "REGION",
        "REGION=eu",
        "REGION=us",
        "!REGION",
        "REGION!=us",
        "REGION!=eu",
        "EMPTY",
        "EMPTY=",
        "!EMPTY",
        "ABSENT",
        "!ABSENT",
        "ABSENT=x",
        "ABSENT!=x",
    ];
    let lines: Vec<String> = table
        .iter()
        .map(|condition| format!("{condition}: {}", holds(condition)))
        .collect();
    expect![[r#"
        REGION: local_environment
        REGION=eu: local_environment
        REGION=us: environment `x` (`//:x`) cannot be used: the variable `REGION` is not `us`
        !REGION: environment `x` (`//:x`) cannot be used: the variable `REGION` is set
        REGION!=us: local_environment
        REGION!=eu: environment `x` (`//:x`) cannot be used: the variable `REGION` is `eu`
        EMPTY: local_environment
        EMPTY=: local_environment
        !EMPTY: environment `x` (`//:x`) cannot be used: the variable `EMPTY` is set
        ABSENT: environment `x` (`//:x`) cannot be used: the variable `ABSENT` is not set
        !ABSENT: local_environment
        ABSENT=x: environment `x` (`//:x`) cannot be used: the variable `ABSENT` is not set, and `x` is required
        ABSENT!=x: local_environment
    "#]].assert_eq(&lines.concat());
}

#[test]
fn options() {
    env(
        "requires_option = [\"docker_execution\"]",
        "",
        expect![[r#"
        exit: 0
        --- stdout
          built in `x` (local_environment), which is `//:x`"#]],
    );
    env(
        "requires_option = [\"docker_execution\"]",
        "--nodocker_execution",
        expect![[r#"
        exit: 0
        --- stdout
          not `x`: `--docker_execution` is not set
          built on this machine"#]],
    );
    env(
        "requires_option = [\"docker-execution=false\"]",
        "--nodocker_execution",
        expect![[r#"
        exit: 0
        --- stdout
          built in `x` (local_environment), which is `//:x`"#]],
    );
    env(
        "requires_option = [\"remote_executor\"]",
        "",
        expect![[r#"
        exit: 0
        --- stdout
          not `x`: `--remote_executor` is not set
          built on this machine"#]],
    );
    env(
        "requires_option = [\"!remote_executor\"]",
        "",
        expect![[r#"
        exit: 0
        --- stdout
          built in `x` (local_environment), which is `//:x`"#]],
    );
    // Options of builds count, though `env` itself has no use for them.
    env(
        "requires_option = [\"compilation_mode=opt\"]",
        "",
        expect![[r#"
        exit: 0
        --- stdout
          not `x`: `--compilation_mode` is not `opt`: it is `fastbuild`
          built on this machine"#]],
    );
    env(
        "requires_option = [\"compilation_mode=opt\"]",
        "-c opt",
        expect![[r#"
        exit: 0
        --- stdout
          built in `x` (local_environment), which is `//:x`"#]],
    );
    env(
        "requires_option = [\"copt=-g\"]",
        "",
        expect![[r#"
        exit: 0
        --- stdout
          built in `x` (local_environment), which is `//:x`"#]],
    );
    env(
        "requires_option = [\"copt=-O3\"]",
        "",
        expect![[r#"
        exit: 0
        --- stdout
          not `x`: `--copt` is not `-O3`: it is `-O1`, `-g`
          built on this machine"#]],
    );
    env(
        "requires_option = [\"copt!=-g\"]",
        "",
        expect![[r#"
        exit: 0
        --- stdout
          not `x`: `--copt` is `-g`
          built on this machine"#]],
    );
    // What may be secret is not shown.
    env(
        "requires_option = [\"remote_header\"]",
        "",
        expect![[r#"
        exit: 0
        --- stdout
          built in `x` (local_environment), which is `//:x`"#]],
    );
    env(
        "requires_option = [\"remote_header=x\"]",
        "",
        expect![[r#"
        exit: 0
        --- stdout
          not `x`: `--remote_header` is not `x`: it has another one
          built on this machine"#]],
    );
}

/// All must hold, and what does not is the reason for the fallback (ENV-050).
#[test]
fn all_must_hold_and_mistakes_are_told() {
    env(
        "requires_env = [\"REGION\", \"ABSENT\"], requires_option = [\"copt=-O1\"]",
        "",
        expect![[r#"
            exit: 0
            --- stdout
              not `x`: the variable `ABSENT` is not set
              built on this machine"#]],
    );
    env(
        "requires_option = [\"comilation_mode=opt\"]",
        "",
        expect![[r#"
        exit: 1
        --- stderr
        error: kiln has no option `comilation_mode`
          --> BUILD:1:1
           |
         1 | local_environment(name = "x", fallback_environment = "__local__", requires_option = ["comilation_mode=opt"])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `requires_option` of `//:x`
        hint: did you mean `compilation_mode`?
        hint: options are named as their flags are, without dashes in front; `kiln help build` lists them"#]],
    );
    env(
        "requires_env = [\"!REGION=eu\"]",
        "",
        expect![[r#"
        exit: 1
        --- stderr
        error: `!REGION=eu` is no condition
          --> BUILD:1:1
           |
         1 | local_environment(name = "x", fallback_environment = "__local__", requires_env = ["!REGION=eu"])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `requires_env` of `//:x`
        hint: write `NAME`, `NAME=VALUE`, `!NAME` or `NAME!=VALUE`"#]],
    );
    env(
        "requires_env = [\"\"]",
        "",
        expect![[r#"
        exit: 1
        --- stderr
        error: `` is no condition
          --> BUILD:1:1
           |
         1 | local_environment(name = "x", fallback_environment = "__local__", requires_env = [""])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           = in `requires_env` of `//:x`
        hint: write `NAME`, `NAME=VALUE`, `!NAME` or `NAME!=VALUE`"#]],
    );
}

/// They tell apart what `__local__` could mean (ENV-041).
#[test]
fn they_choose_the_local_environment_env_041() {
    let build = r#"
local_environment(name = "ci", requires_env = ["CI"])
local_environment(name = "laptop", requires_env = ["!CI"])
"#;
    let names = "[environments-preview.names]\nci = \"//:ci\"\nlaptop = \"//:laptop\"\n";
    check(
        names,
        build,
        "env explain __local__",
        expect![[r#"
        exit: 0
        --- stdout
        __local__
          built in `laptop` (local_environment), which is `//:laptop`
    "#]],
    );
    let files = format!("\n//- kiln.toml\n{names}\n//- BUILD\n{build}\n");
    let output = Workspace::with(KILN, &files)
        .env("CI", "true")
        .kiln("env explain __local__ laptop");
    expect![[r#"
        exit: 1
        --- stdout
        __local__
          built in `ci` (local_environment), which is `//:ci`
        --- stderr
        error: environment `laptop` (`//:laptop`) cannot be used: the variable `CI` is set
          --> BUILD:3:1
           |
         3 | local_environment(name = "laptop", requires_env = ["!CI"])
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: set `fallback_environment` to what shall be used instead, for example `"__local__"`
    "#]]
    .assert_eq(&output.show());
}
