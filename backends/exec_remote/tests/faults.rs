//! Servers that fail, lose and lie: the process runs, and nothing wrong is believed (R6, R7, R9,
//! R10, PX-072 to PX-081).

#![allow(clippy::unwrap_used, missing_docs, reason = "tests may panic")]

#[allow(dead_code, reason = "what this test does not use, others do")]
mod server;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use expect_test::{Expect, expect};
use futures::FutureExt;
use futures::future::BoxFuture;
use kiln_base::{Digest, RelPath};
use kiln_diag::Diag;
use kiln_exec_remote::{Client, RemoteCached, RemoteConfig};
use kiln_process::{
    CacheScope, Description, Environment, ExecError, Executor, Exit, Keyed, Process, ProcessResult,
    Request, Source,
};
use kiln_proto::{ActionResult, OutputDirectory, OutputFile, OutputSymlink};
use kiln_store::{Store, StoreConfig};
use kiln_tree::{Node, Tree};
use server::{Faults, Server};
use tempfile::TempDir;

const LARGE: usize = 3 << 20;

/// "Runs" a process: the output is text of that size.
struct Local {
    store: Store,
    size: usize,
    takes: Duration,
    runs: Arc<AtomicU32>,
}

impl Executor for Local {
    fn execute<'a>(&'a self, _: Request<'a>) -> BoxFuture<'a, Result<ProcessResult, ExecError>> {
        async move {
            self.runs.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(self.takes).await;
            let digest = self.store.put_bytes(&vec![b'x'; self.size]).unwrap();
            let executable = false;
            Ok(ProcessResult {
                exit: Exit::Code(0),
                stdout: Digest::EMPTY,
                stderr: Digest::EMPTY,
                outputs: Tree::single(&path("out"), Node::File { digest, executable }),
                elapsed: Duration::ZERO,
                source: Source::Ran,
                sandbox: None,
                strays: Vec::new(),
                unlisted_reads: None,
                left: Vec::new(),
            })
        }
        .boxed()
    }
}

fn path(text: &str) -> RelPath {
    RelPath::new(text).unwrap()
}

fn process() -> Process {
    Process {
        argv: vec!["make".to_owned()],
        env: BTreeMap::new(),
        workdir: RelPath::root(),
        inputs: Tree::empty(),
        outputs: vec![path("out")],
        timeout: None,
        network: false,
        platform: BTreeMap::new(),
        environment: Arc::from(&b""[..]),
        cache: CacheScope::Successful,
    }
}

/// A machine with an empty store.
struct Machine {
    cache: RemoteCached<Local>,
    client: Client,
    store: Store,
    runs: Arc<AtomicU32>,
    _folder: TempDir,
}

struct Setting {
    size: usize,
    takes: Duration,
    head_start: Duration,
}

const ORDINARY: Setting = Setting {
    size: 5,
    takes: Duration::ZERO,
    head_start: Duration::from_secs(60),
};

fn machine(address: &kiln_exec_remote::Address, setting: &Setting) -> Machine {
    let folder = TempDir::new().unwrap();
    let mut config = StoreConfig::new(folder.path().join("store"));
    config.socket_dir = Some(folder.path().to_owned());
    let store = Store::open(config).unwrap();
    let mut config = RemoteConfig::new(address.clone());
    config.head_start = setting.head_start;
    config.timeout = Duration::from_secs(20);
    let client = Client::new(config).unwrap();
    let runs = Arc::new(AtomicU32::new(0));
    let local = Local {
        store: store.clone(),
        size: setting.size,
        takes: setting.takes,
        runs: runs.clone(),
    };
    Machine {
        cache: RemoteCached::new(local, client.clone(), store.clone()),
        client,
        store,
        runs,
        _folder: folder,
    }
}

impl Machine {
    async fn run(&self, process: &Process) -> ProcessResult {
        let keyed = Keyed::of(process);
        let request = Request {
            process,
            environment: &Environment::Local,
            action: keyed.digest,
            describe: &Description::default(),
            slots: 1,
            exclusive: false,
            writable: false,
            optional_outputs: false,
            declared: None,
            reads: kiln_process::Reads::All,
            observer: &(),
        };
        self.cache.execute(request).await.unwrap()
    }

