//! Limits, from a worker's side: entering its control groups, and seeing that a limit was hit.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use rustix::process::{Resource as Rlimit, Rlimit as Values};

use super::wire::{Counter, Failure, Limits, OrFailure, Resource, Step};

/// How often is looked whether a limit was hit. Not every kernel tells by itself.
const INTERVAL: Duration = Duration::from_millis(100);

/// The counters of a worker's groups.
pub(super) struct Watched(Vec<(File, Counter)>);

/// Enters the worker's groups; all its actions will be in them. To be done before anything is
/// mounted.
pub(super) fn enter(limits: &Limits) -> Result<Watched, Failure> {
    for group in &limits.groups {
        fs::write(format!("{group}/cgroup.procs"), "0").or_failure(Step::Limits, group)?;
    }
    let counters = limits.counters.iter().map(|counter| {
        let file = File::open(&counter.path).or_failure(Step::Limits, &counter.path)?;
        Ok((file, counter.clone()))
    });
    Ok(Watched(counters.collect::<Result<_, _>>()?))
}

/// Limits the processes of the worker's user namespace.
pub(super) fn processes(limits: &Limits) -> Result<(), Failure> {
    if limits.processes == 0 {
        return Ok(());
    }
    let had = rustix::process::getrlimit(Rlimit::Nproc);
    let limit = had
        .maximum
        .map_or(limits.processes, |had| had.min(limits.processes));
    let values = Values {
        current: Some(limit),
        maximum: Some(limit),
    };
    rustix::process::setrlimit(Rlimit::Nproc, values).or_failure(Step::Limits, "processes")
}

impl Watched {
    /// How often [`Watched::hit`] has to be asked.
    pub(super) fn interval(&self) -> Option<Duration> {
        (!self.0.is_empty()).then_some(INTERVAL)
    }

    /// The limit that was hit.
    pub(super) fn hit(&self) -> Option<Resource> {
        self.0.iter().find_map(|(file, counter)| {
            let mut buffer = [0; 1024];
            let length = file.read_at(&mut buffer, 0).ok()?;
            let text = std::str::from_utf8(&buffer[..length]).ok()?;
            counter.is_hit(text).then_some(counter.resource)
        })
    }
}
