//! A server in memory that fails as it is told to.

mod workers;

pub use workers::{Cut, Lost};

use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use kiln_base::Digest;
use kiln_exec_remote::Address;
use kiln_proto::action_cache_server::{ActionCache, ActionCacheServer};
use kiln_proto::byte_stream_server::{ByteStream, ByteStreamServer};
use kiln_proto::capabilities_server::{Capabilities, CapabilitiesServer};
use kiln_proto::content_addressable_storage_server::{
    ContentAddressableStorage, ContentAddressableStorageServer,
};
use kiln_proto::execution_server::ExecutionServer;
use kiln_proto::operations_server::OperationsServer;
use kiln_proto::*;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tonic::transport::ServerTlsConfig;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request, Response, Streaming};

/// What goes wrong.
#[derive(Clone, Default)]
pub struct Faults {
    /// So many calls fail with `UNAVAILABLE` first.
    pub unavailable: u32,
    /// How long `GetActionResult` takes.
    pub lookup: Duration,
    /// Reads of blobs flip a byte.
    pub corrupt: bool,
    /// So many streams break after half of what they would have sent.
    pub broken_streams: u32,
    /// Streams that are read never end.
    pub endless: bool,
    /// `QueryWriteStatus` says so many bytes are there; without it the call is unknown.
    pub write_status: Option<i64>,
    /// Where streams of executions break, one after the other.
    pub cuts: Vec<Cut>,
    /// Operations are forgotten when their stream breaks.
    pub forgetful: bool,
    /// The first execution finds that the blob of that content is gone, and says so.
    pub lost: Option<(&'static str, Lost)>,
    /// Executions never end.
    pub hanging: bool,
    /// The exit code of whatever is executed.
    pub exit_code: i32,
    /// Whatever is executed is said to be known, or to have run too long.
    pub cached: bool,
    pub timed_out: bool,
    /// So many executions lose what they made.
    pub lost_outputs: u32,
    /// `Execute` is unknown.
    pub no_workers: bool,
    /// `Execute` gives no answer.
    pub silent: bool,
    /// Streams of executions say a word and break, all of them.
    pub flapping: bool,
    /// What an execution says it made.
    pub claim: Option<ActionResult>,
    /// The limit of a batch, as it is said and as it is.
    pub batches: Option<(i64, usize)>,
}

#[derive(Default)]
pub struct State {
    pub blobs: Mutex<HashMap<String, Bytes>>,
    pub results: Mutex<HashMap<String, ActionResult>>,
    pub faults: Mutex<Faults>,
    /// What `GetCapabilities` wants as `authorization`; empty: nothing.
    pub wanted: Mutex<String>,
    /// Calls by name.
    pub calls: Mutex<BTreeMap<&'static str, u32>>,
    /// How many digests each question for missing blobs had.
    pub asked: Mutex<Vec<usize>>,
    /// Offsets at which reads and writes began.
    pub offsets: Mutex<Vec<i64>>,
    /// Names of operations that were cancelled.
    pub cancelled: Mutex<Vec<String>>,
}

/// The server; it ends with the runtime.
#[derive(Clone)]
pub struct Server(pub Arc<State>);

impl Server {
    pub async fn start() -> (Server, Address) {
        Server::start_with(None).await
    }

