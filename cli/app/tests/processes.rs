//! kiln as a process that is watched, interrupted and killed.

use std::io::Read;
use std::process::Stdio;

use kiln_testkit::Workspace;

const KILN: &str = env!("CARGO_BIN_EXE_kiln");

/// Two actions, one after the other; the first never ends by itself.
const CHAIN: &str = r#"
//- BUILD.bazel
genrule(
    name = "first",
    outs = ["first.txt"],
    cmd = "echo begun > $@; sleep 100000",
)

genrule(
    name = "second",
    srcs = [":first"],
    outs = ["second.txt"],
    cmd = "cp $< $@",
)
"#;

/// Reads until `wanted` comes, and returns all that was read.
fn read_until(from: &mut impl Read, wanted: &str) -> String {
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if text.contains(wanted) {
            return text;
        }
        match from.read(&mut buffer) {
            Ok(length @ 1..) => read.extend_from_slice(&buffer[..length]),
            end => panic!("{end:?} before `{wanted}` came:\n{text}"),
        }
    }
}

/// The total is known while the first action runs.
#[test]
fn progress_has_a_total() {
    let workspace = Workspace::with(KILN, CHAIN);
    let mut kiln = workspace
        .command("", &["build", "//:second", "--ui=full"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    read_until(kiln.stderr.as_mut().unwrap(), "[0 / 2] 1 running");
    kiln.kill().unwrap();
    kiln.wait().unwrap();
}
