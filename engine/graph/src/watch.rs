//! Following a node over time (GR-050).

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::compute::Compute;
use crate::core::Core;
use crate::session::Session;

/// Follows one node: whenever something under it was invalidated, gives its new value.
pub struct Watch<C: Compute> {
    core: Arc<Core<C>>,
    key: C::Key,
    /// Answered by the next invalidation after the last request.
    outdated: Option<oneshot::Receiver<()>>,
}

impl<C: Compute> Watch<C> {
    pub(crate) fn new(core: Arc<Core<C>>, key: C::Key) -> Watch<C> {
        Watch {
            core,
            key,
            outdated: None,
        }
    }

    /// Returns once what [`get`](Watch::get) last gave may no longer hold; at once if nothing was
    /// asked for yet. Dropping the future loses nothing. A caller that wants to let changes settle
    /// waits a little after this.
    pub async fn changed(&mut self) {
        if let Some(outdated) = &mut self.outdated {
            // The sender is dropped only with the node: then a request is due as well.
            let _ = outdated.await;
            self.outdated = None;
        }
    }

    /// The node's value at the newest version, be it equal to the last one.
    ///
    /// # Errors
    /// That of the node. It counts as a value: the watch goes on.
    pub async fn get(&mut self) -> Result<C::Value, C::Error> {
        // What is invalidated from here on reaches the watcher, once the node is clean.
        self.outdated = self.listen();
        // What is being invalidated already is waited for, so that the session reads it.
        drop(self.core.changes.lock());
        let session = Session::open(&self.core, None);
        let result = session.get(self.key.clone()).await;
        // And what was invalidated before a computation came to read it shows in the result.
        if !session.is_clean(&self.key) {
            self.outdated = None;
        }
        result
    }

    /// [`changed`](Watch::changed), then [`get`](Watch::get).
    ///
    /// # Errors
    /// That of the node. It counts as a value: the watch goes on.
    pub async fn next(&mut self) -> Result<C::Value, C::Error> {
        self.changed().await;
        self.get().await
    }

    fn listen(&self) -> Option<oneshot::Receiver<()>> {
        let (_, mut slot) = self
            .core
            .table
            .find_or_insert(&self.core.nodes, &self.key)?;
        let (sender, receiver) = oneshot::channel();
        let watchers = &mut slot.live_mut().watchers;
        watchers.retain(|watcher| !watcher.is_closed());
        watchers.push(sender);
        Some(receiver)
    }
}

impl<C: Compute> Drop for Watch<C> {
    fn drop(&mut self) {
        self.outdated = None;
        if let Some((_, mut slot)) = self.core.table.find(&self.core.nodes, &self.key)
            && let Some(live) = &mut slot.live
        {
            live.watchers.retain(|watcher| !watcher.is_closed());
            slot.tidy();
        }
    }
}
