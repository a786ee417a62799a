//! Runs processes on this machine, each in a sandbox of its own made of Linux namespaces.
//!
//! What it is not: it decides nothing about caching, concurrency or keys, and it does not know
//! targets. It runs on Linux only.
//!
//! Invariants:
//! * An action sees its declared inputs, the system roots of [`LocalConfig`] and nothing else; it
//!   can write only where its declared outputs will be and into a private `/tmp`. Not so in a
//!   workspace ([`WorkspaceRoot`]), where it can do whatever its user can.
//! * Nothing that an action does can change a blob of the store.
//! * No process of an action outlives its result, the drop of its future, or kiln itself.
//! * The exec root has the same path in every sandbox on every machine.
//! * [`ZygoteServer::start`] runs before any thread is made; all sandboxes are forked from it and
//!   never from kiln itself, whose heap and threads make forks slow and unsafe.

mod config;
mod executor;
mod failure;
mod keep;
mod limits;
mod slot;
mod tail;
mod tier;
mod trees;
mod unix;
mod zygote;

pub use config::{Keep, Limits, LocalConfig, ProcessLimit, Sandbox, WorkspaceRoot};
pub use executor::LocalExecutor;
pub use tier::Tier;
pub use zygote::ZygoteServer;
