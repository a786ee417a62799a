//! Outputs that stay at the server, and inputs that are there already (R6, R11, R12, R23, R29,
//! PX-081 to PX-083).

#![allow(clippy::unwrap_used, missing_docs, reason = "tests may panic")]

#[allow(dead_code, reason = "what this test does not use, others do")]
mod server;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use kiln_base::{Digest, RelPath};
use kiln_exec_remote::{
    Address, Client, InputsHere, RemoteCached, RemoteConfig, RemoteContents, RemoteExecutor,
};
use kiln_process::{
    CacheScope, Contents, Description, Environment, ExecError, Executor, Exit, Keyed, Process,
    ProcessResult, Reads, Request, Source, keep, recall,
};
use kiln_proto::{ActionResult, OutputFile};
use kiln_store::{Store, StoreConfig};
use kiln_tree::{Node, Tree};
use server::{Faults, Lost, Server};
use tempfile::TempDir;

const OUTPUTS: usize = 40;

fn path(text: &str) -> RelPath {
    RelPath::new(text).unwrap()
}

fn content(number: usize) -> String {
    format!("output {number}")
}

fn outputs() -> Vec<RelPath> {
    (0..OUTPUTS).map(|n| path(&format!("out/{n}"))).collect()
}

fn digests() -> Vec<Digest> {
    let all = (0..OUTPUTS).map(|n| Digest::of(content(n).as_bytes()));
    all.collect()
}

fn process(inputs: Tree) -> Process {
    Process {
        argv: vec!["make".to_owned()],
        env: BTreeMap::new(),
        workdir: RelPath::root(),
        inputs,
        outputs: outputs(),
        timeout: None,
        network: false,
        platform: BTreeMap::new(),
        environment: Arc::from(&b""[..]),
        cache: CacheScope::Successful,
    }
}

/// Runs nothing: says that it would have.
struct Runs;

