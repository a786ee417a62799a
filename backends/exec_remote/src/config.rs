//! Which server, and how it is reached.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::Address;

/// A text that is in no message and no `Debug` output.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What to do when the server cannot be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Down {
    /// Do without it, and say so at the end.
    #[default]
    Fallback,
    /// Wait until it is back.
    Wait,
    /// End the build.
    Fail,
}

/// A program that knows credentials (Bazel's protocol for credential helpers).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Helper {
    /// For which host (`*.example.com` for all below it); `None` for all.
    pub host: Option<String>,
    /// The program.
    pub program: PathBuf,
}

/// Which server, and how it is reached. Make one with [`RemoteConfig::new`].
#[derive(Clone, Debug)]
pub struct RemoteConfig {
    /// The server.
    pub address: Address,
    /// The part of the server that is meant; often empty.
    pub instance: String,
    /// Sent with each call: names, and values that may be secret.
    pub headers: Vec<(String, Secret)>,
    /// A file with a bearer token, read again when it is refused.
    pub token_file: Option<PathBuf>,
    /// Programs that know credentials; the most particular one that fits is asked.
    pub helpers: Vec<Helper>,
    /// Certificates (PEM) to trust instead of the system's.
    pub ca_certificate: Option<PathBuf>,
    /// The client's certificate and key (PEM), for servers that want to know who asks.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// How long a call may make no progress.
    pub timeout: Duration,
    /// How often a call is tried again.
    pub retries: u32,
    /// How many calls may be under way at a time.
    pub calls: usize,
    /// Whether results are looked up.
    pub read: bool,
    /// Whether results are uploaded.
    pub write: bool,
    /// What to do when the server cannot be reached.
    pub down: Down,
    /// How long a look-up may take before the process starts all the same (PX-072).
    pub head_start: Duration,
    /// How often the server is reminded of what it keeps for us.
    pub lease: Duration,
    /// How long the end of a command waits for uploads.
    pub patience: Duration,
}

impl RemoteConfig {
    /// The ordinary settings for a server.
    pub fn new(address: Address) -> RemoteConfig {
        RemoteConfig {
            address,
            instance: String::new(),
            headers: Vec::new(),
            token_file: None,
            helpers: Vec::new(),
            ca_certificate: None,
            identity: None,
            timeout: Duration::from_secs(60),
            retries: 5,
            calls: 128,
            read: true,
            write: true,
            down: Down::Fallback,
            head_start: Duration::from_secs(3),
            lease: Duration::from_secs(40),
            patience: Duration::from_secs(60),
        }
    }
}
