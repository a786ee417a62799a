//! Workers that break off, lose inputs and never end (R4, R5, R18, R19, R21, PX-102 to PX-105).

#![allow(clippy::unwrap_used, missing_docs, reason = "tests may panic")]

#[allow(dead_code, reason = "what this test does not use, others do")]
mod server;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use expect_test::{Expect, expect};
use kiln_base::{Digest, RelPath};
use kiln_exec_remote::{Client, Down, RemoteConfig, RemoteExecutor};
use kiln_process::{
    CacheScope, Description, Environment, ExecError, Executor, Exit, Keyed, Observer, Process,
    ProcessResult, Request, Source,
};
use kiln_proto::{ActionResult, OutputFile};
use kiln_store::{Store, StoreConfig};
use kiln_tree::{Node, Tree};
use server::{Cut, Faults, Lost, Server};
use tempfile::TempDir;
use tonic::Code;

const INPUT: &str = "the input";

fn path(text: &str) -> RelPath {
    RelPath::new(text).unwrap()
}

/// A process with one input.
fn process() -> Process {
    let input = Node::File {
        digest: Digest::of(INPUT.as_bytes()),
        executable: false,
    };
    Process {
        argv: vec!["make".to_owned()],
        env: BTreeMap::new(),
        workdir: RelPath::root(),
        inputs: Tree::single(&path("sub/in"), input),
        outputs: vec![path("out")],
        timeout: None,
        network: false,
        platform: BTreeMap::new(),
        environment: Arc::from(&b""[..]),
        cache: CacheScope::Successful,
    }
}

#[derive(Default)]
struct Started(tokio::sync::Notify);

impl Observer for Started {
    fn started(&self) {
        self.0.notify_one();
    }
}

struct Machine {
    executor: RemoteExecutor,
    store: Store,
    folder: TempDir,
}

async fn start(faults: Faults) -> (Server, Machine) {
    start_with(faults, |_| {}).await
}

async fn start_with(faults: Faults, change: impl FnOnce(&mut RemoteConfig)) -> (Server, Machine) {
    let (server, address) = Server::start().await;
    *server.0.faults.lock() = faults;
    let folder = TempDir::new().unwrap();
    let mut config = StoreConfig::new(folder.path().join("store"));
    config.socket_dir = Some(folder.path().to_owned());
    let store = Store::open(config).unwrap();
    store.put_bytes(INPUT.as_bytes()).unwrap();
    let mut config = RemoteConfig::new(address);
    change(&mut config);
    let client = Client::new(config).unwrap();
    let executor = RemoteExecutor::new(client.clone(), client, store.clone(), 4);
    let machine = Machine {
        executor,
        store,
        folder,
    };
    (server, machine)
}

impl Machine {
    async fn run(&self) -> Result<ProcessResult, ExecError> {
        self.run_for(&()).await
    }

    async fn run_for(&self, observer: &dyn Observer) -> Result<ProcessResult, ExecError> {
        let process = process();
        let keyed = Keyed::of(&process);
        let request = Request {
            process: &process,
            environment: &Environment::Local,
            action: keyed.digest,
            describe: &Description::default(),
            slots: 1,
            exclusive: false,
            writable: false,
            optional_outputs: false,
            declared: None,
            reads: kiln_process::Reads::All,
            observer,
        };
        self.executor.execute(request).await
    }

    /// Why the workers are of no use.
    async fn unavailable(&self) -> String {
        match self.run().await {
            Err(ExecError::Unavailable(diag)) => {
                let text = diag.message().to_string();
                let words = text
                    .split(' ')
                    .map(|word| match word.starts_with("grpc://") {
                        true => "ADDRESS:",
                        false => word,
                    });
                words.collect::<Vec<_>>().join(" ")
            }
            other => panic!("{other:?}"),
        }
    }

    /// What is beside the store.
    fn files(&self) -> Vec<std::ffi::OsString> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    }

    /// The result must be the one that workers make, with its blobs here.
    async fn makes(&self) -> ProcessResult {
        let result = self.run().await.unwrap();
        assert_eq!(result.exit, Exit::Code(0));
        assert_eq!(result.stdout, Digest::of(b"said"));
        assert_eq!(self.store.read(&result.stdout).unwrap().unwrap(), b"said");
        assert_eq!(
            self.store.read(&Digest::of(b"made")).unwrap().unwrap(),
            b"made"
        );
        result
    }
}

/// PX-015: a known result that lacks outputs is no answer, and workers are told to make a new one.
#[tokio::test(flavor = "multi_thread")]
async fn known_results_that_lack_outputs() {
    let faults = Faults {
        cached: true,
        ..Faults::default()
    };
    let (server, machine) = start(faults).await;
    let action = Keyed::of(&process()).digest.hex();
    let nothing = ActionResult::default();
    server.0.results.lock().insert(action, nothing);
    assert_eq!(machine.makes().await.source, Source::Ran);
}

