//! Listening: on a port, or on a socket that is private to this user.

use std::fs::{self, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use kiln_diag::{Diag, io_text};
use tokio::net::{TcpListener, UnixListener};

use crate::{Listen, ServeConfig};

/// Linux's limit, without the final NUL.
const LONGEST: usize = 107;

/// What listens.
pub(crate) enum Bound {
    Tcp(TcpListener),
    Unix(UnixListener, Socket),
}

/// A socket's file; it goes with the value.
pub(crate) struct Socket(PathBuf);

impl Drop for Socket {
    fn drop(&mut self) {
        // Whoever removed it before was right to.
        let _ = fs::remove_file(&self.0);
    }
}

impl Bound {
    /// As clients write it, without the scheme.
    pub(crate) fn address(&self) -> String {
        match self {
            Bound::Tcp(listener) => listener
                .local_addr()
                .map_or_else(|_| "unknown".to_owned(), |address| address.to_string()),
            Bound::Unix(_, socket) => format!("unix:{}", socket.0.display()),
        }
    }
}

/// Begins to listen.
///
/// Errors: the address is taken or none of this machine; it is open to other machines and that is
/// neither safe nor said to be wanted.
pub(crate) async fn bind(config: &ServeConfig) -> Result<Bound, Diag> {
    match &config.listen {
        Listen::Unix(path) => {
            let path = std::path::absolute(path)
                .map_err(|error| cannot(&config.listen, &io_text(&error)))?;
            private(&path, &config.listen)
        }
        Listen::Tcp { host, port } => {
            let host = host.trim_start_matches('[').trim_end_matches(']');
            let addresses = tokio::net::lookup_host((host, *port)).await;
            // Each system has words of its own for it.
            let addresses =
                addresses.map_err(|_| cannot(&config.listen, "no such host is known"))?;
            let addresses: Vec<SocketAddr> = addresses.collect();
            if let Some(open) = addresses.iter().find(|address| !address.ip().is_loopback()) {
                guarded(config, open)?;
            }
            let listener = TcpListener::bind(&addresses[..]).await;
            let listener = listener.map_err(|error| cannot(&config.listen, &io_text(&error)))?;
            Ok(Bound::Tcp(listener))
        }
    }
}

fn cannot(listen: &Listen, reason: &str) -> Diag {
    Diag::environment(format!("cannot listen at `{listen}`: {reason}"))
}

/// Whoever reaches the server runs programs on this machine.
fn guarded(config: &ServeConfig, address: &SocketAddr) -> Result<(), Diag> {
    let lacking = match (&config.token_file, &config.tls) {
        _ if config.exposed => return Ok(()),
        (Some(_), Some(_)) => return Ok(()),
        (None, Some(_)) => "without a token",
        (Some(_), None) => "without encryption",
        (None, None) => "without a token or encryption",
    };
    Err(Diag::usage(format!(
        "`{}` is open to other machines ({}), {lacking}",
        config.listen,
        address.ip()
    ))
    .note("whoever reaches the server runs programs on this machine and decides what results are")
    .hint("give `--token_file`, `--tls_server_certificate` and `--tls_server_key`; or `--allow_insecure_listen` where something else keeps strangers out"))
}

fn too_long(listen: &Listen) -> Diag {
    let text =
        format!("the path of a socket has {LONGEST} bytes at most, and some go to its making");
    cannot(listen, &text)
}

/// A socket that was private before anybody could find it.
fn private(path: &Path, listen: &Listen) -> Result<Bound, Diag> {
    let fail = |error: io::Error| cannot(listen, &io_text(&error));
    if path.as_os_str().len() > LONGEST {
        return Err(too_long(listen));
    }
    match fs::symlink_metadata(path) {
        Ok(file) if !file.file_type().is_socket() => {
            return Err(cannot(listen, "something else is there"));
        }
        Ok(_) if std::os::unix::net::UnixStream::connect(path).is_ok() => {
            return Err(cannot(listen, "another server listens there"));
        }
        // What nobody listens to was left by a server that was killed.
        _ => {}
    }
    let parent = path.parent().unwrap_or(Path::new("/"));
    // A socket has the mode that the umask gives it, and changing the umask would change it for
    // all threads: so it is made where nobody else can look.
    let aside = tempfile::Builder::new()
        .prefix(".k")
        .rand_bytes(4)
        .tempdir_in(parent)
        .map_err(fail)?;
    let made = aside.path().join("s");
    let listener = UnixListener::bind(&made).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => too_long(listen),
        _ => fail(error),
    })?;
    fs::set_permissions(&made, Permissions::from_mode(0o600)).map_err(fail)?;
    fs::rename(&made, path).map_err(fail)?;
    Ok(Bound::Unix(listener, Socket(path.to_owned())))
}
