//! The files of the workspace that an action reads, as the kernel tells of them.
//!
//! Told are files that are opened for reading, by any process of the action, unless the action made
//! or overwrote them before. Not told: programs that are executed, listings of folders, and whether
//! something is there at all.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::process::Pid;

use super::wire::Setup;
use crate::unix::{self, CALLS, Call};

/// So many paths are told at most.
const MOST: usize = 50_000;
/// Longer paths are none (`PATH_MAX`).
const LONGEST: usize = 4096;

/// What was read so far.
pub(super) struct Reads {
    listener: OwnedFd,
    root: PathBuf,
    /// Folders in the root that show something else.
    shown: Vec<PathBuf>,
    read: BTreeSet<String>,
    written: BTreeSet<PathBuf>,
}

impl Reads {
    pub(super) fn new(setup: &Setup, listener: OwnedFd) -> Reads {
        let shown = setup.workspace.shown.iter();
        Reads {
            listener,
            root: PathBuf::from(&setup.workspace.root),
            shown: shown.map(|(_, at)| PathBuf::from(at)).collect(),
            read: BTreeSet::new(),
            written: BTreeSet::new(),
        }
    }

    /// Something to read means that a call waits.
    pub(super) fn listener(&self) -> &OwnedFd {
        &self.listener
    }

    /// Relative to the workspace.
    pub(super) fn into_paths(self) -> Vec<String> {
        self.read.into_iter().collect()
    }

    /// Looks at a call that waits, and lets it go on.
    pub(super) fn take(&mut self) -> io::Result<()> {
        let Some(call) = unix::next_call(&self.listener)? else {
            return Ok(());
        };
        // What cannot be looked at cannot be opened either.
        if let Some(path) = path_of(&call) {
            self.note(&call, &path);
        }
        unix::let_go(&self.listener, &call);
        Ok(())
    }

    fn note(&mut self, call: &Call, path: &Path) {
        if writes(call) {
            // It may not be there yet, but its folder is.
            let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
            if let (Some(folder), Some(name)) = (folder, path.file_name())
                && folder.starts_with(&self.root)
                && self.written.len() < MOST
            {
                self.written.insert(folder.join(name));
            }
            return;
        }
        let Ok(real) = path.canonicalize() else {
            return;
        };
        let hidden = self.shown.iter().any(|shown| real.starts_with(shown));
        if hidden || self.written.contains(&real) || !real.is_file() {
            return;
        }
        if let Ok(below) = real.strip_prefix(&self.root)
            && let Some(below) = below.to_str()
            && self.read.len() < MOST
        {
            self.read.insert(below.to_owned());
        }
    }
}

/// Whether the file will not be, or was not, what it is because of somebody else.
fn writes(call: &Call) -> bool {
    let flags = match call.number {
        #[cfg(target_arch = "x86_64")]
        libc::SYS_open => call.arguments[1],
        libc::SYS_openat => call.arguments[2],
        libc::SYS_openat2 => {
            let how = unix::read_memory(call.pid, call.arguments[2], 8).unwrap_or_default();
            how.try_into().map_or(0, u64::from_ne_bytes)
        }
        // Renamed, or made.
        _ => return true,
    };
    let access = flags as i32 & libc::O_ACCMODE;
    access == libc::O_WRONLY || access == libc::O_RDWR
}

/// The path that a call names, absolute.
fn path_of(call: &Call) -> Option<PathBuf> {
    let (_, folder, path) = CALLS.iter().find(|(number, ..)| *number == call.number)?;
    let path = text(call.pid, call.arguments[*path])?;
    let path = Path::new(&path);
    if path.is_absolute() {
        return Some(path.to_owned());
    }
    let process = format!("/proc/{}", call.pid.as_raw_nonzero());
    // A descriptor is 32 bits wide, whatever is above them.
    let folder = folder.map(|at| call.arguments[at] as i32);
    let folder = match folder.filter(|fd| *fd != libc::AT_FDCWD) {
        Some(fd) => std::fs::read_link(format!("{process}/fd/{fd}")),
        None => std::fs::read_link(format!("{process}/cwd")),
    };
    Some(folder.ok()?.join(path))
}

/// A text of another process, up to its NUL byte.
fn text(pid: Pid, address: u64) -> Option<String> {
    const PAGE: u64 = 4096;
    let mut bytes = Vec::new();
    let mut at = address;
    while bytes.len() < LONGEST {
        // The next page may not be there.
        let length = PAGE - at % PAGE;
        let read = unix::read_memory(pid, at, length as usize).ok()?;
        if read.is_empty() {
            return None;
        }
        if let Some(end) = read.iter().position(|byte| *byte == 0) {
            bytes.extend_from_slice(&read[..end]);
            return String::from_utf8(bytes).ok();
        }
        at += read.len() as u64;
        bytes.extend(read);
    }
    None
}
