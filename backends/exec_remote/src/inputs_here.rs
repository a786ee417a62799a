//! Inputs that were left at a server, fetched before a process runs here.

use std::collections::HashSet;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use kiln_process::{Contents, ExecError, Executor, ProcessResult, Request};

use crate::RemoteContents;

/// Brings the inputs of a process into the store before `inner` runs it on this machine. One that
/// cannot be had is [`ExecError::MissingBlob`]: whoever made it runs again.
pub struct InputsHere<E> {
    inner: E,
    contents: Arc<RemoteContents>,
}

impl<E> InputsHere<E> {
    /// Inputs come from `contents`.
    pub fn new(inner: E, contents: Arc<RemoteContents>) -> InputsHere<E> {
        InputsHere { inner, contents }
    }
}

impl<E: Executor> Executor for InputsHere<E> {
    fn execute<'a>(
        &'a self,
        request: Request<'a>,
    ) -> BoxFuture<'a, Result<ProcessResult, ExecError>> {
        async move {
            let mut folders = HashSet::new();
            let left = self.contents.left_in(&request.process.inputs, &mut folders);
            if !left.is_empty()
                && let Some(lost) = self.contents.fetch(&left).await.first()
            {
                return Err(ExecError::MissingBlob(*lost));
            }
            self.contents.are_here(folders);
            self.inner.execute(request).await
        }
        .boxed()
    }
}
