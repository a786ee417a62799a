//! A server of the Remote Execution API between a client and a real one, that fails as it is told
//! to; for tests.
//!
//! * [`Layer`] speaks gRPC on both sides: it loses blobs, flips bytes, cuts streams, refuses calls
//!   before and after they took effect, forgets operations, lets tokens expire, and lies about what
//!   it can do, as [`Faults`] says. It knows which actions it hurt ([`Layer::hurt`]).
//! * [`Wire`] passes bytes on: it resets connections after any number of bytes, says `GOAWAY`, stalls
//!   and is away for a while, as [`Cuts`] says.
//!
//! What it is not: no server (whoever uses it starts a real one), and no part of the product.
//!
//! Invariant: a seed decides all that happens to a call of one content, in whatever order calls
//! come; nothing that can be made good by another try happens to the same call more than
//! [`TRIES`] times.

mod dice;
mod execution;
mod faults;
mod layer;
mod storage;
mod streams;
mod wire;

pub use dice::Dice;
pub use faults::{Expiry, Faults, Lie};
pub use layer::Layer;
pub use wire::{Cuts, Wire};

/// So often the same call fails for a while; clients that try again as often get through.
pub const TRIES: u32 = 3;
