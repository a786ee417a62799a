//! One action on a server's workers: from `Execute` to its answer, whatever breaks in between.

use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use kiln_base::Digest;
use kiln_proto::{
    ActionResult, CancelOperationRequest, ExecuteOperationMetadata, ExecuteRequest,
    ExecuteResponse, ExecutionClient, Operation, OperationsClient, Outcome, SHA256,
    WaitExecutionRequest,
};
use parking_lot::Mutex;
use tonic::{Code, Streaming};

use crate::call::backoff;
use crate::cas::message;
use crate::client::MAX_ANSWER;
use crate::{About, CallError, Client, Down};

pub(crate) const EXECUTE: &str = "Execute";
const WAIT: &str = "WaitExecution";
/// `EXECUTING` of `ExecutionStage.Value`.
const EXECUTING: i32 = 3;

/// A stream that held so long is no reason to give up when it breaks.
const STEADY: Duration = Duration::from_secs(5);

/// How an execution ended.
pub(crate) enum Ended {
    /// With a result.
    Done {
        result: Box<ActionResult>,
        /// Whether it was known before.
        cached: bool,
    },
    /// It ran longer than it may; what it printed until then.
    TimedOut(Box<ActionResult>),
}

/// An operation under way. Dropped before its end, it is cancelled: servers go on otherwise.
struct UnderWay<'a> {
    client: &'a Client,
    about: &'a About,
    name: Mutex<Option<String>>,
    /// The furthest stage that the server told of; -1: nothing yet.
    stage: AtomicI32,
}

impl UnderWay<'_> {
    fn name(&self) -> Option<String> {
        self.name.lock().clone()
    }

    /// What it is called from now on; `None` once the server has nothing to do with it any more.
    fn rename(&self, name: Option<String>) -> Option<String> {
        let mut known = self.client.0.under_way.lock();
        if let Some(name) = &name {
            known.insert(name.clone(), self.about.clone());
        }
        let old = std::mem::replace(&mut *self.name.lock(), name.clone());
        if let Some(old) = &old
            && old != name.as_deref().unwrap_or_default()
        {
            known.remove(old);
        }
        old
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let Some(name) = self.rename(None) else {
            return;
        };
        let (client, about) = (self.client.clone(), self.about.clone());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { client.cancel(&about, name).await });
        }
    }
}

impl Client {
    async fn cancel(&self, about: &About, name: String) {
        let Ok(request) = self.request(about, CancelOperationRequest { name }).await else {
            return;
        };
        let mut operations = OperationsClient::new(self.0.channel.clone());
        // A server that cannot cancel wastes its own time.
        let cancel = operations.cancel_operation(request);
        let _ = tokio::time::timeout(Duration::from_secs(10), cancel).await;
    }

    /// Has the server end all that it still runs for us, and waits for its answers, so long at most
    /// (R21): for the end of a command that was interrupted. It blocks. Must be called within a
    /// runtime.
    pub fn cancel_all(&self, patience: Duration) {
        let names: Vec<(String, About)> = self.0.under_way.lock().drain().collect();
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let (done, all_done) = std::sync::mpsc::channel::<()>();
        for (name, about) in names {
            let (client, done) = (self.clone(), done.clone());
            runtime.spawn(async move {
                client.cancel(&about, name).await;
                drop(done);
            });
        }
        drop(done);
        // Nothing is ever sent: it ends when the last of them does.
        let _ = all_done.recv_timeout(patience);
    }
}

impl Client {
    /// Whether the server has workers, asked once.
    pub(crate) async fn workers(&self) -> Result<(), CallError> {
        let ask = || async {
            match self.capabilities().await?.execution_capabilities {
                Some(workers) if workers.exec_enabled => Ok(()),
                _ => {
                    let text = "the server executes nothing";
                    Err(CallError::new("GetCapabilities", Code::Unimplemented, text))
                }
            }
        };
        self.0.workers.get_or_try_init(ask).await.copied()
    }

