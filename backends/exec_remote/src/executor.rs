//! Processes on a server's workers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use kiln_process::{CacheScope, ExecError, Executor, Exit, ProcessResult, Request, Source};
use kiln_store::Store;
use kiln_tree::Tree;
use tokio::sync::Semaphore;
use tonic::Code;

use crate::execute::{EXECUTE, Ended};
use crate::inputs::Inputs;
use crate::lookup::{Answer, Lookup};
use crate::{About, CallError, Client, RemoteContents};

/// How long an action may wait for a worker, beside its own time (R18, PX-104).
const QUEUE: Duration = Duration::from_secs(3_600);
/// How often inputs that the server lost are sent again.
const AGAIN: u32 = 3;

/// Runs processes on a server's workers (PX-101 to PX-107): a look-up, what the server lacks of
/// the inputs, then the action; outputs come to the local store.
///
/// Whatever the code of a failure is, the server is asked for the action's whole closure after it:
/// blobs that it lost are sent again (R5). One that is not here either is
/// [`ExecError::MissingBlob`].
pub struct RemoteExecutor {
    store: Client,
    workers: Client,
    local: Store,
    lookup: Lookup,
    running: Semaphore,
}

impl RemoteExecutor {
    /// `store` is the server for contents and results, `workers` that for execution; mostly they
    /// are one. Contents go to `local`, and at most `most` actions run at a time.
    pub fn new(store: Client, workers: Client, local: Store, most: usize) -> RemoteExecutor {
        let contents = RemoteContents::new(store, local);
        RemoteExecutor::with(Arc::new(contents), workers, most)
    }

    /// As [`RemoteExecutor::new`]; `contents` decides what comes to the store when.
    pub fn with(contents: Arc<RemoteContents>, workers: Client, most: usize) -> RemoteExecutor {
        RemoteExecutor {
            store: contents.client.clone(),
            workers,
            local: contents.store.clone(),
            lookup: Lookup::new(contents),
            running: Semaphore::new(most.clamp(1, Semaphore::MAX_PERMITS)),
        }
    }

    /// A result that the server knows.
    async fn known(&self, about: &About, request: &Request<'_>) -> Option<ProcessResult> {
        let scope = matches!(
            request.process.cache,
            CacheScope::Successful | CacheScope::Always
        );
        if !scope || !self.store.0.config.read || !self.lookup.is_trusted(&request.action) {
            return None;
        }
        let claim = self.lookup.get(about, &request.action).await.ok()??;
        match self.lookup.take(about, request, claim).await {
            Answer::Hit(result) => Some(*result),
            Answer::Miss | Answer::Failed(_) => None,
        }
    }

    async fn run(&self, about: &About, request: &Request<'_>) -> Result<ProcessResult, CallError> {
        self.workers.workers().await?;
        self.send(about, &Inputs::new_to(&self.store, request))
            .await?;
        let told = AtomicBool::new(false);
        let started = || {
            if !told.swap(true, Ordering::Relaxed) {
                request.observer.started();
            }
        };
        let mut again = 0;
        loop {
            // A result that was of no use, or must be a new one, is not asked for again (R6).
            let trusted = self.lookup.is_trusted(&request.action);
            let skip = request.process.cache == CacheScope::Refresh || !trusted;
            let ended = self
                .workers
                .execute(about, &request.action, skip, &started)
                .await;
            let error = match ended {
                Ok(ended) => match self.admit(about, request, ended, skip).await {
                    Ok(Some(result)) => return Ok(result),
                    // What the server knew was no answer: a new run, from here on.
                    Ok(None) => continue,
                    // What it made is lost or is not what it says: workers make it again.
                    Err(error) if error.is_spoilt() && again < AGAIN => {
                        again += 1;
                        self.lookup.distrust(&request.action);
                        continue;
                    }
                    Err(error) => error,
                },
                Err(error) => error,
            };
            again += 1;
            if again > AGAIN || !self.repair(about, request, &error).await? {
                return Err(error);
            }
        }
    }

