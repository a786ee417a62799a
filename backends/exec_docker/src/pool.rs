//! Containers that are free; more are started when there is none (ENV-094).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kiln_diag::{Diag, io_text};
use kiln_exec_root::{ScratchRoot, SlotFiles};
use kiln_process::ExecError;
use parking_lot::Mutex;
use tokio::sync::RwLock;

use crate::DockerConfig;
use crate::client::Engine;
use crate::container::{Container, Kind, NotStarted, Sharing};
use crate::layout::User;

/// The containers of one executor, and the folders they see.
pub(crate) struct Pool {
    free: Mutex<Vec<Container>>,
    scratch: ScratchRoot,
    engine: Arc<Engine>,
    config: Arc<DockerConfig>,
    user: User,
    /// Read while a container is being started or removed.
    busy: Arc<RwLock<()>>,
    /// The engine does not see our folders.
    apart: AtomicBool,
}

/// How long is waited for containers to be started or gone.
const CLOSE: Duration = Duration::from_secs(10);

impl Pool {
    /// Errors: the scratch folder cannot be made.
    pub(crate) fn new(engine: Arc<Engine>, config: &DockerConfig) -> Result<Pool, Diag> {
        Ok(Pool {
            free: Mutex::default(),
            scratch: ScratchRoot::new(&config.scratch, None)?,
            user: user(&engine),
            // Files that its containers make could not be ours otherwise (ENV-099).
            apart: AtomicBool::new(engine.remapped),
            engine,
            config: Arc::new(config.clone()),
            busy: Arc::default(),
        })
    }

    /// A container without an action, started if need be.
    pub(crate) async fn take(&self, kind: &Kind) -> Result<Container, ExecError> {
        let free = {
            let mut free = self.free.lock();
            let at = free.iter().rposition(|container| container.kind == *kind);
            at.map(|at| free.swap_remove(at))
        };
        if let Some(container) = free {
            return Ok(container);
        }
        if !self.apart.load(Ordering::Relaxed) {
            match self.start(kind, Sharing::Mounts).await {
                Ok(container) => return Ok(container),
                Err(NotStarted::Failed(error)) => return Err(error),
                // So it will be for the next.
                Err(NotStarted::NotShared(_)) => self.apart.store(true, Ordering::Relaxed),
            }
        }
        let started = self.start(kind, Sharing::Archives).await;
        started.map_err(|error| match error {
            NotStarted::Failed(error) => error,
            NotStarted::NotShared(diag) => ExecError::Unavailable(diag),
        })
    }

    async fn start(&self, kind: &Kind, sharing: Sharing) -> Result<Container, NotStarted> {
        let files = self.files().map_err(ExecError::Failed)?;
        let (engine, config, busy) = (self.engine.clone(), self.config.clone(), self.busy.clone());
        let (user, kind) = (self.user_in(sharing), kind.clone());
        // It goes on when nobody waits for it any more: given up half-way, it would leave a
        // container behind.
        let start = tokio::spawn(async move {
            let _busy = busy.clone().read_owned().await;
            Container::start(&engine, &config, (user, sharing), kind, files, busy).await
        });
        let panicked = |_| ExecError::Failed(Diag::internal("starting a container panicked"));
        start.await.map_err(panicked)?
    }

    /// Who actions are. Where files go there in archives, they belong to nobody we know, and come
    /// back as our own.
    pub(crate) fn user_in(&self, sharing: Sharing) -> User {
        match sharing {
            Sharing::Mounts => self.user,
            Sharing::Archives => User {
                inside: UNPRIVILEGED,
                outside: None,
            },
        }
    }

    /// Whoever runs kiln, root included, as containers know them.
    pub(crate) fn caller(&self) -> (u32, u32) {
        match self.engine.rootless {
            true => (0, 0),
            false => (
                rustix::process::geteuid().as_raw(),
                rustix::process::getegid().as_raw(),
            ),
        }
    }

    /// Waits, for a while, until no container is being started or removed. The others end with
    /// this process.
    pub(crate) async fn close(&self) {
        let _ = tokio::time::timeout(CLOSE, self.busy.write()).await;
    }

    fn files(&self) -> Result<SlotFiles, Diag> {
        self.scratch.slot().map_err(|error| {
            Diag::environment(format!(
                "cannot make a folder in `{}`: {}",
                self.scratch.path().display(),
                io_text(&error)
            ))
        })
    }

    /// Takes back a container that is clean.
    pub(crate) fn put(&self, container: Container) {
        self.free.lock().push(container);
    }

    /// The engine.
    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }
}

/// `nobody`.
const UNPRIVILEGED: (u32, u32) = (65534, 65534);

/// Who actions are: whoever runs kiln, so that outputs are theirs (ENV-099); but never root.
fn user(engine: &Engine) -> User {
    let own = (
        rustix::process::geteuid().as_raw(),
        rustix::process::getegid().as_raw(),
    );
    match own.0 {
        0 => User {
            inside: UNPRIVILEGED,
            outside: Some(UNPRIVILEGED),
        },
        // Root in there is that user out here.
        _ if engine.rootless => User {
            inside: (0, 0),
            outside: None,
        },
        _ => User {
            inside: own,
            outside: None,
        },
    }
}
