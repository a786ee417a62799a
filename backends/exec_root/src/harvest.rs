//! Takes an action's outputs from its scratch folders into the store.
//!
//! All processes of the action are gone, so that nothing changes any more; but what they left may
//! be hostile. So every folder is opened relative to the one above and no link is followed.

use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use kiln_base::{Digest, RelPath};
use kiln_diag::Diag;
use kiln_process::Exit;
use kiln_store::{PutMode, Store};
use kiln_tree::{Node, Tree, TreeBuilder};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, Stat};
use rustix::io::Errno;

use crate::{OutputAt, Plan};

/// Each level keeps a descriptor open.
const MAX_DEPTH: usize = 200;
/// Shorter outputs of the standard streams are read and stored; their files stay for the next.
const SMALL_STREAM: u64 = 64 * 1024;

/// What was written to a standard stream.
pub fn stream(store: &Store, path: &Path, suffix: &str) -> Result<Digest, Diag> {
    let failed = |error| Diag::io("cannot read", path, &error);
    let length = std::fs::metadata(path).map_err(failed)?.len();
    if length == 0 && suffix.is_empty() {
        return Ok(Digest::EMPTY);
    }
    if length > SMALL_STREAM {
        // It may be more than fits into memory: what never ends is stopped by its timeout.
        if !suffix.is_empty() {
            let file = std::fs::File::options().append(true).open(path);
            let written = file.and_then(|mut file| file.write_all(suffix.as_bytes()));
            written.map_err(|error| Diag::io("cannot write", path, &error))?;
        }
        return store.put_file(path, PutMode::Move, false);
    }
    let mut content = std::fs::read(path).map_err(failed)?;
    content.extend_from_slice(suffix.as_bytes());
    store.put_bytes(&content)
}

/// Where an action ran, as it saw it.
pub struct Seen<'a> {
    /// The exec root, absolute.
    pub exec_root: &'a str,
    /// Below that.
    pub workdir: &'a RelPath,
}

/// The declared outputs that are there, as a tree relative to the working directory. `folder`
/// tells where scratch folders are.
pub fn outputs(
    store: &Store,
    places: &[OutputAt],
    seen: &Seen<'_>,
    folder: &dyn Fn(u32) -> PathBuf,
) -> Result<Tree, Diag> {
    let mut builder = TreeBuilder::new();
    for place in places {
        let path = folder(place.scratch);
        let failed = |error: Errno| Diag::io("cannot open", &path, &error.into());
        let root = match rustix::fs::open(&path, FOLDER, Mode::empty()) {
            // The action locked itself out. Nothing above this folder is its to change.
            Err(Errno::ACCESS) => {
                rustix::fs::chmod(&path, Mode::from_raw_mode(0o700)).map_err(failed)?;
                rustix::fs::open(&path, FOLDER, Mode::empty())
            }
            other => other,
        };
        let root = root.map_err(failed)?;
        let harvest = Harvest { store, seen };
        if let Some(node) = harvest.output(root, place)? {
            builder.add(&place.path, node).map_err(|conflict| {
                Diag::internal(format!("two outputs at one path: {conflict}"))
            })?;
        }
    }
    Ok(builder.build())
}

/// So many strays are named.
const MAX_STRAYS: usize = 20;
/// And so many entries are looked at to find them.
const MAX_LOOKED: usize = 1000;

/// Files in a plan's scratch folders that are no declared outputs, relative to the working
/// directory, some of them. `folder` tells where scratch folders are. What cannot be looked at is
/// left out: they are only for a message.
pub fn strays(
    plan: &Plan,
    workdir: &RelPath,
    declared: &[RelPath],
    folder: &dyn Fn(u32) -> PathBuf,
) -> Vec<RelPath> {
    let mut strays = Vec::new();
    for (number, at) in (0..).zip(&plan.scratch) {
        let below = RelPath::new(at).ok();
        if let Some(below) = below.and_then(|at| at.strip_prefix(workdir)) {
            strays_in(&folder(number), &below, declared, &mut strays);
        }
    }
    strays
}

