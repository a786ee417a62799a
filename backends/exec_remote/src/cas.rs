//! The server's store: what it lacks, small blobs in batches.

use std::collections::HashSet;

use bytes::Bytes;
use kiln_base::Digest;
use kiln_proto::{
    self as reapi, BatchReadBlobsRequest, BatchUpdateBlobsRequest, BlobToStore,
    ContentAddressableStorageClient as Storage, IDENTITY, SHA256,
};
use tonic::Code;

use crate::client::MAX_ANSWER;
use crate::report::add;
use crate::{About, CallError, Client};

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

    /// Reads blobs that fit into one batch; each is checked against its digest, and each may fail.
    ///
    /// Errors: those of the call as a whole.
    pub(crate) async fn batch_read(
        &self,
        about: &About,
        digests: &[Digest],
    ) -> Result<Vec<(Digest, Result<Bytes, CallError>)>, CallError> {
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
                let text = "a blob without a digest";
                return Err(CallError::new(NAME, Code::DataLoss, text));
            };
            if !left.remove(&digest) {
                continue;
            }
            if status.code != 0 {
                self.forget(&digest);
                let text = format!("{digest}: {}", status.message);
                let error = CallError::new(NAME, Code::from_i32(status.code), text);
                blobs.push((digest, Err(error)));
                continue;
            }
            let content = check_content(NAME, &digest, &blob.data).map(|()| blob.data);
            add(&self.0.tally.downloaded_bytes, digest.size());
            blobs.push((digest, content));
        }
        blobs.extend(left.into_iter().map(|digest| {
            let text = format!("no word of blob {digest}");
            (digest, Err(CallError::new(NAME, Code::NotFound, text)))
        }));
        Ok(blobs)
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
