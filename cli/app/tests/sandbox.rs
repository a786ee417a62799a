//! What the sandbox keeps from actions, and what it says where it cannot (systems.md 1.4).

use std::collections::BTreeSet;

use expect_test::{Expect, expect};
use kiln_base::{Digest, RelPath};
use kiln_testkit::Workspace;
use kiln_tree::{Node, Tree, encode_tree};

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

const FILES: &str = r#"
//- BUILD.bazel
genrule(
    name = "made",
    outs = ["made.txt"],
    cmd = "echo made > $@",
)

sh_test(
    name = "passes",
    srcs = ["passes.sh"],
)

sh_binary(
    name = "greet",
    srcs = ["passes.sh"],
)
//- passes.sh
#!/bin/bash
echo passed
"#;

/// One line for each warning and each of its hints.
fn warnings(stderr: &str) -> String {
    let lines = stderr.lines().filter(|line| {
        ["warning:", "hint:", "error:", "   ="]
            .iter()
            .any(|start| line.starts_with(start))
    });
    lines.map(|line| format!("{line}\n")).collect()
}

/// Every command that runs actions tells once what is not enforced.
fn check(flags: &str, expected: Expect) {
    let workspace = Workspace::with(KILN, FILES);
    let mut told = BTreeSet::new();
    for command in ["build //:made", "test //...", "run //:greet"] {
        let output = workspace.kiln(&format!("{command} {flags}"));
        assert_eq!(output.code, Some(0), "{}", output.show());
        told.insert(warnings(&output.stderr));
    }
    let told: Vec<String> = told.into_iter().collect();
    expected.assert_eq(&told.join("or, from another command:\n"));
    // Nothing is run by these, so it does not matter.
    for command in ["query //...", "list //..."] {
        let output = workspace.kiln(command);
        assert_eq!((output.code, &*output.stderr), (Some(0), ""));
    }
}

#[test]
fn a_hermetic_tier_says_nothing() {
    check("", expect![[""]]);
    check("--sandbox=required", expect![[""]]);
    // Bazel users and systems.md say `require`.
    check("--sandbox=require", expect![[""]]);
}

