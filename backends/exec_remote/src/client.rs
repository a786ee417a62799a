//! One server: calls with time limits, further tries and credentials; what it can do.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kiln_base::Digest;
use kiln_diag::Diag;
use kiln_process::Description;
use kiln_proto::{
    CacheCapabilities, CapabilitiesClient, GetCapabilitiesRequest, Message, RequestMetadata,
    SHA256, ServerCapabilities, ToolDetails, ZSTD,
};
use parking_lot::Mutex;
use tokio::sync::{OnceCell, Semaphore};
use tonic::metadata::{BinaryMetadataValue, MetadataMap};
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};

use crate::auth::Auth;
use crate::call::{backoff, random};
use crate::channel::channel;
use crate::health::Health;
use crate::pending::Queue;
use crate::presence::{Presence, Questions};
use crate::report::Tally;
use crate::{CallError, Down, RemoteConfig};

/// gRPC's own limit of a message, which servers have even if they do not say so.
const MESSAGE: u64 = 4 << 20;
/// What a message holds besides blobs.
const MARGIN: u64 = 64 << 10;
/// As much of an answer is read into memory.
pub(crate) const MAX_ANSWER: usize = 16 << 20;
/// So many transfers of contents at a time: they bound the memory.
const TRANSFERS: usize = 16;
/// So often credentials are asked for anew in one call.
const REFRESHES: u32 = 3;
const METADATA: &str = "build.bazel.remote.execution.v2.requestmetadata-bin";

/// What a server can do (R1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Encoded bytes of one batch at most.
    pub batch: u64,
    /// Whether it takes action results from us.
    pub update: bool,
    /// The largest blob it takes.
    pub max_blob: u64,
    /// Whether batches may be compressed with zstd.
    pub zstd_batches: bool,
    /// Whether streams may be.
    pub zstd_streams: bool,
}

/// What a call is for (R22); the server may log it.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// The action's digest, or empty.
    pub action: String,
    /// The kind of action.
    pub mnemonic: String,
    /// The target.
    pub target: String,
}

impl About {
    /// An action.
    pub fn action(action: &Digest, describe: &Description) -> About {
        About {
            action: action.hex(),
            mnemonic: describe.mnemonic.clone(),
            target: describe.label.clone(),
        }
    }
}

/// One server. Cheap to clone.
#[derive(Clone)]
pub struct Client(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) config: RemoteConfig,
    pub(crate) channel: Channel,
    auth: Auth,
    calls: Semaphore,
    pub(crate) transfers: Semaphore,
    pub(crate) health: Health,
    pub(crate) tally: Tally,
    pub(crate) queue: Queue,
    limits: OnceCell<Limits>,
    /// Bytes of a batch that turned out to be too many.
    too_many: AtomicU64,
    pub(crate) workers: OnceCell<()>,
    /// Operations that the server runs for us, and what they are for.
    pub(crate) under_way: Mutex<HashMap<String, About>>,
    pub(crate) presence: Mutex<Presence>,
    pub(crate) questions: Questions,
    invocation: String,
}

impl Client {
    /// Makes no call yet. Must be called within a tokio runtime.
    ///
    /// Errors: certificates that cannot be read, headers that are none.
    pub fn new(config: RemoteConfig) -> Result<Client, Diag> {
        Ok(Client(Arc::new(Inner {
            channel: channel(&config)?,
            auth: Auth::new(&config)?,
            calls: Semaphore::new(config.calls.clamp(1, Semaphore::MAX_PERMITS)),
            transfers: Semaphore::new(TRANSFERS),
            health: Health::default(),
            tally: Tally::default(),
            queue: Queue::default(),
            limits: OnceCell::new(),
            too_many: AtomicU64::new(u64::MAX),
            workers: OnceCell::new(),
            under_way: Mutex::default(),
            presence: Mutex::default(),
            questions: Questions::default(),
            invocation: uuid(),
            config,
        })))
    }

    /// What the server can do; asked once.
    ///
    /// Errors: the call fails; the server can do nothing that is of use here.
    pub async fn limits(&self) -> Result<Limits, CallError> {
        let ask = || async { limits(&self.capabilities().await?) };
        let limits = *self.0.limits.get_or_try_init(ask).await?;
        let too_many = self.0.too_many.load(Ordering::Relaxed);
        Ok(Limits {
            batch: limits.batch.min(too_many / 4),
            ..limits
        })
    }

    /// A batch of that limit was refused: later ones are smaller, whatever the server says.
    pub(crate) fn too_large(&self, limit: u64) {
        self.0.too_many.fetch_min(limit, Ordering::Relaxed);
    }

    /// Asks the server whether it is there and has workers' calls. Nothing runs.
    ///
    /// Errors: it does not answer, or runs nothing.
    pub async fn probe(&self) -> Result<String, Diag> {
        let answer = self.workers().await;
        let address = self.address();
        match answer {
            Ok(()) => Ok(format!("{address} answers, and runs actions")),
            Err(error) => Err(error.diag(address)),
        }
    }

