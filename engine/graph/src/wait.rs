//! Waiting for a run.

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;
use smallvec::SmallVec;

use crate::compute::Compute;
use crate::run::{Ended, Run};
use crate::version::Reader;

/// Somebody waits for `target`. It is an edge of the graph of waiting, known at both ends: the
/// owner lists what it waits for, the target's node lists whom to wake.
pub(crate) struct Wait<C: Compute> {
    /// For whom the result is wanted.
    pub(crate) reader: Reader,
    /// The run that waits; none for a request from a session.
    pub(crate) owner: Option<Arc<Run<C>>>,
    pub(crate) target: Arc<Run<C>>,
    waker: AtomicWaker,
    signal: AtomicU8,
    /// Where this stands in the owner's list, guarded by the owner's lock.
    owner_seat: AtomicU32,
    /// Where this stands in the target's list, guarded by the lock of the target's node.
    target_seat: AtomicU32,
    /// The cycle this wait was found to close, for [`Signal::Cycle`].
    path: OnceLock<Vec<C::Key>>,
}

/// What is said to a waiter whose wait would never end. Once said, the wait no longer counts as
/// an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    None,
    /// Give up checking and compute: the cycle ran through an edge that may be out of date.
    StopCheck,
    /// Do not wait for another session's run, make your own: the cycle ran through two sessions,
    /// which need not agree on who depends on whom.
    Alone,
    /// The cycle is real.
    Cycle,
}

/// How a wait came out.
pub(crate) enum Waited<C: Compute> {
    /// Look again.
    Ended,
    StopCheck,
    Alone,
    Cycle(Vec<C::Key>),
}

impl<C: Compute> Wait<C> {
    pub(crate) fn new(
        reader: Reader,
        owner: Option<&Arc<Run<C>>>,
        target: &Arc<Run<C>>,
    ) -> Arc<Wait<C>> {
        Arc::new(Wait {
            reader,
            owner: owner.cloned(),
            target: Arc::clone(target),
            waker: AtomicWaker::new(),
            signal: AtomicU8::new(Signal::None as u8),
            owner_seat: AtomicU32::new(0),
            target_seat: AtomicU32::new(0),
            path: OnceLock::new(),
        })
    }

    pub(crate) fn wake(&self) {
        self.waker.wake();
    }

    /// Whether the owner is held up by this.
    pub(crate) fn blocks(&self) -> bool {
        self.signal() == Signal::None && self.target.ended() == Ended::No
    }

    /// Must be followed by [`Wait::wake`].
    pub(crate) fn set_signal(&self, signal: Signal, path: Vec<C::Key>) {
        // Set once only: the resolver found the signal unset under the owner's lock.
        let _ = self.path.set(path);
        self.signal.store(signal as u8, Ordering::Release);
    }

    fn seat(&self, end: End) -> &AtomicU32 {
        match end {
            End::Owner => &self.owner_seat,
            End::Target => &self.target_seat,
        }
    }

    fn signal(&self) -> Signal {
        match self.signal.load(Ordering::Acquire) {
            0 => Signal::None,
            1 => Signal::StopCheck,
            2 => Signal::Alone,
            _ => Signal::Cycle,
        }
    }
}

/// The two ends of a wait.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Owner,
    Target,
}

/// The waits that meet at one end, without order. A wait knows its seat, so that leaving is cheap
/// even where a hundred thousand meet.
pub(crate) struct Waits<C: Compute>(SmallVec<[Arc<Wait<C>>; 1]>);

impl<C: Compute> Default for Waits<C> {
    fn default() -> Waits<C> {
        Waits(SmallVec::new())
    }
}

impl<C: Compute> Waits<C> {
    pub(crate) fn push(&mut self, wait: Arc<Wait<C>>, end: End) {
        wait.seat(end).store(self.0.len() as u32, Ordering::Relaxed);
        self.0.push(wait);
    }

    pub(crate) fn remove(&mut self, wait: &Arc<Wait<C>>, end: End) {
        if !self.contains(wait, end) {
            return;
        }
        let seat = wait.seat(end).load(Ordering::Relaxed);
        self.0.swap_remove(seat as usize);
        if let Some(moved) = self.0.get(seat as usize) {
            moved.seat(end).store(seat, Ordering::Relaxed);
        }
    }

    pub(crate) fn contains(&self, wait: &Arc<Wait<C>>, end: End) -> bool {
        let seat = wait.seat(end).load(Ordering::Relaxed) as usize;
        self.0
            .get(seat)
            .is_some_and(|seated| Arc::ptr_eq(seated, wait))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Wait<C>>> {
        self.0.iter()
    }
}

/// Owns a wait: dropping it takes the wait out at both ends, and ends the target if that was the
/// last one (GR-033).
pub(crate) struct WaitGuard<C: Compute> {
    wait: Arc<Wait<C>>,
}

impl<C: Compute> WaitGuard<C> {
    /// Makes an edge visible to those who look for cycles. To be called before the target starts,
    /// or before one looks oneself.
    pub(crate) fn publish(wait: Arc<Wait<C>>) -> WaitGuard<C> {
        if let Some(owner) = &wait.owner {
            owner.state.lock().waits.push(Arc::clone(&wait), End::Owner);
        }
        WaitGuard { wait }
    }

    /// Keeps the target going, but no longer as something that the owner waits for: it does not
    /// count in cycles, and is not to be polled.
    pub(crate) fn detach(self) -> WaitGuard<C> {
        self.unpublish();
        self
    }

    fn unpublish(&self) {
        if let Some(owner) = &self.wait.owner {
            owner.state.lock().waits.remove(&self.wait, End::Owner);
        }
    }

    pub(crate) fn wait(&self) -> &Arc<Wait<C>> {
        &self.wait
    }

    /// # Panics
    /// When the target's computation panicked, or its runtime was shut down under it.
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<Waited<C>> {
        if let Some(ended) = self.outcome() {
            return Poll::Ready(ended);
        }
        self.wait.waker.register(cx.waker());
        self.outcome().map_or(Poll::Pending, Poll::Ready)
    }

    fn outcome(&self) -> Option<Waited<C>> {
        match self.wait.target.ended() {
            Ended::No => {}
            Ended::Orderly => return Some(Waited::Ended),
            Ended::Panicked => panic!("the computation of a node that was waited for panicked"),
            Ended::Dropped => panic!("the runtime was shut down while a node was waited for"),
        }
        match self.wait.signal() {
            Signal::None => None,
            Signal::StopCheck => Some(Waited::StopCheck),
            Signal::Alone => Some(Waited::Alone),
            Signal::Cycle => Some(Waited::Cycle(
                self.wait.path.get().cloned().unwrap_or_default(),
            )),
        }
    }
}

impl<C: Compute> Drop for WaitGuard<C> {
    fn drop(&mut self) {
        self.unpublish();
        let target = &self.wait.target;
        if target.ended() == Ended::No && leave(&self.wait) {
            target.session.count_cancelled();
            target.abort();
        }
    }
}

/// Takes a wait off its target; whether that was the last one and the target is to be ended.
fn leave<C: Compute>(wait: &Arc<Wait<C>>) -> bool {
    let Some(node) = wait.target.session.core.nodes.get(wait.target.node) else {
        return false;
    };
    let mut slot = node.lock();
    let Some(entry) = slot.entry_mut(&wait.target) else {
        return false;
    };
    entry.waiters.remove(wait, End::Target);
    let last = entry.waiters.is_empty() && !entry.dying;
    entry.dying |= last;
    last
}
