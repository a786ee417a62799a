//! What this process has looked up and used so far, in memory.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use kiln_base::Digest;
use parking_lot::{Mutex, MutexGuard};
use rustc_hash::FxHashMap;

use crate::cas::Hash;
use crate::row::ActionBody;

const SHARDS: usize = 16;

fn shard_of(hash: &Hash) -> usize {
    usize::from(hash[31]) % SHARDS
}

/// Action results seen by this process. It may forget, and a hit is checked against the files
/// like any other, so it can never be wrong.
#[derive(Default)]
pub(crate) struct Actions([Mutex<FxHashMap<Hash, Arc<ActionBody>>>; SHARDS]);

/// Rows a shard holds before it is emptied: 16 × 4,096 × about 500 bytes are 32 MB at most.
const ACTIONS_IN_SHARD: usize = 4096;

impl Actions {
    pub(crate) fn get(&self, key: &Hash) -> Option<Arc<ActionBody>> {
        self.0[shard_of(key)].lock().get(key).cloned()
    }

    pub(crate) fn insert(&self, key: Hash, body: Arc<ActionBody>) {
        let mut shard = self.0[shard_of(&key)].lock();
        if shard.len() >= ACTIONS_IN_SHARD {
            shard.clear();
        }
        shard.insert(key, body);
    }

    pub(crate) fn remove(&self, key: &Hash) {
        self.0[shard_of(key)].lock().remove(key);
    }
}

/// The blobs that this process needs: those that it used, with the hour, and those it pinned.
/// Collection leaves them alone.
#[derive(Default)]
pub(crate) struct Uses([Mutex<Shard>; SHARDS]);

/// A part of the blobs in use, by hash.
#[derive(Default)]
pub(crate) struct Shard {
    used: FxHashMap<Hash, u32>,
    pinned: FxHashMap<Hash, u32>,
}

impl Shard {
    /// Whether the blob must stay.
    pub(crate) fn needs(&self, hash: &Hash) -> bool {
        self.used.contains_key(hash) || self.pinned.contains_key(hash)
    }
}

impl Uses {
    /// Records a use; true if it is the first in this hour.
    pub(crate) fn record(&self, hash: &Hash, hour: u32) -> bool {
        match self.0[shard_of(hash)].lock().used.entry(*hash) {
            Entry::Occupied(mut entry) => entry.insert(hour) != hour,
            Entry::Vacant(entry) => {
                entry.insert(hour);
                true
            }
        }
    }

    /// Holds the part with `hash`: no use of it can be recorded meanwhile.
    pub(crate) fn hold(&self, hash: &Hash) -> MutexGuard<'_, Shard> {
        self.0[shard_of(hash)].lock()
    }

    pub(crate) fn pin(&self, digests: &[Digest]) {
        for digest in digests {
            let mut shard = self.hold(digest.hash());
            *shard.pinned.entry(*digest.hash()).or_default() += 1;
        }
    }

    /// Takes a pin back; returns the hashes that nothing pins any more.
    pub(crate) fn unpin(&self, digests: &[Digest]) -> Vec<Hash> {
        let mut free = Vec::new();
        for digest in digests {
            if let Entry::Occupied(mut entry) =
                self.hold(digest.hash()).pinned.entry(*digest.hash())
            {
                *entry.get_mut() -= 1;
                if *entry.get() == 0 {
                    entry.remove();
                    free.push(*digest.hash());
                }
            }
        }
        free
    }

    /// Forgets what was used; pins stay.
    pub(crate) fn forget(&self) {
        for shard in &self.0 {
            shard.lock().used.clear();
        }
    }

    /// All that was used, and all that is pinned.
    pub(crate) fn all(&self) -> (Vec<Hash>, Vec<Hash>) {
        let (mut used, mut pinned) = (Vec::new(), Vec::new());
        for shard in &self.0 {
            let shard = shard.lock();
            used.extend(shard.used.keys());
            pinned.extend(shard.pinned.keys());
        }
        (used, pinned)
    }
}
