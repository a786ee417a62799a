//! The graph as its owner sees it.

use std::any::Any;
use std::sync::Arc;

use crate::collect::{Collected, GraphStats, Keep};
use crate::compute::Compute;
use crate::core::Core;
use crate::inline::Inlining;
use crate::invalidate::Invalidated;
use crate::session::Session;
use crate::version::Version;
use crate::watch::Watch;

/// Memoized nodes and who depends on whom. Cheap to clone; all clones are one graph.
pub struct Graph<C: Compute> {
    core: Arc<Core<C>>,
}

impl<C: Compute> Clone for Graph<C> {
    fn clone(&self) -> Graph<C> {
        Graph {
            core: Arc::clone(&self.core),
        }
    }
}

impl<C: Compute> Graph<C> {
    /// An empty graph over `compute`.
    pub fn new(compute: Arc<C>) -> Graph<C> {
        Graph::with_inlining(compute, Inlining::default())
    }

    /// An empty graph that polls short computations on the spot, or does not.
    pub fn with_inlining(compute: Arc<C>, inlining: Inlining) -> Graph<C> {
        Graph {
            core: Arc::new(Core::new(compute, inlining)),
        }
    }

    /// A session that reads the present version.
    pub fn session(&self) -> Session<C> {
        Session::open(&self.core, None)
    }

    /// Like [`session`](Graph::session), with something that the session's computations can see:
    /// where to send events, for example.
    pub fn session_with<T: Any + Send + Sync>(&self, context: Arc<T>) -> Session<C> {
        Session::open(&self.core, Some(context))
    }

    /// The version that a session opened now would read.
    pub fn version(&self) -> Version {
        self.core.sessions.current()
    }

    /// The world changed behind these nodes. They must be computed again by sessions opened from
    /// now on, and what depends on them is checked; sessions that are open go on reading what was.
    /// Keys that the graph does not know are ignored.
    pub fn invalidate<'k>(&self, keys: impl IntoIterator<Item = &'k C::Key>) -> Invalidated {
        self.core.invalidate(keys)
    }

    /// Like [`invalidate`](Graph::invalidate), for all nodes whose key `named` accepts. It looks
    /// at every node.
    pub fn invalidate_where(&self, named: impl FnMut(&C::Key) -> bool) -> Invalidated {
        self.core.invalidate_where(named)
    }
    /// Follows a node: its value now, and again whenever something under it was invalidated.
    pub fn watch(&self, key: C::Key) -> Watch<C> {
        Watch::new(Arc::clone(&self.core), key)
    }

    /// Drops nodes that no session has reached for long, if there are too many. It takes a look
    /// at every node; when there are not too many it costs nothing.
    pub fn collect(&self, keep: Keep) -> Collected {
        self.core.collect(keep)
    }

    /// Leaves what the nodes hold to the end of the process: taking a large graph apart costs more
    /// than the kernel's taking the memory back.
    pub fn leave_to_exit(&self) {
        self.core.nodes.leave();
    }

    /// How large the graph is, by a look at every node.
    pub fn stats(&self) -> GraphStats {
        self.core.stats()
    }
}
