//! What an owner and the processes that it serves say to each other.
//!
//! A message is its length (4 bytes) and its body; a request is answered by one response. All
//! numbers are little-endian. Both sides are processes of one user, of maybe different versions:
//! the first request of a connection is `Hello`, and its layout never changes.
//!
//! | request | op | fields | response |
//! | --- | --- | --- | --- |
//! | Hello | 0 | version 4, user 8 | Hello: version 4, pid 4 |
//! | Register | 1 | | Done |
//! | Action | 2 | hash | Row |
//! | Write | 3 | items | Done, when they are durable |
//! | Use | 4 | hashes | Done |
//! | Pin | 5 | on 1, hashes | Done |
//! | Forget | 6 | | Done |
//! | Gc | 7 | target 8 | Gc |
//! | Verify | 8 | | Verify |
//! | Stats | 9 | | Stats |

mod bytes;
#[cfg(test)]
mod tests;

use std::io::{self, Read, Write};

use ::bytes::Bytes;
use kiln_diag::{Diag, Fault};

use self::bytes::{Put, Take};
use crate::cas::Hash;
use crate::report::{GcReport, StoreStats, VerifyReport};
use crate::service::Item;

/// Changes with every change of the messages but `Hello`.
pub(crate) const VERSION: u32 = 1;
/// No message is longer; a larger length is no message of ours.
const LONGEST: usize = 16 << 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Hello { version: u32, user: u64 },
    Register,
    Action(Hash),
    Write(Vec<Item>),
    Use(Vec<Hash>),
    Pin { on: bool, hashes: Vec<Hash> },
    Forget,
    Gc { target: u64 },
    Verify,
    Stats,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Response {
    Hello {
        version: u32,
        pid: u32,
    },
    Done,
    /// The index is being opened: ask again.
    Opening,
    Failed(Diag),
    Row(Option<Bytes>),
    Gc(GcReport),
    Verify(VerifyReport),
    Stats(StoreStats),
}

/// Sends a message.
pub(crate) fn send(to: &mut impl Write, body: &[u8]) -> io::Result<()> {
    if body.len() > LONGEST {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut message = Vec::with_capacity(4 + body.len());
    message.extend((body.len() as u32).to_le_bytes());
    message.extend(body);
    to.write_all(&message)
}

/// Receives a message; `None` at the end of the connection.
pub(crate) fn receive(from: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    // Grows with what comes, not with what is announced.
    let mut body = Vec::new();
    from.take(length as u64).read_to_end(&mut body)?;
    match body.len() == length {
        true => Ok(Some(body)),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

impl Request {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut to = Put::default();
        match self {
            Request::Hello { version, user } => to.op(0).u32(*version).u64(*user),
            Request::Register => to.op(1),
            Request::Action(key) => to.op(2).raw(key),
            Request::Write(items) => {
                to.op(3);
                items.iter().for_each(|item| put_item(&mut to, item));
                &mut to
            }
            Request::Use(hashes) => to.op(4).raw(hashes.as_flattened()),
            Request::Pin { on, hashes } => to.op(5).op(u8::from(*on)).raw(hashes.as_flattened()),
            Request::Forget => to.op(6),
            Request::Gc { target } => to.op(7).u64(*target),
            Request::Verify => to.op(8),
            Request::Stats => to.op(9),
        };
        to.0
    }

    pub(crate) fn decode(body: &[u8]) -> Option<Request> {
        let mut from = Take(body);
        let request = match from.op()? {
            0 => Request::Hello {
                version: from.u32()?,
                user: from.u64()?,
            },
            1 => Request::Register,
            2 => Request::Action(from.hash()?),
            3 => {
                let mut items = Vec::new();
                while !from.0.is_empty() {
                    items.push(take_item(&mut from)?);
                }
                Request::Write(items)
            }
            4 => Request::Use(from.hashes()?),
            5 => Request::Pin {
                on: from.op()? != 0,
                hashes: from.hashes()?,
            },
            6 => Request::Forget,
            7 => Request::Gc {
                target: from.u64()?,
            },
            8 => Request::Verify,
            9 => Request::Stats,
            _ => return None,
        };
        from.0.is_empty().then_some(request)
    }
}

fn put_item(to: &mut Put, item: &Item) {
    match item {
        Item::Seen { hash, size, flags } => to.op(0).raw(hash).u64(*size).op(*flags),
        Item::Action { key, row } => to.op(1).raw(key).bytes(row),
        Item::ForgetAction { key } => to.op(2).raw(key),
    };
}

fn take_item(from: &mut Take<'_>) -> Option<Item> {
    Some(match from.op()? {
        0 => Item::Seen {
            hash: from.hash()?,
            size: from.u64()?,
            flags: from.op()?,
        },
        1 => Item::Action {
            key: from.hash()?,
            row: from.bytes()?.to_vec(),
        },
        2 => Item::ForgetAction { key: from.hash()? },
        _ => return None,
    })
}

impl Response {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut to = Put::default();
        match self {
            Response::Hello { version, pid } => to.op(0).u32(*version).u32(*pid),
            Response::Done => to.op(1),
            Response::Opening => to.op(2),
            Response::Failed(error) => {
                to.op(3).op(u8::from(error.fault() == Fault::Internal));
                to.bytes(error.message().as_bytes());
                for hint in error.hints() {
                    to.bytes(hint.as_bytes());
                }
                &mut to
            }
            Response::Row(None) => to.op(4),
            Response::Row(Some(row)) => to.op(5).raw(row),
            Response::Gc(report) => put_gc(to.op(6), report),
            Response::Verify(report) => put_verify(to.op(7), report),
            Response::Stats(stats) => put_stats(to.op(8), stats),
        };
        to.0
    }

    pub(crate) fn decode(body: &[u8]) -> Option<Response> {
        let mut from = Take(body);
        let response = match from.op()? {
            0 => Response::Hello {
                version: from.u32()?,
                pid: from.u32()?,
            },
            1 => Response::Done,
            2 => Response::Opening,
            3 => Response::Failed(take_error(&mut from)?),
            4 => Response::Row(None),
            5 => Response::Row(Some(Bytes::copy_from_slice(std::mem::take(&mut from.0)))),
            6 => Response::Gc(take_gc(&mut from)?),
            7 => Response::Verify(take_verify(&mut from)?),
            8 => Response::Stats(take_stats(&mut from)?),
            _ => return None,
        };
        from.0.is_empty().then_some(response)
    }
}

fn put_gc<'a>(to: &'a mut Put, report: &GcReport) -> &'a mut Put {
    to.numbers([
        report.bytes_before,
        report.bytes_after,
        report.blobs_removed,
        report.actions_removed,
        report.in_use,
        report.unfinished_removed,
    ]);
    match report.held_by {
        Some(pid) => to.u32(pid),
        None => to,
    }
}

