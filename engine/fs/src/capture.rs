//! Capturing sources: their bytes go into the store before any key is computed from them, and
//! actions run from the captured bytes (architecture: capture or verify; R13).
//!
//! | fact about a file | why it is in its row |
//! | --- | --- |
//! | path, as text | the key of the row |
//! | size, mtime, ctime, inode, mode | any write, replacement or change of attributes moves one of them; ctime is what `touch -r` and unpacking cannot set |
//! | when reading began | a row is trusted only if mtime and ctime are [`RACY_NS`] older: a later write could fall into the same tick of the clock |
//! | digest | the answer |
//!
//! Knowingly left out: the device, whose number may change with each boot.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use kiln_base::{Digest, RelPath};
use kiln_diag::Diag;
use kiln_store::{PutMode, StatTable, Store};
use kiln_tree::{Node, Tree, TreeBuilder};
use rayon::prelude::*;

use crate::error::io_diag;
use crate::listing::{Entry, EntryKind, LinkPlace, Resolved};
use crate::read::open_regular;
use crate::root::{SourceRoot, Stat};

/// How much older than its row a file must be for the row to be trusted.
const RACY_NS: i64 = 2_000_000_000;
/// How often a file that changes while it is read is read again.
const ATTEMPTS: u32 = 5;
/// Files up to this size are read into memory, hashed and stored; larger ones are streamed.
const IN_MEMORY: u64 = 1 << 20;
/// Levels of folders below a captured folder.
const DEEPEST: usize = 200;

impl SourceRoot {
    /// Captures a file, or a folder with all that is in it; `None` if nothing is there. Links are
    /// followed; one that dangles, or that leads to a folder around itself, is kept as a link.
    ///
    /// A file whose row in `rows` still holds is not read, if the store still has its bytes.
    ///
    /// Errors: it cannot be read, keeps changing, is no file or folder; the store fails; a name
    /// is not UTF-8.
    pub fn capture(
        &self,
        path: &RelPath,
        store: &Store,
        rows: &StatTable,
    ) -> Result<Option<Node>, Diag> {
        let capture = Capture {
            root: self,
            store,
            rows,
        };
        match self.stat(path)? {
            None => Ok(None),
            Some(stat) if stat.kind == Resolved::Directory => {
                let place = LinkPlace::Inside(path.clone());
                let around = Around { place, outer: None };
                capture.folder(path, &around, 0).map(Node::Dir).map(Some)
            }
            Some(stat) => capture.file(path, stat),
        }
    }
}

#[derive(Clone, Copy)]
struct Capture<'a> {
    root: &'a SourceRoot,
    store: &'a Store,
    rows: &'a StatTable,
}

/// The folders that a path leads through, links followed.
struct Around<'a> {
    place: LinkPlace,
    outer: Option<&'a Around<'a>>,
}

impl Around<'_> {
    /// Whether a place is one of these folders or around one of them.
    fn is_within(&self, place: &LinkPlace) -> bool {
        *place == LinkPlace::Above
            || place.contains(&self.place)
            || self.outer.is_some_and(|outer| outer.is_within(place))
    }
}

