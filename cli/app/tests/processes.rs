//! kiln as a process that is watched, interrupted and killed.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use kiln_testkit::Workspace;
use rustix::process::{Pid, Signal, kill_process};

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

/// Things that go on, of all kinds that outlive a careless parent.
const DAEMONS: &str = "sleep N & setsid sh -c 'sleep N & sleep N' & \
    (setsid sh -c 'trap \"\" TERM INT HUP; (sleep N &) ; sleep N' &) ; sleep N";
const SLEEPERS: usize = 6;

/// A workspace of which `daemons` and `daemons_test` never end, and the number that their
/// sleepers have as their argument, and nobody else.
fn endless() -> (Workspace, String) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    let argument = format!("4{:07}{next:03}", std::process::id());
    let daemons = DAEMONS.replace('N', &argument);
    let files = format!(
        "//- BUILD.bazel\n\
         genrule(name = \"daemons\", outs = [\"daemons.txt\"], cmd = \"./$(location d.sh)\", tools = [\"d.sh\"])\n\
         sh_test(name = \"daemons_test\", srcs = [\"d.sh\"])\n\
         genrule(name = \"quick\", outs = [\"quick.txt\"], cmd = \"echo > $@\")\n\
         //- d.sh\n#!/bin/bash\n{daemons}\n"
    );
    (Workspace::with(KILN, &files), argument)
}

/// Processes of this machine that have `argument` on their command line.
fn sleepers(argument: &str) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse() else {
            continue;
        };
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if line
            .split(|b| *b == 0)
            .any(|part| part == argument.as_bytes())
        {
            found.insert(pid);
        }
    }
    found
}

fn until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// All descendants of a process.
fn descendants(pid: u32) -> Vec<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let direct = fs::read_to_string(path).unwrap_or_default();
    let direct = direct.split_whitespace().map(|pid| pid.parse().unwrap());
    direct
        .flat_map(|pid| [vec![pid], descendants(pid)].concat())
        .collect()
}

/// Whether it runs, and is no zombie that somebody has yet to reap.
fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(") ").next().unwrap_or_default();
    !state.is_empty() && !state.starts_with('Z')
}

/// What running actions have on disk: all in the workspace's own cache, and what that process has
/// where root's actions work that have no mounts.
fn scratch(workspace: &Workspace, pid: u32) -> usize {
    let own = fs::read_dir(workspace.cache().join("exec/scratch")).map_or(0, Iterator::count);
    let shared = fs::read_dir("/var/tmp/kiln-scratch-0")
        .into_iter()
        .flatten();
    let prefix = format!("{pid}-");
    let shared = shared.flatten().filter(|entry| {
        let name = entry.file_name();
        name.to_string_lossy().starts_with(&prefix)
    });
    own + shared.count()
}

/// Control groups of a process.
fn groups(pid: u32) -> usize {
    fn count(folder: &Path, prefix: &str) -> usize {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        folders
            .map(|entry| {
                let own = entry.file_name().to_string_lossy().starts_with(prefix);
                usize::from(own) + count(&entry.path(), prefix)
            })
            .sum()
    }
    count(Path::new("/sys/fs/cgroup"), &format!("kiln-{pid}-"))
}

/// Starts kiln on something endless and sends it a signal; nothing is left, at the latest after
/// the next run. Returns the exit code and what kiln said.
fn stopped(command: &str, flags: &str, signal: Signal) -> (Option<i32>, String) {
    let (workspace, argument) = endless();
    let mounts = || fs::read_to_string("/proc/self/mounts").unwrap();
    let before = mounts();
    let command_line = format!("{command} {flags}");
    let words: Vec<&str> = command_line.split_whitespace().collect();
    let mut kiln = workspace
        .command("", &words)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (code, said) = stop(&mut kiln, &argument, signal);
    assert_eq!(mounts(), before);
    let output = workspace.kiln(&format!("build //:quick {flags}"));
    assert_eq!(output.code, Some(0), "{}", output.show());
    assert_eq!(scratch(&workspace, kiln.id()), 0);
    assert_eq!(groups(kiln.id()), 0);
    assert_eq!(mounts(), before);
    (code, said)
}

fn stop(kiln: &mut Child, argument: &str, signal: Signal) -> (Option<i32>, String) {
    until("the action runs", || sleepers(argument).len() == SLEEPERS);
    let zygotes = descendants(kiln.id());
    assert!(zygotes.len() > SLEEPERS, "{zygotes:?}");
    kill_process(Pid::from_child(kiln), signal).unwrap();
    let mut said = String::new();
    kiln.stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    let code = kiln.wait().unwrap().code();
    until("nothing sleeps", || sleepers(argument).is_empty());
    until("zygotes are dead", || {
        zygotes.iter().all(|pid| !is_alive(*pid))
    });
    (code, said)
}

const LIMITS: &str = "--sandbox_memory_limit_mb=1000 --sandbox_process_limit=100";

#[test]
fn an_interrupted_build_leaves_nothing() {
    let (code, said) = stopped("build //:daemons", "", Signal::INT);
    assert_eq!((code, &*said), (Some(8), "error: interrupted\n"));
    let (code, _) = stopped("build //:daemons", LIMITS, Signal::INT);
    assert_eq!(code, Some(8));
}

#[test]
fn an_interrupted_test_leaves_nothing() {
    let (code, _) = stopped("test //:daemons_test", "", Signal::INT);
    assert_eq!(code, Some(8));
}

#[test]
fn sigterm_is_an_interruption() {
    let (code, said) = stopped("build //:daemons", "", Signal::TERM);
    assert_eq!(
        (code, &*said),
        (Some(8), "error: asked to stop by SIGTERM\n")
    );
}

#[test]
fn a_killed_kiln_leaves_nothing() {
    for flags in ["", LIMITS, "--sandbox=landlock", "--sandbox=off"] {
        let (code, _) = stopped("build //:daemons", flags, Signal::KILL);
        assert_eq!(code, None);
    }
    stopped("test //:daemons_test", "", Signal::KILL);
}

/// A timeout ends all of it, too.
#[test]
fn a_test_that_times_out_leaves_nothing() {
    let (workspace, argument) = endless();
    let output = workspace.kiln("test //:daemons_test --test_timeout=1");
    assert_eq!(output.code, Some(3), "{}", output.show());
    assert!(output.stdout.contains("TIMEOUT"), "{}", output.show());
    assert!(sleepers(&argument).is_empty());
    assert_eq!(scratch(&workspace, 0), 0);
}
