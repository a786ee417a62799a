//! Uploads that are under way in the background.

use std::time::Instant;

use kiln_diag::Diag;
use parking_lot::{Condvar, Mutex};

use crate::{Client, Counts};

/// How many there are.
#[derive(Default)]
pub(crate) struct Queue {
    pending: Mutex<u64>,
    idle: Condvar,
}

/// One of them.
pub(crate) struct Pending(Client);

impl Pending {
    pub(crate) fn new(client: &Client) -> Pending {
        *client.0.queue.pending.lock() += 1;
        Pending(client.clone())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let queue = &self.0.0.queue;
        let mut pending = queue.pending.lock();
        *pending -= 1;
        if *pending == 0 {
            queue.idle.notify_all();
        }
    }
}

impl Client {
    /// Waits for uploads, as long as the settings say (PX-074). It blocks.
    pub fn wait(&self) {
        let (config, queue) = (&self.0.config, &self.0.queue);
        let until = Instant::now() + config.patience;
        let mut pending = queue.pending.lock();
        while *pending > 0 && !queue.idle.wait_until(&mut pending, until).timed_out() {}
    }

    /// What people should know of all that happened; uploads that are still under way are lost.
    pub fn warnings(&self) -> Vec<Diag> {
        let pending = *self.0.queue.pending.lock();
        self.0.tally.warnings(&self.0.config.address, pending)
    }

    /// [`Client::wait`], then [`Client::warnings`].
    pub fn finish(&self) -> Vec<Diag> {
        self.wait();
        self.warnings()
    }

    /// What became of calls so far.
    pub fn counts(&self) -> Counts {
        self.0.tally.counts()
    }
}
