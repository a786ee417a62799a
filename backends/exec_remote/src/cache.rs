//! Results that somebody else has computed need no run here.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Either, select};
use kiln_process::{
    CacheScope, ExecError, Executor, Keyed, ProcessResult, Request, Source, encode_result,
};
use kiln_proto::ActionResult;
use kiln_store::Store;

use crate::lookup::{Answer, Lookup};
use crate::pending::Pending;
use crate::report::add;
use crate::upload::folders;
use crate::{About, CallError, Client, Down, RemoteContents, check};

/// Asks a remote cache before it runs anything, and tells it what came of a run (PX-070 to PX-079).
///
/// | scope | asked | told |
/// | --- | --- | --- |
/// | [`CacheScope::Successful`], [`CacheScope::Always`] | yes | exit code 0 |
/// | [`CacheScope::Refresh`] | no | exit code 0 |
/// | [`CacheScope::LocalSuccessful`], [`CacheScope::Session`] | no | never |
///
/// The process starts all the same if the answer does not come within
/// [`crate::RemoteConfig::head_start`]; then the first of the two wins and the other is dropped. A
/// hit counts only when all that it names is in the local store, checked, or was seen at the server
/// ([`RemoteContents::leaving`]). An action whose result
/// was not to be believed is not asked for a second time.
pub struct RemoteCached<E> {
    inner: E,
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    store: Store,
    lookup: Lookup,
}

impl<E> RemoteCached<E> {
    /// Puts the cache of a server before `inner`; contents go to `store`.
    pub fn new(inner: E, client: Client, store: Store) -> RemoteCached<E> {
        RemoteCached::with(inner, Arc::new(RemoteContents::new(client, store)))
    }

    /// Puts the server of `contents` before `inner`; that decides what comes to the store when.
    pub fn with(inner: E, contents: Arc<RemoteContents>) -> RemoteCached<E> {
        let shared = Shared {
            client: contents.client.clone(),
            store: contents.store.clone(),
            lookup: Lookup::new(contents),
        };
        RemoteCached {
            inner,
            shared: Arc::new(shared),
        }
    }

    /// What is asked when the server does not know.
    pub fn inner(&self) -> &E {
        &self.inner
    }
}

impl Shared {
    /// Whether the server may know the result.
    fn is_asked(&self, request: &Request<'_>) -> bool {
        let scope = matches!(
            request.process.cache,
            CacheScope::Successful | CacheScope::Always
        );
        self.client.0.config.read && scope && self.lookup.is_trusted(&request.action)
    }

    fn is_told(&self, request: &Request<'_>, result: &ProcessResult) -> bool {
        let scope = matches!(
            request.process.cache,
            CacheScope::Successful | CacheScope::Always | CacheScope::Refresh
        );
        let whole = request.optional_outputs || result.lacks(&request.process.outputs).is_none();
        let ran = result.source == Source::Ran && result.exit.success() && whole;
        self.client.0.config.write
            && scope
            && ran
            && check::blobs(result, &request.process.workdir).is_ok()
    }

    /// A look-up failed: an error if that was asked for, else the run goes on without.
    fn failed(&self, error: &CallError) -> Result<(), ExecError> {
        let inner = &self.client.0;
        if inner.config.down == Down::Fail {
            let diag = error.diag(&inner.config.address);
            let hint = "`--remote_down=fallback` builds without it";
            return Err(ExecError::Failed(diag.hint(hint)));
        }
        add(&inner.tally.failed_lookups, 1);
        inner.tally.failure(error);
        Ok(())
    }

    /// Uploads in the background; [`Client::finish`] waits for it (PX-074).
    fn tell(self: &Arc<Self>, request: &Request<'_>, result: &ProcessResult) {
        let Some(encoded) = encode_result(result, &request.process.outputs) else {
            return;
        };
        let keyed = Keyed::of(request.process);
        let folders = folders(result, &request.process.outputs);
        let about = About::action(&request.action, request.describe);
        let (shared, pending) = (self.clone(), Pending::new(&self.client));
        tokio::spawn(async move {
            let _pending = pending;
            let (client, tally) = (&shared.client, &shared.client.0.tally);
            if client.limits().await.is_ok_and(|limits| !limits.update) {
                return;
            }
            match client
                .upload_result(&about, &shared.store, keyed, encoded, folders)
                .await
            {
                Ok(()) => add(&tally.uploads, 1),
                Err(error) => {
                    add(&tally.failed_uploads, 1);
                    tally.failure(&error);
                }
            }
        });
    }
}

impl<E: Executor> RemoteCached<E> {
    /// The first of look-up and run (PX-072).
    async fn race<'a>(&'a self, request: Request<'a>) -> Result<ProcessResult, ExecError> {
        let shared = &*self.shared;
        let about = About::action(&request.action, request.describe);
        add(&shared.client.0.tally.lookups, 1);
        let head_start = shared.client.0.config.head_start;
        let mut asking = std::pin::pin!(shared.lookup.get(&about, &request.action));
        let in_time = match head_start == Duration::ZERO {
            true => None,
            false => tokio::time::timeout(head_start, &mut asking).await.ok(),
        };
        let settle = |answer: Answer| match answer {
            Answer::Hit(result) => Ok(Some(*result)),
            Answer::Miss => Ok(None),
            Answer::Failed(error) => shared.failed(&error).map(|()| None),
        };
        let understand = |word: Result<Option<ActionResult>, CallError>| async {
            match word {
                Ok(Some(claim)) => shared.lookup.take(&about, &request, claim).await,
                Ok(None) => Answer::Miss,
                Err(error) => Answer::Failed(error),
            }
        };
        if let Some(word) = in_time {
            return match settle(understand(word).await)? {
                Some(result) => Ok(result),
                None => self.inner.execute(request).await,
            };
        }
        let asking = async { understand(asking.await).await }.boxed();
        match select(asking, self.inner.execute(request)).await {
            Either::Left((answer, running)) => match settle(answer)? {
                Some(result) => Ok(result),
                None => running.await,
            },
            Either::Right((result, _)) => result,
        }
    }
}

impl<E: Executor> Executor for RemoteCached<E> {
    fn execute<'a>(
        &'a self,
        request: Request<'a>,
    ) -> BoxFuture<'a, Result<ProcessResult, ExecError>> {
        async move {
            let result = match self.shared.is_asked(&request) {
                true => self.race(request).await?,
                false => self.inner.execute(request).await?,
            };
            if self.shared.is_told(&request, &result) {
                self.shared.tell(&request, &result);
            }
            Ok(result)
        }
        .boxed()
    }
}
