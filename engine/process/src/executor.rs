//! The trait of whatever can run a process.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use kiln_base::{Digest, RelPath};
use kiln_diag::Diag;

use crate::{Environment, Process, ProcessResult};

/// What people are shown; no part of any key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// The target it is for, as text.
    pub label: String,
    /// The kind of action (`CppCompile`, `Genrule`).
    pub mnemonic: String,
    /// What is being done ("Compiling a/b.cc").
    pub progress: String,
}

/// Told what happens to a request while it is under way.
pub trait Observer: Send + Sync {
    /// A slot was found and the process is about to start.
    fn started(&self) {}
    /// Some of its output, in order, as it comes; only executors that can stream call it.
    fn output(&self, _bytes: &[u8]) {}
    /// Whether [`Observer::output`] is to be called; watching a process write costs something.
    fn wants_output(&self) -> bool {
        false
    }
}

/// An observer that does not look.
impl Observer for () {}

/// Files of the workspace that are declared (ENV-134).
pub trait Declared: Send + Sync {
    /// Whether this one is: part of the key, or known not to matter.
    fn covers(&self, path: &RelPath) -> bool;
}

/// Outputs whose contents must be in the store when a result is handed over. Others may have been
/// left at a server ([`ProcessResult::left`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads<'a> {
    /// All.
    All,
    /// Those, relative to the working directory, if the process ran for this request; none of a
    /// result that was known.
    OfRun(&'a [RelPath]),
}

/// One process to run.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// What to run.
    pub process: &'a Process,
    /// Where.
    pub environment: &'a Environment,
    /// Its REAPI action digest: the key of every cache.
    pub action: Digest,
    /// How it is shown.
    pub describe: &'a Description,
    /// How many local slots it takes (`cpu:N`); at least 1.
    pub slots: u32,
    /// Whether nothing may run beside it (`exclusive`).
    pub exclusive: bool,
    /// Whether it may write anywhere beside its inputs, as tests may (Bazel); what it leaves there
    /// is lost. No part of the key: it is the same for all processes of a kind.
    pub writable: bool,
    /// Whether it may leave declared outputs out (PX-015), as tests may do with their reports.
    /// Otherwise a success that lacks one is none: it is not kept, and the result says what was
    /// made instead.
    pub optional_outputs: bool,
    /// What of the workspace it is known to read besides its inputs, for a process that runs there
    /// and whose result is to last: if it reads more, its result is not kept.
    pub declared: Option<&'a dyn Declared>,
    /// Which outputs will be read by whoever asks.
    pub reads: Reads<'a>,
    /// Who is told.
    pub observer: &'a dyn Observer,
}

/// Runs processes. `Err` is for what went wrong *around* a process: one that fails is an `Ok`
/// result. Dropping the future ends the process and all it started.
pub trait Executor: Send + Sync {
    /// Runs one process to its end.
    fn execute<'a>(
        &'a self,
        request: Request<'a>,
    ) -> BoxFuture<'a, Result<ProcessResult, ExecError>>;
}

/// Tells what an environment other than this machine is.
pub trait Identify: Send + Sync {
    /// All that decides what a process does there besides its inputs: the id of an image (ENV-091),
    /// the platform of workers. It may take long: an image that is not there is fetched.
    ///
    /// Errors: nothing of that kind can be used.
    fn identity<'a>(&'a self, environment: &'a Environment) -> BoxFuture<'a, Result<String, Diag>>;

    /// The variables that an environment has by itself (ENV-080): those of an image. `None`: it has
    /// to be asked there.
    ///
    /// Errors: nothing of that kind can be used.
    fn variables<'a>(
        &'a self,
        environment: &'a Environment,
    ) -> BoxFuture<'a, Result<Option<BTreeMap<String, String>>, Diag>> {
        let _ = environment;
        async { Ok(None) }.boxed()
    }

    /// Whether something of that kind answers: cheap, nothing is fetched or started. What answered,
    /// in a few words.
    ///
    /// Errors: nothing does.
    fn probe<'a>(&'a self, environment: &'a Environment) -> BoxFuture<'a, Result<String, Diag>> {
        let _ = environment;
        async { Ok("this machine".to_owned()) }.boxed()
    }
}

/// One that others use as well.
impl<E: Executor + ?Sized> Executor for Arc<E> {
    fn execute<'a>(
        &'a self,
        request: Request<'a>,
    ) -> BoxFuture<'a, Result<ProcessResult, ExecError>> {
        (**self).execute(request)
    }
}

/// Why there is no result.
#[derive(Clone, Debug)]
pub enum ExecError {
    /// A blob that the inputs or a cached result name is gone: whoever made it must run again.
    MissingBlob(Digest),
    /// Worth another try, or the fallback environment.
    Unavailable(Diag),
    /// It cannot be done.
    Failed(Diag),
}

impl fmt::Display for ExecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExecError::MissingBlob(digest) => write!(f, "blob {digest} is gone"),
            ExecError::Unavailable(diag) | ExecError::Failed(diag) => fmt::Display::fmt(diag, f),
        }
    }
}

impl std::error::Error for ExecError {}
