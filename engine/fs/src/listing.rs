//! The entries of one directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kiln_base::RelPath;

/// The names in one directory, sorted by their bytes. Compares by value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    entries: Box<[Entry]>,
    odd: Box<[OddName]>,
    no_package: bool,
}

/// One name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name: one path component.
    pub name: Arc<str>,
    /// What it is.
    pub kind: EntryKind,
}

/// A name that is not UTF-8. It is left out of the entries, and whoever would have matched it
/// must say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OddName {
    /// The name's bytes.
    pub name: Box<[u8]>,
    /// What it is.
    pub kind: EntryKind,
}

/// What an entry is, links not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink(Arc<Link>),
    /// A pipe, a socket, a device.
    Other,
}

/// Where a symbolic link leads in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What is there.
    pub to: Resolved,
    /// The place, all links on the way followed; of no use if nothing is there.
    pub place: LinkPlace,
}

/// What something is once all links are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resolved {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// Something else.
    Other,
    /// Nothing: the link dangles or leads back to itself.
    Missing,
}

/// A place, seen from the source root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkPlace {
    /// The root or something below it.
    Inside(RelPath),
    /// A folder that contains the root.
    Above,
    /// Somewhere else.
    Outside(PathBuf),
}

impl EntryKind {
    /// What it is once links are followed.
    pub fn resolved(&self) -> Resolved {
        match self {
            EntryKind::File => Resolved::File,
            EntryKind::Directory => Resolved::Directory,
            EntryKind::Other => Resolved::Other,
            EntryKind::Symlink(link) => link.to,
        }
    }
}

impl Listing {
    /// A directory without entries.
    pub fn empty() -> Listing {
        Listing::default()
    }

    /// A listing of these entries, in any order.
    pub fn from_entries(entries: impl IntoIterator<Item = (Arc<str>, EntryKind)>) -> Listing {
        let entries = entries.into_iter();
        let entries = entries.map(|(name, kind)| Entry { name, kind });
        Listing::new(entries.collect(), Vec::new())
    }

    pub(crate) fn new(mut entries: Vec<Entry>, mut odd: Vec<OddName>) -> Listing {
        entries.sort_unstable_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
        odd.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Listing {
            entries: entries.into(),
            odd: odd.into(),
            no_package: false,
        }
    }

    /// The same directory, taken for one that is no package, whatever is in it
    /// (`--deleted_packages`).
    pub fn without_package(&self) -> Listing {
        Listing {
            no_package: true,
            ..self.clone()
        }
    }

    /// The entries with UTF-8 names.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The names that are not UTF-8.
    pub fn odd_names(&self) -> &[OddName] {
        &self.odd
    }

    /// The entry of that name.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        let at = self
            .entries
            .binary_search_by(|entry| entry.name.as_bytes().cmp(name.as_bytes()));
        at.ok().map(|at| &self.entries[at])
    }

    /// The name of the file that makes the directory a package: `BUILD.bazel` before `BUILD`
    /// (Bazel). A directory called `build` or `BUILD` is none.
    pub fn build_file(&self) -> Option<&'static str> {
        if self.no_package {
            return None;
        }
        ["BUILD.bazel", "BUILD"].into_iter().find(|name| {
            self.get(name)
                .is_some_and(|entry| entry.kind.resolved() == Resolved::File)
        })
    }
}

impl LinkPlace {
    /// Where an absolute path without links is, seen from a root (absolute, without links).
    pub(crate) fn of(target: &Path, root: &Path) -> LinkPlace {
        if root.starts_with(target) && root != target {
            return LinkPlace::Above;
        }
        let inside = target.strip_prefix(root).ok();
        let inside = inside.and_then(Path::to_str).map(RelPath::new);
        match inside {
            Some(Ok(path)) => LinkPlace::Inside(path),
            _ => LinkPlace::Outside(target.to_owned()),
        }
    }

    pub(crate) fn join(&self, name: &str) -> LinkPlace {
        match self {
            LinkPlace::Inside(path) => match path.join(name) {
                Ok(path) => LinkPlace::Inside(path),
                Err(_) => LinkPlace::Above,
            },
            LinkPlace::Above => LinkPlace::Above,
            LinkPlace::Outside(path) => LinkPlace::Outside(path.join(name)),
        }
    }

    /// Whether this is the same folder or one above.
    pub(crate) fn contains(&self, other: &LinkPlace) -> bool {
        match (self, other) {
            (LinkPlace::Inside(a), LinkPlace::Inside(b)) => b.strip_prefix(a).is_some(),
            (LinkPlace::Outside(a), LinkPlace::Outside(b)) => b.starts_with(a),
            _ => false,
        }
    }
}
