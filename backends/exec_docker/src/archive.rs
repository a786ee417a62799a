//! Files on their way to an engine that does not see ours, and back.
//!
//! Everything else is as where it does: exec roots are put together on this machine, outputs are
//! taken from the same folders. In between they are sent as one archive, and the folders of outputs
//! come back as one archive each. What comes may be hostile: nothing is written outside of the
//! folder that it is for, and only files, folders and links are taken.

use std::fs::{self, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bollard::query_parameters::{
    DownloadFromContainerOptionsBuilder, UploadToContainerOptionsBuilder,
};
use bytes::Bytes;
use futures::StreamExt;
use kiln_diag::Diag;
use kiln_exec_root::remove_tree;
use kiln_process::ExecError;
use tar::{Builder, EntryType, Header};
use tokio::sync::mpsc;

use crate::client::{Engine, say, status};
use crate::container::CONTROL;
use crate::job::EXEC_ROOT;
use crate::layout::User;

/// So many pieces wait to be sent or unpacked.
const PIECES: usize = 8;
/// Bytes of a piece.
const PIECE: usize = 256 << 10;

/// Who owns what in an archive, by whether it may be written to.
#[derive(Clone, Copy)]
struct Owners {
    writable: (u32, u32),
    other: (u32, u32),
    /// The mode of programs, if it is not their own.
    programs: Option<u32>,
}

const ROOT: (u32, u32) = (0, 0);

/// A container, and the folder on this machine that has its files.
pub(crate) struct Far {
    pub engine: Arc<Engine>,
    pub id: String,
    pub folder: PathBuf,
}

/// Sends the runner and its shell, which actions must not change.
pub(crate) async fn send_control(far: &Far) -> Result<(), ExecError> {
    let owners = Owners {
        writable: ROOT,
        other: ROOT,
        // The shell must not be read by actions.
        programs: Some(0o111),
    };
    send(far, "control", CONTROL, owners).await?;
    send(far, "tmp", "/tmp", owners).await
}

/// Sends the job and the exec root. That inputs are read-only is a matter of their modes alone: they
/// are the action's own, so that they can be removed after it.
pub(crate) async fn send_job(far: &Far, user: User, root: &str) -> Result<(), ExecError> {
    let owners = Owners {
        writable: ROOT,
        other: ROOT,
        // The shell must not be read by actions.
        programs: Some(0o111),
    };
    send(far, "control", CONTROL, owners).await?;
    let owners = Owners {
        writable: user.inside,
        other: user.inside,
        programs: None,
    };
    send(far, "root", root, owners).await
}

async fn send(far: &Far, name: &str, to: &str, owners: Owners) -> Result<(), ExecError> {
    let folder = far.folder.join(name);
    // Only a folder of the container's own can be sent to; one in it comes with the archive.
    let (to, prefix) = match to.strip_prefix(EXEC_ROOT) {
        Some(below) => (EXEC_ROOT, PathBuf::from(below.trim_start_matches('/'))),
        None => (to, PathBuf::new()),
    };
    let (sender, receiver) = mpsc::channel(PIECES);
    let packing = tokio::task::spawn_blocking(move || {
        let writer = io::BufWriter::with_capacity(PIECE, Sender(sender));
        pack(&folder, &prefix, owners, writer)
            .map_err(|error| Diag::io("cannot send", &folder, &error))
    });
    let options = UploadToContainerOptionsBuilder::default().path(to).build();
    let pieces = futures::stream::unfold(receiver, |mut receiver| async move {
        let piece = receiver.recv().await?;
        Some((piece, receiver))
    });
    let body = bollard::body_stream(pieces);
    let docker = &far.engine.docker;
    let sent = docker
        .upload_to_container(&far.id, Some(options), body)
        .await;
    let packed = packing.await;
    // Of two errors the engine's is the cause: what it no longer takes cannot be packed.
    sent.map_err(|error| {
        ExecError::Unavailable(Diag::environment(format!(
            "the Docker engine does not take the files of an action: {}",
            say(&error)
        )))
    })?;
    let panicked = |_| ExecError::Failed(Diag::internal("packing an archive panicked"));
    packed.map_err(panicked)?.map_err(ExecError::Failed)
}

/// Brings the folders of outputs back to where they are on this machine.
pub(crate) async fn fetch(far: &Far, root: &str, scratch: &[String]) -> Result<(), ExecError> {
    for at in scratch {
        let folder = far.folder.join("root").join(at);
        let path = format!("{root}/{at}");
        // A folder's contents, not itself: `docker cp` has the same rule.
        let path = format!("{}/.", path.trim_end_matches('/'));
        fetch_folder(far, &path, folder).await?;
    }
    Ok(())
}

async fn fetch_folder(far: &Far, path: &str, to: PathBuf) -> Result<(), ExecError> {
    let options = DownloadFromContainerOptionsBuilder::default()
        .path(path)
        .build();
    let docker = &far.engine.docker;
    let mut download = Box::pin(docker.download_from_container(&far.id, Some(options)));
    let (sender, receiver) = mpsc::channel::<Bytes>(PIECES);
    let unpacking = tokio::task::spawn_blocking(move || {
        empty(&to)
            .and_then(|()| unpack(Receiver::new(receiver), &to))
            .map_err(|error| Diag::io("cannot take in the outputs in", &to, &error))
    });
    let mut failed = None;
    while let Some(piece) = download.next().await {
        match piece {
            Ok(piece) => {
                if sender.send(piece).await.is_err() {
                    break;
                }
            }
            // The action removed the folder.
            Err(error) if status(&error) == Some(404) => break,
            Err(error) => {
                failed = Some(say(&error));
                break;
            }
        }
    }
    drop(sender);
    let panicked = |_| ExecError::Failed(Diag::internal("unpacking an archive panicked"));
    let unpacked = unpacking.await.map_err(panicked)?;
    if let Some(why) = failed {
        return Err(ExecError::Unavailable(Diag::environment(format!(
            "the Docker engine does not give the outputs of an action: {why}"
        ))));
    }
    unpacked.map_err(ExecError::Failed)
}

/// What the layout put there is in what comes.
fn empty(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => remove_tree(&entry.path())?,
            false => fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}

/// Writes a folder's contents, and its own mode, as an archive, with `prefix` before all names.
fn pack(folder: &Path, prefix: &Path, owners: Owners, to: impl Write) -> io::Result<()> {
    let mut archive = Builder::new(to);
    let mut open = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        let path = folder.join(&below);
        // Folders are made before what is in them.
        let name = Path::new(".").join(prefix).join(&below);
        add(&mut archive, &path, &name, owners)?;
        for entry in fs::read_dir(&path)? {
            let entry = entry?;
            let below = below.join(entry.file_name());
            match entry.file_type()?.is_dir() {
                true => open.push(below),
                false => add(
                    &mut archive,
                    &entry.path(),
                    &Path::new(".").join(prefix).join(below),
                    owners,
                )?,
            }
        }
    }
    archive.into_inner()?.flush()
}

