//! Errors as gRPC says them.

use bytes::Bytes;
use kiln_base::Digest;
use kiln_proto::{self as reapi, Any, Message, PreconditionFailure, Violation};
use tonic::Code;

/// As many missing blobs are named: the rest turns up at the next try.
const NAMED: usize = 10_000;

/// What a client sent, in a message: it may be long, and anything.
pub(crate) fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

/// An error within an answer.
pub(crate) fn status(code: Code, message: impl Into<String>) -> reapi::Status {
    reapi::Status {
        code: code as i32,
        message: message.into(),
        details: Vec::new(),
    }
}

/// Blobs that a request needs are not there (REAPI: `Execute`; R5).
pub(crate) fn missing(digests: &[Digest]) -> reapi::Status {
    let violations = digests.iter().take(NAMED).map(|digest| Violation {
        r#type: "MISSING".to_owned(),
        subject: format!("blobs/{digest}"),
        description: String::new(),
    });
    let failure = PreconditionFailure {
        violations: violations.collect(),
    };
    let message = match digests {
        [one] => format!("blob {one} is missing"),
        [first, ..] => format!("{} blobs are missing, {first} among them", digests.len()),
        [] => "blobs are missing".to_owned(),
    };
    reapi::Status {
        details: vec![Any::pack("google.rpc.PreconditionFailure", &failure)],
        ..status(Code::FailedPrecondition, message)
    }
}

/// An error of a call, with the same details.
pub(crate) fn grpc(status: reapi::Status) -> tonic::Status {
    let code = Code::from_i32(status.code);
    let message = status.message.clone();
    match status.details.is_empty() {
        true => tonic::Status::new(code, message),
        false => {
            let details = Bytes::from(status.encode_to_vec());
            tonic::Status::with_details(code, message, details)
        }
    }
}
