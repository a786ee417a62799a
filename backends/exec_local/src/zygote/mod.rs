//! Small processes with one thread each, from which sandboxes are cloned.
//!
//! ```text
//! kiln ── server ─┬─ worker (slot 1) ── pid 1 of an action ── the action
//!                 └─ worker (slot 2) ── …
//! ```
//!
//! Each dies with the one left of it (`PDEATHSIG`, and the end of its socket), so that nothing
//! survives kiln, however kiln ends.

mod init;
mod ipc;
mod limits;
mod plain;
mod program;
mod reads;
mod restrict;
mod server;
mod skeleton;
mod stage;
pub(crate) mod wire;
mod worker;
mod workplace;

pub use server::ZygoteServer;
