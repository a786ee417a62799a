//! Puts an action's exec root together, in the action's own mount namespace.

use std::collections::VecDeque;
use std::fs::File;
use std::os::fd::OwnedFd;

use rustix::fs::{CWD, FileType, Mode};
use rustix::mount::{MountFlags, MoveMountFlags, OpenTreeFlags};

use super::wire::{EXEC_ROOT, Failure, HIDDEN, Launch, Op, OrFailure, Setup, Step, WireTier};
use crate::unix;

/// Mounts everything the action sees; the last mount, `/tmp`, covers the store and the scratch
/// folders, which are then reachable only where they were put into the exec root.
pub(super) fn build(setup: &Setup, launch: &Launch<'_>) -> Result<(), Failure> {
    private_folders(setup)?;
    let mut stage = Stage {
        path: format!("{EXEC_ROOT}/"),
        source: String::new(),
        own: setup.privileged,
        own_dirs: setup.privileged && launch.writable_root,
        kept: VecDeque::new(),
    };
    if stage.own_dirs {
        stage.give(EXEC_ROOT)?;
    }
    for op in &launch.inputs {
        stage.apply(op)?;
    }
    if !launch.writable_root {
        // Only this mount: what is mounted in it came read-only from the store.
        unix::mount_attributes(&c_text(EXEC_ROOT.to_owned())?, false, unix::READ_ONLY)
            .or_failure(Step::ReadOnly, EXEC_ROOT)?;
    }
    // The folders to keep are taken before anything covers them.
    for op in &launch.writable {
        stage.apply(op)?;
    }
    if let WireTier::Namespaces { fresh_proc: true } = setup.tier {
        let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
        rustix::mount::mount("proc", "/proc", "proc", flags, None)
            .or_failure(Step::Proc, "/proc")?;
    }
    let private = format!("{HIDDEN}/memory/tmp");
    rustix::mount::mount_bind(private.as_str(), HIDDEN).or_failure(Step::PrivateMount, HIDDEN)
}

/// The exec root, `/tmp` and `/dev/shm`: folders of one file system in memory, since making one
/// costs several times what showing a folder does.
fn private_folders(setup: &Setup) -> Result<(), Failure> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    let size = match setup.tmp_size {
        0 => String::new(),
        size => format!(",size={size}"),
    };
    let options = c_text(format!("mode=0755{size}"))?;
    let memory = format!("{HIDDEN}/memory");
    rustix::mount::mount("kiln", memory.as_str(), "tmpfs", flags, options.as_c_str())
        .or_failure(Step::PrivateMount, &memory)?;
    for (name, at, mode) in [
        ("root", Some(EXEC_ROOT), 0o755),
        ("tmp", None, 0o1777),
        ("shm", Some("/dev/shm"), 0o1777),
    ] {
        let folder = format!("{memory}/{name}");
        rustix::fs::mkdirat(CWD, folder.as_str(), Mode::from_raw_mode(0o755))
            .or_failure(Step::PrivateMount, &folder)?;
        if mode != 0o755 {
            // `mkdir` is subject to the umask and knows no sticky bit.
            rustix::fs::chmod(folder.as_str(), Mode::from_raw_mode(mode))
                .or_failure(Step::PrivateMount, &folder)?;
        }
        if let Some(at) = at {
            rustix::mount::mount_bind(folder.as_str(), at).or_failure(Step::PrivateMount, at)?;
        }
    }
    Ok(())
}

fn c_text(text: String) -> Result<std::ffi::CString, Failure> {
    std::ffi::CString::new(text)
        .map_err(|_| Failure::new(Step::Protocol, libc::EINVAL, "a text with a NUL byte"))
}

struct Stage {
    /// `/kiln/`, and behind it the path at hand.
    path: String,
    /// Where what is shown at the path comes from.
    source: String,
    /// Whether what the action may write must be given to it.
    own: bool,
    /// Whether every folder must.
    own_dirs: bool,
    /// Read-only folders on their way from under a scratch folder to above it.
    kept: VecDeque<OwnedFd>,
}

