//! At most so many processes at a time (PX-030).

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{RwLock, Semaphore};

use crate::{ExecError, Executor, ProcessResult, Request};

/// Lets at most `slots` slots be in use at a time; an exclusive request waits until it is alone
/// and keeps others out (PX-033).
pub struct Bounded<E> {
    inner: E,
    slots: Semaphore,
    total: u32,
    alone: RwLock<()>,
}

impl<E> Bounded<E> {
    /// Bounds `inner` to `slots` slots, at least one.
    pub fn new(inner: E, slots: u32) -> Bounded<E> {
        let total = slots.max(1);
        let slots = Semaphore::new(total as usize);
        Bounded {
            inner,
            slots,
            total,
            alone: RwLock::new(()),
        }
    }

    /// What is bounded.
    pub fn inner(&self) -> &E {
        &self.inner
    }
}

impl<E: Executor> Executor for Bounded<E> {
    fn execute<'a>(
        &'a self,
        request: Request<'a>,
    ) -> BoxFuture<'a, Result<ProcessResult, ExecError>> {
        async move {
            let (_together, _alone) = match request.exclusive {
                true => (None, Some(self.alone.write().await)),
                false => (Some(self.alone.read().await), None),
            };
            // A request for more slots than there are gets all of them.
            let wanted = request.slots.clamp(1, self.total);
            // The semaphore is never closed, so there is always a permit in the end.
            let _slots = self.slots.acquire_many(wanted).await.ok();
            self.inner.execute(request).await
        }
        .boxed()
    }
}
