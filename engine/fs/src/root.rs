//! A folder that sources are read from: the workspace, or a repository beside it.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kiln_base::RelPath;
use kiln_diag::Diag;
use rustix::fs::{CWD, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::error::io_diag;
use crate::listing::{Entry, EntryKind, Link, LinkPlace, Listing, OddName, Resolved};

/// A folder that sources are read from. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SourceRoot(Arc<Folders>);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Folders {
    /// As given: this is what messages show.
    shown: PathBuf,
    /// Without links.
    real: PathBuf,
}

/// What is known of a file without reading it; links are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stat {
    /// What it is; never `Missing`.
    pub kind: Resolved,
    /// Whether its owner may execute it (PX-025).
    pub executable: bool,
    /// Permission and type bits.
    pub mode: u32,
    /// Size in bytes.
    pub size: u64,
    /// Time of the last change of contents, in nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Time of the last change of contents or attributes, in nanoseconds since 1970.
    pub ctime_ns: i64,
    /// Number of the file on its device.
    pub inode: u64,
    /// The device.
    pub device: u64,
}

impl Stat {
    pub(crate) fn of(meta: &fs::Metadata) -> Stat {
        let nanos = |seconds: i64, nanos: i64| seconds.saturating_mul(1_000_000_000) + nanos;
        Stat {
            kind: match meta.file_type() {
                kind if kind.is_file() => Resolved::File,
                kind if kind.is_dir() => Resolved::Directory,
                _ => Resolved::Other,
            },
            executable: meta.mode() & 0o100 != 0,
            mode: meta.mode(),
            size: meta.size(),
            mtime_ns: nanos(meta.mtime(), meta.mtime_nsec()),
            ctime_ns: nanos(meta.ctime(), meta.ctime_nsec()),
            inode: meta.ino(),
            device: meta.dev(),
        }
    }
}

impl SourceRoot {
    /// Opens a folder. `folder` must be absolute.
    ///
    /// Errors: it is not a folder, or it cannot be looked at.
    pub fn open(folder: &Path) -> Result<SourceRoot, Diag> {
        let real = fs::canonicalize(folder).map_err(|e| io_diag("cannot open", folder, &e))?;
        if !real.is_dir() {
            return Err(Diag::environment(format!(
                "`{}` is not a folder",
                folder.display()
            )));
        }
        let shown = folder.to_owned();
        Ok(SourceRoot(Arc::new(Folders { shown, real })))
    }

    /// The folder as it was given.
    pub fn folder(&self) -> &Path {
        &self.0.shown
    }

    /// The absolute path of something in it.
    pub fn path(&self, path: &RelPath) -> PathBuf {
        path.under(&self.0.shown)
    }

    /// Looks at a file or directory, links followed; `None` if nothing is there.
    ///
    /// Errors: it may not be looked at.
    pub fn stat(&self, path: &RelPath) -> Result<Option<Stat>, Diag> {
        let full = self.path(path);
        match fs::metadata(&full) {
            Ok(meta) => Ok(Some(Stat::of(&meta))),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(io_diag("cannot look at", &full, &error)),
        }
    }

    /// Lists a directory; `None` if nothing is there or it is no directory.
    ///
    /// Errors: it may not be read.
    pub fn list(&self, path: &RelPath) -> Result<Option<Listing>, Diag> {
        let full = self.path(path);
        let fail = |error: Errno| io_diag("cannot list", &full, &error.into());
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = match rustix::fs::openat(CWD, &full, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            Err(error) => return Err(fail(error)),
        };
        let mut directory = Dir::new(fd).map_err(fail)?;
        let (mut entries, mut odd) = (Vec::new(), Vec::new());
        while let Some(entry) = directory.read() {
            let entry = entry.map_err(fail)?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            let kind = self.kind(&full, OsStr::from_bytes(name), entry.file_type());
            match std::str::from_utf8(name) {
                Ok(name) => entries.push(Entry {
                    name: Arc::from(name),
                    kind,
                }),
                Err(_) => odd.push(OddName {
                    name: name.into(),
                    kind,
                }),
            }
        }
        Ok(Some(Listing::new(entries, odd)))
    }

    fn kind(&self, folder: &Path, name: &OsStr, file_type: FileType) -> EntryKind {
        match file_type {
            FileType::RegularFile => EntryKind::File,
            FileType::Directory => EntryKind::Directory,
            FileType::Symlink => EntryKind::Symlink(Arc::new(self.follow(&folder.join(name)))),
            // Some file systems do not tell the type when they list.
            FileType::Unknown => match fs::symlink_metadata(folder.join(name)) {
                Ok(meta) if meta.is_file() => EntryKind::File,
                Ok(meta) if meta.is_dir() => EntryKind::Directory,
                Ok(meta) if meta.is_symlink() => {
                    EntryKind::Symlink(Arc::new(self.follow(&folder.join(name))))
                }
                _ => EntryKind::Other,
            },
            _ => EntryKind::Other,
        }
    }

    fn follow(&self, link: &Path) -> Link {
        let real = fs::canonicalize(link);
        let found = real.and_then(|real| fs::metadata(&real).map(|meta| (real, meta)));
        match found {
            Ok((real, meta)) => Link {
                to: Stat::of(&meta).kind,
                place: LinkPlace::of(&real, &self.0.real),
            },
            // A target that may not be seen is as good as none; reading it says why.
            Err(_) => Link {
                to: Resolved::Missing,
                place: LinkPlace::Outside(PathBuf::new()),
            },
        }
    }
}

/// Whether an error only says that nothing is there.
pub(crate) fn is_absent(error: &std::io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::NOENT | Errno::NOTDIR)
    )
}
