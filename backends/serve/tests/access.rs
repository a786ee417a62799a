//! Who may come, and how (PX-121, PX-122).

#![allow(clippy::unwrap_used, missing_docs, reason = "tests may panic")]

#[allow(dead_code, reason = "what this test does not use, others do")]
mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::World;
use expect_test::{Expect, expect};
use kiln_base::Digest;
use kiln_diag::Diag;
use kiln_process::{ExecError, Executor, ProcessResult, Request};
use kiln_proto::*;
use kiln_serve::{Listen, ServeConfig, Server};
use kiln_store::{Store, StoreConfig};
use tonic::Code;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

fn token_file(folder: &Path) -> PathBuf {
    let path = folder.join("token");
    std::fs::write(&path, "secret\n").unwrap();
    path
}

/// The code that a look at the capabilities ends with, with that `authorization`.
async fn look(channel: &Channel, header: Option<&str>) -> Code {
    let mut request = tonic::Request::new(GetCapabilitiesRequest::default());
    if let Some(header) = header {
        let header = header.parse().unwrap();
        request.metadata_mut().insert("authorization", header);
    }
    let mut client = CapabilitiesClient::new(channel.clone());
    match client.get_capabilities(request).await {
        Ok(_) => Code::Ok,
        Err(error) => error.code(),
    }
}

/// Without the token every call is refused, those that are unknown as well.
#[tokio::test(flavor = "multi_thread")]
async fn tokens() {
    let folder = tempfile::tempdir().unwrap();
    let token = token_file(folder.path());
    let world = World::start_with(|config| config.token_file = Some(token)).await;
    let channel = &world.channel;
    assert_eq!(look(channel, Some("Bearer secret")).await, Code::Ok);
    for header in [None, Some("Bearer wrong"), Some("Basic secret")] {
        assert_eq!(look(channel, header).await, Code::Unauthenticated);
    }
    let request = FindMissingBlobsRequest::default();
    let error = world.storage().find_missing_blobs(request).await;
    assert_eq!(error.unwrap_err().code(), Code::Unauthenticated);
    let write = futures::stream::iter([WriteRequest::default()]);
    let error = world.streams().write(write).await.unwrap_err();
    assert_eq!(error.code(), Code::Unauthenticated);
    let error = world.execution().execute(ExecuteRequest::default()).await;
    let error = error.unwrap_err();
    assert_eq!(error.code(), Code::Unauthenticated);
    // The token is in no answer.
    assert!(!error.message().contains("secret"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn encrypted() {
    let pki = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let certificate = file("cert.pem", pki.cert.pem());
    let key = file("key.pem", pki.signing_key.serialize_pem());
    let folder = tempfile::tempdir().unwrap();
    let mut config = settings(folder.path(), "127.0.0.1:0");
    config.tls = Some((certificate, key));
    let server = bind(folder.path(), config).await.unwrap();
    let address = server.address();
    assert!(address.starts_with("grpcs://127.0.0.1:"), "{address}");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));
    let trusted = Certificate::from_pem(pki.cert.pem());
    let tls = ClientTlsConfig::new()
        .ca_certificate(trusted)
        .domain_name("localhost");
    let endpoint = Endpoint::from_shared(address.replace("grpcs", "https")).unwrap();
    let channel = endpoint.tls_config(tls).unwrap().connect_lazy();
    assert_eq!(look(&channel, None).await, Code::Ok);
    let plain = Endpoint::from_shared(address.replace("grpcs", "http")).unwrap();
    assert_ne!(look(&plain.connect_lazy(), None).await, Code::Ok);
    drop(channel);
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
}

struct Nothing;

impl Executor for Nothing {
    fn execute<'a>(
        &'a self,
        _: Request<'a>,
    ) -> futures::future::BoxFuture<'a, Result<ProcessResult, ExecError>> {
        Box::pin(async { Err(ExecError::MissingBlob(Digest::EMPTY)) })
    }
}

fn settings(folder: &Path, listen: &str) -> ServeConfig {
    ServeConfig::new(Listen::parse(listen).unwrap(), folder.join("uploads"))
}

async fn bind(folder: &Path, config: ServeConfig) -> Result<Server, Diag> {
    let mut store = StoreConfig::new(folder.join("store"));
    store.socket_dir = Some(folder.join("sockets"));
    let store = Store::open(store).unwrap();
    let report = Arc::new(|diag: Diag| panic!("{}", diag.render()));
    Server::bind(config, store, Arc::new(Nothing), report).await
}

async fn check(set: impl FnOnce(&Path, &mut ServeConfig), listen: &str, expected: Expect) {
    let folder = tempfile::tempdir().unwrap();
    let shown = folder.path().display().to_string();
    let listen = listen.replace("[FOLDER]", &shown);
    let mut config = settings(folder.path(), &listen);
    set(folder.path(), &mut config);
    let text = match bind(folder.path(), config).await {
        Ok(server) => server.address(),
        Err(error) => error.render(),
    };
    expected.assert_eq(&text.replace(&shown, "[FOLDER]"));
}