/// R4: whatever breaks, there is one result, and no more runs than needed.
#[tokio::test(flavor = "multi_thread")]
async fn streams_that_break() {
    use Cut::{After, Before, Silently};
    // Cuts, whether operations are forgotten; calls of Execute and WaitExecution.
    let cases: [(&[Cut], bool, u32, u32); 6] = [
        (&[], false, 1, 0),
        (&[Before], false, 2, 0),
        (&[After], false, 1, 1),
        (&[Silently], false, 1, 1),
        (&[After, Before, After, Silently], false, 1, 4),
        (&[After], true, 2, 1),
    ];
    for (cuts, forgetful, executes, waits) in cases {
        let faults = Faults {
            cuts: cuts.to_vec(),
            forgetful,
            ..Faults::default()
        };
        let (server, machine) = start(faults).await;
        machine.makes().await;
        let calls = (server.calls("Execute"), server.calls("WaitExecution"));
        assert_eq!(calls, (executes, waits), "{cuts:?}");
    }
}

/// R5, PX-103: inputs that the server lost after they were sent are sent again, however it says
/// that they are lost.
#[tokio::test(flavor = "multi_thread")]
async fn lost_inputs_are_sent_again() {
    let words = [Lost::Words(Code::NotFound), Lost::Words(Code::Internal)];
    for lost in [Lost::Call, Lost::Violation].into_iter().chain(words) {
        let faults = Faults {
            lost: Some((INPUT, lost)),
            ..Faults::default()
        };
        let (server, machine) = start(faults).await;
        machine.makes().await;
        assert_eq!(server.calls("Execute"), 2, "{lost:?}");
        let blobs = server.0.blobs.lock();
        assert!(
            blobs.contains_key(&Digest::of(INPUT.as_bytes()).hex()),
            "{lost:?}"
        );
    }
}

/// R6: what workers made and the server lost, they make again; not for ever.
#[tokio::test(flavor = "multi_thread")]
async fn lost_outputs_are_made_again() {
    for (lost_outputs, executes) in [(1, 2), (3, 4), (100, 4)] {
        let faults = Faults {
            lost_outputs,
            ..Faults::default()
        };
        let (server, machine) = start(faults).await;
        match lost_outputs {
            100 => expect![
                "remote server ADDRESS: BatchReadBlobs: NotFound: ea0890697a77af0a2e054cccec587c8a42feb5cf38e778c6c6e2a96bfb945c0b/4: lost"
            ]
            .assert_eq(&machine.unavailable().await),
            _ => assert_eq!(machine.makes().await.source, Source::Ran),
        }
        assert_eq!(server.calls("Execute"), executes, "{lost_outputs}");
    }
}

/// R1, R7: a server that cannot do what it said, gives no answer, or breaks off time and again is
/// as good as none.
#[tokio::test(flavor = "multi_thread")]
async fn servers_that_are_of_no_use() {
    async fn check(faults: Faults, expected: Expect) {
        let impatient = |config: &mut RemoteConfig| {
            config.timeout = Duration::from_millis(100);
            config.retries = 2;
        };
        let (server, machine) = start_with(faults, impatient).await;
        let error = machine.unavailable().await;
        let calls = (server.calls("Execute"), server.calls("WaitExecution"));
        expected.assert_eq(&format!("{error} {calls:?}"));
    }
    let faults = Faults {
        no_workers: true,
        ..Faults::default()
    };
    check(
        faults,
        expect!["remote server ADDRESS: Execute: Unimplemented: no such call (1, 0)"],
    )
    .await;
    let faults = Faults {
        silent: true,
        ..Faults::default()
    };
    check(
        faults,
        expect!["remote server ADDRESS: Execute: Unavailable: no word of it in time (3, 0)"],
    )
    .await;
    let faults = Faults {
        flapping: true,
        ..Faults::default()
    };
    check(
        faults,
        expect!["remote server ADDRESS: WaitExecution: Unavailable: reset (1, 2)"],
    )
    .await;
}

/// With `--remote_down=wait` workers that are away are waited for, however often it takes.
#[tokio::test(flavor = "multi_thread")]
async fn workers_that_come_back() {
    let faults = Faults {
        cuts: vec![Cut::Before; 4],
        ..Faults::default()
    };
    let patient = |config: &mut RemoteConfig| {
        config.retries = 1;
        config.down = Down::Wait;
    };
    let (server, machine) = start_with(faults, patient).await;
    machine.makes().await;
    assert_eq!(server.calls("Execute"), 5);
}

