//! What all services have in common.

use std::collections::HashSet;

use kiln_diag::Diag;
use kiln_store::Store;
use parking_lot::Mutex;
use tonic::{Response, Status};

use crate::{Report, names};

/// How a call ends.
pub(crate) type Reply<T> = Result<Response<T>, Status>;

/// As many different messages are remembered, so that none is repeated.
const REMEMBERED: usize = 100;

/// The store, and how the server is set.
pub(crate) struct Shared {
    pub(crate) store: Store,
    /// The one instance that is served.
    pub(crate) instance: String,
    /// Whether results come from actions that ran here alone.
    pub(crate) read_only: bool,
    report: Report,
    reported: Mutex<HashSet<String>>,
}

impl Shared {
    pub(crate) fn new(store: Store, instance: String, read_only: bool, report: Report) -> Shared {
        Shared {
            store,
            instance,
            read_only,
            report,
            reported: Mutex::default(),
        }
    }

    /// Whether a request is for this server.
    pub(crate) fn admit(&self, instance: &str, digest_function: i32) -> Result<(), Status> {
        names::admit(&self.instance, instance, digest_function)
    }

    /// Tells whoever runs the server of something that is wrong with this machine, once. Clients
    /// need not know where its folders are.
    pub(crate) fn trouble(&self, error: Diag) -> Status {
        let mut reported = self.reported.lock();
        if reported.len() < REMEMBERED && reported.insert(error.message().to_owned()) {
            (self.report)(error);
        }
        Status::internal("the server's store fails; its log says how")
    }

    /// Tells of what the store has to say.
    pub(crate) fn store_warnings(&self) {
        for warning in self.store.warnings() {
            // Said; there is no call to answer.
            let _ = self.trouble(warning);
        }
    }
}

/// Does work that blocks: the store's calls do.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Status> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Status::internal("a task of the server broke off"))
}
