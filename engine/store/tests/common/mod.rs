//! A store in a folder of its own, for tests.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test program uses a part of it, and a test may panic"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kiln_base::Digest;
use kiln_store::{Store, StoreConfig};

/// A temporary folder with a place for a store in it.
pub struct Place(tempfile::TempDir);

impl Place {
    pub fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    pub fn config(&self) -> StoreConfig {
        let mut config = StoreConfig::new(self.root());
        config.socket_dir = Some(self.path("run"));
        config.max_bytes = Some(1 << 30);
        config.owner_timeout = Duration::from_secs(60);
        config
    }

    /// Opens the store as another process would.
    pub fn open(&self) -> Store {
        Store::open(self.config()).unwrap()
    }

    pub fn root(&self) -> PathBuf {
        self.path("store")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }
}

/// The plain file of a blob, whether it exists or not.
pub fn file_of(store: &Store, digest: &Digest) -> PathBuf {
    let hex = digest.hex();
    store.root().join("cas").join(&hex[..2]).join(&hex[2..])
}

/// Changes the content of a read-only file in place, keeping its mode.
pub fn spoil(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut content = fs::read(path).unwrap();
    change(&mut content);
    let before = fs::metadata(path).unwrap().permissions();
    let mut writable = before.clone();
    std::os::unix::fs::PermissionsExt::set_mode(&mut writable, 0o644);
    fs::set_permissions(path, writable).unwrap();
    fs::write(path, content).unwrap();
    fs::set_permissions(path, before).unwrap();
}
