//! How calls fail, and which failures are worth another try.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use kiln_base::Digest;
use kiln_diag::{Diag, Fault};
use kiln_proto::{Message, RetryInfo};
use tonic::{Code, Status};

/// Why a call came to nothing (PX-127).
#[derive(Clone, Debug)]
pub struct CallError {
    /// What was called.
    pub operation: &'static str,
    /// gRPC's code.
    pub code: Code,
    /// What the server, or the way to it, had to say: one line, not too long.
    pub message: String,
    /// When the server wants to be asked again.
    pub(crate) after: Option<Duration>,
    /// The blob that nobody has any more, if that is what is wrong.
    pub(crate) lost: Option<Digest>,
}

impl CallError {
    pub(crate) fn new(
        operation: &'static str,
        code: Code,
        message: impl Into<String>,
    ) -> CallError {
        CallError {
            operation,
            code,
            message: one_line(&message.into()),
            after: None,
            lost: None,
        }
    }

    pub(crate) fn of(operation: &'static str, status: &Status) -> CallError {
        // What lies below a transport error is what people need to know (`Connection refused`).
        let mut message = status.message().to_owned();
        let mut source = std::error::Error::source(status);
        while let Some(error) = source {
            let text = error.to_string();
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            source = error.source();
        }
        CallError {
            after: retry_after(status),
            ..CallError::new(operation, status.code(), message)
        }
    }

    /// Whether a message was larger than what the server takes or gives. Its capabilities may say
    /// otherwise, or nothing.
    pub(crate) fn is_too_large(&self) -> bool {
        // The words of gRPC's implementations in C++, Go, Java and Rust.
        const WORDS: [&str; 3] = ["larger than max", "exceeds maximum size", "too large"];
        let code = matches!(self.code, Code::ResourceExhausted | Code::OutOfRange);
        code && WORDS.iter().any(|words| self.message.contains(words))
    }

    /// Whether a content that was named is gone, or is not what it says it is.
    pub(crate) fn is_spoilt(&self) -> bool {
        self.lost.is_none() && matches!(self.code, Code::NotFound | Code::DataLoss)
    }

    /// Whether another try may go better (R7, PX-102).
    pub(crate) fn is_transient(&self) -> bool {
        !self.is_too_large()
            && matches!(
                self.code,
                Code::Unavailable
                    | Code::ResourceExhausted
                    | Code::Aborted
                    | Code::Cancelled
                    | Code::Internal
                    | Code::Unknown
            )
    }

    /// Whether it tells that the server is not there or not for us, rather than that one request
    /// was wrong.
    pub(crate) fn is_outage(&self) -> bool {
        self.is_transient()
            || matches!(
                self.code,
                Code::DeadlineExceeded | Code::Unauthenticated | Code::PermissionDenied
            )
    }

