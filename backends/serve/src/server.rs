//! The server: its services put together, from its first call to its end.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kiln_diag::Diag;
use kiln_process::Executor;
use kiln_proto::action_cache_server::ActionCacheServer;
use kiln_proto::byte_stream_server::ByteStreamServer;
use kiln_proto::capabilities_server::CapabilitiesServer;
use kiln_proto::content_addressable_storage_server::ContentAddressableStorageServer;
use kiln_proto::execution_server::ExecutionServer;
use kiln_proto::operations_server::OperationsServer;
use kiln_store::Store;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::service::InterceptorLayer;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Identity, ServerTlsConfig};

use crate::auth::Gate;
use crate::execution::Worker;
use crate::listen::{Bound, bind};
use crate::operations::Operations;
use crate::run::Runner;
use crate::shared::Shared;
use crate::uploads::Uploads;
use crate::{Listen, ServeConfig, bytestream, capabilities, execution, results, storage};

/// Calls of one connection at a time: clients wait for room (HTTP/2).
const STREAMS: u32 = 1024;
/// Dead connections are found out.
const PING: Duration = Duration::from_secs(60);
const PONG: Duration = Duration::from_secs(20);
/// How long calls have to end once the server ends.
const GRACE: Duration = Duration::from_secs(5);
/// How often the store's warnings are told, and used blobs given back to its collector: if no action
/// is under way, and every so many rounds in any case.
const ROUND: Duration = Duration::from_secs(600);
const ROUNDS: u32 = 6;

/// Who is told what is wrong with this machine.
pub type Report = Arc<dyn Fn(Diag) + Send + Sync>;

/// A server that listens.
pub struct Server {
    bound: Bound,
    scheme: &'static str,
    tls: Option<ServerTlsConfig>,
    gate: Gate,
    shared: Arc<Shared>,
    uploads: Arc<Uploads>,
    worker: Arc<Worker>,
}

impl Server {
    /// Begins to listen; calls are answered by [`Server::run`]. Must be called within a runtime.
    ///
    /// Errors: as for a command line: an address that cannot be had or must not be open, files
    /// that cannot be read.
    pub async fn bind(
        config: ServeConfig,
        store: Store,
        executor: Arc<dyn Executor>,
        report: Report,
    ) -> Result<Server, Diag> {
        let gate = Gate::new(config.token_file.as_deref())?;
        let tls = tls(&config)?;
        let fail = |error| Diag::io("cannot make", &config.scratch, &error);
        std::fs::create_dir_all(&config.scratch).map_err(fail)?;
        let bound = bind(&config).await?;
        let scheme = match (&bound, &tls) {
            (Bound::Unix(..), _) => "",
            (Bound::Tcp(_), None) => "grpc://",
            (Bound::Tcp(_), Some(_)) => "grpcs://",
        };
        let instance = config.instance.clone();
        let shared = Arc::new(Shared::new(store, instance, config.read_only, report));
        let worker = Worker {
            shared: shared.clone(),
            operations: Operations::new(&config.instance),
            patience: config.patience,
            runner: Arc::new(Runner::new(shared.clone(), executor, config.jobs)),
        };
        Ok(Server {
            bound,
            scheme,
            tls,
            gate,
            shared,
            uploads: Arc::new(Uploads::new(config.scratch)),
            worker: Arc::new(worker),
        })
    }

    /// The address, as `--remote_executor` takes it.
    pub fn address(&self) -> String {
        format!("{}{}", self.scheme, self.bound.address())
    }

