//! Outputs stay at the server until somebody needs them (R23, R26, PX-082, PX-083, R6).

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use expect_test::{Expect, expect};
use kiln_base::Digest;
use kiln_testkit::{Casd, Output, Serve, Workspace};

const KILN: &str = env!("CARGO_BIN_EXE_kiln");
const BIN: &str = "kiln-out/fastbuild/bin";

/// `last` needs `middle`, which needs `first`; all sizes are known.
const CHAIN: &str = r#"
//- BUILD.bazel
genrule(
    name = "first",
    outs = ["first.txt"],
    cmd = "seq 1000 1999 > $@",
)

genrule(
    name = "middle",
    srcs = ["first.txt"],
    outs = ["middle.txt", "other.bin"],
    cmd = "cat $< $< > $(location middle.txt); head -c 3000000 /dev/zero > $(location other.bin)",
)

genrule(
    name = "last",
    srcs = ["middle.txt", "in.txt"],
    outs = ["last.txt"],
    cmd = "tail -qn 1 $(SRCS) > $@",
)

sh_test(
    name = "test",
    srcs = ["test.sh"],
    data = ["last.txt", "middle.txt"],
)

sh_binary(
    name = "program",
    srcs = ["program.sh"],
    data = ["middle.txt"],
)
//- in.txt
in
//- test.sh
#!/bin/sh
grep -q 1999 last.txt && grep -q 1000 middle.txt
//- program.sh
#!/bin/sh
tail -n 1 middle.txt
"#;

/// Bytes of `first.txt`, `middle.txt`, `other.bin`.
const FIRST: u64 = 5_000;
const MIDDLE: u64 = 10_000;
const OTHER: u64 = 3_000_000;

/// Files of a folder of this repository.
fn copy(from: &Path, to: &Workspace, below: &str) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = match below {
            "" => name,
            below => format!("{below}/{name}"),
        };
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), to, &path),
            false => to.write(&path, &fs::read_to_string(entry.path()).unwrap()),
        }
    }
}

fn downloaded(output: &Output) -> u64 {
    let bytes = output.json("remote.downloaded_bytes");
    bytes.unwrap_or_else(|| output.show()).parse().unwrap()
}

/// Runs a command; the numbers of its actions, and the bytes that came from the server.
fn check(workspace: &Workspace, command: &str, expected: Expect) -> u64 {
    let output = workspace.kiln(&format!("{command} --format=json"));
    expected.assert_eq(&output.counts());
    downloaded(&output)
}

/// The file of a blob in a server's store.
fn blob(server: &Serve, content: &[u8]) -> PathBuf {
    let hex = Digest::of(content).hex();
    let cas = server.cache().join("store/cas");
    cas.join(&hex[..2]).join(&hex[2..])
}

fn numbers() -> String {
    (1000..2000).map(|number| format!("{number}\n")).collect()
}

/// What a server that was never asked before has after a build of everything elsewhere.
fn warm(server: &Serve) -> String {
    let flags = format!("--remote_cache={}", server.address());
    let first = Workspace::with(KILN, CHAIN);
    check(
        &first,
        &format!("test //... {flags}"),
        expect!["exit Some(0): 4 run, 0 remote, 0 local"],
    );
    flags
}

