//! Errors as gRPC says them.

use bytes::Bytes;
use kiln_base::Digest;
use kiln_proto::{self as reapi, Any, Message, PreconditionFailure, Violation};
use tonic::Code;

/// As many missing blobs are named: the rest turns up at the next try.
const NAMED: usize = 10_000;

/// Characters of a message.
const LONGEST: usize = 4_000;
/// Bytes of details that a header may have: clients refuse headers that are larger than 16 KiB.
const DETAILS: usize = 8 << 10;

/// What a client sent, in a message: it may be long, and anything.
pub(crate) fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

/// An error within an answer. Part of the text may be the client's, and long.
pub(crate) fn status(code: Code, message: impl AsRef<str>) -> reapi::Status {
    let message = message.as_ref().chars();
    let message = message.filter(|c| !c.is_control() || *c == '\n');
    reapi::Status {
        code: code as i32,
        message: message.take(LONGEST).collect(),
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

/// An error of a call, with the same details as far as there is room for them.
pub(crate) fn grpc(status: reapi::Status) -> tonic::Status {
    let code = Code::from_i32(status.code);
    let message = status.message.clone();
    let details = status.encode_to_vec();
    match status.details.is_empty() || details.len() > DETAILS {
        true => tonic::Status::new(code, message),
        false => tonic::Status::with_details(code, message, Bytes::from(details)),
    }
}
