//! Nothing survives: not an action's end, its timeout, its cancellation, nor kiln's own death.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kiln_exec_local::{LocalConfig, LocalExecutor, ZygoteServer};
use kiln_process::Exit;
use kiln_store::{Store, StoreConfig};

use crate::Test;
use crate::support::{self, Fixture, sh};

/// Names the folder when this program runs as the one to be killed.
pub const VICTIM: &str = "KILN_TEST_VICTIM";

pub const TESTS: &[Test] = &[
    ("daemons die with their action", daemons_die_at_exit),
    (
        "daemons die at the timeout, output so far is kept (PX-017)",
        daemons_die_at_timeout,
    ),
    (
        "daemons die when the future is dropped (PX-026)",
        daemons_die_on_drop,
    ),
    (
        "a slot can be used again after a cancellation",
        reuse_after_cancel,
    ),
    (
        "a worker that dies while it is idle is replaced",
        idle_death,
    ),
    ("a process is asked to stop before it is killed", grace),
    (
        "kill -9 of kiln leaves no process, no mount, and the next run tidies up",
        kiln_killed,
    ),
    ("the server ends with its owner", server_ends),
];

/// A number that nothing else on this machine sleeps for, so that its sleepers can be found.
pub fn unique_sleep() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("3{:07}{next:03}", std::process::id())
}

/// Processes of this machine that have `argument` on their command line.
pub fn sleepers(argument: &str) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse() else {
            continue;
        };
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
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

/// A script that leaves children of all kinds behind and goes on to do `then`.
pub fn daemonize(argument: &str, then: &str) -> String {
    format!(
        "sleep {argument} & \
         setsid sh -c 'sleep {argument} & sleep {argument}' & \
         (setsid sh -c 'trap \"\" TERM INT HUP; (sleep {argument} &) ; sleep {argument}' &) ; \
         while [ \"$(grep -lz {argument} /proc/[0-9]*/cmdline 2>/dev/null | wc -l)\" -lt 5 ]; do :; done; \
         echo begun; {then}"
    )
}

fn daemons_die_at_exit(fixture: &Fixture) {
    let argument = unique_sleep();
    let result = fixture.run(&sh(&daemonize(&argument, "exit 3"))).unwrap();
    assert_eq!(result.exit, Exit::Code(3));
    assert_eq!(sleepers(&argument), BTreeSet::new());
}

fn daemons_die_at_timeout(fixture: &Fixture) {
    let argument = unique_sleep();
    let mut process = sh(&daemonize(
        &argument,
        &format!("echo made > out; echo bad >&2; sleep {argument}"),
    ));
    process.timeout = Some(Duration::from_millis(1500));
    process.outputs = support::paths(&["out"]);
    let result = fixture.run(&process).unwrap();
    assert_eq!(sleepers(&argument), BTreeSet::new());
    assert!(
        result.outputs.is_empty(),
        "outputs of a timeout are dropped"
    );
    assert_eq!(
        fixture.show(&result),
        "TimedOut\nbegun\nbad\n\nExceeded timeout of 1.5 seconds: Testing //a:b\n"
    );
}

fn daemons_die_on_drop(fixture: &Fixture) {
    let argument = unique_sleep();
    let executor = fixture.executor();
    let process = sh(&daemonize(&argument, &format!("sleep {argument}")));
    fixture.runtime.block_on(async {
        let run = support::run(&executor, &process);
        let started = async {
            while sleepers(&argument).len() < 6 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            _ = run => panic!("it sleeps for ever"),
            () = started => {}
        }
    });
    until("all are dead", || sleepers(&argument).is_empty());
}

/// The parent of a process.
fn parent(pid: u32) -> u32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    fields.split(' ').nth(1).unwrap().parse().unwrap()
}