    /// As an error for people.
    pub(crate) fn diag(&self, address: &crate::Address) -> Diag {
        let text = format!("remote server {address}: {self}");
        let diag = Diag::new(Fault::Remote, text);
        match self.code {
            Code::Unauthenticated | Code::PermissionDenied => diag.hint(
                "credentials come from `--remote_token_file`, `--remote_header`, `--credential_helper` or `--tls_client_certificate`",
            ),
            // One that is not there at all has no need of TLS.
            Code::Unavailable | Code::Unknown | Code::Cancelled | Code::Internal
                if !address.tls && !self.message.contains("refused") =>
            {
                diag.hint("a server with TLS is reached by `grpcs://`")
            }
            // What servers do that want certificates of clients, some without a word.
            Code::Unavailable | Code::Unknown | Code::Cancelled
                if address.tls
                    && ["closed", "CertificateRequired", "reset", "roken pipe", "eof", "EOF"]
                        .iter()
                        .any(|text| self.message.contains(text)) =>
            {
                diag.hint("a server that wants to know who asks needs `--tls_client_certificate` and `--tls_client_key`")
            }
            _ => diag,
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = format!("{:?}", self.code);
        write!(f, "{}: {code}", self.operation)?;
        match self.message.is_empty() {
            true => Ok(()),
            false => write!(f, ": {}", self.message),
        }
    }
}

impl std::error::Error for CallError {}

/// A server's text is a claim as well: no control characters, no pages of it (R20).
fn one_line(text: &str) -> String {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut line: String = clean.take(300).collect();
    line.truncate(line.trim_end().len());
    line
}

fn retry_after(status: &Status) -> Option<Duration> {
    let details = kiln_proto::Status::decode(status.details()).ok()?;
    let info = details
        .details
        .iter()
        .find_map(|any| any.unpack::<RetryInfo>("google.rpc.RetryInfo"))?;
    let delay = info.retry_delay?;
    let delay = Duration::from_secs(u64::try_from(delay.seconds).ok()?)
        .saturating_add(Duration::from_nanos(u64::try_from(delay.nanos).ok()?));
    Some(delay.min(Duration::from_secs(30)))
}

/// How long to wait before try number `attempt` (from 1): 100 ms doubling to 10 s, of which up to
/// half is left to chance, so that many clients do not come back at once.
pub(crate) fn backoff(attempt: u32, after: Option<Duration>) -> Duration {
    let full = Duration::from_millis(100)
        .saturating_mul(1 << attempt.saturating_sub(1).min(7))
        .min(Duration::from_secs(10));
    let jitter = (random() % 1_000) as f64 / 2_000.0;
    full.mul_f64(1.0 - jitter).max(after.unwrap_or_default())
}

/// Some number: good enough to spread clients and to name uploads, not for secrets.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::Address;

    fn check(code: Code, message: &str, expected: Expect) {
        let error = CallError::of("GetActionResult", &Status::new(code, message));
        let address = Address::parse("grpc://cache:80").expect("an address");
        let facts = format!(
            "transient={} outage={}",
            error.is_transient(),
            error.is_outage()
        );
        expected.assert_eq(&format!("{}\n{facts}", error.diag(&address).render()));
    }

    /// R7, PX-127.
    #[test]
    fn failures() {
        check(
            Code::Unavailable,
            "Socket closed",
            expect![[r#"
                error: remote server grpc://cache:80: GetActionResult: Unavailable: Socket closed
                hint: a server with TLS is reached by `grpcs://`
                transient=true outage=true"#]],
        );
        check(
            Code::Unauthenticated,
            "No valid\nauthorization",
            expect![[r#"
                error: remote server grpc://cache:80: GetActionResult: Unauthenticated: No valid authorization
                hint: credentials come from `--remote_token_file`, `--remote_header`, `--credential_helper` or `--tls_client_certificate`
                transient=false outage=true"#]],
        );
        check(
            Code::InvalidArgument,
            &"x".repeat(400),
            expect![[r#"
                error: remote server grpc://cache:80: GetActionResult: InvalidArgument: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
                transient=false outage=false"#]],
        );
        check(
            Code::NotFound,
            "",
            expect![[r#"
                error: remote server grpc://cache:80: GetActionResult: NotFound
                transient=false outage=false"#]],
        );
    }

    #[test]
    fn waits_grow_and_are_bounded() {
        for attempt in 1..40 {
            let full =
                Duration::from_millis(100 << (attempt - 1).min(7)).min(Duration::from_secs(10));
            let wait = backoff(attempt, None);
            assert!(wait <= full && wait >= full / 2, "{attempt}: {wait:?}");
        }
        let asked = Duration::from_secs(25);
        assert_eq!(backoff(1, Some(asked)), asked);
    }

    /// R7: a server says when it wants to be asked again.
    #[test]
    fn retry_info_is_heeded() {
        let info = RetryInfo {
            retry_delay: Some(kiln_proto::Duration {
                seconds: 2,
                nanos: 5,
            }),
        };
        let details = kiln_proto::Status {
            code: 14,
            message: String::new(),
            details: vec![kiln_proto::Any {
                type_url: "type.googleapis.com/google.rpc.RetryInfo".to_owned(),
                value: info.encode_to_vec(),
            }],
        };
        let details = details.encode_to_vec().into();
        let status = Status::with_details(Code::Unavailable, "busy", details);
        let error = CallError::of("Write", &status);
        assert_eq!(error.after, Some(Duration::new(2, 5)));
    }
}
