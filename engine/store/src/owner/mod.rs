//! The owner of the index: at most one process of a store at a time, by the lock of [`LockFile`].

mod collect;
mod serve;
mod sessions;
mod verify;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use kiln_diag::{Diag, Fault};
use parking_lot::{Condvar, Mutex};
use rustc_hash::FxHashSet;

use crate::cas::{Cas, Hash};
use crate::front::Uses;
use crate::index::{self, Index, Table};
use crate::lockfile::{LockFile, State};
use crate::report::{GcReport, StoreStats, VerifyReport};
use crate::row::BlobRow;
use crate::service::{Item, Reply, Service, Trouble};
use crate::warnings::Warnings;
use crate::{clock, message};

pub(crate) use serve::Server;
use sessions::Sessions;

/// What the owner shares with the rest of its process.
#[derive(Clone)]
pub(crate) struct Home {
    pub(crate) root: PathBuf,
    pub(crate) cap: u64,
    pub(crate) index_cache: u64,
    /// What this process's slot calls it.
    pub(crate) user: u64,
    pub(crate) cas: Arc<Cas>,
    pub(crate) uses: Arc<Uses>,
    pub(crate) warnings: Arc<Warnings>,
}

/// The owner.
pub(crate) struct Owner {
    home: Home,
    index: IndexSlot,
    sessions: Sessions,
    /// Bytes of all blobs, in whole blocks; exact after a collection.
    bytes: AtomicU64,
    /// Held while rows are changed, since a blob row is read before it is written.
    writing: Mutex<()>,
    collecting: Mutex<()>,
    /// The action rows written since a running collection began; it leaves them alone.
    written_meanwhile: Mutex<Option<FxHashSet<Hash>>>,
    collector: Mutex<Collector>,
    closing: AtomicBool,
    failed: AtomicBool,
    state: Mutex<State>,
    lock: LockFile,
}

/// The thread that collects by itself, and when it last ended.
#[derive(Default)]
struct Collector {
    thread: Option<JoinHandle<()>>,
    ended: Option<Instant>,
}

/// What could not be collected now is not tried again before.
const COLLECTION_PAUSE: Duration = Duration::from_secs(60);
/// A blob's row is brought up to date once its hour is this old.
const ROW_AGE_HOURS: u32 = 24;
const BYTES_KEY: &[u8] = b"bytes";

impl Owner {
    /// Becomes the owner with the lock in hand. The index is opened by [`Owner::open_index`].
    pub(crate) fn new(home: Home, lock: LockFile, socket: PathBuf) -> Result<Owner, Diag> {
        let before = State::read(&home.root);
        let state = State {
            pid: std::process::id(),
            socket,
            boot: clock::boot_id(),
            since: clock::seconds(),
            power_cut: before
                .as_ref()
                .map(State::power_cut_now)
                .unwrap_or_default(),
            damaged: before.as_ref().is_some_and(|before| before.damaged),
            indexed: before.is_some_and(|before| before.indexed),
        };
        home.cas.set_power_cut(state.power_cut);
        lock.write(&state)?;
        Ok(Owner {
            home,
            index: IndexSlot::default(),
            sessions: Sessions::default(),
            bytes: AtomicU64::new(0),
            writing: Mutex::new(()),
            collecting: Mutex::new(()),
            written_meanwhile: Mutex::new(None),
            collector: Mutex::default(),
            closing: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            state: Mutex::new(state),
            lock,
        })
    }

    /// Opens the index; until it returns other threads wait and other processes are told to.
    pub(crate) fn open_index(&self) {
        let before = self.state.lock().clone();
        let existed = self.home.root.join("index").exists();
        let opened = index::open(&self.home.root, self.home.index_cache, before.damaged);
        if opened.fresh && before.indexed && existed && opened.warnings.is_empty() {
            // sled takes some damage of its log for the log's end.
            self.home.warnings.add(message::index_lost());
        }
        for warning in opened.warnings {
            self.home.warnings.add(warning);
        }
        if opened.fresh {
            // A failure has been reported, and rows are not needed for a hit.
            let _ = self.note(self.rebuild_blob_rows(&*opened.index));
        } else if let Ok(Some(bytes)) = opened.index.get(Table::Meta, BYTES_KEY) {
            let bytes = bytes.as_ref().try_into().map_or(0, u64::from_le_bytes);
            self.bytes.store(bytes, Ordering::Relaxed);
        }
        if before.damaged || opened.damaged || !before.indexed {
            self.save_state(|state| {
                state.damaged = opened.damaged;
                state.indexed = true;
            });
        }
        self.index.set(opened.index);
    }

    /// Fills the blob table from the files; their last change stands for their last use.
    fn rebuild_blob_rows(&self, index: &dyn Index) -> Result<(), Diag> {
        let (mut total, mut failed) = (0, None);
        self.home.cas.walk(&mut |entry| {
            total += entry.charge();
            let before = index.get(Table::Blob, &entry.hash).ok().flatten();
            let flags = before
                .and_then(|row| BlobRow::decode(&row))
                .map_or(0, |row| row.flags);
            let row = BlobRow {
                size: entry.stat.st_size as u64,
                hour: clock::hours_of(entry.stat.st_ctime),
                flags: flags | entry.variant.flag(),
            };
            let put = index.put(Table::Blob, &entry.hash, &row.encode());
            failed = failed.take().or(put.err());
        })?;
        self.bytes.store(total, Ordering::Relaxed);
        index.put(Table::Meta, BYTES_KEY, &total.to_le_bytes())?;
        index.flush()?;
        failed.map_or(Ok(()), Err)
    }

    /// The index, once it is open.
    fn index(&self) -> Arc<dyn Index> {
        self.index.wait()
    }

