//! An action in the workspace itself: its exec root is a plain folder elsewhere, and mounts that only
//! the action sees show what in it is not in the workspace (outputs, other repositories).
//!
//! ```text
//! <scratch>/root                the exec root ({chroot}); read-only but for folders of outputs
//! <workspace>                   the working directory: the real one, writable
//! <workspace>/kiln-out/...      <scratch>/root/kiln-out
//! <workspace>/external/...      <scratch>/root/external
//! ```

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::CWD;
use rustix::mount::{MountPropagationFlags, MoveMountFlags, OpenTreeFlags};
use rustix::process::getpid;
use rustix::thread::UnshareFlags;

use super::wire::{Failure, Launch, Op, OrFailure, Setup, Step};
use super::{plain, worker};
use crate::unix;

/// Gives the worker mounts of its own; what is mounted on the machine later is seen all the same.
/// `ask_for_ids` maps whoever runs kiln to themselves, should that take a user namespace.
pub(super) fn enter(ask_for_ids: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    if worker::unshare(UnshareFlags::NEWNS).is_err() {
        worker::unshare(UnshareFlags::NEWUSER).or_failure(Step::UserNamespace, "")?;
        ask_for_ids()?;
        worker::unshare(UnshareFlags::NEWNS).or_failure(Step::Namespaces, "")?;
    }
    let slave = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", slave).or_failure(Step::RootMount, "/")
}

/// Makes the exec root and shows it.
pub(super) fn build(setup: &Setup, launch: &Launch<'_>) -> Result<(), Failure> {
    plain::build(setup, launch)?;
    let root = setup.exec_root();
    if !launch.writable_root {
        protect(&root, launch)?;
    }
    for (name, at) in &setup.workspace.shown {
        let folder = format!("{root}/{name}");
        if Path::new(&folder).is_dir() {
            rustix::mount::mount_bind_recursive(folder.as_str(), at.as_str())
                .or_failure(Step::Show, at)?;
        }
    }
    own_processes(launch.watch)
}

/// Makes the exec root read-only, also for root, but for the folders of outputs: its files are
/// links to those of the store.
fn protect(root: &str, launch: &Launch<'_>) -> Result<(), Failure> {
    let mut scratch = VecDeque::new();
    for op in &launch.writable {
        if let Op::Scratch(_, at) = op {
            let path = format!("{root}/{at}");
            scratch.push_back((clone(&path)?, path));
        }
    }
    rustix::mount::mount_bind(root, root).or_failure(Step::Scratch, root)?;
    let text = std::ffi::CString::new(root)
        .map_err(|_| Failure::new(Step::Protocol, libc::EINVAL, root))?;
    unix::mount_attributes(&text, false, unix::READ_ONLY).or_failure(Step::ReadOnly, root)?;
    for (tree, path) in scratch {
        let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
        rustix::mount::move_mount(tree, "", CWD, path.as_str(), flags)
            .or_failure(Step::Scratch, &path)?;
    }
    Ok(())
}

fn clone(path: &str) -> Result<OwnedFd, Failure> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    rustix::mount::open_tree(CWD, path, flags).or_failure(Step::Scratch, path)
}

/// A `/proc` of the processes that the action can see. Where a container masks its own, a new one
/// is refused, and the action has to do with the old one; then it cannot be watched.
fn own_processes(watch: bool) -> Result<(), Failure> {
    debug_assert_eq!(getpid().as_raw_nonzero().get(), 1);
    let flags = rustix::mount::MountFlags::NOSUID
        | rustix::mount::MountFlags::NODEV
        | rustix::mount::MountFlags::NOEXEC;
    match rustix::mount::mount("proc", "/proc", "proc", flags, None) {
        Err(rustix::io::Errno::PERM) if !watch => Ok(()),
        mounted => mounted.or_failure(Step::Proc, "/proc"),
    }
}
