//! `ContentAddressableStorage`: what is missing, small blobs in batches, trees.

use std::collections::{HashSet, VecDeque};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use kiln_base::Digest;
use kiln_proto::compression;
use kiln_proto::content_addressable_storage_server::ContentAddressableStorage;
use kiln_proto::*;
use kiln_store::Store;
use tonic::{Code, Request, Response};

use crate::capabilities::BATCH;
use crate::inputs::MAX_MESSAGE;
use crate::names::{self, digest};
use crate::shared::{Reply, Shared, blocking};
use crate::status::status;

/// Bytes of folders in one part of a tree's answer.
const PART: usize = 1 << 20;
/// Folders of one tree.
const MAX_FOLDERS: usize = 1_000_000;

/// The service.
pub(crate) struct Service(pub(crate) Arc<Shared>);

impl Service {
    fn store(&self) -> Store {
        self.0.store.clone()
    }
}

/// Whether a batch is small enough; what is left out of a batch is streamed.
fn fits(total: u64) -> Result<(), tonic::Status> {
    match total <= BATCH {
        true => Ok(()),
        false => Err(tonic::Status::invalid_argument(format!(
            "a batch of {total} bytes is more than {BATCH}, this server's limit: use ByteStream"
        ))),
    }
}

#[tonic::async_trait]
impl ContentAddressableStorage for Service {
    async fn find_missing_blobs(
        &self,
        request: Request<FindMissingBlobsRequest>,
    ) -> Reply<FindMissingBlobsResponse> {
        let request = request.into_inner();
        self.0
            .admit(&request.instance_name, request.digest_function)?;
        let mut seen = HashSet::new();
        let mut asked = Vec::new();
        for message in &request.blob_digests {
            let digest = digest(Some(message))?;
            if seen.insert(digest) {
                asked.push(digest);
            }
        }
        let store = self.store();
        let missing = blocking(move || store.missing(&asked)).await?;
        Ok(Response::new(FindMissingBlobsResponse {
            missing_blob_digests: missing.iter().map(names::message).collect(),
        }))
    }

    async fn batch_update_blobs(
        &self,
        request: Request<BatchUpdateBlobsRequest>,
    ) -> Reply<BatchUpdateBlobsResponse> {
        let request = request.into_inner();
        self.0
            .admit(&request.instance_name, request.digest_function)?;
        fits(request.requests.iter().map(|b| b.data.len() as u64).sum())?;
        let shared = self.0.clone();
        let responses = blocking(move || {
            let blobs = request.requests.into_iter();
            blobs.map(|blob| put(&shared, blob)).collect()
        })
        .await?;
        Ok(Response::new(BatchUpdateBlobsResponse { responses }))
    }

    async fn batch_read_blobs(
        &self,
        request: Request<BatchReadBlobsRequest>,
    ) -> Reply<BatchReadBlobsResponse> {
        let request = request.into_inner();
        self.0
            .admit(&request.instance_name, request.digest_function)?;
        let zstd = request.acceptable_compressors.contains(&ZSTD);
        let asked = request.digests.iter().map(|message| digest(Some(message)));
        let asked = asked.collect::<Result<Vec<Digest>, _>>()?;
        fits(asked.iter().fold(0, |sum, d| d.size().saturating_add(sum)))?;
        let store = self.store();
        let responses =
            blocking(move || asked.iter().map(|d| read(&store, d, zstd)).collect()).await?;
        Ok(Response::new(BatchReadBlobsResponse { responses }))
    }

    type GetTreeStream = Pin<Box<dyn Stream<Item = Result<GetTreeResponse, tonic::Status>> + Send>>;

    async fn get_tree(&self, request: Request<GetTreeRequest>) -> Reply<Self::GetTreeStream> {
        let request = request.into_inner();
        self.0
            .admit(&request.instance_name, request.digest_function)?;
        if !request.page_token.is_empty() {
            // One stream is the whole tree, so no token was ever given out.
            return Err(tonic::Status::invalid_argument("an unknown page token"));
        }
        let root = digest(request.root_digest.as_ref())?;
        let walk = Walk {
            store: self.store(),
            queue: VecDeque::from([root]),
            seen: HashSet::from([root]),
            page: usize::try_from(request.page_size)
                .ok()
                .filter(|size| *size > 0),
        };
        let (walk, first) = walk.part().await?;
        if first.directories.is_empty() {
            return Err(tonic::Status::not_found(format!(
                "folder {root} is missing"
            )));
        }
        let rest = stream::try_unfold(walk, |walk| async move {
            match walk.queue.is_empty() {
                true => Ok(None),
                false => walk.part().await.map(|(walk, part)| Some((part, walk))),
            }
        });
        let whole = stream::iter([Ok(first)]).chain(rest);
        Ok(Response::new(whole.boxed()))
    }
}

