//! The input tree of an action, from the folders that clients have stored.

use std::collections::HashMap;

use kiln_base::Digest;
use kiln_store::Store;
use kiln_tree::{DecodeError, MAX_DEPTH, Tree, decode_directory};
use parking_lot::Mutex;

/// Bytes of one message that is read into memory.
pub(crate) const MAX_MESSAGE: u64 = 16 << 20;
/// Bytes of all folders of one tree, those that are known counted not at all.
const MAX_BYTES: u64 = 256 << 20;
/// Entries of all folders that are remembered.
const REMEMBERED: usize = 500_000;

/// Folders that were read before: actions of one build have most of theirs in common (R12).
#[derive(Default)]
pub(crate) struct Folders {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    trees: HashMap<Digest, Loaded>,
    entries: usize,
}

/// A folder, and how many levels are below it.
#[derive(Clone)]
struct Loaded {
    tree: Tree,
    height: usize,
}

/// Why there is no tree.
#[derive(Debug)]
pub(crate) enum InputError {
    /// Folders are missing; those below them are not known yet.
    Missing(Vec<Digest>),
    /// A folder that is none.
    Wrong(String),
}

impl Folders {
    /// Reads the tree of a root. It blocks.
    pub(crate) fn load(&self, store: &Store, root: &Digest) -> Result<Tree, InputError> {
        let mut loading = Loading {
            folders: self,
            store,
            missing: Vec::new(),
            bytes: 0,
            here: HashMap::new(),
        };
        let loaded = loading.folder(root, 0);
        match (loaded, loading.missing) {
            (Err(error), _) => Err(InputError::Wrong(error.to_string())),
            (Ok(loaded), missing) if missing.is_empty() => {
                self.remember(loading.here);
                Ok(loaded.tree)
            }
            (Ok(_), missing) => Err(InputError::Missing(missing)),
        }
    }

    fn known(&self, digest: &Digest) -> Option<Loaded> {
        self.known.lock().trees.get(digest).cloned()
    }

    /// Of whole trees alone: one with gaps stands for nothing.
    fn remember(&self, trees: HashMap<Digest, Loaded>) {
        let mut known = self.known.lock();
        let folders = trees.values().map(|loaded| loaded.tree.entries().len() + 1);
        let entries = folders.sum::<usize>();
        if known.entries.saturating_add(entries) > REMEMBERED {
            *known = Known::default();
        }
        known.entries += entries;
        known.trees.extend(trees);
    }
}

struct Loading<'a> {
    folders: &'a Folders,
    store: &'a Store,
    missing: Vec<Digest>,
    bytes: u64,
    here: HashMap<Digest, Loaded>,
}

impl Loading<'_> {
    fn folder(&mut self, digest: &Digest, depth: usize) -> Result<Loaded, DecodeError> {
        if let Some(loaded) = self.here.get(digest) {
            return Ok(loaded.clone());
        }
        if let Some(loaded) = self.folders.known(digest) {
            return Ok(loaded);
        }
        self.bytes = self.bytes.saturating_add(digest.size());
        if digest.size() > MAX_MESSAGE || self.bytes > MAX_BYTES {
            return Err(DecodeError::new(format!("folder {digest} is too large")));
        }
        let mut loaded = Loaded {
            tree: Tree::empty(),
            height: 0,
        };
        match self.store.read(digest) {
            Ok(Some(encoded)) => {
                let height = &mut loaded.height;
                loaded.tree = decode_directory(&encoded, &mut |below| {
                    // Both ways: a folder that is known may be deep itself.
                    let below = match depth < MAX_DEPTH {
                        true => self.folder(below, depth + 1)?,
                        false => return Err(too_deep()),
                    };
                    *height = (*height).max(below.height + 1);
                    match *height <= MAX_DEPTH {
                        true => Ok(below.tree),
                        false => Err(too_deep()),
                    }
                })?;
            }
            _ => self.missing.push(*digest),
        }
        self.here.insert(*digest, loaded.clone());
        Ok(loaded)
    }
}

fn too_deep() -> DecodeError {
    DecodeError::new(format!(
        "folders are nested more than {MAX_DEPTH} levels deep"
    ))
}
