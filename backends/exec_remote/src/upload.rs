//! From the local store to the server.

use std::collections::HashMap;

use bytes::Bytes;
use kiln_base::{Digest, RelPath};
use kiln_process::{EncodedResult, Keyed, ProcessResult};
use kiln_proto::{ActionCacheClient, ActionResult, Message, SHA256, UpdateActionResultRequest};
use kiln_store::Store;
use kiln_tree::{Node, Tree};
use tonic::Code;

use crate::cas::{OVERHEAD, message};
use crate::{About, CallError, Client, Limits};

/// Blobs that need not be in the store.
pub(crate) type AtHand = HashMap<Digest, Content>;

/// What a blob is, if it is not in the store.
#[derive(Clone)]
pub(crate) enum Content {
    /// In memory.
    Bytes(Bytes),
    /// The `Directory` message of a folder, encoded when it is sent: most never are.
    Folder(Tree),
}

impl Content {
    fn bytes(&self) -> Bytes {
        match self {
            Content::Bytes(bytes) => bytes.clone(),
            Content::Folder(tree) => tree.directory_message().into(),
        }
    }
}

impl Client {
    /// Uploads a result: all that it names, then the action, then the result itself, so that
    /// nobody finds a result without its blobs (PX-075, R19).
    pub(crate) async fn upload_result(
        &self,
        about: &About,
        store: &Store,
        keyed: Keyed,
        encoded: EncodedResult,
        folders: AtHand,
    ) -> Result<(), CallError> {
        let limits = self.limits().await?;
        let command = Digest::of(&keyed.command);
        let mut at_hand: AtHand = encoded
            .trees
            .into_iter()
            .map(|(digest, tree)| (digest, Content::Bytes(tree.into())))
            .collect();
        at_hand.insert(command, Content::Bytes(keyed.command.into()));
        at_hand.insert(keyed.digest, Content::Bytes(keyed.action.into()));
        let mut digests = encoded.refs;
        digests.extend([command, keyed.digest]);
        digests.extend(folders.keys());
        at_hand.extend(folders);
        self.upload(about, store, &limits, &digests, &at_hand)
            .await?;
        let result = ActionResult::decode(&encoded.message[..]);
        let result = result.map_err(|error| {
            CallError::new("UpdateActionResult", Code::Internal, error.to_string())
        })?;
        let request = UpdateActionResultRequest {
            instance_name: self.instance(),
            action_digest: Some(message(&keyed.digest)),
            action_result: Some(result),
            digest_function: SHA256,
        };
        self.call(
            "UpdateActionResult",
            about,
            request,
            |channel, request| async {
                ActionCacheClient::new(channel)
                    .update_action_result(request)
                    .await
            },
        )
        .await?;
        Ok(())
    }

    /// Uploads those of `digests` that the server lacks: small ones in batches, large ones alone.
    pub(crate) async fn upload(
        &self,
        about: &About,
        store: &Store,
        limits: &Limits,
        digests: &[Digest],
        at_hand: &AtHand,
    ) -> Result<(), CallError> {
        let missing = self.find_missing(about, digests).await?;
        if let Some(large) = missing
            .iter()
            .find(|digest| digest.size() > limits.max_blob)
        {
            let text = format!(
                "{large} is larger than the server's limit of {} bytes",
                limits.max_blob
            );
            return Err(CallError::new("upload", Code::OutOfRange, text));
        }
        for batch in batches(&missing, limits.batch) {
            let _transfer = self.0.transfers.acquire().await.ok();
            match batch {
                [large] if large.size() + OVERHEAD > limits.batch => {
                    self.upload_large(about, store, large, at_hand).await?;
                }
                small => {
                    let blobs = self.load(store, small, at_hand).await?;
                    match self.batch_update(about, &blobs).await {
                        Err(error) if error.is_too_large() => {
                            self.too_large(limits.batch);
                            for alone in small {
                                self.upload_large(about, store, alone, at_hand).await?;
                            }
                        }
                        result => result?,
                    }
                }
            }
        }
        Ok(())
    }

    async fn upload_large(
        &self,
        about: &About,
        store: &Store,
        digest: &Digest,
        at_hand: &AtHand,
    ) -> Result<(), CallError> {
        if let Some(content) = at_hand.get(digest) {
            // A large tree or command: rare, and better in one place than in two.
            let content = content.bytes();
            store.put_bytes_known(*digest, &content).map_err(local)?;
        }
        let (own, wanted) = (store.clone(), *digest);
        let path = blocking(move || Ok(own.blob_path(&wanted, false))).await?;
        let path = path.ok_or_else(|| gone(digest))?;
        if self.limits().await?.zstd_streams
            && self
                .write_compressed_from(about, digest, &path, store.root())
                .await?
        {
            return Ok(());
        }
        self.write_from(about, digest, &path).await
    }