    /// Runs an action whose blobs are there. `started` is called when it starts, as far as the
    /// server tells. A stream that breaks is taken up again (R4, PX-102).
    pub(crate) async fn execute(
        &self,
        about: &About,
        action: &Digest,
        skip_cache: bool,
        started: &(dyn Fn() + Send + Sync),
    ) -> Result<Ended, CallError> {
        let under_way = UnderWay {
            client: self,
            about,
            name: Mutex::new(None),
            stage: AtomicI32::new(-1),
        };
        let mut tries = 0;
        loop {
            let name = under_way.name();
            let waiting = name.is_some();
            let operation = match waiting {
                true => WAIT,
                false => EXECUTE,
            };
            // A server answers at once, if only with a name for what is to come.
            let begun = self.stream(about, action, skip_cache, name);
            let begun = tokio::time::timeout(self.0.config.timeout, begun).await;
            let begun = begun.unwrap_or_else(|_| {
                let text = "no word of it in time";
                Err(CallError::new(operation, Code::Unavailable, text))
            });
            let result = match begun {
                Ok(stream) => {
                    self.follow(operation, stream, &under_way, &mut tries, started)
                        .await
                }
                Err(error) => Err(error),
            };
            let error = match result {
                Ok(response) => {
                    under_way.rename(None);
                    match ended(response) {
                        Ok(ended) => return Ok(ended),
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            };
            // The server knows nothing of it any more: from the start.
            let unknown = waiting && matches!(error.code, Code::NotFound | Code::InvalidArgument);
            if unknown {
                under_way.rename(None);
            } else if !error.is_transient() || error.code == Code::Internal && !waiting {
                return Err(error);
            }
            tries += 1;
            if tries > self.0.config.retries && self.0.config.down != Down::Wait {
                return Err(error);
            }
            tokio::time::sleep(backoff(tries, error.after)).await;
        }
    }

    async fn stream(
        &self,
        about: &About,
        action: &Digest,
        skip_cache: bool,
        name: Option<String>,
    ) -> Result<Streaming<Operation>, CallError> {
        let client = ExecutionClient::new(self.0.channel.clone());
        let mut client = client.max_decoding_message_size(MAX_ANSWER);
        let answer = match name {
            Some(name) => {
                let request = self.request(about, WaitExecutionRequest { name }).await?;
                client
                    .wait_execution(request)
                    .await
                    .map_err(|status| CallError::of(WAIT, &status))
            }
            None => {
                let message = ExecuteRequest {
                    instance_name: self.instance(),
                    skip_cache_lookup: skip_cache,
                    action_digest: Some(message(action)),
                    inline_stdout: true,
                    inline_stderr: true,
                    digest_function: SHA256,
                };
                let request = self.request(about, message).await?;
                client
                    .execute(request)
                    .await
                    .map_err(|status| CallError::of(EXECUTE, &status))
            }
        };
        Ok(answer?.into_inner())
    }

    async fn follow(
        &self,
        name: &'static str,
        mut stream: Streaming<Operation>,
        under_way: &UnderWay<'_>,
        tries: &mut u32,
        started: &(dyn Fn() + Send + Sync),
    ) -> Result<ExecuteResponse, CallError> {
        let begun = Instant::now();
        while let Some(operation) = stream
            .message()
            .await
            .map_err(|s| CallError::of(name, &s))?
        {
            if !operation.name.is_empty() {
                under_way.rename(Some(operation.name.clone()));
            }
            let stage = operation.metadata.as_ref().and_then(|any| {
                let name = "build.bazel.remote.execution.v2.ExecuteOperationMetadata";
                any.unpack::<ExecuteOperationMetadata>(name)
            });
            // Some servers never say which stage it is.
            let stage = stage.map_or(0, |metadata| metadata.stage);
            if matches!(stage, 0 | EXECUTING) {
                started();
            }
            // Progress: what broke before does not count any more. To say the same again and break
            // off at once is none.
            let before = under_way.stage.fetch_max(stage, Ordering::Relaxed);
            if stage > before || begun.elapsed() >= STEADY {
                *tries = 0;
            }
            if operation.done {
                return outcome(operation);
            }
        }
        Err(CallError::new(
            name,
            Code::Unavailable,
            "the stream ended before the action",
        ))
    }
}

pub(crate) fn outcome(operation: Operation) -> Result<ExecuteResponse, CallError> {
    match operation.result {
        Some(Outcome::Response(any)) => any
            .unpack("build.bazel.remote.execution.v2.ExecuteResponse")
            .ok_or_else(|| {
                CallError::new(EXECUTE, Code::DataLoss, "an answer that cannot be read")
            }),
        Some(Outcome::Error(status)) => {
            let code = Code::from_i32(status.code);
            Err(CallError::new(EXECUTE, code, status.message))
        }
        None => Err(CallError::new(
            EXECUTE,
            Code::DataLoss,
            "an end without an answer",
        )),
    }
}

fn ended(response: ExecuteResponse) -> Result<Ended, CallError> {
    let status = response.status.unwrap_or_default();
    let code = Code::from_i32(status.code);
    match (code, response.result) {
        (Code::Ok, Some(result)) => Ok(Ended::Done {
            result: Box::new(result),
            cached: response.cached_result,
        }),
        (Code::DeadlineExceeded, result) => {
            Ok(Ended::TimedOut(Box::new(result.unwrap_or_default())))
        }
        (Code::Ok, None) => Err(CallError::new(EXECUTE, Code::DataLoss, "no result")),
        (code, _) => Err(CallError::new(EXECUTE, code, status.message)),
    }
}
