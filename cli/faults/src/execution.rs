//! Workers.

use std::pin::Pin;

use futures::{Stream, StreamExt, stream};
use kiln_proto::execution_server::Execution;
use kiln_proto::operations_server::Operations;
use kiln_proto::{
    Action, Any, CancelOperationRequest, Digest, Empty, ExecuteRequest, ExecuteResponse,
    ExecutionClient, GetOperationRequest, Message, Operation, OperationsClient, Outcome,
    PreconditionFailure, Violation, WaitExecutionRequest,
};
use tonic::{Code, Request, Response, Status, Streaming};

use crate::layer::{Fate, LARGEST, Reply, hash, refused};
use crate::{Layer, Lie};

const RESPONSE: &str = "build.bazel.remote.execution.v2.ExecuteResponse";

type Updates = Pin<Box<dyn Stream<Item = Result<Operation, Status>> + Send>>;

/// How many messages of a stream of operations pass before it breaks, and whether it breaks with
/// an error.
type Cut = (u64, bool);

impl Layer {
    /// The blobs that an action needs and that are gone.
    async fn gone(&self, action: &Digest) -> Result<Vec<Digest>, Status> {
        let mut needed = vec![action.clone()];
        if let Some(content) = self.content(action).await? {
            let message = Action::decode(content).unwrap_or_default();
            needed.extend(message.command_digest);
            if let Some(root) = message.input_root_digest {
                needed.extend(self.closure(&root).await?);
            }
        }
        needed.retain(|digest| digest.size_bytes > 0 && self.is_lost(&digest.hash));
        Ok(needed)
    }

    /// How a server says that blobs are gone: each has another way.
    fn lost_inputs(&self, gone: &[Digest]) -> Result<Updates, Status> {
        let key = format!("form {}", hash(gone.first()));
        let code = match self.dice(&key).below(4) {
            0 => return Err(Status::failed_precondition("blob not found")),
            1 => Code::NotFound,
            2 => Code::Internal,
            _ => Code::FailedPrecondition,
        };
        let violations = gone.iter().map(|digest| Violation {
            r#type: "MISSING".to_owned(),
            subject: format!("blobs/{}/{}", digest.hash, digest.size_bytes),
            description: String::new(),
        });
        let failure = PreconditionFailure {
            violations: violations.collect(),
        };
        let details = match code {
            Code::FailedPrecondition => {
                vec![Any::pack("google.rpc.PreconditionFailure", &failure)]
            }
            _ => Vec::new(),
        };
        let response = ExecuteResponse {
            status: Some(kiln_proto::Status {
                code: code as i32,
                message: "cannot stage the inputs".to_owned(),
                details,
            }),
            ..ExecuteResponse::default()
        };
        let done = Operation {
            name: "lost".to_owned(),
            done: true,
            result: Some(Outcome::Response(Any::pack(RESPONSE, &response))),
            ..Operation::default()
        };
        Ok(stream::iter([Ok(done)]).boxed())
    }

    /// Passes messages on, and breaks off where it is told to.
    fn pass(&self, action: String, upstream: Streaming<Operation>, cut: Option<Cut>) -> Updates {
        let state = (self.clone(), action, upstream, cut, false);
        let parts = stream::unfold(
            state,
            |(layer, action, mut upstream, cut, ended)| async move {
                if ended {
                    return None;
                }
                if let Some((0, fails)) = cut {
                    let error = Err(Status::unavailable("told to break"));
                    return fails.then_some((error, (layer, action, upstream, None, true)));
                }
                let cut = cut.map(|(left, fails)| (left - 1, fails));
                let message = upstream.message().await.transpose()?;
                if let Ok(operation) = &message {
                    layer.learn(&action, operation).await;
                }
                let ended = message.is_err();
                Some((message, (layer, action, upstream, cut, ended)))
            },
        );
        parts.boxed()
    }

    /// Which blobs a result names.
    async fn learn(&self, action: &str, operation: &Operation) {
        let Some(Outcome::Response(any)) = &operation.result else {
            return;
        };
        let response = any.unpack::<ExecuteResponse>(RESPONSE);
        if let Some(result) = response.and_then(|response| response.result)
            && let Ok(blobs) = self.blobs(&result).await
        {
            // Whoever runs it anew makes its blobs anew.
            if self.is_renewed(action) {
                blobs.iter().for_each(|hash| self.restore(hash));
            }
            self.name(action, blobs);
        }
    }

    fn break_off(&self, key: &str) -> Option<Cut> {
        let mut dice = self.once_more(&format!("operation {key}"))?;
        let cut = dice.percent(self.0.faults.broken);
        cut.then(|| {
            self.fault();
            (dice.below(4), dice.percent(50))
        })
    }
}

#[tonic::async_trait]
impl Execution for Layer {
    type ExecuteStream = Updates;
    type WaitExecutionStream = Updates;

    async fn execute(&self, request: Request<ExecuteRequest>) -> Reply<Updates> {
        if self.0.faults.lie == Some(Lie::NoWorkers) {
            self.fault();
            return Err(Status::unimplemented("no such call"));
        }
        let digest = request.get_ref().action_digest.clone().unwrap_or_default();
        let action = digest.hash.clone();
        let fate = self.enter("Execute", &action, request.metadata()).await?;
        if let Fate::Before(code) = fate {
            return Err(refused(code));
        }
        let gone = match self.0.faults.lost {
            0 => Vec::new(),
            _ => self.gone(&digest).await?,
        };
        if !gone.is_empty() {
            return self.lost_inputs(&gone).map(Response::new);
        }
        let mut request = request.into_inner();
        if request.skip_cache_lookup {
            self.renew(&action);
        }
        request.skip_cache_lookup |= self.0.faults.forgetful;
        let client = ExecutionClient::new(self.0.upstream.clone());
        let mut client = client.max_decoding_message_size(LARGEST);
        let answer = client.execute(request).await?;
        self.execute_again(&action);
        if let Fate::After(code) = fate {
            return Err(refused(code));
        }
        let cut = self.break_off(&action);
        Ok(Response::new(self.pass(action, answer.into_inner(), cut)))
    }

    async fn wait_execution(&self, request: Request<WaitExecutionRequest>) -> Reply<Updates> {
        let name = request.get_ref().name.clone();
        let fate = self
            .enter("WaitExecution", &name, request.metadata())
            .await?;
        match fate {
            Fate::Well => {}
            Fate::Before(code) => return Err(refused(code)),
            // Forgotten.
            Fate::After(_) => return Err(Status::not_found("no such operation")),
        }
        let client = ExecutionClient::new(self.0.upstream.clone());
        let mut client = client.max_decoding_message_size(LARGEST);
        let answer = client.wait_execution(request.into_inner()).await?;
        let cut = self.break_off(&name);
        Ok(Response::new(self.pass(
            String::new(),
            answer.into_inner(),
            cut,
        )))
    }
}

#[tonic::async_trait]
impl Operations for Layer {
    async fn get_operation(&self, request: Request<GetOperationRequest>) -> Reply<Operation> {
        let mut client = OperationsClient::new(self.0.upstream.clone());
        client.get_operation(request.into_inner()).await
    }

    async fn cancel_operation(&self, request: Request<CancelOperationRequest>) -> Reply<Empty> {
        let mut client = OperationsClient::new(self.0.upstream.clone());
        client.cancel_operation(request.into_inner()).await
    }
}