/// A cold machine and a warm server: nothing is executed, and only what was asked for comes.
#[test]
fn the_example_on_a_cold_machine() {
    let server = Serve::start(KILN, &[]);
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/example");
    let checkout = || {
        let workspace = Workspace::new(KILN);
        copy(&example, &workspace, "");
        workspace
    };
    let flags = format!("--remote_cache={}", server.address());
    let first = checkout();
    check(
        &first,
        &format!("test //... {flags}"),
        expect!["exit Some(0): 10 run, 0 remote, 0 local"],
    );
    let size = |workspace: &Workspace, path: &str| {
        let meta = fs::metadata(workspace.root().join(BIN).join(path));
        meta.unwrap().len()
    };
    // One program: its objects, its library and the generated header stay where they are.
    let program = checkout();
    let bytes = check(
        &program,
        &format!("build //app {flags}"),
        expect!["exit Some(0): 0 run, 5 remote, 0 local"],
    );
    assert_eq!(bytes, size(&program, "app/app"));
    assert_eq!(size(&program, "app/app"), size(&first, "app/app"));
    // All of it was downloaded before.
    let all = checkout();
    let everything = check(
        &all,
        &format!("build //app --download=all {flags}"),
        expect!["exit Some(0): 0 run, 5 remote, 0 local"],
    );
    assert!(everything > bytes, "{everything} and {bytes}");
    // CI that only wants to know whether tests pass: their logs and reports, and nothing else.
    let tests = checkout();
    let reports = check(
        &tests,
        &format!("test //... --remote_download_minimal {flags}"),
        expect!["exit Some(0): 0 run, 10 remote, 0 local"],
    );
    assert!(reports < 5_000, "{reports}");
    assert_eq!(tests.read(&format!("{BIN}/app/app")), None);
    let log = "kiln-out/testlogs/app/app_test/test.log";
    assert!(tests.read(log).is_some());
}