/// Stores one blob of a batch, after its digest was checked.
fn put(shared: &Shared, blob: BlobToStore) -> StoredBlob {
    let result = digest(blob.digest.as_ref()).and_then(|digest| {
        let data = unpacked(&digest, blob.data, blob.compressor)?;
        let found = Digest::of(&data);
        if found != digest {
            let text = format!("the content is {found}, not {digest}");
            return Err(tonic::Status::invalid_argument(text));
        }
        let stored = shared.store.put_bytes_known(digest, &data);
        stored.map_err(|error| shared.trouble(error))
    });
    StoredBlob {
        digest: blob.digest,
        status: Some(match result {
            Ok(()) => Status::default(),
            Err(error) => status(error.code(), error.message()),
        }),
    }
}

/// The content that was sent. Together the contents of a batch may be larger than a message, and
/// each is as large as its digest says at most.
fn unpacked(digest: &Digest, data: Bytes, compressor: i32) -> Result<Bytes, tonic::Status> {
    match compressor {
        IDENTITY => Ok(data),
        ZSTD if digest.size() <= BATCH => compression::decompress(&data, digest.size())
            .map(Bytes::from)
            .map_err(|error| tonic::Status::invalid_argument(format!("{digest}: {error}"))),
        ZSTD => Err(tonic::Status::invalid_argument(format!(
            "{digest} is larger than {BATCH} bytes: use ByteStream"
        ))),
        other => Err(tonic::Status::invalid_argument(format!(
            "unknown compressor {other}: see this server's capabilities"
        ))),
    }
}

fn read(store: &Store, digest: &Digest, zstd: bool) -> BlobRead {
    let (data, failure) = match store.read(digest) {
        Ok(Some(data)) => (Bytes::from(data), Status::default()),
        // A blob that cannot be read is as good as none.
        _ => (
            Bytes::new(),
            status(Code::NotFound, format!("blob {digest} is missing")),
        ),
    };
    let packed = zstd.then(|| compression::compress(&data)).flatten();
    BlobRead {
        digest: Some(names::message(digest)),
        compressor: if packed.is_some() { ZSTD } else { IDENTITY },
        data: packed.map_or(data, Bytes::from),
        status: Some(failure),
    }
}

/// A tree on its way to a client: each folder once, those nearer to the root first.
struct Walk {
    store: Store,
    queue: VecDeque<Digest>,
    seen: HashSet<Digest>,
    page: Option<usize>,
}

impl Walk {
    /// The next part, and what is left. Folders that are missing are left out (REAPI: `GetTree`).
    async fn part(mut self) -> Result<(Walk, GetTreeResponse), tonic::Status> {
        blocking(move || {
            let mut part = GetTreeResponse::default();
            let mut bytes = 0;
            while bytes < PART && self.page.is_none_or(|page| part.directories.len() < page) {
                let Some(next) = self.queue.pop_front() else {
                    break;
                };
                if next.size() > MAX_MESSAGE {
                    continue;
                }
                let Ok(Some(encoded)) = self.store.read(&next) else {
                    continue;
                };
                let folder = Directory::decode(&encoded[..]).map_err(|_| {
                    tonic::Status::invalid_argument(format!("blob {next} is no folder"))
                })?;
                bytes += encoded.len();
                for below in &folder.directories {
                    let below = digest(below.digest.as_ref())?;
                    if self.seen.insert(below) {
                        self.queue.push_back(below);
                    }
                }
                if self.seen.len() > MAX_FOLDERS {
                    let text = format!("the tree has more than {MAX_FOLDERS} folders");
                    return Err(tonic::Status::resource_exhausted(text));
                }
                part.directories.push(folder);
            }
            Ok((self, part))
        })
        .await?
    }
}