/// Other machines may not come where nobody keeps strangers out, unless that was asked for.
#[tokio::test(flavor = "multi_thread")]
async fn open_to_other_machines() {
    check(|_, _| {}, "0.0.0.0:0", expect![[r#"
        error: `0.0.0.0:0` is open to other machines (0.0.0.0), without a token or encryption
           = whoever reaches the server runs programs on this machine and decides what results are
        hint: give `--token_file`, `--tls_server_certificate` and `--tls_server_key`; or `--allow_insecure_listen` where something else keeps strangers out"#]]).await;
    check(|_, _| {}, "[::]:0", expect![[r#"
        error: `[::]:0` is open to other machines (::), without a token or encryption
           = whoever reaches the server runs programs on this machine and decides what results are
        hint: give `--token_file`, `--tls_server_certificate` and `--tls_server_key`; or `--allow_insecure_listen` where something else keeps strangers out"#]]).await;
    let token = |folder: &Path, config: &mut ServeConfig| {
        config.token_file = Some(token_file(folder));
    };
    check(token, "0.0.0.0:0", expect![[r#"
        error: `0.0.0.0:0` is open to other machines (0.0.0.0), without encryption
           = whoever reaches the server runs programs on this machine and decides what results are
        hint: give `--token_file`, `--tls_server_certificate` and `--tls_server_key`; or `--allow_insecure_listen` where something else keeps strangers out"#]]).await;
    let folder = tempfile::tempdir().unwrap();
    let mut config = settings(folder.path(), "0.0.0.0:0");
    config.exposed = true;
    let server = bind(folder.path(), config).await.unwrap();
    assert!(server.address().starts_with("grpc://0.0.0.0:"));
}

#[tokio::test(flavor = "multi_thread")]
async fn places_that_cannot_be_had() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let config = settings(folder.path(), &format!("127.0.0.1:{port}"));
    let error = bind(folder.path(), config).await.err().unwrap().render();
    expect!["error: cannot listen at `127.0.0.1:[PORT]`: address already in use"]
        .assert_eq(&error.replace(&port.to_string(), "[PORT]"));
    let in_the_way = |folder: &Path, _: &mut ServeConfig| {
        std::fs::write(folder.join("s"), "precious").unwrap();
    };
    check(
        in_the_way,
        "unix:[FOLDER]/s",
        expect!["error: cannot listen at `unix:[FOLDER]/s`: something else is there"],
    )
    .await;
    let alive = |folder: &Path, _: &mut ServeConfig| {
        let listener = std::os::unix::net::UnixListener::bind(folder.join("s")).unwrap();
        std::mem::forget(listener);
    };
    check(
        alive,
        "unix:[FOLDER]/s",
        expect!["error: cannot listen at `unix:[FOLDER]/s`: another server listens there"],
    )
    .await;
    // One that a killed server left is replaced.
    let dead = |folder: &Path, _: &mut ServeConfig| {
        drop(std::os::unix::net::UnixListener::bind(folder.join("s")).unwrap());
    };
    check(dead, "unix:[FOLDER]/s", expect!["unix:[FOLDER]/s"]).await;
    check(
        |_, _| {},
        "unix:[FOLDER]/none/s",
        expect!["error: cannot listen at `unix:[FOLDER]/none/s`: no such file or directory"],
    )
    .await;
    let long = format!("unix:[FOLDER]/{}", "x".repeat(120));
    let certificates = |folder: &Path, config: &mut ServeConfig| {
        config.tls = Some((folder.join("cert.pem"), folder.join("key.pem")));
    };
    check(
        certificates,
        "127.0.0.1:0",
        expect!["error: cannot read `[FOLDER]/cert.pem`: no such file or directory"],
    )
    .await;
    let no_certificates = |folder: &Path, config: &mut ServeConfig| {
        let path = token_file(folder);
        config.tls = Some((path.clone(), path));
    };
    check(
        no_certificates,
        "127.0.0.1:0",
        expect![[r#"
        error: `[FOLDER]/token` and `[FOLDER]/token` are no certificate and its key
           = Error parsing TLS private key - no RSA or PKCS8-encoded keys found.
        hint: both are PEM files; the key begins with `-----BEGIN PRIVATE KEY-----`"#]],
    )
    .await;
    check(
        no_certificates,
        "unix:[FOLDER]/s",
        expect![[r#"
        error: `unix:[FOLDER]/s` needs no certificate: nothing leaves this machine
        hint: leave the certificate out, or listen at `HOST:PORT`"#]],
    )
    .await;
    check(|_, _| {}, &long, expect!["error: cannot listen at `unix:[FOLDER]/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx`: the path of a socket has 107 bytes at most, and some go to its making"]).await;
}