#[test]
fn landlock_tells_what_it_leaves_open() {
    check(
        "--sandbox=landlock",
        expect![[r#"
            warning: sandbox: using Landlock: host name, user, process list and `/tmp` are this machine's, and paths differ from those elsewhere; results are not shared
               = `--sandbox=landlock` was asked for
        "#]],
    );
}

#[test]
fn a_plain_folder_is_called_not_hermetic() {
    check(
        "--sandbox=off",
        expect![[r#"
            warning: sandbox: not hermetic: actions can read and write whatever this user can, and use the network; results are not shared
               = `--sandbox=off` was asked for
        "#]],
    );
    check(
        "--nosandbox",
        expect![[r#"
            warning: sandbox: not hermetic: actions can read and write whatever this user can, and use the network; results are not shared
               = `--sandbox=off` was asked for
        "#]],
    );
}

/// Where no user namespace can be made.
const WITHOUT_NAMESPACES: &[&str] = &[
    "unshare",
    "--user",
    "--map-root-user",
    "sh",
    "-c",
    "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$@\"",
    "sh",
];

#[test]
fn a_refused_tier_tells_how_to_allow_it() {
    let workspace = Workspace::with(KILN, FILES);
    let output = workspace.run_through(WITHOUT_NAMESPACES, "build //:made");
    assert_eq!(output.code, Some(0), "{}", output.show());
    expect![[r#"
        warning: sandbox: using Landlock: host name, user, process list and `/tmp` are this machine's, and paths differ from those elsewhere; results are not shared
           = the sandbox cannot make a user namespace: their limit is reached
        hint: user namespaces are limited to none or too few here: `sudo sysctl user.max_user_namespaces=10000`
    "#]].assert_eq(&warnings(&output.stderr));
    let output = workspace.run_through(WITHOUT_NAMESPACES, "build //:made --sandbox=required");
    expect![[r#"
        exit: 36
        --- stderr
        error: the sandbox cannot make a user namespace: their limit is reached
           = `--sandbox=required` was asked for
        hint: user namespaces are limited to none or too few here: `sudo sysctl user.max_user_namespaces=10000`
    "#]].assert_eq(&output.show());
}

#[test]
fn a_masked_proc_is_told() {
    let workspace = Workspace::with(KILN, FILES);
    let masked = [
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        "mount -t tmpfs none /proc/sys && exec \"$@\"",
        "sh",
    ];
    let output = workspace.run_through(&masked, "build //:made");
    assert_eq!(output.code, Some(0), "{}", output.show());
    expect![[r#"
        warning: sandbox: actions see the list of this machine's processes
           = the sandbox cannot mount `/proc`: operation not permitted
        hint: this container's `/proc` is masked: start it with `--security-opt systempaths=unconfined`
    "#]].assert_eq(&warnings(&output.stderr));
}

/// A result that may depend on undeclared files is no answer for whoever asks for a hermetic one.
#[test]
fn results_of_weaker_tiers_are_kept_apart() {
    let workspace = Workspace::with(KILN, FILES);
    let executed = |sandbox: &str| {
        let command = format!("build //:made --format=json --sandbox={sandbox}");
        workspace.kiln(&command).json("actions.executed")
    };
    for sandbox in ["off", "landlock", "auto"] {
        assert_eq!(executed(sandbox).as_deref(), Some("1"), "{sandbox}");
        assert_eq!(executed(sandbox).as_deref(), Some("0"), "{sandbox}");
    }
    assert_eq!(executed("required").as_deref(), Some("0"));
}

/// A result that cannot be written down is computed again; the user hears why.
#[test]
fn a_result_that_cannot_be_recorded_is_told() {
    let files = r#"
//- defs.bzl
def _folder(ctx):
    out = ctx.actions.declare_directory(ctx.label.name)
    ctx.actions.run_shell(outputs = [out], command = "echo x > %s/x" % out.path)
    return DefaultInfo(files = depset([out]))

folder = rule(implementation = _folder)
//- BUILD.bazel
load(":defs.bzl", "folder")

folder(name = "made")
"#;
    let workspace = Workspace::with(KILN, files);
    // The list of the folder's files is a blob of its own, which cannot go where a file is.
    let file = Node::File {
        digest: Digest::of(b"x\n"),
        executable: false,
    };
    let folder = Tree::single(&RelPath::new("x").unwrap(), file);
    let list = Digest::of(&encode_tree(&folder)).hex();
    let cas = workspace.cache().join("store/cas");
    std::fs::create_dir_all(&cas).unwrap();
    std::fs::write(cas.join(&list[..2]), "in the way").unwrap();
    let output = workspace.kiln("build //:made");
    expect![[r#"
        exit: 0
        --- stderr
        warning: cannot write to the store `[CACHE]/store/cas/86/0361689f5c183254a69fea6cf64479449d0d0f05e6007ec81f25cdf22b5d05`: not a directory
           = a result could not be recorded and will be computed again
        warning: cannot list `[CACHE]/store/cas/86`: not a directory
           = action results may be made again
        //:made:
          kiln-out/fastbuild/bin/made
        built 1 target in [TIME]; 1 action: 1 run
    "#]]
    .assert_eq(&output.show());
}

const GREEDY: &str = r#"
//- BUILD.bazel
genrule(
    name = "hog",
    outs = ["hog.txt"],
    cmd = "echo > $@; exec python3 -c 'bytearray(300 << 20)'",
)

genrule(
    name = "bomb",
    outs = ["bomb.txt"],
    cmd = "sh -c 'for i in 0 1 2 3 4 5 6 7 8 9; do for j in 0 1 2 3 4 5 6 7 8 9; do sleep 12345 & done; done; wait' 2>/dev/null",
)

sh_test(
    name = "greedy_test",
    srcs = ["greedy.sh"],
)
//- greedy.sh
#!/bin/bash
echo begun
exec python3 -c 'bytearray(300 << 20)'
"#;

/// As root, where control groups can be made. Others have what `exec_local` tests.
#[test]
fn who_uses_too_much_is_named() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let workspace = Workspace::with(KILN, GREEDY);
    let output = workspace.kiln("build //:hog --sandbox_memory_limit_mb=100");
    expect![[r#"
        exit: 1
        --- stderr
        error: Genrule of `//:hog` was stopped: it used more than 100 MiB of memory (making `kiln-out/fastbuild/bin/hog.txt`)
          --> BUILD.bazel:1:1
           = its output:
             Used more than 100 MiB of memory: Executing genrule //:hog
        hint: `--sandbox_memory_limit_mb` says how much an action may use
        failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
    "#]].assert_eq(&output.show());
    // Bazel's name for it.
    let output = workspace.kiln("build //:hog --experimental_sandbox_memory_limit_mb=1000");
    assert_eq!(output.code, Some(0), "{}", output.show());
    let output = workspace.kiln("build //:bomb --sandbox_process_limit=50");
    expect![[r#"
        exit: 1
        --- stderr
        error: Genrule of `//:bomb` was stopped: it used more than 50 processes (making `kiln-out/fastbuild/bin/bomb.txt`)
          --> BUILD.bazel:7:1
           = its output:
             Used more than 50 processes: Executing genrule //:bomb
        hint: `--sandbox_process_limit` says how many an action may have at a time
        failed: 0 of 1 target built, 1 failed in [TIME]; 1 action: 1 run
    "#]].assert_eq(&output.show());
    let output = workspace.kiln("test //:greedy_test --sandbox_memory_limit_mb=100");
    expect![[r#"
        exit: 3
        --- stdout
        //:greedy_test          FAILED in [TIME]
          kiln-out/testlogs/greedy_test/test.log
        1 test: 1 failed
        --- stderr
        FAILED: //:greedy_test (used more than 100 MiB of memory) in [TIME], see kiln-out/testlogs/greedy_test/test.log
        ==================== Test output for //:greedy_test:
        begun
        ================================================================================
        //:greedy_test:
          kiln-out/fastbuild/bin/greedy_test
        hint: run again: kiln test //:greedy_test
        failed: 1 of 1 target built in [TIME]; 1 action: 1 run
    "#]].assert_eq(&output.show());
}
