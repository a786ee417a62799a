//! The store of one user: file contents, action results, and what was last known of source files.
//!
//! * Contents ("blobs") are read-only files named by their SHA-256, `cas/ab/cdef…`. They can be
//!   bound into a sandbox as they are. See [`Store::blob_path`].
//! * Action results and the bookkeeping of blobs live in an index (sled, behind [`Index`]). The
//!   first kiln process of a user owns the index and serves it to the others on a socket.
//! * Stat rows (file stat to digest) live in a flat file for each workspace: [`StatTable`].
//!
//! What it is not: it does not know what an action result or a stat row means (both are opaque
//! bytes), makes no trees and talks to no remote cache. Nothing in it exists nowhere else: the
//! whole folder can be deleted at any time, at the cost of doing work again.
//!
//! Every call blocks (files, sometimes a socket): call it from a thread that may.
//!
//! Invariants its users may lean on:
//! * A damaged, cut or absent entry is a miss. It is never a wrong result and never a failure.
//! * An action result is only returned when every blob that it names was seen to exist.
//! * What [`Store::flush`] has acknowledged survives `kill -9` of any process.
//! * Collection never removes a blob that a living process has used since it opened the store
//!   (or since [`Store::forget_uses`]), nor one that is pinned.
//! * A blob's file never changes: whoever finds it changed (mode, time, size) hashes it again.
//!
//! The layout on disk, the order of writes and the reasons are in
//! `docs/decisions/0003-store-layout.md`.

mod cas;
mod client;
mod clock;
mod config;
mod front;
mod index;
mod lockfile;
mod message;
mod owner;
mod report;
mod row;
mod seat;
mod service;
mod socket;
mod stat;
mod store;
mod users;
mod warnings;
mod wire;
mod writer;

pub use cas::PutMode;
pub use config::StoreConfig;
pub use index::{Index, MemoryIndex, Table};
pub use report::{GcReport, StoreStats, VerifyReport};
pub use stat::StatTable;
pub use store::{Pin, Store};
