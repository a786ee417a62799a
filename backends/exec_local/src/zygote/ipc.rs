//! The IPC namespace of a worker. Making one for each action costs more than all of its mounts, so
//! a worker keeps its own and has another only when an action left something in it.

use std::fs;
use std::io::Read;

use rustix::fs::{CWD, Mode};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags};
use rustix::thread::UnshareFlags;

use super::wire::{Failure, HIDDEN, OrFailure, Step};
use crate::unix;

/// System V objects, a line each below a heading.
const SYSTEM_V: [&str; 3] = [
    "/proc/sysvipc/shm",
    "/proc/sysvipc/sem",
    "/proc/sysvipc/msg",
];

fn queues() -> String {
    format!("{HIDDEN}/queues")
}

/// Shows the worker's message queues in its hidden folder.
pub(super) fn build() -> Result<(), Failure> {
    let queues = queues();
    rustix::fs::mkdirat(CWD, queues.as_str(), Mode::from_raw_mode(0o755))
        .or_failure(Step::PrivateMount, &queues)?;
    mount(&queues)
}

fn mount(queues: &str) -> Result<(), Failure> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    match rustix::mount::mount("mqueue", queues, "mqueue", flags, None) {
        // A kernel without message queues.
        Err(Errno::NODEV) => Ok(()),
        other => other.or_failure(Step::PrivateMount, queues),
    }
}

/// Gives the next action a namespace of its own if the last one left an object behind.
pub(super) fn renew() -> Result<(), Failure> {
    let queues = queues();
    if !SYSTEM_V.iter().any(|list| has_entries(list)) && is_empty(&queues) {
        return Ok(());
    }
    unix::unshare(UnshareFlags::NEWIPC).or_failure(Step::Namespaces, "")?;
    match rustix::mount::unmount(queues.as_str(), UnmountFlags::DETACH) {
        Ok(()) => mount(&queues),
        // Nothing was mounted: see `mount`.
        Err(Errno::INVAL) => Ok(()),
        Err(error) => Err(error).or_failure(Step::PrivateMount, &queues),
    }
}

/// Whether there is a line below the heading. What cannot be read is taken to have one, but for a
/// list that this kernel does not have.
fn has_entries(list: &str) -> bool {
    let mut start = [0; 1024];
    match fs::File::open(list).and_then(|mut file| file.read(&mut start)) {
        Ok(length) => {
            start[..length]
                .iter()
                .filter(|&&byte| byte == b'\n')
                .count()
                > 1
        }
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}

fn is_empty(folder: &str) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}
