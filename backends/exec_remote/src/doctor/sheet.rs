//! What was found: one line for each check.

use std::time::Duration;

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// As the protocol says, or as kiln wants it.
    Ok,
    /// Not so; kiln does without.
    Warn,
    /// Not so, and kiln cannot do without.
    Fail,
}

impl Mark {
    /// As it is printed.
    pub fn word(self) -> &'static str {
        match self {
            Mark::Ok => "ok",
            Mark::Warn => "warn",
            Mark::Fail => "fail",
        }
    }
}

/// What a check is about; what fails in one group says nothing about those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Reaching the server, and what it says of itself.
    Server,
    /// Contents, streams, action results.
    Cache,
    /// Workers.
    Workers,
}

/// One line of the sheet.
#[derive(Clone, Debug)]
pub struct Check {
    /// What it is about.
    pub group: Group,
    /// Its name, the same in all versions: `run.timeout`.
    pub name: &'static str,
    /// How it went.
    pub mark: Mark,
    /// What the server did or said.
    pub found: String,
    /// What kiln does in that case; empty if all is well.
    pub conduct: &'static str,
    /// Calls that it took.
    pub calls: u64,
    /// How long it took.
    pub time: Duration,
}

/// What one action costs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Calls, one after the other.
    pub calls: u64,
    /// All of them together.
    pub time: Duration,
}

/// All that was found.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// In the order in which it was found.
    pub checks: Vec<Check>,
    /// One small action that ran on a worker, from its look-up to its output.
    pub run: Option<Cost>,
    /// The same action, once it is known.
    pub cached: Option<Cost>,
}

impl Sheet {
    /// Whether kiln can use the server for contents and results.
    pub fn is_cache(&self) -> bool {
        self.none_failed(&[Group::Server, Group::Cache])
    }

    /// Whether kiln can run actions on the server's workers; `false` if it has none.
    pub fn has_workers(&self) -> bool {
        let tried = self.checks.iter().any(|check| check.name == "run.action");
        tried && self.is_cache() && self.none_failed(&[Group::Workers])
    }

    /// How many checks have this mark.
    pub fn count(&self, mark: Mark) -> usize {
        self.checks.iter().filter(|c| c.mark == mark).count()
    }

    fn none_failed(&self, groups: &[Group]) -> bool {
        let mut failed = self.checks.iter().filter(|c| c.mark == Mark::Fail);
        !failed.any(|check| groups.contains(&check.group))
    }
}
