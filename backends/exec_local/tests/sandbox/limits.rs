//! What an action may use. As root with control groups, and as somebody else, who has none here,
//! with what the kernel limits for everybody.

use std::path::PathBuf;

use expect_test::expect;
use kiln_exec_local::{Limits, LocalExecutor, ProcessLimit, Sandbox};
use kiln_process::{Exit, Limit};

use crate::Test;
use crate::support::{self, Fixture, sh};
use crate::survivors::{sleepers, unique_sleep};

pub const TESTS: &[Test] = &[
    ("a memory hog is ended", memory),
    ("a child that runs out of memory ends the action", child),
    ("a fork bomb is ended", processes),
    ("a fork bomb without namespaces is ended", plain_processes),
    ("limits that are not reached do no harm", unreached),
    ("control groups are removed", groups_removed),
];

const MEMORY: u64 = 100 << 20;
const HOG: &str = "python3 -c 'bytearray(300 << 20); print(\"got it\")'";

fn executor(fixture: &Fixture, memory: Option<u64>, processes: ProcessLimit) -> LocalExecutor {
    let mut config = fixture.config();
    config.limits = Limits { memory, processes };
    fixture.executor_with(config)
}

fn run(fixture: &Fixture, executor: &LocalExecutor, script: &str) -> (Exit, String) {
    let process = sh(script);
    let run = support::run(executor, &process);
    let result = fixture.runtime.block_on(run).unwrap();
    (result.exit, fixture.show(&result))
}

/// Whether this user can make control groups with the memory and pids controllers.
fn has_groups(executor: &LocalExecutor) -> bool {
    executor.warnings().is_empty()
}

fn memory(fixture: &Fixture) {
    let executor = executor(fixture, Some(MEMORY), ProcessLimit::Many);
    let (exit, shown) = run(fixture, &executor, HOG);
    if has_groups(&executor) {
        assert_eq!(exit, Exit::Limit(Limit::Memory(MEMORY)));
        let end = "\nUsed more than 100 MiB of memory: Testing //a:b\n";
        assert!(shown.ends_with(end), "{shown}");
    } else {
        assert!(
            !rustix::process::geteuid().is_root(),
            "{:?}",
            executor.warnings()
        );
        let warning = executor.warnings()[0].to_string();
        expect![[r#"
            warning: sandbox: the memory limit is one for the address space of each process, not for all of an action"#]]
        .assert_eq(warning.lines().next().unwrap());
        assert_eq!(exit, Exit::Code(1));
        assert!(shown.ends_with("MemoryError\n"), "{shown}");
    }
    let (_, shown) = run(fixture, &executor, "echo another");
    assert_eq!(shown, "Code(0)\nanother\n");
}

fn child(fixture: &Fixture) {
    let executor = executor(fixture, Some(MEMORY), ProcessLimit::Many);
    let (exit, shown) = run(fixture, &executor, &format!("{HOG}; echo went on"));
    if has_groups(&executor) {
        assert_eq!(exit, Exit::Limit(Limit::Memory(MEMORY)), "{shown}");
    }
}

fn bomb(fixture: &Fixture, executor: &LocalExecutor) -> String {
    let argument = unique_sleep();
    let script = format!("i=0; while [ $i -lt 100 ]; do sleep {argument} & i=$((i+1)); done; wait");
    let (_, shown) = run(fixture, executor, &script);
    assert!(sleepers(&argument).is_empty());
    shown
}

fn processes(fixture: &Fixture) {
    let executor = executor(fixture, None, ProcessLimit::AtMost(50));
    assert!(has_groups(&executor), "the kernel's own limit will do");
    let shown = bomb(fixture, &executor);
    let ended = "\nUsed more than 50 processes: Testing //a:b\n";
    if rustix::process::geteuid().is_root() {
        assert!(shown.ends_with(ended), "{shown}");
    } else {
        // The shell gives up at once; nobody is told why.
        assert!(shown.ends_with("Cannot fork\n"), "{shown}");
    }
    // One that does not give up, but tries again and again.
    let script = "exec bash -c 'for i in {1..100}; do sleep 1000 & done; wait'";
    let (exit, shown) = run(fixture, &executor, script);
    assert_eq!(exit, Exit::Limit(Limit::Processes(50)), "{shown}");
    assert!(shown.ends_with(ended), "{shown}");
    let (_, shown) = run(fixture, &executor, "echo another");
    assert_eq!(shown, "Code(0)\nanother\n");
}

fn plain_processes(fixture: &Fixture) {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(fixture.folder.path(), mode).unwrap();
    for sandbox in [Sandbox::Landlock, Sandbox::Off] {
        let mut config = fixture.config();
        config.sandbox = sandbox;
        config.limits.processes = ProcessLimit::AtMost(50);
        let executor = fixture.executor_with(config);
        match rustix::process::geteuid().is_root() {
            true => {
                let shown = bomb(fixture, &executor);
                let ended = "\nUsed more than 50 processes: Testing //a:b\n";
                assert!(shown.ends_with(ended), "{shown}");
            }
            false => {
                let last = executor.warnings().last().unwrap().to_string();
                expect!["warning: sandbox: the number of processes is not limited"]
                    .assert_eq(last.lines().next().unwrap());
            }
        }
    }
}

fn unreached(fixture: &Fixture) {
    let executor = executor(fixture, Some(1 << 30), ProcessLimit::AtMost(100));
    for _ in 0..3 {
        let script = "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.01 & done; wait; \
                      dd if=/dev/zero of=/tmp/x bs=1M count=50 2>/dev/null; echo fine";
        assert_eq!(run(fixture, &executor, script).1, "Code(0)\nfine\n");
    }
}

/// Groups of this process.
fn own_groups() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::from("/sys/fs/cgroup")];
    let prefix = format!("kiln-{}-", std::process::id());
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                match entry.file_name().to_string_lossy().starts_with(&prefix) {
                    true => found.push(entry.path()),
                    false => open.push(entry.path()),
                }
            }
        }
    }
    found
}

fn groups_removed(fixture: &Fixture) {
    // Others make groups meanwhile; the limit tells them apart.
    let executor = executor(fixture, Some(1 << 30), ProcessLimit::AtMost(123));
    assert_eq!(run(fixture, &executor, "echo fine").1, "Code(0)\nfine\n");
    let mine = || {
        let groups = own_groups().into_iter();
        let limit = |group: &PathBuf| std::fs::read_to_string(group.join("pids.max"));
        groups
            .filter(|group| limit(group).is_ok_and(|limit| limit.trim() == "125"))
            .count()
    };
    let expected = usize::from(rustix::process::geteuid().is_root());
    assert_eq!(mine(), expected);
    drop(executor);
    assert_eq!(mine(), 0);
}
