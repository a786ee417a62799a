//! Operations: actions under way, and those that ended not long ago.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt, stream};
use kiln_base::Digest;
use kiln_proto::{Any, ExecuteOperationMetadata, ExecuteResponse, Operation, Outcome};
use parking_lot::Mutex;
use tokio::sync::watch;
use tonic::Status;

use crate::names;
use crate::status::shown;

/// So many operations may be under way.
const MOST: usize = 10_000;
/// So many that ended are remembered, for clients whose stream broke (R4).
const REMEMBERED: usize = 256;

/// How far an operation got (`ExecutionStage.Value`).
#[derive(Clone, Copy)]
pub(crate) enum Stage {
    CacheCheck = 1,
    Queued = 2,
    Executing = 3,
    Completed = 4,
}

/// Why an operation ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// A client asked for it.
    Cancelled,
    /// Nobody waits for it any more.
    Abandoned,
    /// The server ends.
    Ending,
}

/// What a client is sent of an operation.
pub(crate) type Updates = Pin<Box<dyn Stream<Item = Result<Operation, Status>> + Send>>;

/// One operation.
pub(crate) struct Entry {
    name: String,
    action: Digest,
    state: watch::Sender<Operation>,
    stop: watch::Sender<Option<Stop>>,
}

/// All of them.
pub(crate) struct Operations {
    prefix: String,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    by_name: HashMap<String, Arc<Entry>>,
    ended: VecDeque<String>,
    count: u64,
    ending: bool,
}

impl Operations {
    /// None so far. Names of a server that ran before are not known to this one.
    pub(crate) fn new(instance: &str) -> Operations {
        let start = RandomState::new().hash_one(std::process::id());
        let slash = if instance.is_empty() { "" } else { "/" };
        Operations {
            prefix: format!("{instance}{slash}operations/{start:016x}-"),
            known: Mutex::default(),
        }
    }

    /// Begins one.
    pub(crate) fn begin(&self, action: Digest) -> Result<Arc<Entry>, Status> {
        let mut known = self.known.lock();
        if known.ending {
            return Err(Status::unavailable("the server is ending"));
        }
        if known.by_name.len() - known.ended.len() >= MOST {
            return Err(Status::resource_exhausted("too many actions are waiting"));
        }
        known.count += 1;
        let name = format!("{}{}", self.prefix, known.count);
        let first = Operation {
            name: name.clone(),
            ..Operation::default()
        };
        let entry = Arc::new(Entry {
            name: name.clone(),
            action,
            state: watch::Sender::new(first),
            stop: watch::Sender::new(None),
        });
        entry.stage(Stage::Queued);
        known.by_name.insert(name, entry.clone());
        Ok(entry)
    }

    /// The one of that name.
    pub(crate) fn get(&self, name: &str) -> Result<Arc<Entry>, Status> {
        let found = self.known.lock().by_name.get(name).cloned();
        found.ok_or_else(|| Status::not_found(format!("no operation `{}` is known", shown(name))))
    }

    /// How many are under way.
    pub(crate) fn under_way(&self) -> usize {
        let known = self.known.lock();
        known.by_name.len() - known.ended.len()
    }

    /// Ends an operation with its answer.
    pub(crate) fn finish(&self, entry: &Entry, response: &ExecuteResponse) {
        let name = "build.bazel.remote.execution.v2.ExecuteResponse";
        let response = Any::pack(name, response);
        entry.change(Stage::Completed, |operation| {
            operation.done = true;
            operation.result = Some(Outcome::Response(response));
        });
        let mut known = self.known.lock();
        known.ended.push_back(entry.name.clone());
        if known.ended.len() > REMEMBERED
            && let Some(oldest) = known.ended.pop_front()
        {
            known.by_name.remove(&oldest);
        }
    }

    /// Ends all of them, and lets none begin.
    pub(crate) fn end(&self) {
        let mut known = self.known.lock();
        known.ending = true;
        for entry in known.by_name.values() {
            entry.stop(Stop::Ending);
        }
    }
}

impl Entry {
    /// Tells how far it got.
    pub(crate) fn stage(&self, stage: Stage) {
        self.change(stage, |_| {});
    }

    fn change(&self, stage: Stage, change: impl FnOnce(&mut Operation)) {
        let metadata = ExecuteOperationMetadata {
            stage: stage as i32,
            action_digest: Some(names::message(&self.action)),
        };
        let name = "build.bazel.remote.execution.v2.ExecuteOperationMetadata";
        let metadata = Any::pack(name, &metadata);
        self.state.send_modify(|operation| {
            operation.metadata = Some(metadata);
            change(operation);
        });
    }

    /// How it stands.
    pub(crate) fn now(&self) -> Operation {
        self.state.borrow().clone()
    }

    /// How it stands, and all that comes, up to its end. Who is slow misses what was in between.
    pub(crate) fn updates(&self) -> Updates {
        let mut receiver = self.state.subscribe();
        receiver.mark_changed();
        let rest = stream::unfold(Some(receiver), |receiver| async {
            let mut receiver = receiver?;
            receiver.changed().await.ok()?;
            let operation = receiver.borrow_and_update().clone();
            let rest = (!operation.done).then_some(receiver);
            Some((Ok(operation), rest))
        });
        rest.boxed()
    }

    /// Asks it to end. The first to ask counts.
    pub(crate) fn stop(&self, why: Stop) {
        self.stop.send_if_modified(|stop| {
            let first = stop.is_none();
            *stop = stop.or(Some(why));
            first
        });
    }

    /// Waits until it must end: somebody says so, or nobody waits for it for so long.
    pub(crate) async fn stopped(&self, patience: Duration) -> Stop {
        let mut asked = self.stop.subscribe();
        let asked = async {
            match asked.wait_for(Option::is_some).await {
                Ok(why) => why.unwrap_or(Stop::Ending),
                // It lives as long as this entry does.
                Err(_) => Stop::Ending,
            }
        };
        tokio::select! {
            why = asked => why,
            () = self.abandoned(patience) => Stop::Abandoned,
        }
    }

    async fn abandoned(&self, patience: Duration) {
        loop {
            self.state.closed().await;
            tokio::time::sleep(patience).await;
            if self.state.is_closed() {
                return;
            }
        }
    }
}