    /// Where the result is from, how often something ran, and what people are told.
    async fn outcome(&self) -> String {
        let result = self.run(&process()).await;
        let Some(Node::File { digest, .. }) = result.outputs.get(&path("out")) else {
            panic!("no output: {result:?}");
        };
        assert!(self.store.contains(digest));
        let client = self.client.clone();
        let told = tokio::task::spawn_blocking(move || client.finish())
            .await
            .unwrap();
        let told: Vec<String> = told.iter().map(Diag::render).collect();
        let runs = self.runs.load(Ordering::Relaxed);
        format!("{:?}, {runs} runs\n{}", result.source, told.join("\n"))
            .replace(&self.client_address(), "ADDRESS")
    }

    fn client_address(&self) -> String {
        self.client.address().to_string()
    }
}

/// A server that knows the result of another machine's run.
async fn warm(size: usize) -> (Server, kiln_exec_remote::Address) {
    let (server, address) = Server::start().await;
    let setting = Setting { size, ..ORDINARY };
    let outcome = machine(&address, &setting).outcome().await;
    assert_eq!(outcome, "Ran, 1 runs\n");
    server.0.calls.lock().clear();
    server.0.offsets.lock().clear();
    (server, address)
}

async fn check(size: usize, faults: Faults, expected: Expect) -> Server {
    let (server, address) = warm(size).await;
    *server.0.faults.lock() = faults;
    let setting = Setting { size, ..ORDINARY };
    let machine = machine(&address, &setting);
    expected.assert_eq(&machine.outcome().await);
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_shared() {
    check(
        5,
        Faults::default(),
        expect![[r#"
        RemoteCache, 0 runs
    "#]],
    )
    .await;
    let server = check(
        LARGE,
        Faults::default(),
        expect![[r#"
        RemoteCache, 0 runs
    "#]],
    )
    .await;
    assert_eq!(server.calls("Read"), 1);
}

/// R7: what may go better is tried again.
#[tokio::test(flavor = "multi_thread")]
async fn calls_that_fail_at_first() {
    let faults = Faults {
        unavailable: 3,
        ..Faults::default()
    };
    check(
        5,
        faults,
        expect![[r#"
        RemoteCache, 0 runs
    "#]],
    )
    .await;
}

/// R10: a stream that breaks goes on where it broke; what is wrong at the end is not believed.
#[tokio::test(flavor = "multi_thread")]
async fn broken_downloads() {
    let faults = Faults {
        broken_streams: 2,
        ..Faults::default()
    };
    let server = check(
        LARGE,
        faults,
        expect![[r#"
        RemoteCache, 0 runs
    "#]],
    )
    .await;
    let large = LARGE as i64;
    assert_eq!(*server.0.offsets.lock(), [0, large / 2, large * 3 / 4]);
    let corrupt = Faults {
        corrupt: true,
        ..Faults::default()
    };
    check(5, corrupt.clone(), expect![[r#"
        Ran, 1 runs
        warning: remote server ADDRESS: 1 result that was found could not be used; it was computed here
           = the first: BatchReadBlobs: DataLoss: the content sent is not eaf16bc07968e013f3f94ab1342472434a39fc3475f11cf341a6c3965974f8e9/5"#]]).await;
    check(LARGE, corrupt, expect![[r#"
        Ran, 1 runs
        warning: remote server ADDRESS: 1 result that was found could not be used; it was computed here
           = the first: ByteStream.Read: DataLoss: the content sent is not 3bea8a9a07c1e8dcaa4c1b816815c35a29b4fb585ba6ecc70ea44840a794cfb3/3145728"#]]).await;
    let endless = Faults {
        endless: true,
        ..Faults::default()
    };
    check(LARGE, endless, expect![[r#"
        Ran, 1 runs
        warning: remote server ADDRESS: 1 result that was found could not be used; it was computed here
           = the first: ByteStream.Read: DataLoss: 3bea8a9a07c1e8dcaa4c1b816815c35a29b4fb585ba6ecc70ea44840a794cfb3/3145728: more bytes than that"#]]).await;
}

/// R9: an upload that breaks goes on where the server says, or from the start.
#[tokio::test(flavor = "multi_thread")]
async fn broken_uploads() {
    for (write_status, expected) in [(None, [0, 0]), (Some(1 << 20), [0, 1 << 20])] {
        let (server, address) = Server::start().await;
        *server.0.faults.lock() = Faults {
            broken_streams: 1,
            write_status,
            ..Faults::default()
        };
        let setting = Setting {
            size: LARGE,
            ..ORDINARY
        };
        let machine = machine(&address, &setting);
        machine.run(&process()).await;
        let client = machine.client.clone();
        tokio::task::spawn_blocking(move || client.finish())
            .await
            .unwrap();
        assert_eq!(*server.0.offsets.lock(), expected);
    }
}

/// R6, PX-081: a result that names lost blobs is a miss, is repaired, and is not asked for twice.
#[tokio::test(flavor = "multi_thread")]
async fn lost_blobs() {
    let cases = [
        (
            5,
            expect![[r#"
                Ran, 1 runs
                warning: remote server ADDRESS: 1 result that was found could not be used; it was computed here
                   = the first: BatchReadBlobs: NotFound: DIGEST: lost"#]],
        ),
        (
            LARGE,
            expect![[r#"
                Ran, 1 runs
                warning: remote server ADDRESS: 1 result that was found could not be used; it was computed here
                   = the first: ByteStream.Read: NotFound: DIGEST: lost"#]],
        ),
    ];
    for (size, expected) in cases {
        let (server, address) = warm(size).await;
        server
            .0
            .blobs
            .lock()
            .retain(|_, content| content.len() != size);
        let setting = Setting { size, ..ORDINARY };
        let unlucky = machine(&address, &setting);
        expected.assert_eq(&normal(&unlucky.outcome().await));
        let lookups = server.calls("GetActionResult");
        unlucky.run(&process()).await;
        assert_eq!(
            server.calls("GetActionResult"),
            lookups,
            "not believed twice"
        );
        assert_eq!(
            machine(&address, &setting).outcome().await,
            "RemoteCache, 0 runs\n"
        );
    }
}

/// R1: a server may take or give less at a time than it says: what it refuses goes as streams, and
/// later batches are smaller.
#[tokio::test(flavor = "multi_thread")]
async fn refused_batches() {
    for said in [0, -1, 4 << 20, 1 << 40] {
        let (server, address) = Server::start().await;
        server.0.faults.lock().batches = Some((said, 50_000));
        let setting = Setting {
            size: 100_000,
            ..ORDINARY
        };
        let machine = machine(&address, &setting);
        assert_eq!(machine.outcome().await, "Ran, 1 runs\n");
        assert_eq!(server.calls("BatchUpdateBlobs"), 1, "not tried again");
        assert_eq!(
            server.calls("Write"),
            3,
            "the output, the command, the action"
        );
        let second = self::machine(&address, &setting);
        assert_eq!(second.outcome().await, "RemoteCache, 0 runs\n");
        assert_eq!(
            (server.calls("BatchReadBlobs"), server.calls("Read")),
            (1, 1)
        );
    }
}

/// Digests say nothing here.
fn normal(text: &str) -> String {
    let words = text
        .split(' ')
        .map(|word| match word.contains('/') && word.len() > 64 {
            true => "DIGEST:",
            false => word,
        });
    words.collect::<Vec<_>>().join(" ")
}

/// PX-076: claims that cannot be.
#[tokio::test(flavor = "multi_thread")]
async fn lies() {
    async fn check(lie: impl Fn(&Server) -> ActionResult, expected: Expect) {
        let (server, address) = Server::start().await;
        let lie = lie(&server);
        let action = Keyed::of(&process()).digest.hex();
        server.0.results.lock().insert(action, lie);
        let machine = machine(&address, &ORDINARY);
        expected.assert_eq(&normal(&machine.outcome().await));
    }
    fn file(server: &Server, path: &str) -> ActionResult {
        ActionResult {
            output_files: vec![OutputFile {
                path: path.to_owned(),
                digest: Some(server.put("hello")),
                ..OutputFile::default()
            }],
            ..ActionResult::default()
        }
    }
    check(
        |server| file(server, "../out"),
        expect![[r#"
            Ran, 1 runs
            warning: remote server ADDRESS: 1 result that was found could not be used; it was computed here
               = the first: ActionResult: DataLoss: path `../out` is not normalized"#]],
    )
    .await;
    check(
        |server| file(server, "/etc/passwd"),
        expect![[r#"
            Ran, 1 runs
            warning: remote server ADDRESS: 1 result that was found could not be used; it was computed here
               = the first: ActionResult: DataLoss: path `/etc/passwd` is absolute"#]],
    )
    .await;
    check(
        |server| file(server, "other"),
        expect![[r#"
            Ran, 1 runs
            warning: remote server ADDRESS: 1 result that was found could not be used; it was computed here
               = the first: ActionResult: DataLoss: `other` is no declared output"#]],
    )
    .await;
    check(
        |_| ActionResult::default(),
        expect![[r#"
        Ran, 1 runs
    "#]],
    )
    .await;
    let failure = |server: &Server| ActionResult {
        exit_code: 1,
        ..file(server, "out")
    };
    check(
        failure,
        expect![[r#"
        Ran, 1 runs
    "#]],
    )
    .await;
    let no_digest = |server: &Server| {
        let mut result = file(server, "out");
        result.output_files[0].digest = Some(kiln_proto::Digest {
            hash: "ABC".to_owned(),
            size_bytes: -1,
        });
        result
    };
    check(
        no_digest,
        expect![[r#"
            Ran, 1 runs
            warning: remote server ADDRESS: 1 result that was found could not be used; it was computed here
               = the first: ActionResult: DataLoss: an entry has no valid digest"#]],
    )
    .await;
    let link = |_: &Server| ActionResult {
        output_symlinks: vec![OutputSymlink {
            path: "out".to_owned(),
            target: "../../etc/passwd".to_owned(),
        }],
        ..ActionResult::default()
    };
    check(link, expect![[r#"
        Ran, 1 runs
        warning: remote server ADDRESS: 1 result that was found could not be used; it was computed here
           = the first: ActionResult: DataLoss: link `out` to `../../etc/passwd` leaves the exec root"#]]).await;
    let no_tree = |server: &Server| ActionResult {
        output_directories: vec![OutputDirectory {
            path: "out".to_owned(),
            tree_digest: Some(server.put("no tree")),
        }],
        ..ActionResult::default()
    };
    check(no_tree, expect![[r#"
        Ran, 1 runs
        warning: remote server ADDRESS: 1 result that was found could not be used; it was computed here
           = the first: ActionResult: DataLoss: not a `Tree` message: failed to decode Protobuf message: invalid wire type value: 6"#]]).await;
    let inline = |server: &Server| {
        let mut result = file(server, "out");
        result.stdout_raw = b"other than".to_vec();
        result.stdout_digest = Some(server.put("what it says"));
        result
    };
    check(
        inline,
        expect![[r#"
            Ran, 1 runs
            warning: remote server ADDRESS: 1 result that was found could not be used; it was computed here
               = the first: ActionResult: DataLoss: the content sent along is not DIGEST:"#]],
    )
    .await;
}

/// PX-072: the first of look-up and run wins; what is known by the end of the head start is not
/// run. (Never means an hour here.)
#[tokio::test(flavor = "multi_thread")]
async fn races() {
    const NEVER: Duration = Duration::from_secs(3600);
    let zero = Duration::ZERO;
    // Run time, time of the look-up, head start.
    let cases = [
        (NEVER, zero, zero, "RemoteCache"),
        (zero, NEVER, zero, "Ran"),
        (zero, zero, NEVER, "RemoteCache"),
        (NEVER, zero, NEVER, "RemoteCache"),
    ];
    for (takes, lookup, head_start, expected) in cases {
        let (server, address) = warm(5).await;
        server.0.faults.lock().lookup = lookup;
        let machine = machine(
            &address,
            &Setting {
                size: 5,
                takes,
                head_start,
            },
        );
        let result = machine.run(&process()).await;
        assert_eq!(format!("{:?}", result.source), expected);
        if head_start == NEVER {
            assert_eq!(machine.runs.load(Ordering::Relaxed), 0, "nothing ran");
        }
    }
}

/// R11: what the server had is not asked for again; nothing is sent twice.
#[tokio::test(flavor = "multi_thread")]
async fn uploads_are_made_once() {
    let (server, address) = Server::start().await;
    let machine = machine(&address, &ORDINARY);
    machine.run(&process()).await;
    let client = machine.client.clone();
    tokio::task::spawn_blocking(move || client.finish())
        .await
        .unwrap();
    let other = Process {
        argv: vec!["other".to_owned()],
        ..process()
    };
    machine.run(&other).await;
    let client = machine.client.clone();
    tokio::task::spawn_blocking(move || client.finish())
        .await
        .unwrap();
    // One output, two commands, two actions.
    assert_eq!(server.0.blobs.lock().len(), 5);
    let uploaded = machine.client.counts();
    assert_eq!(uploaded.uploads, 2);
    let stored: usize = server.0.blobs.lock().values().map(bytes::Bytes::len).sum();
    assert_eq!(uploaded.uploaded_bytes, stored as u64);
}