fn add(
    archive: &mut Builder<impl Write>,
    path: &Path,
    name: &Path,
    owners: Owners,
) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    let mut header = Header::new_gnu();
    let (uid, gid) = match metadata.mode() & 0o200 {
        0 => owners.other,
        _ => owners.writable,
    };
    header.set_uid(uid.into());
    header.set_gid(gid.into());
    header.set_mtime(u64::try_from(metadata.mtime()).unwrap_or(0));
    header.set_size(0);
    header.set_mode(metadata.mode() & 0o7777);
    if metadata.is_dir() {
        header.set_entry_type(EntryType::Directory);
        return archive.append_data(&mut header, name, io::empty());
    }
    if metadata.is_symlink() {
        header.set_entry_type(EntryType::Symlink);
        return archive.append_link(&mut header, name, fs::read_link(path)?);
    }
    if let Some(mode) = owners.programs.filter(|_| metadata.mode() & 0o100 != 0) {
        header.set_mode(mode);
    }
    header.set_entry_type(EntryType::Regular);
    header.set_size(metadata.len());
    archive.append_data(&mut header, name, fs::File::open(path)?)
}

/// Reads an archive into a folder.
fn unpack(from: impl Read, folder: &Path) -> io::Result<()> {
    let mut archive = tar::Archive::new(from);
    archive.set_preserve_permissions(true);
    archive.set_preserve_mtime(false);
    archive.set_unpack_xattrs(false);
    // Modes of folders come last: one may forbid to put something into it.
    let mut modes = Vec::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let kind = entry.header().entry_type();
        if kind.is_dir() {
            let path = below(folder, &entry.path()?)?;
            modes.push((path.clone(), entry.header().mode()? & 0o777));
            fs::create_dir_all(&path)?;
        } else if kind.is_fifo() || kind.is_character_special() || kind.is_block_special() {
            // No output can be one; what should have been a file is not there then.
        } else if !entry.unpack_in(folder)? {
            return Err(outside(&entry.path()?));
        }
    }
    for (path, mode) in modes.into_iter().rev() {
        fs::set_permissions(&path, Permissions::from_mode(mode))?;
    }
    Ok(())
}

