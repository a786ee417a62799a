//! Addresses of servers.

use std::fmt;

use kiln_diag::Diag;

/// Where a server is: `grpc://HOST:PORT`, `grpcs://HOST:PORT` (with TLS) or `unix:PATH`.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// As it was given.
    text: String,
    /// As the transport wants it.
    pub(crate) uri: String,
    /// Whether the connection is encrypted.
    pub(crate) tls: bool,
}

impl Address {
    /// Reads an address; one without a scheme is encrypted, as in Bazel (PX-120).
    ///
    /// Errors: a scheme that is no gRPC, nothing behind the scheme.
    pub fn parse(text: &str) -> Result<Address, Diag> {
        let (scheme, rest) = text.split_once("://").unwrap_or(match text {
            path if path.starts_with("unix:") => ("unix", &path["unix:".len()..]),
            bare => ("grpcs", bare),
        });
        let rest = rest.trim_end_matches('/');
        let (uri, tls) = match scheme {
            "grpc" => (format!("http://{rest}"), false),
            "grpcs" => (format!("https://{rest}"), true),
            "unix" => (format!("unix://{rest}"), false),
            _ => return Err(wrong(text).hint(hint(scheme, rest))),
        };
        let host_and_port = scheme == "unix" || (!rest.contains('/') && !rest.contains('@'));
        if rest.is_empty() || rest.contains(char::is_whitespace) || !host_and_port {
            return Err(wrong(text).hint("write it as `grpc://HOST:PORT` or `grpcs://HOST:PORT`"));
        }
        Ok(Address {
            text: text.to_owned(),
            uri,
            tls,
        })
    }

    /// The host, for credential helpers.
    pub(crate) fn host(&self) -> &str {
        let rest = self.uri.split_once("://").map_or("", |(_, rest)| rest);
        match rest.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
            _ => rest,
        }
    }
}

fn wrong(text: &str) -> Diag {
    Diag::usage(format!("`{text}` is no address of a remote server"))
}

fn hint(scheme: &str, rest: &str) -> String {
    match scheme {
        "http" => format!("servers are reached by gRPC: `grpc://{rest}`"),
        "https" => format!("servers are reached by gRPC: `grpcs://{rest}`"),
        _ => "write it as `grpc://HOST:PORT` or `grpcs://HOST:PORT`".to_owned(),
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(text: &str, expected: Expect) {
        expected.assert_eq(&match Address::parse(text) {
            Ok(address) => format!(
                "{} tls={} host={}",
                address.uri,
                address.tls,
                address.host()
            ),
            Err(error) => error.render(),
        });
    }

    /// PX-120.
    #[test]
    fn addresses() {
        check(
            "grpc://127.0.0.1:80",
            expect!["http://127.0.0.1:80 tls=false host=127.0.0.1"],
        );
        check(
            "grpcs://cache.example:443/",
            expect!["https://cache.example:443 tls=true host=cache.example"],
        );
        check(
            "cache.example",
            expect!["https://cache.example tls=true host=cache.example"],
        );
        check(
            "unix:/run/cas.sock",
            expect!["unix:///run/cas.sock tls=false host=/run/cas.sock"],
        );
        check(
            "http://cache:80",
            expect![[r#"
            error: `http://cache:80` is no address of a remote server
            hint: servers are reached by gRPC: `grpc://cache:80`"#]],
        );
        check(
            "ftp://x",
            expect![[r#"
            error: `ftp://x` is no address of a remote server
            hint: write it as `grpc://HOST:PORT` or `grpcs://HOST:PORT`"#]],
        );
        check(
            "grpc://",
            expect![[r#"
            error: `grpc://` is no address of a remote server
            hint: write it as `grpc://HOST:PORT` or `grpcs://HOST:PORT`"#]],
        );
        check(
            "grpc://user:secret@host:1",
            expect![[r#"
            error: `grpc://user:secret@host:1` is no address of a remote server
            hint: write it as `grpc://HOST:PORT` or `grpcs://HOST:PORT`"#]],
        );
    }
}
