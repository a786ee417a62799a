//! The server's store: what it lacks, small blobs in batches.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use bytes::Bytes;
use kiln_base::Digest;
use kiln_proto::{
    self as reapi, BatchReadBlobsRequest, BatchUpdateBlobsRequest, BlobToStore,
    ContentAddressableStorageClient as Storage, FindMissingBlobsRequest, IDENTITY, SHA256,
};
use tonic::Code;

use crate::client::MAX_ANSWER;
use crate::report::add;
use crate::{About, CallError, Client};

/// Digests of one question: a message has a limit of its own.
const PAGE: usize = 10_000;
/// How long it is believed that the server has a blob (R11).
const BELIEVED: Duration = Duration::from_secs(300);
/// As many are remembered.
const REMEMBERED: usize = 1 << 19;
/// What a blob takes in a message besides its content.
pub(crate) const OVERHEAD: u64 = 128;

pub(crate) fn message(digest: &Digest) -> reapi::Digest {
    reapi::Digest {
        hash: digest.hex(),
        size_bytes: i64::try_from(digest.size()).unwrap_or(i64::MAX),
    }
}

pub(crate) fn parse(message: Option<&reapi::Digest>) -> Option<Digest> {
    let message = message?;
    Digest::from_hex(&message.hash, u64::try_from(message.size_bytes).ok()?)
}

impl Client {
    /// Those of `digests` that the server lacks, each once, in their order.
    pub(crate) async fn find_missing(
        &self,
        about: &About,
        digests: &[Digest],
    ) -> Result<Vec<Digest>, CallError> {
        let asked = self.unknown(digests);
        let mut missing = Vec::new();
        for page in asked.chunks(PAGE) {
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
        let present = self.0.present.lock();
        let mut seen = HashSet::new();
        let fresh = |digest: &Digest| {
            present
                .get(digest)
                .is_some_and(|at| at.elapsed() < BELIEVED)
        };
        let asked = digests
            .iter()
            .filter(|digest| digest.size() > 0 && !fresh(digest));
        asked
            .filter(|digest| seen.insert(**digest))
            .copied()
            .collect()
    }

    pub(crate) fn remember(&self, digests: &[Digest]) {
        let mut present = self.0.present.lock();
        if present.len() + digests.len() > REMEMBERED {
            present.clear();
        }
        let now = Instant::now();
        present.extend(digests.iter().map(|digest| (*digest, now)));
    }

    /// It turned out that the server does not have it.
    pub(crate) fn forget(&self, digest: &Digest) {
        self.0.present.lock().remove(digest);
    }

    /// Stores blobs that fit into one batch.
    pub(crate) async fn batch_update(
        &self,
        about: &About,
        blobs: &[(Digest, Bytes)],
    ) -> Result<(), CallError> {
        const NAME: &str = "BatchUpdateBlobs";
        let request = BatchUpdateBlobsRequest {
            instance_name: self.instance(),
            requests: blobs
                .iter()
                .map(|(digest, data)| BlobToStore {
                    digest: Some(message(digest)),
                    data: data.clone(),
                    compressor: IDENTITY,
                })
                .collect(),
            digest_function: SHA256,
        };
        let answer = self
            .call(NAME, about, request, |channel, request| async {
                let mut storage = Storage::new(channel).max_decoding_message_size(MAX_ANSWER);
                storage.batch_update_blobs(request).await
            })
            .await?;
        // The call is well even if no blob was stored: each has a status of its own.
        let mut stored = HashSet::new();
        for response in &answer.responses {
            let status = response.status.clone().unwrap_or_default();
            if status.code != 0 {
                let code = Code::from_i32(status.code);
                return Err(CallError::new(NAME, code, status.message));
            }
            stored.extend(parse(response.digest.as_ref()));
        }
        if let Some((digest, _)) = blobs.iter().find(|(digest, _)| !stored.contains(digest)) {
            let text = format!("no word of blob {digest}");
            return Err(CallError::new(NAME, Code::DataLoss, text));
        }
        let digests: Vec<Digest> = blobs.iter().map(|(digest, _)| *digest).collect();
        add(
            &self.0.tally.uploaded_bytes,
            digests.iter().map(Digest::size).sum(),
        );
        self.remember(&digests);
        Ok(())
    }

    /// Reads blobs that fit into one batch; each is checked against its digest.
    pub(crate) async fn batch_read(
        &self,
        about: &About,
        digests: &[Digest],
    ) -> Result<Vec<(Digest, Bytes)>, CallError> {
        const NAME: &str = "BatchReadBlobs";
        let request = BatchReadBlobsRequest {
            instance_name: self.instance(),
            digests: digests.iter().map(message).collect(),
            acceptable_compressors: vec![IDENTITY],
            digest_function: SHA256,
        };
        let answer = self
            .call(NAME, about, request, |channel, request| async {
                let mut storage = Storage::new(channel).max_decoding_message_size(MAX_ANSWER);
                storage.batch_read_blobs(request).await
            })
            .await?;
        let mut left: HashSet<Digest> = digests.iter().copied().collect();
        let mut blobs = Vec::new();
        for blob in answer.responses {
            let status = blob.status.unwrap_or_default();
            let Some(digest) = parse(blob.digest.as_ref()) else {
                return Err(CallError::new(
                    NAME,
                    Code::DataLoss,
                    "a blob without a digest",
                ));
            };
            if status.code != 0 {
                self.forget(&digest);
                let text = format!("{digest}: {}", status.message);
                return Err(CallError::new(NAME, Code::from_i32(status.code), text));
            }
            if left.remove(&digest) {
                check_content(NAME, &digest, &blob.data)?;
                add(&self.0.tally.downloaded_bytes, digest.size());
                blobs.push((digest, blob.data));
            }
        }
        match left.iter().next() {
            None => Ok(blobs),
            Some(digest) => {
                let text = format!("no word of blob {digest}");
                Err(CallError::new(NAME, Code::NotFound, text))
            }
        }
    }
}

pub(crate) fn check_content(
    operation: &'static str,
    digest: &Digest,
    content: &[u8],
) -> Result<(), CallError> {
    match Digest::of(content) == *digest {
        true => Ok(()),
        false => {
            let text = format!("the content sent is not {digest}");
            Err(CallError::new(operation, Code::DataLoss, text))
        }
    }
}
