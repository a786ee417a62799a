//! Asking for a node: read it, wait for it, or start it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::MutexGuard;

use crate::check::Base;
use crate::compute::Compute;
use crate::core::Core;
use crate::cycle;
use crate::deps::{Edge, Group};
use crate::node::{RunEntry, Slot, Standing};
use crate::run::{Phase, Run};
use crate::session::SessionInner;
use crate::slab::NodeId;
use crate::version::Version;
use crate::wait::{End, Wait, WaitGuard, Waited, Waits};

/// A request for the value of a node, made by [`Session::get`](crate::Session::get) or
/// [`NodeCx::get`](crate::NodeCx::get). Nothing happens before it is polled.
pub struct Get<'a, C: Compute> {
    fetch: Fetch<'a, C>,
    group: Option<Group>,
}

/// Who asks: a session, perhaps through one of its runs.
pub(crate) struct Asker<'a, C: Compute> {
    pub(crate) session: &'a Arc<SessionInner<C>>,
    pub(crate) run: Option<&'a Arc<Run<C>>>,
}

/// What is asked for.
pub(crate) enum Wanted<K> {
    Key(K),
    /// The node that a recorded edge leads to, if it still leads anywhere.
    Edge(Edge),
}

/// A request that records nothing yet.
pub(crate) struct Fetch<'a, C: Compute> {
    asker: Asker<'a, C>,
    wanted: Wanted<C::Key>,
    blocked: Option<WaitGuard<C>>,
    alone: bool,
}

/// How a [`Fetch`] ends.
pub(crate) enum Fetched<C: Compute> {
    Read(Result<C::Value, C::Error>, Edge),
    /// The edge leads to a node that was dropped.
    Stale,
    /// The asker shall give up checking.
    StopCheck,
    Cycle(C::Error),
}

enum Step<C: Compute> {
    Done(Fetched<C>),
    Blocked(WaitGuard<C>),
}

impl<C: Compute> Clone for Asker<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C: Compute> Copy for Asker<'_, C> {}

impl<'a, C: Compute> Get<'a, C> {
    pub(crate) fn new(asker: Asker<'a, C>, key: C::Key) -> Self {
        Get {
            fetch: Fetch::new(asker, Wanted::Key(key)),
            group: None,
        }
    }
}

// No field is ever pinned.
impl<C: Compute> Unpin for Get<'_, C> {}
impl<C: Compute> Unpin for Fetch<'_, C> {}

impl<C: Compute> Future for Get<'_, C> {
    type Output = Result<C::Value, C::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let group = match (this.group, this.fetch.asker.run) {
            (None, Some(run)) => *this.group.insert(run.state.lock().recorder.ask()),
            (Some(group), _) => group,
            (None, None) => {
                return Pin::new(&mut this.fetch)
                    .poll(cx)
                    .map(|fetched| fetched.split().0);
            }
        };
        let Poll::Ready(fetched) = Pin::new(&mut this.fetch).poll(cx) else {
            return Poll::Pending;
        };
        let (result, edge) = fetched.split();
        if let Some(run) = this.fetch.asker.run {
            run.state.lock().recorder.deliver(group, edge);
        }
        Poll::Ready(result)
    }
}

impl<C: Compute> Fetched<C> {
    /// The answer to a request by key, and what to record of it.
    pub(crate) fn split(self) -> (Result<C::Value, C::Error>, Option<Edge>) {
        match self {
            Fetched::Read(result, edge) => (result, Some(edge)),
            Fetched::Cycle(error) => (Err(error), None),
            Fetched::Stale | Fetched::StopCheck => {
                unreachable!("only a check follows edges, and only a check can be stopped")
            }
        }
    }
}

impl<'a, C: Compute> Fetch<'a, C> {
    pub(crate) fn new(asker: Asker<'a, C>, wanted: Wanted<C::Key>) -> Self {
        Fetch {
            asker,
            wanted,
            blocked: None,
            alone: false,
        }
    }

    /// Makes the request, so that what must be computed is under way before anybody awaits it.
    pub(crate) fn start(&mut self) -> Option<Fetched<C>> {
        match self
            .asker
            .session
            .core
            .request(self.asker, &self.wanted, self.alone)
        {
            Step::Done(fetched) => Some(fetched),
            Step::Blocked(wait) => {
                self.blocked = Some(wait);
                None
            }
        }
    }

    /// What it waits for.
    pub(crate) fn into_wait(self) -> Option<WaitGuard<C>> {
        self.blocked
    }

    fn cycle(&self, path: Vec<C::Key>) -> Fetched<C> {
        if let Some(run) = self.asker.run {
            // No dependency stands for the cycle, so only a run can tell whether it is still
            // there.
            run.mark_uncacheable();
        }
        Fetched::Cycle(self.asker.session.core.compute.cycle(path))
    }
}

impl<C: Compute> Future for Fetch<'_, C> {
    type Output = Fetched<C>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Fetched<C>> {
        let this = &mut *self;
        loop {
            if let Some(blocked) = &this.blocked {
                let Poll::Ready(waited) = blocked.poll(cx) else {
                    return Poll::Pending;
                };
                this.blocked = None;
                match waited {
                    Waited::Ended => {}
                    Waited::StopCheck => return Poll::Ready(Fetched::StopCheck),
                    Waited::Alone => this.alone = true,
                    Waited::Cycle(path) => return Poll::Ready(this.cycle(path)),
                }
            }
            if let Some(fetched) = this.start() {
                return Poll::Ready(fetched);
            }
        }
    }
}

