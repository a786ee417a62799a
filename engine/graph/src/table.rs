//! From keys to nodes: a sharded hash table.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry as TableEntry;
use parking_lot::{MutexGuard, RwLock};
use rustc_hash::FxBuildHasher;

use crate::compute::Compute;
use crate::node::{Node, Slot};
use crate::slab::{NodeId, Slab};

const SHARD_BITS: u32 = 7;

/// An entry keeps half of its key's hash, and the key itself lies in the node: a comparison
/// needs the node's lock, which whoever looks up a node takes next anyway.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    tag: u32,
    pub(crate) node: NodeId,
}

impl Entry {
    /// Spreads the tag over the bits that a hash table looks at.
    fn hash(self) -> u64 {
        spread(self.tag)
    }
}

fn spread(tag: u32) -> u64 {
    u64::from(tag).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

pub(crate) struct Table {
    shards: Box<[RwLock<HashTable<Entry>>]>,
}

impl Table {
    pub(crate) fn new() -> Table {
        Table {
            shards: (0..1 << SHARD_BITS)
                .map(|_| RwLock::new(HashTable::new()))
                .collect(),
        }
    }

    /// The node for `key`, locked.
    pub(crate) fn find<'a, C: Compute>(
        &self,
        nodes: &'a Slab<Node<C>>,
        key: &C::Key,
    ) -> Option<(NodeId, MutexGuard<'a, Slot<C>>)> {
        let tag = tag(key);
        let mut locked = None;
        let shard = self.shard(tag).read();
        let entry = shard.find(spread(tag), |entry| {
            matches(nodes, key, tag, entry, &mut locked)
        })?;
        let node = entry.node;
        drop(shard);
        locked.map(|slot| (node, slot))
    }

    /// The node for `key`, locked; a vacant one is made if there is none.
    pub(crate) fn find_or_insert<'a, C: Compute>(
        &self,
        nodes: &'a Slab<Node<C>>,
        key: &C::Key,
    ) -> Option<(NodeId, MutexGuard<'a, Slot<C>>)> {
        if let Some(found) = self.find(nodes, key) {
            return Some(found);
        }
        let tag = tag(key);
        let mut locked = None;
        let mut shard = self.shard(tag).write();
        let entry = shard.entry(
            spread(tag),
            |entry| matches(nodes, key, tag, entry, &mut locked),
            |entry| entry.hash(),
        );
        let node = match entry {
            TableEntry::Occupied(occupied) => occupied.get().node,
            TableEntry::Vacant(vacant) => {
                let node = nodes.allocate();
                let mut slot = nodes.get(node)?.lock();
                slot.key = Some(key.clone());
                locked = Some(slot);
                vacant.insert(Entry { tag, node });
                node
            }
        };
        drop(shard);
        locked.map(|slot| (node, slot))
    }

    /// Shows each entry to `keep`, a shard at a time and with the shard locked, and removes those
    /// for which it says no.
    pub(crate) fn retain(&self, mut keep: impl FnMut(NodeId) -> bool) {
        for shard in &self.shards {
            let mut shard = shard.write();
            shard.retain(|entry| keep(entry.node));
            if shard.len() * 4 < shard.capacity() {
                shard.shrink_to_fit(|entry| entry.hash());
            }
        }
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.read().allocation_size())
            .sum()
    }

    fn shard(&self, tag: u32) -> &RwLock<HashTable<Entry>> {
        &self.shards[(tag >> (u32::BITS - SHARD_BITS)) as usize]
    }
}

fn tag<K: std::hash::Hash>(key: &K) -> u32 {
    let hash = FxBuildHasher.hash_one(key);
    (hash ^ (hash >> 32)) as u32
}

/// Whether `entry` is for `key`; if so the node is left locked in `locked`.
fn matches<'a, C: Compute>(
    nodes: &'a Slab<Node<C>>,
    key: &C::Key,
    tag: u32,
    entry: &Entry,
    locked: &mut Option<MutexGuard<'a, Slot<C>>>,
) -> bool {
    if entry.tag != tag {
        return false;
    }
    let Some(node) = nodes.get(entry.node) else {
        return false;
    };
    let slot = node.lock();
    if slot.key.as_ref() != Some(key) {
        return false;
    }
    *locked = Some(slot);
    true
}