    /// What the server says of itself.
    pub(crate) async fn capabilities(&self) -> Result<ServerCapabilities, CallError> {
        let request = GetCapabilitiesRequest {
            instance_name: self.instance(),
        };
        self.call(
            "GetCapabilities",
            &About::default(),
            request,
            |channel, request| async {
                CapabilitiesClient::new(channel)
                    .get_capabilities(request)
                    .await
            },
        )
        .await
    }

    /// The server's address, as it was given.
    pub fn address(&self) -> &crate::Address {
        &self.0.config.address
    }

    pub(crate) fn instance(&self) -> String {
        self.0.config.instance.clone()
    }

    /// One call with one answer: again if it may go better, never longer than the time limit each
    /// time. `send` makes the call.
    pub(crate) async fn call<M, T, F>(
        &self,
        operation: &'static str,
        about: &About,
        message: M,
        send: impl Fn(Channel, Request<M>) -> F,
    ) -> Result<T, CallError>
    where
        M: Clone,
        F: Future<Output = Result<Response<T>, Status>>,
    {
        self.persist(operation, || async {
            let _permit = self.0.calls.acquire().await.ok();
            let request = self.request(about, message.clone()).await?;
            let answer = send(self.0.channel.clone(), request);
            match tokio::time::timeout(self.0.config.timeout, answer).await {
                Ok(Ok(answer)) => Ok(answer.into_inner()),
                Ok(Err(status)) => Err(CallError::of(operation, &status)),
                Err(_) => Err(self.too_long(operation)),
            }
        })
        .await
    }

    /// Tries until it goes well or cannot, and keeps the books on the server's health.
    pub(crate) async fn persist<T, F>(
        &self,
        operation: &'static str,
        attempt: impl Fn() -> F,
    ) -> Result<T, CallError>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        let config = &self.0.config;
        let waits = config.down == Down::Wait;
        if !waits && !self.0.health.may_call(Instant::now()) {
            let text = "it failed before and is left alone for a while";
            return Err(CallError::new(operation, Code::Unavailable, text));
        }
        let mut settle = Settle(Some(&self.0.health));
        let (mut tries, mut refreshed) = (0, 0);
        loop {
            let error = match attempt().await {
                Ok(value) => {
                    settle.well();
                    return Ok(value);
                }
                Err(error) => error,
            };
            // Another one may be known by now, and may expire in turn before it arrives.
            let refused = error.code == Code::Unauthenticated && self.0.auth.can_refresh();
            if refused && refreshed < REFRESHES {
                refreshed += 1;
                self.0.auth.forget().await;
                continue;
            }
            if !error.is_transient() || (tries >= config.retries && !waits) {
                match error.is_outage() {
                    true => settle.failed(),
                    false => settle.well(),
                }
                return Err(error);
            }
            tries += 1;
            tokio::time::sleep(backoff(tries, error.after)).await;
        }
    }

    /// A request with all that goes with each.
    pub(crate) async fn request<M>(
        &self,
        about: &About,
        message: M,
    ) -> Result<Request<M>, CallError> {
        let mut request = Request::new(message);
        let metadata: &mut MetadataMap = request.metadata_mut();
        let own = RequestMetadata {
            tool_details: Some(ToolDetails {
                tool_name: "kiln".to_owned(),
                tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            }),
            action_id: about.action.clone(),
            tool_invocation_id: self.0.invocation.clone(),
            action_mnemonic: about.mnemonic.clone(),
            target_id: about.target.clone(),
            ..RequestMetadata::default()
        };
        metadata.insert_bin(
            METADATA,
            BinaryMetadataValue::from_bytes(&own.encode_to_vec()),
        );
        self.0.auth.sign(metadata).await?;
        Ok(request)
    }

    pub(crate) fn too_long(&self, operation: &'static str) -> CallError {
        let seconds = self.0.config.timeout.as_secs();
        let text = format!("no progress within {seconds} s");
        CallError::new(operation, Code::DeadlineExceeded, text)
    }
}

/// Tells of a call's end; one that is dropped before says nothing about the server.
struct Settle<'a>(Option<&'a Health>);

impl Settle<'_> {
    fn well(&mut self) {
        if let Some(health) = self.0.take() {
            health.well();
        }
    }

    fn failed(&mut self) {
        if let Some(health) = self.0.take() {
            health.failed(Instant::now());
        }
    }
}

impl Drop for Settle<'_> {
    fn drop(&mut self) {
        if let Some(health) = self.0.take() {
            health.unknown();
        }
    }
}

