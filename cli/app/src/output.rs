//! The output folder: what was built, put where people look for it.
//!
//! `kiln-out` in the workspace is a link to a folder of this workspace in the user's cache. It
//! holds copies: whoever changes one in place changes no blob of the store. A list of what was
//! written, with the stat facts of each file, lets a run that changes nothing write nothing.
//!
//! | fact in the list | why |
//! | --- | --- |
//! | path, digest, executable bit | what should be there |
//! | size, mtime, inode | whether it still is what was written |

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use kiln_base::Digest;
use kiln_diag::Diag;
use kiln_store::Store;
use kiln_tree::{Node, Tree};

/// The name of the link in the workspace, and of the folder where actions run.
pub(crate) const OUT: &str = "kiln-out";

const LIST: &str = ".kiln-written";

/// The output folder of a workspace.
pub(crate) struct OutputFolder {
    folder: PathBuf,
    store: Store,
    written: HashMap<String, Row>,
    changed: bool,
    /// Whether contents may stay where they are, if that is not the store.
    lenient: bool,
}

/// Why something could not be put there.
pub(crate) enum PutError {
    /// Contents are gone from the store: whoever made them has to make them again.
    Gone(Diag),
    /// Anything else.
    Failed(Diag),
}

impl From<Diag> for PutError {
    fn from(diag: Diag) -> PutError {
        PutError::Failed(diag)
    }
}

impl From<PutError> for Diag {
    fn from(error: PutError) -> Diag {
        match error {
            PutError::Gone(diag) | PutError::Failed(diag) => diag,
        }
    }
}

#[derive(Clone, PartialEq, Eq)]
struct Row {
    digest: Digest,
    executable: bool,
    size: u64,
    mtime: i64,
    inode: u64,
}

impl OutputFolder {
    /// Opens the folder, and makes the link of the workspace point to it.
    pub(crate) fn open(workspace: &Path, folder: PathBuf, store: Store) -> Result<Self, Diag> {
        prepare(workspace, &folder)?;
        let written = match fs::read_to_string(folder.join(LIST)) {
            Ok(text) => text.lines().filter_map(parse_row).collect(),
            // No list, or one that cannot be read: everything is written again.
            Err(_) => HashMap::new(),
        };
        Ok(OutputFolder {
            folder,
            store,
            written,
            changed: false,
            lenient: false,
        })
    }

    /// A file with this text, for [`OutputFolder::put`].
    pub(crate) fn text(&self, text: &str) -> Result<Node, Diag> {
        Ok(Node::File {
            digest: self.store.put_bytes(text.as_bytes())?,
            executable: false,
        })
    }

    /// From now on, what is not in the store is [`PutError::Gone`], or may be left out.
    pub(crate) fn set_lenient(&mut self, lenient: bool) {
        self.lenient = lenient;
    }

    /// Whether there is something at a path (`kiln-out/...`).
    pub(crate) fn has(&self, exec_path: &str) -> bool {
        self.folder
            .join(below(exec_path))
            .symlink_metadata()
            .is_ok()
    }

    /// Puts a node at a path (`kiln-out/...`).
    pub(crate) fn put(&mut self, exec_path: &str, node: &Node) -> Result<(), PutError> {
        let below = below(exec_path);
        let path = self.folder.join(below);
        if let Some(parent) = path.parent() {
            make_folder(parent)?;
        }
        self.put_at(&path, below, node)
    }

    fn put_at(&mut self, path: &Path, name: &str, node: &Node) -> Result<(), PutError> {
        match node {
            Node::File { digest, executable } => self.put_file(path, name, digest, *executable),
            Node::Symlink(target) => Ok(put_link(path, target)?),
            Node::Dir(tree) => self.put_folder(path, name, tree),
        }
    }

    fn put_file(
        &mut self,
        path: &Path,
        name: &str,
        digest: &Digest,
        executable: bool,
    ) -> Result<(), PutError> {
        if let Some(row) = self.written.get(name)
            && row.digest == *digest
            && row.executable == executable
            && is_still(path, row)
        {
            return Ok(());
        }
        let source = self.store.blob_path(digest, executable);
        let gone = || {
            let path = path.display();
            let text = format!("the contents of `{path}` are gone from the store");
            PutError::Gone(Diag::environment(text).hint("run the command again"))
        };
        if source.is_none() && self.lenient {
            // What an earlier build left there would pass for its output.
            clear(path)?;
            self.changed |= self.written.remove(name).is_some();
            return Ok(());
        }
        let source = source.ok_or_else(gone)?;
        clear(path)?;
        let doing = |e: io::Error| Diag::io("cannot write", path, &e);
        // Written aside and renamed: nobody sees half a file.
        let aside = path.with_file_name(format!(".kiln-{}", std::process::id()));
        match fs::copy(&source, &aside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !source.exists() => {
                return Err(gone());
            }
            copied => copied.map_err(doing)?,
        };
        let mode = if executable { 0o755 } else { 0o644 };
        fs::set_permissions(&aside, fs::Permissions::from_mode(mode)).map_err(doing)?;
        fs::rename(&aside, path).map_err(doing)?;
        let meta = fs::symlink_metadata(path).map_err(doing)?;
        let row = Row {
            digest: *digest,
            executable,
            size: meta.size(),
            mtime: mtime(&meta),
            inode: meta.ino(),
        };
        self.written.insert(name.to_owned(), row);
        self.changed = true;
        Ok(())
    }

