//! The executor: one action from its plan to its result.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use kiln_base::RelPath;
use kiln_diag::Diag;
use kiln_exec_root::{Plan, Seen, stopped_note, strays};
use kiln_process::{ExecError, Executor, Exit, Observer, Process, ProcessResult, Request, Source};
use kiln_store::Store;
use kiln_tree::Tree;

use crate::config::LocalConfig;
use crate::keep::{KeepJob, Keeper};
use crate::slot::{LaunchSettings, Pool, Slot};
use crate::tail::Tail;
use crate::tier::Tier;
use crate::trees::Planned;
use crate::zygote::ZygoteServer;
use crate::zygote::wire::{End, Reply};
use crate::{failure, tier};

/// Runs processes on this machine, each in a sandbox of its own.
pub struct LocalExecutor {
    shared: Arc<Shared>,
    settings: LaunchSettings,
    warnings: Vec<Diag>,
}

struct Shared {
    /// The folders that are shown in a workspace, if actions run in one.
    places: Vec<(String, PathBuf)>,
    pool: Pool,
    store: Store,
    tier: Tier,
    keeper: Keeper,
}

impl LocalExecutor {
    /// Sets up execution and tries, by doing all of it once, what this machine permits.
    ///
    /// Errors: the scratch folder cannot be made; the isolation that is asked for is refused.
    pub fn new(
        config: LocalConfig,
        store: Store,
        zygotes: Arc<ZygoteServer>,
    ) -> Result<LocalExecutor, Diag> {
        let settings = LaunchSettings {
            writable_root: config.writable_root,
            grace: u64::try_from(config.grace.as_millis()).unwrap_or(u64::MAX),
            watch: false,
        };
        let found = tier::find(&config, &store, &zygotes)?;
        let workspace = config.workspace.as_ref();
        let shared = Shared {
            places: workspace.map_or_else(Vec::new, |workspace| workspace.shown.clone()),
            pool: found.pool,
            store,
            tier: found.tier,
            keeper: Keeper::new(&config),
        };
        Ok(LocalExecutor {
            shared: Arc::new(shared),
            settings,
            warnings: found.warnings,
        })
    }

    /// What this machine lets actions be isolated by.
    pub fn tier(&self) -> Tier {
        self.shared.tier
    }

    /// What cannot be enforced on this machine, and how to allow it; to be said once.
    pub fn warnings(&self) -> &[Diag] {
        &self.warnings
    }

    fn plan(&self, process: &Process, writable: bool) -> Result<Plan, ExecError> {
        let shared = &self.shared;
        // Without mounts no folder can be shown, and one that is shown whole cannot be added to.
        let shown = shared.tier.is_hermetic() && !writable;
        let trees = shown.then_some(&*shared.pool.trees);
        let mut planned = Planned::new(trees);
        let plan = Plan::of(process, &mut planned)?;
        for tree in planned.wanted {
            let (trees, store) = (shared.pool.trees.clone(), shared.store.clone());
            // This action does not wait for it: it is for those to come.
            tokio::task::spawn_blocking(move || trees.build(&tree, &store));
        }
        Ok(plan)
    }

    /// Makes the places that folders of the exec root are shown at, where it has such folders.
    fn places(&self, process: &Process) -> Result<(), ExecError> {
        for (name, at) in &self.shared.places {
            let below = |output| process.workdir.append(output).components().next() == Some(name);
            let used = process.inputs.entry(name).is_some() || process.outputs.iter().any(below);
            if used && !at.is_dir() {
                std::fs::create_dir_all(at)
                    .map_err(|error| ExecError::Failed(Diag::io("cannot make", at, &error)))?;
            }
        }
        Ok(())
    }

