//! Building a tree from paths.

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_base::RelPath;

use crate::{Conflict, Node, Tree};

/// Collects entries in any order and makes a tree of them.
#[derive(Default)]
pub struct TreeBuilder {
    entries: BTreeMap<Arc<str>, Entry>,
}

enum Entry {
    Node(Node),
    Dir(TreeBuilder),
}

impl TreeBuilder {
    /// Without entries.
    pub fn new() -> TreeBuilder {
        TreeBuilder::default()
    }

    /// Adds a node at a path, making the folders above it. Adding an equal node again is fine; a
    /// folder is put together with what is there.
    pub fn add(&mut self, path: &RelPath, node: Node) -> Result<(), Conflict> {
        self.add_text(path.as_str(), node).map_err(|()| Conflict {
            path: path.as_str().to_owned(),
        })
    }

    fn add_text(&mut self, path: &str, node: Node) -> Result<(), ()> {
        let Some((first, rest)) = path.split_once('/') else {
            return self.add_entry(path, node);
        };
        let entry = match self.entries.get_mut(first) {
            Some(entry) => entry,
            None => self
                .entries
                .entry(Arc::from(first))
                .or_insert_with(|| Entry::Dir(TreeBuilder::new())),
        };
        entry.open()?.add_text(rest, node)
    }

    fn add_entry(&mut self, name: &str, node: Node) -> Result<(), ()> {
        if name.is_empty() {
            let Node::Dir(tree) = node else {
                return Err(());
            };
            return tree
                .entries()
                .iter()
                .try_for_each(|(n, node)| self.add_entry(n, node.clone()));
        }
        match (self.entries.get_mut(name), node) {
            (None, node) => {
                self.entries.insert(Arc::from(name), Entry::Node(node));
                Ok(())
            }
            (Some(Entry::Node(old)), node) if *old == node => Ok(()),
            (Some(entry), Node::Dir(tree)) => {
                let below = entry.open()?;
                tree.entries()
                    .iter()
                    .try_for_each(|(n, node)| below.add_entry(n, node.clone()))
            }
            _ => Err(()),
        }
    }

    /// The tree of all that was added.
    pub fn build(self) -> Tree {
        let entries = self.entries.into_iter().map(|(name, entry)| match entry {
            Entry::Node(node) => (name, node),
            Entry::Dir(below) => (name, Node::Dir(below.build())),
        });
        // A `BTreeMap<Arc<str>, _>` is ordered by the bytes of its keys, as REAPI asks.
        Tree::from_sorted(entries.collect())
    }
}

impl Entry {
    /// Turns a finished folder back into an open one, to add to it.
    fn open(&mut self) -> Result<&mut TreeBuilder, ()> {
        if let Entry::Node(Node::Dir(tree)) = self {
            let entries = tree.entries().iter();
            let entries = entries.map(|(name, node)| (name.clone(), Entry::Node(node.clone())));
            *self = Entry::Dir(TreeBuilder {
                entries: entries.collect(),
            });
        }
        match self {
            Entry::Dir(builder) => Ok(builder),
            Entry::Node(_) => Err(()),
        }
    }
}
