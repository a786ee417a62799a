//! What runs processes, put together.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use kiln_diag::Diag;
use kiln_exec_docker::{Attached, DockerConfig, DockerExecutor};
use kiln_exec_local::{Limits, LocalConfig, LocalExecutor, ProcessLimit, Sandbox, ZygoteServer};
use kiln_exec_remote::{
    AtOnce, Client, InputsHere, Placed, RemoteCached, RemoteContents, RemoteExecutor,
};
use kiln_process::{
    Bounded, Cached, Contents, Environment, ExecError, Executor, Identify, Limited, ProcessResult,
    Request,
};
use kiln_store::Store;

use crate::engine::{Download, Setup, out_folder};
use crate::in_workspace::InWorkspace;

/// What this machine runs by itself: sandboxes, the workspace, and containers.
struct Here {
    local: LocalExecutor,
    workspace: Arc<InWorkspace>,
    docker: Arc<DockerExecutor>,
}

impl Executor for Here {
    fn execute<'a>(
        &'a self,
        request: Request<'a>,
    ) -> BoxFuture<'a, Result<ProcessResult, ExecError>> {
        match request.environment {
            Environment::Docker(_) => self.docker.execute(request),
            Environment::Workspace => self.workspace.execute(request),
            _ => self.local.execute(request),
        }
    }
}

/// What can be used besides the sandboxes of this machine.
struct Elsewhere {
    docker: Arc<DockerExecutor>,
    workspace: Arc<InWorkspace>,
    workers: Option<Client>,
}

impl Identify for Elsewhere {
    fn identity<'a>(&'a self, environment: &'a Environment) -> BoxFuture<'a, Result<String, Diag>> {
        async move {
            let what = match environment {
                Environment::Local => return Ok(String::new()),
                // Its id says all that is in it (ENV-091, ENV-108).
                Environment::Docker(docker) => {
                    let image = self.docker.image(docker).await?;
                    return Ok(format!("docker {} {image}", docker.platform));
                }
                // What workers are besides, they say by their properties (ENV-120).
                Environment::Remote(remote) if self.workers.is_some() => {
                    return Ok(format!(
                        "remote {} {:?}",
                        remote.platform, remote.properties
                    ));
                }
                Environment::Workspace => {
                    let isolation = self.workspace.ready().await?.tier().identity();
                    return Ok(isolation.to_owned());
                }
                Environment::Remote(_) => "remote execution is off",
            };
            Err(Diag::environment(what)
                .hint("name a `local_environment`, or set `fallback_environment` to one"))
        }
        .boxed()
    }

    fn variables<'a>(
        &'a self,
        environment: &'a Environment,
    ) -> BoxFuture<'a, Result<Option<BTreeMap<String, String>>, Diag>> {
        async move {
            match environment {
                Environment::Docker(docker) => self.docker.variables(docker).await.map(Some),
                _ => Ok(None),
            }
        }
        .boxed()
    }

    fn probe<'a>(&'a self, environment: &'a Environment) -> BoxFuture<'a, Result<String, Diag>> {
        async move {
            match (environment, &self.workers) {
                (Environment::Docker(docker), _) => self.docker.probe(docker).await,
                (Environment::Remote(_), Some(workers)) => workers.probe().await,
                _ => Ok("this machine".to_owned()),
            }
        }
        .boxed()
    }
}

/// What runs processes.
pub(crate) struct Executors {
    /// Slots, and what they are for.
    processes: Arc<Bounded<Here>>,
    /// Tells environments apart.
    pub(crate) elsewhere: Arc<dyn Identify>,
    /// The remote cache, if there is one.
    remote: Option<Client>,
    /// The server whose workers run actions, if there is one.
    workers: Option<Client>,
    /// Where contents are: the store, and the server that outputs were left at.
    pub(crate) contents: Arc<dyn Contents>,
    pub(crate) actions: Arc<Cached<Arc<dyn Executor>>>,
    pub(crate) tests: Arc<Cached<Arc<dyn Executor>>>,
}

impl Executors {
    /// The servers in use.
    pub(crate) fn servers(&self) -> impl Iterator<Item = &Client> {
        [&self.remote, &self.workers].into_iter().flatten()
    }

    /// What could not be recorded.
    pub(crate) fn warnings(&self) -> Vec<Diag> {
        let containers = self.processes.inner().docker.warnings();
        [self.actions.warnings(), self.tests.warnings(), containers].concat()
    }

    /// Runs a program in a container, with the standard streams of this process.
    pub(crate) async fn run_attached(&self, job: &Attached<'_>) -> Result<u8, Diag> {
        self.processes.inner().docker.run_attached(job).await
    }

    /// Waits for containers that are being started or removed.
    pub(crate) async fn close(&self) {
        self.processes.inner().docker.close().await;
    }