    /// The result with what must be here of it; `None` if a known one is no answer to this request.
    async fn admit(
        &self,
        about: &About,
        request: &Request<'_>,
        ended: Ended,
        skipped: bool,
    ) -> Result<Option<ProcessResult>, CallError> {
        let (claim, cached, timed_out) = match ended {
            Ended::Done { result, cached } => (result, cached, false),
            Ended::TimedOut(result) => (result, false, true),
        };
        let failed = claim.exit_code != 0 && request.process.cache != CacheScope::Always;
        if cached && failed && !skipped {
            self.lookup.distrust(&request.action);
            return Ok(None);
        }
        let mut result = match self.lookup.admit(about, request, *claim, !cached).await {
            // A known result whose blobs are gone.
            Err(error) if cached && !skipped && error.code == Code::NotFound => {
                self.lookup.distrust(&request.action);
                return Ok(None);
            }
            result => result?,
        };
        result.source = match cached {
            true => Source::RemoteCache,
            false => Source::Ran,
        };
        if timed_out {
            result.exit = Exit::TimedOut;
            result.outputs = Tree::empty();
            result.left.clear();
        }
        Ok(Some(result))
    }

    /// Sends what the server lacks.
    async fn send(&self, about: &About, inputs: &Inputs) -> Result<(), CallError> {
        let limits = self.store.limits().await?;
        let (digests, at_hand) = (&inputs.digests, &inputs.at_hand);
        self.store
            .upload(about, &self.local, &limits, digests, at_hand)
            .await?;
        self.store.remember_folders(&inputs.folders, digests);
        Ok(())
    }

    /// Whether another try may go better: inputs were lacking and are there again.
    async fn repair(
        &self,
        about: &About,
        request: &Request<'_>,
        error: &CallError,
    ) -> Result<bool, CallError> {
        if error.lost.is_some() || error.code == Code::DataLoss {
            return Ok(false);
        }
        let inputs = Inputs::all(request);
        inputs
            .digests
            .iter()
            .for_each(|digest| self.store.forget(digest));
        let missing = self.store.find_missing(about, &inputs.digests).await?;
        if missing.is_empty() {
            return Ok(false);
        }
        self.send(about, &inputs).await?;
        Ok(true)
    }

    fn error(&self, error: &CallError) -> ExecError {
        if let Some(lost) = error.lost {
            return ExecError::MissingBlob(lost);
        }
        let diag = error.diag(&self.workers.0.config.address);
        match is_ours(error) {
            true => ExecError::Failed(diag),
            false => {
                self.workers.0.tally.failure(error);
                ExecError::Unavailable(diag)
            }
        }
    }
}

/// Whether the action, the settings or this machine is at fault; a server that fails in whatever
/// way is as good as none.
fn is_ours(error: &CallError) -> bool {
    match error.code {
        // A program that is not there, say.
        Code::InvalidArgument => error.operation == EXECUTE,
        // It has no workers, and was said to have some.
        Code::Unimplemented => error.operation == "GetCapabilities",
        _ => error.operation == "store",
    }
}

impl Executor for RemoteExecutor {
    fn execute<'a>(
        &'a self,
        request: Request<'a>,
    ) -> BoxFuture<'a, Result<ProcessResult, ExecError>> {
        async move {
            let about = About::action(&request.action, request.describe);
            if let Some(result) = self.known(&about, &request).await {
                return Ok(result);
            }
            // The semaphore is never closed, so there is always a permit in the end.
            let _running = self.running.acquire().await.ok();
            let limit = request
                .process
                .timeout
                .unwrap_or(QUEUE)
                .saturating_add(QUEUE);
            match tokio::time::timeout(limit, self.run(&about, &request)).await {
                Ok(result) => result.map_err(|error| self.error(&error)),
                Err(_) => {
                    let text = format!("no answer within {} s", limit.as_secs());
                    Err(self.error(&CallError::new(EXECUTE, Code::DeadlineExceeded, text)))
                }
            }
        }
        .boxed()
    }
}
