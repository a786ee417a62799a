//! Which processes use the store: each holds the lock of a file `users/<n>` as long as it lives.
//!
//! The owner of the index knows what its own process and those registered with it need. A held
//! slot that is not registered is a process whose needs are unknown: then nothing is collected.
//! A process that opens the store takes its slot *before* it looks at the lock of collection, and
//! a collector takes that lock *before* it looks at the slots, so one of the two sees the other.

use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use kiln_diag::Diag;
use rustix::fs::FlockOperation;

use crate::cas::make_folder;
use crate::message;

/// A process's place among the users. The lock goes with the process, however it ends.
pub(crate) struct UserSlot {
    /// Tells this use of the store from all others.
    pub(crate) user: u64,
    _file: File,
}

/// A process that holds a slot.
pub(crate) struct User {
    pub(crate) user: u64,
    /// Its process id, as it sees it itself; for messages.
    pub(crate) pid: u32,
}

/// More processes than this cannot use one store at a time.
const MOST: u32 = 4096;

impl UserSlot {
    /// Takes the first free slot.
    pub(crate) fn take(root: &Path) -> Result<UserSlot, Diag> {
        for number in 0..MOST {
            let path = slot_path(root, number);
            let file = match open_lock(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    make_folder(&root.join("users"), 0o700)?;
                    open_lock(&path)
                }
                other => other,
            };
            let file = file.map_err(|error| message::io("cannot open", &path, &error))?;
            if try_lock(&file) {
                let user = RandomState::new().build_hasher().finish();
                let text = format!("{:10} {user:016x}\n", std::process::id());
                let written = file.write_all_at(text.as_bytes(), 0);
                written.map_err(|error| message::io("cannot write", &path, &error))?;
                return Ok(UserSlot { user, _file: file });
            }
        }
        Err(message::too_many_users(root, MOST))
    }
}

/// The processes that hold slots. One that has taken its slot and not yet written who it is looks
/// like an earlier one, and will find that a collection runs.
pub(crate) fn present(root: &Path) -> Vec<User> {
    let mut present = Vec::new();
    for number in 0..MOST {
        let Ok(file) = File::open(slot_path(root, number)) else {
            break;
        };
        if !try_lock(&file) {
            let mut text = [0; 27];
            let read = file.read_at(&mut text, 0).unwrap_or(0);
            let text = String::from_utf8_lossy(&text[..read]);
            let (pid, user) = text.trim().split_once(' ').unwrap_or_default();
            present.push(User {
                user: u64::from_str_radix(user, 16).unwrap_or(0),
                pid: pid.parse().unwrap_or(0),
            });
        }
    }
    present
}

fn slot_path(root: &Path, number: u32) -> PathBuf {
    root.join("users").join(number.to_string())
}

/// Opens a file that is only there to be locked.
pub(crate) fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

pub(crate) fn try_lock(file: &File) -> bool {
    rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive).is_ok()
}

/// The lock that a collection holds while it runs.
pub(crate) struct CollectorLock(#[expect(dead_code, reason = "held, not read")] File);

impl CollectorLock {
    /// `None` when another collection runs.
    pub(crate) fn take(root: &Path) -> Result<Option<CollectorLock>, Diag> {
        let path = root.join("gc.lock");
        let file = open_lock(&path).map_err(|error| message::io("cannot open", &path, &error))?;
        Ok(try_lock(&file).then_some(CollectorLock(file)))
    }

    /// Whether a collection runs.
    pub(crate) fn is_held(root: &Path) -> bool {
        File::open(root.join("gc.lock")).is_ok_and(|file| {
            rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared).is_err()
        })
    }

    /// Waits for the end of the collection that runs, if any does.
    pub(crate) fn wait_for_end(root: &Path) {
        if let Ok(file) = File::open(root.join("gc.lock")) {
            // Interrupted or not: what collects has no need of a wait, only we have.
            let _ = rustix::fs::flock(&file, FlockOperation::LockShared);
        }
    }
}
