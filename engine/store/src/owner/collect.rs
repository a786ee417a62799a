//! Collection: the least recently used blobs go until the store fits.
//!
//! Order: (1) all files are listed, so sizes are exact whatever the rows say; (2) the doomed are
//! chosen, oldest use first; (3) action rows that name them go, and that is flushed; (4) files
//! are unlinked, each only if nobody needs it at that moment; (5) blob rows go. A crash between
//! any two leaves rows without files or files without rows, both harmless: a row without its file
//! is no hit, and a file without a row is found by the next collection.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use kiln_diag::Diag;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{BYTES_KEY, Owner};
use crate::cas::{Entry, Hash, Name, Variant};
use crate::index::{self, Index, Table};
use crate::report::{GcReport, StoreStats};
use crate::row::{ActionBody, ActionRow, BlobRow, Held};
use crate::stat::StatTable;
use crate::users::{self, CollectorLock};
use crate::{clock, message};

/// A blob as the files and its row describe it.
struct Blob {
    hash: Hash,
    bytes: u64,
    hour: u32,
}

/// An action result without blobs has no use that could be seen; it goes at this age.
const LONELY_ACTION_HOURS: u32 = 90 * 24;
/// How long to wait for a process that has just begun to register what it needs.
const REGISTRATION_PATIENCE: Duration = Duration::from_secs(3);
/// The index is rewritten when it takes more than four times its rows, and at least this much.
const REWRITE_FROM_BYTES: u64 = 32 << 20;

impl Owner {
    /// Collects down to `target` bytes.
    pub(super) fn collect(&self, target: u64) -> Result<GcReport, Diag> {
        let _one = self.collecting.lock();
        let Some(_lock) = CollectorLock::take(&self.home.root)? else {
            return Err(message::collection_runs());
        };
        let mut report = GcReport::default();
        if let Some(pid) = self.wait_for_registration() {
            report.held_by = Some(pid);
            report.bytes_before = self.bytes.load(Ordering::Relaxed);
            report.bytes_after = report.bytes_before;
            return Ok(report);
        }
        *self.written_meanwhile.lock() = Some(FxHashSet::default());
        let result = self.collect_listed(target, &mut report);
        *self.written_meanwhile.lock() = None;
        result?;
        StatTable::remove_old(&self.home.root);
        self.rewrite_if_bloated()?;
        Ok(report)
    }

    fn collect_listed(&self, target: u64, report: &mut GcReport) -> Result<(), Diag> {
        let index = self.index();
        let counted = self.bytes.load(Ordering::Relaxed);
        let mut blobs = self.list_blobs(&*index, report)?;
        let doomed = self.choose(&mut blobs, target, report);
        let alive: FxHashSet<Hash> = blobs.iter().map(|blob| blob.hash).collect();
        let goes = |hash: &Hash| {
            doomed.contains_key(hash) || !(alive.contains(hash) || self.home.cas.has_file(hash))
        };
        report.actions_removed = self.remove_actions(&*index, &goes)?;
        index.flush()?;
        self.remove_blobs(&*index, &doomed, report)?;
        {
            let _one = self.writing.lock();
            let grown = self.bytes.load(Ordering::Relaxed).saturating_sub(counted);
            let total = report.bytes_after + grown;
            self.bytes.store(total, Ordering::Relaxed);
            index.put(Table::Meta, BYTES_KEY, &total.to_le_bytes())?;
        }
        index.flush()
    }

