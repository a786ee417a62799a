//! Bounded memory: dropping what no session has reached for long (GR-074).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::compute::Compute;
use crate::core::Core;
use crate::node::{Slot, Stored};
use crate::slab::NodeId;
use crate::version::SessionId;

/// What a collection leaves alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Nothing is dropped while the graph holds no more nodes than this, and no more is dropped
    /// than it takes to get there.
    pub nodes: usize,
    /// What one of the last so many sessions reached is never dropped, nor what an active session
    /// has reached.
    pub sessions: u32,
}

/// What a collection did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Nodes dropped.
    pub dropped: usize,
    /// Nodes left.
    pub left: usize,
}

/// How large a graph is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GraphStats {
    /// Nodes, with a result or without.
    pub nodes: usize,
    /// Nodes being computed or checked.
    pub running: usize,
    /// Dependencies recorded.
    pub edges: usize,
    /// Bytes held, without what keys and values own.
    pub bytes: usize,
}

/// A collection under way, as those see it who ask for nodes meanwhile.
#[derive(Default)]
pub(crate) struct Collection {
    /// Whether to look at `stage` at all.
    under_way: AtomicBool,
    stage: Mutex<Stage>,
}

#[derive(Default)]
enum Stage {
    #[default]
    Idle,
    /// Nodes that were reached since marking began, to be marked as well.
    Marking(Vec<NodeId>),
    /// Which nodes are being dropped. Whoever asks for one of them before its turn has come finds
    /// it empty already.
    Sweeping(Arc<Condemned>),
}

/// The nodes that a collection drops.
struct Condemned {
    nodes: Vec<bool>,
    /// The last session that may have reached any of them.
    cutoff: SessionId,
}

impl Condemned {
    /// Whether a node is to go that was last used by the given session. One that has been used
    /// since is another node in the same place.
    fn contains(&self, node: NodeId, last_used: SessionId) -> bool {
        last_used <= self.cutoff && self.nodes.get(node.to_raw() as usize) == Some(&true)
    }
}

impl<C: Compute> Core<C> {
    /// Drops nodes, those reached longest ago first. A session *reaches* what it asks for and all
    /// that this depends on: a clean node answers without its dependencies being looked at, but is
    /// of no use without them. So no node is dropped before its dependents.
    ///
    /// Sessions may go on meanwhile: what they reach while nodes are being marked is marked too,
    /// and what they reach later either was marked or is as good as gone.
    pub(crate) fn collect(&self, keep: Keep) -> Collected {
        let _changes = self.changes.lock();
        let in_use = self.nodes.in_use();
        if in_use <= keep.nodes {
            return Collected {
                dropped: 0,
                left: in_use,
            };
        }
        *self.collection.stage.lock() = Stage::Marking(Vec::new());
        self.collection.under_way.store(true, Ordering::Release);
        let (newest, oldest_active) = self.sessions.span();
        let floor = newest
            .back(keep.sessions)
            .next()
            .min(oldest_active.unwrap_or(newest.next()));
        let mut reached = self.last_reached(newest);
        let mut dropped = 0;
        if let Some(cutoff) = cutoff(&reached, floor, keep.nodes) {
            let condemned = self.finish_marking(&mut reached, cutoff, newest);
            dropped = self.sweep(&condemned);
        }
        self.collection.under_way.store(false, Ordering::Release);
        *self.collection.stage.lock() = Stage::Idle;
        Collected {
            dropped,
            left: self.nodes.in_use(),
        }
    }

    /// Notes that a session has reached a node, which is locked. Returns what it held if it was
    /// about to be dropped, to be dropped without the lock.
    pub(crate) fn touch(
        &self,
        node: NodeId,
        slot: &mut Slot<C>,
        session: SessionId,
    ) -> Option<Stored<C>> {
        if slot.last_used >= session {
            return None;
        }
        let before = std::mem::replace(&mut slot.last_used, session);
        // Set before the collection looks at any node; so either it has not looked at this one
        // yet and will see the session above, or the flag is seen here.
        if !self.collection.under_way.load(Ordering::Acquire) {
            return None;
        }
        match &mut *self.collection.stage.lock() {
            Stage::Idle => None,
            Stage::Marking(reached) => {
                reached.push(node);
                None
            }
            Stage::Sweeping(condemned) => {
                if condemned.contains(node, before) {
                    slot.empty().main
                } else {
                    None
                }
            }
        }
    }

