//! `Execution` and `Operations`: actions that run here.

use std::sync::Arc;
use std::time::SystemTime;

use kiln_base::Digest;
use kiln_diag::{Diag, Fault};
use kiln_process::{
    Description, Environment, ExecError, Executor, Exit, Observer, ProcessResult, Request as Run,
};
use kiln_proto::execution_server::Execution;
use kiln_proto::operations_server::Operations as OperationsService;
use kiln_proto::{
    CancelOperationRequest, Empty, ExecuteRequest, ExecuteResponse, GetOperationRequest, Message,
    Operation, RequestMetadata, WaitExecutionRequest,
};
use tokio::sync::Semaphore;
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Response};

use crate::action::{Prepared, prepare};
use crate::inputs::Folders;
use crate::names::digest;
use crate::operations::{Entry, Operations, Stage, Stop, Updates};
use crate::outcome::{self, Times, Wanted};
use crate::request::Refused;
use crate::results::{known, record};
use crate::shared::{Reply, Shared, blocking};
use crate::status::{missing, status};

/// Who asks, and for what (R22).
const METADATA: &str = "build.bazel.remote.execution.v2.requestmetadata-bin";

/// What runs actions.
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) executor: Arc<dyn Executor>,
    pub(crate) operations: Operations,
    pub(crate) folders: Arc<Folders>,
    /// Input trees are in memory from here on: as many as can run, and as many more.
    pub(crate) turns: Semaphore,
}

/// The services; cheap to clone.
#[derive(Clone)]
pub(crate) struct Service(pub(crate) Arc<Worker>);

/// What a client asked for, once it is known to make sense.
struct Asked {
    action: Digest,
    skip_cache: bool,
    wanted: Wanted,
    describe: Description,
}

/// Passes on that a process has started.
struct Stages<'a>(&'a Entry);

impl Observer for Stages<'_> {
    fn started(&self) {
        self.0.stage(Stage::Executing);
    }
}

impl Worker {
    /// Runs an action to its end, or until it is stopped: then all its processes are ended.
    async fn run(self: Arc<Self>, entry: Arc<Entry>, asked: Asked) {
        let response = tokio::select! {
            response = self.perform(&entry, &asked) => response,
            why = entry.stopped() => Err(stopped(why)),
        };
        let response = response.unwrap_or_else(|status| ExecuteResponse {
            status: Some(status),
            ..ExecuteResponse::default()
        });
        self.operations.finish(&entry, &response);
    }

    async fn perform(&self, entry: &Entry, asked: &Asked) -> Result<ExecuteResponse, Refused> {
        let queued = SystemTime::now();
        let action = asked.action;
        if !asked.skip_cache {
            entry.stage(Stage::CacheCheck);
            if let Some(response) = self.look_up(asked).await? {
                return Ok(response);
            }
            entry.stage(Stage::Queued);
        }
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
            describe: &asked.describe,
            slots: 1,
            exclusive: false,
            // Tests may write beside their inputs, and nobody says which actions are tests.
            writable: true,
            // What is not there is left out of the result, and the client says what that means.
            optional_outputs: true,
            observer: &Stages(entry),
        };
        let result = self.executor.execute(run).await.map_err(failed)?;
        let times = Times { queued, started };
        self.conclude(asked, prepared, result, times).await
    }

    async fn look_up(&self, asked: &Asked) -> Result<Option<ExecuteResponse>, Refused> {
        let (store, action) = (self.shared.store.clone(), asked.action);
        let wanted = asked.wanted.clone();
        let found = blocking(move || {
            let mut found = known(&store, &action)?;
            outcome::inline(&store, &mut found, &wanted);
            Some(found)
        });
        let found = found.await.map_err(inner)?;
        Ok(found.map(|result| ExecuteResponse {
            result: Some(result),
            cached_result: true,
            ..ExecuteResponse::default()
        }))
    }

    /// The answer to a process that ended; what went well is kept (R19).
    async fn conclude(
        &self,
        asked: &Asked,
        prepared: Prepared,
        result: ProcessResult,
        times: Times,
    ) -> Result<ExecuteResponse, Refused> {
        let (shared, action) = (self.shared.clone(), asked.action);
        let wanted = asked.wanted.clone();
        blocking(move || {
            let store = &shared.store;
            let outcome = outcome::encode(store, &prepared.asked, &result, times);
            let outcome = outcome.map_err(|error| inner(shared.trouble(error)))?;
            if result.exit.success() && !prepared.asked.action.do_not_cache {
                // What cannot be kept is run again another time; whoever runs the server was told.
                let _ = record(&shared, &action, &outcome);
            }
            let mut message = outcome.message;
            outcome::inline(store, &mut message, &wanted);
            // REAPI: a timeout is an error that comes with a result.
            let status = (result.exit == Exit::TimedOut).then(|| {
                let seconds = prepared.process.timeout.unwrap_or_default().as_secs_f64();
                let text = format!("the action was still running after {seconds} s, its timeout");
                status(Code::DeadlineExceeded, text)
            });
            Ok(ExecuteResponse {
                result: Some(message),
                status,
                ..ExecuteResponse::default()
            })
        })
        .await
        .map_err(inner)?
    }
}

