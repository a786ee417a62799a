//! All that the graph knows of its client.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::NodeCx;

/// What a graph computes: a function from keys to values that asks for other keys as it goes.
///
/// `compute` must be a pure function of its key and of what it asked [`NodeCx`] for, but for two
/// kinds of node. A *leaf* reads the world outside; whoever changes the world names the leaf to
/// [`Graph::invalidate`](crate::Graph::invalidate). An *uncacheable* node says so with
/// [`NodeCx::mark_uncacheable`] and is computed anew in every session (GR-020).
pub trait Compute: Sized + Send + Sync + 'static {
    /// Names a node. Hashing and comparing happen on the hot path: keep keys small, with what is
    /// large in them interned.
    type Key: Clone + Eq + Hash + Debug + Send + Sync + 'static;
    /// What a node yields, usually an `Arc`. `Eq` decides early cutoff (GR-011), so two values
    /// that are equal must be interchangeable.
    type Value: Clone + Eq + Send + Sync + 'static;
    /// Why a node could not be computed. Kept for the session that met it, no longer (GR-006).
    type Error: Clone + Send + Sync + 'static;

    /// Computes one node. The future is dropped at an await point when nobody waits for the node
    /// any more (GR-033), so a guard inside it is the place to kill a process.
    fn compute(
        self: Arc<Self>,
        key: Self::Key,
        cx: NodeCx<Self>,
    ) -> BoxFuture<'static, Result<Self::Value, Self::Error>>;

    /// The error for a node that asked for something which waits for that node (GR-040). `path`
    /// starts with the node that receives the error; each key waits for the next one, and the last
    /// one for the first.
    fn cycle(&self, path: Vec<Self::Key>) -> Self::Error;
}
