//! The executor: one action from its plan to its result.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use kiln_base::RelPath;
use kiln_diag::Diag;
use kiln_exec_root::{Plan, Seen, outputs, stopped_note, strays, stream};
use kiln_process::{
    DockerEnvironment, Environment, ExecError, Executor, Exit, Limit, ProcessResult, Request,
    Source,
};
use kiln_store::Store;
use kiln_tree::Tree;
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use crate::archive;
use crate::attached::{self, Attached};
use crate::container::{Container, Kind, Sharing};
use crate::job;
use crate::layout::Layout;
use crate::pool::Pool;
use crate::run::{End, Ended, Lost};
use crate::{DockerConfig, client, image, layout, leftovers, run};

/// Runs processes in containers of a Docker engine. Nothing is asked of an engine before the first
/// of them.
pub struct DockerExecutor {
    config: DockerConfig,
    store: Store,
    pool: OnceCell<Pool>,
    images: Images,
    warnings: Mutex<Vec<Diag>>,
}

/// What images came down to, once for each in a session (ENV-090).
type Images = Mutex<HashMap<DockerEnvironment, Arc<OnceCell<String>>>>;

impl DockerExecutor {
    /// An executor that keeps results in `store`.
    pub fn new(config: DockerConfig, store: Store) -> DockerExecutor {
        DockerExecutor {
            config,
            store,
            pool: OnceCell::new(),
            images: Mutex::default(),
            warnings: Mutex::default(),
        }
    }

    /// The id of an environment's image, all that decides what a process does in there besides its
    /// inputs (ENV-091, ENV-108). An image that is not there is fetched.
    ///
    /// Errors: there is no engine, no such image, or it is made for another platform.
    pub async fn image(&self, environment: &DockerEnvironment) -> Result<String, Diag> {
        let cell = self
            .images
            .lock()
            .entry(environment.clone())
            .or_default()
            .clone();
        let id = cell.get_or_try_init(|| async {
            let pool = self.pool().await?;
            let warn = |warning| self.warnings.lock().push(warning);
            image::identify(pool.engine(), environment, &self.config.variables, &warn).await
        });
        id.await.cloned()
    }

    /// Runs a program in a container of its own, with the standard streams of this process, and
    /// returns its exit code.
    ///
    /// Errors: those of [`DockerExecutor::image`]; the engine does not see our files, or refuses.
    pub async fn run_attached(&self, job: &Attached<'_>) -> Result<u8, Diag> {
        let image = self.image(job.environment).await?;
        let pool = self.pool().await?;
        attached::run(pool, &self.config, image, job).await
    }

    /// The variables that an image gives what runs in it (ENV-080). An image that is not there is
    /// fetched.
    ///
    /// Errors: as of [`DockerExecutor::image`].
    pub async fn variables(
        &self,
        environment: &DockerEnvironment,
    ) -> Result<BTreeMap<String, String>, Diag> {
        let id = self.image(environment).await?;
        image::variables(self.pool().await?.engine(), &id).await
    }

    /// Asks the engine whether it is there and has the image. Nothing is fetched or started.
    ///
    /// Errors: there is no engine that can be used.
    pub async fn probe(&self, environment: &DockerEnvironment) -> Result<String, Diag> {
        let engine = client::connect(&self.config.variables).await?;
        let name = &environment.image;
        let image = match image::is_here(&engine, environment).await? {
            true => format!("image `{name}` is there"),
            false => format!("image `{name}` is not there yet"),
        };
        Ok(format!("Docker answers; {image}"))
    }

    /// Waits, for a while, until no container is being started or removed; the others end with this
    /// process (ENV-103).
    pub async fn close(&self) {
        if let Some(pool) = self.pool.get() {
            pool.close().await;
        }
    }

    /// What has to be said, once.
    pub fn warnings(&self) -> Vec<Diag> {
        std::mem::take(&mut *self.warnings.lock())
    }

    async fn pool(&self) -> Result<&Pool, Diag> {
        let pool = self.pool.get_or_try_init(|| async {
            let engine = Arc::new(client::connect(&self.config.variables).await?);
            leftovers::remove(engine.clone());
            Pool::new(engine, &self.config)
        });
        pool.await
    }

    async fn run(&self, request: Request<'_>) -> Result<ProcessResult, ExecError> {
        let Environment::Docker(environment) = request.environment else {
            let other = format!("no container is meant by {:?}", request.environment);
            return Err(ExecError::Failed(Diag::internal(other)));
        };
        let process = request.process;
        let image = self.image(environment).await.map_err(ExecError::Failed)?;
        let pool = self.pool().await.map_err(ExecError::Failed)?;
        let plan = Arc::new(Plan::of(process, &mut ())?);
        let kind = Kind {
            name: environment.image.clone(),
            image,
            network: process.network,
        };
        let mut again = false;
        loop {
            let mut container = pool.take(&kind).await?;
            self.lay_out(pool, &container, &plan, request.writable)
                .await?;
            self.send_job(pool, &container, &request).await?;
            if !again {
                request.observer.started();
            }
            match run::run(&mut container, process.timeout, request.observer).await {
                Ok(ended) => return self.finish(request, pool, container, plan, ended).await,
                Err(Lost::Failed(error)) => return Err(error),
                // The container was ended from outside, or the engine was (ENV-101).
                Err(Lost::Container(_)) if !again => again = true,
                Err(Lost::Container(why)) => return Err(ExecError::Unavailable(lost(&kind, &why))),
            }
        }
    }

