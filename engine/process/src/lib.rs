//! What a process is, what names its result, and the trait of whatever can run one.
//!
//! What it is not: it starts nothing. The local sandbox, containers and remote workers implement
//! [`Executor`] elsewhere; only the decorators that need no backend are here.
//!
//! Invariants: everything that decides a result is in [`Process`] and so in its action digest
//! ([`Keyed`]); what is for people only is in [`Description`] and never in the key; dropping the
//! future of [`Executor::execute`] ends the process and all it started.

mod action;
mod bounded;
mod cached;
mod contents;
mod environment;
mod executor;
mod limited;
mod pace;
mod process;
mod race;
mod result;
mod result_message;
mod undeclared;

pub use action::Keyed;
pub use bounded::Bounded;
pub use cached::Cached;
pub use contents::{Contents, keep, recall};
pub use environment::{DockerEnvironment, Environment, Platform, RemoteEnvironment};
pub use executor::{
    Declared, Description, ExecError, Executor, Identify, Observer, Reads, Request,
};
pub use limited::Limited;
pub use pace::{Side, Span, Start, UNKNOWN, start};
pub use process::{CacheScope, Process};
pub use race::{Contest, Other, Raced, Took, race};
pub use result::{Exit, Limit, ProcessResult, Source};
pub use result_message::{DecodedResult, EncodedResult, ResultError, decode_result, encode_result};
pub use undeclared::{AccessKind, Scene, Undeclared, undeclared};
