//! A server with a store in a temporary folder and an executor that does what its arguments say.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use expect_test::Expect;
use futures::FutureExt;
use futures::future::BoxFuture;
use kiln_base::{Digest, RelPath};
use kiln_diag::Diag;
use kiln_process::{ExecError, Executor, Exit, Process, ProcessResult, Request, Source};
use kiln_proto::*;
use kiln_serve::{Listen, ServeConfig, Server};
use kiln_store::{Store, StoreConfig};
use kiln_tree::{Node, Tree, TreeBuilder};
use parking_lot::Mutex;
use tempfile::TempDir;
use tokio::sync::{Notify, oneshot};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Streaming};

/// What the executor was asked for, and what became of it.
#[derive(Default)]
pub struct Log {
    pub runs: AtomicU32,
    pub dropped: AtomicU32,
    pub last: Mutex<Option<Process>>,
    /// What `wait` waits for.
    pub release: Notify,
}

struct Fake {
    store: Store,
    log: Arc<Log>,
}

/// Counts what was dropped before its end.
struct Guard<'a>(&'a Log);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

impl Executor for Fake {
    fn execute<'a>(
        &'a self,
        request: Request<'a>,
    ) -> BoxFuture<'a, Result<ProcessResult, ExecError>> {
        async move {
            self.log.runs.fetch_add(1, Ordering::SeqCst);
            *self.log.last.lock() = Some(request.process.clone());
            request.observer.started();
            let words: Vec<&str> = request.process.argv.iter().map(String::as_str).collect();
            let mut result = ProcessResult {
                exit: Exit::Code(0),
                stdout: self.store.put_bytes(b"said").expect("stdout"),
                stderr: Digest::EMPTY,
                outputs: Tree::empty(),
                elapsed: Duration::from_millis(5),
                source: Source::Ran,
                sandbox: None,
                strays: Vec::new(),
                unlisted_reads: None,
                left: Vec::new(),
            };
            match words[..] {
                ["hang"] => {
                    let _guard = Guard(&self.log);
                    std::future::pending::<()>().await;
                }
                ["wait"] => {
                    self.log.release.notified().await;
                    result.outputs = self.outputs(&request.process.outputs);
                }
                ["fail", code] => result.exit = Exit::Code(code.parse().expect("a code")),
                ["die", signal] => result.exit = Exit::Signal(signal.parse().expect("a signal")),
                ["late"] => result.exit = Exit::TimedOut,
                ["lost"] => return Err(ExecError::MissingBlob(Digest::of(b"lost"))),
                ["wrong"] => {
                    let diag = Diag::build("cannot run `x`: no such program").hint("a hint");
                    return Err(ExecError::Failed(diag));
                }
                ["broken"] => {
                    let diag = Diag::environment("the sandbox cannot start");
                    return Err(ExecError::Unavailable(diag));
                }
                _ => result.outputs = self.outputs(&request.process.outputs),
            }
            Ok(result)
        }
        .boxed()
    }
}

impl Fake {
    /// A file at each output; a folder with a file and a link where the name says so.
    fn outputs(&self, paths: &[RelPath]) -> Tree {
        let digest = self.store.put_bytes(b"made").expect("an output");
        let file = Node::File {
            digest,
            executable: true,
        };
        let mut builder = TreeBuilder::new();
        let mut add = |path: &RelPath, node: Node| builder.add(path, node).expect("an output");
        for path in paths {
            match path.file_name() {
                "dir" => {
                    add(&path.join("f").expect("a path"), file.clone());
                    add(&path.join("l").expect("a path"), Node::Symlink("f".into()));
                }
                "link" => add(path, Node::Symlink("there".into())),
                _ => add(path, file.clone()),
            }
        }
        builder.build()
    }
}

/// A running server.
pub struct World {
    pub folder: TempDir,
    pub store: Store,
    pub log: Arc<Log>,
    pub channel: Channel,
    pub stop: Option<oneshot::Sender<()>>,
    pub serving: tokio::task::JoinHandle<Result<(), Diag>>,
}

