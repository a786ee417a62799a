//! An exec root without namespaces: a folder on disk with hard links to the store's files.
//!
//! Links to them by name would not do: programs that resolve links (Python, the dynamic loader)
//! would look for their neighbours in the store.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use super::wire::{Failure, Launch, Op, OrFailure, Setup, Step, WireTier};

/// Makes the folder anew.
pub(super) fn build(setup: &Setup, launch: &Launch<'_>) -> Result<(), Failure> {
    let mut plain = Plain {
        root: setup.exec_root(),
        setup,
        folders: BTreeSet::new(),
        writable: BTreeSet::new(),
        copies: false,
    };
    kiln_exec_root::remove_tree(plain.root.as_ref()).or_failure(Step::PrivateMount, &plain.root)?;
    plain.folder("")?;
    let in_workspace = setup.tier == WireTier::Workspace;
    plain.copies = in_workspace && launch.writable_root;
    for op in &launch.inputs {
        plain.apply(op)?;
    }
    plain.copies = in_workspace;
    for op in &launch.writable {
        plain.apply(op)?;
    }
    if launch.writable_root {
        plain.writable = plain.folders.clone();
    }
    plain.seal()
}

struct Plain<'a> {
    root: String,
    setup: &'a Setup,
    folders: BTreeSet<String>,
    writable: BTreeSet<String>,
    /// Whether the action could write to the store through a link: it is who runs kiln, perhaps
    /// root, and no read-only mount will cover what is put in place now.
    copies: bool,
}

impl Plain<'_> {
    fn path(&self, at: &str) -> String {
        format!("{}/{at}", self.root)
    }

    fn apply(&mut self, op: &Op<'_>) -> Result<(), Failure> {
        match op {
            Op::Dir(at) => self.folder(at),
            Op::WritableDir(at) | Op::Scratch(_, at) => {
                self.folder(at)?;
                self.writable.insert((*at).to_owned());
                Ok(())
            }
            Op::File(blob, at) => self.link(blob, at),
            Op::Link(target, at) => {
                std::os::unix::fs::symlink(target, self.path(at)).or_failure(Step::Input, at)
            }
            Op::Copy {
                blob,
                at,
                executable,
            } => self.copy(blob, at, *executable),
            Op::Tree(_, at) => Err(Failure::new(Step::Protocol, 0, *at)),
            // Nothing covers anything here.
            Op::Keep(_) | Op::Return(_) => Ok(()),
        }
    }

    fn folder(&mut self, at: &str) -> Result<(), Failure> {
        if self.folders.insert(at.to_owned()) {
            fs::create_dir(self.path(at)).or_failure(Step::Input, at)?;
        }
        Ok(())
    }

    fn link(&self, blob: &str, at: &str) -> Result<(), Failure> {
        let (from, to) = (format!("{}/{blob}", self.setup.cas), self.path(at));
        if self.copies {
            // With the mode of the blob, which is read-only.
            return fs::copy(&from, &to).map(drop).or_failure(Step::Input, blob);
        }
        match fs::hard_link(&from, &to) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(error).or_failure(Step::Input, blob)
            }
            // Another file system, or too many links to one file.
            Err(_) => fs::copy(&from, &to).map(drop).or_failure(Step::Input, blob),
            Ok(()) => Ok(()),
        }
    }

    fn copy(&self, blob: &str, at: &str, executable: bool) -> Result<(), Failure> {
        let (from, to) = (format!("{}/{blob}", self.setup.cas), self.path(at));
        fs::copy(&from, &to).or_failure(Step::Input, blob)?;
        let mode = if executable { 0o755 } else { 0o644 };
        fs::set_permissions(&to, Permissions::from_mode(mode)).or_failure(Step::Input, at)?;
        self.give(&to)
    }

    fn give(&self, path: &str) -> Result<(), Failure> {
        if self.setup.privileged {
            let (user, group) = self.setup.outer;
            std::os::unix::fs::chown(path, Some(user), Some(group))
                .or_failure(Step::Scratch, path)?;
        }
        Ok(())
    }

    /// Gives the writable folders to the action and takes the right to write to the others.
    fn seal(&self) -> Result<(), Failure> {
        for at in &self.folders {
            let path = self.path(at);
            match self.writable.contains(at) {
                true => self.give(&path)?,
                false => fs::set_permissions(&path, Permissions::from_mode(0o555))
                    .or_failure(Step::ReadOnly, &path)?,
            }
        }
        Ok(())
    }
}
