//! Input folders that come up again and again, put together once on disk and then shown whole.
//!
//! Showing a folder costs the same whatever is in it, where showing its files costs some ten
//! microseconds each. A folder is made of hard links to the store's files, which makes no inodes
//! but for its folders, and is only ever seen through a read-only mount.
//!
//! A blob that is shown by itself is looked at each time. What is in a folder is looked at now and
//! then: one that was written to is not shown again, and its files are, which tells the store.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kiln_base::Digest;
use kiln_exec_root::Whole;
use kiln_store::Store;
use kiln_tree::{Node, Tree};
use parking_lot::Mutex;

/// Smaller folders are shown file by file: making one costs as much as showing it twice.
const MIN_FILES: usize = 16;
/// All folders together have at most so many files, so that they are removed quickly at the end.
const MAX_FILES: usize = 50_000;

/// How long what is in a folder is taken to be as it was.
const TRUST: Duration = Duration::from_secs(1);

/// What is known of a folder.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not worth it, or it could not be made.
    Never,
    /// It came up once.
    Seen,
    /// It is being made.
    Building,
    /// It is there.
    Ready {
        /// The end of its name: it may have been made before.
        time: u32,
        /// When it was looked at.
        looked: Instant,
    },
}

/// The folders of one executor.
pub(crate) struct Trees {
    folder: PathBuf,
    states: Mutex<HashMap<Digest, State>>,
    files: AtomicUsize,
    /// How many folders were made.
    made: AtomicU32,
}

/// What a plan finds out about folders.
pub(crate) struct Planned<'a> {
    trees: Option<&'a Trees>,
    /// Folders that came up for the second time and should be made.
    pub wanted: Vec<Tree>,
}

impl Trees {
    /// Keeps folders in `folder`, which is made.
    pub(crate) fn new(folder: PathBuf) -> io::Result<Trees> {
        fs::create_dir(&folder)?;
        Ok(Trees {
            folder,
            states: Mutex::default(),
            files: AtomicUsize::new(0),
            made: AtomicU32::new(0),
        })
    }

    /// Where the folders are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes a folder. It blocks.
    pub(crate) fn build(&self, tree: &Tree, store: &Store) {
        let time = self.made.fetch_add(1, Ordering::Relaxed);
        let name = name(tree, time);
        let (aside, path) = (
            self.folder.join(format!(".{name}")),
            self.folder.join(&name),
        );
        let made = link_tree(tree, store, &aside).and_then(|()| fs::rename(&aside, &path));
        let state = match made {
            Ok(()) => State::Ready {
                time,
                looked: Instant::now(),
            },
            Err(_) => {
                // Its files are shown one by one then, which names whatever is wrong.
                let _ = kiln_exec_root::remove_tree(&aside);
                State::Never
            }
        };
        self.states.lock().insert(tree.digest(), state);
    }

    /// The name of a folder that is there; if there is none, whether it should be made now.
    fn look(&self, tree: &Tree) -> Result<String, bool> {
        let digest = tree.digest();
        let known = self.states.lock().get(&digest).copied();
        match known {
            Some(State::Ready { time, looked }) => self.ready(tree, time, looked),
            Some(State::Never | State::Building) => Err(false),
            Some(State::Seen) => {
                let count = tree.count();
                let fits = self.files.fetch_add(count, Ordering::Relaxed) + count <= MAX_FILES;
                if !fits {
                    self.files.fetch_sub(count, Ordering::Relaxed);
                }
                let state = if fits { State::Building } else { State::Never };
                // Another action may have come here at the same time: one of them builds.
                let before = self.states.lock().insert(digest, state);
                Err(fits && before == Some(State::Seen))
            }
            None => {
                let worth_it = tree.count() >= MIN_FILES;
                let state = if worth_it { State::Seen } else { State::Never };
                self.states.lock().insert(digest, state);
                Err(false)
            }
        }
    }

    /// A folder that was made, if it still is as it was.
    fn ready(&self, tree: &Tree, time: u32, looked: Instant) -> Result<String, bool> {
        let name = name(tree, time);
        if looked.elapsed() < TRUST {
            return Ok(name);
        }
        // One looks for all that come meanwhile.
        let looked = Instant::now();
        let state = State::Ready { time, looked };
        self.states.lock().insert(tree.digest(), state);
        if is_untouched(tree, &self.folder.join(&name)) {
            return Ok(name);
        }
        self.files.fetch_sub(tree.count(), Ordering::Relaxed);
        self.states.lock().insert(tree.digest(), State::Seen);
        Err(false)
    }
}

fn name(tree: &Tree, time: u32) -> String {
    format!("{}-{time}", tree.digest().hex())
}

/// Whether no file of a folder was written to since the store made it.
fn is_untouched(tree: &Tree, folder: &Path) -> bool {
    tree.entries().iter().all(|(name, node)| {
        let path = folder.join(&**name);
        match node {
            Node::Dir(below) => is_untouched(below, &path),
            Node::Symlink(_) => true,
            Node::File { digest, .. } => fs::symlink_metadata(&path)
                .is_ok_and(|metadata| Store::is_untouched(digest, &metadata)),
        }
    })
}

impl<'a> Planned<'a> {
    pub(crate) fn new(trees: Option<&'a Trees>) -> Planned<'a> {
        Planned {
            trees,
            wanted: Vec::new(),
        }
    }
}

impl Whole for Planned<'_> {
    fn ready(&mut self, tree: &Tree) -> Option<String> {
        match self.trees?.look(tree) {
            Ok(name) => Some(name),
            Err(build) => {
                if build {
                    self.wanted.push(tree.clone());
                }
                None
            }
        }
    }
}

fn link_tree(tree: &Tree, store: &Store, folder: &Path) -> io::Result<()> {
    fs::create_dir(folder)?;
    for (name, node) in tree.entries() {
        let path = folder.join(&**name);
        match node {
            Node::Dir(below) => link_tree(below, store, &path)?,
            Node::Symlink(target) => std::os::unix::fs::symlink(&**target, &path)?,
            Node::File { digest, executable } => {
                let blob = store.blob_path(digest, *executable);
                fs::hard_link(blob.ok_or(io::ErrorKind::NotFound)?, &path)?;
            }
        }
    }
    Ok(())
}
