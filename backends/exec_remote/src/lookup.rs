//! From a server's word to a result in the store.

use std::collections::HashSet;
use std::sync::Arc;

use kiln_base::Digest;
use kiln_process::{CacheScope, ProcessResult, Request, Source, decode_result};
use kiln_proto::{ActionCacheClient, ActionResult, GetActionResultRequest, Message, SHA256};
use parking_lot::Mutex;
use tonic::Code;

use crate::cas::message;
use crate::client::MAX_ANSWER;
use crate::report::add;
use crate::upload::{blocking, local};
use crate::{About, CallError, Client, RemoteContents, check};

/// What a look-up says.
pub(crate) enum Answer {
    Hit(Box<ProcessResult>),
    Miss,
    Failed(CallError),
}

/// Looks results up, and does not believe the same lie twice.
pub(crate) struct Lookup {
    client: Client,
    contents: Arc<RemoteContents>,
    distrusted: Mutex<HashSet<Digest>>,
}

impl Lookup {
    pub(crate) fn new(contents: Arc<RemoteContents>) -> Lookup {
        Lookup {
            client: contents.client.clone(),
            contents,
            distrusted: Mutex::default(),
        }
    }

    /// Whether what the server said of it has been of use so far.
    pub(crate) fn is_trusted(&self, action: &Digest) -> bool {
        !self.distrusted.lock().contains(action)
    }

    pub(crate) fn distrust(&self, action: &Digest) {
        self.distrusted.lock().insert(*action);
    }

    /// What the server says; `None` if it does not know.
    pub(crate) async fn get(
        &self,
        about: &About,
        action: &Digest,
    ) -> Result<Option<ActionResult>, CallError> {
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

    /// Makes a claim of the server a result, and says which blobs it needs; those of its trees are
    /// in the store, others not yet.
    async fn decode(
        &self,
        about: &About,
        request: &Request<'_>,
        claim: ActionResult,
    ) -> Result<(ProcessResult, Vec<Digest>), CallError> {
        let refused = |reason: String| CallError::new("ActionResult", Code::DataLoss, reason);
        let trees = check::trees(&claim).map_err(refused)?;
        self.contents.download(about, trees).await?;
        let (store, outputs) = (self.contents.store.clone(), request.process.outputs.clone());
        let workdir = request.process.workdir.clone();
        blocking(move || {
            let read = |digest: &Digest| store.read(digest).ok().flatten();
            let decoded = decode_result(&claim.encode_to_vec(), &outputs, &read)
                .map_err(|error| refused(error.to_string()))?;
            let blobs = check::blobs(&decoded.result, &workdir).map_err(refused)?;
            for (digest, content) in decoded.inline {
                store.put_bytes_known(digest, &content).map_err(local)?;
            }
            Ok((decoded.result, blobs))
        })
        .await
    }

    /// A result whatever it is, with what must be here of it. `ran`: the server has just made it.
    pub(crate) async fn admit(
        &self,
        about: &About,
        request: &Request<'_>,
        claim: ActionResult,
        ran: bool,
    ) -> Result<ProcessResult, CallError> {
        let (mut result, blobs) = self.decode(about, request, claim).await?;
        let contents = &self.contents;
        contents
            .admit(about, request, &mut result, blobs, ran)
            .await?;
        Ok(result)
    }

    /// A known result with what must be here of it, if it answers the request.
    async fn reuse(
        &self,
        about: &About,
        request: &Request<'_>,
        claim: ActionResult,
    ) -> Result<Option<ProcessResult>, CallError> {
        let (mut result, blobs) = self.decode(about, request, claim).await?;
        // A failure is an answer to nobody, and neither is what lacks outputs.
        let whole = request.optional_outputs || result.lacks(&request.process.outputs).is_none();
        let always = request.process.cache == CacheScope::Always;
        if !(always || result.exit.success()) || !whole {
            return Ok(None);
        }
        let contents = &self.contents;
        contents
            .admit(about, request, &mut result, blobs, false)
            .await?;
        result.source = Source::RemoteCache;
        Ok(Some(result))
    }

    /// From the server's word to a result in the store.
    pub(crate) async fn take(
        &self,
        about: &About,
        request: &Request<'_>,
        claim: ActionResult,
    ) -> Answer {
        match self.reuse(about, request, claim).await {
            Ok(Some(result)) => {
                add(&self.client.0.tally.hits, 1);
                Answer::Hit(Box::new(result))
            }
            // Workers would find the same answer: the run that follows must be a new one.
            Ok(None) => {
                self.distrust(&request.action);
                Answer::Miss
            }
            Err(error) => {
                // What is gone or wrong now is not asked for again: the run repairs it.
                if matches!(error.code, Code::NotFound | Code::DataLoss) {
                    self.distrust(&request.action);
                    self.client.0.tally.refusal(error.to_string());
                    return Answer::Miss;
                }
                Answer::Failed(error)
            }
        }
    }
}
