//! Directory trees as persistent Merkle trees: the value of an input root, of an output folder
//! and of a runfiles tree.
//!
//! What it is not: it holds digests, never contents, and touches no file system.
//!
//! Invariants: entries of a folder are sorted by the bytes of their names and names are single
//! path components; two trees with equal digests are equal; sub-trees are shared, so that
//! merging trees which have parts in common costs what differs (reapi R12).

mod build;
mod claims;
mod encode;
mod merge;

use std::fmt;
use std::sync::{Arc, OnceLock};

use kiln_base::{Digest, RelPath};

pub use build::TreeBuilder;
pub use claims::LeavingLink;
pub use encode::{DecodeError, MAX_DEPTH, decode_directory, decode_tree, encode_tree};
pub use merge::Conflict;

/// One entry of a folder.
#[derive(Clone, PartialEq, Eq)]
pub enum Node {
    /// A regular file.
    File {
        /// Its contents.
        digest: Digest,
        /// Whether it may be executed: the only permission that is kept (PX-025, R16).
        executable: bool,
    },
    /// A symbolic link and where it points, as in `readlink`.
    Symlink(Arc<str>),
    /// A folder.
    Dir(Tree),
}

/// A folder and all below it. Cheap to clone.
#[derive(Clone)]
pub struct Tree(Arc<Dir>);

struct Dir {
    entries: Box<[(Arc<str>, Node)]>,
    digest: OnceLock<Digest>,
}

impl Tree {
    /// The folder without entries.
    pub fn empty() -> Tree {
        static EMPTY: OnceLock<Tree> = OnceLock::new();
        EMPTY.get_or_init(|| Tree::from_sorted(Vec::new())).clone()
    }

    /// `entries` must be sorted by name, without repeats.
    fn from_sorted(entries: Vec<(Arc<str>, Node)>) -> Tree {
        debug_assert!(entries.is_sorted_by(|a, b| a.0.as_bytes() < b.0.as_bytes()));
        Tree(Arc::new(Dir {
            entries: entries.into(),
            digest: OnceLock::new(),
        }))
    }

    /// A tree with one entry.
    pub fn single(path: &RelPath, node: Node) -> Tree {
        let mut node = node;
        for name in path.components().rev() {
            node = Node::Dir(Tree::from_sorted(vec![(Arc::from(name), node)]));
        }
        match node {
            Node::Dir(tree) => tree,
            // Only the root path ends up here, and a root that is a file is no tree.
            _ => Tree::empty(),
        }
    }

    /// The digest of the folder's REAPI `Directory` message; computed once.
    pub fn digest(&self) -> Digest {
        *self.0.digest.get_or_init(|| {
            #[cfg(test)]
            tests::DIGESTS.set(tests::DIGESTS.get() + 1);
            Digest::of(&encode::encode_directory(self))
        })
    }

    /// The encoded REAPI `Directory` message of this folder alone.
    pub fn directory_message(&self) -> Vec<u8> {
        encode::encode_directory(self)
    }

    /// The entries, sorted by name.
    pub fn entries(&self) -> &[(Arc<str>, Node)] {
        &self.0.entries
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.0.entries.is_empty()
    }

    /// The entry of that name in this folder.
    pub fn entry(&self, name: &str) -> Option<&Node> {
        let at = self
            .0
            .entries
            .binary_search_by(|(n, _)| n.as_bytes().cmp(name.as_bytes()));
        at.ok().map(|at| &self.0.entries[at].1)
    }

    /// The node at a path below; symbolic links are not followed. `None` for the root.
    pub fn get(&self, path: &RelPath) -> Option<&Node> {
        let mut tree = self;
        let mut parts = path.components().peekable();
        while let Some(name) = parts.next() {
            let node = tree.entry(name)?;
            if parts.peek().is_none() {
                return Some(node);
            }
            match node {
                Node::Dir(below) => tree = below,
                _ => return None,
            }
        }
        None
    }

    /// Calls `visit` for every file, link and *empty* folder, in order of their paths, and for
    /// every folder before its entries if `folders` is set.
    pub fn walk(&self, folders: bool, visit: &mut dyn FnMut(&str, &Node)) {
        let mut path = String::new();
        self.walk_below(&mut path, folders, visit);
    }

    fn walk_below(&self, path: &mut String, folders: bool, visit: &mut dyn FnMut(&str, &Node)) {
        for (name, node) in self.entries() {
            let length = path.len();
            if length > 0 {
                path.push('/');
            }
            path.push_str(name);
            match node {
                Node::Dir(below) => {
                    if folders || below.is_empty() {
                        visit(path, node);
                    }
                    below.walk_below(path, folders, visit);
                }
                _ => visit(path, node),
            }
            path.truncate(length);
        }
    }

    /// How many files and links there are in all.
    pub fn count(&self) -> usize {
        self.entries()
            .iter()
            .map(|(_, node)| match node {
                Node::Dir(below) => below.count(),
                _ => 1,
            })
            .sum()
    }

    /// This tree and another put together; see [`Conflict`] for what cannot be.
    pub fn merge(&self, other: &Tree) -> Result<Tree, Conflict> {
        merge::merge(self, other)
    }

    fn same(&self, other: &Tree) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl PartialEq for Tree {
    fn eq(&self, other: &Tree) -> bool {
        self.same(other) || self.digest() == other.digest()
    }
}

impl Eq for Tree {}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        self.walk(false, &mut |path, node| {
            list.entry(&format_args!("{path} {node:?}"));
        });
        list.finish()
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::File { digest, executable } => {
                write!(f, "{digest:?}{}", if *executable { " x" } else { "" })
            }
            Node::Symlink(target) => write!(f, "-> {target}"),
            Node::Dir(tree) => write!(f, "dir of {}", tree.entries().len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        /// How many digests of folders were computed.
        pub(super) static DIGESTS: Cell<usize> = const { Cell::new(0) };
    }

    fn file(text: &str) -> Node {
        Node::File {
            digest: Digest::of(text.as_bytes()),
            executable: false,
        }
    }

    fn tree(entries: &[(String, Node)]) -> Tree {
        let mut builder = TreeBuilder::new();
        for (path, node) in entries {
            let path = RelPath::new(path).unwrap_or_else(|_| RelPath::root());
            assert!(builder.add(&path, node.clone()).is_ok());
        }
        builder.build()
    }

    /// R12: what many trees have in common is encoded and hashed once.
    #[test]
    fn shared_folders_are_hashed_once() {
        let many = (0..100).flat_map(|d| (0..10).map(move |f| format!("sys/d{d}/f{f}.h")));
        let shared = tree(&many.map(|path| (path, file("x"))).collect::<Vec<_>>());
        DIGESTS.set(0);
        shared.digest();
        // The root, `sys` and what is in it.
        assert_eq!(DIGESTS.get(), 102);
        for number in 0..50 {
            let own = tree(&[(format!("src/p{number}/a.c"), file("a"))]);
            let inputs = shared.merge(&own).and_then(|tree| tree.merge(&shared));
            DIGESTS.set(0);
            assert!(inputs.is_ok_and(|tree| tree.digest() != shared.digest()));
            // The root, `src` and the folder in it.
            assert_eq!(DIGESTS.get(), 3);
        }
        // One file of a thousand changes: its folder, `sys` and the root.
        let changed = tree(&[("sys/d7/new.h".to_owned(), file("y"))]);
        let merged = shared.merge(&changed);
        DIGESTS.set(0);
        assert!(merged.is_ok_and(|tree| tree.digest() != shared.digest()));
        assert_eq!(DIGESTS.get(), 3);
    }
}
