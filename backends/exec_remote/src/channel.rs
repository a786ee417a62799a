//! The connection.

use std::path::Path;
use std::time::Duration;

use kiln_diag::Diag;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use crate::RemoteConfig;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// Proxies drop connections on which nothing happens, some after a minute, and refuse pings that
/// come too often (R8).
const PING: Duration = Duration::from_secs(50);
const PONG: Duration = Duration::from_secs(20);

/// A connection that comes about with the first call, and again after it broke.
///
/// Errors: a certificate or key that cannot be read, an address that is none.
pub(crate) fn channel(config: &RemoteConfig) -> Result<Channel, Diag> {
    let address = &config.address;
    let broken = |error: tonic::transport::Error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        let cause = cause.unwrap_or_else(|| error.to_string());
        Diag::usage(format!("cannot use remote server {address}: {cause}"))
    };
    let mut endpoint = Endpoint::from_shared(address.uri.clone())
        .map_err(broken)?
        .user_agent(concat!("kiln/", env!("CARGO_PKG_VERSION")))
        .map_err(broken)?
        .connect_timeout(CONNECT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(PING)
        .keep_alive_timeout(PONG);
    if address.tls {
        endpoint = endpoint.tls_config(tls(config)?).map_err(broken)?;
    }
    Ok(endpoint.connect_lazy())
}

fn tls(config: &RemoteConfig) -> Result<ClientTlsConfig, Diag> {
    let mut tls = ClientTlsConfig::new();
    tls = match &config.ca_certificate {
        Some(path) => tls.ca_certificate(Certificate::from_pem(pem(path, "CERTIFICATE")?)),
        None => tls.with_native_roots(),
    };
    if let Some((certificate, key)) = &config.identity {
        let certificate = pem(certificate, "CERTIFICATE")?;
        let key = pem(key, "PRIVATE KEY")?;
        tls = tls.identity(Identity::from_pem(certificate, key));
    }
    Ok(tls)
}

/// Reads a PEM file that must hold something of that kind; the rest of what can be wrong with it
/// shows when the connection is made.
fn pem(path: &Path, kind: &str) -> Result<Vec<u8>, Diag> {
    let content = std::fs::read(path).map_err(|e| Diag::io("cannot read", path, &e))?;
    let text = String::from_utf8_lossy(&content);
    if !text.contains("-----BEGIN ") || !text.contains(kind) {
        let (path, kind) = (path.display(), kind.to_lowercase());
        return Err(Diag::usage(format!("`{path}` holds no {kind} in PEM form"))
            .hint("PEM files begin with `-----BEGIN `; convert others with `openssl`"));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::Address;

    /// PX-121.
    #[tokio::test]
    async fn certificates_that_are_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ca.crt");
        std::fs::write(&path, "hello").expect("a file");
        let address = Address::parse("grpcs://localhost:1").expect("an address");
        let config = RemoteConfig {
            ca_certificate: Some(path),
            ..RemoteConfig::new(address)
        };
        let error = channel(&config).expect_err("no certificate").render();
        let folder = folder.path().display().to_string();
        expect![[r#"
            error: `FOLDER/ca.crt` holds no certificate in PEM form
            hint: PEM files begin with `-----BEGIN `; convert others with `openssl`"#]]
        .assert_eq(&error.replace(&folder, "FOLDER"));
    }
}
