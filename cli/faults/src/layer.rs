//! The server: what it knows of what it did, and the services that are plain calls.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kiln_proto::action_cache_server::{ActionCache, ActionCacheServer};
use kiln_proto::byte_stream_server::ByteStreamServer;
use kiln_proto::capabilities_server::{Capabilities, CapabilitiesServer};
use kiln_proto::content_addressable_storage_server::ContentAddressableStorageServer;
use kiln_proto::execution_server::ExecutionServer;
use kiln_proto::operations_server::OperationsServer;
use kiln_proto::{
    ActionCacheClient, ActionResult, CapabilitiesClient, Digest, GetActionResultRequest,
    GetCapabilitiesRequest, ServerCapabilities, UpdateActionResultRequest,
};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status};

use crate::{Dice, Faults, Lie, TRIES};

/// More than any message of a test.
pub(crate) const LARGEST: usize = 64 << 20;

/// A server that fails as it is told to, before a real one. It ends with the runtime.
#[derive(Clone)]
pub struct Layer(pub(crate) Arc<State>);

pub(crate) struct State {
    pub(crate) upstream: Channel,
    pub(crate) faults: Faults,
    pub(crate) seen: Mutex<Seen>,
    calls: AtomicU64,
}

/// What happened so far.
#[derive(Default)]
pub(crate) struct Seen {
    /// How often a call failed for a while.
    tries: HashMap<String, u32>,
    /// Blobs that were gone and were sent again.
    restored: HashSet<String>,
    /// Blobs that a client was refused, or got wrong.
    spoilt: HashSet<String>,
    /// The blobs that results name, by action.
    named: HashMap<String, HashSet<String>>,
    /// How often each action was executed.
    executed: HashMap<String, u32>,
    /// Actions that clients wanted to be run whatever is known.
    renewed: HashSet<String>,
    /// What went wrong, counted.
    faults: u64,
    token: u64,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Well,
    /// It fails and has no effect.
    Before(Code),
    /// It fails and has taken effect.
    After(Code),
}

pub(crate) type Reply<T> = Result<Response<T>, Status>;

impl Layer {
    /// Begins to serve before the server at `upstream` (`HOST:PORT`). Returns its own address in
    /// the same form.
    ///
    /// Errors: no port can be had; that is no address.
    pub async fn start(upstream: &str, faults: Faults) -> std::io::Result<(Layer, String)> {
        let endpoint = Endpoint::from_shared(format!("http://{upstream}"));
        let endpoint = endpoint.map_err(std::io::Error::other)?;
        let state = State {
            upstream: endpoint.connect_lazy(),
            seen: Mutex::default(),
            calls: AtomicU64::new(0),
            faults,
        };
        let layer = Layer(Arc::new(state));
        layer.renew_token()?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let storage = ContentAddressableStorageServer::new(layer.clone());
        let serving = tonic::transport::Server::builder()
            .add_service(CapabilitiesServer::new(layer.clone()))
            .add_service(
                storage
                    .max_decoding_message_size(LARGEST)
                    .max_encoding_message_size(LARGEST),
            )
            .add_service(ActionCacheServer::new(layer.clone()))
            .add_service(ByteStreamServer::new(layer.clone()))
            .add_service(ExecutionServer::new(layer.clone()))
            .add_service(OperationsServer::new(layer.clone()))
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(serving);
        Ok((layer, address))
    }

    /// The actions whose results name a blob that was refused or spoilt: these may run again.
    pub fn hurt(&self) -> usize {
        let seen = self.0.seen.lock();
        let spoilt = |blobs: &&HashSet<String>| blobs.iter().any(|hash| seen.spoilt.contains(hash));
        seen.named.values().filter(spoilt).count()
    }