/// Where an entry of that name goes, if that is in the folder, through no link.
fn below(folder: &Path, name: &Path) -> io::Result<PathBuf> {
    use std::path::Component;
    let mut path = folder.to_owned();
    for component in name.components() {
        match component {
            Component::CurDir => {}
            Component::Normal(part) => {
                if path.is_symlink() {
                    return Err(outside(name));
                }
                path.push(part);
            }
            _ => return Err(outside(name)),
        }
    }
    match path.is_symlink() {
        true => Err(outside(name)),
        false => Ok(path),
    }
}

fn outside(name: &Path) -> io::Error {
    io::Error::other(format!("`{}` leads out of it", name.display()))
}

/// The end of an archive that is written to.
struct Sender(mpsc::Sender<Bytes>);

impl Write for Sender {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = Bytes::copy_from_slice(bytes);
        match self.0.blocking_send(piece) {
            Ok(()) => Ok(bytes.len()),
            Err(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The end of an archive that is read from.
struct Receiver {
    pieces: mpsc::Receiver<Bytes>,
    piece: Bytes,
}

impl Receiver {
    fn new(pieces: mpsc::Receiver<Bytes>) -> Receiver {
        Receiver {
            pieces,
            piece: Bytes::new(),
        }
    }
}

impl Read for Receiver {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let length = self.piece.len().min(into.len());
        into[..length].copy_from_slice(&self.piece.split_to(length));
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(add: impl FnOnce(&mut Builder<Vec<u8>>)) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        add(&mut builder);
        builder.into_inner().unwrap()
    }

    fn header(kind: EntryType, size: u64) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_mode(0o644);
        header
    }

    /// A name that the library would not write.
    fn raw(mut header: Header, name: &str) -> Header {
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        header
    }

    fn refused(bytes: &[u8]) {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("in");
        fs::create_dir(&inside).unwrap();
        let unpacked = unpack(bytes, &inside);
        assert!(!folder.path().join("x").exists());
        assert!(
            unpacked.is_err(),
            "{:?}",
            fs::read_dir(&inside).unwrap().count()
        );
    }

    #[test]
    fn nothing_leads_out_of_the_folder() {
        for kind in [EntryType::Regular, EntryType::Directory] {
            refused(&archive(|a| {
                a.append(&raw(header(kind, 0), "../x"), io::empty())
                    .unwrap();
            }));
        }
        refused(&archive(|a| {
            let mut link = header(EntryType::Symlink, 0);
            a.append_link(&mut link, "up", "..").unwrap();
            a.append_data(&mut header(EntryType::Regular, 1), "up/x", &b"x"[..])
                .unwrap();
        }));
        refused(&archive(|a| {
            let mut link = header(EntryType::Symlink, 0);
            a.append_link(&mut link, "up", "..").unwrap();
            a.append_data(&mut header(EntryType::Directory, 0), "up/x", io::empty())
                .unwrap();
        }));
        refused(&[1; 2000]);
    }

    #[test]
    fn what_is_packed_comes_out_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("a/empty")).unwrap();
        fs::create_dir(&to).unwrap();
        fs::write(from.join("a/x"), "x").unwrap();
        let long = format!("a/{}", "long/".repeat(60));
        fs::create_dir_all(from.join(&long)).unwrap();
        fs::write(from.join(&long).join("y"), "y").unwrap();
        fs::set_permissions(from.join("a/x"), Permissions::from_mode(0o751)).unwrap();
        std::os::unix::fs::symlink("x", from.join("a/link")).unwrap();
        fs::set_permissions(from.join("a"), Permissions::from_mode(0o555)).unwrap();
        let owners = Owners {
            writable: (1, 1),
            other: ROOT,
            programs: None,
        };
        let mut bytes = Vec::new();
        pack(&from, Path::new(""), owners, &mut bytes).unwrap();
        unpack(&bytes[..], &to).unwrap();
        let mode = |path: &str| fs::metadata(to.join(path)).unwrap().mode() & 0o777;
        assert_eq!((mode("a"), mode("a/x")), (0o555, 0o751));
        assert_eq!(fs::read_to_string(to.join(&long).join("y")).unwrap(), "y");
        assert_eq!(fs::read_link(to.join("a/link")).unwrap(), Path::new("x"));
        assert!(to.join("a/empty").is_dir());
        let mut owned = tar::Archive::new(&bytes[..]);
        let uids = owned.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            (
                entry.path().unwrap().into_owned(),
                entry.header().uid().unwrap(),
            )
        });
        let uids: std::collections::BTreeMap<_, _> = uids.collect();
        assert_eq!(uids[Path::new("a")], 0);
        assert_eq!(uids[Path::new("a/x")], 1);
    }
}
