//! One computation of one node: its own task.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use std::task::Poll;

use parking_lot::Mutex;
use tokio::task::AbortHandle;

use crate::check::{self, Base, Checked};
use crate::compute::Compute;
use crate::cx::NodeCx;
use crate::deps::{Deps, Recorder};
use crate::inline;
use crate::node::RunEntry;
use crate::session::SessionInner;
use crate::slab::NodeId;
use crate::version::{SessionId, Validity, Version};
use crate::wait::Waits;

/// A computation of `node` for one session. Other sessions may wait for it too, and take its
/// result if it holds for their version.
pub(crate) struct Run<C: Compute> {
    pub(crate) node: NodeId,
    pub(crate) session: Arc<SessionInner<C>>,
    /// The last version for which what was read so far holds; lowered by reads and by dirt.
    until: AtomicU64,
    /// The first version for which what was read so far holds.
    from: AtomicU64,
    /// Something that was read holds for this session only.
    tainted: AtomicBool,
    /// And that is because of something uncacheable.
    volatile: AtomicBool,
    /// The computation asked for its value to hold for this session only.
    uncacheable: AtomicBool,
    /// The node was invalidated meanwhile: what the run finds holds for old readers at most, and
    /// only another run can make it current.
    cleared: AtomicBool,
    ended: AtomicU8,
    pub(crate) state: Mutex<RunState<C>>,
}

/// What changes while a run goes on, under the run's own lock. That lock may be taken while a
/// node's is held, never the other way round.
pub(crate) struct RunState<C: Compute> {
    pub(crate) phase: Phase,
    pub(crate) recorder: Recorder,
    /// What the run waits for at the moment. Cycles are found along these.
    pub(crate) waits: Waits<C>,
    abort: Option<AbortHandle>,
}

/// What a run is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It compares the recorded dependencies of an earlier result. These edges may be out of
    /// date, so a cycle through them proves nothing (GR-041).
    Checking,
    /// [`Compute::compute`] is under way: its edges are real.
    Computing,
}

/// Whether and how a run has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    No,
    /// Its result is in the node, or was cancelled: whoever still wants it looks again.
    Orderly,
    /// The computation panicked.
    Panicked,
    /// The task was dropped by others than us: the runtime is shutting down.
    Dropped,
}

impl<C: Compute> Run<C> {
    pub(crate) fn new(node: NodeId, session: Arc<SessionInner<C>>, phase: Phase) -> Run<C> {
        Run {
            node,
            session,
            until: AtomicU64::new(Version::FOREVER.to_raw()),
            from: AtomicU64::new(Version::ORIGIN.to_raw()),
            tainted: AtomicBool::new(false),
            volatile: AtomicBool::new(false),
            uncacheable: AtomicBool::new(false),
            cleared: AtomicBool::new(false),
            ended: AtomicU8::new(Ended::No as u8),
            state: Mutex::new(RunState {
                phase,
                recorder: Recorder::default(),
                waits: Waits::default(),
                abort: None,
            }),
        }
    }

    /// Starts the computation: on the spot if another run asks for it and it seems short, else as
    /// a task. The caller holds a wait for the run, so it cannot be cancelled before its handle is
    /// in place.
    pub(crate) fn start(self: &Arc<Self>, key: C::Key, base: Option<Base>, on_the_spot: bool) {
        let mut guard = RunGuard {
            run: Arc::clone(self),
            stored: false,
            queued: false,
        };
        let session = &self.session;
        let task = if on_the_spot && session.core.inlining.applies(|| session.workers_hungry()) {
            let mut body = Box::pin(drive(guard, key, base));
            if inline::poll_once(body.as_mut()) {
                return;
            }
            session.spawn(body)
        } else {
            guard.queued = true;
            session.count_queued(1);
            session.spawn(drive(guard, key, base))
        };
        self.state.lock().abort = Some(task);
    }

    /// Lets what was read bound the validity of the result.
    pub(crate) fn absorb(&self, read: &Validity) {
        if read.from > Version::ORIGIN {
            self.from.fetch_max(read.from.to_raw(), Ordering::Relaxed);
        }
        if !read.is_clean() {
            self.end_validity_at(read.until);
        }
        if !read.is_shared() {
            self.tainted.store(true, Ordering::Relaxed);
        }
        if read.volatile {
            self.volatile.store(true, Ordering::Relaxed);
        }
    }

    pub(crate) fn end_validity_at(&self, last: Version) {
        self.until.fetch_min(last.to_raw(), Ordering::AcqRel);
    }

