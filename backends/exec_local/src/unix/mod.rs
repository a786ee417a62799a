//! System calls that no library of ours wraps, and messages over socket pairs. All `unsafe` code
//! of this crate is here.

mod apart;
pub(crate) mod packet;
mod raw;
mod spawn;
mod watch;

pub(crate) use apart::{Stack, run_apart};
pub(crate) use raw::*;
pub(crate) use spawn::{Spawned, spawn};
pub(crate) use watch::{CALLS, Call, filter, let_go, next_call, read_memory};
