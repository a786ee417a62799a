//! What executors on this machine share: how the exec root of a process is laid out, the folders
//! that running processes write into, and how outputs get from there into the store.
//!
//! What it is not: it starts nothing and it isolates nothing. A sandbox shows an exec root by
//! mounts, a container by one mount or by a copy; both follow the same [`Plan`], so that a process
//! finds the same folders, modes and links in either.
//!
//! Invariants:
//! * What a process left behind may be hostile: no link in it is followed, and nothing outside of
//!   its folders is read, changed or removed.
//! * Two executors that run one process take in the same tree for the same files.

mod harvest;
mod plan;
mod scratch;
#[cfg(test)]
mod testing;

pub use harvest::{Seen, outputs, stopped_note, strays, stream};
pub use plan::{Clash, OutputAt, Plan, Step, Whole};
pub use scratch::{ScratchRoot, SlotFiles, remove_tree};
