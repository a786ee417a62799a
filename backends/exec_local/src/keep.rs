//! Kept sandboxes: what an action had and made, and a script that repeats it (PX-023).
//!
//! ```text
//! <folder>/inputs/    a copy of the exec root as it was at the start
//! <folder>/outputs/   what was made of the declared outputs, relative to the working directory
//! <folder>/stdout, stderr
//! <folder>/run.sh     repeats the action in `<folder>/run`
//! <folder>/mounts     what of that is read-only, for the script
//! ```

mod script;

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use kiln_base::Digest;
use kiln_diag::Diag;
use kiln_process::{Description, Exit, Process, ProcessResult, Request};
use kiln_store::Store;
use kiln_tree::{Node, Tree};

use crate::config::{Keep, LocalConfig};
use kiln_exec_root::remove_tree;
use script::Repeat;

/// Whose sandboxes are kept, and where.
pub(crate) struct Keeper {
    keep: Keep,
    folder: PathBuf,
    roots: Vec<PathBuf>,
}

/// What is needed of a request to keep its sandbox.
pub(crate) struct KeepJob {
    process: Process,
    name: String,
    title: String,
    writable: bool,
}

impl Keeper {
    pub(crate) fn new(config: &LocalConfig) -> Keeper {
        Keeper {
            keep: config.keep,
            folder: config.keep_dir.clone(),
            roots: config.system_roots.clone(),
        }
    }

    /// Takes note of a request whose sandbox may have to be kept. `writable`: it may write anywhere.
    pub(crate) fn job(&self, request: &Request<'_>, writable: bool) -> Option<KeepJob> {
        let describe = request.describe;
        (self.keep != Keep::Never).then(|| KeepJob {
            process: request.process.clone(),
            name: folder_name(describe, &request.action),
            title: format!("{} ({})", describe.label, describe.mnemonic).replace('\n', " "),
            writable,
        })
    }

    /// Keeps a sandbox if its turn has come; returns its folder.
    pub(crate) fn keep(
        &self,
        job: &KeepJob,
        result: &ProcessResult,
        store: &Store,
    ) -> Result<Option<PathBuf>, Diag> {
        if self.keep == Keep::OnFailure && result.exit == Exit::Code(0) {
            return Ok(None);
        }
        let folder = self.folder.join(&job.name);
        self.write(job, result, store, &folder)
            .map_err(|error| Diag::io("cannot keep the sandbox", &folder, &error))?;
        Ok(Some(folder))
    }

    fn write(
        &self,
        job: &KeepJob,
        result: &ProcessResult,
        store: &Store,
        folder: &Path,
    ) -> io::Result<()> {
        remove_tree(folder)?;
        fs::create_dir_all(folder)?;
        copy_tree(&job.process.inputs, store, &folder.join("inputs"))?;
        copy_tree(&result.outputs, store, &folder.join("outputs"))?;
        for (name, digest) in [("stdout", &result.stdout), ("stderr", &result.stderr)] {
            copy_blob(digest, false, store, &folder.join(name))?;
        }
        let repeat = Repeat {
            process: &job.process,
            title: &job.title,
            roots: &self.roots,
            writable: job.writable,
        };
        fs::write(folder.join("mounts"), repeat.mounts())?;
        let path = folder.join("run.sh");
        fs::write(&path, repeat.script())?;
        fs::set_permissions(&path, Permissions::from_mode(0o755))
    }
}

/// `Genrule-name-0123456789ab`: for people, and told apart by the action's key.
fn folder_name(describe: &Description, action: &Digest) -> String {
    let label = describe.label.rsplit([':', '/']).next().unwrap_or_default();
    let short = |text: &str| -> String {
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || "_.".contains(c) {
                c
            } else {
                '-'
            }
        };
        text.chars().map(plain).take(40).collect()
    };
    let key = &action.hex()[..12];
    format!("{}-{}-{key}", short(&describe.mnemonic), short(label))
}

fn copy_tree(tree: &Tree, store: &Store, folder: &Path) -> io::Result<()> {
    fs::create_dir(folder)?;
    for (name, node) in tree.entries() {
        let path = folder.join(&**name);
        match node {
            Node::File { digest, executable } => copy_blob(digest, *executable, store, &path)?,
            Node::Symlink(target) => std::os::unix::fs::symlink(&**target, &path)?,
            Node::Dir(below) => copy_tree(below, store, &path)?,
        }
    }
    Ok(())
}

/// A copy that whoever looks may edit.
fn copy_blob(digest: &Digest, executable: bool, store: &Store, path: &Path) -> io::Result<()> {
    if *digest == Digest::EMPTY {
        fs::write(path, "")?;
    } else {
        let blob = store.blob_path(digest, executable);
        fs::copy(blob.ok_or(io::ErrorKind::NotFound)?, path)?;
    }
    let mode = if executable { 0o755 } else { 0o644 };
    fs::set_permissions(path, Permissions::from_mode(mode))
}