    /// The process id of a user of the store that does not register what it needs, if any.
    fn wait_for_registration(&self) -> Option<u32> {
        let until = Instant::now() + REGISTRATION_PATIENCE;
        loop {
            // In this order: a process takes its slot before it begins a session.
            let sessions = self.sessions.all();
            let present = users::present(&self.home.root);
            for user in sessions {
                if !present.iter().any(|present| present.user == user) {
                    self.sessions.end(user);
                }
            }
            let known = |user: &u64| *user == self.home.user || self.sessions.is_registered(*user);
            let unknown = present.into_iter().find(|present| !known(&present.user));
            match unknown {
                None => return None,
                Some(unknown) if Instant::now() > until || self.is_closing() => {
                    return Some(unknown.pid);
                }
                Some(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    /// All blobs, with the hour of last use; drops rows whose files are gone.
    fn list_blobs(&self, index: &dyn Index, report: &mut GcReport) -> Result<Vec<Blob>, Diag> {
        let mut blobs: FxHashMap<Hash, Blob> = FxHashMap::default();
        report.unfinished_removed = self.home.cas.walk(&mut |entry: Entry| {
            let hour = clock::hours_of(entry.stat.st_ctime);
            let blob = blobs.entry(entry.hash).or_insert(Blob {
                hash: entry.hash,
                bytes: 0,
                hour,
            });
            blob.bytes += entry.charge();
            blob.hour = blob.hour.max(hour);
        })?;
        let mut gone = Vec::new();
        index.scan(Table::Blob, &mut |key, row| {
            let hash = Hash::try_from(key).ok();
            match (
                hash.and_then(|hash| blobs.get_mut(&hash)),
                BlobRow::decode(row),
            ) {
                (Some(blob), Some(row)) => blob.hour = row.hour,
                _ => gone.push(key.to_vec()),
            }
            true
        })?;
        for key in gone {
            index.remove(Table::Blob, &key)?;
        }
        Ok(blobs.into_values().collect())
    }

    /// The least recently used blobs that must go, with their sizes.
    fn choose(
        &self,
        blobs: &mut [Blob],
        target: u64,
        report: &mut GcReport,
    ) -> FxHashMap<Hash, u64> {
        let total: u64 = blobs.iter().map(|blob| blob.bytes).sum();
        report.bytes_before = total;
        report.bytes_after = total;
        let mut doomed = FxHashMap::default();
        if total <= target {
            return doomed;
        }
        blobs.sort_unstable_by_key(|blob| (blob.hour, blob.hash));
        let mut left = total;
        for blob in blobs.iter() {
            if left <= target {
                break;
            }
            let own = self.home.uses.hold(&blob.hash);
            if own.needs(&blob.hash) || !self.sessions.unless_needed(&blob.hash, || {}) {
                report.in_use += 1;
                continue;
            }
            drop(own);
            left -= blob.bytes;
            doomed.insert(blob.hash, blob.bytes);
        }
        doomed
    }

    fn remove_blobs(
        &self,
        index: &dyn Index,
        doomed: &FxHashMap<Hash, u64>,
        report: &mut GcReport,
    ) -> Result<(), Diag> {
        for (hash, bytes) in doomed {
            // A process that ends does not wait for this, unless it would never get done.
            if self.is_closing() && report.bytes_after < self.home.cap.saturating_mul(6) / 5 {
                break;
            }
            // While this part is held nobody in this process can begin to use the blob, and
            // while the sessions are held nobody else can: a use is recorded before the file is
            // looked at.
            let own = self.home.uses.hold(hash);
            let removed = !own.needs(hash)
                && self.sessions.unless_needed(hash, || {
                    for variant in Variant::BOTH {
                        self.home.cas.remove(&Name::of_hash(hash, variant));
                    }
                });
            drop(own);
            if !removed {
                report.in_use += 1;
                continue;
            }
            report.blobs_removed += 1;
            report.bytes_after -= bytes;
            let _one = self.writing.lock();
            index.remove(Table::Blob, hash)?;
        }
        Ok(())
    }

    /// sled's files only grow towards several times their content; a fresh copy is the cure.
    fn rewrite_if_bloated(&self) -> Result<(), Diag> {
        let index = self.index();
        let size = index.size_on_disk()?;
        if size < REWRITE_FROM_BYTES {
            return Ok(());
        }
        let mut rows = 0;
        for table in Table::ALL {
            index.scan(table, &mut |key, value| {
                rows += (key.len() + value.len()) as u64;
                true
            })?;
        }
        drop(index);
        match size > rows.saturating_mul(4) {
            true => self.rewrite(),
            false => Ok(()),
        }
    }

    /// Copies the index into a fresh one; whoever needs it meanwhile waits.
    pub(super) fn rewrite(&self) -> Result<(), Diag> {
        let _one = self.writing.lock();
        let Some(old) = self.index.take_alone() else {
            return Ok(());
        };
        let (root, cache) = (&self.home.root, self.home.index_cache);
        let copied = index::rewrite_into(root, cache, &*old);
        drop(old);
        let swapped = copied.and_then(|()| index::swap_rewritten(root));
        let opened = index::open(root, cache, false);
        opened
            .warnings
            .into_iter()
            .for_each(|warning| self.home.warnings.add(warning));
        self.index.set(opened.index);
        swapped
    }

    /// Counts rows and files.
    pub(super) fn count(&self) -> Result<StoreStats, Diag> {
        let mut stats = StoreStats {
            max_bytes: self.home.cap,
            owner_pid: std::process::id(),
            ..StoreStats::default()
        };
        let mut seen = FxHashSet::default();
        self.home.cas.walk(&mut |entry| {
            stats.blob_bytes += entry.charge();
            seen.insert(entry.hash);
        })?;
        stats.blobs = seen.len() as u64;
        let index = self.index();
        index.scan(Table::Action, &mut |_, _| {
            stats.actions += 1;
            true
        })?;
        stats.index_bytes = index.size_on_disk()?;
        stats.stat_bytes = StatTable::bytes_of_all(&self.home.root);
        Ok(stats)
    }

    /// Removes action rows that are damaged, very old without a blob, or name a blob that `goes`.
    fn remove_actions(&self, index: &dyn Index, goes: &dyn Fn(&Hash) -> bool) -> Result<u64, Diag> {
        let now = clock::hours();
        let mut useless = Vec::new();
        index.scan(Table::Action, &mut |key, row| {
            let row = Hash::try_from(key)
                .ok()
                .and_then(|key| ActionRow::decode(&key, row));
            let keep = row.is_some_and(|row| match row.held {
                Held::InBlob(body) => !goes(body.hash()),
                Held::Here(ActionBody { refs, .. }) => {
                    let old = now.saturating_sub(row.hour) > LONELY_ACTION_HOURS;
                    let mut named = refs.iter().filter(|digest| digest.size() > 0).peekable();
                    match named.peek() {
                        None => !old,
                        Some(_) => !named.any(|digest| goes(digest.hash())),
                    }
                }
            });
            if !keep {
                useless.push(key.to_vec());
            }
            true
        })?;
        let mut removed = 0;
        for key in &useless {
            let _one = self.writing.lock();
            let written = self.written_meanwhile.lock();
            let rewritten = Hash::try_from(&key[..]).is_ok_and(|key| {
                written
                    .as_ref()
                    .is_some_and(|written| written.contains(&key))
            });
            if !rewritten {
                index.remove(Table::Action, key)?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}