/// What the server's answer means for us.
pub(crate) fn limits(answer: &ServerCapabilities) -> Result<Limits, CallError> {
    let unusable = |text: String| CallError::new("GetCapabilities", Code::Unimplemented, text);
    let Some(cache) = &answer.cache_capabilities else {
        return Err(unusable("the server is no cache".to_owned()));
    };
    if !cache.digest_functions.contains(&SHA256) {
        let text = format!("it offers {}; kiln needs SHA256", functions(cache));
        return Err(unusable(text));
    }
    if let Some(low) = answer.low_api_version.as_ref().filter(|low| low.major > 2) {
        let text = format!(
            "it needs version {}.{} of the API; kiln speaks 2",
            low.major, low.minor
        );
        return Err(unusable(text));
    }
    let positive = |number: i64| u64::try_from(number).ok().filter(|number| *number > 0);
    let batch = positive(cache.max_batch_total_size_bytes);
    Ok(Limits {
        batch: batch.unwrap_or(MESSAGE).min(MESSAGE - MARGIN),
        update: cache
            .action_cache_update_capabilities
            .is_some_and(|update| update.update_enabled),
        max_blob: positive(cache.max_cas_blob_size_bytes).unwrap_or(u64::MAX),
        zstd_batches: cache.supported_batch_update_compressors.contains(&ZSTD),
        zstd_streams: cache.supported_compressors.contains(&ZSTD),
    })
}

pub(crate) fn functions(cache: &CacheCapabilities) -> String {
    let name = |number: &i32| match number {
        1 => "SHA256".to_owned(),
        2 => "SHA1".to_owned(),
        3 => "MD5".to_owned(),
        5 => "SHA384".to_owned(),
        6 => "SHA512".to_owned(),
        9 => "BLAKE3".to_owned(),
        number => format!("digest function {number}"),
    };
    match cache.digest_functions.is_empty() {
        true => "no digest function".to_owned(),
        false => cache
            .digest_functions
            .iter()
            .map(name)
            .collect::<Vec<_>>()
            .join(", "),
    }
}

/// A name that nobody else has: a version 4 UUID.
pub(crate) fn uuid() -> String {
    let (high, low) = (random(), random());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        (low >> 48) & 0x3fff | 0x8000,
        low & 0xffff_ffff_ffff
    )
}

/// Waits for `future` as long as `moved` grows at least once in `idle`; `None` if it did not (R7:
/// a limit on silence, not on the whole of a transfer).
pub(crate) async fn while_moving<T>(
    moved: &AtomicU64,
    idle: Duration,
    future: impl Future<Output = T>,
) -> Option<T> {
    let mut future = std::pin::pin!(future);
    loop {
        let before = moved.load(Ordering::Relaxed);
        match tokio::time::timeout(idle, &mut future).await {
            Ok(value) => return Some(value),
            Err(_) if moved.load(Ordering::Relaxed) != before => {}
            Err(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use kiln_proto::{ActionCacheUpdateCapabilities, SemVer};

    use super::*;

    fn check(change: impl FnOnce(&mut ServerCapabilities), expected: Expect) {
        let mut answer = ServerCapabilities {
            cache_capabilities: Some(CacheCapabilities {
                digest_functions: vec![SHA256],
                action_cache_update_capabilities: Some(ActionCacheUpdateCapabilities {
                    update_enabled: true,
                }),
                ..CacheCapabilities::default()
            }),
            ..ServerCapabilities::default()
        };
        change(&mut answer);
        expected.assert_eq(&match limits(&answer) {
            Ok(limits) => format!("batch={} update={}", limits.batch, limits.update),
            Err(error) => error.to_string(),
        });
    }

    /// R1, PX-113: what the server offers decides; what it lacks is said.
    #[test]
    fn capabilities_decide() {
        fn cache(answer: &mut ServerCapabilities) -> &mut CacheCapabilities {
            answer.cache_capabilities.get_or_insert_default()
        }
        check(|_| {}, expect!["batch=4128768 update=true"]);
        check(
            |a| cache(a).max_batch_total_size_bytes = 64 << 10,
            expect!["batch=65536 update=true"],
        );
        check(
            |a| cache(a).max_batch_total_size_bytes = -1,
            expect!["batch=4128768 update=true"],
        );
        check(
            |a| cache(a).max_batch_total_size_bytes = 1 << 40,
            expect!["batch=4128768 update=true"],
        );
        check(
            |a| cache(a).action_cache_update_capabilities = None,
            expect!["batch=4128768 update=false"],
        );
        check(
            |a| cache(a).digest_functions = vec![6, 9, 77],
            expect![
                "GetCapabilities: Unimplemented: it offers SHA512, BLAKE3, digest function 77; kiln needs SHA256"
            ],
        );
        check(
            |a| cache(a).digest_functions.clear(),
            expect![
                "GetCapabilities: Unimplemented: it offers no digest function; kiln needs SHA256"
            ],
        );
        check(
            |a| a.cache_capabilities = None,
            expect!["GetCapabilities: Unimplemented: the server is no cache"],
        );
        check(
            |a| {
                a.low_api_version = Some(SemVer {
                    major: 3,
                    ..SemVer::default()
                });
            },
            expect![
                "GetCapabilities: Unimplemented: it needs version 3.0 of the API; kiln speaks 2"
            ],
        );
    }

    #[test]
    fn names_of_uploads_are_uuids() {
        let name = uuid();
        let parts: Vec<usize> = name.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12], "{name}");
        assert_ne!(name, uuid());
    }
}
