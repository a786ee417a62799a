//! The index: small rows in three tables, behind six calls, so that sled can be replaced.
//!
//! | table | key | value | written when |
//! | --- | --- | --- | --- |
//! | `Action` | hash of the action digest, 32 bytes | an action row (`row.rs`), up to 4 KiB | an action ends |
//! | `Blob` | hash of the content, 32 bytes | size, hour of last use, which files: 13 bytes | a blob is put, or used on another day |
//! | `Meta` | a name | format version, bytes of all blobs | with every batch |
//!
//! No row is trusted for what the file system says better: a blob exists when its file does.

mod memory;
mod open;
mod quiet;
mod sled;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use kiln_diag::Diag;

pub use memory::MemoryIndex;
pub(crate) use open::{open, rewrite_into, swap_rewritten};
pub(crate) use sled::{SledIndex, remove_generating};

/// Which kind of row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Action results by the hash of the action digest.
    Action,
    /// Bookkeeping of blobs by the hash of their content.
    Blob,
    /// Facts about the store.
    Meta,
}

impl Table {
    /// All tables, in the order in which a batch is written: what names blobs after the blobs.
    pub const ALL: [Table; 3] = [Table::Blob, Table::Action, Table::Meta];
}

/// The only view of sled the rest of the crate has: six calls, so that it can be replaced.
///
/// Any implementation must agree with a `BTreeMap` for each table (a property test runs that),
/// keep after a crash what was put before a successful `flush`, and lose nothing else but a tail.
pub trait Index: Send + Sync {
    /// The value of a key.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, Diag>;
    /// Sets the value of a key. Seen by `get` at once, durable after `flush`.
    fn put(&self, table: Table, key: &[u8], value: &[u8]) -> Result<(), Diag>;
    /// Forgets a key; no error when it is unknown.
    fn remove(&self, table: Table, key: &[u8]) -> Result<(), Diag>;
    /// Calls `each` with every row in the order of the keys, until it returns `false`.
    fn scan(&self, table: Table, each: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), Diag>;
    /// Returns when all that was put and removed before survives the death of the process.
    fn flush(&self) -> Result<(), Diag>;
    /// Bytes that the index takes on disk.
    fn size_on_disk(&self) -> Result<u64, Diag>;
}
