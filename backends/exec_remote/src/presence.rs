//! What the server was seen to have, not long ago (R11, R12, R29).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use kiln_base::Digest;
use kiln_proto::{ContentAddressableStorageClient as Storage, FindMissingBlobsRequest, SHA256};
use parking_lot::Mutex;
use tonic::Code;

use crate::cas::{message, parse};
use crate::client::MAX_ANSWER;
use crate::{About, CallError, Client};

/// Digests of one question: a message has a limit of its own.
const PAGE: usize = 10_000;
/// How long it is believed that the server has a blob (R11).
const BELIEVED: Duration = Duration::from_secs(300);
/// As many are remembered.
const REMEMBERED: usize = 1 << 19;

/// When blobs were seen at the server.
#[derive(Default)]
pub(crate) struct Presence {
    blobs: HashMap<Digest, Instant>,
    /// Folders with all that is in them: when the blob was seen that was not seen for longest.
    folders: HashMap<Digest, Instant>,
}

impl Presence {
    /// Whether the server has this folder and all below it: it need not be walked.
    pub(crate) fn has_folder(&self, folder: &Digest) -> bool {
        self.folders.get(folder).is_some_and(is_fresh)
    }

    fn has(&self, blob: &Digest) -> bool {
        blob.size() == 0 || self.blobs.get(blob).is_some_and(is_fresh)
    }

    fn remember(&mut self, blobs: &[Digest]) {
        if self.blobs.len() + blobs.len() > REMEMBERED {
            self.forget_all();
        }
        let now = Instant::now();
        self.blobs.extend(blobs.iter().map(|blob| (*blob, now)));
    }

    fn forget_all(&mut self) {
        self.blobs.clear();
        self.folders.clear();
    }
}

fn is_fresh(seen: &Instant) -> bool {
    seen.elapsed() < BELIEVED
}

/// The next question, which more may be added to, and its answer: what is missing.
type Question = (
    Vec<Digest>,
    Shared<BoxFuture<'static, Result<Arc<HashSet<Digest>>, CallError>>>,
);

/// Questions of many actions, put together into few.
#[derive(Default)]
pub(crate) struct Questions {
    turn: tokio::sync::Mutex<()>,
    next: Mutex<Option<Question>>,
}

impl Client {
    /// Those of `digests` that the server lacks, each once, in their order.
    pub(crate) async fn find_missing(
        &self,
        about: &About,
        digests: &[Digest],
    ) -> Result<Vec<Digest>, CallError> {
        let asked = self.unknown(digests);
        let missing = self.ask(about, &asked).await?;
        Ok(asked
            .into_iter()
            .filter(|blob| missing.contains(blob))
            .collect())
    }

    /// As [`Client::find_missing`], for many that ask for little at a time: while one call is
    /// under way, all others become one.
    pub(crate) async fn find_missing_together(
        &self,
        digests: &[Digest],
    ) -> Result<Vec<Digest>, CallError> {
        let asked = self.unknown(digests);
        if asked.is_empty() {
            return Ok(asked);
        }
        let answer = {
            let mut next = self.0.questions.next.lock();
            match &mut *next {
                Some((list, answer)) => {
                    list.extend(&asked);
                    answer.clone()
                }
                None => {
                    let answer = self.clone().next_question().boxed().shared();
                    *next = Some((asked.clone(), answer.clone()));
                    answer
                }
            }
        };
        let missing = answer.await?;
        Ok(asked
            .into_iter()
            .filter(|blob| missing.contains(blob))
            .collect())
    }

    async fn next_question(self) -> Result<Arc<HashSet<Digest>>, CallError> {
        let questions = &self.0.questions;
        let _turn = questions.turn.lock().await;
        // From here on, who asks begins another one.
        let list = questions.next.lock().take();
        let Some((mut list, _)) = list else {
            let text = "a question was asked twice";
            return Err(CallError::new("FindMissingBlobs", Code::Internal, text));
        };
        list.sort();
        list.dedup();
        self.ask(&About::default(), &list).await.map(Arc::new)
    }

    /// Asks for blobs whatever is known of them, so that the server keeps them (R29).
    pub(crate) async fn renew(&self, digests: &[Digest]) {
        let missing = self.ask(&About::default(), digests).await;
        // Who needs one of them finds out; what else is gone is not known.
        if missing.is_ok_and(|missing| !missing.is_empty()) {
            self.forget_all();
        }
    }

    async fn ask(&self, about: &About, digests: &[Digest]) -> Result<HashSet<Digest>, CallError> {
        let mut missing = HashSet::new();
        for page in digests.chunks(PAGE) {
            let request = FindMissingBlobsRequest {
                instance_name: self.instance(),
                blob_digests: page.iter().map(message).collect(),
                digest_function: SHA256,
            };
            let answer = self
                .call(
                    "FindMissingBlobs",
                    about,
                    request,
                    |channel, request| async {
                        let mut storage =
                            Storage::new(channel).max_decoding_message_size(MAX_ANSWER);
                        storage.find_missing_blobs(request).await
                    },
                )
                .await?;
            let named: HashSet<Digest> = answer
                .missing_blob_digests
                .iter()
                .filter_map(|digest| parse(Some(digest)))
                .collect();
            let (lacking, there): (Vec<Digest>, Vec<Digest>) =
                page.iter().partition(|digest| named.contains(digest));
            self.remember(&there);
            missing.extend(lacking);
        }
        Ok(missing)
    }

    /// Those that must be asked for: not the empty one, and none that was there not long ago.
    fn unknown(&self, digests: &[Digest]) -> Vec<Digest> {
        let presence = self.0.presence.lock();
        let mut seen = HashSet::new();
        let asked = digests.iter().filter(|digest| !presence.has(digest));
        asked
            .filter(|digest| seen.insert(**digest))
            .copied()
            .collect()
    }

    pub(crate) fn remember(&self, digests: &[Digest]) {
        self.0.presence.lock().remember(digests);
    }

    /// The server has these folders, and `blobs`, which are all that is in them.
    pub(crate) fn remember_folders(&self, folders: &[Digest], blobs: &[Digest]) {
        let mut presence = self.0.presence.lock();
        let blobs = blobs.iter().filter(|blob| blob.size() > 0);
        let seen: Option<Vec<Instant>> = blobs
            .map(|blob| presence.blobs.get(blob).copied())
            .collect();
        // Something was forgotten meanwhile: nothing can be said of the whole.
        let Some(oldest) = seen.map(|seen| seen.into_iter().min()) else {
            return;
        };
        let oldest = oldest.unwrap_or_else(Instant::now);
        if presence.folders.len() + folders.len() > REMEMBERED {
            presence.folders.clear();
        }
        let folders = folders.iter().map(|folder| (*folder, oldest));
        presence.folders.extend(folders);
    }

    /// The server has lost something: what it had before is asked for again.
    pub(crate) fn forget_all(&self) {
        self.0.presence.lock().forget_all();
    }

    /// It turned out that the server does not have it.
    pub(crate) fn forget(&self, digest: &Digest) {
        let mut presence = self.0.presence.lock();
        presence.blobs.remove(digest);
        // It may be in any of them.
        presence.folders.clear();
    }
}
