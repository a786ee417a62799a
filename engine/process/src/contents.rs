//! Results some of whose outputs are somewhere else than in the store.

use std::collections::HashSet;

use futures::FutureExt;
use futures::future::BoxFuture;
use kiln_base::{Digest, Fingerprint, RelPath};
use kiln_diag::Diag;
use kiln_store::Store;
use kiln_tree::Node;

use crate::{ProcessResult, Reads, Source, decode_result, encode_result};

/// Contents that may be somewhere else than in the store: at a server that has them for us.
///
/// Nothing that is said here lasts: a server may lose contents at any time, and the store too. Who
/// then misses a blob asks [`Contents::lost`], and has it made again.
pub trait Contents: Send + Sync {
    /// Brings blobs into the store, those that are not there; returns those that cannot be had.
    fn fetch<'a>(&'a self, digests: &'a [Digest]) -> BoxFuture<'a, Vec<Digest>>;

    /// Those that are neither in the store nor anywhere else; whoever has the others is asked now,
    /// and not remembered to have had them.
    fn lost<'a>(&'a self, digests: &'a [Digest]) -> BoxFuture<'a, Vec<Digest>>;

    /// Makes sure of blobs that are not in the store: they are fetched, or seen to be where they
    /// can be fetched from later. Returns those that stay there; `None` if one cannot be had.
    fn secure<'a>(&'a self, digests: &'a [Digest]) -> BoxFuture<'a, Option<Vec<Digest>>>;
}

/// There is the store and nothing else.
impl Contents for Store {
    fn fetch<'a>(&'a self, digests: &'a [Digest]) -> BoxFuture<'a, Vec<Digest>> {
        self.lost(digests)
    }

    fn lost<'a>(&'a self, digests: &'a [Digest]) -> BoxFuture<'a, Vec<Digest>> {
        async move { self.missing(digests) }.boxed()
    }

    fn secure<'a>(&'a self, digests: &'a [Digest]) -> BoxFuture<'a, Option<Vec<Digest>>> {
        async move { self.missing(digests).is_empty().then(Vec::new) }.boxed()
    }
}

/// The key of the row of a result that was not whole when it was recorded. Rows under the key
/// itself are whole: nothing but the store is needed to use them.
fn left_key(action: &Digest) -> Digest {
    let key = Fingerprint::build("a result with outputs left at a server")
        .bytes(action.hash())
        .finish();
    Digest::of(key.bytes())
}

/// Records a result under a key. Of one whose outputs are not all in the store, the row names
/// what is: it is found as long as that is there, and the rest must be made sure of then.
///
/// Errors: the store cannot be written.
pub fn keep(
    store: &Store,
    key: &Digest,
    result: &ProcessResult,
    outputs: &[RelPath],
) -> Result<(), Diag> {
    let Some(mut encoded) = encode_result(result, outputs) else {
        return Ok(());
    };
    for (digest, tree) in &encoded.trees {
        store.put_bytes_known(*digest, tree)?;
    }
    if result.left.is_empty() {
        return store.put_action(key, &encoded.message, &encoded.refs);
    }
    encoded.refs.retain(|digest| !result.left.contains(digest));
    store.put_action(&left_key(key), &encoded.message, &encoded.refs)
}

/// The result that was recorded under a key, if all that it names can be had; `None` for one that
/// cannot be read.
pub async fn recall(
    store: &Store,
    contents: &dyn Contents,
    key: &Digest,
    outputs: &[RelPath],
) -> Option<ProcessResult> {
    let read = |digest: &Digest| store.read(digest).ok().flatten();
    if let Some(message) = store.get_action(key) {
        let mut result = decode_result(&message, outputs, &read).ok()?.result;
        result.source = Source::LocalCache;
        return Some(result);
    }
    let message = store.get_action(&left_key(key))?;
    let mut result = decode_result(&message, outputs, &read).ok()?.result;
    result.source = Source::LocalCache;
    let mut files = HashSet::new();
    result.outputs.blobs(&mut files);
    let files: Vec<Digest> = files.into_iter().collect();
    let missing = store.missing(&files);
    if !missing.is_empty() {
        result.left = contents.secure(&missing).await?;
    }
    Some(result)
}

impl ProcessResult {
    /// The contents of those outputs that will be read, each once; `ran`: it is the result of a run.
    pub fn read(&self, reads: &Reads<'_>, ran: bool) -> Vec<Digest> {
        let mut files = HashSet::new();
        match reads {
            Reads::All => self.outputs.blobs(&mut files),
            Reads::OfRun(paths) if ran => {
                for path in *paths {
                    match self.outputs.get(path) {
                        Some(Node::File { digest, .. }) => {
                            files.insert(*digest);
                        }
                        Some(Node::Dir(tree)) => tree.blobs(&mut files),
                        Some(Node::Symlink(_)) | None => {}
                    }
                }
            }
            Reads::OfRun(_) => {}
        }
        files.into_iter().collect()
    }
}
