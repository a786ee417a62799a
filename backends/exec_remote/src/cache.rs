//! Results that somebody else has computed need no run here.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Either, select};
use kiln_base::Digest;
use kiln_process::{
    CacheScope, ExecError, Executor, Keyed, ProcessResult, Request, Source, decode_result,
    encode_result,
};
use kiln_proto::{ActionCacheClient, ActionResult, GetActionResultRequest, Message, SHA256};
use kiln_store::Store;
use parking_lot::Mutex;
use tonic::Code;

use crate::cas::message;
use crate::client::MAX_ANSWER;
use crate::pending::Pending;
use crate::report::add;
use crate::upload::{blocking, folders, local};
use crate::{About, CallError, Client, Down, check};

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
/// hit counts only when all that it names is in the local store, checked. An action whose result
/// was not to be believed is not asked for a second time.
pub struct RemoteCached<E> {
    inner: E,
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    store: Store,
    distrusted: Mutex<HashSet<Digest>>,
}

/// What a look-up says.
enum Answer {
    Hit(Box<ProcessResult>),
    Miss,
    Failed(CallError),
}

impl<E> RemoteCached<E> {
    /// Puts the cache of a server before `inner`; contents go to `store`.
    pub fn new(inner: E, client: Client, store: Store) -> RemoteCached<E> {
        let shared = Shared {
            client,
            store,
            distrusted: Mutex::default(),
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
        self.client.0.config.read && scope && !self.distrusted.lock().contains(&request.action)
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

    async fn get(&self, about: &About, action: &Digest) -> Result<Option<ActionResult>, CallError> {
        self.client.limits().await?;
        let request = GetActionResultRequest {
            instance_name: self.client.instance(),
            action_digest: Some(message(action)),
            inline_stdout: true,
            inline_stderr: true,
            inline_output_files: Vec::new(),
            digest_function: SHA256,
        };
        let answer = self
            .client
            .call(
                "GetActionResult",
                about,
                request,
                |channel, request| async {
                    let client = ActionCacheClient::new(channel);
                    let mut client = client.max_decoding_message_size(MAX_ANSWER);
                    client.get_action_result(request).await
                },
            )
            .await;
        match answer {
            Ok(result) => Ok(Some(result)),
            Err(error) if error.code == Code::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a claim of the server a result, with all its blobs here.
    async fn admit(
        &self,
        about: &About,
        request: &Request<'_>,
        claim: ActionResult,
    ) -> Result<Option<ProcessResult>, CallError> {
        let refused = |reason: String| CallError::new("GetActionResult", Code::DataLoss, reason);
        let limits = self.client.limits().await?;
        let trees = check::trees(&claim).map_err(refused)?;
        self.client
            .download(about, &self.store, &limits, trees)
            .await?;
        let (store, outputs) = (self.store.clone(), request.process.outputs.clone());
        let workdir = request.process.workdir.clone();
        let (mut result, blobs) = blocking(move || {
            let read = |digest: &Digest| store.read(digest).ok().flatten();
            let decoded = decode_result(&claim.encode_to_vec(), &outputs, &read)
                .map_err(|error| refused(error.to_string()))?;
            let blobs = check::blobs(&decoded.result, &workdir).map_err(refused)?;
            for (digest, content) in decoded.inline {
                store.put_bytes_known(digest, &content).map_err(local)?;
            }
            Ok((decoded.result, blobs))
        })
        .await?;
        // A failure is an answer to nobody, and neither is what lacks outputs.
        let whole = request.optional_outputs || result.lacks(&request.process.outputs).is_none();
        let always = request.process.cache == CacheScope::Always;
        if !(always || result.exit.success()) || !whole {
            return Ok(None);
        }
        self.client
            .download(about, &self.store, &limits, blobs)
            .await?;
        result.source = Source::RemoteCache;
        Ok(Some(result))
    }

    /// From the server's word to a result in the store.
    async fn take(&self, about: &About, request: &Request<'_>, claim: ActionResult) -> Answer {
        match self.admit(about, request, claim).await {
            Ok(Some(result)) => {
                add(&self.client.0.tally.hits, 1);
                Answer::Hit(Box::new(result))
            }
            Ok(None) => Answer::Miss,
            Err(error) => {
                // What is gone or wrong now is not asked for again: the run repairs it.
                if matches!(error.code, Code::NotFound | Code::DataLoss) {
                    self.distrusted.lock().insert(request.action);
                    self.client.0.tally.refusal(error.to_string());
                    return Answer::Miss;
                }
                Answer::Failed(error)
            }
        }
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
        let mut asking = std::pin::pin!(shared.get(&about, &request.action));
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
                Ok(Some(claim)) => shared.take(&about, &request, claim).await,
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