impl World {
    pub async fn start() -> World {
        World::start_with(|_| {}).await
    }

    pub async fn start_with(set: impl FnOnce(&mut ServeConfig)) -> World {
        let folder = tempfile::tempdir().expect("a folder");
        let mut settings = StoreConfig::new(folder.path().join("store"));
        settings.socket_dir = Some(folder.path().join("sockets"));
        let store = Store::open(settings).expect("a store");
        let listen = Listen::parse("127.0.0.1:0").expect("an address");
        let mut config = ServeConfig::new(listen, folder.path().join("uploads"));
        set(&mut config);
        let log = Arc::new(Log::default());
        let fake = Fake {
            store: store.clone(),
            log: log.clone(),
        };
        let report = Arc::new(|diag: Diag| panic!("{}", diag.render()));
        let server = Server::bind(config, store.clone(), Arc::new(fake), report)
            .await
            .expect("a server");
        let address = server.address().replace("grpc", "http");
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        let channel = Endpoint::from_shared(address)
            .expect("an address")
            .connect_lazy();
        World {
            folder,
            store,
            log,
            channel,
            stop: Some(stop),
            serving,
        }
    }

    pub fn storage(&self) -> ContentAddressableStorageClient<Channel> {
        ContentAddressableStorageClient::new(self.channel.clone())
    }

    pub fn streams(&self) -> ByteStreamClient<Channel> {
        ByteStreamClient::new(self.channel.clone())
    }

    pub fn results(&self) -> ActionCacheClient<Channel> {
        ActionCacheClient::new(self.channel.clone())
    }

    pub fn execution(&self) -> ExecutionClient<Channel> {
        ExecutionClient::new(self.channel.clone())
    }

    pub fn operations(&self) -> OperationsClient<Channel> {
        OperationsClient::new(self.channel.clone())
    }

    /// Stores a blob.
    pub fn put(&self, content: &[u8]) -> kiln_proto::Digest {
        message(&self.store.put_bytes(content).expect("a blob"))
    }

    /// Removes a blob's file, as a collector may.
    pub fn lose(&self, content: &[u8]) {
        let hex = Digest::of(content).hex();
        let path = self.store.root().join("cas").join(&hex[..2]);
        std::fs::remove_file(path.join(&hex[2..])).expect("a file of the store");
    }

    /// Stores a command and an action with that input root.
    pub fn action(&self, command: Command, root: kiln_proto::Digest) -> kiln_proto::Digest {
        self.action_with(command, root, |_| {})
    }

    pub fn action_with(
        &self,
        command: Command,
        root: kiln_proto::Digest,
        set: impl FnOnce(&mut Action),
    ) -> kiln_proto::Digest {
        let mut action = Action {
            command_digest: Some(self.put(&command.encode_to_vec())),
            input_root_digest: Some(root),
            ..Action::default()
        };
        set(&mut action);
        self.put(&action.encode_to_vec())
    }

    /// How often a process started.
    pub fn runs(&self) -> u32 {
        self.log.runs.load(Ordering::SeqCst)
    }
}

/// A command of these words, with these outputs.
pub fn command(words: &str, outputs: &[&str]) -> Command {
    Command {
        arguments: words.split(' ').map(str::to_owned).collect(),
        output_paths: outputs.iter().map(ToString::to_string).collect(),
        ..Command::default()
    }
}

pub fn empty_root() -> kiln_proto::Digest {
    message(&Digest::EMPTY)
}

pub fn message(digest: &Digest) -> kiln_proto::Digest {
    kiln_proto::Digest {
        hash: digest.hex(),
        size_bytes: digest.size() as i64,
    }
}

/// The digest of a content, as a message.
pub fn named(content: &[u8]) -> kiln_proto::Digest {
    message(&Digest::of(content))
}