    /// The last session that reached each node; none for unused places.
    fn last_reached(&self, newest: SessionId) -> Vec<Option<SessionId>> {
        let mut asked: Vec<(SessionId, NodeId)> = Vec::new();
        let places = self.nodes.high_water();
        for raw in 0..places {
            let node = NodeId::from_raw(raw);
            let Some(place) = self.nodes.get(node) else {
                continue;
            };
            let slot = place.lock();
            if slot.key.is_some() {
                asked.push((
                    if slot.live.is_some() {
                        newest
                    } else {
                        slot.last_used
                    },
                    node,
                ));
            }
        }
        asked.sort_unstable_by(|left, right| right.cmp(left));
        let mut reached = vec![None; places as usize];
        // Latest first, so that the first to reach a node is the latest to do so.
        for (session, node) in asked {
            self.mark(&mut reached, node, session);
        }
        reached
    }

    /// Marks a node, and what it depends on, as reached by `session`, unless a later one did.
    fn mark(&self, reached: &mut [Option<SessionId>], node: NodeId, session: SessionId) {
        let mut below = vec![node];
        while let Some(node) = below.pop() {
            match reached.get_mut(node.to_raw() as usize) {
                Some(last) if last.is_none_or(|last| last < session) => *last = Some(session),
                _ => continue,
            }
            let slot = self.lock(node);
            let main = slot.main.iter().map(|main| &main.deps);
            let extras = slot.live.iter().flat_map(|live| &live.extras);
            for deps in main.chain(extras.map(|extra| &extra.deps)) {
                below.extend(deps.edges().map(|edge| edge.node));
            }
        }
    }

    /// Marks what was reached meanwhile, until that is nothing, and lays down what is to go.
    fn finish_marking(
        &self,
        reached: &mut [Option<SessionId>],
        cutoff: SessionId,
        newest: SessionId,
    ) -> Arc<Condemned> {
        loop {
            let mut stage = self.collection.stage.lock();
            match &mut *stage {
                Stage::Marking(late) if !late.is_empty() => {
                    let late = std::mem::take(late);
                    drop(stage);
                    for node in late {
                        self.mark(reached, node, newest);
                    }
                }
                _ => {
                    let old = |session: &Option<SessionId>| session.is_some_and(|at| at <= cutoff);
                    let nodes = reached.iter().map(old).collect();
                    let condemned = Arc::new(Condemned { nodes, cutoff });
                    *stage = Stage::Sweeping(Arc::clone(&condemned));
                    return condemned;
                }
            }
        }
    }

    fn sweep(&self, condemned: &Condemned) -> usize {
        let mut dropped = Vec::new();
        let mut garbage = Vec::new();
        self.table.retain(|node| {
            let mut slot = self.lock(node);
            if !condemned.contains(node, slot.last_used) {
                return true;
            }
            garbage.push((slot.key.take(), slot.empty()));
            dropped.push(node);
            false
        });
        drop(garbage);
        let count = dropped.len();
        self.nodes.release(dropped);
        count
    }

    /// Counts by looking at every node.
    pub(crate) fn stats(&self) -> GraphStats {
        let mut stats = GraphStats {
            nodes: self.nodes.in_use(),
            bytes: self.nodes.reserved_bytes() + self.table.heap_bytes(),
            ..GraphStats::default()
        };
        for raw in 0..self.nodes.high_water() {
            let Some(place) = self.nodes.get(NodeId::from_raw(raw)) else {
                continue;
            };
            let slot = place.lock();
            stats.bytes += slot.dependents.heap_bytes();
            if !slot.runs().is_empty() {
                stats.running += 1;
            }
            if let Some(main) = &slot.main {
                stats.edges += main.deps.len();
                stats.bytes += main.deps.heap_bytes();
            }
        }
        stats
    }
}

/// The latest session whose nodes have to go for no more than `mark` to be left; none if even
/// the oldest may stay. Sessions from `floor` on are spared.
fn cutoff(reached: &[Option<SessionId>], floor: SessionId, mark: usize) -> Option<SessionId> {
    let mut sessions: Vec<SessionId> = reached.iter().flatten().copied().collect();
    sessions.sort_unstable();
    let mut cutoff = None;
    let mut left = sessions.len();
    for group in sessions.chunk_by(|one, next| one == next) {
        let session = *group.first()?;
        if left <= mark || session >= floor {
            break;
        }
        left -= group.len();
        cutoff = Some(session);
    }
    cutoff
}