fn strays_in(folder: &Path, at: &RelPath, declared: &[RelPath], strays: &mut Vec<RelPath>) {
    let mut looked = 0;
    let mut open = vec![(folder.to_owned(), at.clone())];
    while let Some((folder, at)) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            looked += 1;
            if looked > MAX_LOOKED || strays.len() == MAX_STRAYS {
                return;
            }
            let (Some(path), Ok(kind)) = (
                entry
                    .file_name()
                    .to_str()
                    .and_then(|name| at.join(name).ok()),
                entry.file_type(),
            ) else {
                continue;
            };
            match kind.is_dir() {
                _ if declared.contains(&path) => {}
                true => open.push((entry.path(), path)),
                false => strays.push(path),
            }
        }
    }
    strays.sort();
}

/// What is appended to the standard error of a process that was stopped (PX-017); empty for one
/// that ended by itself. `progress` is what people are shown of it.
pub fn stopped_note(exit: Exit, timeout: Duration, progress: &str) -> String {
    match exit {
        Exit::TimedOut => {
            let seconds = timeout.as_secs_f64();
            format!("\nExceeded timeout of {seconds:.1} seconds: {progress}\n")
        }
        Exit::Limit(limit) => format!("\nUsed more than {limit}: {progress}\n"),
        Exit::Code(_) | Exit::Signal(_) => String::new(),
    }
}

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

struct Harvest<'a> {
    store: &'a Store,
    seen: &'a Seen<'a>,
}

impl Harvest<'_> {
    fn output(&self, root: OwnedFd, place: &OutputAt) -> Result<Option<Node>, Diag> {
        let Some(parent) = place.inside.parent() else {
            return self.folder(root, place.path.as_str(), 0).map(Some);
        };
        let mut at = root;
        for name in parent.components() {
            at = match rustix::fs::openat(&at, name, FOLDER, Mode::empty()) {
                Ok(below) => below,
                Err(Errno::NOENT) => return Ok(None),
                Err(Errno::NOTDIR | Errno::LOOP) => {
                    return Err(Diag::build(format!(
                        "output `{}` is below something that is no folder any more: the action \
                         replaced `{name}`",
                        place.path
                    )));
                }
                Err(error) => return Err(failed("cannot open", name, error)),
            };
        }
        let name = place.inside.file_name();
        match rustix::fs::statat(&at, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(failed("cannot look at", place.path.as_str(), error)),
            Ok(stat) => self
                .node(at.as_fd(), name, &stat, place.path.as_str(), 0)
                .map(Some),
        }
    }

    fn node(
        &self,
        parent: BorrowedFd<'_>,
        name: &str,
        stat: &Stat,
        path: &str,
        depth: usize,
    ) -> Result<Node, Diag> {
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => self.file(parent, name, stat, path),
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(parent, name, Vec::new())
                    .map_err(|error| failed("cannot read", path, error))?;
                let target = target.into_string().map_err(|error| {
                    let target = error.into_cstring();
                    not_utf8(&format!("the target of link `{path}`"), target.as_bytes())
                })?;
                Ok(Node::Symlink(self.seen.portable(path, target).into()))
            }
            FileType::Directory => {
                if depth >= MAX_DEPTH {
                    return Err(Diag::build(format!(
                        "output `{path}` is nested more than {MAX_DEPTH} folders deep"
                    )));
                }
                // Writable too: its files are moved out of it.
                make_readable(parent, name, stat, 0o700);
                let below = rustix::fs::openat(parent, name, FOLDER, Mode::empty())
                    .map_err(|error| failed("cannot open", path, error))?;
                self.folder(below, path, depth + 1)
            }
            other => Err(special(path, other)),
        }
    }

    fn folder(&self, folder: OwnedFd, path: &str, depth: usize) -> Result<Node, Diag> {
        let mut builder = TreeBuilder::new();
        for name in names(&folder, path)? {
            let below = match path {
                "" => name.as_str().to_owned(),
                path => format!("{path}/{name}"),
            };
            let stat = rustix::fs::statat(&folder, name.as_str(), AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|error| failed("cannot look at", &below, error))?;
            let node = self.node(folder.as_fd(), name.as_str(), &stat, &below, depth)?;
            builder.add(&name, node).map_err(|conflict| {
                Diag::internal(format!("two entries of one name: {conflict}"))
            })?;
        }
        Ok(Node::Dir(builder.build()))
    }

    fn file(
        &self,
        parent: BorrowedFd<'_>,
        name: &str,
        stat: &Stat,
        path: &str,
    ) -> Result<Node, Diag> {
        make_readable(parent, name, stat, 0o400);
        let own = rustix::process::geteuid();
        if stat.st_uid != own.as_raw() {
            let (user, group) = (Some(own), Some(rustix::process::getegid()));
            rustix::fs::chownat(parent, name, user, group, AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|error| failed("cannot take over", path, error))?;
        }
        let executable = stat.st_mode & 0o100 != 0;
        // Through the handle of its folder: no part of the way can be a link.
        let handle = format!("/proc/self/fd/{}/{name}", parent.as_raw_fd());
        let digest = self
            .store
            .put_file(Path::new(&handle), PutMode::Move, executable)
            .map_err(|error| error.note(format!("while storing output `{path}`")))?;
        Ok(Node::File { digest, executable })
    }
}