    /// How many calls came.
    pub fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::Relaxed)
    }

    /// How many of them went wrong, in whatever way.
    pub fn faults(&self) -> u64 {
        self.0.seen.lock().faults
    }

    /// How many actions were executed, and how often.
    pub fn executed(&self) -> (usize, u32) {
        let seen = self.0.seen.lock();
        (seen.executed.len(), seen.executed.values().sum())
    }

    /// The dice for one thing.
    pub(crate) fn dice(&self, purpose: &str) -> Dice {
        Dice::new(self.0.faults.seed).of(purpose)
    }

    pub(crate) fn fault(&self) {
        self.0.seen.lock().faults += 1;
    }

    /// What holds for every call; `key` says which content it is about.
    pub(crate) async fn enter(
        &self,
        method: &str,
        key: &str,
        metadata: &MetadataMap,
    ) -> Result<Fate, Status> {
        let number = self.0.calls.fetch_add(1, Ordering::Relaxed) + 1;
        self.check_token(number, metadata)?;
        let faults = &self.0.faults;
        if let Some((share, long)) = faults.stalled
            && let Some(mut dice) = self.once_more(&format!("stall {method} {key}"))
            && dice.percent(share)
        {
            self.fault();
            tokio::time::sleep(long).await;
        }
        if faults.broken == 0 {
            return Ok(Fate::Well);
        }
        let Some(mut dice) = self.once_more(&format!("call {method} {key}")) else {
            return Ok(Fate::Well);
        };
        if !dice.percent(faults.broken) {
            return Ok(Fate::Well);
        }
        self.fault();
        let code = dice.pick(&[
            Code::Unavailable,
            Code::Aborted,
            Code::ResourceExhausted,
            Code::Cancelled,
            Code::Internal,
            Code::Unknown,
        ]);
        Ok(match dice.percent(50) {
            true => Fate::Before(code),
            false => Fate::After(code),
        })
    }

    /// The dice for the next try of something; `None` if it failed often enough.
    pub(crate) fn once_more(&self, what: &str) -> Option<Dice> {
        let mut seen = self.0.seen.lock();
        let tries = seen.tries.entry(what.to_owned()).or_default();
        *tries += 1;
        let number = *tries;
        (number <= TRIES).then(|| self.dice(&format!("{what} {number}")))
    }

    pub(crate) fn is_lost(&self, hash: &str) -> bool {
        let lost = self.0.faults.lost;
        lost > 0 && self.dice(&format!("lost {hash}")).percent(lost) && {
            let mut seen = self.0.seen.lock();
            let gone = !seen.restored.contains(hash);
            if gone && seen.spoilt.insert(hash.to_owned()) {
                seen.faults += 1;
            }
            gone
        }
    }

    /// Somebody sent it.
    pub(crate) fn restore(&self, hash: &str) {
        self.0.seen.lock().restored.insert(hash.to_owned());
    }

    /// The content as a client gets it.
    pub(crate) fn spoil(&self, hash: &str, content: bytes::Bytes) -> bytes::Bytes {
        let mut dice = self.dice(&format!("flip {hash}"));
        if !dice.percent(self.0.faults.flipped) || content.is_empty() {
            return content;
        }
        let mut seen = self.0.seen.lock();
        // What was sent anew is sound.
        if seen.restored.contains(hash) {
            return content;
        }
        seen.spoilt.insert(hash.to_owned());
        seen.faults += 1;
        let mut content = content.to_vec();
        let at = dice.below(content.len() as u64) as usize;
        content[at] ^= 1 << dice.below(8);
        content.into()
    }

    fn check_token(&self, number: u64, metadata: &MetadataMap) -> Result<(), Status> {
        let Some(expiry) = &self.0.faults.token else {
            return Ok(());
        };
        if number.is_multiple_of(expiry.after.max(1)) {
            self.0.seen.lock().token += 1;
            self.renew_token()?;
        }
        let wanted = format!("Bearer token-{}", self.0.seen.lock().token);
        let given = metadata.get("authorization").and_then(|v| v.to_str().ok());
        if given == Some(&wanted) {
            return Ok(());
        }
        self.fault();
        Err(Status::unauthenticated("the token has expired"))
    }

    fn renew_token(&self) -> std::io::Result<()> {
        match &self.0.faults.token {
            Some(expiry) => {
                let token = format!("token-{}\n", self.0.seen.lock().token);
                let aside = expiry.file.with_extension("new");
                std::fs::write(&aside, token)?;
                std::fs::rename(aside, &expiry.file)
            }
            None => Ok(()),
        }
    }

    /// A message that is larger than what is really taken.
    pub(crate) fn fits(&self, bytes: usize) -> Result<(), Status> {
        match self.0.faults.enforced {
            Some(limit) if bytes as u64 > limit => {
                self.fault();
                let text = format!("Received message larger than max ({bytes} vs. {limit})");
                Err(Status::resource_exhausted(text))
            }
            _ => Ok(()),
        }
    }

    /// A result that is given out names these.
    pub(crate) fn name(&self, action: &str, blobs: impl IntoIterator<Item = String>) {
        let mut seen = self.0.seen.lock();
        seen.named
            .entry(action.to_owned())
            .or_default()
            .extend(blobs);
    }

    pub(crate) fn renew(&self, action: &str) {
        self.0.seen.lock().renewed.insert(action.to_owned());
    }

    pub(crate) fn is_renewed(&self, action: &str) -> bool {
        self.0.seen.lock().renewed.contains(action)
    }

    pub(crate) fn execute_again(&self, action: &str) {
        let mut seen = self.0.seen.lock();
        *seen.executed.entry(action.to_owned()).or_default() += 1;
    }
}