    /// A worker with the action under way. One that died while it was idle, for want of memory on
    /// the machine say, is let go, and another is taken.
    async fn launch(
        &self,
        process: &Process,
        plan: &Plan,
        settings: LaunchSettings,
    ) -> Result<Slot, ExecError> {
        loop {
            let mut slot = self.shared.pool.take(process.network).await?;
            match slot.launch(process, plan, &self.shared.store, settings) {
                Ok(()) => return Ok(slot),
                Err(_) if slot.died_idle() => {}
                Err(error) => {
                    // Whatever failed, it failed before the worker was told.
                    self.shared.pool.put(slot);
                    return Err(error);
                }
            }
        }
    }

    async fn run(&self, request: Request<'_>) -> Result<ProcessResult, ExecError> {
        let process = request.process;
        let mut settings = self.settings;
        settings.writable_root |= request.writable;
        settings.watch = request.declared.is_some() && self.shared.tier == Tier::Workspace;
        let plan = self.plan(process, settings.writable_root)?;
        self.places(process)?;
        let slot = self.launch(process, &plan, settings).await?;
        request.observer.started();
        let running = Running {
            slot: Some(slot),
            shared: &self.shared,
        };
        let (slot, reply) = running.end(request.observer).await?;
        let reply = match (reply, slot.group.hit()) {
            (Ok(reply), _) => reply,
            // The kernel may have chosen the worker when memory ran out.
            (Err(_), Some(resource)) => Reply::Done {
                end: End::Limit(resource),
                elapsed: 0,
                reads: None,
            },
            (Err(error), None) => return Err(error),
        };
        match reply {
            Reply::Done {
                end,
                elapsed,
                reads,
            } => {
                let finished = Finished {
                    slot,
                    shared: self.shared.clone(),
                    plan,
                    workdir: process.workdir.clone(),
                    declared: match request.optional_outputs {
                        true => Vec::new(),
                        false => process.outputs.clone(),
                    },
                    end,
                    elapsed: Duration::from_nanos(elapsed),
                    unlisted_reads: unlisted(&request, reads),
                    progress: request.describe.progress.clone(),
                    timeout: process.timeout.unwrap_or_default(),
                    keep: self.shared.keeper.job(&request, settings.writable_root),
                };
                // What takes microseconds is not worth another thread's waking up.
                if finished.is_small() {
                    return finished.result();
                }
                let harvested = tokio::task::spawn_blocking(move || finished.result()).await;
                harvested.map_err(|_| ExecError::Failed(Diag::internal("harvest panicked")))?
            }
            Reply::Failed(failed) => {
                self.shared.pool.put(slot);
                Err(failure::of_action(&failed, process, &plan))
            }
            Reply::Ready => Err(failure::lost()),
        }
    }
}

impl Executor for LocalExecutor {
    fn execute<'a>(
        &'a self,
        request: Request<'a>,
    ) -> BoxFuture<'a, Result<ProcessResult, ExecError>> {
        self.run(request).boxed()
    }
}

/// Files that were read and are neither inputs nor declared otherwise.
fn unlisted(request: &Request<'_>, reads: Option<Vec<String>>) -> Option<Vec<RelPath>> {
    let declared = request.declared?;
    let reads = reads?
        .into_iter()
        .filter_map(|path| RelPath::new(&path).ok());
    let inputs = &request.process.inputs;
    let unlisted = reads.filter(|path| inputs.get(path).is_none() && !declared.covers(path));
    Some(unlisted.collect())
}

/// An action under way: dropping it kills the action.
struct Running<'a> {
    slot: Option<Slot>,
    shared: &'a Shared,
}

impl Running<'_> {
    /// The slot, and the reply; an error if the worker is lost.
    async fn end(
        mut self,
        observer: &dyn Observer,
    ) -> Result<(Slot, Result<Reply, ExecError>), ExecError> {
        let Some(slot) = &self.slot else {
            return Err(failure::lost());
        };
        // An output that cannot be watched is in the result all the same.
        let reply = match Tail::new(&slot.files, observer).ok().flatten() {
            Some(tail) => tail.follow(slot.reply()).await,
            None => slot.reply().await,
        };
        let slot = self.slot.take();
        // A worker that is lost is not put back: its slot ends with this action.
        slot.map_or_else(|| Err(failure::lost()), |slot| Ok((slot, reply)))
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(mut slot) = self.slot.take() {
            slot.kill();
            self.shared.pool.put(slot);
        }
    }
}