impl Capture<'_> {
    fn file(&self, path: &RelPath, stat: Stat) -> Result<Option<Node>, Diag> {
        let full = self.root.path(path);
        let key = full.as_os_str().as_encoded_bytes();
        let known = self.rows.get(key, |row| known_digest(row, &stat)).flatten();
        if let Some(digest) = known
            && self.store.contains(&digest)
        {
            let executable = stat.executable;
            return Ok(Some(Node::File { digest, executable }));
        }
        for _ in 0..ATTEMPTS {
            let began = now_ns();
            let Some(read) = self.read(&full)? else {
                return Ok(None);
            };
            if let Some((digest, stat)) = read {
                self.rows.put(key, &row(&stat, began, &digest));
                let executable = stat.executable;
                return Ok(Some(Node::File { digest, executable }));
            }
        }
        Err(Diag::build(format!(
            "`{path}` keeps changing: it was written to each of the {ATTEMPTS} times it was read"
        ))
        .hint("stop what writes it, or list it in no target while it is written"))
    }

    /// Stores a file's bytes. The outer `None`: nothing is there; the inner one: it changed
    /// meanwhile.
    fn read(&self, full: &Path) -> Result<Option<Option<(Digest, Stat)>>, Diag> {
        let Some((mut file, before)) = open_regular(full)? else {
            return Ok(None);
        };
        let fail = |e| io_diag("cannot read", full, &e);
        let digest = if before.size <= IN_MEMORY {
            let mut bytes = Vec::with_capacity(before.size as usize + 1);
            let limit = before.size + 1;
            Read::by_ref(&mut file)
                .take(limit)
                .read_to_end(&mut bytes)
                .map_err(fail)?;
            if bytes.len() as u64 != before.size {
                return Ok(Some(None));
            }
            let digest = Digest::of(&bytes);
            self.store.put_bytes_known(digest, &bytes)?;
            digest
        } else {
            // The store takes no links.
            let real = std::fs::canonicalize(full).map_err(fail)?;
            self.store
                .put_file(&real, PutMode::Copy, before.executable)?
        };
        // By its path as well: another file may have been renamed to it (GR-069).
        let after = Stat::of(&file.metadata().map_err(fail)?);
        let named = std::fs::metadata(full).map(|meta| Stat::of(&meta));
        let is_same = after == before && named.is_ok_and(|named| named == before);
        Ok(Some(
            (is_same && digest.size() == before.size).then_some((digest, before)),
        ))
    }

    fn folder(&self, path: &RelPath, around: &Around<'_>, depth: usize) -> Result<Tree, Diag> {
        if depth > DEEPEST {
            return Err(Diag::build(format!(
                "folder `{path}` is {DEEPEST} levels below a folder that is a source"
            )));
        }
        let listing = self.root.list(path)?.unwrap_or_default();
        if let Some(odd) = listing.odd_names().first() {
            return Err(Diag::build(format!(
                "the name `{}` in the source folder `{path}` is not UTF-8",
                odd.name.escape_ascii()
            ))
            .hint("rename it"));
        }
        let nodes: Result<Vec<Option<Node>>, Diag> = listing
            .entries()
            .par_iter()
            .map(|entry| self.entry(path, entry, around, depth))
            .collect();
        let mut tree = TreeBuilder::new();
        for (entry, node) in listing.entries().iter().zip(nodes?) {
            let name = RelPath::new(&*entry.name).map_err(|e| Diag::build(e.to_string()))?;
            if let Some(node) = node {
                tree.add(&name, node)
                    .map_err(|e| Diag::internal(e.to_string()))?;
            }
        }
        Ok(tree.build())
    }

    fn entry(
        &self,
        folder: &RelPath,
        entry: &Entry,
        around: &Around<'_>,
        depth: usize,
    ) -> Result<Option<Node>, Diag> {
        let path = folder
            .join(&entry.name)
            .map_err(|e| Diag::build(e.to_string()))?;
        let below = match (&entry.kind, entry.kind.resolved()) {
            (EntryKind::Symlink(_), Resolved::Missing) => return self.link(&path).map(Some),
            (EntryKind::Symlink(link), Resolved::Directory) if around.is_within(&link.place) => {
                return self.link(&path).map(Some);
            }
            (EntryKind::Symlink(link), Resolved::Directory) => link.place.clone(),
            (_, Resolved::Directory) => around.place.join(&entry.name),
            // What it is may have changed since it was listed: the stat counts.
            _ => {
                return match self.root.stat(&path)? {
                    Some(stat) => self.file(&path, stat),
                    None => Ok(None),
                };
            }
        };
        let around = Around {
            place: below,
            outer: Some(around),
        };
        self.folder(&path, &around, depth + 1)
            .map(Node::Dir)
            .map(Some)
    }

    fn link(&self, path: &RelPath) -> Result<Node, Diag> {
        let full = self.root.path(path);
        let target = std::fs::read_link(&full).map_err(|e| io_diag("cannot read", &full, &e))?;
        match target.to_str() {
            Some(target) if !target.starts_with('/') => Ok(Node::Symlink(Arc::from(target))),
            _ => Err(Diag::build(format!(
                "the symbolic link `{path}` leads to `{}`, which cannot be captured",
                target.display()
            ))
            .hint("remove the link, or make it a relative one to something inside the folder")),
        }
    }
}

const ROW_LENGTH: usize = 8 * 5 + 4 + 32;

fn row(stat: &Stat, began: i64, digest: &Digest) -> [u8; ROW_LENGTH] {
    let mut row = [0; ROW_LENGTH];
    row[..44].copy_from_slice(&facts(stat, began));
    row[44..].copy_from_slice(digest.hash());
    row
}

fn facts(stat: &Stat, began: i64) -> [u8; 44] {
    let mut facts = [0; 44];
    facts[..8].copy_from_slice(&began.to_le_bytes());
    facts[8..16].copy_from_slice(&stat.size.to_le_bytes());
    facts[16..24].copy_from_slice(&stat.mtime_ns.to_le_bytes());
    facts[24..32].copy_from_slice(&stat.ctime_ns.to_le_bytes());
    facts[32..40].copy_from_slice(&stat.inode.to_le_bytes());
    facts[40..].copy_from_slice(&stat.mode.to_le_bytes());
    facts
}

/// The digest of a file by its row, if the row still holds.
fn known_digest(row: &[u8], stat: &Stat) -> Option<Digest> {
    let row: &[u8; ROW_LENGTH] = row.try_into().ok()?;
    let (began, _) = row.split_first_chunk::<8>()?;
    let began = i64::from_le_bytes(*began);
    let newest = stat.mtime_ns.max(stat.ctime_ns);
    if row[..44] != facts(stat, began) || newest.saturating_add(RACY_NS) > began {
        return None;
    }
    let (_, hash) = row.split_last_chunk::<32>()?;
    Some(Digest::from_parts(*hash, stat.size))
}

fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    })
}