impl Seen<'_> {
    /// The target of a link at `path`. One that names the exec root would lead nowhere anywhere
    /// else, so it is made relative to where the link is; all others stay as they are.
    fn portable(&self, path: &str, target: String) -> String {
        let inside = Path::new(&target).strip_prefix(self.exec_root).ok();
        let inside = inside.and_then(|inside| RelPath::normalize(inside.to_str()?).ok());
        let (Some(inside), Ok(path)) = (inside, RelPath::new(path)) else {
            return target;
        };
        let folder = self.workdir.append(&path).parent();
        let folder = folder.unwrap_or_else(RelPath::root);
        let common = folder.components().zip(inside.components());
        let common = common.take_while(|(a, b)| a == b).count();
        let up = folder.components().skip(common).map(|_| "..");
        let parts: Vec<&str> = up.chain(inside.components().skip(common)).collect();
        match parts.is_empty() {
            true => ".".to_owned(),
            false => parts.join("/"),
        }
    }
}

/// Gives the owner back what an action took from itself. If that fails, so will what comes next.
fn make_readable(parent: BorrowedFd<'_>, name: &str, stat: &Stat, needed: u32) {
    if stat.st_mode & needed != needed {
        let mode = Mode::from_raw_mode((stat.st_mode & 0o777) | needed);
        let _ = rustix::fs::chmodat(parent, name, mode, AtFlags::empty());
    }
}

fn names(folder: &OwnedFd, path: &str) -> Result<Vec<RelPath>, Diag> {
    let mut buffer = Vec::with_capacity(8192);
    let mut entries = RawDir::new(folder, buffer.spare_capacity_mut());
    let mut names = Vec::new();
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(|error| failed("cannot read", path, error))?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let text = name.to_str().map_err(|_| {
            not_utf8(
                &format!("the name of a file in output `{path}`"),
                name.to_bytes(),
            )
        })?;
        // The kernel gives single components only.
        names.extend(RelPath::new(text));
    }
    Ok(names)
}

fn failed(doing: &str, path: &str, error: Errno) -> Diag {
    let doing = format!("{doing} output");
    Diag::io(&doing, Path::new(path), &error.into())
}

fn not_utf8(what: &str, bytes: &[u8]) -> Diag {
    Diag::build(format!("{what} is not UTF-8: `{}`", bytes.escape_ascii()))
        .hint("names in caches are UTF-8 everywhere; let the action use another name")
}

fn special(path: &str, kind: FileType) -> Diag {
    let kind = match kind {
        FileType::Fifo => "a named pipe",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        _ => "something unknown",
    };
    Diag::build(format!(
        "output `{path}` is {kind}; outputs are files, folders and links"
    ))
    .hint("let the action remove it before it ends, or make it in `/tmp`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_do_not_name_the_exec_root() {
        for (workdir, path, target, expected) in [
            ("", "out/l", "/kiln/out/a", "a"),
            ("", "out/l", "/kiln/src/a", "../src/a"),
            ("", "l", "/kiln", "."),
            ("", "out/d/l", "/kiln/out", ".."),
            ("w", "o/l", "/kiln/w/x/../y", "../y"),
            ("w", "o/l", "/kiln/z", "../../z"),
            ("", "l", "/kilns/a", "/kilns/a"),
            ("", "l", "/kiln/../etc", "/kiln/../etc"),
            ("", "l", "/usr/bin/env", "/usr/bin/env"),
            ("", "l", "../kiln/a", "../kiln/a"),
        ] {
            let seen = Seen {
                exec_root: "/kiln",
                workdir: &RelPath::new(workdir).expect("a path"),
            };
            assert_eq!(seen.portable(path, target.to_owned()), expected, "{target}");
        }
    }
}
