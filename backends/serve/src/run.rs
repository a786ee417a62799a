//! One run of an action, for all who ask for it at the same time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared as SharedFuture, WeakShared};
use kiln_base::Digest;
use kiln_diag::{Diag, Fault};
use kiln_process::{
    Description, Environment, ExecError, Executor, Exit, Observer, ProcessResult, Request as Run,
};
use kiln_proto::ActionResult;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, watch};
use tonic::Code;

use crate::action::{Prepared, prepare};
use crate::inputs::Folders;
use crate::operations::Stage;
use crate::outcome::{self, Times};
use crate::request::Refused;
use crate::results::record;
use crate::shared::{Shared, blocking};
use crate::status::{missing, status};

/// What runs actions.
pub(crate) struct Runner {
    shared: Arc<Shared>,
    executor: Arc<dyn Executor>,
    folders: Arc<Folders>,
    /// Input trees are in memory from here on: as many as can run, and as many more.
    turns: Semaphore,
    under_way: Mutex<HashMap<Digest, UnderWay>>,
}

type Future = BoxFuture<'static, Result<Arc<Ended>, Refused>>;

/// A run that goes on as long as somebody else waits for it.
type UnderWay = (WeakShared<Future>, watch::Receiver<Stage>);

/// A run under way: when the last who waits for it goes, its process is ended.
pub(crate) struct Running {
    pub(crate) end: SharedFuture<Future>,
    pub(crate) stage: watch::Receiver<Stage>,
}

/// What came of an action.
pub(crate) struct Ended {
    pub(crate) result: ActionResult,
    /// An error that comes with the result.
    pub(crate) status: Option<Refused>,
}

/// Passes on that a process has started.
struct Stages(watch::Sender<Stage>);

impl Observer for Stages {
    fn started(&self) {
        // Who does not listen any more has gone.
        let _ = self.0.send(Stage::Executing);
    }
}

impl Runner {
    pub(crate) fn new(shared: Arc<Shared>, executor: Arc<dyn Executor>, jobs: usize) -> Runner {
        let turns = jobs.max(1).saturating_mul(2).min(Semaphore::MAX_PERMITS);
        Runner {
            shared,
            executor,
            folders: Arc::new(Folders::default()),
            turns: Semaphore::new(turns),
            under_way: Mutex::default(),
        }
    }

    /// Begins a run; with `join` one that is under way will do (REAPI: `Action.do_not_cache`).
    pub(crate) fn begin(
        self: &Arc<Self>,
        action: Digest,
        describe: Description,
        join: bool,
    ) -> Running {
        if !join {
            let (end, stage) = self.start(action, describe);
            return Running { end, stage };
        }
        let mut under_way = self.under_way.lock();
        if let Some((end, stage)) = under_way.get(&action)
            && let Some(end) = end.upgrade()
        {
            let stage = stage.clone();
            return Running { end, stage };
        }
        // Those that were given up are forgotten.
        under_way.retain(|_, (end, _)| end.upgrade().is_some());
        let (end, stage) = self.start(action, describe);
        if let Some(weak) = end.downgrade() {
            under_way.insert(action, (weak, stage.clone()));
        }
        Running { end, stage }
    }

    fn start(
        self: &Arc<Self>,
        action: Digest,
        describe: Description,
    ) -> (SharedFuture<Future>, watch::Receiver<Stage>) {
        let (sender, stage) = watch::channel(Stage::Queued);
        let runner = self.clone();
        let run = async move { runner.run(action, &describe, Stages(sender)).await };
        (run.boxed().shared(), stage)
    }

    async fn run(
        &self,
        action: Digest,
        describe: &Description,
        stages: Stages,
    ) -> Result<Arc<Ended>, Refused> {
        let queued = SystemTime::now();
        // The semaphore is never closed, so there is always a permit in the end.
        let _turn = self.turns.acquire().await.ok();
        let started = SystemTime::now();
        let (store, folders) = (self.shared.store.clone(), self.folders.clone());
        let prepared = blocking(move || prepare(&store, &folders, &action)).await;
        let prepared = prepared.map_err(inner)??;
        let run = Run {
            process: &prepared.process,
            environment: &Environment::Local,
            action,
            describe,
            slots: 1,
            exclusive: false,
            // Tests may write beside their inputs, and nobody says which actions are tests.
            writable: true,
            // What is not there is left out of the result, and the client says what that means.
            optional_outputs: true,
            declared: None,
            reads: kiln_process::Reads::All,
            observer: &stages,
        };
        let result = self.executor.execute(run).await.map_err(failed)?;
        let times = Times { queued, started };
        self.conclude(action, prepared, result, times).await
    }

    /// The answer to a process that ended; what went well is kept (R19).
    async fn conclude(
        &self,
        action: Digest,
        prepared: Prepared,
        result: ProcessResult,
        times: Times,
    ) -> Result<Arc<Ended>, Refused> {
        let shared = self.shared.clone();
        blocking(move || {
            let outcome = outcome::encode(&shared.store, &prepared.asked, &result, times);
            let outcome = outcome.map_err(|error| inner(shared.trouble(error)))?;
            if result.exit.success() && !prepared.asked.action.do_not_cache {
                // What cannot be kept is run again another time; whoever runs the server was told.
                let _ = record(&shared, &action, &outcome);
            }
            // REAPI: a timeout is an error that comes with a result.
            let status = (result.exit == Exit::TimedOut).then(|| {
                let seconds = prepared.process.timeout.unwrap_or_default().as_secs_f64();
                let text = format!("the action was still running after {seconds} s, its timeout");
                status(Code::DeadlineExceeded, text)
            });
            Ok(Arc::new(Ended {
                result: outcome.message,
                status,
            }))
        })
        .await
        .map_err(inner)?
    }
}

/// An error of a call within an answer.
pub(crate) fn inner(error: tonic::Status) -> Refused {
    status(error.code(), error.message())
}

/// What went wrong around a process.
fn failed(error: ExecError) -> Refused {
    match error {
        ExecError::MissingBlob(digest) => missing(&[digest]),
        ExecError::Unavailable(diag) => status(Code::Unavailable, text(&diag)),
        ExecError::Failed(diag) => match diag.fault() {
            // The action is wrong: it asks for a program that is not there, say (PX-016).
            Fault::Build | Fault::Usage => status(Code::InvalidArgument, text(&diag)),
            _ => status(Code::Internal, text(&diag)),
        },
    }
}

/// With its notes and hints; that it is an error, the client says.
fn text(diag: &Diag) -> String {
    let text = diag.render();
    match text.strip_prefix("error: ") {
        Some(rest) => rest.to_owned(),
        None => text,
    }
}
