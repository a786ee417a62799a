//! Encrypted connections (PX-121).

#![allow(clippy::unwrap_used, missing_docs, reason = "tests may panic")]

#[allow(dead_code, reason = "what this test does not use, others do")]
mod server;

use std::fs;
use std::path::{Path, PathBuf};

use expect_test::{Expect, expect};
use kiln_exec_remote::{Address, Client, RemoteConfig};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use server::Server;
use tonic::Code;
use tonic::transport::{Certificate, Identity, ServerTlsConfig};

/// An authority, and a certificate with its key that it signed for this machine.
struct Pki {
    authority: String,
    certificate: String,
    key: String,
}

fn pki() -> Pki {
    let own = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&own).unwrap().pem();
    let issuer = Issuer::new(params, own);
    let key = KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let leaf = CertificateParams::new(names).unwrap();
    Pki {
        authority,
        certificate: leaf.signed_by(&key, &issuer).unwrap().pem(),
        key: key.serialize_pem(),
    }
}

fn file(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

async fn check(address: &Address, set: impl FnOnce(&mut RemoteConfig), expected: Expect) {
    let mut config = RemoteConfig::new(address.clone());
    config.retries = 0;
    set(&mut config);
    let client = Client::new(config).unwrap();
    let outcome = match client.limits().await {
        Ok(_) => "well".to_owned(),
        Err(error) => error.to_string(),
    };
    expected.assert_eq(&outcome);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_trusted() {
    let (pki, other) = (pki(), pki());
    let folder = tempfile::tempdir().unwrap();
    let authority = file(folder.path(), "ca.pem", &pki.authority);
    let stranger = file(folder.path(), "other.pem", &other.authority);
    let identity = Identity::from_pem(&pki.certificate, &pki.key);
    let tls = ServerTlsConfig::new().identity(identity);
    let (_server, address) = Server::start_with(Some(tls)).await;
    let trusting = |path: &PathBuf| {
        let path = Some(path.clone());
        move |config: &mut RemoteConfig| config.ca_certificate = path
    };
    check(&address, trusting(&authority), expect!["well"]).await;
    check(
        &address,
        trusting(&stranger),
        expect![
            "GetCapabilities: Unavailable: invalid peer certificate: BadSignature: transport error"
        ],
    )
    .await;
    // The system does not know that authority.
    check(
        &address,
        |_| {},
        expect![
            "GetCapabilities: Unavailable: invalid peer certificate: UnknownIssuer: transport error"
        ],
    )
    .await;
    // How a connection breaks that is not encrypted depends on who is first.
    let plain = address.to_string().replace("grpcs", "grpc");
    let mut config = RemoteConfig::new(Address::parse(&plain).unwrap());
    config.retries = 0;
    let error = Client::new(config).unwrap().limits().await.unwrap_err();
    let broken = [
        Code::Unavailable,
        Code::Unknown,
        Code::Internal,
        Code::Cancelled,
    ];
    assert!(broken.contains(&error.code), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_want_to_know_who_asks() {
    let (pki, other) = (pki(), pki());
    let folder = tempfile::tempdir().unwrap();
    let authority = file(folder.path(), "ca.pem", &pki.authority);
    let write = |name: &str, pki: &Pki| {
        let certificate = file(folder.path(), &format!("{name}.pem"), &pki.certificate);
        (
            certificate,
            file(folder.path(), &format!("{name}.key"), &pki.key),
        )
    };
    let (known, unknown) = (write("known", &pki), write("unknown", &other));
    let identity = Identity::from_pem(&pki.certificate, &pki.key);
    let clients = Certificate::from_pem(&pki.authority);
    let tls = ServerTlsConfig::new()
        .identity(identity)
        .client_ca_root(clients);
    let (_server, address) = Server::start_with(Some(tls)).await;
    for (identity, expected) in [(Some(known), true), (Some(unknown), false), (None, false)] {
        let mut config = RemoteConfig::new(address.clone());
        config.retries = 0;
        config.ca_certificate = Some(authority.clone());
        config.identity = identity.clone();
        let client = Client::new(config).unwrap();
        assert_eq!(client.limits().await.is_ok(), expected, "{identity:?}");
    }
}