impl Stage {
    fn apply(&mut self, op: &Op<'_>) -> Result<(), Failure> {
        let (Op::Dir(at)
        | Op::File(_, at)
        | Op::Tree(_, at)
        | Op::Link(_, at)
        | Op::Copy { at, .. }
        | Op::Keep(at)
        | Op::Scratch(_, at)
        | Op::WritableDir(at)
        | Op::Return(at)) = op;
        self.path.truncate(EXEC_ROOT.len() + 1);
        self.path.push_str(at);
        match op {
            Op::Dir(_) => self.dir(self.own_dirs),
            Op::WritableDir(_) => self.dir(self.own),
            Op::File(blob, _) => self.bind("cas", blob, FileType::RegularFile),
            Op::Tree(tree, _) => self.bind("trees", tree, FileType::Directory),
            Op::Link(target, _) => rustix::fs::symlinkat(*target, CWD, self.path.as_str())
                .or_failure(Step::Input, &self.path),
            Op::Copy {
                blob, executable, ..
            } => self.copy(blob, *executable),
            Op::Keep(_) => self.keep(),
            Op::Return(_) => self.give_back(),
            Op::Scratch(number, _) => self.scratch(*number),
        }
    }

    fn dir(&self, own: bool) -> Result<(), Failure> {
        rustix::fs::mkdirat(CWD, self.path.as_str(), Mode::from_raw_mode(0o755))
            .or_failure(Step::Input, &self.path)?;
        match own {
            true => self.give(&self.path),
            false => Ok(()),
        }
    }

    /// Makes the action the owner.
    fn give(&self, path: &str) -> Result<(), Failure> {
        std::os::unix::fs::chown(path, Some(1000), Some(1000)).or_failure(Step::Scratch, path)
    }

    fn bind(&mut self, mount: &str, source: &str, kind: FileType) -> Result<(), Failure> {
        self.set_source(mount, source);
        let path = self.path.as_str();
        let made = match kind {
            FileType::Directory => rustix::fs::mkdirat(CWD, path, Mode::from_raw_mode(0o755)),
            kind => rustix::fs::mknodat(CWD, path, kind, Mode::from_raw_mode(0o444), 0),
        };
        made.or_failure(Step::Input, path)?;
        // The mount of the store is read-only, and so is every part of it bound elsewhere.
        rustix::mount::mount_bind(self.source.as_str(), path).or_failure(Step::Input, source)
    }

    fn set_source(&mut self, mount: &str, name: &str) {
        self.source.clear();
        for part in [HIDDEN, "/", mount, "/", name] {
            self.source.push_str(part);
        }
    }

    fn copy(&mut self, blob: &str, executable: bool) -> Result<(), Failure> {
        self.set_source("cas", blob);
        let mode = if executable { 0o755 } else { 0o644 };
        let mut from = File::open(&self.source).or_failure(Step::Input, blob)?;
        let mut to = File::options()
            .write(true)
            .create_new(true)
            .open(&self.path)
            .or_failure(Step::Input, &self.path)?;
        std::io::copy(&mut from, &mut to).or_failure(Step::Input, &self.path)?;
        rustix::fs::fchmod(&to, Mode::from_raw_mode(mode)).or_failure(Step::Input, &self.path)?;
        if self.own {
            std::os::unix::fs::fchown(&to, Some(1000), Some(1000))
                .or_failure(Step::Scratch, &self.path)?;
        }
        Ok(())
    }

    fn keep(&mut self) -> Result<(), Failure> {
        let flags = OpenTreeFlags::OPEN_TREE_CLONE
            | OpenTreeFlags::OPEN_TREE_CLOEXEC
            | OpenTreeFlags::AT_RECURSIVE;
        let tree = rustix::mount::open_tree(CWD, self.path.as_str(), flags)
            .or_failure(Step::Scratch, &self.path)?;
        self.kept.push_back(tree);
        Ok(())
    }

    fn give_back(&mut self) -> Result<(), Failure> {
        self.dir(false)?;
        let lost = || Failure::new(Step::Protocol, 0, &self.path);
        let tree = self.kept.pop_front().ok_or_else(lost)?;
        let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
        rustix::mount::move_mount(tree, "", CWD, self.path.as_str(), flags)
            .or_failure(Step::Scratch, &self.path)
    }

    fn scratch(&self, number: u32) -> Result<(), Failure> {
        rustix::mount::mount_bind(
            format!("{HIDDEN}/scratch/{number}").as_str(),
            self.path.as_str(),
        )
        .or_failure(Step::Scratch, &self.path)
    }
}
