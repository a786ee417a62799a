//! What goes wrong.

use std::path::PathBuf;
use std::time::Duration;

/// What goes wrong. Shares are of a hundred.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Decides which.
    pub seed: u64,
    /// Blobs that are gone, until a client sends them again. Results that name them are given out
    /// all the same.
    pub lost: u32,
    /// Blobs that are sent with a wrong byte, or too short.
    pub flipped: u32,
    /// Reads and writes of streams that end too early: with an error or as if that were all.
    pub truncated: u32,
    /// Calls that fail, before or after they took effect; streams of executions that break at any
    /// message, or whose operation is forgotten.
    pub broken: u32,
    /// Calls that take so long.
    pub stalled: Option<(u32, Duration)>,
    /// The largest message that is taken or given, in bytes.
    pub enforced: Option<u64>,
    /// What is said to be the limit of a batch.
    pub batch: Option<i64>,
    /// What is said besides.
    pub lie: Option<Lie>,
    /// The token that clients must bring, and when it changes.
    pub token: Option<Expiry>,
    /// All actions are unknown, and run each time.
    pub forgetful: bool,
}

/// A token that expires.
#[derive(Clone, Debug)]
pub struct Expiry {
    /// Where clients find the one that holds.
    pub file: PathBuf,
    /// After so many calls there is another one, time and again.
    pub after: u64,
}

/// Capabilities that are not those of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// It is no cache.
    NoCache,
    /// It knows another digest function only.
    OtherDigest,
    /// Takes no results, and refuses those that come.
    NoUpdates,
    /// Has workers, but knows no `Execute`.
    NoWorkers,
    /// The call is unknown.
    Unknown,
    /// Blobs may have ten bytes at most.
    SmallBlobs,
}
