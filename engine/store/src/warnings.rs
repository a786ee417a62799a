//! What has to be said to the user and is no error.

use kiln_diag::Diag;
use parking_lot::Mutex;

/// Warnings in the order in which they came up, each once.
#[derive(Default)]
pub(crate) struct Warnings(Mutex<Said>);

#[derive(Default)]
struct Said {
    all: Vec<Diag>,
    /// How many of them were taken.
    taken: usize,
}

impl Warnings {
    pub(crate) fn add(&self, warning: Diag) {
        let mut said = self.0.lock();
        if !said.all.contains(&warning) {
            said.all.push(warning);
        }
    }

    /// Those not yet taken.
    pub(crate) fn take(&self) -> Vec<Diag> {
        let mut said = self.0.lock();
        let new = said.all[said.taken..].to_vec();
        said.taken = said.all.len();
        new
    }
}
