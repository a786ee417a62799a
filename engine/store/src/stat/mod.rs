//! What was last known of source files: rows by key, in one flat file for each workspace.
//!
//! Not in sled, because a build that changes nothing needs all of these rows and no other part of
//! the index: one read of a flat file costs milliseconds for 100,000 rows, opening sled and
//! looking them up a hundred times as much (figures in `docs/benchmarks/store.md`).
//!
//! What a row means is up to whoever writes it (`kiln-fs`), and so is the rule that a row about a
//! file which changed shortly before the row was written is not to be trusted.

mod file;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use kiln_base::Fingerprint;
use kiln_diag::Diag;
use parking_lot::{Mutex, RwLock};
use rustc_hash::FxHashMap;

use file::{Base, Row};

use crate::clock;

/// The stat rows of one workspace. Cheap to clone; what is put is written by
/// [`StatTable::save`], or when the last clone goes.
///
/// Several processes may use one table at a time. Each sees what was saved when it loaded it; a
/// row that one of them loses to another is a miss, never a wrong row: every row bears a check.
#[derive(Clone)]
pub struct StatTable(Arc<Inner>);

struct Inner {
    path: PathBuf,
    base: Base,
    /// Which slots of the base were looked up, a bit each: their rows stay when it is rewritten.
    used: Box<[AtomicU64]>,
    /// Rows newer than the base: those appended to the file, and those of this process.
    newer: [RwLock<FxHashMap<Box<[u8]>, Newer>>; SHARDS],
    pending: Mutex<Pending>,
}

/// What has to be written, and what the file was like when last written or loaded.
struct Pending {
    /// Rows of this process that are not in the file, as they are to be appended.
    rows: Vec<u8>,
    /// Rows can be appended.
    whole: bool,
    base: usize,
    appended: usize,
}

struct Newer {
    value: Box<[u8]>,
    day: u32,
}

const SHARDS: usize = 16;
/// A row that nobody asked for in so many days goes when the file is rewritten.
const KEEP_DAYS: u32 = 30;
/// Appended rows beyond this, and beyond half of the base, have the file rewritten.
const LEAST_REWRITTEN: usize = 256 << 10;
/// Longest key and longest value, in bytes; longer rows are not kept.
const LONGEST: usize = u16::MAX as usize;

impl StatTable {
    /// Loads the table of `scope` (the path of a workspace, say); an absent or damaged file is an
    /// empty table.
    pub(crate) fn load(root: &Path, scope: &str) -> StatTable {
        let name = Fingerprint::build("kiln stat table").text(scope).finish();
        let path = root.join("stat").join(name.hex());
        let base = Base::load(&path);
        let newer: [RwLock<FxHashMap<Box<[u8]>, Newer>>; SHARDS] = Default::default();
        for row in base.appended() {
            newer[shard_of(row.key)].write().insert(
                row.key.into(),
                Newer {
                    value: row.value.into(),
                    day: row.day,
                },
            );
        }
        let pending = Pending {
            rows: Vec::new(),
            whole: base.is_whole(),
            base: base.bytes(),
            appended: base.appended_bytes(),
        };
        let words = base.slots().div_ceil(64);
        StatTable(Arc::new(Inner {
            path,
            base,
            used: (0..words).map(|_| AtomicU64::new(0)).collect(),
            newer,
            pending: Mutex::new(pending),
        }))
    }

    /// Reads the value of a key with `read`; `None` when there is none.
    pub fn get<T>(&self, key: &[u8], read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let newer = self.0.newer[shard_of(key)].read();
        if let Some(row) = newer.get(key) {
            return Some(read(&row.value));
        }
        drop(newer);
        let (slot, row) = self.0.base.find(key)?;
        let (word, bit) = (&self.0.used[slot / 64], 1 << (slot % 64));
        if word.load(Ordering::Relaxed) & bit == 0 {
            word.fetch_or(bit, Ordering::Relaxed);
        }
        Some(read(row.value))
    }

    /// Sets the value of a key, in memory. Keys and values are up to 65,535 bytes; a longer row is
    /// not kept.
    pub fn put(&self, key: &[u8], value: &[u8]) {
        if key.len() > LONGEST || value.len() > LONGEST {
            return;
        }
        let day = today();
        Row { key, value, day }.write_to(&mut self.0.pending.lock().rows);
        let value = value.into();
        self.0.newer[shard_of(key)]
            .write()
            .insert(key.into(), Newer { value, day });
    }

    /// Writes what was put. Rows are appended; now and then the file is rewritten.
    ///
    /// Errors: the file cannot be written. The rows are then written by the next call.
    pub fn save(&self) -> Result<(), Diag> {
        self.0.save()
    }

    /// Bytes of all tables of a store.
    pub(crate) fn bytes_of_all(root: &Path) -> u64 {
        files(root).map(|(_, meta)| meta.len()).sum()
    }

    /// Removes the tables of workspaces that nothing was saved for in a long time.
    pub(crate) fn remove_old(root: &Path) {
        let limit = Duration::from_secs(u64::from(KEEP_DAYS) * 24 * 3600);
        let now = SystemTime::now();
        for (path, meta) in files(root) {
            let age = meta
                .modified()
                .ok()
                .and_then(|at| now.duration_since(at).ok());
            if age.is_some_and(|age| age > limit) {
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

fn files(root: &Path) -> impl Iterator<Item = (PathBuf, std::fs::Metadata)> {
    let entries = std::fs::read_dir(root.join("stat")).into_iter().flatten();
    entries.filter_map(|entry| {
        let entry = entry.ok()?;
        Some((entry.path(), entry.metadata().ok()?))
    })
}

fn shard_of(key: &[u8]) -> usize {
    // The low bits choose the slot in the base; these are others.
    (file::hash(key) >> 40) as usize % SHARDS
}

fn today() -> u32 {
    clock::hours() / 24
}

impl Inner {
    fn save(&self) -> Result<(), Diag> {
        let mut pending = self.pending.lock();
        if pending.rows.is_empty() {
            return Ok(());
        }
        let appended = pending.appended + pending.rows.len();
        if pending.whole && appended <= LEAST_REWRITTEN.max(pending.base / 2) {
            file::append(&self.path, &pending.rows)?;
            pending.appended = appended;
        } else {
            pending.base = self.rewrite()?;
            pending.appended = 0;
            pending.whole = true;
        }
        pending.rows.clear();
        Ok(())
    }

    /// Returns the bytes of the new file.
    fn rewrite(&self) -> Result<usize, Diag> {
        let shards: Vec<_> = self.newer.iter().map(RwLock::read).collect();
        let oldest = today().saturating_sub(KEEP_DAYS);
        let mut rows: Vec<Row<'_>> = Vec::new();
        for (slot, mut row) in self.base.rows() {
            let used = self.used[slot / 64].load(Ordering::Relaxed) >> (slot % 64) & 1 == 1;
            if used {
                row.day = today();
            }
            if row.day >= oldest && !shards[shard_of(row.key)].contains_key(row.key) {
                rows.push(row);
            }
        }
        for (key, newer) in shards.iter().flat_map(|shard| shard.iter()) {
            if newer.day >= oldest {
                rows.push(Row {
                    key,
                    value: &newer.value,
                    day: newer.day,
                });
            }
        }
        file::write(&self.path, &rows)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Unsaved rows cost hashing some files again; nobody is left to tell.
        let _ = self.save();
    }
}
