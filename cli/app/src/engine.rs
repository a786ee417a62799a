//! The composition root: the only place that knows every implementation.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kiln_base::Fingerprint;
use kiln_bazel::{StarlarkHost, prelude};
use kiln_build::LoaderOptions;
use kiln_diag::Diag;
use kiln_events::{Event, EventSink};
use kiln_exec_docker::Attached;
use kiln_exec_local::{Keep, Limits as ActionLimits, Sandbox, ZygoteServer};
use kiln_exec_remote::{Client, RemoteConfig};
use kiln_host::Limits;
use kiln_process::{Contents, Executor};
use kiln_rules_core::environments::OptionValue;
use kiln_rules_core::path_filter::PathFilter;
use kiln_rules_core::race::{RaceMode, Races};
use kiln_rules_core::services::{
    CallerEnv, CommandOptions, Elsewhere, Embedded, Events, Execution, HostService, SourceRows,
    Workspace, WorkspaceStatus,
};
use kiln_scheduler::{Engine, Parts, Services};
use kiln_store::{Store, StoreConfig};

use crate::executors::{Executors, executors};
use crate::explain::{Explain, Explained};
use crate::show::Show;

/// Which outputs come from a server (`--remote_download_outputs`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Download {
    /// All.
    All,
    /// Those that were asked for, and what is needed here.
    Toplevel,
    /// What is needed here.
    Minimal,
}

/// What an engine is made for.
pub(crate) struct Setup {
    /// The workspace, absolute.
    pub(crate) workspace: PathBuf,
    /// The user's cache folder, absolute.
    pub(crate) cache: PathBuf,
    /// How many processes run at a time.
    pub(crate) jobs: u32,
    /// How many of them are tests; `None`: all may be.
    pub(crate) test_jobs: Option<u32>,
    /// `--sandbox`
    pub(crate) sandbox: Sandbox,
    /// `--keep-sandboxes`
    pub(crate) keep: Keep,
    /// What evaluating one file may use.
    pub(crate) limits: Limits,
    /// How files are loaded.
    pub(crate) loading: LoaderOptions,
    /// What one action may use.
    pub(crate) action_limits: ActionLimits,
    /// `--remote_cache` and what goes with it.
    pub(crate) remote: Option<RemoteConfig>,
    /// `--remote_executor`; with it there is a cache as well.
    pub(crate) workers: Option<RemoteConfig>,
    /// `--remote_download_outputs`
    pub(crate) download: Download,
    /// `--remote_download_regex`
    pub(crate) download_at_once: Arc<PathFilter>,
    /// Whether environments have names.
    pub(crate) named_environments: bool,
    /// `--race`
    pub(crate) race: RaceMode,
    /// What is known of the workspace.
    pub(crate) status: WorkspaceStatus,
    /// `--explain`
    pub(crate) explain: Option<PathBuf>,
    /// Who is told.
    pub(crate) events: Arc<dyn EventSink>,
    /// What the command's options are set to.
    pub(crate) given: BTreeMap<Arc<str>, OptionValue>,
    /// The environment of whoever called.
    pub(crate) environment: BTreeMap<String, String>,
}

/// An engine and what it was made of.
pub(crate) struct Made {
    pub(crate) engine: Engine,
    pub(crate) store: Store,
    pub(crate) rows: Arc<SourceRows>,
    /// The folder that `kiln-out` points to.
    pub(crate) out: PathBuf,
    /// What is known of the workspace.
    pub(crate) status: WorkspaceStatus,
    executors: Executors,
    races: Arc<Races>,
    explain: Option<Arc<Explain>>,
}

/// How long an interrupted command waits for servers to end what they run for it.
const CANCEL: Duration = Duration::from_secs(2);

/// A command's engine lives as long as its process.
impl Drop for Made {
    fn drop(&mut self) {
        // Of a command that was interrupted: workers would go on otherwise.
        for server in self.executors.servers() {
            server.cancel_all(CANCEL);
        }
        self.engine.leave_to_exit();
    }
}

impl Made {
    /// What the sandbox cannot enforce on this machine: of interest to commands that run actions.
    pub(crate) fn sandbox_warnings(&self) -> Vec<Diag> {
        self.executors.sandbox_warnings()
    }

    /// Runs a program in a container, with the standard streams of this process; its exit code.
    pub(crate) async fn run_attached(&self, job: &Attached<'_>) -> Result<u8, Diag> {
        self.executors.run_attached(job).await
    }

    /// What the store had to say since the last call.
    pub(crate) fn store_warnings(&self) -> Vec<Diag> {
        self.store.warnings()
    }

    /// Waits for uploads to remote caches, and for containers that are being started or removed,
    /// for a while: a signal may come meanwhile.
    pub(crate) async fn settled(&self) {
        self.executors.close().await;
        for server in self.executors.servers() {
            let server = server.clone();
            // One that cannot be waited for is counted among the unfinished.
            let _ = tokio::task::spawn_blocking(move || server.wait()).await;
        }
    }

    /// Where contents are.
    pub(crate) fn contents(&self) -> Arc<dyn Contents> {
        self.executors.contents.clone()
    }

    /// Tells what came from servers and went to them so far.
    pub(crate) fn tell_transfers(&self, show: &Show) {
        let counts: Vec<_> = self.executors.servers().map(Client::counts).collect();
        if !counts.is_empty() {
            show.emit(Event::Transferred {
                downloaded: counts.iter().map(|counts| counts.downloaded_bytes).sum(),
                uploaded: counts.iter().map(|counts| counts.uploaded_bytes).sum(),
            });
        }
    }

