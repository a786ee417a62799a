//! A server of the Remote Execution API, version 2, over the store and the sandboxes of one machine
//! (`kiln serve`): what other checkouts, other machines and other build tools use as their remote
//! cache and as their workers.
//!
//! * [`ServeConfig`] says where to listen and who may come; [`Server::bind`] listens.
//! * Contents and results are those of the [`kiln_store::Store`] that it is given: what was built
//!   here is known to clients, and the other way round.
//! * Actions run by the [`kiln_process::Executor`] that it is given. The server knows no sandbox.
//!
//! What it is not: it decides nothing about targets, keeps no state but operations under way and
//! uploads that were cut off, and offers no compression, no chunking and one digest function.
//!
//! Invariants: what a client sends is a claim: no blob is acknowledged before its digest was
//! checked, no result before all that it names was seen to exist and to stay within its folder; memory
//! is bounded by the number of calls under way, never by the size of a blob or of a tree; a result
//! is served only as long as all its blobs are there; secrets are in no message.

mod action;
mod auth;
mod bytestream;
mod capabilities;
mod config;
mod execution;
mod inputs;
mod listen;
mod names;
mod operations;
mod outcome;
mod platform;
mod request;
mod results;
mod run;
mod server;
mod shared;
mod status;
mod storage;
mod uploads;

pub use config::{Listen, ServeConfig};
pub use server::{Report, Server};