    /// Answers calls until `stop` is there. Actions are ended then, and told to be worth another
    /// try.
    ///
    /// Errors: the certificate is none; nothing can be accepted any more.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) -> Result<(), Diag> {
        let mut builder = tonic::transport::Server::builder()
            .max_concurrent_streams(STREAMS)
            .http2_keepalive_interval(Some(PING))
            .http2_keepalive_timeout(Some(PONG));
        if let Some(tls) = self.tls {
            builder = builder.tls_config(tls).map_err(|error| broken(&error))?;
        }
        let storage = ContentAddressableStorageServer::new(storage::Service(self.shared.clone()));
        let streams = bytestream::Service {
            shared: self.shared.clone(),
            uploads: self.uploads,
        };
        let execution = execution::Service(self.worker.clone());
        let router = builder
            .layer(InterceptorLayer::new(self.gate))
            .add_service(CapabilitiesServer::new(capabilities::Service(
                self.shared.clone(),
            )))
            // What blobs take beside their content, clients do not count.
            .add_service(storage.max_encoding_message_size(usize::MAX))
            .add_service(ActionCacheServer::new(results::Service(
                self.shared.clone(),
            )))
            .add_service(ByteStreamServer::new(streams))
            .add_service(ExecutionServer::new(execution.clone()))
            .add_service(OperationsServer::new(execution));
        let (ended, end) = tokio::sync::oneshot::channel::<()>();
        let end = async {
            // It is told, or dropped: either is the end.
            let _ = end.await;
        };
        let serving = async {
            match self.bound {
                Bound::Tcp(listener) => {
                    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
                    router.serve_with_incoming_shutdown(incoming, end).await
                }
                Bound::Unix(listener, _socket) => {
                    let incoming = UnixListenerStream::new(listener);
                    router.serve_with_incoming_shutdown(incoming, end).await
                }
            }
        };
        let worker = self.worker;
        let ending = async {
            stop.await;
            worker.operations.end();
            let _ = ended.send(());
            tokio::time::sleep(GRACE).await;
        };
        let result = tokio::select! {
            result = serving => result.map_err(|error| broken(&error)),
            // Clients that keep their connections open do not hold up the end.
            () = ending => Ok(()),
            () = rounds(&worker) => Ok(()),
        };
        self.shared.store_warnings();
        result
    }
}

/// What has to be done now and then.
async fn rounds(worker: &Worker) {
    let mut since = 0;
    loop {
        tokio::time::sleep(ROUND).await;
        let shared = worker.shared.clone();
        since += 1;
        // What an action still needs was used last and is collected last; were it gone all the same,
        // its client would send it again.
        let idle = worker.operations.under_way() == 0 || since == ROUNDS;
        if idle {
            since = 0;
        }
        let round = tokio::task::spawn_blocking(move || {
            if idle {
                shared.store.forget_uses();
            }
            shared.store_warnings();
        });
        // A round that broke off is made up for by the next.
        let _ = round.await;
    }
}

/// Errors: files that cannot be read, or hold something else. That is found out before anything
/// listens.
fn tls(config: &ServeConfig) -> Result<Option<ServerTlsConfig>, Diag> {
    let Some((certificate, key)) = &config.tls else {
        return Ok(None);
    };
    if let Listen::Unix(path) = &config.listen {
        let path = path.display();
        let text = format!("`unix:{path}` needs no certificate: nothing leaves this machine");
        let hint = "leave the certificate out, or listen at `HOST:PORT`";
        return Err(Diag::usage(text).hint(hint));
    }
    let read = |path: &Path| std::fs::read(path).map_err(|e| Diag::io("cannot read", path, &e));
    let identity = Identity::from_pem(read(certificate)?, read(key)?);
    let tls = ServerTlsConfig::new().identity(identity);
    let tried = tonic::transport::Server::builder().tls_config(tls.clone());
    tried.map_err(|error| {
        let (certificate, key) = (certificate.display(), key.display());
        let text = format!("`{certificate}` and `{key}` are no certificate and its key");
        let hint = "both are PEM files; the key begins with `-----BEGIN PRIVATE KEY-----`";
        Diag::environment(text).note(cause(&error)).hint(hint)
    })?;
    Ok(Some(tls))
}

fn cause(error: &tonic::transport::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

fn broken(error: &tonic::transport::Error) -> Diag {
    Diag::environment(format!("cannot serve: {}", cause(error)))
}
