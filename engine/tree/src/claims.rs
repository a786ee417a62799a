//! What must be known of a tree that somebody else sent before it is used (PX-076). A folder that is
//! there many times is looked at once: small messages can stand for huge trees.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use kiln_base::Digest;

use crate::{Node, Tree};

/// A link that leads out of the folder that it must stay in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeavingLink {
    /// The link's own name.
    pub name: Arc<str>,
    /// Where it points.
    pub target: Arc<str>,
}

impl Tree {
    /// How many entries there are in all; those of a folder that is there several times count each
    /// time.
    pub fn total(&self) -> u64 {
        total(self, &mut HashMap::new())
    }

    /// Adds the contents of all files.
    pub fn blobs(&self, into: &mut HashSet<Digest>) {
        blobs(self, &mut HashSet::new(), into);
    }

    /// A link that leads above a folder which lies `depth` levels above this one: it means
    /// something else on each machine, and could be meant to. An absolute one does so always.
    pub fn leaving_link(&self, depth: usize) -> Option<LeavingLink> {
        leaving(self, depth, &mut HashSet::new())
    }
}

fn total(tree: &Tree, known: &mut HashMap<Digest, u64>) -> u64 {
    if let Some(number) = known.get(&tree.digest()) {
        return *number;
    }
    let mut number = 0_u64;
    for (_, node) in tree.entries() {
        let below = match node {
            Node::Dir(below) => total(below, known),
            _ => 0,
        };
        number = number.saturating_add(1).saturating_add(below);
    }
    known.insert(tree.digest(), number);
    number
}

fn blobs(tree: &Tree, seen: &mut HashSet<Digest>, into: &mut HashSet<Digest>) {
    if !seen.insert(tree.digest()) {
        return;
    }
    for (_, node) in tree.entries() {
        match node {
            Node::File { digest, .. } => {
                into.insert(*digest);
            }
            Node::Dir(below) => blobs(below, seen, into),
            Node::Symlink(_) => {}
        }
    }
}

fn leaving(tree: &Tree, depth: usize, seen: &mut HashSet<(Digest, usize)>) -> Option<LeavingLink> {
    if !seen.insert((tree.digest(), depth)) {
        return None;
    }
    tree.entries().iter().find_map(|(name, node)| match node {
        Node::Dir(below) => leaving(below, depth + 1, seen),
        Node::Symlink(target) if leaves(target, depth) => Some(LeavingLink {
            name: name.clone(),
            target: target.clone(),
        }),
        _ => None,
    })
}

/// Whether a target leads above a folder that lies so many levels above the link.
fn leaves(target: &str, depth: usize) -> bool {
    if target.is_empty() || target.starts_with('/') || target.contains('\0') {
        return true;
    }
    // `a/..` may lead elsewhere if `a` is a link, so names do not make up for what follows them.
    let up = target.split('/').filter(|part| *part == "..").count();
    up > depth
}
