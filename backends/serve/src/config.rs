//! Where the server listens, and who may come.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use kiln_diag::Diag;

/// The port of REAPI servers by custom.
const PORT: &str = "8980";

/// Where to listen: `HOST:PORT` or `unix:PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A host and a port; port 0 is any that is free.
    Tcp {
        /// A name or an address; IPv6 ones stand in brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// A socket of this machine, for its user alone.
    Unix(PathBuf),
}

impl Listen {
    /// Reads an address.
    ///
    /// Errors: there is no port, or no path.
    pub fn parse(text: &str) -> Result<Listen, Diag> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return match path.is_empty() {
                true => Err(wrong(text).hint("write it as `unix:/a/path`")),
                false => Ok(Listen::Unix(PathBuf::from(path))),
            };
        }
        if let Some((_, rest)) = text.split_once("://") {
            let rest = rest.trim_end_matches('/');
            return Err(wrong(text).hint(format!("leave the scheme out: `{rest}`")));
        }
        let Some((host, port)) = text.rsplit_once(':') else {
            return Err(wrong(text).hint(format!("add a port: `{text}:{PORT}`")));
        };
        let in_brackets = host.starts_with('[') && host.ends_with(']');
        match port.parse() {
            Ok(port) if !host.is_empty() && (in_brackets || !host.contains(':')) => {
                let host = host.to_owned();
                Ok(Listen::Tcp { host, port })
            }
            _ => Err(wrong(text).hint(format!(
                "write it as `127.0.0.1:{PORT}`, `[::1]:{PORT}` or `unix:/a/path`; port 0 is any that is free"
            ))),
        }
    }
}

fn wrong(text: &str) -> Diag {
    Diag::usage(format!("`{text}` is no address to listen at"))
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Listen::Tcp { host, port } => write!(f, "{host}:{port}"),
            Listen::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// The settings of a server. Make one with [`ServeConfig::new`].
#[derive(Clone, Debug)]
pub struct ServeConfig {
    /// Where to listen.
    pub listen: Listen,
    /// The one instance that is served; often empty.
    pub instance: String,
    /// The server's certificate and its key (PEM).
    pub tls: Option<(PathBuf, PathBuf)>,
    /// A file with the token that clients must send as `authorization: Bearer TOKEN`.
    pub token_file: Option<PathBuf>,
    /// Whether other machines may come although nothing is encrypted, or nobody is asked for a
    /// token.
    pub exposed: bool,
    /// Whether results come from actions that ran here alone.
    pub read_only: bool,
    /// How many actions run at a time: as many more are made ready meanwhile.
    pub jobs: usize,
    /// How long an action that nobody waits for goes on: clients whose connection broke come back.
    pub patience: Duration,
    /// A folder for uploads under way, on the file system of the store. It is made.
    pub scratch: PathBuf,
}

impl ServeConfig {
    /// The ordinary settings.
    pub fn new(listen: Listen, scratch: PathBuf) -> ServeConfig {
        ServeConfig {
            listen,
            instance: String::new(),
            tls: None,
            token_file: None,
            exposed: false,
            read_only: false,
            jobs: 1,
            patience: Duration::from_secs(60),
            scratch,
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(text: &str, expected: Expect) {
        expected.assert_eq(&match Listen::parse(text) {
            Ok(listen) => listen.to_string(),
            Err(error) => error.render(),
        });
    }

    #[test]
    fn addresses() {
        check("127.0.0.1:0", expect!["127.0.0.1:0"]);
        check("localhost:8980", expect!["localhost:8980"]);
        check("[::1]:8980", expect!["[::1]:8980"]);
        check("unix:/run/kiln.sock", expect!["unix:/run/kiln.sock"]);
        check("unix:///run/kiln.sock", expect!["unix:/run/kiln.sock"]);
        check(
            "unix:",
            expect![[r#"
            error: `unix:` is no address to listen at
            hint: write it as `unix:/a/path`"#]],
        );
        check(
            "grpc://127.0.0.1:8980",
            expect![[r#"
            error: `grpc://127.0.0.1:8980` is no address to listen at
            hint: leave the scheme out: `127.0.0.1:8980`"#]],
        );
        check(
            "localhost",
            expect![[r#"
            error: `localhost` is no address to listen at
            hint: add a port: `localhost:8980`"#]],
        );
        check(
            "::1:8980",
            expect![[r#"
            error: `::1:8980` is no address to listen at
            hint: write it as `127.0.0.1:8980`, `[::1]:8980` or `unix:/a/path`; port 0 is any that is free"#]],
        );
        check(
            "localhost:http",
            expect![[r#"
            error: `localhost:http` is no address to listen at
            hint: write it as `127.0.0.1:8980`, `[::1]:8980` or `unix:/a/path`; port 0 is any that is free"#]],
        );
        check(
            ":8980",
            expect![[r#"
            error: `:8980` is no address to listen at
            hint: write it as `127.0.0.1:8980`, `[::1]:8980` or `unix:/a/path`; port 0 is any that is free"#]],
        );
    }
}
