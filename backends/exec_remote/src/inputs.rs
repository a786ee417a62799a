//! All that a worker needs for one action.

use kiln_base::Digest;
use kiln_process::{Keyed, Request};

use crate::Client;
use crate::upload::{AtHand, Closure, Content};

/// Blobs that the server must have before an action can run there.
pub(crate) struct Inputs {
    /// Files, folders, the action and its command.
    pub(crate) digests: Vec<Digest>,
    /// The folders among them.
    pub(crate) folders: Vec<Digest>,
    /// Those that are not in the store.
    pub(crate) at_hand: AtHand,
}

impl Inputs {
    /// Those that `server` is not known to have. Folders that it has with all that is in them are
    /// not walked, so that what many actions share is walked once (R12).
    pub(crate) fn new_to(server: &Client, request: &Request<'_>) -> Inputs {
        let presence = server.0.presence.lock();
        Inputs::of(request, &|folder| presence.has_folder(folder))
    }

    /// All of them.
    pub(crate) fn all(request: &Request<'_>) -> Inputs {
        Inputs::of(request, &|_| false)
    }

    fn of(request: &Request<'_>, known: &dyn Fn(&Digest) -> bool) -> Inputs {
        let keyed = Keyed::of(request.process);
        let mut closure = Closure::default();
        closure.add(&request.process.inputs, known);
        let Closure {
            folders: mut at_hand,
            files: mut digests,
        } = closure;
        let folders = at_hand.keys().copied().collect();
        let command = Digest::of(&keyed.command);
        at_hand.insert(command, Content::Bytes(keyed.command.into()));
        at_hand.insert(keyed.digest, Content::Bytes(keyed.action.into()));
        digests.extend(at_hand.keys());
        Inputs {
            digests,
            folders,
            at_hand,
        }
    }
}
