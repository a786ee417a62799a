//! What sending one action to workers costs when many share a large tree of inputs (R12).
//!
//! ```console
//! $ cargo run --release -p kiln-exec-remote --example wide -- ACTIONS FILES
//! ```
//!
//! The server is in this process and executes nothing; the first action, which uploads the tree, is
//! not counted.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

#[allow(dead_code, reason = "what this does not use, tests do")]
#[path = "../tests/server/mod.rs"]
mod server;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use kiln_base::RelPath;
use kiln_exec_remote::{Client, RemoteConfig, RemoteExecutor};
use kiln_process::{
    CacheScope, Description, Environment, Executor, Keyed, Process, Reads, Request,
};
use kiln_store::{Store, StoreConfig};
use kiln_tree::{Node, Tree, TreeBuilder};
use server::Server;
use tempfile::TempDir;

const PER_FOLDER: usize = 100;

fn path(text: &str) -> RelPath {
    RelPath::new(text).unwrap()
}

fn file(store: &Store, text: &str) -> Node {
    Node::File {
        digest: store.put_bytes(text.as_bytes()).unwrap(),
        executable: false,
    }
}

fn process(inputs: Tree) -> Process {
    Process {
        argv: vec!["make".to_owned()],
        env: BTreeMap::new(),
        workdir: RelPath::root(),
        inputs,
        outputs: vec![path("out")],
        timeout: None,
        network: false,
        platform: BTreeMap::new(),
        environment: Arc::from(&b""[..]),
        cache: CacheScope::Refresh,
    }
}

async fn run(executor: &RemoteExecutor, process: &Process) {
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
        reads: Reads::All,
        observer: &(),
    };
    executor.execute(request).await.unwrap();
}

/// Processor time of this process's first thread, in milliseconds.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let own = stat.split(' ').next().and_then(|text| text.parse().ok());
    let own: f64 = own.unwrap_or(0.0);
    own / 1e6
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut numbers = std::env::args()
        .skip(1)
        .filter_map(|text| text.parse().ok());
    let actions: usize = numbers.next().unwrap_or(1_000);
    let files: usize = numbers.next().unwrap_or(20_000);
    let (server, address) = Server::start().await;
    let folder = TempDir::new().unwrap();
    let mut config = StoreConfig::new(folder.path().join("store"));
    config.socket_dir = Some(folder.path().to_owned());
    let store = Store::open(config).unwrap();
    let client = Client::new(RemoteConfig::new(address)).unwrap();
    let executor = RemoteExecutor::new(client.clone(), client, store.clone(), 4);
    let mut shared = TreeBuilder::new();
    for number in 0..files {
        let (folder, name) = (number / PER_FOLDER, number % PER_FOLDER);
        let node = file(&store, &format!("content {number}"));
        shared
            .add(&path(&format!("sys/d{folder}/f{name}.h")), node)
            .unwrap();
    }
    let shared = shared.build();
    run(&executor, &process(shared.clone())).await;
    let inputs = |number: usize| {
        let node = file(&store, &format!("source {number}"));
        let own = Tree::single(&path(&format!("src/a{number}.cc")), node);
        process(shared.merge(&own).unwrap())
    };
    let processes: Vec<Process> = (0..actions).map(inputs).collect();
    let calls = server.calls("FindMissingBlobs");
    let (begin, before) = (Instant::now(), processor());
    for process in &processes {
        run(&executor, process).await;
    }
    let wall = begin.elapsed().as_secs_f64() * 1e3;
    let cpu = processor() - before;
    let calls = server.calls("FindMissingBlobs") - calls;
    let each = actions as f64;
    println!("{actions} actions that share {files} files, one after the other:");
    println!(
        "  wall {:.2} ms, main thread {:.2} ms for each",
        wall / each,
        cpu / each
    );
    println!(
        "  {:.2} calls of FindMissingBlobs for each",
        f64::from(calls) / each
    );
}