fn take_gc(from: &mut Take<'_>) -> Option<GcReport> {
    let [bytes_before, bytes_after, blobs_removed, rest @ ..] = from.numbers::<6>()?;
    let [actions_removed, in_use, unfinished_removed] = rest;
    let held_by = match from.0.is_empty() {
        true => None,
        false => Some(from.u32()?),
    };
    Some(GcReport {
        bytes_before,
        bytes_after,
        blobs_removed,
        actions_removed,
        in_use,
        unfinished_removed,
        held_by,
    })
}

fn put_verify<'a>(to: &'a mut Put, report: &VerifyReport) -> &'a mut Put {
    to.numbers([
        report.files,
        report.bytes,
        report.restored,
        report.actions,
        report.actions_removed,
        report.unfinished_removed,
    ]);
    let names = report.damaged.iter();
    names.fold(to, |to, name| to.bytes(name.as_bytes()))
}

fn take_verify(from: &mut Take<'_>) -> Option<VerifyReport> {
    let [files, bytes, restored, rest @ ..] = from.numbers::<6>()?;
    let [actions, actions_removed, unfinished_removed] = rest;
    Some(VerifyReport {
        files,
        bytes,
        damaged: from.texts()?,
        restored,
        actions,
        actions_removed,
        unfinished_removed,
    })
}

fn put_stats<'a>(to: &'a mut Put, stats: &StoreStats) -> &'a mut Put {
    to.numbers([
        stats.blobs,
        stats.blob_bytes,
        stats.max_bytes,
        stats.actions,
        stats.index_bytes,
        stats.stat_bytes,
        u64::from(stats.owner_pid),
    ])
}

fn take_stats(from: &mut Take<'_>) -> Option<StoreStats> {
    let [blobs, blob_bytes, max_bytes, rest @ ..] = from.numbers::<7>()?;
    let [actions, index_bytes, stat_bytes, owner_pid] = rest;
    Some(StoreStats {
        blobs,
        blob_bytes,
        max_bytes,
        actions,
        index_bytes,
        stat_bytes,
        owner_pid: u32::try_from(owner_pid).ok()?,
    })
}

fn take_error(from: &mut Take<'_>) -> Option<Diag> {
    let fault = match from.op()? {
        0 => Fault::Environment,
        _ => Fault::Internal,
    };
    let mut texts = from.texts()?.into_iter();
    let error = Diag::new(fault, texts.next()?);
    Some(texts.fold(error, Diag::hint))
}