/// The hash of a digest that may be lacking.
pub(crate) fn hash(digest: Option<&Digest>) -> String {
    digest.map(|digest| digest.hash.clone()).unwrap_or_default()
}

pub(crate) fn refused(code: Code) -> Status {
    Status::new(code, "told to fail")
}

#[tonic::async_trait]
impl Capabilities for Layer {
    async fn get_capabilities(
        &self,
        request: Request<GetCapabilitiesRequest>,
    ) -> Reply<ServerCapabilities> {
        let fate = self
            .enter("GetCapabilities", "", request.metadata())
            .await?;
        if let Fate::Before(code) | Fate::After(code) = fate {
            return Err(refused(code));
        }
        let mut client = CapabilitiesClient::new(self.0.upstream.clone());
        let answer = client.get_capabilities(request.into_inner()).await?;
        let mut answer = answer.into_inner();
        if let Some(batch) = self.0.faults.batch
            && let Some(cache) = &mut answer.cache_capabilities
        {
            cache.max_batch_total_size_bytes = batch;
        }
        match self.0.faults.lie {
            Some(Lie::NoCache) => answer.cache_capabilities = None,
            Some(Lie::Unknown) => return Err(Status::unimplemented("no such call")),
            Some(lie) => {
                let cache = answer.cache_capabilities.get_or_insert_default();
                match lie {
                    Lie::OtherDigest => cache.digest_functions = vec![2, 9],
                    Lie::NoUpdates => cache.action_cache_update_capabilities = None,
                    Lie::SmallBlobs => cache.max_cas_blob_size_bytes = 10,
                    _ => {}
                }
            }
            None => {}
        }
        Ok(Response::new(answer))
    }
}

#[tonic::async_trait]
impl ActionCache for Layer {
    async fn get_action_result(
        &self,
        request: Request<GetActionResultRequest>,
    ) -> Reply<ActionResult> {
        let action = hash(request.get_ref().action_digest.as_ref());
        let fate = self
            .enter("GetActionResult", &action, request.metadata())
            .await?;
        if let Fate::Before(code) | Fate::After(code) = fate {
            return Err(refused(code));
        }
        if self.0.faults.forgetful {
            return Err(Status::not_found("no result"));
        }
        let mut client = ActionCacheClient::new(self.0.upstream.clone());
        let answer = client.get_action_result(request.into_inner()).await?;
        let blobs = self.blobs(answer.get_ref()).await?;
        self.name(&action, blobs);
        Ok(answer)
    }

    async fn update_action_result(
        &self,
        request: Request<UpdateActionResultRequest>,
    ) -> Reply<ActionResult> {
        let action = hash(request.get_ref().action_digest.as_ref());
        let fate = self
            .enter("UpdateActionResult", &action, request.metadata())
            .await?;
        if let Fate::Before(code) = fate {
            return Err(refused(code));
        }
        if self.0.faults.lie == Some(Lie::NoUpdates) {
            self.fault();
            return Err(Status::permission_denied("results are not taken"));
        }
        let mut client = ActionCacheClient::new(self.0.upstream.clone());
        let answer = client.update_action_result(request.into_inner()).await?;
        match fate {
            Fate::After(code) => Err(refused(code)),
            _ => Ok(answer),
        }
    }
}
