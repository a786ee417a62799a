//! At most so many requests at a time, whatever they take of the machine.

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::Semaphore;

use crate::{ExecError, Executor, ProcessResult, Request};

/// Hands on at most `most` requests at a time (`--local_test_jobs`). It goes before whatever
/// counts slots, so that who waits here holds none.
pub struct Limited<E> {
    inner: E,
    permits: Semaphore,
}

impl<E> Limited<E> {
    /// Limits requests to `inner`; to one at a time at least.
    pub fn new(inner: E, most: u32) -> Limited<E> {
        Limited {
            inner,
            permits: Semaphore::new(most.max(1) as usize),
        }
    }
}

impl<E: Executor> Executor for Limited<E> {
    fn execute<'a>(
        &'a self,
        request: Request<'a>,
    ) -> BoxFuture<'a, Result<ProcessResult, ExecError>> {
        async move {
            // The semaphore is never closed, so there is always a permit in the end.
            let _permit = self.permits.acquire().await.ok();
            self.inner.execute(request).await
        }
        .boxed()
    }
}