    /// With TLS, if it is given.
    pub async fn start_with(tls: Option<ServerTlsConfig>) -> (Server, Address) {
        let server = Server(Arc::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "grpcs" } else { "grpc" };
        let address = format!("{scheme}://{}", listener.local_addr().unwrap());
        let builder = tonic::transport::Server::builder();
        let mut builder = match tls {
            Some(tls) => builder.tls_config(tls).unwrap(),
            None => builder,
        };
        let serving = builder
            .add_service(CapabilitiesServer::new(server.clone()))
            .add_service(ContentAddressableStorageServer::new(server.clone()))
            .add_service(ActionCacheServer::new(server.clone()))
            .add_service(ByteStreamServer::new(server.clone()))
            .add_service(ExecutionServer::new(server.clone()))
            .add_service(OperationsServer::new(server.clone()))
            .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)));
        tokio::spawn(serving);
        (server, Address::parse(&address).unwrap())
    }

    pub fn put(&self, content: impl Into<Bytes>) -> kiln_proto::Digest {
        let content = content.into();
        let digest = Digest::of(&content);
        self.0.blobs.lock().insert(digest.hex(), content);
        kiln_proto::Digest {
            hash: digest.hex(),
            size_bytes: digest.size() as i64,
        }
    }

    /// A message that is larger than what is taken.
    fn fits(&self, bytes: usize) -> Result<(), tonic::Status> {
        match self.0.faults.lock().batches {
            Some((_, limit)) if bytes > limit => {
                let text = format!("Received message larger than max ({bytes} vs. {limit})");
                Err(tonic::Status::resource_exhausted(text))
            }
            _ => Ok(()),
        }
    }

    pub fn calls(&self, name: &str) -> u32 {
        self.0.calls.lock().get(name).copied().unwrap_or(0)
    }

    fn called(&self, name: &'static str) -> Result<(), tonic::Status> {
        *self.0.calls.lock().entry(name).or_default() += 1;
        let mut faults = self.0.faults.lock();
        if faults.unavailable > 0 {
            faults.unavailable -= 1;
            return Err(tonic::Status::unavailable("told to"));
        }
        Ok(())
    }

    fn read_blob(&self, hash: &str) -> Option<Bytes> {
        let content = self.0.blobs.lock().get(hash).cloned()?;
        if !self.0.faults.lock().corrupt {
            return Some(content);
        }
        let mut content = content.to_vec();
        if let Some(first) = content.first_mut() {
            *first ^= 1;
        }
        Some(content.into())
    }
}

type Reply<T> = Result<Response<T>, tonic::Status>;

#[tonic::async_trait]
impl Capabilities for Server {
    async fn get_capabilities(
        &self,
        request: Request<GetCapabilitiesRequest>,
    ) -> Reply<ServerCapabilities> {
        self.called("GetCapabilities")?;
        let wanted = self.0.wanted.lock().clone();
        let got = request.metadata().get("authorization");
        if !wanted.is_empty() && got.is_none_or(|got| got != wanted.as_str()) {
            return Err(tonic::Status::unauthenticated("who are you?"));
        }
        Ok(Response::new(ServerCapabilities {
            cache_capabilities: Some(CacheCapabilities {
                digest_functions: vec![SHA256],
                action_cache_update_capabilities: Some(ActionCacheUpdateCapabilities {
                    update_enabled: true,
                }),
                max_batch_total_size_bytes: match self.0.faults.lock().batches {
                    Some((said, _)) => said,
                    None => 64 << 10,
                },
                ..CacheCapabilities::default()
            }),
            execution_capabilities: Some(ExecutionCapabilities {
                digest_function: SHA256,
                exec_enabled: true,
                digest_functions: vec![SHA256],
            }),
            ..ServerCapabilities::default()
        }))
    }
}

#[tonic::async_trait]
impl ContentAddressableStorage for Server {
    async fn find_missing_blobs(
        &self,
        request: Request<FindMissingBlobsRequest>,
    ) -> Reply<FindMissingBlobsResponse> {
        self.called("FindMissingBlobs")?;
        let blobs = self.0.blobs.lock();
        let asked = request.into_inner().blob_digests;
        self.0.asked.lock().push(asked.len());
        let asked = asked.into_iter();
        let missing = asked.filter(|digest| !blobs.contains_key(&digest.hash));
        Ok(Response::new(FindMissingBlobsResponse {
            missing_blob_digests: missing.collect(),
        }))
    }

    async fn batch_update_blobs(
        &self,
        request: Request<BatchUpdateBlobsRequest>,
    ) -> Reply<BatchUpdateBlobsResponse> {
        self.called("BatchUpdateBlobs")?;
        self.fits(request.get_ref().encoded_len())?;
        let mut responses = Vec::new();
        for blob in request.into_inner().requests {
            let digest = self.put(blob.data);
            assert_eq!(Some(&digest), blob.digest.as_ref());
            responses.push(StoredBlob {
                digest: Some(digest),
                status: None,
            });
        }
        Ok(Response::new(BatchUpdateBlobsResponse { responses }))
    }

    async fn batch_read_blobs(
        &self,
        request: Request<BatchReadBlobsRequest>,
    ) -> Reply<BatchReadBlobsResponse> {
        self.called("BatchReadBlobs")?;
        let asked = request.into_inner().digests.into_iter();
        let responses = asked.map(|digest| {
            let data = self.read_blob(&digest.hash);
            let status = data.is_none().then(|| Status {
                code: Code::NotFound as i32,
                message: "lost".to_owned(),
                details: Vec::new(),
            });
            BlobRead {
                digest: Some(digest),
                data: data.unwrap_or_default(),
                status,
                compressor: IDENTITY,
            }
        });
        let answer = BatchReadBlobsResponse {
            responses: responses.collect(),
        };
        self.fits(answer.encoded_len())?;
        Ok(Response::new(answer))
    }

