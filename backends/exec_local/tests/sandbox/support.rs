//! A store in a temporary folder and an executor over it.

use std::sync::Arc;
use std::time::Duration;

use kiln_base::{Digest, RelPath};
use kiln_exec_local::{LocalConfig, LocalExecutor, ZygoteServer};
use kiln_process::{
    CacheScope, Description, Environment, ExecError, Executor, Keyed, Observer, Process,
    ProcessResult, Request,
};
use kiln_store::{Store, StoreConfig};
use kiln_tree::{Node, Tree, TreeBuilder};
use tempfile::TempDir;

/// Everything a test needs; removed afterwards.
pub struct Fixture {
    pub folder: TempDir,
    pub store: Store,
    pub zygotes: Arc<ZygoteServer>,
    pub runtime: tokio::runtime::Runtime,
}

/// A process that runs a shell script.
pub fn sh(script: &str) -> Process {
    let mut process = command(&["/bin/sh", "-c", script]);
    process
        .env
        .insert("PATH".to_owned(), "/usr/bin:/bin".to_owned());
    process
}

/// A process with nothing but arguments.
pub fn command(argv: &[&str]) -> Process {
    Process {
        argv: argv.iter().map(|text| text.to_string()).collect(),
        env: Default::default(),
        workdir: RelPath::root(),
        inputs: Tree::empty(),
        outputs: Vec::new(),
        timeout: Some(Duration::from_secs(120)),
        network: false,
        platform: Default::default(),
        environment: Arc::from(&b""[..]),
        cache: CacheScope::Successful,
    }
}

pub fn paths(paths: &[&str]) -> Vec<RelPath> {
    paths
        .iter()
        .map(|path| RelPath::new(path).unwrap())
        .collect()
}

impl Fixture {
    pub fn new(zygotes: Arc<ZygoteServer>) -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        Fixture {
            store: Store::open(StoreConfig::new(folder.path().join("store"))).unwrap(),
            folder,
            zygotes,
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap(),
        }
    }

    pub fn config(&self) -> LocalConfig {
        LocalConfig::new(self.folder.path())
    }

    pub fn executor(&self) -> LocalExecutor {
        self.executor_with(self.config())
    }

    pub fn executor_with(&self, config: LocalConfig) -> LocalExecutor {
        LocalExecutor::new(config, self.store.clone(), self.zygotes.clone()).unwrap()
    }

    /// Runs one process with a new executor.
    pub fn run(&self, process: &Process) -> Result<ProcessResult, ExecError> {
        self.runtime.block_on(run(&self.executor(), process))
    }

    /// Runs a script; returns its exit code, standard output and standard error in one text.
    pub fn shell(&self, process: &Process) -> String {
        let result = self.run(process).unwrap();
        self.show(&result)
    }

    pub fn show(&self, result: &ProcessResult) -> String {
        format!(
            "{:?}\n{}{}",
            result.exit,
            self.text(&result.stdout),
            self.text(&result.stderr)
        )
    }

    /// The content of a blob.
    pub fn text(&self, digest: &Digest) -> String {
        let content = self.store.read(digest).unwrap().expect("the blob is there");
        String::from_utf8_lossy(&content).into_owned()
    }

    /// That no blob was damaged.
    pub fn verify(&self) {
        let report = self.store.verify().unwrap();
        assert!(report.damaged.is_empty(), "{:?}", report.damaged);
        assert_eq!(report.restored, 0);
    }

    /// A tree of files (`name`, content), executable if the name ends in `.sh`, links
    /// (`name -> target`) and empty folders (`name/`).
    pub fn tree(&self, entries: &[(&str, &str)]) -> Tree {
        let mut builder = TreeBuilder::new();
        for (name, content) in entries {
            let (path, node) = match (name.split_once(" -> "), name.strip_suffix('/')) {
                (Some((path, target)), _) => (path, Node::Symlink(target.into())),
                (None, Some(path)) => (path, Node::Dir(Tree::empty())),
                (None, None) => {
                    let digest = self.store.put_bytes(content.as_bytes()).unwrap();
                    let executable = name.ends_with(".sh");
                    (*name, Node::File { digest, executable })
                }
            };
            builder.add(&RelPath::new(path).unwrap(), node).unwrap();
        }
        builder.build()
    }
}

/// Runs one process, unwatched.
pub async fn run(executor: &dyn Executor, process: &Process) -> Result<ProcessResult, ExecError> {
    run_for(executor, process, &()).await
}

/// Runs one process for an observer.
pub async fn run_for(
    executor: &dyn Executor,
    process: &Process,
    observer: &dyn Observer,
) -> Result<ProcessResult, ExecError> {
    let describe = Description {
        label: "//a:b".to_owned(),
        mnemonic: "Test".to_owned(),
        progress: "Testing //a:b".to_owned(),
    };
    let request = Request {
        process,
        environment: &Environment::Local,
        action: Keyed::of(process).digest,
        describe: &describe,
        slots: 1,
        exclusive: false,
        writable: false,
        optional_outputs: false,
        declared: None,
        reads: kiln_process::Reads::All,
        observer,
    };
    executor.execute(request).await
}
