//! What the other processes need, as they have registered it with the owner.

use kiln_base::Digest;
use parking_lot::Mutex;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::cas::Hash;

/// The registered processes by their slots.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<FxHashMap<u32, Session>>);

#[derive(Default)]
struct Session {
    /// Open connections; with the last one the session ends.
    connections: u32,
    /// All that it needs is known.
    registered: bool,
    used: FxHashSet<Hash>,
    pinned: FxHashMap<Hash, u32>,
}

impl Sessions {
    /// A process has opened a connection.
    pub(crate) fn enter(&self, slot: u32) {
        self.0.lock().entry(slot).or_default().connections += 1;
    }

    /// It has closed one.
    pub(crate) fn leave(&self, slot: u32) {
        let mut sessions = self.0.lock();
        if let Some(session) = sessions.get_mut(&slot) {
            session.connections -= 1;
            if session.connections == 0 {
                sessions.remove(&slot);
            }
        }
    }

    /// All that the process needed before it connected has been told.
    pub(crate) fn register(&self, slot: u32) {
        self.0.lock().entry(slot).or_default().registered = true;
    }

    pub(crate) fn use_blobs(&self, slot: u32, hashes: impl IntoIterator<Item = Hash>) {
        if let Some(session) = self.0.lock().get_mut(&slot) {
            session.used.extend(hashes);
        }
    }

    pub(crate) fn use_digests(&self, slot: u32, digests: &[Digest]) {
        self.use_blobs(slot, digests.iter().map(|digest| *digest.hash()));
    }

    pub(crate) fn pin(&self, slot: u32, hashes: &[Hash], on: bool) {
        let mut sessions = self.0.lock();
        let Some(session) = sessions.get_mut(&slot) else {
            return;
        };
        for hash in hashes {
            if on {
                *session.pinned.entry(*hash).or_default() += 1;
            } else if let Some(count) = session.pinned.get_mut(hash) {
                *count -= 1;
                if *count == 0 {
                    session.pinned.remove(hash);
                }
            }
        }
    }

    pub(crate) fn forget_uses(&self, slot: u32) {
        if let Some(session) = self.0.lock().get_mut(&slot) {
            session.used.clear();
        }
    }

    pub(crate) fn is_registered(&self, slot: u32) -> bool {
        self.0
            .lock()
            .get(&slot)
            .is_some_and(|session| session.registered)
    }

    /// Does `act` if no session needs the blob; none can begin to need it meanwhile.
    pub(crate) fn unless_needed(&self, hash: &Hash, act: impl FnOnce()) -> bool {
        let sessions = self.0.lock();
        let needed = sessions
            .values()
            .any(|session| session.used.contains(hash) || session.pinned.contains_key(hash));
        if !needed {
            act();
        }
        !needed
    }
}
