//! Which processes go to workers.

use futures::FutureExt;
use futures::future::BoxFuture;
use kiln_process::{CacheScope, Environment, ExecError, Executor, ProcessResult, Request};

use crate::report::add;
use crate::{Client, Down, RemoteExecutor};

/// Sends processes to a server's workers, and the others to `local` (`--remote_executor`).
///
/// | environment | where |
/// | --- | --- |
/// | [`Environment::Remote`] | the workers, nowhere else |
/// | [`Environment::Local`], environments have names ([`Placed::named_only`]) | `local` (ENV-057) |
/// | [`Environment::Local`] | the workers; `local` if they cannot be reached and [`Down::Fallback`] holds |
/// | [`Environment::Local`], [`CacheScope::LocalSuccessful`] (`no-remote`, `local`) | `local` |
/// | others | `local` |
pub struct Placed<E> {
    local: E,
    remote: RemoteExecutor,
    workers: Client,
    named_only: bool,
}

impl<E> Placed<E> {
    /// `workers` is the server that `remote` sends actions to.
    pub fn new(local: E, remote: RemoteExecutor, workers: Client) -> Placed<E> {
        Placed {
            local,
            remote,
            workers,
            named_only: false,
        }
    }

    /// Where environments have names, only what asks for a remote one leaves this machine
    /// (ENV-057, ENV-058).
    pub fn named_only(mut self, named: bool) -> Placed<E> {
        self.named_only = named;
        self
    }
}

impl<E: Executor> Executor for Placed<E> {
    fn execute<'a>(
        &'a self,
        request: Request<'a>,
    ) -> BoxFuture<'a, Result<ProcessResult, ExecError>> {
        let stays = self.named_only || request.process.cache == CacheScope::LocalSuccessful;
        match request.environment {
            Environment::Remote(_) => self.remote.execute(request),
            Environment::Local if !stays => async move {
                match self.remote.execute(request).await {
                    Err(ExecError::Unavailable(_))
                        if self.workers.0.config.down == Down::Fallback =>
                    {
                        add(&self.workers.0.tally.failed_runs, 1);
                        self.local.execute(request).await
                    }
                    result => result,
                }
            }
            .boxed(),
            _ => self.local.execute(request),
        }
    }
}