    async fn load(
        &self,
        store: &Store,
        digests: &[Digest],
        at_hand: &AtHand,
    ) -> Result<Vec<(Digest, Bytes)>, CallError> {
        let known: Vec<(Digest, Option<Bytes>)> = digests
            .iter()
            .map(|digest| (*digest, at_hand.get(digest).map(Content::bytes)))
            .collect();
        let store = store.clone();
        blocking(move || {
            let read = |(digest, content): (Digest, Option<Bytes>)| match content {
                Some(content) => Ok((digest, content)),
                None => match store.read(&digest).map_err(local)? {
                    Some(content) => Ok((digest, content.into())),
                    None => Err(gone(&digest)),
                },
            };
            known.into_iter().map(read).collect()
        })
        .await
    }
}

/// The `Directory` messages of output folders. The `Tree` messages have them as well, but some
/// servers give a result out only if each is a blob of its own too.
pub(crate) fn folders(result: &ProcessResult, outputs: &[RelPath]) -> AtHand {
    let mut closure = Closure::default();
    for path in outputs {
        match result.outputs.get(path) {
            Some(Node::Dir(tree)) => closure.add(tree, &|_| false),
            None if path.is_root() => closure.add(&result.outputs, &|_| false),
            _ => {}
        }
    }
    closure.folders
}

/// What is in trees.
#[derive(Default)]
pub(crate) struct Closure {
    /// Their folders.
    pub(crate) folders: AtHand,
    /// The files that those name.
    pub(crate) files: Vec<Digest>,
}

impl Closure {
    /// Adds a tree; what is there several times is looked at once, and what `known` knows not at
    /// all (R12).
    pub(crate) fn add(&mut self, tree: &Tree, known: &dyn Fn(&Digest) -> bool) {
        let digest = tree.digest();
        if self.folders.contains_key(&digest) || known(&digest) {
            return;
        }
        self.folders.insert(digest, Content::Folder(tree.clone()));
        for (_, node) in tree.entries() {
            match node {
                Node::Dir(below) => self.add(below, known),
                Node::File { digest, .. } => self.files.push(*digest),
                Node::Symlink(_) => {}
            }
        }
    }
}

/// Runs what blocks where that does no harm.
pub(crate) async fn blocking<T: Send + 'static>(
    job: impl FnOnce() -> Result<T, CallError> + Send + 'static,
) -> Result<T, CallError> {
    match tokio::task::spawn_blocking(job).await {
        Ok(result) => result,
        Err(error) => Err(CallError::new(
            "store",
            Code::FailedPrecondition,
            error.to_string(),
        )),
    }
}

/// The local store failed: no fault of the server, and no use in trying again.
pub(crate) fn local(error: kiln_diag::Diag) -> CallError {
    CallError::new("store", Code::FailedPrecondition, error.message())
}

fn gone(digest: &Digest) -> CallError {
    let text = format!("blob {digest} is not in the local store any more");
    CallError {
        lost: Some(*digest),
        ..CallError::new("store", Code::FailedPrecondition, text)
    }
}

/// Neighbours that fit into one message of so many bytes; what does not fit into any is alone.
pub(crate) fn batches(digests: &[Digest], limit: u64) -> Vec<&[Digest]> {
    let (mut batches, mut start, mut bytes) = (Vec::new(), 0, 0_u64);
    for (at, digest) in digests.iter().enumerate() {
        let size = digest.size().saturating_add(OVERHEAD);
        if at > start && bytes.saturating_add(size) > limit {
            batches.push(&digests[start..at]);
            (start, bytes) = (at, 0);
        }
        bytes = bytes.saturating_add(size);
    }
    if start < digests.len() {
        batches.push(&digests[start..]);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R1, R11: encoded bytes count, not bytes of blobs only.
    #[test]
    fn batches_keep_below_the_limit() {
        let blob = |size: u64| {
            let hex = Digest::of(&size.to_le_bytes()).hex();
            Digest::from_hex(&hex, size).expect("a digest")
        };
        let sizes = |sizes: &[u64], limit| -> Vec<Vec<u64>> {
            let digests: Vec<Digest> = sizes.iter().map(|size| blob(*size)).collect();
            let batches = batches(&digests, limit);
            let batches = batches
                .iter()
                .map(|batch| batch.iter().map(Digest::size).collect());
            batches.collect()
        };
        let none: Vec<Vec<u64>> = Vec::new();
        assert_eq!(sizes(&[], 1000), none);
        assert_eq!(sizes(&[1, 2, 3], 1000), [vec![1, 2, 3]]);
        assert_eq!(sizes(&[400, 400, 10], 1000), [vec![400], vec![400, 10]]);
        assert_eq!(sizes(&[5, 5000, 6], 1000), [vec![5], vec![5000], vec![6]]);
        assert_eq!(sizes(&[u64::MAX, u64::MAX], 1000).len(), 2);
    }
}
