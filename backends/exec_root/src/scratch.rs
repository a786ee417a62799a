//! Folders on the store's file system that running actions write into. They are used again and
//! again: on some file systems making an inode soon after deleting others is very slow.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use kiln_diag::Diag;
use rustix::fs::FlockOperation;

/// One kiln process's part of the scratch folder; removed with this value. What a killed process
/// left is removed by the next one.
pub struct ScratchRoot {
    path: PathBuf,
    /// The lock says that this process is alive.
    _lock: File,
    next: AtomicU32,
    /// Who the actions are, if not the user who runs kiln.
    owner: Option<(u32, u32)>,
}

impl ScratchRoot {
    /// Makes one below `folder`.
    pub fn new(folder: &Path, owner: Option<(u32, u32)>) -> Result<ScratchRoot, Diag> {
        let failed = |error| Diag::io("cannot make the scratch folder", folder, &error);
        fs::create_dir_all(folder).map_err(failed)?;
        remove_stale(folder);
        for attempt in 0..1000 {
            let path = folder.join(format!("{}-{attempt}", std::process::id()));
            match fs::create_dir(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                other => other.map_err(failed)?,
            }
            let lock = File::open(&path).map_err(failed)?;
            // Refused if another process took it for a left-over in this very moment.
            if rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
                return Ok(ScratchRoot {
                    path,
                    _lock: lock,
                    next: AtomicU32::new(0),
                    owner,
                });
            }
        }
        Err(failed(io::ErrorKind::AlreadyExists.into()))
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A new set of folders for one worker.
    pub fn slot(&self) -> io::Result<SlotFiles> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.path.join(number.to_string());
        fs::create_dir(&path)?;
        Ok(SlotFiles {
            path,
            folders: 0,
            used: 0,
            owner: self.owner,
        })
    }
}

impl Drop for ScratchRoot {
    fn drop(&mut self) {
        let _ = remove_tree(&self.path);
    }
}

fn remove_stale(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let free = File::open(&path).is_ok_and(|file| {
            rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok()
        });
        if free {
            let _ = remove_tree(&path);
        }
    }
}

/// The folders and output files of one worker.
pub struct SlotFiles {
    path: PathBuf,
    /// How many folders there are.
    folders: u32,
    /// How many of them the last action had.
    used: u32,
    owner: Option<(u32, u32)>,
}

impl SlotFiles {
    /// The folder with all of it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The scratch folder of that number.
    pub fn folder(&self, number: u32) -> PathBuf {
        self.path.join(number.to_string())
    }

    /// The file for the standard output.
    pub fn stdout(&self) -> PathBuf {
        self.path.join("stdout")
    }

    /// The file for the standard error.
    pub fn stderr(&self) -> PathBuf {
        self.path.join("stderr")
    }

    /// Makes `count` empty folders and two empty files ready; the files are returned, open for
    /// appending.
    pub fn prepare(&mut self, count: u32) -> io::Result<[File; 2]> {
        self.clean()?;
        while self.folders < count {
            let path = self.folder(self.folders);
            fs::create_dir(&path)?;
            self.give(&path)?;
            self.folders += 1;
        }
        self.used = count;
        Ok([
            self.output_file(&self.stdout())?,
            self.output_file(&self.stderr())?,
        ])
    }

    fn output_file(&self, path: &Path) -> io::Result<File> {
        let file = File::options().create(true).append(true).open(path)?;
        let metadata = file.metadata()?;
        if metadata.len() > 0 {
            file.set_len(0)?;
        }
        if self.owner.is_some_and(|(user, _)| metadata.uid() != user) {
            self.give(path)?;
        }
        Ok(file)
    }

    fn give(&self, path: &Path) -> io::Result<()> {
        match self.owner {
            Some((user, group)) => std::os::unix::fs::lchown(path, Some(user), Some(group)),
            None => Ok(()),
        }
    }

    /// Empties what the last action had. Its processes must be gone.
    pub fn clean(&mut self) -> io::Result<()> {
        for number in 0..self.used {
            let path = self.folder(number);
            if !is_pristine(&path)? {
                remove_tree(&path)?;
                fs::create_dir(&path)?;
                self.give(&path)?;
                continue;
            }
            for entry in fs::read_dir(&path)? {
                let entry = entry?;
                match entry.file_type()?.is_dir() {
                    true => remove_tree(&entry.path())?,
                    false => fs::remove_file(entry.path())?,
                }
            }
        }
        self.used = 0;
        Ok(())
    }
}

/// Whether the action left mode and attributes of its folder alone.
fn is_pristine(path: &Path) -> io::Result<bool> {
    let Ok(folder) = File::open(path) else {
        return Ok(false);
    };
    let mode = folder.metadata()?.mode() & 0o7777;
    let attributes = rustix::fs::flistxattr(folder.as_fd(), &mut [0u8; 0]).unwrap_or(0);
    Ok(mode == 0o755 && attributes == 0)
}

/// Removes a folder with all that is in it, also where an action took permissions away.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            make_removable(path)?;
            fs::remove_dir_all(path)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn make_removable(folder: &Path) -> io::Result<()> {
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            }
        }
    }
    Ok(())
}
