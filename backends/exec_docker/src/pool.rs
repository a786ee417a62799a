//! Containers that are free; more are started when there is none (ENV-094).

use std::path::Path;
use std::sync::Arc;

use kiln_diag::{Diag, io_text};
use kiln_exec_root::{ScratchRoot, SlotFiles};
use kiln_process::ExecError;
use parking_lot::Mutex;

use crate::DockerConfig;
use crate::client::Engine;
use crate::container::{Container, Kind};
use crate::layout::User;

/// The containers of one executor, and the folders they see.
pub(crate) struct Pool {
    free: Mutex<Vec<Container>>,
    scratch: ScratchRoot,
    engine: Arc<Engine>,
    pub user: User,
}

impl Pool {
    /// Errors: the scratch folder cannot be made.
    pub(crate) fn new(engine: Arc<Engine>, scratch: &Path) -> Result<Pool, Diag> {
        Ok(Pool {
            free: Mutex::default(),
            scratch: ScratchRoot::new(scratch, None)?,
            user: user(&engine),
            engine,
        })
    }

    /// A container without an action, started if need be.
    pub(crate) async fn take(
        &self,
        config: &DockerConfig,
        kind: &Kind,
    ) -> Result<Container, ExecError> {
        let free = {
            let mut free = self.free.lock();
            let at = free.iter().rposition(|container| container.kind == *kind);
            at.map(|at| free.swap_remove(at))
        };
        if let Some(container) = free {
            return Ok(container);
        }
        let files = self.files().map_err(ExecError::Failed)?;
        Container::start(&self.engine, config, self.user, kind.clone(), files).await
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