    type GetTreeStream = Pin<Box<dyn Stream<Item = Result<GetTreeResponse, tonic::Status>> + Send>>;

    async fn get_tree(&self, _: Request<GetTreeRequest>) -> Reply<Self::GetTreeStream> {
        Err(tonic::Status::unimplemented("nobody asks for it"))
    }
}

#[tonic::async_trait]
impl ActionCache for Server {
    async fn get_action_result(
        &self,
        request: Request<GetActionResultRequest>,
    ) -> Reply<ActionResult> {
        self.called("GetActionResult")?;
        let wait = self.0.faults.lock().lookup;
        tokio::time::sleep(wait).await;
        let action = request.into_inner().action_digest.unwrap_or_default();
        let found = self.0.results.lock().get(&action.hash).cloned();
        let found = found.ok_or_else(|| tonic::Status::not_found("no result"))?;
        Ok(Response::new(found))
    }

    async fn update_action_result(
        &self,
        request: Request<UpdateActionResultRequest>,
    ) -> Reply<ActionResult> {
        self.called("UpdateActionResult")?;
        let request = request.into_inner();
        let (action, result) = (
            request.action_digest.unwrap(),
            request.action_result.unwrap(),
        );
        // R19: what a result names is there before it.
        let blobs = self.0.blobs.lock();
        for file in &result.output_files {
            assert!(blobs.contains_key(&file.digest.as_ref().unwrap().hash));
        }
        assert!(blobs.contains_key(&action.hash), "the action itself");
        self.0.results.lock().insert(action.hash, result.clone());
        Ok(Response::new(result))
    }
}

#[tonic::async_trait]
impl ByteStream for Server {
    type ReadStream = Pin<Box<dyn Stream<Item = Result<ReadResponse, tonic::Status>> + Send>>;

    async fn read(&self, request: Request<ReadRequest>) -> Reply<Self::ReadStream> {
        self.called("Read")?;
        let request = request.into_inner();
        self.0.offsets.lock().push(request.read_offset);
        let hash = request.resource_name.split('/').nth(1).unwrap();
        let content = self
            .read_blob(hash)
            .ok_or_else(|| tonic::Status::not_found("lost"))?;
        let rest = content.slice(request.read_offset as usize..);
        let mut faults = self.0.faults.lock();
        let part = |data: Bytes| Ok(ReadResponse { data });
        if faults.endless {
            let zeros = Bytes::from(vec![0; 1 << 20]);
            return Ok(Response::new(
                stream::repeat_with(move || part(zeros.clone())).boxed(),
            ));
        }
        if faults.broken_streams > 0 {
            faults.broken_streams -= 1;
            let parts = vec![
                part(rest.slice(..rest.len() / 2)),
                Err(tonic::Status::unavailable("reset")),
            ];
            return Ok(Response::new(stream::iter(parts).boxed()));
        }
        let parts: Vec<_> = rest
            .chunks(1 << 20)
            .map(|data| part(rest.slice_ref(data)))
            .collect();
        Ok(Response::new(stream::iter(parts).boxed()))
    }

    async fn write(&self, request: Request<Streaming<WriteRequest>>) -> Reply<WriteResponse> {
        self.called("Write")?;
        let mut parts = request.into_inner();
        let (mut content, mut first) = (Vec::new(), None);
        while let Some(part) = parts.message().await? {
            if first.is_none() {
                first = Some(part.write_offset);
                self.0.offsets.lock().push(part.write_offset);
            }
            let mut faults = self.0.faults.lock();
            if faults.broken_streams > 0 {
                faults.broken_streams -= 1;
                return Err(tonic::Status::unavailable("reset"));
            }
            content.extend_from_slice(&part.data);
        }
        if first == Some(0) {
            self.put(content);
        }
        let committed_size = -1;
        Ok(Response::new(WriteResponse { committed_size }))
    }

    async fn query_write_status(
        &self,
        _: Request<QueryWriteStatusRequest>,
    ) -> Reply<QueryWriteStatusResponse> {
        self.called("QueryWriteStatus")?;
        match self.0.faults.lock().write_status {
            Some(committed_size) => Ok(Response::new(QueryWriteStatusResponse {
                committed_size,
                complete: false,
            })),
            None => Err(tonic::Status::unimplemented("as many servers")),
        }
    }
}
