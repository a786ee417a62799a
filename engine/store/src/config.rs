//! Where the store is and how large it may get.

use std::path::PathBuf;
use std::time::Duration;

/// The settings of a store. Make one with [`StoreConfig::new`] and change what should differ.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// The folder of the store; absolute. It is made, mode 0700, when it is not there.
    pub root: PathBuf,
    /// Bytes of blobs (in whole file-system blocks) above which the least recently used ones are
    /// removed, down to four fifths of it. `None` is 10 GB or a tenth of the file system,
    /// whichever is less.
    pub max_bytes: Option<u64>,
    /// How long another process that owns the index may leave a request unanswered.
    pub owner_timeout: Duration,
    /// Bytes of memory for sled's page cache.
    pub index_cache: u64,
    /// Where the socket of an owner goes, instead of `$XDG_RUNTIME_DIR/kiln` or
    /// `/tmp/kiln-<uid>`. Private to the user and short: a socket's path has some 100 bytes.
    pub socket_dir: Option<PathBuf>,
}

impl StoreConfig {
    /// The ordinary settings for a store in `root`.
    pub fn new(root: impl Into<PathBuf>) -> StoreConfig {
        StoreConfig {
            root: root.into(),
            max_bytes: None,
            owner_timeout: Duration::from_secs(5),
            index_cache: 64 << 20,
            socket_dir: None,
        }
    }
}

const DEFAULT_MAX_BYTES: u64 = 10_000_000_000;

impl StoreConfig {
    /// The cap in force.
    pub(crate) fn cap(&self) -> u64 {
        self.max_bytes
            .unwrap_or_else(|| match rustix::fs::statvfs(&self.root) {
                Ok(fs) => DEFAULT_MAX_BYTES.min(fs.f_blocks.saturating_mul(fs.f_frsize) / 10),
                Err(_) => DEFAULT_MAX_BYTES,
            })
    }
}
