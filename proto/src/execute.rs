//! Requests and answers of workers, long-running operations, and errors with details.

use crate::{ActionResult, Digest, Message};

/// `google.protobuf.Any`: a message with its name.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct Any {
    /// `type.googleapis.com/NAME`.
    #[prost(string, tag = "1")]
    pub type_url: String,
    /// The encoded message.
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

impl Any {
    /// The message, if it is one of that name (`google.rpc.PreconditionFailure`) and can be read.
    pub fn unpack<M: Message + Default>(&self, name: &str) -> Option<M> {
        let (_, own) = self.type_url.rsplit_once('/')?;
        (own == name).then(|| M::decode(&self.value[..]).ok())?
    }

    /// A message of that name.
    pub fn pack(name: &str, message: &impl Message) -> Any {
        Any {
            type_url: format!("type.googleapis.com/{name}"),
            value: message.encode_to_vec(),
        }
    }
}

/// `google.protobuf.Empty`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Message)]
pub struct Empty {}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
pub struct Status {
    /// A gRPC code; 0 is success.
    #[prost(int32, tag = "1")]
    pub code: i32,
    /// What is wrong, for people.
    #[prost(string, tag = "2")]
    pub message: String,
    /// The same, for programs.
    #[prost(message, repeated, tag = "3")]
    pub details: Vec<Any>,
}

/// `google.rpc.PreconditionFailure`: what is lacking.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct PreconditionFailure {
    /// Each thing.
    #[prost(message, repeated, tag = "1")]
    pub violations: Vec<Violation>,
}

/// One thing of a [`PreconditionFailure`].
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct Violation {
    /// `MISSING` for a blob.
    #[prost(string, tag = "1")]
    pub r#type: String,
    /// `blobs/HASH/SIZE`.
    #[prost(string, tag = "2")]
    pub subject: String,
    /// For people.
    #[prost(string, tag = "3")]
    pub description: String,
}

/// `google.rpc.RetryInfo`: when to try again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Message)]
pub struct RetryInfo {
    /// After so long.
    #[prost(message, optional, tag = "1")]
    pub retry_delay: Option<crate::Duration>,
}

/// Asks that an action be run.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct ExecuteRequest {
    /// The part of the server that is meant.
    #[prost(string, tag = "1")]
    pub instance_name: String,
    /// Whether it must run even if its result is known.
    #[prost(bool, tag = "3")]
    pub skip_cache_lookup: bool,
    /// The action.
    #[prost(message, optional, tag = "6")]
    pub action_digest: Option<Digest>,
    /// Whether what was printed may come along.
    #[prost(bool, tag = "10")]
    pub inline_stdout: bool,
    /// Whether what was printed as errors may come along.
    #[prost(bool, tag = "11")]
    pub inline_stderr: bool,
    /// `SHA256` of `DigestFunction.Value`.
    #[prost(int32, tag = "9")]
    pub digest_function: i32,
}

/// Asks to go on listening to an operation.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct WaitExecutionRequest {
    /// The operation's name, as the server gave it.
    #[prost(string, tag = "1")]
    pub name: String,
}

/// Asks how far an operation got.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct GetOperationRequest {
    /// The operation's name, as the server gave it.
    #[prost(string, tag = "1")]
    pub name: String,
}

/// Asks that an operation end.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct CancelOperationRequest {
    /// The operation's name, as the server gave it.
    #[prost(string, tag = "1")]
    pub name: String,
}

/// `google.longrunning.Operation`: something under way, or its outcome.
#[derive(Clone, PartialEq, Message)]
pub struct Operation {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// An [`ExecuteOperationMetadata`], perhaps.
    #[prost(message, optional, tag = "2")]
    pub metadata: Option<Any>,
    /// Whether it is over.
    #[prost(bool, tag = "3")]
    pub done: bool,
    /// The outcome.
    #[prost(oneof = "Outcome", tags = "4, 5")]
    pub result: Option<Outcome>,
}

/// How an [`Operation`] ended.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Outcome {
    /// It could not be done.
    #[prost(message, tag = "4")]
    Error(Status),
    /// It was: an [`ExecuteResponse`].
    #[prost(message, tag = "5")]
    Response(Any),
}

/// How far an execution got.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct ExecuteOperationMetadata {
    /// 0 unknown, 1 looking for a known result, 2 queued, 3 running, 4 completed.
    #[prost(int32, tag = "1")]
    pub stage: i32,
    /// The action.
    #[prost(message, optional, tag = "2")]
    pub action_digest: Option<Digest>,
}

/// What came of an execution.
#[derive(Clone, PartialEq, Message)]
pub struct ExecuteResponse {
    /// The result; with an error it may be there as well, in part.
    #[prost(message, optional, tag = "1")]
    pub result: Option<ActionResult>,
    /// Whether the result was known already.
    #[prost(bool, tag = "2")]
    pub cached_result: bool,
    /// An error around the process; absent is success.
    #[prost(message, optional, tag = "3")]
    pub status: Option<Status>,
    /// What the server has to say, for people.
    #[prost(string, tag = "5")]
    pub message: String,
}
