//! The read-only root that a worker keeps ready: system folders, `/dev`, `/etc`, and, hidden away
//! from the action before it starts, the store and the slot's scratch folders.

use std::ffi::CString;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags};
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags};

use super::ipc;
use super::wire::{EXEC_ROOT, Failure, HIDDEN, OrFailure, Setup, Step};
use crate::unix;

const OLD: &str = "/.old";
const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];

/// Builds the root and moves into it; nothing else of the machine is in view afterwards, but for
/// the outer `/proc`, which each action covers with its own.
pub(super) fn build(setup: &Setup) -> Result<(), Failure> {
    enter_empty_root()?;
    for folder in [EXEC_ROOT, "/proc", "/dev", "/etc", HIDDEN] {
        make_dir(folder, Step::RootMount)?;
    }
    hidden(setup)?;
    for root in &setup.roots {
        system_root(Path::new(root))?;
    }
    for (name, contents) in &setup.etc {
        let path = format!("/etc/{name}");
        if rustix::fs::access(path.as_str(), rustix::fs::Access::EXISTS).is_err() {
            std::fs::write(&path, contents).or_failure(Step::SystemRoot, &path)?;
        }
    }
    devices()?;
    // A new `/proc` may only be mounted where a whole one is in view already.
    rustix::mount::mount_bind_recursive(format!("{OLD}/proc").as_str(), "/proc")
        .or_failure(Step::Proc, "/proc")?;
    rustix::mount::unmount(OLD, UnmountFlags::DETACH).or_failure(Step::PivotRoot, OLD)?;
    rustix::fs::rmdir(OLD).or_failure(Step::PivotRoot, OLD)?;
    unix::mount_attributes(c"/", false, unix::READ_ONLY).or_failure(Step::ReadOnly, "/")
}

fn enter_empty_root() -> Result<(), Failure> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", private).or_failure(Step::RootMount, "/")?;
    // Any folder that is there will do: only this namespace sees it covered.
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    rustix::mount::mount("kiln", "/tmp", "tmpfs", flags, c"mode=0755")
        .or_failure(Step::RootMount, "tmpfs")?;
    let old = format!("/tmp{OLD}");
    make_dir(&old, Step::RootMount)?;
    rustix::process::chdir("/tmp").or_failure(Step::PivotRoot, "/tmp")?;
    rustix::process::pivot_root(".", &OLD[1..]).or_failure(Step::PivotRoot, "/tmp")?;
    rustix::process::chdir("/").or_failure(Step::PivotRoot, "/")
}

fn hidden(setup: &Setup) -> Result<(), Failure> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    rustix::mount::mount("kiln", HIDDEN, "tmpfs", flags, c"mode=0755")
        .or_failure(Step::StoreMount, HIDDEN)?;
    make_dir(&format!("{HIDDEN}/memory"), Step::StoreMount)?;
    ipc::build()?;
    for (name, source, attributes) in [
        ("cas", &setup.cas, unix::READ_ONLY | unix::HARMLESS),
        ("trees", &setup.trees, unix::READ_ONLY | unix::HARMLESS),
        ("scratch", &setup.scratch, unix::HARMLESS),
    ] {
        let at = format!("{HIDDEN}/{name}");
        make_dir(&at, Step::StoreMount)?;
        rustix::mount::mount_bind(format!("{OLD}{source}").as_str(), at.as_str())
            .or_failure(Step::StoreMount, source)?;
        unix::mount_attributes(&c_path(&at)?, false, attributes)
            .or_failure(Step::StoreMount, source)?;
    }
    Ok(())
}

/// Shows a system folder, file or link at its own path. What this machine lacks is left out; it
/// is up to the environment's identity to tell machines apart (R17).
fn system_root(path: &Path) -> Result<(), Failure> {
    let shown = path.display().to_string();
    let Ok(inner) = path.strip_prefix("/") else {
        return Ok(());
    };
    let old = Path::new(OLD).join(inner);
    let Ok(metadata) = std::fs::symlink_metadata(&old) else {
        return Ok(());
    };
    if std::fs::symlink_metadata(path).is_ok() {
        // A folder shown before has it already.
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).or_failure(Step::SystemRoot, &shown)?;
    }
    if metadata.is_symlink() && inner.components().count() == 1 {
        // `/bin -> usr/bin`: the same link, so that paths resolve as outside.
        let target = std::fs::read_link(&old).or_failure(Step::SystemRoot, &shown)?;
        return std::os::unix::fs::symlink(target, path).or_failure(Step::SystemRoot, &shown);
    }
    // Other links (`/etc/resolv.conf`) lead to where nothing is in here, so follow them outside.
    let outside = rustix::fs::open(OLD, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
        .or_failure(Step::SystemRoot, &shown)?;
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let Ok(source) =
        rustix::fs::openat2(&outside, inner, flags, Mode::empty(), ResolveFlags::IN_ROOT)
    else {
        return Ok(());
    };
    let stat = rustix::fs::fstat(&source).or_failure(Step::SystemRoot, &shown)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => std::fs::create_dir(path).or_failure(Step::SystemRoot, &shown)?,
        _ => std::fs::write(path, "").or_failure(Step::SystemRoot, &shown)?,
    }
    let from = format!(
        "{OLD}/proc/self/fd/{}",
        std::os::fd::AsRawFd::as_raw_fd(&source)
    );
    rustix::mount::mount_bind_recursive(from.as_str(), path)
        .or_failure(Step::SystemRoot, &shown)?;
    unix::mount_attributes(&c_path(&shown)?, true, unix::READ_ONLY | unix::HARMLESS)
        .or_failure(Step::ReadOnly, &shown)
}

fn devices() -> Result<(), Failure> {
    for name in DEVICES {
        let at = format!("/dev/{name}");
        std::fs::write(&at, "").or_failure(Step::Device, &at)?;
        // A node cannot be made in a user namespace, but shown.
        rustix::mount::mount_bind(format!("{OLD}{at}").as_str(), at.as_str())
            .or_failure(Step::Device, &at)?;
    }
    for (name, target) in [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
        ("ptmx", "pts/ptmx"),
    ] {
        let at = format!("/dev/{name}");
        std::os::unix::fs::symlink(target, &at).or_failure(Step::Device, &at)?;
    }
    for folder in ["/dev/shm", "/dev/pts"] {
        make_dir(folder, Step::Device)?;
    }
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    rustix::mount::mount(
        "devpts",
        "/dev/pts",
        "devpts",
        flags,
        c"newinstance,ptmxmode=0666",
    )
    .or_failure(Step::Device, "/dev/pts")
}

fn make_dir(path: &str, step: Step) -> Result<(), Failure> {
    rustix::fs::mkdirat(CWD, path, Mode::from_raw_mode(0o755)).or_failure(step, path)
}

fn c_path(path: &str) -> Result<CString, Failure> {
    CString::new(path).map_err(|_| Failure::new(Step::Protocol, libc::EINVAL, path))
}
