//! `Execution` and `Operations`: actions that run here.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use kiln_base::Digest;
use kiln_process::Description;
use kiln_proto::execution_server::Execution;
use kiln_proto::operations_server::Operations as OperationsService;
use kiln_proto::{
    CancelOperationRequest, Empty, ExecuteRequest, ExecuteResponse, GetOperationRequest, Message,
    Operation, RequestMetadata, WaitExecutionRequest,
};
use tokio::sync::watch;
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Response};

use crate::names::digest;
use crate::operations::{Entry, Operations, Stage, Stop, Updates};
use crate::outcome::{self, Wanted};
use crate::request::{self, Refused};
use crate::results::known;
use crate::run::{Runner, inner};
use crate::shared::{Reply, Shared, blocking};
use crate::status::status;

/// Who asks, and for what (R22).
const METADATA: &str = "build.bazel.remote.execution.v2.requestmetadata-bin";

/// The actions of all clients.
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) operations: Operations,
    pub(crate) runner: Arc<Runner>,
    /// How long an action that nobody waits for goes on.
    pub(crate) patience: Duration,
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

impl Worker {
    /// Runs an action to its end, or until it is stopped: then its processes are ended, unless
    /// somebody else waits for the same.
    async fn run(self: Arc<Self>, entry: Arc<Entry>, asked: Asked) {
        let response = tokio::select! {
            response = self.perform(&entry, asked) => response,
            why = entry.stopped(self.patience) => Err(stopped(why)),
        };
        let response = response.unwrap_or_else(|status| ExecuteResponse {
            status: Some(status),
            ..ExecuteResponse::default()
        });
        self.operations.finish(&entry, &response);
    }

    async fn perform(&self, entry: &Entry, asked: Asked) -> Result<ExecuteResponse, Refused> {
        let mut join = false;
        if !asked.skip_cache {
            entry.stage(Stage::CacheCheck);
            match self.look_up(&asked).await? {
                Look::Known(response) => return Ok(*response),
                Look::Unknown { may_join } => join = may_join,
            }
        }
        let running = self.runner.begin(asked.action, asked.describe, join);
        let ended = tokio::select! {
            ended = running.end => ended?,
            never = follow(running.stage, entry) => match never {},
        };
        let store = self.shared.store.clone();
        let answer = blocking(move || {
            let mut result = ended.result.clone();
            outcome::inline(&store, &mut result, &asked.wanted);
            ExecuteResponse {
                result: Some(result),
                status: ended.status.clone(),
                ..ExecuteResponse::default()
            }
        });
        answer.await.map_err(inner)
    }

    async fn look_up(&self, asked: &Asked) -> Result<Look, Refused> {
        let (store, action) = (self.shared.store.clone(), asked.action);
        let wanted = asked.wanted.clone();
        let look = blocking(move || match known(&store, &action) {
            Some(mut result) => {
                outcome::inline(&store, &mut result, &wanted);
                Look::Known(Box::new(ExecuteResponse {
                    result: Some(result),
                    cached_result: true,
                    ..ExecuteResponse::default()
                }))
            }
            None => {
                // One that cannot be read says why when it runs.
                let action = request::action(&store, &action);
                let may_join = action.is_ok_and(|action| !action.do_not_cache);
                Look::Unknown { may_join }
            }
        });
        look.await.map_err(inner)
    }
}

/// Passes the stages of a run on.
async fn follow(mut stage: watch::Receiver<Stage>, entry: &Entry) -> Infallible {
    loop {
        entry.stage(*stage.borrow_and_update());
        if stage.changed().await.is_err() {
            // The run has ended, and its answer is about to come.
            std::future::pending::<()>().await;
        }
    }
}

/// What is known of an action before it runs.
enum Look {
    Known(Box<ExecuteResponse>),
    Unknown {
        /// Whether it may share a run with others.
        may_join: bool,
    },
}

fn stopped(why: Stop) -> Refused {
    match why {
        Stop::Cancelled => status(Code::Cancelled, "the operation was cancelled"),
        Stop::Abandoned => status(Code::Cancelled, "nobody waited for the operation any more"),
        Stop::Ending => status(Code::Unavailable, "the server is ending"),
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