    fn put_folder(&mut self, path: &Path, name: &str, tree: &Tree) -> Result<(), PutError> {
        if !path.is_dir() || path.is_symlink() {
            clear(path)?;
            make_folder(path)?;
        }
        let entries = fs::read_dir(path).map_err(|e| Diag::io("cannot list", path, &e))?;
        for entry in entries.flatten() {
            let known = entry
                .file_name()
                .to_str()
                .is_some_and(|name| tree.entry(name).is_some());
            if !known {
                clear(&entry.path())?;
            }
        }
        for (entry, node) in tree.entries() {
            self.put_at(&path.join(&**entry), &format!("{name}/{entry}"), node)?;
        }
        Ok(())
    }

    /// Writes the list down, if anything was written.
    pub(crate) fn finish(self) -> Result<(), Diag> {
        if !self.changed {
            return Ok(());
        }
        let path = self.folder.join(LIST);
        let aside = self.folder.join(format!("{LIST}-{}", std::process::id()));
        let write = || -> io::Result<()> {
            let mut file = io::BufWriter::new(fs::File::create(&aside)?);
            for (name, row) in &self.written {
                let Row {
                    digest,
                    executable,
                    size,
                    mtime,
                    inode,
                } = row;
                let bit = u8::from(*executable);
                writeln!(file, "{digest} {bit} {size} {mtime} {inode} {name}")?;
            }
            file.into_inner()?.sync_data().or(Ok::<(), io::Error>(()))?;
            fs::rename(&aside, &path)
        };
        write().map_err(|e| Diag::io("cannot write", &path, &e))
    }
}

/// A path below the output folder.
fn below(exec_path: &str) -> &str {
    let below = exec_path.strip_prefix(OUT);
    below.map_or(exec_path, |path| path.trim_start_matches('/'))
}

fn parse_row(line: &str) -> Option<(String, Row)> {
    let mut parts = line.splitn(6, ' ');
    let row = Row {
        digest: Digest::parse(parts.next()?).ok()?,
        executable: parts.next()? == "1",
        size: parts.next()?.parse().ok()?,
        mtime: parts.next()?.parse().ok()?,
        inode: parts.next()?.parse().ok()?,
    };
    Some((parts.next()?.to_owned(), row))
}

fn mtime(meta: &fs::Metadata) -> i64 {
    meta.mtime()
        .saturating_mul(1_000_000_000)
        .saturating_add(meta.mtime_nsec())
}

fn is_still(path: &Path, row: &Row) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| {
        meta.is_file()
            && meta.size() == row.size
            && mtime(&meta) == row.mtime
            && meta.ino() == row.inode
    })
}

fn put_link(path: &Path, target: &str) -> Result<(), Diag> {
    if fs::read_link(path).is_ok_and(|old| old.as_os_str() == target) {
        return Ok(());
    }
    clear(path)?;
    symlink(target, path).map_err(|e| Diag::io("cannot link", path, &e))
}

/// Removes whatever is at a path.
fn clear(path: &Path) -> Result<(), Diag> {
    let removed = match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => return Ok(()),
    };
    removed.map_err(|e| Diag::io("cannot remove", path, &e))
}

/// Makes a folder; a file of an earlier build that is in the way gives way.
fn make_folder(path: &Path) -> Result<(), Diag> {
    if path.is_dir() {
        return Ok(());
    }
    let blocking = path
        .ancestors()
        .find(|above| above.symlink_metadata().is_ok());
    if let Some(above) = blocking
        && !above.is_dir()
    {
        clear(above)?;
    }
    fs::create_dir_all(path).map_err(|e| Diag::io("cannot make", path, &e))
}

/// Makes the folder, and the link of the workspace point to it.
pub(crate) fn prepare(workspace: &Path, folder: &Path) -> Result<(), Diag> {
    fs::create_dir_all(folder).map_err(|e| Diag::io("cannot make", folder, &e))?;
    link(workspace, folder)
}

/// Makes `kiln-out` point to the folder. Something else of that name is the user's and stays.
fn link(workspace: &Path, folder: &Path) -> Result<(), Diag> {
    let link = workspace.join(OUT);
    match fs::symlink_metadata(&link) {
        Ok(meta) if meta.is_symlink() => {
            if fs::read_link(&link).is_ok_and(|old| old == folder) {
                return Ok(());
            }
            clear(&link)?;
        }
        Ok(_) => {
            return Err(Diag::environment(format!(
                "`{}` is in the way of kiln's output",
                link.display()
            ))
            .hint(format!(
                "move or remove `{OUT}`: kiln puts a link of that name there"
            )));
        }
        Err(_) => {}
    }
    symlink(folder, &link).map_err(|e| Diag::io("cannot link", &link, &e))
}
