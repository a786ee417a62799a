//! A store in a folder of its own, for tests.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "each test program uses a part of it, and a test may panic"
)]

pub mod peer;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kiln_base::Digest;
use kiln_store::{Store, StoreConfig};

/// A temporary folder with a place for a store in it.
pub struct Place(tempfile::TempDir);

impl Place {
    pub fn new() -> Place {
        // On some disks (ext4 without a journal) files made soon after others were deleted cost
        // a hundred times as much; tests do nothing else.
        let memory = Path::new("/dev/shm");
        let free = rustix::fs::statvfs(memory).map_or(0, |fs| fs.f_bavail * fs.f_frsize);
        Place(match free > 256 << 20 {
            true => tempfile::tempdir_in(memory).unwrap(),
            false => tempfile::tempdir().unwrap(),
        })
    }

    pub fn config(&self) -> StoreConfig {
        config(self.0.path())
    }

    pub fn folder(&self) -> &Path {
        self.0.path()
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

/// The settings of the store in a place; nothing in them depends on the machine.
pub fn config(place: &Path) -> StoreConfig {
    let mut config = StoreConfig::new(place.join("store"));
    config.socket_dir = Some(place.join("run"));
    config.max_bytes = Some(1 << 30);
    config.owner_timeout = Duration::from_secs(60);
    config
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
