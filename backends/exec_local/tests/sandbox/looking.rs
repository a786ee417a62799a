//! Looking at actions while they run and afterwards.

use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use expect_test::expect;
use kiln_exec_local::Keep;
use kiln_process::{Exit, Observer};

use crate::Test;
use crate::support::{self, Fixture, paths, sh};

pub const TESTS: &[Test] = &[
    ("output is streamed to who wants it", streaming),
    ("kept sandboxes repeat their action (PX-023)", kept),
    ("who is kept", who_is_kept),
];

#[derive(Default)]
struct Watcher {
    wants: bool,
    started: AtomicU32,
    seen: Mutex<Vec<u8>>,
}

impl Observer for Watcher {
    fn started(&self) {
        self.started.fetch_add(1, Ordering::Relaxed);
    }

    fn output(&self, bytes: &[u8]) {
        self.seen.lock().unwrap().extend_from_slice(bytes);
    }

    fn wants_output(&self) -> bool {
        self.wants
    }
}

fn streaming(fixture: &Fixture) {
    let executor = fixture.executor();
    for wants in [true, false] {
        let watcher = Watcher {
            wants,
            ..Watcher::default()
        };
        let quick = sh("echo quick; echo error >&2");
        let run = support::run_for(&executor, &quick, &watcher);
        fixture.runtime.block_on(run).unwrap();
        assert_eq!(watcher.started.load(Ordering::Relaxed), 1);
        let seen = String::from_utf8(watcher.seen.into_inner().unwrap()).unwrap();
        assert_eq!(seen, if wants { "quick\nerror\n" } else { "" });
    }
    // What is written is seen while the process still runs.
    let watcher = Watcher {
        wants: true,
        ..Watcher::default()
    };
    let endless = sh("echo begun; sleep 1000");
    fixture.runtime.block_on(async {
        let seen = async {
            while *watcher.seen.lock().unwrap() != b"begun\n" {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            _ = support::run_for(&executor, &endless, &watcher) => panic!("it sleeps"),
            () = seen => {}
        }
    });
}

fn kept(fixture: &Fixture) {
    let mut config = fixture.config();
    config.keep = Keep::OnFailure;
    let executor = fixture.executor_with(config);
    let mut process = sh(
        "cat in/a; echo \"$QUOTED\"; ./tool.sh; env | sort; pwd; id -u; hostname; ls / /etc; \
         echo made > out/o; echo bad > in/new; echo bad >> in/a; echo bad >> out/given; \
         echo bad > out/below/new; echo bad > /usr/new; echo good > /tmp/new; cat /tmp/new; \
         cat /etc/passwd; ls -A /tmp /dev/shm; echo $1; exit 5",
    );
    process.argv.push("sh".to_owned());
    process.argv.push("{chroot}/it's here".to_owned());
    process.env.insert("ROOT".to_owned(), "{chroot}".to_owned());
    process
        .env
        .insert("QUOTED".to_owned(), "it's \"$x\"\n`y`".to_owned());
    process.inputs = fixture.tree(&[
        ("w/in/a", "a\n"),
        ("w/tool.sh", "#!/bin/sh\necho tool\n"),
        ("w/l -> in", ""),
        ("w/out/given", "given\n"),
        ("w/out/below/given", "given\n"),
    ]);
    process.workdir = paths(&["w"])[0].clone();
    process.outputs = paths(&["out/o"]);
    let result = fixture
        .runtime
        .block_on(support::run(&executor, &process))
        .unwrap();
    let sandbox = result.sandbox.clone().expect("it failed, so it is kept");
    let listing = Command::new("find")
        .arg(&sandbox)
        .args(["-printf", "%P %y %m\\n"])
        .output()
        .unwrap();
    let mut lines: Vec<&str> = std::str::from_utf8(&listing.stdout)
        .unwrap()
        .lines()
        .collect();
    lines.sort();
    expect![[r#"
         d 755
        inputs d 755
        inputs/w d 755
        inputs/w/in d 755
        inputs/w/in/a f 644
        inputs/w/l l 777
        inputs/w/out d 755
        inputs/w/out/below d 755
        inputs/w/out/below/given f 644
        inputs/w/out/given f 644
        inputs/w/tool.sh f 755
        mounts f 644
        outputs d 755
        outputs/out d 755
        outputs/out/o f 644
        run.sh f 755
        stderr f 644
        stdout f 644"#]]
    .assert_eq(&lines.join("\n"));
    let repeat = |arguments: &[&str]| {
        let output = Command::new(sandbox.join("run.sh"))
            .args(arguments)
            .output()
            .unwrap();
        format!(
            "{:?}\n{}{}",
            Exit::Code(output.status.code().unwrap()),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    };
    let shown = fixture.show(&result);
    assert!(shown.contains("in/new: Read-only file system"), "{shown}");
    assert_eq!(repeat(&[]), shown);
    assert_eq!(
        std::fs::read_to_string(sandbox.join("run/w/out/o")).unwrap(),
        "made\n"
    );
    let plain = repeat(&["--plain"]);
    assert!(plain.starts_with("Code(5)\na\nit's"), "{plain}");
    let run = sandbox.join("run");
    let root = format!("ROOT={}\n", run.canonicalize().unwrap().display());
    assert!(plain.contains(&root), "{plain}");
    assert_eq!(repeat(&["echo", "another"]), "Code(0)\nanother\n");
}

fn who_is_kept(fixture: &Fixture) {
    for (keep, script, expected) in [
        (Keep::Never, "exit 1", false),
        (Keep::OnFailure, "exit 1", true),
        (Keep::OnFailure, "kill -9 $$", true),
        (Keep::OnFailure, "exit 0", false),
        (Keep::Always, "exit 0", true),
    ] {
        let mut config = fixture.config();
        config.keep = keep;
        let executor = fixture.executor_with(config);
        let process = sh(script);
        let result = fixture
            .runtime
            .block_on(support::run(&executor, &process))
            .unwrap();
        assert_eq!(result.sandbox.is_some(), expected, "{keep:?} {script}");
    }
}