fn inner(error: tonic::Status) -> Refused {
    status(error.code(), error.message())
}

fn stopped(why: Stop) -> Refused {
    match why {
        Stop::Cancelled => status(Code::Cancelled, "the operation was cancelled"),
        Stop::Abandoned => status(Code::Cancelled, "nobody waited for the operation any more"),
        Stop::Ending => status(Code::Unavailable, "the server is ending"),
    }
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

/// What the client says of the action, for messages.
fn description(metadata: &MetadataMap) -> Description {
    let message = metadata.get_bin(METADATA);
    let message = message.and_then(|value| value.to_bytes().ok());
    let message = message.and_then(|bytes| RequestMetadata::decode(bytes).ok());
    let message = message.unwrap_or_default();
    let progress = match message.target_id.is_empty() {
        true => "an action of a client".to_owned(),
        false => format!("{} of {}", message.action_mnemonic, message.target_id),
    };
    Description {
        label: message.target_id,
        mnemonic: message.action_mnemonic,
        progress,
    }
}

#[tonic::async_trait]
impl Execution for Service {
    type ExecuteStream = Updates;
    type WaitExecutionStream = Updates;

    async fn execute(&self, request: Request<ExecuteRequest>) -> Reply<Updates> {
        let describe = description(request.metadata());
        let request = request.into_inner();
        let worker = &self.0;
        worker
            .shared
            .admit(&request.instance_name, request.digest_function)?;
        let asked = Asked {
            action: digest(request.action_digest.as_ref())?,
            skip_cache: request.skip_cache_lookup,
            wanted: Wanted {
                stdout: request.inline_stdout,
                stderr: request.inline_stderr,
                files: Vec::new(),
            },
            describe,
        };
        let entry = worker.operations.begin(asked.action)?;
        let updates = entry.updates();
        tokio::spawn(worker.clone().run(entry, asked));
        Ok(Response::new(updates))
    }

    async fn wait_execution(&self, request: Request<WaitExecutionRequest>) -> Reply<Updates> {
        let entry = self.0.operations.get(&request.get_ref().name)?;
        Ok(Response::new(entry.updates()))
    }
}

#[tonic::async_trait]
impl OperationsService for Service {
    async fn get_operation(&self, request: Request<GetOperationRequest>) -> Reply<Operation> {
        let entry = self.0.operations.get(&request.get_ref().name)?;
        Ok(Response::new(entry.now()))
    }

    async fn cancel_operation(&self, request: Request<CancelOperationRequest>) -> Reply<Empty> {
        let entry = self.0.operations.get(&request.get_ref().name)?;
        entry.stop(Stop::Cancelled);
        Ok(Response::new(Empty {}))
    }
}