    /// Makes the job ready in a container whose exec root is put together.
    fn send_job(
        &self,
        pool: &Pool,
        container: &Container,
        request: &Request<'_>,
    ) -> impl Future<Output = Result<(), ExecError>> + Send + use<> {
        let root = job::exec_root(container.sharing, request.writable);
        let written =
            job::script(request.process, root).and_then(|script| container.write_job(&script));
        let far = (container.sharing == Sharing::Archives).then(|| container.far());
        let user = pool.user_in(container.sharing);
        async move {
            written.map_err(ExecError::Failed)?;
            match far {
                None => Ok(()),
                Some(far) => archive::send_job(&far, user, root).await,
            }
        }
    }

    /// Puts the inputs in place, and takes away what the last action left in `/tmp`.
    fn lay_out(
        &self,
        pool: &Pool,
        container: &Container,
        plan: &Arc<Plan>,
        writable: bool,
    ) -> impl Future<Output = Result<(), ExecError>> + Send + use<> {
        let (plan, store) = (plan.clone(), self.store.clone());
        let user = pool.user_in(container.sharing);
        let (root, tmp) = (container.root(), container.tmp());
        let built = tokio::task::spawn_blocking(move || {
            layout::empty(&tmp).map_err(|error| {
                ExecError::Failed(Diag::io(
                    "cannot remove what an action left in",
                    &tmp,
                    &error,
                ))
            })?;
            let layout = Layout {
                root: &root,
                store: &store,
                user,
            };
            layout.build(&plan, writable)
        });
        async move {
            let panicked = |_| ExecError::Failed(Diag::internal("laying out inputs panicked"));
            built.await.map_err(panicked)?
        }
    }

    async fn finish(
        &self,
        request: Request<'_>,
        pool: &Pool,
        container: Container,
        plan: Arc<Plan>,
        ended: Ended,
    ) -> Result<ProcessResult, ExecError> {
        let process = request.process;
        let root = job::exec_root(container.sharing, request.writable);
        let mut ended = ended;
        let mut container = container;
        if container.sharing == Sharing::Archives {
            if !matches!(ended.end, End::TimedOut | End::Killed) {
                archive::fetch(&container.far(), root, &plan.scratch).await?;
            }
            ended.clean = ended.clean && run::wipe(&mut container).await;
        }
        let finished = Finished {
            stdout: container.files.stdout(),
            stderr: container.files.stderr(),
            root: container.root(),
            exec_root: root,
            store: self.store.clone(),
            plan,
            workdir: process.workdir.clone(),
            declared: match request.optional_outputs {
                true => Vec::new(),
                false => process.outputs.clone(),
            },
            exit: self.exit(ended.end),
            elapsed: ended.elapsed,
            progress: request.describe.progress.clone(),
            timeout: process.timeout.unwrap_or_default(),
        };
        let collected = tokio::task::spawn_blocking(move || finished.collect()).await;
        if ended.clean {
            pool.put(container);
        }
        let panicked = |_| ExecError::Failed(Diag::internal("taking outputs in panicked"));
        collected.map_err(panicked)?.map_err(ExecError::Failed)
    }

    fn exit(&self, end: End) -> Exit {
        match (end, self.config.memory) {
            (End::Code(code), _) => Exit::Code(code),
            (End::TimedOut, _) => Exit::TimedOut,
            (End::OutOfMemory, Some(bytes)) => Exit::Limit(Limit::Memory(bytes)),
            (End::Killed | End::OutOfMemory, _) => Exit::Signal(SIGKILL),
        }
    }
}

const SIGKILL: i32 = 9;

impl Executor for DockerExecutor {
    fn execute<'a>(
        &'a self,
        request: Request<'a>,
    ) -> BoxFuture<'a, Result<ProcessResult, ExecError>> {
        self.run(request).boxed()
    }
}

fn lost(kind: &Kind, why: &str) -> Diag {
    Diag::environment(format!(
        "a container of image `{}` ended while an action ran in it, twice",
        kind.name
    ))
    .note(why.to_owned())
    .hint("something outside of kiln ended it, perhaps for want of memory")
}

/// An action whose processes are all gone.
struct Finished {
    stdout: PathBuf,
    stderr: PathBuf,
    root: PathBuf,
    /// As the action saw it.
    exec_root: &'static str,
    store: Store,
    plan: Arc<Plan>,
    workdir: RelPath,
    /// The declared outputs, if all of them have to be there.
    declared: Vec<RelPath>,
    exit: Exit,
    elapsed: Duration,
    progress: String,
    timeout: Duration,
}

impl Finished {
    fn collect(&self) -> Result<ProcessResult, Diag> {
        let suffix = stopped_note(self.exit, self.timeout, &self.progress);
        let folder = |number: u32| {
            let at = self.plan.scratch.get(number as usize);
            self.root.join(at.map(String::as_str).unwrap_or_default())
        };
        // What was stopped half-way has no outputs.
        let outputs = match suffix.is_empty() {
            false => Tree::empty(),
            true => {
                let seen = Seen {
                    exec_root: self.exec_root,
                    workdir: &self.workdir,
                };
                outputs(&self.store, &self.plan.outputs, &seen, &folder)?
            }
        };
        let mut result = ProcessResult {
            exit: self.exit,
            stdout: stream(&self.store, &self.stdout, "")?,
            stderr: stream(&self.store, &self.stderr, &suffix)?,
            outputs,
            elapsed: self.elapsed,
            source: Source::Ran,
            sandbox: None,
            strays: Vec::new(),
            unlisted_reads: None,
            left: Vec::new(),
        };
        if result.exit.success() && result.lacks(&self.declared).is_some() {
            result.strays = strays(&self.plan, &self.workdir, &self.declared, &folder);
        }
        Ok(result)
    }
}
