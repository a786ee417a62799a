//! sled 0.34.7 as an [`Index`]. Nothing outside this file names sled.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use ::sled::{Config, Db, Error, Mode, Tree};
use bytes::Bytes;
use kiln_diag::{Diag, Fault};

use super::{Index, Table, quiet};

/// An open sled database with one tree for each table.
pub(crate) struct SledIndex {
    db: Db,
    actions: Tree,
    blobs: Tree,
    meta: Tree,
}

/// Why sled did not open, as far as it decides what to do next.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// sled's own lock is held: by what is left of a database being closed.
    Busy,
    /// The machine is at fault (space, permissions, descriptors); the files may be sound.
    Machine(io::Error),
    /// sled says `Corruption`. Without its snapshots it may open.
    Corrupt,
    /// It does not come back.
    Hangs,
    /// Anything else, a panic included.
    Broken(String),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Busy => f.write_str("it is open elsewhere"),
            OpenError::Machine(error) => f.write_str(&kiln_diag::io_text(error)),
            OpenError::Corrupt => f.write_str("it is damaged"),
            OpenError::Hangs => f.write_str("it does not open"),
            OpenError::Broken(why) => f.write_str(why),
        }
    }
}

impl SledIndex {
    /// Opens or makes a database. `path` must be absolute: sled ignores the snapshots of a
    /// relative one, and replays its whole log.
    pub(crate) fn open(path: &Path, cache_bytes: u64) -> Result<SledIndex, OpenError> {
        let config = Config::new()
            .path(path)
            .mode(Mode::LowSpace)
            .cache_capacity(cache_bytes)
            .use_compression(false)
            // sled collects its garbage only in the thread that this starts.
            .flush_every_ms(Some(500));
        let opened = quiet::catch(|| {
            let db = config.open()?;
            let tree = |name: &str| db.open_tree(name);
            Ok(SledIndex {
                actions: tree("ac")?,
                blobs: tree("blob")?,
                meta: tree("meta")?,
                db,
            })
        });
        opened
            .map_err(OpenError::Broken)?
            .map_err(|error| match error {
                Error::Corruption { .. } => OpenError::Corrupt,
                Error::Io(error) => of_io(error),
                other => OpenError::Broken(other.to_string()),
            })
    }

    fn tree(&self, table: Table) -> &Tree {
        match table {
            Table::Action => &self.actions,
            Table::Blob => &self.blobs,
            Table::Meta => &self.meta,
        }
    }
}

fn of_io(error: io::Error) -> OpenError {
    use io::ErrorKind::{
        OutOfMemory, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull, WouldBlock,
    };
    match error.kind() {
        // EMFILE and ENFILE have no kind of their own.
        StorageFull | QuotaExceeded | PermissionDenied | ReadOnlyFilesystem | OutOfMemory => {
            OpenError::Machine(error)
        }
        _ if matches!(error.raw_os_error(), Some(23 | 24)) => OpenError::Machine(error),
        WouldBlock => OpenError::Busy,
        // sled wraps the error of its lock in one of kind `Other`.
        _ if error.to_string().contains("could not acquire lock") => OpenError::Busy,
        _ => OpenError::Broken(kiln_diag::io_text(&error)),
    }
}

/// Removes the snapshots that sled was writing when its process died: with one of them there it
/// answers `Corruption` for ever.
pub(crate) fn remove_generating(path: &Path) {
    remove_snapshots(path, |name| name.ends_with(".generating"));
}

/// Removes all snapshots: sled then replays its log, and finds all data there.
pub(crate) fn remove_all_snapshots(path: &Path) {
    remove_snapshots(path, |_| true);
}

fn remove_snapshots(path: &Path, which: impl Fn(&str) -> bool) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && which(&name) {
            // One that cannot be removed makes the open fail, and that is handled there.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Runs a call of sled. An error of the file system is the environment's fault; anything else,
/// panics included, is damage, and an internal fault.
fn call<T>(act: impl FnOnce() -> ::sled::Result<T>) -> Result<T, Diag> {
    let fail = |fault, why: String| Diag::new(fault, format!("the cache's index failed: {why}"));
    let done = quiet::catch(act).map_err(|panic| fail(Fault::Internal, panic))?;
    done.map_err(|error| match error {
        Error::Io(error) => fail(Fault::Environment, kiln_diag::io_text(&error)),
        Error::Corruption { .. } => fail(Fault::Internal, "a row is damaged".to_owned()),
        other => fail(Fault::Internal, other.to_string()),
    })
}

impl Index for SledIndex {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, Diag> {
        let value = call(|| self.tree(table).get(key))?;
        Ok(value.map(|value| Bytes::copy_from_slice(&value)))
    }

    fn put(&self, table: Table, key: &[u8], value: &[u8]) -> Result<(), Diag> {
        call(|| self.tree(table).insert(key, value)).map(drop)
    }

    fn remove(&self, table: Table, key: &[u8]) -> Result<(), Diag> {
        call(|| self.tree(table).remove(key)).map(drop)
    }

    fn scan(&self, table: Table, each: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), Diag> {
        call(|| {
            for row in self.tree(table).iter() {
                let (key, value) = row?;
                if !each(&key, &value) {
                    break;
                }
            }
            Ok(())
        })
    }

    fn flush(&self) -> Result<(), Diag> {
        call(|| self.db.flush()).map(drop)
    }

    fn size_on_disk(&self) -> Result<u64, Diag> {
        call(|| self.db.size_on_disk())
    }
}
