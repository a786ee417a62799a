//! Workers that do not work: whatever is executed makes `out` with the text `made`.

use kiln_base::Digest;
use kiln_proto::execution_server::Execution;
use kiln_proto::operations_server::Operations;
use kiln_proto::*;

use super::*;

/// Where a stream breaks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cut {
    /// Before the first message.
    Before,
    /// After the first message, with an error.
    After,
    /// After the first message, as if that were all.
    Silently,
}

/// How a server says that a blob is gone.
#[derive(Clone, Copy, Debug)]
pub enum Lost {
    /// As the error of the call, without details.
    Call,
    /// As the answer, with the blob's name.
    Violation,
    /// As the answer, in words, with that code.
    Words(Code),
}

type Stream1 = Pin<Box<dyn Stream<Item = Result<Operation, tonic::Status>> + Send>>;

fn pack<M: Message>(name: &str, message: &M) -> Any {
    Any {
        type_url: format!("type.googleapis.com/{name}"),
        value: message.encode_to_vec(),
    }
}

fn done(response: &ExecuteResponse) -> Operation {
    let name = "build.bazel.remote.execution.v2.ExecuteResponse";
    Operation {
        name: "op/1".to_owned(),
        metadata: None,
        done: true,
        result: Some(Outcome::Response(pack(name, response))),
    }
}

fn failed(code: Code, details: Vec<Any>) -> ExecuteResponse {
    ExecuteResponse {
        status: Some(Status {
            code: code as i32,
            message: "input lost".to_owned(),
            details,
        }),
        ..ExecuteResponse::default()
    }
}

impl Server {
    fn run(&self) -> ExecuteResponse {
        let faults = self.0.faults.lock().clone();
        let made = self.put("made");
        if faults.lost_outputs > 0 {
            self.0.faults.lock().lost_outputs -= 1;
            self.0.blobs.lock().remove(&made.hash);
        }
        let result = faults.claim.clone().unwrap_or(ActionResult {
            output_files: vec![OutputFile {
                path: "out".to_owned(),
                digest: Some(made),
                ..OutputFile::default()
            }],
            exit_code: faults.exit_code,
            stdout_raw: b"said".to_vec(),
            ..ActionResult::default()
        });
        let status = faults.timed_out.then(|| Status {
            code: Code::DeadlineExceeded as i32,
            ..Status::default()
        });
        ExecuteResponse {
            result: Some(result),
            cached_result: faults.cached,
            status,
            message: String::new(),
        }
    }

    fn operation(&self) -> Result<Response<Stream1>, tonic::Status> {
        let mut faults = self.0.faults.lock();
        let cut = match faults.cuts.is_empty() {
            true => faults.flapping.then_some(Cut::After),
            false => Some(faults.cuts.remove(0)),
        };
        let hanging = faults.hanging;
        drop(faults);
        let first = Operation {
            name: "op/1".to_owned(),
            ..Operation::default()
        };
        let reset = || Err(tonic::Status::unavailable("reset"));
        let parts = match cut {
            Some(Cut::Before) => return Err(tonic::Status::unavailable("reset")),
            Some(Cut::After) => vec![Ok(first), reset()],
            Some(Cut::Silently) => vec![Ok(first)],
            None if hanging => {
                let rest = stream::pending();
                return Ok(Response::new(stream::iter([Ok(first)]).chain(rest).boxed()));
            }
            None => vec![Ok(first), Ok(done(&self.run()))],
        };
        Ok(Response::new(stream::iter(parts).boxed()))
    }
}

#[tonic::async_trait]
impl Execution for Server {
    type ExecuteStream = Stream1;
    type WaitExecutionStream = Stream1;

    async fn execute(&self, request: Request<ExecuteRequest>) -> Reply<Stream1> {
        self.called("Execute")?;
        let (silent, unknown) = {
            let faults = self.0.faults.lock();
            (faults.silent, faults.no_workers)
        };
        if silent {
            std::future::pending::<()>().await;
        }
        if unknown {
            return Err(tonic::Status::unimplemented("no such call"));
        }
        let request = request.into_inner();
        let action = request.action_digest.unwrap();
        assert!(
            self.0.blobs.lock().contains_key(&action.hash),
            "the action is there"
        );
        if request.skip_cache_lookup {
            self.0.faults.lock().cached = false;
            self.0.faults.lock().exit_code = 0;
        }
        let lost = self.0.faults.lock().lost.take();
        let Some((content, lost)) = lost else {
            return self.operation();
        };
        let digest = Digest::of(content.as_bytes());
        self.0
            .blobs
            .lock()
            .remove(&digest.hex())
            .expect("it was there");
        let response = match lost {
            Lost::Call => return Err(tonic::Status::failed_precondition("blob not found")),
            Lost::Words(code) => failed(code, Vec::new()),
            Lost::Violation => {
                let failure = PreconditionFailure {
                    violations: vec![Violation {
                        r#type: "MISSING".to_owned(),
                        subject: format!("blobs/{digest}"),
                        description: String::new(),
                    }],
                };
                let detail = pack("google.rpc.PreconditionFailure", &failure);
                failed(Code::FailedPrecondition, vec![detail])
            }
        };
        Ok(Response::new(stream::iter([Ok(done(&response))]).boxed()))
    }

    async fn wait_execution(&self, request: Request<WaitExecutionRequest>) -> Reply<Stream1> {
        self.called("WaitExecution")?;
        assert_eq!(request.into_inner().name, "op/1");
        match self.0.faults.lock().forgetful {
            true => Err(tonic::Status::not_found("no such operation")),
            false => Ok(()),
        }?;
        self.operation()
    }
}

#[tonic::async_trait]
impl Operations for Server {
    async fn get_operation(&self, _: Request<GetOperationRequest>) -> Reply<Operation> {
        Err(tonic::Status::unimplemented("nobody asks for it"))
    }

    async fn cancel_operation(&self, request: Request<CancelOperationRequest>) -> Reply<Empty> {
        self.0.cancelled.lock().push(request.into_inner().name);
        Ok(Response::new(Empty {}))
    }
}
