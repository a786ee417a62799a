//! Bounded memory: dropping what no session has reached for long (GR-074).

use crate::compute::Compute;
use crate::core::Core;
use crate::dependents::Dependents;
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

impl<C: Compute> Core<C> {
    /// Drops nodes, those reached longest ago first. A session *reaches* what it asks for and all
    /// that this depends on: a clean node answers without its dependencies being looked at, but is
    /// of no use without them. So no node is dropped before its dependents.
    ///
    /// Sessions may go on meanwhile. Should one ask for a node whose dependencies are just being
    /// dropped, that node stays valid for the present version, and runs again in the next.
    pub(crate) fn collect(&self, keep: Keep) -> Collected {
        let _changes = self.changes.lock();
        let in_use = self.nodes.in_use();
        if in_use <= keep.nodes {
            return Collected {
                dropped: 0,
                left: in_use,
            };
        }
        let (newest, oldest_active) = self.sessions.span();
        let floor = newest
            .back(keep.sessions)
            .next()
            .min(oldest_active.unwrap_or(newest.next()));
        let reached = self.last_reached();
        let Some(cutoff) = cutoff(&reached, floor, keep.nodes) else {
            return Collected {
                dropped: 0,
                left: in_use,
            };
        };
        let dropped = self.drop_reached_until(cutoff, &reached);
        Collected {
            dropped,
            left: self.nodes.in_use(),
        }
    }

    /// The last session that reached each node; none for unused places.
    fn last_reached(&self) -> Vec<Option<SessionId>> {
        let mut asked: Vec<(SessionId, NodeId)> = Vec::new();
        let places = self.nodes.high_water();
        for raw in 0..places {
            let node = NodeId::from_raw(raw);
            let Some(place) = self.nodes.get(node) else {
                continue;
            };
            let slot = place.lock();
            if slot.key.is_some() {
                asked.push((slot.last_used, node));
            }
        }
        asked.sort_unstable_by(|left, right| right.cmp(left));
        let mut reached = vec![None; places as usize];
        let mut below = Vec::new();
        // Latest first, so that the first to reach a node is the latest to do so.
        for (session, node) in asked {
            below.push(node);
            while let Some(node) = below.pop() {
                match reached.get_mut(node.to_raw() as usize) {
                    Some(place @ None) => *place = Some(session),
                    _ => continue,
                }
                if let Some(main) = &self.lock(node).main {
                    below.extend(main.deps.edges().map(|edge| edge.node));
                }
            }
        }
        reached
    }

    fn drop_reached_until(&self, cutoff: SessionId, reached: &[Option<SessionId>]) -> usize {
        let mut dropped = Vec::new();
        let mut orphaned: Vec<(NodeId, Dependents)> = Vec::new();
        let mut garbage = Vec::new();
        self.table.retain(|node| {
            let old = reached
                .get(node.to_raw() as usize)
                .is_some_and(|session| session.is_some_and(|session| session <= cutoff));
            if !old {
                return true;
            }
            let mut slot = self.lock(node);
            if slot.live.is_some() || slot.last_used > cutoff {
                return true;
            }
            let (key, main, dependents) = slot.vacate();
            garbage.push((key, main));
            if !dependents.is_empty() {
                orphaned.push((node, dependents));
            }
            dropped.push(node);
            false
        });
        drop(garbage);
        // A dependent that is left was asked for in these moments: no dirt can reach it any more,
        // so it must not stay clean.
        self.spread(orphaned, self.sessions.current());
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
