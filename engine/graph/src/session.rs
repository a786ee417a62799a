//! Sessions: who reads which version.

use std::any::Any;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::compute::Compute;
use crate::core::Core;
use crate::request::{Asker, Get};
use crate::version::{Reader, SessionId, Validity, Version};

/// A view of the graph at one version, by which nodes are asked for. Cheap to clone; the session
/// ends with its last clone and the last computation made for it (GR-023).
pub struct Session<C: Compute> {
    inner: Arc<SessionInner<C>>,
}

/// What a session has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionStats {
    /// Computations that ended with a value.
    pub computed: u64,
    /// Computations that ended with an error.
    pub failed: u64,
    /// Results that were found valid again by comparing their dependencies.
    pub checked: u64,
    /// Computations and checks that were dropped since nobody waited for them.
    pub cancelled: u64,
}

pub(crate) struct SessionInner<C: Compute> {
    pub(crate) core: Arc<Core<C>>,
    pub(crate) reader: Reader,
    pub(crate) context: Option<Arc<dyn Any + Send + Sync>>,
    handle: OnceLock<Handle>,
    computed: AtomicU64,
    failed: AtomicU64,
    checked: AtomicU64,
    cancelled: AtomicU64,
}

impl<C: Compute> Clone for Session<C> {
    fn clone(&self) -> Session<C> {
        Session {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<C: Compute> Session<C> {
    pub(crate) fn open(core: &Arc<Core<C>>, context: Option<Arc<dyn Any + Send + Sync>>) -> Self {
        let inner = SessionInner {
            core: Arc::clone(core),
            reader: core.sessions.open(),
            context,
            handle: Handle::try_current().map_or_else(|_| OnceLock::new(), OnceLock::from),
            computed: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            checked: AtomicU64::new(0),
            cancelled: AtomicU64::new(0),
        };
        Session {
            inner: Arc::new(inner),
        }
    }

    /// The value of a node, computed if the graph does not hold one that is valid here. Dropping
    /// the future withdraws the request (GR-033).
    ///
    /// # Errors
    /// What the computation returned, or the error of a cycle. Within the session it is kept.
    ///
    /// # Panics
    /// When the computation panicked, or outside a tokio runtime.
    pub fn get(&self, key: C::Key) -> Get<'_, C> {
        Get::new(
            Asker {
                session: &self.inner,
                run: None,
            },
            key,
        )
    }

    /// The version that this session reads.
    pub fn version(&self) -> Version {
        self.inner.reader.version
    }

    /// The number of this session.
    pub fn id(&self) -> SessionId {
        self.inner.reader.session
    }

    /// Whether what this session knows about `key` no longer holds for the newest version
    /// (GR-035). A node without a result here is not outdated.
    pub fn is_outdated(&self, key: &C::Key) -> bool {
        let core = &self.inner.core;
        let Some((_, slot)) = core.table.find(&core.nodes, key) else {
            return false;
        };
        let newest = core.sessions.current();
        slot.find(self.inner.reader)
            .is_some_and(|found| found.validity.until < newest)
    }

    /// Whether what this session knows about `key` is known to hold for the newest version, and
    /// whoever watches it will hear when it no longer does.
    pub(crate) fn is_clean(&self, key: &C::Key) -> bool {
        let core = &self.inner.core;
        let found = core.table.find(&core.nodes, key);
        found
            .and_then(|(_, slot)| slot.find(self.inner.reader))
            .is_some_and(|found| found.validity.is_clean())
    }

    /// The content of `key`'s value is gone, as when a store lost its bytes: the next request
    /// computes the node again, within this session and for all others. Dependents are not dirty;
    /// if the new value is equal they never notice (PX-092), and if it is not, they are checked
    /// again by whoever asks next, running sessions included.
    ///
    /// A session whose version is no longer the newest, and a node that gives another value than
    /// before: there the session may go on to see results computed from the old value, since only
    /// dependents that are clean in the newest version can be found.
    ///
    /// Says whether there was a value to forget. Calling this for a value that is present merely
    /// computes it once more, so a caller should look again before it calls.
    pub fn lose(&self, key: &C::Key) -> bool {
        self.inner.core.lose(key, self.inner.reader)
    }

    /// What the session has done so far.
    pub fn stats(&self) -> SessionStats {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        SessionStats {
            computed: load(&self.inner.computed),
            failed: load(&self.inner.failed),
            checked: load(&self.inner.checked),
            cancelled: load(&self.inner.cancelled),
        }
    }
}

impl<C: Compute> SessionInner<C> {
    /// Starts a task on the runtime at hand, else on the one the session was opened or first used
    /// in: threads outside of any runtime may ask for nodes too.
    pub(crate) fn spawn<F>(&self, task: F) -> AbortHandle
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let joined = match (Handle::try_current(), self.handle.get()) {
            (Ok(handle), known) => {
                if known.is_none() {
                    // Another thread may have been first; then its handle serves.
                    let _ = self.handle.set(handle.clone());
                }
                handle.spawn(task)
            }
            (Err(_), Some(handle)) => handle.spawn(task),
            (Err(_), None) => panic!("a node was asked for outside a tokio runtime"),
        };
        joined.abort_handle()
    }

    pub(crate) fn handle(&self) -> Option<&Handle> {
        self.handle.get()
    }

    /// Whether there are other workers, and fewer tasks waiting for one than two for each.
    pub(crate) fn workers_hungry(&self) -> bool {
        let workers = self
            .handle
            .get()
            .map_or(1, |handle| handle.metrics().num_workers());
        let enough = 2 * workers.saturating_sub(1);
        usize::try_from(self.core.queued.load(Ordering::Relaxed)).unwrap_or(0) < enough
    }

    pub(crate) fn count_queued(&self, change: isize) {
        self.core.queued.fetch_add(change, Ordering::Relaxed);
    }

    pub(crate) fn count_run(&self, success: bool) {
        let counter = if success {
            &self.computed
        } else {
            &self.failed
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_checked(&self) {
        self.checked.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_cancelled(&self) {
        self.cancelled.fetch_add(1, Ordering::Relaxed);
    }
}

impl<C: Compute> Drop for SessionInner<C> {
    fn drop(&mut self) {
        self.core.sessions.close(self.reader.session);
        self.core.sweep_extras();
    }
}

/// The sessions that are active, and the current version.
pub(crate) struct Sessions {
    registry: Mutex<Registry>,
    /// Copies of what the registry says, for paths that need not be exact to the instant.
    current: AtomicU64,
    active: AtomicUsize,
}

struct Registry {
    current: Version,
    newest: SessionId,
    active: BTreeMap<SessionId, Version>,
}

impl Sessions {
    pub(crate) fn new() -> Sessions {
        Sessions {
            registry: Mutex::new(Registry {
                current: Version::FIRST,
                newest: SessionId::NONE,
                active: BTreeMap::new(),
            }),
            current: AtomicU64::new(Version::FIRST.to_raw()),
            active: AtomicUsize::new(0),
        }
    }

    pub(crate) fn current(&self) -> Version {
        Version::from_raw(self.current.load(Ordering::Acquire))
    }

    pub(crate) fn active(&self) -> usize {
        self.active.load(Ordering::Acquire)
    }

    /// Makes `version` current: what was dirtied for it is seen by sessions opened from now on.
    pub(crate) fn publish(&self, version: Version) {
        let mut registry = self.registry.lock();
        registry.current = version;
        self.current.store(version.to_raw(), Ordering::Release);
    }

    /// Whether an active session other than `except` could read a result of this validity.
    pub(crate) fn need(&self, validity: &Validity, except: SessionId) -> bool {
        let others = if except == SessionId::NONE { 0 } else { 1 };
        if self.active() <= others {
            return false;
        }
        let registry = self.registry.lock();
        registry
            .active
            .iter()
            .filter(|(session, _)| **session != except)
            .any(|(session, version)| {
                validity.covers(Reader {
                    session: *session,
                    version: *version,
                })
            })
    }

    /// The newest session ever, and the oldest that is active.
    pub(crate) fn span(&self) -> (SessionId, Option<SessionId>) {
        let registry = self.registry.lock();
        (registry.newest, registry.active.keys().next().copied())
    }

    fn open(&self) -> Reader {
        let mut registry = self.registry.lock();
        registry.newest = registry.newest.next();
        let reader = Reader {
            session: registry.newest,
            version: registry.current,
        };
        registry.active.insert(reader.session, reader.version);
        self.active.store(registry.active.len(), Ordering::Release);
        reader
    }

    fn close(&self, session: SessionId) {
        let mut registry = self.registry.lock();
        registry.active.remove(&session);
        self.active.store(registry.active.len(), Ordering::Release);
    }
}
