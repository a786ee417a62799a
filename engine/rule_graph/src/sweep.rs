//! The order of work in fixpoints over things that are numbered as they are found.

use std::collections::BTreeSet;

/// Numbers to be looked at, in sweeps from the highest to the lowest: what is found later is
/// mostly read by what was found before, and within one sweep nothing is done twice.
#[derive(Default)]
pub(crate) struct Sweep {
    queued: BTreeSet<usize>,
    cursor: usize,
}

impl Sweep {
    /// All numbers below `count`.
    pub(crate) fn all(count: usize) -> Sweep {
        Sweep {
            queued: (0..count).collect(),
            cursor: count,
        }
    }

    /// Adds a number that was never in; it comes before all others.
    pub(crate) fn push_new(&mut self, number: usize) {
        self.queued.insert(number);
        self.cursor = number + 1;
    }

    /// Adds a number that has to be looked at again.
    pub(crate) fn push(&mut self, number: usize) {
        self.queued.insert(number);
    }

    /// The next number.
    pub(crate) fn pop(&mut self) -> Option<usize> {
        let below = self.queued.range(..self.cursor).next_back();
        let next = below.or_else(|| self.queued.last()).copied()?;
        self.queued.remove(&next);
        self.cursor = next;
        Some(next)
    }
}