    pub(crate) fn until(&self) -> Version {
        Version::from_raw(self.until.load(Ordering::Acquire))
    }

    /// For whom the result holds. Read under the node's lock, so that no dirt is missed.
    pub(crate) fn validity(&self) -> Validity {
        let uncacheable = self.is_uncacheable();
        let shared = !self.tainted.load(Ordering::Relaxed) && !uncacheable;
        Validity {
            from: Version::from_raw(self.from.load(Ordering::Relaxed)),
            until: self.until(),
            only: if shared {
                SessionId::NONE
            } else {
                self.session.reader.session
            },
            volatile: self.volatile.load(Ordering::Relaxed) || uncacheable,
        }
    }

    pub(crate) fn mark_uncacheable(&self) {
        self.uncacheable.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_uncacheable(&self) -> bool {
        self.uncacheable.load(Ordering::Relaxed)
    }

    pub(crate) fn mark_cleared(&self) {
        self.cleared.store(true, Ordering::Relaxed);
    }

    /// Whether only another run can make the result hold for further readers.
    pub(crate) fn must_run_again(&self) -> bool {
        self.is_uncacheable() || self.cleared.load(Ordering::Relaxed)
    }

    /// The dependencies recorded by the computation.
    pub(crate) fn finish_deps(&self) -> Deps {
        self.state.lock().recorder.finish()
    }

    pub(crate) fn abort(&self) {
        let abort = self.state.lock().abort.take();
        if let Some(abort) = abort {
            abort.abort();
        }
    }

    pub(crate) fn ended(&self) -> Ended {
        match self.ended.load(Ordering::Acquire) {
            0 => Ended::No,
            1 => Ended::Orderly,
            2 => Ended::Panicked,
            _ => Ended::Dropped,
        }
    }

    /// The check failed: what it read does not count. How long it may hold does, since dirt that
    /// arrived during the check is not sent again.
    fn begin_computing(&self) {
        self.from.store(Version::ORIGIN.to_raw(), Ordering::Relaxed);
        self.tainted.store(false, Ordering::Relaxed);
        self.volatile.store(false, Ordering::Relaxed);
        self.state.lock().phase = Phase::Computing;
    }
}

/// Tells everybody in `entry`, already taken off its node, how the run ended.
pub(crate) fn announce<C: Compute>(entry: RunEntry<C>, ended: Ended) {
    entry.run.ended.store(ended as u8, Ordering::Release);
    for wait in entry.waiters.iter() {
        wait.wake();
    }
}

/// The body of the task.
async fn drive<C: Compute>(mut guard: RunGuard<C>, key: C::Key, base: Option<Base>) {
    guard.begin();
    let run = Arc::clone(&guard.run);
    let mut leftover = None;
    if let Some(base) = base {
        match Box::pin(check::check(&run, &base)).await {
            Checked::Unchanged => {
                if run.session.core.commit_checked(&run, &base) {
                    guard.stored = true;
                    return;
                }
            }
            Checked::Changed(pending) => leftover = Some(pending),
        }
        run.begin_computing();
    }
    let compute = Arc::clone(&run.session.core.compute);
    let mut computing = compute.compute(key, NodeCx::new(Arc::clone(&run)));
    let result = match futures::poll!(&mut computing) {
        Poll::Ready(result) => result,
        Poll::Pending => {
            // What it wanted of this, it waits for by now.
            drop(leftover.take());
            computing.await
        }
    };
    run.session.count_run(result.is_ok());
    run.session.core.commit(&run, result);
    guard.stored = true;
}

/// Takes the run off its node if the task ends without a result, however that comes about.
struct RunGuard<C: Compute> {
    run: Arc<Run<C>>,
    stored: bool,
    /// The task is counted as waiting for a worker.
    queued: bool,
}

impl<C: Compute> RunGuard<C> {
    fn begin(&mut self) {
        if std::mem::take(&mut self.queued) {
            self.run.session.count_queued(-1);
        }
    }
}

impl<C: Compute> Drop for RunGuard<C> {
    fn drop(&mut self) {
        self.begin();
        if self.stored {
            return;
        }
        let Some(node) = self.run.session.core.nodes.get(self.run.node) else {
            return;
        };
        let entry = node.lock().remove_run(&self.run);
        if let Some(entry) = entry {
            let ended = match (entry.dying, std::thread::panicking()) {
                (true, _) => Ended::Orderly,
                (false, true) => Ended::Panicked,
                (false, false) => Ended::Dropped,
            };
            announce(entry, ended);
        }
    }
}
