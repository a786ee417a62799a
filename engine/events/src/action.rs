//! Actions.

use kiln_base::Digest;

/// An action, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionEvent {
    /// The target.
    pub label: String,
    /// The kind of action.
    pub mnemonic: String,
    /// What it does.
    pub progress: String,
    /// Its key.
    pub digest: Digest,
    /// Its command line, quoted for a shell; filled in only where somebody wants it (`-s`).
    pub command: Option<String>,
}

/// Where an action's result comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActionSource {
    /// Its process ran.
    Executed,
    /// The cache of this machine.
    LocalCache,
    /// A remote cache.
    RemoteCache,
    /// This process had it in memory.
    Memoized,
}
