//! What all sessions of a graph share.

use std::sync::Arc;
use std::sync::atomic::AtomicIsize;

use parking_lot::{Mutex, MutexGuard};

use crate::collect::Collection;
use crate::compute::Compute;
use crate::inline::Inlining;
use crate::node::{Node, Slot};
use crate::session::Sessions;
use crate::slab::{NodeId, Slab};
use crate::table::Table;
use crate::watchdog::Watchdog;

/// The locks and the order in which they are taken: `changes`, a shard of `table`, a node, a run,
/// `sessions`. Each may be left out, none may be taken before one that stands earlier; of runs,
/// several may be held if taken in the order of their addresses.
pub(crate) struct Core<C: Compute> {
    pub(crate) compute: Arc<C>,
    pub(crate) nodes: Slab<Node<C>>,
    pub(crate) table: Table,
    pub(crate) sessions: Sessions,
    /// Held while the graph is being changed from outside: one change after another.
    pub(crate) changes: Mutex<()>,
    /// Nodes that have extras, to be looked at whenever a session ends.
    pub(crate) with_extras: Mutex<Vec<NodeId>>,
    pub(crate) watchdog: Arc<Watchdog<C>>,
    pub(crate) collection: Collection,
    pub(crate) inlining: Inlining,
    /// Tasks that were made and have not begun.
    pub(crate) queued: AtomicIsize,
}

impl<C: Compute> Core<C> {
    pub(crate) fn new(compute: Arc<C>, inlining: Inlining) -> Core<C> {
        Core {
            compute,
            nodes: Slab::new(),
            table: Table::new(),
            sessions: Sessions::new(),
            changes: Mutex::new(()),
            with_extras: Mutex::new(Vec::new()),
            watchdog: Arc::new(Watchdog::new()),
            collection: Collection::default(),
            inlining,
            queued: AtomicIsize::new(0),
        }
    }

    /// # Panics
    /// Never for an id taken from an edge, a run or the table: those were allocated.
    pub(crate) fn lock(&self, node: NodeId) -> MutexGuard<'_, Slot<C>> {
        match self.nodes.get(node) {
            Some(node) => node.lock(),
            None => unreachable!("node ids are given out by the slab"),
        }
    }
}
