//! The private socket between processes of one user: where it is, and who may speak.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use kiln_base::Fingerprint;
use rustix::net::sockopt::{self, Timeout};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use crate::cas::make_folder;

/// The kernel's limit is 108 on Linux and 104 elsewhere, the final NUL included.
const LONGEST_PATH: usize = 100;

/// Begins to listen for the store in `root`, in the first folder that is fit for it.
///
/// `None` when no folder is: then this process owns the index and other processes go without.
pub(crate) fn listen(root: &Path, folder: Option<&Path>) -> Option<(UnixListener, PathBuf)> {
    let name = Fingerprint::build("kiln store socket")
        .bytes(root.as_os_str().as_bytes())
        .finish()
        .hex();
    folders(folder).into_iter().find_map(|folder| {
        let path = folder.join(format!("{}.sock", &name[..16]));
        if path.as_os_str().len() > LONGEST_PATH || !is_private(&folder) {
            return None;
        }
        // What is there is of an owner that is gone: the lock of the store is ours.
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path).ok()?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).ok()?;
        Some((listener, path))
    })
}

fn folders(configured: Option<&Path>) -> Vec<PathBuf> {
    if let Some(folder) = configured {
        return vec![folder.to_owned()];
    }
    let runtime = std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join("kiln"));
    let uid = rustix::process::geteuid().as_raw();
    let fallback = PathBuf::from(format!("/tmp/kiln-{uid}"));
    runtime.into_iter().chain([fallback]).collect()
}

/// Makes the folder if it is not there; whether nobody but this user can get at what is in it.
fn is_private(folder: &Path) -> bool {
    if make_folder(folder, 0o700).is_err() {
        return false;
    }
    std::fs::symlink_metadata(folder).is_ok_and(|meta| {
        meta.is_dir()
            && meta.uid() == rustix::process::geteuid().as_raw()
            && meta.mode() & 0o077 == 0
    })
}

/// Connects; neither this nor what is sent and received later takes longer than `patience`.
pub(crate) fn connect(path: &Path, patience: Duration) -> io::Result<UnixStream> {
    let address = SocketAddrUnix::new(path)?;
    let socket: OwnedFd = rustix::net::socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    // A listener that has stopped lets its queue run full: connecting then waits.
    sockopt::set_socket_timeout(&socket, Timeout::Send, Some(patience))?;
    sockopt::set_socket_timeout(&socket, Timeout::Recv, Some(patience))?;
    rustix::net::connect(&socket, &address)?;
    match is_same_user(&socket) {
        true => Ok(UnixStream::from(socket)),
        false => Err(io::ErrorKind::PermissionDenied.into()),
    }
}

/// Whether the other end is a process of this user. Asked of the kernel, not of the other end.
pub(crate) fn is_same_user(socket: impl AsFd) -> bool {
    sockopt::socket_peercred(socket).is_ok_and(|peer| peer.uid == rustix::process::geteuid())
}

/// Whether the other end has closed; nothing is taken from the stream.
pub(crate) fn is_closed(stream: &UnixStream) -> bool {
    use rustix::net::RecvFlags;
    let mut byte = [0; 1];
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
    match rustix::net::recv(stream, &mut byte, flags) {
        Ok((0, _)) => true,
        Ok(_) => false,
        Err(error) => error != rustix::io::Errno::AGAIN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_others_can_use_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let open = place.path().join("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(listen(place.path(), Some(&open)).is_none());
        let link = place.path().join("link");
        let private = place.path().join("private");
        assert!(is_private(&private));
        std::os::unix::fs::symlink(&private, &link).unwrap();
        assert!(listen(place.path(), Some(&link)).is_none());
        let deep = place.path().join("d".repeat(100));
        assert!(listen(place.path(), Some(&deep)).is_none());
        let (_, path) = listen(place.path(), Some(&private)).unwrap();
        assert_eq!(std::fs::metadata(path).unwrap().mode() & 0o777, 0o600);
    }
}
