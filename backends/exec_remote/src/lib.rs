//! The client of remote caches and workers: any server that speaks the Remote Execution API,
//! version 2, over gRPC.
//!
//! * [`RemoteConfig`] says which server, and how it is reached; [`Client`] reaches it.
//! * [`RemoteCached`] puts the server's cache before any [`kiln_process::Executor`].
//! * [`examine`] checks a server against what kiln needs.
//! * [`RemoteContents`] leaves outputs at the server until they are needed; [`InputsHere`] needs them.
//! * [`RemoteExecutor`] is one that has a server's workers run processes; [`Placed`] says which.
//!
//! What it is not: it knows no server by name (capabilities decide, R1), has no store of its own
//! (everything lands in [`kiln_store::Store`]), and runs nothing on this machine.
//!
//! Invariants: what a server says is a claim: nothing is believed before digests, paths, sizes and
//! links were checked; a server that fails, lies or loses a blob costs time and never the build,
//! unless [`Down::Fail`] asks for that; memory is bounded by the number of transfers under way and
//! never by the size of a blob; secrets (headers, tokens) are in no message and no `Debug` output.

mod address;
mod auth;
mod bytestream;
mod cache;
mod call;
mod cas;
mod channel;
mod check;
mod client;
mod compressed;
mod config;
mod contents;
mod doctor;
mod download;
mod execute;
mod executor;
mod health;
mod inputs;
mod inputs_here;
mod lookup;
mod pending;
mod placed;
mod presence;
mod report;
mod upload;

pub use address::Address;
pub use cache::RemoteCached;
pub use call::CallError;
pub use client::{About, Client, Limits};
pub use config::{Down, Helper, RemoteConfig, Secret};
pub use contents::{AtOnce, RemoteContents};
pub use doctor::{Check, Cost, Group, Mark, Sheet, examine};
pub use executor::RemoteExecutor;
pub use inputs_here::InputsHere;
pub use placed::Placed;
pub use report::Counts;
