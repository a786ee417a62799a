//! The store: small blobs.

use std::pin::Pin;

use futures::Stream;
use kiln_proto::content_addressable_storage_server::ContentAddressableStorage;
use kiln_proto::{
    ActionResult, BatchReadBlobsRequest, BatchReadBlobsResponse, BatchUpdateBlobsRequest,
    BatchUpdateBlobsResponse, BlobRead, ContentAddressableStorageClient, Digest, Directory,
    FindMissingBlobsRequest, FindMissingBlobsResponse, GetTreeRequest, GetTreeResponse, Message,
    SHA256, Tree,
};
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};

use crate::Layer;
use crate::layer::{Fate, LARGEST, Reply, hash, refused};

impl Layer {
    fn storage(&self) -> ContentAddressableStorageClient<Channel> {
        ContentAddressableStorageClient::new(self.0.upstream.clone())
            .max_decoding_message_size(LARGEST)
            .max_encoding_message_size(LARGEST)
    }

    /// A blob as it really is; `None` if it is not there.
    pub(crate) async fn content(&self, digest: &Digest) -> Result<Option<bytes::Bytes>, Status> {
        let request = BatchReadBlobsRequest {
            digests: vec![digest.clone()],
            digest_function: SHA256,
            ..BatchReadBlobsRequest::default()
        };
        let answer = self.storage().batch_read_blobs(request).await?;
        let read = answer.into_inner().responses.into_iter().next();
        let well = |read: &BlobRead| read.status.as_ref().is_none_or(|s| s.code == 0);
        Ok(read.filter(well).map(|read| read.data))
    }

    /// All blobs that a result names, within its trees as well.
    pub(crate) async fn blobs(&self, result: &ActionResult) -> Result<Vec<String>, Status> {
        let files = result.output_files.iter().map(|file| &file.digest);
        let printed = [&result.stdout_digest, &result.stderr_digest];
        let digests = files.chain(printed).flatten();
        let mut blobs: Vec<String> = digests.map(|digest| digest.hash.clone()).collect();
        for folder in &result.output_directories {
            let Some(digest) = &folder.tree_digest else {
                continue;
            };
            blobs.push(digest.hash.clone());
            let content = self.content(digest).await?.unwrap_or_default();
            let tree = Tree::decode(content).unwrap_or_default();
            for directory in tree.children.iter().chain(&tree.root) {
                blobs.extend(files_of(directory));
            }
        }
        Ok(blobs)
    }

    /// All folders and files below one.
    pub(crate) async fn closure(&self, root: &Digest) -> Result<Vec<Digest>, Status> {
        let (mut pending, mut all) = (vec![root.clone()], Vec::new());
        while let Some(digest) = pending.pop() {
            let content = self.content(&digest).await?.unwrap_or_default();
            let directory = Directory::decode(content).unwrap_or_default();
            let files = directory
                .files
                .iter()
                .filter_map(|file| file.digest.clone());
            all.extend(files);
            let below = directory.directories.iter();
            pending.extend(below.filter_map(|node| node.digest.clone()));
            all.push(digest);
        }
        Ok(all)
    }
}

fn files_of(directory: &Directory) -> impl Iterator<Item = String> {
    let files = directory.files.iter();
    files.filter_map(|file| file.digest.as_ref().map(|digest| digest.hash.clone()))
}

#[tonic::async_trait]
impl ContentAddressableStorage for Layer {
    async fn find_missing_blobs(
        &self,
        request: Request<FindMissingBlobsRequest>,
    ) -> Reply<FindMissingBlobsResponse> {
        let asked = request.get_ref().blob_digests.clone();
        let key = hash(asked.first());
        let fate = self
            .enter("FindMissingBlobs", &key, request.metadata())
            .await?;
        if let Fate::Before(code) | Fate::After(code) = fate {
            return Err(refused(code));
        }
        let mut storage = self.storage();
        let answer = storage.find_missing_blobs(request.into_inner()).await?;
        let mut missing = answer.into_inner().missing_blob_digests;
        let gone = asked
            .into_iter()
            .filter(|digest| self.is_lost(&digest.hash));
        for digest in gone {
            if !missing.contains(&digest) {
                missing.push(digest);
            }
        }
        Ok(Response::new(FindMissingBlobsResponse {
            missing_blob_digests: missing,
        }))
    }

    async fn batch_update_blobs(
        &self,
        request: Request<BatchUpdateBlobsRequest>,
    ) -> Reply<BatchUpdateBlobsResponse> {
        let first = request.get_ref().requests.first();
        let key = hash(first.and_then(|blob| blob.digest.as_ref()));
        let fate = self
            .enter("BatchUpdateBlobs", &key, request.metadata())
            .await?;
        if let Fate::Before(code) = fate {
            return Err(refused(code));
        }
        self.fits(request.get_ref().encoded_len())?;
        let mut storage = self.storage();
        let answer = storage.batch_update_blobs(request.into_inner()).await?;
        for stored in &answer.get_ref().responses {
            if stored.status.as_ref().is_none_or(|s| s.code == 0) {
                self.restore(&hash(stored.digest.as_ref()));
            }
        }
        match fate {
            Fate::After(code) => Err(refused(code)),
            _ => Ok(answer),
        }
    }

    async fn batch_read_blobs(
        &self,
        request: Request<BatchReadBlobsRequest>,
    ) -> Reply<BatchReadBlobsResponse> {
        let key = hash(request.get_ref().digests.first());
        let fate = self
            .enter("BatchReadBlobs", &key, request.metadata())
            .await?;
        if let Fate::Before(code) | Fate::After(code) = fate {
            return Err(refused(code));
        }
        let mut storage = self.storage();
        let answer = storage.batch_read_blobs(request.into_inner()).await?;
        let mut answer = answer.into_inner();
        self.fits(answer.encoded_len())?;
        for read in &mut answer.responses {
            let hash = hash(read.digest.as_ref());
            if self.is_lost(&hash) {
                read.data = bytes::Bytes::new();
                read.status = Some(kiln_proto::Status {
                    code: Code::NotFound as i32,
                    message: "lost".to_owned(),
                    details: Vec::new(),
                });
            } else {
                read.data = self.spoil(&hash, std::mem::take(&mut read.data));
            }
        }
        Ok(Response::new(answer))
    }

    type GetTreeStream = Pin<Box<dyn Stream<Item = Result<GetTreeResponse, Status>> + Send>>;

    async fn get_tree(&self, request: Request<GetTreeRequest>) -> Reply<Self::GetTreeStream> {
        let answer = self.storage().get_tree(request.into_inner()).await?;
        Ok(Response::new(Box::pin(answer.into_inner())))
    }
}