/// The modes, in bytes; a warm local cache needs no byte and a look at the server.
#[test]
fn modes() {
    let server = Serve::start(KILN, &[]);
    let flags = warm(&server);
    let fresh = |command: &str, expected: Expect| {
        let workspace = Workspace::with(KILN, CHAIN);
        let bytes = check(&workspace, &format!("{command} {flags}"), expected);
        (workspace, bytes)
    };
    let three = || expect!["exit Some(0): 0 run, 3 remote, 0 local"];
    let (top, bytes) = fresh("build //:last", three());
    assert_eq!(bytes, 8);
    assert_eq!(
        top.read(&format!("{BIN}/last.txt")).as_deref(),
        Some("1999\nin\n")
    );
    let again = || expect!["exit Some(0): 0 run, 0 remote, 3 local"];
    let bytes = check(&top, &format!("build //:last {flags}"), again());
    assert_eq!(bytes, 0);
    // Another target of the same action, afterwards: its outputs come now.
    let bytes = check(
        &top,
        &format!("build //:middle {flags}"),
        expect!["exit Some(0): 0 run, 0 remote, 2 local"],
    );
    assert_eq!(bytes, MIDDLE + OTHER);

    let (minimal, bytes) = fresh("build //:last --download=minimal", three());
    assert_eq!(bytes, 0);
    assert_eq!(minimal.read(&format!("{BIN}/last.txt")), None);

    let (_, bytes) = fresh("build //:last --remote_download_all", three());
    assert_eq!(bytes, FIRST + MIDDLE + OTHER + 8);

    let command =
        "build //:last --remote_download_minimal --remote_download_regex=.*/(first|last).txt";
    let (some, bytes) = fresh(command, three());
    assert_eq!(bytes, FIRST + 8);
    assert!(some.read(&format!("{BIN}/last.txt")).is_some());

    // Several modes: the last one counts.
    let command = "build //:last --remote_download_minimal --remote_download_toplevel";
    assert_eq!(fresh(command, three()).1, 8);

    let output = Workspace::with(KILN, CHAIN).kiln("build //:last --remote_download_regex=a(");
    expect![[r#"
        exit: 2
        --- stderr
        error: `a(` is no regular expression: found open group without closing ')'
           = given as `--remote_download_regex`
    "#]]
    .assert_eq(&output.show());
}

/// Who runs here gets what it needs, once, and no more.
#[test]
fn local_actions_tests_and_programs_fetch_their_inputs() {
    let server = Serve::start(KILN, &[]);
    let flags = warm(&server);
    let workspace = Workspace::with(KILN, CHAIN);
    let minimal = format!("--download=minimal {flags}");
    workspace.write("in.txt", "other\n");
    // `last` and the test run here: both need `middle.txt`, nobody needs `other.bin`.
    let bytes = check(
        &workspace,
        &format!("test //... {minimal}"),
        expect!["exit Some(0): 2 run, 2 remote, 0 local"],
    );
    assert_eq!(bytes, MIDDLE);
    // What was made here is here, whatever the mode.
    let last = workspace.read(&format!("{BIN}/last.txt"));
    assert_eq!(last.as_deref(), Some("1999\nother\n"));
    // A program with its runfiles, on a machine that knows nothing.
    let workspace = Workspace::with(KILN, CHAIN);
    let output = workspace.kiln(&format!("run //:program {minimal}"));
    expect![[r#"
        exit: 0
        --- stdout
        1999
        --- stderr
        built 1 target in [TIME]; 2 actions: 0 run, 2 from remote cache; 9.8 KiB downloaded
    "#]]
    .assert_eq(&output.show());
}

/// What an earlier build left is not taken for what this one has left at the server.
#[test]
fn nothing_old_stays() {
    let server = Serve::start(KILN, &[]);
    let flags = warm(&server);
    let workspace = Workspace::with(KILN, CHAIN);
    workspace.write("in.txt", "old\n");
    let path = format!("{BIN}/last.txt");
    workspace.kiln(&format!("build //:last {flags}"));
    assert_eq!(workspace.read(&path).as_deref(), Some("1999\nold\n"));
    workspace.write("in.txt", "in\n");
    let output = workspace.kiln(&format!("build //:last --download=minimal {flags}"));
    assert_eq!(workspace.read(&path), None);
    expect![[r#"
        exit: 0
        --- stderr
        //:last:
          kiln-out/fastbuild/bin/last.txt (left at the server)
        built 1 target in [TIME]; 3 actions: 0 run, 2 from cache, 1 from remote cache
    "#]]
    .assert_eq(&output.show());
}

/// Blobs that the server has lost since: whoever made them runs again, and the build ends well.
#[test]
fn lost_blobs_are_made_again() {
    let server = Serve::start(KILN, &[]);
    let flags = warm(&server);
    let minimal = format!("--download=minimal {flags}");
    let workspace = Workspace::with(KILN, CHAIN);
    check(
        &workspace,
        &format!("build //:last {minimal}"),
        expect!["exit Some(0): 0 run, 3 remote, 0 local"],
    );
    let numbers = numbers();
    for content in [numbers.clone(), numbers.repeat(2)] {
        fs::remove_file(blob(&server, content.as_bytes())).unwrap();
    }
    // Nothing needs them: `last` is known here, and is where it was.
    workspace.write("in.txt", "other\n");
    check(
        &workspace,
        &format!("build //:last {minimal}"),
        expect!["exit Some(0): 3 run, 0 remote, 0 local"],
    );
    let last = workspace.read(&format!("{BIN}/last.txt"));
    assert_eq!(last.as_deref(), Some("1999\nother\n"));
}

/// Without its server a build does all again that it left there, and says nothing of it; with the
/// flag of one that is dead as well.
#[test]
fn without_the_server() {
    let mut server = Serve::start(KILN, &[]);
    let flags = warm(&server);
    let minimal = format!("--download=minimal {flags}");
    let (one, other) = (Workspace::with(KILN, CHAIN), Workspace::with(KILN, CHAIN));
    for workspace in [&one, &other] {
        check(
            workspace,
            &format!("build //:last {minimal}"),
            expect!["exit Some(0): 0 run, 3 remote, 0 local"],
        );
    }
    check(
        &one,
        "build //:last",
        expect!["exit Some(0): 3 run, 0 remote, 0 local"],
    );
    server.interrupt();
    check(
        &other,
        &format!("build //:last --remote_retries=0 {minimal}"),
        expect!["exit Some(0): 3 run, 0 remote, 0 local"],
    );
    let last = other.read(&format!("{BIN}/last.txt"));
    assert_eq!(last.as_deref(), Some("1999\nin\n"));
}

/// Chains of remote actions pass on digests and nothing else.
#[test]
fn remote_actions_pass_on_digests() {
    let server = Serve::start(KILN, &[]);
    let flags = format!("--remote_executor={}", server.address());
    let workspace = Workspace::with(KILN, CHAIN);
    let bytes = check(
        &workspace,
        &format!("build //:last {flags}"),
        expect!["exit Some(0): 3 run, 0 remote, 0 local"],
    );
    assert_eq!(bytes, 8);
    // An edit runs what depends on it, there, although its inputs were never here.
    workspace.write("in.txt", "other\n");
    let bytes = check(
        &workspace,
        &format!("build //:last {flags}"),
        expect!["exit Some(0): 1 run, 0 remote, 2 local"],
    );
    assert_eq!(bytes, 11);
    // A blob that the workers' store lost: the producer runs once more, there.
    let content = numbers().repeat(2);
    fs::remove_file(blob(&server, content.as_bytes())).unwrap();
    workspace.write("in.txt", "third\n");
    check(
        &workspace,
        &format!("build //:last {flags}"),
        expect!["exit Some(0): 2 run, 0 remote, 1 local"],
    );
    let last = workspace.read(&format!("{BIN}/last.txt"));
    assert_eq!(last.as_deref(), Some("1999\nthird\n"));
}

/// A third-party server, as cache and with workers.
#[test]
fn another_server() {
    let Some(server) = Casd::with_workers() else {
        return;
    };
    let flags = format!("--remote_executor={}", server.address());
    let workspace = Workspace::with(KILN, CHAIN);
    let bytes = check(
        &workspace,
        &format!("build //:last {flags}"),
        expect!["exit Some(0): 3 run, 0 remote, 0 local"],
    );
    assert_eq!(bytes, 8);
    let cache = format!("--remote_cache={}", server.address());
    let cold = Workspace::with(KILN, CHAIN);
    let bytes = check(
        &cold,
        &format!("build //:last --download=minimal {cache}"),
        expect!["exit Some(0): 0 run, 3 remote, 0 local"],
    );
    assert_eq!(bytes, 0);
    cold.write("in.txt", "other\n");
    let bytes = check(
        &cold,
        &format!("build //:last {cache}"),
        expect!["exit Some(0): 1 run, 0 remote, 2 local"],
    );
    assert_eq!(bytes, MIDDLE);
}

/// R24: a server that offers compression is sent, and sends, large and small blobs compressed; what
/// comes out is what went in, whether it shrinks or not.
#[test]
fn compressed_transfers() {
    const FILES: &str = r#"
//- BUILD
genrule(
    name = "all",
    srcs = ["in.txt"],
    outs = ["large.txt", "small.txt", "noise.bin"],
    cmd = "\n".join([
        "seq 1 1500000 > $(location large.txt)",
        "seq 1 1000 > $(location small.txt)",
        "for i in 1 2 3 4; do seq $$i 9 400000 | sha512sum; done | cut -c 1-128 > $(location noise.bin)",
    ]),
)
//- in.txt
"#;
    let server = Serve::start(KILN, &[]);
    let flags = format!("--remote_cache={}", server.address());
    let command = format!("build //:all {flags}");
    let first = Workspace::with(KILN, FILES);
    check(
        &first,
        &command,
        expect!["exit Some(0): 1 run, 0 remote, 0 local"],
    );
    let second = Workspace::with(KILN, FILES);
    let bytes = check(
        &second,
        &command,
        expect!["exit Some(0): 0 run, 1 remote, 0 local"],
    );
    let mut sum = 0;
    for name in ["large.txt", "small.txt", "noise.bin"] {
        let path = format!("{BIN}/{name}");
        let content = first.read(&path).unwrap();
        sum += content.len() as u64;
        assert_eq!(second.read(&path), Some(content), "{name}");
    }
    assert_eq!(bytes, sum);
}