/// PX-076: what workers claim to have made is checked as what a cache claims, and nothing is
/// written but the store.
#[tokio::test(flavor = "multi_thread")]
async fn hostile_workers() {
    async fn check(change: impl Fn(&Server, &mut ActionResult), expected: Expect) {
        let (server, machine) = start(Faults::default()).await;
        let mut claim = ActionResult::default();
        change(&server, &mut claim);
        server.0.faults.lock().claim = Some(claim);
        let before = machine.files();
        expected.assert_eq(&machine.unavailable().await);
        assert_eq!(machine.files(), before);
    }
    fn file(path: &str, digest: kiln_proto::Digest) -> OutputFile {
        OutputFile {
            path: path.to_owned(),
            digest: Some(digest),
            ..OutputFile::default()
        }
    }
    for (path, expected) in [
        (
            "../out",
            expect![
                "remote server ADDRESS: ActionResult: DataLoss: path `../out` is not normalized"
            ],
        ),
        (
            "/out",
            expect!["remote server ADDRESS: ActionResult: DataLoss: path `/out` is absolute"],
        ),
        (
            "out/../../x",
            expect![
                "remote server ADDRESS: ActionResult: DataLoss: path `out/../../x` is not normalized"
            ],
        ),
        (
            "a\0b",
            expect![
                "remote server ADDRESS: ActionResult: DataLoss: path `a b` contains a NUL byte"
            ],
        ),
        (
            "other",
            expect!["remote server ADDRESS: ActionResult: DataLoss: `other` is no declared output"],
        ),
    ] {
        let change = |server: &Server, claim: &mut ActionResult| {
            claim.output_files = vec![file(path, server.put("x"))];
        };
        check(change, expected).await;
    }
    for (target, expected) in [
        (
            "../../etc/passwd",
            expect![
                "remote server ADDRESS: ActionResult: DataLoss: link `out` to `../../etc/passwd` leaves the exec root"
            ],
        ),
        (
            "/etc/passwd",
            expect![
                "remote server ADDRESS: ActionResult: DataLoss: link `out` to `/etc/passwd` leaves the exec root"
            ],
        ),
        (
            "",
            expect![
                "remote server ADDRESS: ActionResult: DataLoss: link `out` has no valid target"
            ],
        ),
    ] {
        let change = |_: &Server, claim: &mut ActionResult| {
            claim.output_symlinks = vec![kiln_proto::OutputSymlink {
                path: "out".to_owned(),
                target: target.to_owned(),
            }];
        };
        check(change, expected).await;
    }
    // More than there is room for, of a stream that would go on as long; and less than nothing.
    for (size_bytes, expected) in [
        (
            i64::MAX,
            expect![
                "remote server ADDRESS: ByteStream.Read: OutOfRange: 9223372036854775807 bytes are more than there is room for"
            ],
        ),
        (
            -1,
            expect!["remote server ADDRESS: ActionResult: DataLoss: an entry has no valid digest"],
        ),
    ] {
        let change = |server: &Server, claim: &mut ActionResult| {
            let digest = kiln_proto::Digest {
                size_bytes,
                ..server.put("x")
            };
            server.0.faults.lock().endless = true;
            claim.output_files = vec![file("out", digest)];
        };
        check(change, expected).await;
    }
    let many = |server: &Server, claim: &mut ActionResult| {
        let digest = server.put("x");
        claim.output_files = (0..100_000)
            .map(|number| file(&format!("out{number}"), digest.clone()))
            .collect();
    };
    check(
        many,
        expect!["remote server ADDRESS: ActionResult: DataLoss: `out0` is no declared output"],
    )
    .await;
}

/// An input that nobody has any more is named, so that its maker can run again.
#[tokio::test(flavor = "multi_thread")]
async fn inputs_that_nobody_has() {
    let (_server, machine) = start(Faults::default()).await;
    let input = Digest::of(INPUT.as_bytes());
    let file = machine.store.blob_path(&input, false).unwrap();
    std::fs::remove_file(file).unwrap();
    match machine.run().await {
        Err(ExecError::MissingBlob(lost)) => assert_eq!(lost, input),
        other => panic!("{other:?}"),
    }
}

/// R19: a failure that the server remembers is no answer, a new one is.
#[tokio::test(flavor = "multi_thread")]
async fn remembered_failures() {
    let faults = Faults {
        cached: true,
        exit_code: 3,
        ..Faults::default()
    };
    let (server, machine) = start(faults).await;
    assert_eq!(machine.makes().await.source, Source::Ran);
    assert_eq!(server.calls("Execute"), 2);
    let faults = Faults {
        exit_code: 3,
        ..Faults::default()
    };
    let (server, machine) = start(faults).await;
    assert_eq!(machine.run().await.unwrap().exit, Exit::Code(3));
    assert_eq!(server.calls("Execute"), 1);
}

/// PX-104: too long is how it ended, and nothing to try again.
#[tokio::test(flavor = "multi_thread")]
async fn timeouts_are_outcomes() {
    let faults = Faults {
        timed_out: true,
        ..Faults::default()
    };
    let (server, machine) = start(faults).await;
    let result = machine.run().await.unwrap();
    assert_eq!(
        (result.exit, result.outputs.is_empty()),
        (Exit::TimedOut, true)
    );
    assert_eq!(server.calls("Execute"), 1);
}

/// R21, PX-105: who waits no more tells the server.
#[tokio::test(flavor = "multi_thread")]
async fn dropping_cancels() {
    let faults = Faults {
        hanging: true,
        ..Faults::default()
    };
    let (server, machine) = start(faults).await;
    let machine = Arc::new(machine);
    let (own, started) = (machine.clone(), Arc::new(Started::default()));
    let told = started.clone();
    let running = tokio::spawn(async move { own.run_for(&*told).await.map(|_| ()) });
    // The name of the operation comes with the first message.
    started.0.notified().await;
    running.abort();
    while server.0.cancelled.lock().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(*server.0.cancelled.lock(), ["op/1"]);
}