    /// What the sandbox cannot enforce on this machine.
    pub(crate) fn sandbox_warnings(&self) -> Vec<Diag> {
        self.processes.inner().local.warnings().to_vec()
    }

    /// What actions on this machine are isolated by, as part of their keys.
    pub(crate) fn isolation(&self) -> &'static str {
        self.processes.inner().local.tier().identity()
    }
}

/// Innermost first: sandboxes and containers, slots for them, for tests the limit of their number,
/// if there is a remote cache inputs that were left there, and the cache itself, workers of a server if there are any, and the local cache before all
/// (PX-040).
pub(crate) fn executors(
    setup: &Setup,
    store: &Store,
    zygotes: Arc<ZygoteServer>,
) -> Result<Executors, Diag> {
    let mut config = sandboxes(&setup.cache, setup.sandbox, setup.action_limits);
    config.keep = setup.keep;
    config.keep_dir = out_folder(&setup.cache, &setup.workspace).join("sandboxes");
    let out = out_folder(&setup.cache, &setup.workspace);
    let settings = (config.clone(), setup.workspace.clone(), out);
    let workspace = Arc::new(InWorkspace::new(settings, store.clone(), zygotes.clone()));
    let local = LocalExecutor::new(config, store.clone(), zygotes)?;
    let docker = Arc::new(DockerExecutor::new(containers(setup), store.clone()));
    let here = Here {
        local,
        workspace: workspace.clone(),
        docker: docker.clone(),
    };
    let processes = Arc::new(Bounded::new(here, setup.jobs));
    // More tests than processes cannot run, so that is no limit.
    let test_jobs = setup.test_jobs.unwrap_or(setup.jobs);
    let tests = Limited::new(processes.clone(), test_jobs);
    let remote = setup.remote.clone().map(Client::new).transpose()?;
    let workers = setup.workers.clone().map(Client::new).transpose()?;
    let left = remote.clone().map(|client| left_at(client, setup, store));
    let contents: Arc<dyn Contents> = match &left {
        Some(left) => left.clone(),
        None => Arc::new(store.clone()),
    };
    let cached = |inner: Arc<dyn Executor>| -> Arc<Cached<Arc<dyn Executor>>> {
        let mut inner = inner;
        if let Some(left) = &left {
            let here = InputsHere::new(inner, left.clone());
            inner = Arc::new(RemoteCached::with(here, left.clone()));
        }
        if let (Some(left), Some(workers)) = (&left, &workers) {
            let jobs = setup.jobs as usize;
            let away = RemoteExecutor::with(left.clone(), workers.clone(), jobs);
            let placed = Placed::new(inner, away, workers.clone());
            inner = Arc::new(placed.named_only(setup.named_environments));
        }
        Arc::new(Cached::new(inner, store.clone()).with_contents(contents.clone()))
    };
    Ok(Executors {
        elsewhere: Arc::new(Elsewhere {
            docker,
            workspace,
            workers: workers.clone(),
        }),
        contents: contents.clone(),
        actions: cached(processes.clone()),
        tests: cached(Arc::new(tests)),
        processes,
        remote,
        workers,
    })
}

/// What stays at the server.
fn left_at(client: Client, setup: &Setup, store: &Store) -> Arc<RemoteContents> {
    let contents = RemoteContents::new(client, store.clone());
    let at_once = setup.download_at_once.clone();
    let some = !at_once.is_empty();
    Arc::new(match setup.download {
        Download::All => contents,
        Download::Toplevel | Download::Minimal => {
            let fits: AtOnce = Box::new(move |path| at_once.fits(path));
            contents.leaving(some.then_some(fits))
        }
    })
}

/// How sandboxes of this machine are set.
pub(crate) fn sandboxes(cache: &Path, sandbox: Sandbox, limits: Limits) -> LocalConfig {
    let mut config = LocalConfig::new(cache.join("exec"));
    config.sandbox = sandbox;
    config.limits = limits;
    config
}

/// Sandboxes of this machine alone, so many at a time, for a server. Must be called within a tokio
/// runtime.
pub(crate) fn sandboxes_only(
    config: LocalConfig,
    jobs: u32,
    store: &Store,
    zygotes: Arc<ZygoteServer>,
) -> Result<Arc<Bounded<LocalExecutor>>, Diag> {
    let local = LocalExecutor::new(config, store.clone(), zygotes)?;
    Ok(Arc::new(Bounded::new(local, jobs)))
}

/// How containers are used.
fn containers(setup: &Setup) -> DockerConfig {
    let mut config = DockerConfig::new(setup.cache.join("containers"), &setup.workspace);
    config.variables = setup.environment.clone();
    config.memory = setup.action_limits.memory;
    config.processes = match setup.action_limits.processes {
        ProcessLimit::Many => config.processes,
        ProcessLimit::AtMost(number) => Some(number),
        ProcessLimit::Unlimited => None,
    };
    config
}
