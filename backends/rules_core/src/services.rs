//! What kiln's rules use besides their inputs.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use kiln_diag::Diag;
use kiln_events::EventSink;
use kiln_fs::SourceRoot;
use kiln_process::{Contents, Executor, Identify};
use kiln_store::{StatTable, Store};
use kiln_targets::Host;

use crate::environments::OptionValue;
use crate::status::UNSTAMPED;

/// The interpreter.
pub struct HostService(pub Arc<dyn Host>);

/// Whatever runs processes.
pub struct Execution {
    /// What runs them.
    pub executor: Arc<dyn Executor>,
    /// What runs tests: the same, with fewer at a time if that was asked for.
    pub tests: Arc<dyn Executor>,
    /// What environments other than this machine are.
    pub identify: Arc<dyn Identify>,
    /// How what it cannot isolate is called, for the environment's identity: results that may
    /// depend on undeclared things must never pass for those of a hermetic run. Empty for one.
    pub isolation: &'static str,
}

/// Where contents are that are not in the store.
pub struct Elsewhere(pub Arc<dyn Contents>);

/// Who is told what happens.
pub struct Events(pub Arc<dyn EventSink>);

/// The workspace of this engine.
pub struct Workspace {
    /// Its root folder, absolute.
    pub root: PathBuf,
    /// The folder that `kiln-out` points to, absolute.
    pub out: PathBuf,
}

/// What is known of the workspace when a command begins: texts of lines `NAME VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceStatus {
    /// What seldom changes.
    pub stable: String,
    /// What changes each time.
    pub volatile: String,
}

impl WorkspaceStatus {
    /// What an unstamped build says: the same on every machine, at every time.
    pub fn unstamped() -> WorkspaceStatus {
        WorkspaceStatus {
            stable: "BUILD_EMBED_LABEL \nBUILD_HOST unknown\nBUILD_USER unknown\n".to_owned(),
            volatile: UNSTAMPED.to_owned(),
        }
    }
}

/// The repositories that kiln answers for itself: files by path, by repository name.
pub struct Embedded {
    /// The repositories.
    pub repos: BTreeMap<&'static str, BTreeMap<&'static str, &'static str>>,
    /// The label of the .bzl file whose public symbols every BUILD file sees.
    pub natives: (&'static str, &'static str, &'static str),
    /// Labels of the `toolchain` targets that are registered after all others.
    pub toolchains: &'static [&'static str],
}

/// The caller's environment, as far as targets may ask for it (`env_inherit`, `--test_env=X`).
pub struct CallerEnv(pub BTreeMap<String, String>);

/// What the options of the command are set to, by the names of their flags: environments may ask
/// (`requires_option`).
pub struct CommandOptions(pub BTreeMap<Arc<str>, OptionValue>);

/// The stat rows of each folder that sources are read from, loaded when first asked for.
#[derive(Default)]
pub struct SourceRows(Mutex<HashMap<SourceRoot, Arc<StatTable>>>);

impl SourceRows {
    /// The rows of one folder.
    pub fn of(&self, root: &SourceRoot, store: &Store) -> Arc<StatTable> {
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let load = || Arc::new(store.stat_table(&root.folder().to_string_lossy()));
        tables.entry(root.clone()).or_insert_with(load).clone()
    }

    /// Writes down what was learned, all that can be; the first error is returned.
    pub fn save(&self) -> Result<(), Diag> {
        let tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let saved: Vec<Result<(), Diag>> = tables.values().map(|table| table.save()).collect();
        saved.into_iter().collect()
    }
}