    /// Sees to it that what was learned outlives this process. What cannot be kept costs time in
    /// the next run and nothing else, so it is a warning.
    pub(crate) fn save(&self, show: &Show) {
        let explained = self
            .explain
            .as_ref()
            .map_or(Ok(()), |explain| explain.save());
        let races = self.races.save(&self.store);
        for line in self.races.summary() {
            show.emit(Event::Note(line));
        }
        for result in [self.rows.save(), races, self.store.flush(), explained] {
            if let Err(error) = result {
                show.emit(Event::Diagnostic(error.into_warning()));
            }
        }
        let servers = self.executors.servers();
        let remote: Vec<Diag> = servers.flat_map(Client::warnings).collect();
        let warnings = [remote, self.executors.warnings(), self.store_warnings()].concat();
        for warning in warnings {
            show.emit(Event::Diagnostic(warning));
        }
        self.tell_transfers(show);
    }
}

/// The user's cache folder: `--cache_dir`, `$KILN_CACHE_DIR`, else `kiln` in the XDG cache folder.
pub(crate) fn cache_folder(
    given: Option<&str>,
    environment: &BTreeMap<String, String>,
) -> Result<PathBuf, Diag> {
    let get = |name: &str| environment.get(name).filter(|value| !value.is_empty());
    // An empty one is as good as none, from wherever it comes.
    if let Some(folder) = given.filter(|folder| !folder.is_empty()) {
        return std::path::absolute(folder)
            .map_err(|e| Diag::io("cannot use", Path::new(folder), &e));
    }
    let folder = match (get("KILN_CACHE_DIR"), get("XDG_CACHE_HOME"), get("HOME")) {
        (Some(folder), _, _) => PathBuf::from(folder),
        (None, Some(cache), _) => Path::new(cache).join("kiln"),
        (None, None, Some(home)) => Path::new(home).join(".cache/kiln"),
        (None, None, None) => {
            return Err(Diag::environment(
                "there is no folder for kiln's cache: neither `HOME` nor `XDG_CACHE_HOME` is set",
            )
            .hint("set `KILN_CACHE_DIR` to an absolute path"));
        }
    };
    match folder.is_absolute() {
        true => Ok(folder),
        false => Err(Diag::environment(format!(
            "the cache folder `{}` is not an absolute path",
            folder.display()
        ))
        .hint("set `KILN_CACHE_DIR` to an absolute path")),
    }
}

/// Opens the user's store.
pub(crate) fn open_store(cache: &Path) -> Result<Store, Diag> {
    Store::open(StoreConfig::new(cache.join("store")))
}

/// Puts an engine together. Must be called within a tokio runtime.
pub(crate) fn make(setup: Setup, zygotes: Arc<ZygoteServer>) -> Result<Made, Vec<Diag>> {
    let one = |error: Diag| vec![error];
    let store = open_store(&setup.cache).map_err(one)?;
    let executors = executors(&setup, &store, zygotes).map_err(one)?;
    let out = out_folder(&setup.cache, &setup.workspace);
    let explain = setup.explain.map(|path| Explain::new(path, &out));
    let explain = explain.transpose().map_err(one)?.map(Arc::new);
    let rows = Arc::new(SourceRows::default());
    let races = Arc::new(Races::new(setup.race));
    let services = Services::new()
        .with(HostService(Arc::new(StarlarkHost::new(
            setup.limits,
            setup.loading,
        ))))
        .with(Execution {
            isolation: executors.isolation(),
            identify: executors.elsewhere.clone(),
            executor: explained(executors.actions.clone(), &explain),
            tests: explained(executors.tests.clone(), &explain),
        })
        .with(Elsewhere(executors.contents.clone()))
        .with(Events(setup.events))
        .with(Workspace {
            root: setup.workspace,
            out: out.clone(),
        })
        .with(setup.status.clone())
        .with(embedded())
        .with(CallerEnv(setup.environment))
        .with(CommandOptions(setup.given))
        .with_shared(rows.clone())
        .with_shared(races.clone())
        .with(store.clone());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let engine = Engine::new(Parts {
        rules: kiln_rules_core::rules(),
        queries: kiln_rules_core::queries(),
        services,
        threads,
        trace: None,
    })?;
    Ok(Made {
        engine,
        store,
        rows,
        out,
        status: setup.status,
        executors,
        races,
        explain,
    })
}

/// Says why each process runs, if that was asked for.
fn explained(executor: Arc<dyn Executor>, explain: &Option<Arc<Explain>>) -> Arc<dyn Executor> {
    match explain {
        Some(explain) => Arc::new(Explained::new(executor, explain.clone())),
        None => executor,
    }
}

/// The folder that `kiln-out` of a workspace points to.
pub(crate) fn out_folder(cache: &Path, workspace: &Path) -> PathBuf {
    cache.join("out").join(workspace_key(workspace))
}

/// Checkouts in different folders have output folders of their own.
fn workspace_key(workspace: &Path) -> String {
    let text = workspace.to_string_lossy();
    Fingerprint::build("workspace").text(&text).finish().hex()[..16].to_owned()
}

/// The prelude as the rules of the product see it.
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
