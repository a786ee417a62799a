//! `--explain=FILE`: a line for each process that runs, with the reason.
//!
//! A process runs because no result for what it is now is known. What it was when it was last
//! seen is on record, from the last command with `--explain`, so what is different can be named.

mod difference;
mod record;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use kiln_diag::Diag;
use kiln_process::{
    CacheScope, Description, Environment, ExecError, Executor, Process, ProcessResult, Request,
    Source,
};

use difference::differences;
use record::{Book, Record};

/// How many differences are named.
const NAMED: usize = 5;

/// The file for the user, and what is on record.
pub(crate) struct Explain {
    path: PathBuf,
    records: PathBuf,
    state: Mutex<State>,
}

struct State {
    file: File,
    book: Book,
    /// The first error while writing.
    failed: Option<io::Error>,
}

impl Explain {
    /// Begins a file. What is on record is in the output folder.
    ///
    /// Errors: the file cannot be written.
    pub(crate) fn new(path: PathBuf, out: &Path) -> Result<Explain, Diag> {
        let file = File::create(&path).map_err(|error| {
            Diag::usage(format!("cannot write `{}`: {error}", path.display()))
                .note("it is what `--explain` names")
        })?;
        let records = out.join(".kiln-explain");
        let book = Book::read(&records);
        let state = State {
            file,
            book,
            failed: None,
        };
        Ok(Explain {
            path,
            records,
            state: Mutex::new(state),
        })
    }

    fn note(&self, request: &Request<'_>, result: &ProcessResult) {
        let record = Record::of(request, result.exit.success());
        let key = key(request);
        // A panic elsewhere leaves lines and records as they were.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        if result.source == Source::Ran {
            let reason = reason(&state.book, &key, &record, request.process);
            let Description {
                label,
                mnemonic,
                progress,
            } = request.describe;
            let line = format!("{label}: {mnemonic}, {progress}: {reason}\n");
            if let Err(error) = state.file.write_all(one_line(&line).as_bytes()) {
                state.failed.get_or_insert(error);
            }
        }
        state.book.put(key, record, &request.process.inputs);
    }

    /// Puts what was seen on record.
    pub(crate) fn save(&self) -> Result<(), Diag> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = state.failed.take() {
            return Err(Diag::io("cannot write", &self.path, &error));
        }
        let written = state.book.write(&self.records);
        written.map_err(|error| Diag::io("cannot write", &self.records, &error))
    }
}

/// What makes a process the same one as in an earlier command: whose it is, what it makes and, of
/// tests, which part it runs.
fn key(request: &Request<'_>) -> String {
    let (describe, process) = (request.describe, request.process);
    let mut key = format!("{} {}", describe.label, describe.mnemonic);
    if let Some(output) = process.outputs.first() {
        key += &format!(" {output}");
    }
    for name in ["TEST_SHARD_INDEX", "TEST_RUN_NUMBER", "TEST_ATTEMPT_NUMBER"] {
        if let Some(value) = process.env.get(name) {
            key += &format!(" {name}={value}");
        }
    }
    // Two that race are two.
    key += match request.environment {
        Environment::Local => "",
        Environment::Workspace => " in the workspace",
        Environment::Docker(_) => " in a container",
        Environment::Remote(_) => " on a worker",
    };
    key
}

/// Why a process ran.
fn reason(book: &Book, key: &str, now: &Record, process: &Process) -> String {
    let Some(before) = book.get(key) else {
        return "nothing is on record of it".to_owned();
    };
    if before.action == now.action {
        return match (process.cache, before.good) {
            (CacheScope::Session, _) => "its results are not used again",
            (CacheScope::Refresh, _) => "it was to run in any case",
            (_, false) => "it failed",
            (_, true) => "its result is not in the store any more",
        }
        .to_owned();
    }
    let mut names = differences(book, before, now, process);
    if names.is_empty() {
        // The key has more in it than is compared: whether the result may be kept, for one.
        return match process.cache {
            CacheScope::Session => "its results are not used again",
            _ => "it is another action",
        }
        .to_owned();
    }
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    names.join(", ")
}

/// A label or a path of somebody must not look like another line.
fn one_line(line: &str) -> String {
    let end = line.strip_suffix('\n').unwrap_or(line);
    let plain = |c: char| if c.is_control() { '?' } else { c };
    end.chars().map(plain).chain(['\n']).collect()
}

/// Tells of each process that goes through.
pub(crate) struct Explained {
    inner: Arc<dyn Executor>,
    explain: Arc<Explain>,
}

impl Explained {
    /// Goes before `inner`, caches included.
    pub(crate) fn new(inner: Arc<dyn Executor>, explain: Arc<Explain>) -> Explained {
        Explained { inner, explain }
    }
}

impl Executor for Explained {
    fn execute<'a>(
        &'a self,
        request: Request<'a>,
    ) -> BoxFuture<'a, Result<ProcessResult, ExecError>> {
        async move {
            let result = self.inner.execute(request).await?;
            self.explain.note(&request, &result);
            Ok(result)
        }
        .boxed()
    }
}

/// Variables, without their values: those may be secrets.
type Variables = BTreeMap<String, String>;
