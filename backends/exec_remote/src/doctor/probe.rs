//! Calls as the doctor makes them: each once, each counted, with no further tries and no memory of
//! what the server has.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::{StreamExt, stream};
use kiln_base::Digest;
use kiln_proto::{
    ActionCacheClient, ActionResult, BatchReadBlobsRequest, BatchUpdateBlobsRequest, BlobToStore,
    ByteStreamClient, ContentAddressableStorageClient as Storage, Directory,
    FindMissingBlobsRequest, GetActionResultRequest, GetTreeRequest, QueryWriteStatusRequest,
    QueryWriteStatusResponse, ReadRequest, SHA256, UpdateActionResultRequest, WriteRequest,
};
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};

use crate::call::random;
use crate::cas::{message, parse};
use crate::client::{MAX_ANSWER, uuid};
use crate::{About, CallError, Client};

/// Bytes of one part of a stream.
const CHUNK: usize = 512 << 10;

/// A content with its name.
pub(super) type Blob = (Digest, Bytes);

/// A server, and the salt that keeps what is written to it apart from everything else.
pub(super) struct Probe {
    pub(super) client: Client,
    salt: u64,
    calls: AtomicU64,
}

impl Probe {
    pub(super) fn new(client: Client) -> Probe {
        Probe {
            client,
            salt: random(),
            calls: AtomicU64::new(0),
        }
    }

    /// Calls so far.
    pub(super) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// A text that no other run has.
    pub(super) fn salted(&self, what: &str) -> String {
        format!("kiln remote doctor {:016x}: {what}", self.salt)
    }

    /// A small content that no other run has.
    pub(super) fn blob(&self, what: &str) -> Blob {
        let data = Bytes::from(self.salted(what));
        (Digest::of(&data), data)
    }

    /// A content of that many bytes that no other run has and that cannot be compressed.
    pub(super) fn noise(&self, what: &str, size: usize) -> Blob {
        let seed = Digest::of(self.salted(what).as_bytes()).hex();
        let mut state = u64::from_str_radix(&seed[..16], 16).unwrap_or(1) | 1;
        let mut data = Vec::with_capacity(size + 8);
        while data.len() < size {
            // xorshift64: noise enough.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            data.extend_from_slice(&state.to_le_bytes());
        }
        data.truncate(size);
        let data = Bytes::from(data);
        (Digest::of(&data), data)
    }

    pub(super) fn channel(&self) -> Channel {
        self.client.0.channel.clone()
    }

    pub(super) fn instance(&self) -> String {
        self.client.instance()
    }

