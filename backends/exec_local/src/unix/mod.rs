//! System calls that no library of ours wraps, and messages over socket pairs. All `unsafe` code
//! of this crate is here.

mod apart;
pub(crate) mod packet;
mod raw;
mod spawn;

pub(crate) use apart::{Stack, run_apart};
pub(crate) use raw::*;
pub(crate) use spawn::spawn;
