//! A workspace, a store, and an engine whose processes are played.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;
use kiln_address::{Label, PackageId, Repo, RepoMapping};
use kiln_base::{Digest, RelPath};
use kiln_bazel::{StarlarkHost, prelude};
use kiln_build::LoaderOptions;
use kiln_diag::Diag;
use kiln_events::{Event, Recorder};
use kiln_host::Limits;
use kiln_process::{Cached, ExecError, Executor, Exit, ProcessResult, Request, Source};
use kiln_rules_core::build::Built;
use kiln_rules_core::environments::EnvironmentOptions;
use kiln_rules_core::keys::RepoOptions;
use kiln_rules_core::restore::{RestoreKey, Restored};
use kiln_rules_core::services::{
    CallerEnv, CommandOptions, Elsewhere, Embedded, Events, Execution, HostService, SourceRows,
    Workspace, WorkspaceStatus,
};
use kiln_scheduler::{Engine, Parts, Services, Session};
use kiln_store::{Store, StoreConfig};
use kiln_targets::{Configuration, Settings};
use kiln_tree::{Node, TreeBuilder};
use parking_lot::Mutex;
use tempfile::TempDir;

/// Everything a test needs.
pub struct World {
    pub folder: TempDir,
    pub store: Store,
    pub engine: Engine,
    pub player: Arc<Player>,
    pub events: Arc<Recorder>,
    builds: AtomicU32,
    rules: Arc<Mutex<BTreeMap<&'static str, usize>>>,
}

/// Called before each process, with the targets whose processes ran before, in order.
pub type Hook = Box<dyn FnMut(&[String]) + Send>;

/// Plays processes, one at a time: an output holds the name of its target and the contents of all
/// inputs, so that it is right only if they were. A command with `LINK:x` in it makes links to `x`
/// instead.
pub struct Player {
    store: Store,
    turn: Mutex<Turn>,
}

#[derive(Default)]
struct Turn {
    hook: Option<Hook>,
    ran: Vec<String>,
    /// Targets whose outputs differ each time.
    fickle: Vec<String>,
    plays: usize,
}

impl Player {
    /// Sets what is called before each process.
    pub fn before_each(&self, hook: impl FnMut(&[String]) + Send + 'static) {
        self.turn.lock().hook = Some(Box::new(hook));
    }

    pub fn make_fickle(&self, target: &str) {
        self.turn.lock().fickle.push(target.to_owned());
    }

    /// The targets whose processes ran since the last call, sorted.
    pub fn ran(&self) -> Vec<String> {
        let mut ran = std::mem::take(&mut self.turn.lock().ran);
        ran.sort();
        ran
    }

    fn play(&self, request: &Request<'_>) -> Result<ProcessResult, ExecError> {
        let mut turn = self.turn.lock();
        let turn = &mut *turn;
        if let Some(hook) = &mut turn.hook {
            hook(&turn.ran);
        }
        let label = &request.describe.label;
        let mut text = format!("{label}:\n");
        let mut lost = None;
        request.process.inputs.walk(false, &mut |path, node| {
            let Node::File { digest, executable } = node else {
                return;
            };
            // As a sandbox does it: by the path of the file.
            match self.store.blob_path(digest, *executable) {
                None => lost = Some(*digest),
                Some(blob) => match fs::read_to_string(blob) {
                    Ok(content) => text.push_str(&format!("{path}: {content}")),
                    Err(error) => panic!("{path}: {error}"),
                },
            }
        });
        if let Some(lost) = lost {
            return Err(ExecError::MissingBlob(lost));
        }
        if turn.fickle.contains(label) {
            text.push_str(&format!("after {} others\n", turn.plays));
        }
        turn.plays += 1;
        turn.ran.push(label.clone());
        let mut outputs = TreeBuilder::new();
        let argv = &request.process.argv;
        let link = argv.iter().find_map(|word| word.split_once("LINK:"));
        for path in &request.process.outputs {
            if let Some((_, target)) = link {
                let target = target.split_whitespace().next().unwrap_or_default();
                let added = outputs.add(path, Node::Symlink(target.into()));
                assert!(added.is_ok(), "{path}");
                continue;
            }
            let digest = self.store.put_bytes(text.as_bytes());
            let node = Node::File {
                digest: digest.map_err(ExecError::Failed)?,
                executable: false,
            };
            let added = outputs.add(path, node);
            added.map_err(|error| ExecError::Failed(Diag::internal(error.to_string())))?;
        }
        Ok(ProcessResult {
            exit: Exit::Code(0),
            stdout: Digest::EMPTY,
            stderr: Digest::EMPTY,
            outputs: outputs.build(),
            elapsed: Default::default(),
            source: Source::Ran,
            sandbox: None,
            strays: Vec::new(),
            unlisted_reads: None,
            left: Vec::new(),
        })
    }
}

/// The player as an executor.
struct Stage(Arc<Player>);

impl Executor for Stage {
    fn execute<'a>(
        &'a self,
        request: Request<'a>,
    ) -> BoxFuture<'a, Result<ProcessResult, ExecError>> {
        async move { self.0.play(&request) }.boxed()
    }
}

