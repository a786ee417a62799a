//! The server's store: what it lacks, small blobs in batches.

use std::collections::HashSet;

use bytes::Bytes;
use kiln_base::Digest;
use kiln_proto::{
    self as reapi, BatchReadBlobsRequest, BatchUpdateBlobsRequest, BlobToStore,
    ContentAddressableStorageClient as Storage, IDENTITY, SHA256, ZSTD, compression,
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
        let zstd = self.limits().await?.zstd_batches;
        let request = BatchUpdateBlobsRequest {
            instance_name: self.instance(),
            requests: blobs
                .iter()
                .map(|(digest, data)| to_store(digest, data, zstd))
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
        let limits = self.limits().await?;
        let zstd = limits.zstd_batches || limits.zstd_streams;
        let request = BatchReadBlobsRequest {
            instance_name: self.instance(),
            digests: digests.iter().map(message).collect(),
            acceptable_compressors: match zstd {
                true => vec![IDENTITY, ZSTD],
                false => vec![IDENTITY],
            },
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
            let content = content(NAME, &digest, blob.data, blob.compressor);
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

fn to_store(digest: &Digest, data: &Bytes, zstd: bool) -> BlobToStore {
    let packed = zstd.then(|| compression::compress(data)).flatten();
    BlobToStore {
        digest: Some(message(digest)),
        compressor: if packed.is_some() { ZSTD } else { IDENTITY },
        data: packed.map_or_else(|| data.clone(), Bytes::from),
    }
}

/// Unpacks and checks what was sent as a blob. It never gets larger than the blob.
fn content(
    operation: &'static str,
    digest: &Digest,
    data: Bytes,
    compressor: i32,
) -> Result<Bytes, CallError> {
    let refused = |text: String| CallError::new(operation, Code::DataLoss, text);
    let data = match compressor {
        IDENTITY => data,
        ZSTD => compression::decompress(&data, digest.size())
            .map_err(|error| refused(format!("{digest}: {error}")))?
            .into(),
        other => return Err(refused(format!("{digest}: unknown compressor {other}"))),
    };
    check_content(operation, digest, &data).map(|()| data)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// R24: what comes compressed is unpacked to the size of the digest, and then checked.
    #[test]
    fn compressed_contents() {
        let text = Bytes::from("some words ".repeat(100));
        let digest = Digest::of(&text);
        let stored = to_store(&digest, &text, true);
        assert_eq!(stored.compressor, ZSTD);
        assert!(stored.data.len() < text.len() / 2);
        assert_eq!(to_store(&digest, &text, false).compressor, IDENTITY);
        assert_eq!(
            to_store(&digest, &Bytes::from("short"), true).compressor,
            IDENTITY
        );
        let unpack = |data: &Bytes, compressor| content("Read", &digest, data.clone(), compressor);
        assert_eq!(unpack(&stored.data, ZSTD).ok(), Some(text.clone()));
        assert_eq!(unpack(&text, IDENTITY).ok(), Some(text));
        let bomb = compression::compress(&vec![0; 16 << 20]).expect("it shrinks");
        let error = unpack(&bomb.into(), ZSTD).expect_err("too large");
        assert!(
            error.message.ends_with("it has more than 1100 bytes"),
            "{error}"
        );
        assert_eq!(error.code, Code::DataLoss);
        assert!(unpack(&stored.data, 7).is_err());
    }
}