impl Executor for Runs {
    fn execute<'a>(&'a self, _: Request<'a>) -> BoxFuture<'a, Result<ProcessResult, ExecError>> {
        async {
            Ok(ProcessResult {
                exit: Exit::Code(0),
                stdout: Digest::EMPTY,
                stderr: Digest::EMPTY,
                outputs: Tree::empty(),
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

async fn run(executor: &dyn Executor, process: &Process) -> Result<ProcessResult, ExecError> {
    let request = Request {
        process,
        environment: &Environment::Local,
        action: Keyed::of(process).digest,
        describe: &Description::default(),
        slots: 1,
        exclusive: false,
        writable: false,
        optional_outputs: false,
        declared: None,
        reads: Reads::OfRun(&[]),
        observer: &(),
    };
    executor.execute(request).await
}

struct Machine {
    contents: Arc<RemoteContents>,
    client: Client,
    store: Store,
    _folder: TempDir,
}

impl Machine {
    fn new(address: &Address, lease: Duration) -> Machine {
        let folder = TempDir::new().unwrap();
        let mut config = StoreConfig::new(folder.path().join("store"));
        config.socket_dir = Some(folder.path().to_owned());
        let store = Store::open(config).unwrap();
        let mut config = RemoteConfig::new(address.clone());
        config.lease = lease;
        let client = Client::new(config).unwrap();
        let contents = RemoteContents::new(client.clone(), store.clone()).leaving(None);
        Machine {
            contents: Arc::new(contents),
            client,
            store,
            _folder: folder,
        }
    }

    /// What comes of the process where the server is asked first.
    async fn build(&self) -> ProcessResult {
        let cached = RemoteCached::with(Runs, self.contents.clone());
        run(&cached, &process(Tree::empty())).await.unwrap()
    }

    fn missing(&self) -> usize {
        self.store.missing(&digests()).len()
    }
}

const HOUR: Duration = Duration::from_secs(3_600);

/// A server that knows the result of the process, and a machine that knows nothing.
async fn start(lease: Duration) -> (Server, Machine) {
    let (server, address) = Server::start().await;
    let file = |number| OutputFile {
        path: format!("out/{number}"),
        digest: Some(server.put(content(number))),
        ..OutputFile::default()
    };
    let result = ActionResult {
        output_files: (0..OUTPUTS).map(file).collect(),
        ..ActionResult::default()
    };
    let action = Keyed::of(&process(Tree::empty())).digest.hex();
    server.0.results.lock().insert(action, result);
    (server, Machine::new(&address, lease))
}

/// R23: nothing comes until somebody needs it, and then once, in one batch.
#[tokio::test(flavor = "multi_thread")]
async fn many_who_need_blobs_fetch_them_once() {
    let (server, machine) = start(HOUR).await;
    let result = machine.build().await;
    assert_eq!(
        (result.source, result.left.len()),
        (Source::RemoteCache, OUTPUTS)
    );
    assert_eq!(
        (server.calls("BatchReadBlobs"), machine.missing()),
        (0, OUTPUTS)
    );
    let digests = digests();
    let all = (0..50).map(|_| machine.contents.fetch(&digests));
    for lost in join_all(all).await {
        assert_eq!(lost, []);
    }
    assert_eq!((server.calls("BatchReadBlobs"), machine.missing()), (1, 0));
}

/// A process that runs here gets those inputs that were left, and no others.
#[tokio::test(flavor = "multi_thread")]
async fn inputs_of_processes_that_run_here() {
    let (server, machine) = start(HOUR).await;
    let result = machine.build().await;
    let input = result.outputs.get(&path("out/7")).unwrap().clone();
    let process = process(Tree::single(&path("sub/in"), input));
    let here = InputsHere::new(Runs, machine.contents.clone());
    run(&here, &process).await.unwrap();
    assert_eq!(machine.missing(), OUTPUTS - 1);
    // A second time there is nothing to do.
    run(&here, &process).await.unwrap();
    assert_eq!(server.calls("BatchReadBlobs"), 1);
}

/// PX-082: a known result is asked for its blobs; one that lacks any is no answer.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_says_it_has_is_a_claim() {
    let (server, machine) = start(HOUR).await;
    server.0.blobs.lock().remove(&digests()[3].hex());
    assert_eq!(machine.build().await.source, Source::Ran);
}

/// R6: what does not come, for whatever reason, is lost, and not believed in again.
#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_come_is_lost() {
    for corrupt in [true, false] {
        let (server, machine) = start(HOUR).await;
        let result = machine.build().await;
        let (digests, lost) = (digests(), vec![digests()[3]]);
        match corrupt {
            true => server.0.faults.lock().corrupt = true,
            false => drop(server.0.blobs.lock().remove(&lost[0].hex())),
        }
        let gone = machine.contents.fetch(&digests).await;
        match corrupt {
            true => assert_eq!(gone.len(), OUTPUTS),
            false => assert_eq!(gone, lost),
        }
        let mut again = machine.contents.lost(&digests).await;
        again.sort();
        let mut gone = gone;
        gone.sort();
        assert_eq!(again, gone);
        let (store, contents) = (&machine.store, &*machine.contents);
        let (key, outputs) = (Digest::of(b"key"), outputs());
        keep(store, &key, &result, &outputs).unwrap();
        assert!(recall(store, contents, &key, &outputs).await.is_none());
    }
}

/// Results that were left are known to later builds as long as the server has them, and without
/// any server if all is here.
#[tokio::test(flavor = "multi_thread")]
async fn rows_of_results_that_were_left() {
    let (server, machine) = start(HOUR).await;
    let (store, outputs) = (&machine.store, outputs());
    let key = Digest::of(b"key");
    let result = machine.build().await;
    keep(store, &key, &result, &outputs).unwrap();
    let contents: &dyn Contents = &*machine.contents;
    let known = recall(store, contents, &key, &outputs).await.unwrap();
    assert_eq!(known, result);
    assert_eq!(known.left.len(), OUTPUTS);
    assert!(recall(store, store, &key, &outputs).await.is_none());
    // With all outputs wanted, it brings them.
    let all = RemoteContents::new(machine.client.clone(), store.clone());
    let known = recall(store, &all, &key, &outputs).await.unwrap();
    assert_eq!((known.left.len(), machine.missing()), (0, 0));
    server.0.blobs.lock().clear();
    let known = recall(store, store, &key, &outputs).await.unwrap();
    assert_eq!((known.left.len(), known.source), (0, Source::LocalCache));
}

/// R29: the server is reminded of what it keeps.
#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_reminded() {
    let (server, machine) = start(Duration::from_millis(5)).await;
    machine.build().await;
    while server.calls("FindMissingBlobs") < 4 {
        tokio::task::yield_now().await;
    }
    let asked = server.0.asked.lock().clone();
    assert!(asked.iter().all(|number| *number == OUTPUTS), "{asked:?}");
}

/// A tree of 400 files, with one more that is the action's own.
fn wide(store: &Store, own: &str) -> Process {
    let file = |text: &str| Node::File {
        digest: store.put_bytes(text.as_bytes()).unwrap(),
        executable: false,
    };
    let mut tree = Tree::single(&path("src/own"), file(own));
    for number in 0..400 {
        let at = path(&format!("sys/{}/{number}", number % 10));
        let one = Tree::single(&at, file(&format!("input {number}")));
        tree = tree.merge(&one).unwrap();
    }
    Process {
        outputs: vec![path("out")],
        ..process(tree)
    }
}

/// R12: what actions share is asked for once; after a loss all of it is sent again (R5).
#[tokio::test(flavor = "multi_thread")]
async fn shared_inputs_are_walked_once() {
    let (server, address) = Server::start().await;
    let machine = Machine::new(&address, HOUR);
    let client = machine.client.clone();
    let executor = RemoteExecutor::with(machine.contents.clone(), client, 4);
    for own in ["a", "b"] {
        run(&executor, &wide(&machine.store, own)).await.unwrap();
    }
    // Files; `sys` with ten folders, `src`, the root; the action and its command. Then what is new.
    assert_eq!(*server.0.asked.lock(), [401 + 13 + 2, 1 + 2 + 1]);
    // All but one are lost, and that one as soon as the action is to run.
    let last = Digest::of(b"input 3").hex();
    server.0.blobs.lock().retain(|hash, _| *hash == last);
    *server.0.faults.lock() = Faults {
        lost: Some(("input 3", Lost::Words(tonic::Code::Internal))),
        ..Faults::default()
    };
    run(&executor, &wide(&machine.store, "c")).await.unwrap();
    // What the workers made is there as well.
    assert_eq!(server.0.blobs.lock().len(), 401 + 13 + 2 + 1);
}