    /// A request with credentials, counted.
    pub(super) async fn request<M>(&self, message: M) -> Result<Request<M>, CallError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let about = About {
            mnemonic: "RemoteDoctor".to_owned(),
            ..About::default()
        };
        self.client.request(&about, message).await
    }

    /// Waits for an answer, as long as calls may take.
    pub(super) async fn within<T>(
        &self,
        name: &'static str,
        answer: impl Future<Output = Result<T, Status>>,
    ) -> Result<T, CallError> {
        match tokio::time::timeout(self.client.0.config.timeout, answer).await {
            Ok(answer) => answer.map_err(|status| CallError::of(name, &status)),
            Err(_) => Err(self.client.too_long(name)),
        }
    }

    async fn unary<M, T, F>(
        &self,
        name: &'static str,
        message: M,
        send: impl FnOnce(Channel, Request<M>) -> F,
    ) -> Result<T, CallError>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let request = self.request(message).await?;
        let answer = self.within(name, send(self.channel(), request)).await?;
        Ok(answer.into_inner())
    }

    pub(super) async fn missing(&self, digests: &[Digest]) -> Result<Vec<Digest>, CallError> {
        let request = FindMissingBlobsRequest {
            instance_name: self.instance(),
            blob_digests: digests.iter().map(message).collect(),
            digest_function: SHA256,
        };
        let send = |channel, request| async {
            let mut storage = Storage::new(channel);
            storage.find_missing_blobs(request).await
        };
        let answer = self.unary("FindMissingBlobs", request, send).await?;
        let digests = answer.missing_blob_digests.iter();
        Ok(digests.filter_map(|digest| parse(Some(digest))).collect())
    }

    /// Stores contents under these names, right or wrong; an error if one was not stored.
    pub(super) async fn update(&self, blobs: &[Blob]) -> Result<(), CallError> {
        const NAME: &str = "BatchUpdateBlobs";
        let requests = blobs.iter().map(|(digest, data)| BlobToStore {
            digest: Some(message(digest)),
            data: data.clone(),
            compressor: kiln_proto::IDENTITY,
        });
        let request = BatchUpdateBlobsRequest {
            instance_name: self.instance(),
            requests: requests.collect(),
            digest_function: SHA256,
        };
        let send = |channel, request| async {
            let mut storage = Storage::new(channel);
            storage.batch_update_blobs(request).await
        };
        let answer = self.unary(NAME, request, send).await?;
        for response in answer.responses {
            let status = response.status.unwrap_or_default();
            if status.code != 0 {
                let code = Code::from_i32(status.code);
                return Err(CallError::new(NAME, code, status.message));
            }
        }
        Ok(())
    }

    pub(super) async fn read(&self, digest: &Digest) -> Result<Bytes, CallError> {
        const NAME: &str = "BatchReadBlobs";
        let request = BatchReadBlobsRequest {
            instance_name: self.instance(),
            digests: vec![message(digest)],
            acceptable_compressors: vec![kiln_proto::IDENTITY],
            digest_function: SHA256,
        };
        let send = |channel, request| async {
            let mut storage = Storage::new(channel).max_decoding_message_size(MAX_ANSWER);
            storage.batch_read_blobs(request).await
        };
        let answer = self.unary(NAME, request, send).await?;
        let Some(blob) = answer.responses.into_iter().next() else {
            return Err(CallError::new(NAME, Code::DataLoss, "an empty answer"));
        };
        match blob.status.unwrap_or_default() {
            status if status.code == 0 => Ok(blob.data),
            status => Err(CallError::new(
                NAME,
                Code::from_i32(status.code),
                status.message,
            )),
        }
    }

    /// The folders of a tree.
    pub(super) async fn tree(&self, root: &Digest) -> Result<Vec<Directory>, CallError> {
        const NAME: &str = "GetTree";
        let request = GetTreeRequest {
            instance_name: self.instance(),
            root_digest: Some(message(root)),
            page_size: 0,
            page_token: String::new(),
            digest_function: SHA256,
        };
        let request = self.request(request).await?;
        let mut storage = Storage::new(self.channel());
        let answer = self.within(NAME, storage.get_tree(request)).await?;
        let (mut stream, mut folders) = (answer.into_inner(), Vec::new());
        while let Some(page) = self.within(NAME, stream.message()).await? {
            folders.extend(page.directories);
        }
        Ok(folders)
    }

    /// What a stream gives, from some byte on.
    pub(super) async fn stream(&self, digest: &Digest, from: usize) -> Result<Vec<u8>, CallError> {
        const NAME: &str = "ByteStream.Read";
        let request = ReadRequest {
            resource_name: self.named(&format!("blobs/{}/{}", digest.hex(), digest.size())),
            read_offset: i64::try_from(from).unwrap_or(i64::MAX),
            read_limit: 0,
        };
        let request = self.request(request).await?;
        let mut client =
            ByteStreamClient::new(self.channel()).max_decoding_message_size(MAX_ANSWER);
        let answer = self.within(NAME, client.read(request)).await?;
        let (mut stream, mut data) = (answer.into_inner(), Vec::new());
        while let Some(part) = self.within(NAME, stream.message()).await? {
            data.extend_from_slice(&part.data);
            if data.len() as u64 > digest.size() {
                return Err(CallError::new(NAME, Code::DataLoss, "more bytes than that"));
            }
        }
        Ok(data)
    }

    fn named(&self, rest: &str) -> String {
        match self.instance().as_str() {
            "" => rest.to_owned(),
            instance => format!("{instance}/{rest}"),
        }
    }

    /// A name for an upload.
    pub(super) fn upload(&self, digest: &Digest) -> String {
        let (hex, size) = (digest.hex(), digest.size());
        self.named(&format!("uploads/{}/blobs/{hex}/{size}", uuid()))
    }

    /// Sends a part of a content by a stream; the number of bytes that the server has then.
    pub(super) async fn send(
        &self,
        name: &str,
        data: &Bytes,
        part: std::ops::Range<usize>,
    ) -> Result<i64, CallError> {
        let (name, whole, end) = (name.to_owned(), data.clone(), part.end);
        let starts = part.step_by(CHUNK);
        let parts = stream::iter(starts).map(move |from| {
            let to = (from + CHUNK).min(end);
            WriteRequest {
                resource_name: name.clone(),
                write_offset: i64::try_from(from).unwrap_or(i64::MAX),
                finish_write: to == whole.len(),
                data: whole.slice(from..to),
            }
        });
        let request = self.request(parts).await?;
        let mut client = ByteStreamClient::new(self.channel());
        let answer = self.within("ByteStream.Write", client.write(request));
        Ok(answer.await?.into_inner().committed_size)
    }

    pub(super) async fn how_far(&self, name: &str) -> Result<QueryWriteStatusResponse, CallError> {
        let request = QueryWriteStatusRequest {
            resource_name: name.to_owned(),
        };
        let send = |channel, request| async {
            let mut client = ByteStreamClient::new(channel);
            client.query_write_status(request).await
        };
        self.unary("QueryWriteStatus", request, send).await
    }

    pub(super) async fn look_up(&self, action: &Digest) -> Result<ActionResult, CallError> {
        let request = GetActionResultRequest {
            instance_name: self.instance(),
            action_digest: Some(message(action)),
            inline_stdout: true,
            inline_stderr: true,
            inline_output_files: Vec::new(),
            digest_function: SHA256,
        };
        let send = |channel, request| async {
            let mut client = ActionCacheClient::new(channel).max_decoding_message_size(MAX_ANSWER);
            client.get_action_result(request).await
        };
        self.unary("GetActionResult", request, send).await
    }

    pub(super) async fn tell(
        &self,
        action: &Digest,
        result: &ActionResult,
    ) -> Result<(), CallError> {
        let request = UpdateActionResultRequest {
            instance_name: self.instance(),
            action_digest: Some(message(action)),
            action_result: Some(result.clone()),
            digest_function: SHA256,
        };
        let send = |channel, request| async {
            let mut client = ActionCacheClient::new(channel);
            client.update_action_result(request).await
        };
        self.unary("UpdateActionResult", request, send).await?;
        Ok(())
    }
}
