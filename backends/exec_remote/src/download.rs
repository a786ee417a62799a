//! From the server to the local store.

use std::path::Path;

use kiln_base::Digest;
use kiln_store::{PutMode, Store};
use tonic::Code;

use crate::cas::OVERHEAD;
use crate::upload::{batches, blocking, local};
use crate::{About, CallError, Client, Limits};

/// Asked for in one batch: answers are held in memory.
const AT_MOST: u64 = 4 << 20;

/// Bytes that are free where the store is; more than enough if nobody knows.
fn room(folder: &Path) -> u64 {
    match rustix::fs::statvfs(folder) {
        Ok(system) => system.f_bavail.saturating_mul(system.f_frsize),
        Err(_) => u64::MAX,
    }
}

impl Client {
    /// Brings those of `digests` into the store that are not there. Each is checked before.
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
        for batch in batches(&missing, limit) {
            let _transfer = self.0.transfers.acquire().await.ok();
            match batch {
                [large] if large.size() + OVERHEAD > limit => {
                    self.download_large(about, store, large).await?;
                }
                small => {
                    let blobs = match self.batch_read(about, small).await {
                        Err(error) if error.is_too_large() => {
                            self.too_large(limit);
                            for alone in small {
                                self.download_large(about, store, alone).await?;
                            }
                            continue;
                        }
                        result => result?,
                    };
                    let own = store.clone();
                    let put = move || {
                        let mut blobs = blobs.iter();
                        blobs.try_for_each(|(digest, data)| own.put_bytes_known(*digest, data))
                    };
                    blocking(move || put().map_err(local)).await?;
                }
            }
        }
        Ok(())
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
        self.read_to(about, digest, &file).await?;
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