impl<C: Compute> Core<C> {
    /// One step towards a value. It ends in a wait at most once per run of the node that is in
    /// the way, and each such run ends; so repeating it ends.
    fn request(
        self: &Arc<Self>,
        asker: Asker<'_, C>,
        wanted: &Wanted<C::Key>,
        alone: bool,
    ) -> Step<C> {
        let Some((node, mut slot)) = self.locate(wanted) else {
            return Step::Done(Fetched::Stale);
        };
        let _gone = self.touch(node, &mut slot, asker.session.reader.session);
        if matches!(wanted, Wanted::Edge(edge) if edge.generation < slot.born) {
            return Step::Done(Fetched::Stale);
        }
        if let Some(fetched) = read(&mut slot, node, asker) {
            return Step::Done(fetched);
        }
        match joinable(&mut slot, asker, alone) {
            Some(entry) => {
                let owner = asker.run.filter(|_| !entry.dying);
                let wait = Wait::new(asker.session.reader, owner, &entry.run);
                entry.waiters.push(Arc::clone(&wait), End::Target);
                drop(slot);
                let guard = WaitGuard::publish(wait);
                if owner.is_some() {
                    cycle::look(guard.wait());
                }
                Step::Blocked(guard)
            }
            None => Step::Blocked(start(slot, node, asker)),
        }
    }

    fn locate(&self, wanted: &Wanted<C::Key>) -> Option<(NodeId, MutexGuard<'_, Slot<C>>)> {
        match wanted {
            Wanted::Key(key) => self.table.find_or_insert(&self.nodes, key),
            Wanted::Edge(edge) => {
                let slot = self.nodes.get(edge.node)?.lock();
                (slot.key.is_some() && edge.generation >= slot.born).then_some((edge.node, slot))
            }
        }
    }
}

/// Reads what holds for the asker, and registers it to hear of changes. Both happen under the
/// node's lock: dirt pushed before is seen in the validity, dirt pushed later finds the asker.
fn read<C: Compute>(slot: &mut Slot<C>, node: NodeId, asker: Asker<'_, C>) -> Option<Fetched<C>> {
    let found = slot.find(asker.session.reader)?;
    if let Some(run) = asker.run {
        if found.validity.is_clean() {
            slot.dependents.insert(run.node);
        }
        run.absorb(&found.validity);
    }
    Some(Fetched::Read(
        found.result,
        Edge {
            node,
            generation: found.generation,
        },
    ))
}

/// The run under way whose end the asker should await, if there is one: its session's own, else
/// another's that may serve its version too, else one that is being cancelled.
fn joinable<'a, C: Compute>(
    slot: &'a mut Slot<C>,
    asker: Asker<'_, C>,
    alone: bool,
) -> Option<&'a mut RunEntry<C>> {
    let reader = asker.session.reader;
    let uncacheable = slot
        .main
        .as_ref()
        .is_some_and(|main| main.standing == Standing::MustRun && !main.validity.is_shared());
    let rank = |entry: &RunEntry<C>| {
        let theirs = entry.run.session.reader;
        if entry.dying {
            return Some(2);
        }
        if theirs.session == reader.session {
            return Some(0);
        }
        let hopeful = theirs.version >= reader.version || entry.run.until() >= reader.version;
        (hopeful && !alone && !uncacheable).then_some(1)
    };
    let live = slot.live.as_mut()?;
    let (_, best) = live
        .runs
        .iter()
        .enumerate()
        .filter_map(|(at, entry)| Some((rank(entry)?, at)))
        .min()?;
    live.runs.get_mut(best)
}

/// Starts a run of the node for the asker's session.
fn start<C: Compute>(
    mut slot: MutexGuard<'_, Slot<C>>,
    node: NodeId,
    asker: Asker<'_, C>,
) -> WaitGuard<C> {
    let Some(key) = slot.key.clone() else {
        unreachable!("a located node has a key");
    };
    let base = base(&slot, asker.session.reader.version);
    let phase = if base.is_some() {
        Phase::Checking
    } else {
        Phase::Computing
    };
    let run = Arc::new(Run::new(node, Arc::clone(asker.session), phase));
    let wait = Wait::new(asker.session.reader, asker.run, &run);
    let mut waiters = Waits::default();
    waiters.push(Arc::clone(&wait), End::Target);
    slot.live_mut().runs.push(RunEntry {
        run: Arc::clone(&run),
        waiters,
        dying: false,
    });
    drop(slot);
    // A run that has not started waits for nobody: it cannot close a cycle.
    let guard = WaitGuard::publish(wait);
    // A session's own request is one of several, perhaps, that shall go on in parallel.
    run.start(key, base, asker.run.is_some());
    guard
}

/// What a run at `version` may compare instead of computing.
fn base<C: Compute>(slot: &Slot<C>, version: Version) -> Option<Base> {
    let main = slot.main.as_ref()?;
    let checkable = main.standing == Standing::Checkable && main.validity.from <= version;
    checkable.then(|| Base {
        deps: main.deps.clone(),
        generation: main.generation,
    })
}