fn idle_death(fixture: &Fixture) {
    let executor = fixture.executor();
    let argument = unique_sleep();
    let mut process = sh(&format!("exec sleep {argument}"));
    process.timeout = Some(Duration::from_millis(1500));
    fixture.runtime.block_on(async {
        let find = async {
            loop {
                if let Some(program) = sleepers(&argument).first() {
                    // Above the program is pid 1 of its namespace, above that the worker.
                    return parent(parent(*program));
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let (result, worker) = tokio::join!(support::run(&executor, &process), find);
        assert_eq!(result.unwrap().exit, Exit::TimedOut);
        let killed = Command::new("kill")
            .args(["-9", &worker.to_string()])
            .status();
        assert!(killed.unwrap().success());
        let entry = format!("/proc/{worker}");
        until("the worker is gone", || !Path::new(&entry).exists());
        for _ in 0..2 {
            let next = support::run(&executor, &sh("exit 5")).await.unwrap();
            assert_eq!(next.exit, Exit::Code(5));
        }
    });
}

fn reuse_after_cancel(fixture: &Fixture) {
    let executor = fixture.executor();
    let mut slow = sh("echo left > out/a; sleep 1000");
    slow.outputs = support::paths(&["out/a"]);
    let mut quick = sh("ls out; echo new > out/b");
    quick.outputs = support::paths(&["out/b"]);
    fixture.runtime.block_on(async {
        for _ in 0..20 {
            let limit = Duration::from_millis(10);
            let cut = tokio::time::timeout(limit, support::run(&executor, &slow)).await;
            assert!(cut.is_err());
            let result = support::run(&executor, &quick).await.unwrap();
            assert_eq!(result.exit, Exit::Code(0));
            assert_eq!(fixture.text(&result.stdout), "");
            assert_eq!(result.outputs.count(), 1);
        }
    });
}

fn grace(fixture: &Fixture) {
    let mut config = fixture.config();
    config.grace = Duration::from_secs(60);
    let executor = fixture.executor_with(config);
    let mut process = sh("trap 'echo stopping; exit 0' TERM; echo begun; sleep 1000 & wait");
    process.timeout = Some(Duration::from_millis(500));
    let result = fixture
        .runtime
        .block_on(support::run(&executor, &process))
        .unwrap();
    assert_eq!(result.exit, Exit::TimedOut);
    assert_eq!(fixture.text(&result.stdout), "begun\nstopping\n");
}

/// Runs one endless action, to be killed meanwhile.
pub fn victim(zygotes: Arc<ZygoteServer>, folder: &Path) -> ExitCode {
    let argument = std::fs::read_to_string(folder.join("argument")).unwrap();
    let store = Store::open(StoreConfig::new(folder.join("store"))).unwrap();
    let executor = LocalExecutor::new(LocalConfig::new(folder), store, zygotes).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut process = sh(&daemonize(&argument, &format!("sleep {argument}")));
    process.outputs = support::paths(&["out/x"]);
    process.timeout = None;
    let both = async {
        tokio::join!(
            support::run(&executor, &process),
            support::run(&executor, &process)
        )
    };
    let (first, _) = runtime.block_on(both);
    panic!("it sleeps for ever: {first:?}");
}

fn kiln_killed(fixture: &Fixture) {
    let argument = unique_sleep();
    std::fs::write(fixture.folder.path().join("argument"), &argument).unwrap();
    let mounts = || std::fs::read_to_string("/proc/self/mounts").unwrap();
    let before = mounts();
    let mut kiln = Command::new(std::env::current_exe().unwrap())
        .env(VICTIM, fixture.folder.path())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    until("both actions run", || sleepers(&argument).len() >= 12);
    let zygotes = children(kiln.id());
    assert!(!zygotes.is_empty());
    kiln.kill().unwrap();
    kiln.wait().unwrap();
    until("all are dead", || sleepers(&argument).is_empty());
    until("zygotes are dead", || {
        zygotes.iter().all(|pid| !is_alive(*pid))
    });
    assert_eq!(mounts(), before);
    let scratch = || {
        std::fs::read_dir(fixture.folder.path().join("scratch"))
            .unwrap()
            .count()
    };
    assert_eq!(scratch(), 1);
    let executor = fixture.executor();
    assert_eq!(
        scratch(),
        1,
        "the dead one's is gone, the living one's there"
    );
    drop(executor);
    assert_eq!(scratch(), 0);
}

/// All descendants of a process.
fn children(pid: u32) -> Vec<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let direct = std::fs::read_to_string(path).unwrap_or_default();
    let direct = direct.split_whitespace().map(|pid| pid.parse().unwrap());
    direct
        .flat_map(|pid| [vec![pid], children(pid)].concat())
        .collect()
}

/// Whether it runs, and is no zombie that somebody has yet to reap.
fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(") ").next().unwrap_or_default();
    !state.is_empty() && !state.starts_with('Z')
}

fn server_ends(fixture: &Fixture) {
    // Threads run by now, so another server is refused rather than made unsafely.
    let refused = ZygoteServer::start().err().map(|error| error.to_string());
    assert_eq!(
        refused.as_deref(),
        Some("error: the sandbox server was started after other threads")
    );
    drop(fixture.executor());
}
