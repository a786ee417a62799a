//! Checks a server against what kiln needs of it (`kiln remote doctor`, R32): each call that a build
//! makes, made once, with answers compared to what the protocol says.
//!
//! What it is not: it repairs nothing, and it measures only enough to tell near from far.
//!
//! Invariants: all that is written is salted, so that no build ever finds it; it is at most some
//! 20 MiB; nothing is tried twice.

mod contents;
mod execution;
mod probe;
mod results;
mod runs;
mod server;
mod sheet;
mod streams;

use std::fmt;
use std::time::Instant;

use kiln_diag::Diag;

pub use sheet::{Check, Cost, Group, Mark, Sheet};

use crate::{CallError, Client, RemoteConfig};
use probe::Probe;

/// Why a check did not go as it should.
struct Trouble(String);

impl From<CallError> for Trouble {
    fn from(error: CallError) -> Trouble {
        Trouble(error.to_string())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What was found, or why it is not as it should be.
type Found = Result<String, Trouble>;

fn trouble<T>(text: impl Into<String>) -> Result<T, Trouble> {
    Err(Trouble(text.into()))
}

/// What is to be said when a check does not go as it should: how bad that is, and what kiln does.
type Else = (Mark, &'static str);

/// The sheet while it is written.
struct Examination {
    probe: Probe,
    sheet: Sheet,
}

impl Examination {
    /// Makes one check; whether it went well.
    async fn check(
        &mut self,
        group: Group,
        name: &'static str,
        otherwise: Else,
        check: impl AsyncFnOnce(&Probe) -> Found,
    ) -> bool {
        let (calls, start) = (self.probe.calls(), Instant::now());
        let found = check(&self.probe).await;
        let (mark, found, conduct) = match found {
            Ok(found) => (Mark::Ok, found, ""),
            Err(Trouble(text)) => (otherwise.0, text, otherwise.1),
        };
        self.sheet.checks.push(Check {
            group,
            name,
            mark,
            found,
            conduct,
            calls: self.probe.calls() - calls,
            time: start.elapsed(),
        });
        mark == Mark::Ok
    }
}

/// Examines a server, from the connection to the cancellation of an action; it takes some seconds.
/// With `workers`, a server without any is a failure.
///
/// Errors: certificates that cannot be read, headers that are none. What is wrong with the server is
/// on the sheet.
pub async fn examine(config: RemoteConfig, workers: bool) -> Result<Sheet, Diag> {
    let mut examination = Examination {
        probe: Probe::new(Client::new(config)?),
        sheet: Sheet::default(),
    };
    if let Some(about) = server::check(&mut examination, workers).await {
        contents::check(&mut examination, &about).await;
        streams::check(&mut examination).await;
        results::check(&mut examination, &about).await;
        if about.workers {
            execution::check(&mut examination).await;
        }
    }
    Ok(examination.sheet)
}
