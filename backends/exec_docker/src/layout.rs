//! Puts exec roots together in a folder on disk, which a container sees as its `/kiln`.
//!
//! Inputs are hard links where the action is another user than the owner of the store's files, who
//! alone could make them writable. Where it is the same user they are copies.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use kiln_base::Digest;
use kiln_diag::Diag;
use kiln_exec_root::{Plan, Step, remove_tree};
use kiln_process::ExecError;
use kiln_store::Store;

/// Who actions are in containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct User {
    /// As the container is told.
    pub inside: (u32, u32),
    /// As that user is known outside: the owner of files that the action may change. `None` if it
    /// is whoever runs kiln.
    pub outside: Option<(u32, u32)>,
}

/// An exec root on disk.
pub(crate) struct Layout<'a> {
    pub root: &'a Path,
    pub store: &'a Store,
    pub user: User,
}

impl Layout<'_> {
    /// Empties the folder and puts an exec root into it. It blocks.
    pub(crate) fn build(&self, plan: &Plan, writable_root: bool) -> Result<(), ExecError> {
        self.empty().map_err(|error| failed(self.root, &error))?;
        let mut folders = BTreeSet::from([String::new()]);
        let mut writable = BTreeSet::new();
        for step in plan.inputs.iter().chain(&plan.writable) {
            match step {
                Step::Dir(at) => self.folder(at, &mut folders)?,
                Step::WritableDir(at) | Step::Scratch(_, at) => {
                    self.folder(at, &mut folders)?;
                    writable.insert(at.clone());
                }
                Step::File(digest, executable, at) => self.file(digest, *executable, at)?,
                Step::Copy(digest, executable, at) => self.own(digest, *executable, at)?,
                Step::Link(target, at) => {
                    let path = self.path(at);
                    std::os::unix::fs::symlink(target, &path)
                        .map_err(|error| failed(&path, &error))?;
                }
                Step::Tree(_, at) => return Err(failed(&self.path(at), &io::Error::other("tree"))),
                // Nothing covers anything here.
                Step::Keep(_) | Step::Return(_) => {}
            }
        }
        let writable = if writable_root { &folders } else { &writable };
        for at in &folders {
            let path = self.path(at);
            let sealed = match writable.contains(at) {
                true => self
                    .give(&path)
                    .and_then(|()| fs::set_permissions(&path, Permissions::from_mode(0o755))),
                false => fs::set_permissions(&path, Permissions::from_mode(0o555)),
            };
            sealed.map_err(|error| failed(&path, &error))?;
        }
        Ok(())
    }

    /// Removes what is in the exec root, and keeps the folder itself.
    fn empty(&self) -> io::Result<()> {
        fs::set_permissions(self.root, Permissions::from_mode(0o755))?;
        empty(self.root)?;
        self.take_back()
    }

    fn take_back(&self) -> io::Result<()> {
        match self.user.outside {
            Some(_) => std::os::unix::fs::chown(
                self.root,
                Some(rustix::process::geteuid().as_raw()),
                Some(rustix::process::getegid().as_raw()),
            ),
            None => Ok(()),
        }
    }

    fn path(&self, at: &str) -> PathBuf {
        match at {
            "" => self.root.to_owned(),
            at => self.root.join(at),
        }
    }

    fn folder(&self, at: &str, folders: &mut BTreeSet<String>) -> Result<(), ExecError> {
        if folders.insert(at.to_owned()) {
            let path = self.path(at);
            fs::create_dir(&path).map_err(|error| failed(&path, &error))?;
        }
        Ok(())
    }

    fn blob(&self, digest: &Digest, executable: bool) -> Result<PathBuf, ExecError> {
        let path = self.store.blob_path(digest, executable);
        path.ok_or(ExecError::MissingBlob(*digest))
    }

    /// An input that must not be changed.
    fn file(&self, digest: &Digest, executable: bool, at: &str) -> Result<(), ExecError> {
        let (from, to) = (self.blob(digest, executable)?, self.path(at));
        if self.user.outside.is_some() {
            match fs::hard_link(&from, &to) {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Err(ExecError::MissingBlob(*digest));
                }
                // Another file system, or too many links to one file.
                Err(_) => {}
            }
        }
        copy(&from, &to, digest, if executable { 0o555 } else { 0o444 })
    }

    /// An input that the action may change, because it is an output as well (PX-021).
    fn own(&self, digest: &Digest, executable: bool, at: &str) -> Result<(), ExecError> {
        let (from, to) = (self.blob(digest, executable)?, self.path(at));
        copy(&from, &to, digest, if executable { 0o755 } else { 0o644 })?;
        self.give(&to).map_err(|error| failed(&to, &error))
    }

    fn give(&self, path: &Path) -> io::Result<()> {
        match self.user.outside {
            Some((user, group)) => std::os::unix::fs::lchown(path, Some(user), Some(group)),
            None => Ok(()),
        }
    }
}

/// Removes what is in a folder that a container sees. The processes that wrote there must be gone.
pub(crate) fn empty(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => remove_tree(&entry.path())?,
            false => fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path, digest: &Digest, mode: u32) -> Result<(), ExecError> {
    match fs::copy(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(ExecError::MissingBlob(*digest))
        }
        Err(error) => Err(failed(to, &error)),
        Ok(_) => as_a_link(from, to, mode).map_err(|error| failed(to, &error)),
    }
}

/// Gives a copy what a link would have: the time of the store's file, which is the same everywhere.
fn as_a_link(from: &Path, to: &Path, mode: u32) -> io::Result<()> {
    let modified = fs::metadata(from)?.modified()?;
    // What comes out of the store is read-only.
    fs::set_permissions(to, Permissions::from_mode(0o600))?;
    File::options()
        .write(true)
        .open(to)?
        .set_modified(modified)?;
    fs::set_permissions(to, Permissions::from_mode(mode))
}

fn failed(path: &Path, error: &io::Error) -> ExecError {
    ExecError::Failed(Diag::io("cannot put an input in place:", path, error))
}
