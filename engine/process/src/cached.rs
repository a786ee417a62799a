//! Results that are known already need no run.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use kiln_diag::Diag;
use kiln_store::Store;
use parking_lot::Mutex;

use crate::{
    CacheScope, Contents, ExecError, Executor, Exit, ProcessResult, Request, Source, keep, recall,
};

/// Asks the local cache first, and tells it what came of a run (PX-040, PX-042, PX-060).
///
/// | scope | asked | told |
/// | --- | --- | --- |
/// | [`CacheScope::Successful`], [`CacheScope::LocalSuccessful`] | yes | exit code 0 |
/// | [`CacheScope::Always`] | yes | any exit code |
/// | [`CacheScope::Refresh`] | no | whatever came of it |
/// | [`CacheScope::Session`] | no | never |
///
/// A process that was killed or ran into its timeout is never an answer: that says nothing about
/// the next run; neither is what read files of the workspace that nobody declared. A hit counts
/// only if all that it names is in the store (PX-062), or was seen a moment ago where it was left
/// ([`Contents::secure`]); whatever cannot be read is a miss.
pub struct Cached<E> {
    inner: E,
    store: Store,
    contents: Arc<dyn Contents>,
    warnings: Mutex<Vec<Diag>>,
}

/// As many warnings are kept: they all tell of one broken disk.
const MAX_WARNINGS: usize = 3;

impl<E> Cached<E> {
    /// Puts the cache of `store` before `inner`.
    pub fn new(inner: E, store: Store) -> Cached<E> {
        Cached {
            inner,
            contents: Arc::new(store.clone()),
            store,
            warnings: Mutex::default(),
        }
    }

    /// Results may have outputs that are not in the store but there.
    pub fn with_contents(mut self, contents: Arc<dyn Contents>) -> Cached<E> {
        self.contents = contents;
        self
    }

    /// What is asked when nothing is known.
    pub fn inner(&self) -> &E {
        &self.inner
    }

    /// What could not be recorded since the last call, and why.
    pub fn warnings(&self) -> Vec<Diag> {
        std::mem::take(&mut self.warnings.lock())
    }

    /// A result that is known, with all its blobs. It blocks for one look at the index and one
    /// `stat` for each blob.
    async fn look_up(&self, request: &Request<'_>) -> Option<ProcessResult> {
        if matches!(
            request.process.cache,
            CacheScope::Session | CacheScope::Refresh
        ) {
            return None;
        }
        let outputs = &request.process.outputs;
        let mut result = recall(&self.store, &*self.contents, &request.action, outputs).await?;
        // What is stored here is only what `worth_keeping` let in; but a failure kept under one
        // scope is no answer under another.
        if !worth_keeping(request, &result) {
            return None;
        }
        let mut read = result.read(&request.reads, false);
        read.retain(|digest| result.left.contains(digest));
        if !read.is_empty() {
            if !self.contents.fetch(&read).await.is_empty() {
                return None;
            }
            result.left.retain(|digest| !read.contains(digest));
        }
        Some(result)
    }

    fn record(&self, request: &Request<'_>, result: &ProcessResult) {
        let refresh = request.process.cache == CacheScope::Refresh;
        if !refresh && !worth_keeping(request, result) {
            return;
        }
        let outputs = &request.process.outputs;
        let kept = match result.exit {
            // There is no message for it. A killed process is no answer either, and that is all
            // that is needed to take the place of what was known.
            Exit::TimedOut | Exit::Limit(_) => {
                let killed = ProcessResult {
                    exit: Exit::Signal(9),
                    ..result.clone()
                };
                keep(&self.store, &request.action, &killed, outputs)
            }
            _ => keep(&self.store, &request.action, result, outputs),
        };
        if let Err(error) = kept {
            let mut warnings = self.warnings.lock();
            if warnings.len() < MAX_WARNINGS {
                let note = "a result could not be recorded and will be computed again";
                warnings.push(error.note(note).into_warning());
            }
        }
    }
}

fn worth_keeping(request: &Request<'_>, result: &ProcessResult) -> bool {
    let outputs = &request.process.outputs;
    let unlisted = result.unlisted_reads.as_ref();
    match request.process.cache {
        // It would hold although what was read has changed.
        _ if unlisted.is_some_and(|paths| !paths.is_empty()) => false,
        // What lacks an output is as good as failed, and may go better the next time.
        _ if !request.optional_outputs
            && result.exit.success()
            && result.lacks(outputs).is_some() =>
        {
            false
        }
        CacheScope::Successful | CacheScope::LocalSuccessful => result.exit.success(),
        CacheScope::Always => matches!(result.exit, Exit::Code(_)),
        CacheScope::Session | CacheScope::Refresh => false,
    }
}

impl<E: Executor> Executor for Cached<E> {
    fn execute<'a>(
        &'a self,
        request: Request<'a>,
    ) -> BoxFuture<'a, Result<ProcessResult, ExecError>> {
        async move {
            if let Some(result) = self.look_up(&request).await {
                return Ok(result);
            }
            let result = self.inner.execute(request).await?;
            if result.source != Source::LocalCache {
                self.record(&request, &result);
            }
            Ok(result)
        }
        .boxed()
    }
}
