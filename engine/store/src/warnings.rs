//! What has to be said to the user and is no error.

use kiln_diag::Diag;
use parking_lot::Mutex;

/// Warnings in the order in which they came up, each once.
#[derive(Default)]
pub(crate) struct Warnings(Mutex<Vec<Diag>>);

impl Warnings {
    pub(crate) fn add(&self, warning: Diag) {
        let mut warnings = self.0.lock();
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }

    /// Those not yet taken.
    pub(crate) fn take(&self) -> Vec<Diag> {
        std::mem::take(&mut self.0.lock())
    }
}