    /// Whether the index can be used without waiting longer than `patience`.
    pub(crate) fn is_open_within(&self, patience: Duration) -> bool {
        self.index.get_within(patience).is_some()
    }

    /// Reports the first failure of the index, and has the next owner begin anew if it is damage.
    fn note<T>(&self, result: Result<T, Diag>) -> Result<T, Trouble> {
        result.map_err(|error| {
            if !self.failed.swap(true, Ordering::Relaxed) {
                self.home.warnings.add(message::index_failed(&error));
                if error.fault() == Fault::Internal {
                    self.save_state(|state| state.damaged = true);
                }
            }
            Trouble::Failed(error)
        })
    }

    fn save_state(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock();
        change(&mut state);
        if let Err(error) = self.lock.write(&state) {
            self.home.warnings.add(error.into_warning());
        }
    }

    fn apply(&self, items: &[Item]) -> Result<(), Diag> {
        let _one = self.writing.lock();
        let index = self.index();
        let mut grown = 0;
        for item in items {
            if let Item::Seen { hash, size, flags } = item {
                grown += see_blob(&*index, hash, *size, *flags)?;
            }
        }
        for item in items {
            match item {
                Item::Seen { .. } => {}
                Item::Action { key, row } => {
                    if let Some(written) = &mut *self.written_meanwhile.lock() {
                        written.insert(*key);
                    }
                    index.put(Table::Action, key, row)?;
                }
                Item::ForgetAction { key } => {
                    // Another process may have written it anew since it was found useless.
                    let row = index.get(Table::Action, key)?;
                    if row.is_some_and(|row| !self.is_whole(key, &row)) {
                        index.remove(Table::Action, key)?;
                    }
                }
            }
        }
        if grown > 0 {
            let total = self.bytes.fetch_add(grown, Ordering::Relaxed) + grown;
            index.put(Table::Meta, BYTES_KEY, &total.to_le_bytes())?;
        }
        index.flush()
    }

    /// Starts a collection if the blobs take more room than they may.
    pub(crate) fn collect_if_needed(self: &Arc<Self>) {
        if self.bytes.load(Ordering::Relaxed) <= self.home.cap || self.is_closing() {
            return;
        }
        let mut collector = self.collector.lock();
        let rests = collector
            .ended
            .is_some_and(|at| at.elapsed() < COLLECTION_PAUSE);
        if rests
            || collector
                .thread
                .as_ref()
                .is_some_and(|thread| !thread.is_finished())
        {
            return;
        }
        let owner = Arc::clone(self);
        let collect = move || {
            // A failure of the index has been reported; anything else is tried again.
            let _ = owner.gc(owner.home.cap / 5 * 4);
            owner.collector.lock().ended = Some(Instant::now());
        };
        // Without a thread the store stays too large until the next attempt.
        collector.thread = std::thread::Builder::new()
            .name("kiln-store-collect".to_owned())
            .spawn(collect)
            .ok();
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// Stops what can be stopped; the index is closed when the last reference goes.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
        let collector = self.collector.lock().thread.take();
        let _ = collector.map(JoinHandle::join);
        self.save_state(|state| state.since = clock::seconds());
    }
}

/// Records a use of a blob; returns by how much the store has grown.
fn see_blob(index: &dyn Index, hash: &Hash, size: u64, flags: u8) -> Result<u64, Diag> {
    let hour = clock::hours();
    let before = index
        .get(Table::Blob, hash)?
        .and_then(|row| BlobRow::decode(&row))
        .filter(|row| row.size == size);
    let row = BlobRow {
        size,
        hour,
        flags: before.map_or(0, |row| row.flags) | flags,
    };
    let fresh = before
        .is_some_and(|old| old.flags == row.flags && hour.saturating_sub(old.hour) < ROW_AGE_HOURS);
    if !fresh {
        index.put(Table::Blob, hash, &row.encode())?;
    }
    Ok(row.charge() - before.map_or(0, |row| row.charge()))
}

impl Service for Owner {
    fn action(&self, key: &Hash) -> Reply<Option<Bytes>> {
        self.note(self.index().get(Table::Action, key))
    }

    fn write(&self, items: &[Item]) -> Reply<()> {
        self.note(self.apply(items))
    }

    fn gc(&self, target: u64) -> Reply<GcReport> {
        self.note(self.collect(target))
    }

    fn verify(&self) -> Reply<VerifyReport> {
        self.note(self.verify_all())
    }

    fn stats(&self) -> Reply<StoreStats> {
        self.note(self.count())
    }
}

/// The index of an owner: not there yet, there, or away for a moment while it is rewritten.
#[derive(Default)]
struct IndexSlot {
    index: Mutex<Option<Arc<dyn Index>>>,
    arrived: Condvar,
}

impl IndexSlot {
    fn set(&self, index: Arc<dyn Index>) {
        *self.index.lock() = Some(index);
        self.arrived.notify_all();
    }

    fn wait(&self) -> Arc<dyn Index> {
        let mut index = self.index.lock();
        loop {
            if let Some(index) = &*index {
                return Arc::clone(index);
            }
            self.arrived.wait(&mut index);
        }
    }

    /// Takes the index away once nobody uses it; `None` if somebody does for long.
    fn take_alone(&self) -> Option<Arc<dyn Index>> {
        let index = self.index.lock().take()?;
        for _ in 0..2000 {
            if Arc::strong_count(&index) == 1 {
                return Some(index);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        self.set(index);
        None
    }

    fn get_within(&self, patience: Duration) -> Option<Arc<dyn Index>> {
        let until = Instant::now() + patience;
        let mut index = self.index.lock();
        while index.is_none() {
            if self.arrived.wait_until(&mut index, until).timed_out() {
                break;
            }
        }
        index.clone()
    }
}