impl World {
    /// A workspace of these files: path and text. Must be called within a runtime.
    pub fn new(files: &[(&str, &str)]) -> World {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("ws");
        fs::create_dir(&root).unwrap();
        fs::write(root.join("MODULE.bazel"), "module(name = \"test\")\n").unwrap();
        for (path, text) in files {
            fs::write(root.join(path), text).unwrap();
        }
        let store = Store::open(StoreConfig::new(folder.path().join("store"))).unwrap();
        let player = Arc::new(Player {
            store: store.clone(),
            turn: Mutex::default(),
        });
        let events = Arc::new(Recorder::default());
        let executor = Arc::new(Cached::new(Stage(player.clone()), store.clone()));
        let services = Services::new()
            .with(HostService(Arc::new(StarlarkHost::new(
                Limits::default(),
                LoaderOptions::default(),
            ))))
            .with(Execution {
                identify: Arc::new(Here),
                executor: executor.clone(),
                tests: executor,
                isolation: "",
            })
            .with(Elsewhere(Arc::new(store.clone())))
            .with(Events(events.clone()))
            .with(Workspace {
                root,
                out: folder.path().join("out"),
            })
            .with(embedded())
            .with(CallerEnv(BTreeMap::new()))
            .with(CommandOptions(BTreeMap::new()))
            .with(WorkspaceStatus::unstamped())
            .with(SourceRows::default())
            .with(kiln_rules_core::race::Races::default())
            .with(store.clone());
        let rules = Arc::new(Mutex::new(BTreeMap::new()));
        let counted = rules.clone();
        let engine = Engine::new(Parts {
            rules: kiln_rules_core::rules(),
            queries: kiln_rules_core::queries(),
            services,
            threads: 1,
            trace: Some(Arc::new(move |rule, _| {
                *counted.lock().entry(rule).or_default() += 1;
            })),
        });
        World {
            folder,
            store,
            engine: engine.unwrap_or_else(|errors| panic!("{errors:?}")),
            player,
            events,
            builds: AtomicU32::new(0),
            rules,
        }
    }

    /// How often a rule has run.
    pub fn times(&self, rule: &str) -> usize {
        self.rules.lock().get(rule).copied().unwrap_or(0)
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("ws")
    }

    /// Builds a target, all of whose outputs are in the store afterwards.
    pub async fn build(&self, session: &Session, target: &str) -> Result<Arc<Built>, Diag> {
        let repos = RepoOptions::default();
        let configuration = Configuration::new(Settings::default());
        let key = RestoreKey {
            label: label(target),
            attempt: self.builds.fetch_add(1, Ordering::Relaxed),
        };
        let restored = session
            .query::<Restored, _>((key, configuration, EnvironmentOptions::default(), repos))
            .await?;
        Ok(restored.0.clone())
    }

    /// The contents of a built target's outputs.
    pub fn contents(&self, built: &Built) -> String {
        let Built::Ready(target) = built else {
            panic!("not built");
        };
        let mut text = String::new();
        for (_, node) in target.nodes() {
            let Node::File { digest, .. } = node else {
                continue;
            };
            let bytes = self.store.read(&digest).unwrap().expect("it is there");
            text.push_str(&String::from_utf8(bytes).unwrap());
        }
        text
    }

    /// What the user was warned of since the last call, sorted.
    pub fn warned(&self) -> Vec<String> {
        let events = self.events.take().into_iter();
        let mut warned: Vec<String> = events
            .filter_map(|event| match event {
                Event::Diagnostic(diag) => Some(diag.to_string()),
                _ => None,
            })
            .collect();
        warned.sort();
        warned
    }
}

pub fn label(text: &str) -> Label {
    let root = PackageId::new(Repo::root(), RelPath::root());
    Label::parse(text, &root, &RepoMapping::new(Repo::root())).unwrap()
}

fn embedded() -> Embedded {
    let mut repos: BTreeMap<&'static str, BTreeMap<&'static str, &'static str>> = BTreeMap::new();
    for file in prelude::repositories().flat_map(prelude::files) {
        repos
            .entry(file.repository)
            .or_default()
            .insert(file.path, file.text);
    }
    Embedded {
        repos,
        natives: (prelude::BUILTINS, "", prelude::EXPORTS),
        toolchains: prelude::TOOLCHAINS,
    }
}

/// What may happen to a blob.
#[derive(Clone, Copy, Debug)]
pub enum Damage {
    Removed,
    Flipped,
    Cut,
    Replaced,
}

impl Damage {
    pub const ALL: [Damage; 4] = [
        Damage::Removed,
        Damage::Flipped,
        Damage::Cut,
        Damage::Replaced,
    ];

    /// Does it to the blob, if it is there.
    pub fn befall(self, store: &Store, digest: &Digest) {
        let hex = digest.hex();
        for end in ["", ".x"] {
            let folder = store.root().join("cas").join(&hex[..2]);
            let path = folder.join(format!("{}{end}", &hex[2..]));
            let Ok(mut content) = fs::read(&path) else {
                continue;
            };
            match self {
                Damage::Removed => fs::remove_file(&path).unwrap(),
                Damage::Flipped => {
                    content[0] ^= 1;
                    overwrite(&path, &content);
                }
                Damage::Cut => overwrite(&path, &content[..content.len() - 1]),
                Damage::Replaced => {
                    fs::remove_file(&path).unwrap();
                    fs::create_dir(&path).unwrap();
                }
            }
        }
    }
}

/// Writes to the file itself, whatever its mode. The store may see it happen, and remove the file.
fn overwrite(path: &std::path::Path, content: &[u8]) {
    let mode = |mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    let written = mode(0o644)
        .and_then(|()| File::options().write(true).truncate(true).open(path))
        .and_then(|mut file| file.write_all(content))
        .and_then(|()| mode(0o444));
    if let Err(error) = written {
        assert_eq!(error.kind(), io::ErrorKind::NotFound, "{error}");
    }
}

/// The next of a sequence of numbers (xorshift).
pub fn rand(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Nothing runs elsewhere.
struct Here;

impl kiln_process::Identify for Here {
    fn identity<'a>(
        &'a self,
        _environment: &'a kiln_process::Environment,
    ) -> BoxFuture<'a, Result<String, Diag>> {
        Box::pin(async { Err(Diag::internal("only this machine is there")) })
    }
}
