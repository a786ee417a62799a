//! What the other processes need, as they have registered it with the owner.

use parking_lot::Mutex;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::cas::Hash;

/// The registered processes by what their slots call them.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<FxHashMap<u64, Session>>);

#[derive(Default)]
struct Session {
    /// Open connections; with the last one the session ends.
    connections: u32,
    /// All that it needs is known.
    registered: bool,
    used: FxHashSet<Hash>,
    pinned: FxHashSet<Hash>,
}

impl Sessions {
    /// A process has opened a connection.
    pub(crate) fn enter(&self, user: u64) {
        self.0.lock().entry(user).or_default().connections += 1;
    }

    /// It has closed one.
    pub(crate) fn leave(&self, user: u64) {
        let mut sessions = self.0.lock();
        if let Some(session) = sessions.get_mut(&user) {
            session.connections -= 1;
            if session.connections == 0 {
                sessions.remove(&user);
            }
        }
    }

    /// The sessions there are.
    pub(crate) fn all(&self) -> Vec<u64> {
        self.0.lock().keys().copied().collect()
    }

    /// Ends the session of a process that is gone, whose connections may not have told it yet.
    pub(crate) fn end(&self, user: u64) {
        self.0.lock().remove(&user);
    }

    /// All that the process needed before it connected has been told.
    pub(crate) fn register(&self, user: u64) {
        self.0.lock().entry(user).or_default().registered = true;
    }

    pub(crate) fn use_blobs(&self, user: u64, hashes: impl IntoIterator<Item = Hash>) {
        if let Some(session) = self.0.lock().get_mut(&user) {
            session.used.extend(hashes);
        }
    }

    /// The process counts its pins itself: here a blob is pinned or not.
    pub(crate) fn pin(&self, user: u64, hashes: &[Hash], on: bool) {
        let mut sessions = self.0.lock();
        let Some(session) = sessions.get_mut(&user) else {
            return;
        };
        for hash in hashes {
            match on {
                true => session.pinned.insert(*hash),
                false => session.pinned.remove(hash),
            };
        }
    }

    pub(crate) fn forget_uses(&self, user: u64) {
        if let Some(session) = self.0.lock().get_mut(&user) {
            session.used.clear();
        }
    }

    pub(crate) fn is_registered(&self, user: u64) -> bool {
        self.0
            .lock()
            .get(&user)
            .is_some_and(|session| session.registered)
    }

    /// Does `act` if no session needs the blob; none can begin to need it meanwhile.
    pub(crate) fn unless_needed(&self, hash: &Hash, act: impl FnOnce()) -> bool {
        let sessions = self.0.lock();
        let needed = sessions
            .values()
            .any(|session| session.used.contains(hash) || session.pinned.contains(hash));
        if !needed {
            act();
        }
        !needed
    }
}