/// An error as text: its code, its message, the blobs that it says are missing.
pub fn show_error(status: &tonic::Status) -> String {
    let inner = Status::decode(status.details()).unwrap_or_default();
    show_status(status.code(), status.message(), &inner.details)
}

fn show_status(code: Code, message: &str, details: &[Any]) -> String {
    let mut text = format!("{code:?}: {message}");
    for detail in details {
        let failure: Option<PreconditionFailure> = detail.unpack("google.rpc.PreconditionFailure");
        for violation in failure.unwrap_or_default().violations {
            text.push_str(&format!("\n{} {}", violation.r#type, violation.subject));
        }
    }
    text
}

/// The answer of an execution that ended.
pub fn answer(operation: &Operation) -> ExecuteResponse {
    assert!(operation.done, "{operation:?}");
    match &operation.result {
        Some(Outcome::Response(any)) => any
            .unpack("build.bazel.remote.execution.v2.ExecuteResponse")
            .expect("an answer"),
        other => panic!("{other:?}"),
    }
}

/// Waits for the end of an execution.
pub async fn last(mut stream: Streaming<Operation>) -> Operation {
    let mut last = None;
    while let Some(operation) = stream.message().await.expect("a message") {
        last = Some(operation);
    }
    last.expect("at least one message")
}

/// What came of an execution, as text.
pub fn show(response: &ExecuteResponse) -> String {
    let status = response.status.clone().unwrap_or_default();
    let mut text = match status.code {
        0 => String::new(),
        code => show_status(Code::from_i32(code), &status.message, &status.details) + "\n",
    };
    if let Some(result) = &response.result {
        text += &format!("exit {}", result.exit_code);
        text += if response.cached_result {
            ", known\n"
        } else {
            "\n"
        };
        for file in &result.output_files {
            text += &format!("file {} {}\n", file.path, file.is_executable);
        }
        for folder in &result.output_directories {
            text += &format!("folder {}\n", folder.path);
        }
        for link in &result.output_symlinks {
            text += &format!("link {} -> {}\n", link.path, link.target);
        }
        for link in &result.output_file_symlinks {
            text += &format!("link to a file {} -> {}\n", link.path, link.target);
        }
        for link in &result.output_directory_symlinks {
            text += &format!("link to a folder {} -> {}\n", link.path, link.target);
        }
        if !result.stdout_raw.is_empty() {
            text += &format!("said {}\n", String::from_utf8_lossy(&result.stdout_raw));
        }
    }
    text
}

pub fn ask(action: &kiln_proto::Digest) -> ExecuteRequest {
    ExecuteRequest {
        action_digest: Some(action.clone()),
        inline_stdout: true,
        ..ExecuteRequest::default()
    }
}

pub async fn begin(world: &World, request: ExecuteRequest) -> Streaming<Operation> {
    world
        .execution()
        .execute(request)
        .await
        .unwrap()
        .into_inner()
}

pub async fn run(world: &World, action: &kiln_proto::Digest) -> ExecuteResponse {
    answer(&last(begin(world, ask(action)).await).await)
}

pub async fn check(world: &World, action: &kiln_proto::Digest, expected: Expect) {
    expected.assert_eq(&show(&run(world, action).await));
}

pub fn stage(operation: &Operation) -> i32 {
    let name = "build.bazel.remote.execution.v2.ExecuteOperationMetadata";
    let metadata = operation.metadata.as_ref().unwrap();
    let metadata: ExecuteOperationMetadata = metadata.unpack(name).unwrap();
    metadata.stage
}

/// Stores the folders of a tree; its root.
pub fn upload(world: &World, tree: &Tree) -> kiln_proto::Digest {
    for (_, node) in tree.entries() {
        if let Node::Dir(below) = node {
            upload(world, below);
        }
    }
    world.put(&tree.directory_message())
}

pub fn property(name: &str, value: &str) -> PlatformProperty {
    PlatformProperty {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}
