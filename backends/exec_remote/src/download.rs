//! From the server to the local store.

use std::path::Path;

use futures::future::BoxFuture;
use futures::{FutureExt, Stream, StreamExt};
use kiln_base::Digest;
use kiln_store::{PutMode, Store};
use tonic::Code;

use crate::cas::OVERHEAD;
use crate::upload::{batches, blocking, local};
use crate::{About, CallError, Client, Limits};

/// Asked for in one batch: answers are held in memory.
const AT_MOST: u64 = 4 << 20;
/// Batches of one request that are under way at a time; those of all share
/// [`crate::client::TRANSFERS`].
const AT_A_TIME: usize = 8;

/// What did not come, and why.
type Failures = Vec<(Digest, CallError)>;

/// Bytes that are free where the store is; more than enough if nobody knows.
fn room(folder: &Path) -> u64 {
    match rustix::fs::statvfs(folder) {
        Ok(system) => system.f_bavail.saturating_mul(system.f_frsize),
        Err(_) => u64::MAX,
    }
}

impl Client {
    /// Brings those of `digests` into the store that are not there. Each is checked before. The
    /// first failure ends it.
    pub(crate) async fn download(
        &self,
        about: &About,
        store: &Store,
        limits: &Limits,
        digests: Vec<Digest>,
    ) -> Result<(), CallError> {
        let own = store.clone();
        let missing = blocking(move || {
            let mut missing = own.missing(&digests);
            missing.sort();
            missing.dedup();
            Ok(missing)
        })
        .await?;
        let limit = limits.batch.min(AT_MOST);
        let batches = batches(&missing, limit);
        let mut failures = self.bring_all(about, store, limit, &batches);
        while let Some(failed) = failures.next().await {
            if let Some((_, error)) = failed.into_iter().next() {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Brings blobs into the store that are not there; returns those that did not come.
    pub(crate) async fn download_each(&self, store: &Store, digests: Vec<Digest>) -> Vec<Digest> {
        let limits = match self.limits().await {
            Ok(limits) => limits,
            Err(error) => {
                self.0.tally.failure(&error);
                return digests;
            }
        };
        let (about, limit) = (About::default(), limits.batch.min(AT_MOST));
        let batches = batches(&digests, limit);
        let failures = self.bring_all(&about, store, limit, &batches);
        let failures: Vec<Failures> = failures.collect().await;
        let failures = failures.into_iter().flatten();
        let note = |(digest, error): (Digest, CallError)| {
            self.0.tally.failure(&error);
            digest
        };
        failures.map(note).collect()
    }

    /// Brings batches, several at a time.
    fn bring_all<'a>(
        &'a self,
        about: &'a About,
        store: &'a Store,
        limit: u64,
        batches: &[&'a [Digest]],
    ) -> impl Stream<Item = Failures> + Send + Unpin + 'a {
        let each = batches.iter();
        let each = each.map(|batch| self.bring(about, store, limit, batch).boxed());
        let each: Vec<BoxFuture<'a, Failures>> = each.collect();
        futures::stream::iter(each).buffer_unordered(AT_A_TIME)
    }

    /// Brings one batch; returns what did not come.
    async fn bring(&self, about: &About, store: &Store, limit: u64, batch: &[Digest]) -> Failures {
        let _transfer = self.0.transfers.acquire().await.ok();
        let all = |error: CallError| {
            batch
                .iter()
                .map(|digest| (*digest, error.clone()))
                .collect()
        };
        if let [large] = batch
            && large.size() + OVERHEAD > limit
        {
            let done = self.download_large(about, store, large).await;
            return done.map_or_else(all, |()| Vec::new());
        }
        let blobs = match self.batch_read(about, batch).await {
            Ok(blobs) => blobs,
            Err(error) if error.is_too_large() => {
                self.too_large(limit);
                return self.bring_alone(about, store, batch).await;
            }
            Err(error) => return all(error),
        };
        let own = store.clone();
        let put = blocking(move || {
            let put = |(digest, content): (Digest, Result<_, CallError>)| {
                let put = content.and_then(|content: bytes::Bytes| {
                    own.put_bytes_known(digest, &content).map_err(local)
                });
                put.err().map(|error| (digest, error))
            };
            Ok(blobs.into_iter().filter_map(put).collect())
        });
        put.await.unwrap_or_else(all)
    }

    /// Brings what a server does not give in one batch.
    async fn bring_alone(&self, about: &About, store: &Store, batch: &[Digest]) -> Failures {
        let mut failures = Failures::new();
        for alone in batch {
            if let Err(error) = self.download_large(about, store, alone).await {
                failures.push((*alone, error));
            }
        }
        failures
    }

    async fn download_large(
        &self,
        about: &About,
        store: &Store,
        digest: &Digest,
    ) -> Result<(), CallError> {
        // Beside the store, so that it can be moved in; gone by itself if it comes to nothing.
        let (folder, size) = (store.root().to_owned(), digest.size());
        let file = blocking(move || {
            // What is claimed to be that large may go on for as long.
            let room = room(&folder);
            if size > room {
                let text = format!("{size} bytes are more than there is room for");
                return Err(CallError::new("ByteStream.Read", Code::OutOfRange, text));
            }
            let file = tempfile::Builder::new()
                .prefix(".download")
                .tempfile_in(&folder);
            let file = file.map_err(|error| {
                CallError::new("store", Code::FailedPrecondition, error.to_string())
            })?;
            Ok(file.into_temp_path())
        })
        .await?;
        match self.limits().await?.zstd_streams {
            true => self.read_compressed_to(about, digest, &file).await?,
            false => self.read_to(about, digest, &file).await?,
        }
        let (own, wanted) = (store.clone(), *digest);
        blocking(move || {
            // Hashing comes first: a wrong one goes in under its own name, where it does no harm.
            let found = own.put_file(&file, PutMode::Move, false).map_err(local)?;
            match found == wanted {
                true => Ok(()),
                false => {
                    let text = format!("the content sent is not {wanted}");
                    Err(CallError::new("ByteStream.Read", Code::DataLoss, text))
                }
            }
        })
        .await
    }
}
