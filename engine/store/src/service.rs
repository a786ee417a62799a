//! What the owner of the index does, for its own process and for others.

use bytes::Bytes;
use kiln_diag::Diag;

use crate::cas::Hash;
use crate::report::{GcReport, StoreStats, VerifyReport};

/// A change of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// A blob is there, and was used just now.
    Seen { hash: Hash, size: u64, flags: u8 },
    /// An action row, complete.
    Action { key: Hash, row: Vec<u8> },
    /// An action row turned out to be useless; it goes unless it has become whole meanwhile.
    ForgetAction { key: Hash },
}

/// Why a request was not served.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// There is no owner any more (or it is unresponsive): look for the next one.
    OwnerGone,
    /// The owner answered that it cannot.
    Failed(Diag),
}

pub(crate) type Reply<T> = Result<T, Trouble>;

/// The requests. The process that owns the index serves them directly ([`crate::owner::Owner`]);
/// another asks it on a socket ([`crate::client::Client`]).
pub(crate) trait Service: Send + Sync {
    /// An action row as it was written.
    fn action(&self, key: &Hash) -> Reply<Option<Bytes>>;
    /// Applies changes; when it returns they survive the death of any process.
    fn write(&self, items: &[Item]) -> Reply<()>;
    /// Removes least recently used blobs until at most `target` bytes are left.
    fn gc(&self, target: u64) -> Reply<GcReport>;
    /// Hashes all blobs and looks at all rows.
    fn verify(&self) -> Reply<VerifyReport>;
    /// Counts.
    fn stats(&self) -> Reply<StoreStats>;
}
