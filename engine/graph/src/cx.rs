//! What a computation sees of the graph.

use std::any::Any;
use std::sync::Arc;

use crate::compute::Compute;
use crate::inline;
use crate::request::{Asker, Fetch, Get, Wanted};
use crate::run::Run;
use crate::version::{SessionId, Version};

/// Given to a computation, to ask for other nodes. What is asked for and answered becomes a
/// dependency. Clones belong to the same computation and may be used from other threads.
pub struct NodeCx<C: Compute> {
    run: Arc<Run<C>>,
}

impl<C: Compute> Clone for NodeCx<C> {
    fn clone(&self) -> NodeCx<C> {
        NodeCx {
            run: Arc::clone(&self.run),
        }
    }
}

impl<C: Compute> NodeCx<C> {
    pub(crate) fn new(run: Arc<Run<C>>) -> NodeCx<C> {
        NodeCx { run }
    }

    /// The value of another node, computed if need be.
    ///
    /// Requests that are pending together, as in `join!(cx.get(a), cx.get(b))`, are recorded as
    /// one group and checked again in parallel. Where `a` is answered before `b` is asked for, `b`
    /// counts as asked for because of `a`; [`get_all`](NodeCx::get_all) always makes one group.
    ///
    /// # Errors
    /// The error of the other node, or that of a cycle.
    ///
    /// # Panics
    /// When the other computation panicked.
    pub fn get(&self, key: C::Key) -> Get<'_, C> {
        Get::new(self.asker(), key)
    }

    /// The values of several nodes, in the order of the keys. All are started at once, and they
    /// are recorded as one group.
    ///
    /// # Panics
    /// When one of the computations panicked.
    pub async fn get_all(
        &self,
        keys: impl IntoIterator<Item = C::Key>,
    ) -> Vec<Result<C::Value, C::Error>> {
        let group = self.run.state.lock().recorder.ask();
        let mut started = Vec::new();
        for key in keys {
            let mut fetch = Fetch::new(self.asker(), Wanted::Key(key));
            let fetched = fetch.start();
            started.push((fetch, fetched));
        }
        let mut results = Vec::with_capacity(started.len());
        let mut edges = Vec::with_capacity(started.len());
        for (fetch, fetched) in started {
            let fetched = match fetched {
                Some(fetched) => fetched,
                None => fetch.await,
            };
            let (result, edge) = fetched.split();
            results.push(result);
            edges.extend(edge);
        }
        self.run.state.lock().recorder.deliver(group, edges);
        results
    }

    /// Like [`get`](NodeCx::get), for a synchronous part of a computation that runs on a thread of
    /// its own. The thread is blocked meanwhile.
    ///
    /// # Errors
    /// The error of the other node, or that of a cycle.
    ///
    /// # Panics
    /// On a thread that drives asynchronous tasks: it would block them.
    pub fn get_blocking(&self, key: C::Key) -> Result<C::Value, C::Error> {
        match self.run.session.handle() {
            Some(handle) => inline::without(|| handle.block_on(self.get(key))),
            None => unreachable!("this computation was spawned on a runtime"),
        }
    }

    /// The value of this computation holds for this session only; the next one computes it again
    /// (GR-020). What depends on it is then checked, and computed again only if the value differs.
    pub fn mark_uncacheable(&self) {
        self.run.mark_uncacheable();
    }

    /// The content of another node's value is gone; see [`Session::lose`](crate::Session::lose).
    /// The next request, from here too, computes it again.
    pub fn lose(&self, key: &C::Key) -> bool {
        self.run.session.core.lose(key, self.run.session.reader)
    }

    /// The version that this computation reads.
    pub fn version(&self) -> Version {
        self.run.session.reader.version
    }

    /// The session this computation was started for. Others may be waiting for it as well.
    pub fn session(&self) -> SessionId {
        self.run.session.reader.session
    }

    /// What the session was opened with; see [`Graph::session_with`](crate::Graph::session_with).
    /// A value must not depend on it, unless the node is uncacheable.
    pub fn context<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.run.session.context.as_deref()?.downcast_ref()
    }

    fn asker(&self) -> Asker<'_, C> {
        Asker {
            session: &self.run.session,
            run: Some(&self.run),
        }
    }
}