/// An action whose processes are all gone.
struct Finished {
    slot: Slot,
    shared: Arc<Shared>,
    plan: Plan,
    workdir: RelPath,
    /// The declared outputs, if all of them have to be there.
    declared: Vec<RelPath>,
    end: End,
    elapsed: Duration,
    progress: String,
    timeout: Duration,
    keep: Option<KeepJob>,
    unlisted_reads: Option<Vec<RelPath>>,
}

/// Outputs up to this many, and up to this many bytes together, are taken in on the spot.
const FEW_OUTPUTS: usize = 8;
const SMALL_OUTPUTS: u64 = 128 << 10;

impl Finished {
    /// Whether taking the outputs in is quick: a few files, and short ones.
    fn is_small(&self) -> bool {
        if self.keep.is_some() || self.plan.outputs.len() > FEW_OUTPUTS {
            return false;
        }
        let files = &self.slot.files;
        let outputs = self.plan.outputs.iter().map(|output| {
            let folder = self
                .shared
                .tier
                .scratch_folder(files, &self.plan, output.scratch);
            folder.join(output.inside.as_str())
        });
        let mut left = SMALL_OUTPUTS;
        for path in outputs.chain([files.stdout(), files.stderr()]) {
            let length = match std::fs::symlink_metadata(path) {
                Ok(metadata) if metadata.is_dir() => return false,
                Ok(metadata) => metadata.len(),
                Err(_) => 0,
            };
            let Some(rest) = left.checked_sub(length) else {
                return false;
            };
            left = rest;
        }
        true
    }

    fn result(self) -> Result<ProcessResult, ExecError> {
        let result = self.collect();
        // A limit that was hit once would be taken for one that the next action hit.
        if !matches!(self.end, End::Limit(_)) {
            self.shared.pool.put(self.slot);
        }
        result.map_err(ExecError::Failed)
    }

    fn collect(&self) -> Result<ProcessResult, Diag> {
        let (files, store) = (&self.slot.files, &self.shared.store);
        let exit = match self.end {
            End::Code(code) => Exit::Code(code),
            End::Signal(signal) => Exit::Signal(signal),
            End::TimedOut => Exit::TimedOut,
            End::Limit(resource) => Exit::Limit(self.shared.pool.limiter().hit(resource)),
            End::Killed => Exit::Signal(libc::SIGKILL),
        };
        if matches!(exit, Exit::Code(1..) | Exit::Signal(_))
            && let Some(full) = failure::no_space(&files.stderr())
        {
            return Err(full);
        }
        let suffix = stopped_note(exit, self.timeout, &self.progress);
        // What was stopped half-way has no outputs.
        let outputs = match suffix.is_empty() {
            false => Tree::empty(),
            true => {
                let tier = self.shared.tier;
                let folder = |number| tier.scratch_folder(files, &self.plan, number);
                let seen = Seen {
                    exec_root: self.slot.work_root(),
                    workdir: &self.workdir,
                };
                kiln_exec_root::outputs(store, &self.plan.outputs, &seen, &folder)?
            }
        };
        let mut result = ProcessResult {
            exit,
            stdout: kiln_exec_root::stream(store, &files.stdout(), "")?,
            stderr: kiln_exec_root::stream(store, &files.stderr(), &suffix)?,
            outputs,
            elapsed: self.elapsed,
            source: Source::Ran,
            sandbox: None,
            strays: Vec::new(),
            unlisted_reads: self.unlisted_reads.clone(),
            left: Vec::new(),
        };
        if result.exit.success() && result.lacks(&self.declared).is_some() {
            let folder = |number| self.shared.tier.scratch_folder(files, &self.plan, number);
            result.strays = strays(&self.plan, &self.workdir, &self.declared, &folder);
        }
        if let Some(job) = &self.keep {
            result.sandbox = self.shared.keeper.keep(job, &result, store)?;
        }
        Ok(result)
    }
}
