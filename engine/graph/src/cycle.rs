//! Cycles: found when a run is about to wait, by walking who waits for whom (GR-040).
//!
//! A run makes its wait visible before it looks, so of the waits that close a cycle the last one
//! finds it. Walking takes one lock at a time and may see waits that never stood at once; so a
//! cycle that was found is looked at again with all its runs locked, and counts only if it stands.
//!
//! What stands need not be an error. If one of its runs only checks an earlier result, its wait
//! may be out of date, and it is told to compute instead (GR-041, GR-017). If it passes from one
//! session to another, which may read another version, the run that waits for the other session's
//! is told to have one made of its own. Only a cycle of computations of one session is an error,
//! and it is given to the run that was about to wait. Each of these takes one edge away for good,
//! so looking again and again ends.
//!
//! The walk is bounded, so that many waits in a large running graph cost no more than their
//! number; what it cannot decide is left to the [watchdog](crate::watchdog).

use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use crate::compute::Compute;
use crate::run::{Phase, Run};
use crate::wait::{End, Signal, Wait};

/// How many waits a walk follows before it leaves the question to the watchdog: enough for the
/// cycles that people make, and so few that looking through those already followed is quick.
const BUDGET: usize = 16;

/// Each wait that was followed, and the place here of the one before it.
type Trail<C> = SmallVec<[(Arc<Wait<C>>, usize); BUDGET]>;

/// Looks for cycles through `wait`, which its owner has made visible, and breaks them.
pub(crate) fn look<C: Compute>(wait: &Arc<Wait<C>>) {
    loop {
        match walk(wait) {
            Walk::Clear => return,
            Walk::Cycle(cycle) => resolve(&cycle),
            Walk::Undecided => {
                let watchdog = &wait.target.session.core.watchdog;
                return watchdog.watch(wait);
            }
        }
    }
}

enum Walk<C: Compute> {
    Clear,
    /// The waits of a cycle, each for the owner of the next; the first is the one asked about.
    Cycle(Vec<Arc<Wait<C>>>),
    Undecided,
}

fn walk<C: Compute>(closing: &Arc<Wait<C>>) -> Walk<C> {
    let Some(owner) = closing.owner.as_ref().filter(|_| closing.blocks()) else {
        return Walk::Clear;
    };
    if Arc::ptr_eq(&closing.target, owner) {
        return Walk::Cycle(vec![Arc::clone(closing)]);
    }
    let mut trail: Trail<C> = smallvec![(Arc::clone(closing), 0)];
    let mut next = 0;
    while let Some((reached, _)) = trail.get(next) {
        let run = Arc::clone(&reached.target);
        for wait in run.state.lock().waits.iter().filter(|wait| wait.blocks()) {
            if Arc::ptr_eq(&wait.target, owner) {
                return Walk::Cycle(path_to(&trail, next, wait));
            }
            if trail
                .iter()
                .any(|(known, _)| Arc::ptr_eq(&known.target, &wait.target))
            {
                continue;
            }
            if trail.len() == BUDGET {
                return Walk::Undecided;
            }
            trail.push((Arc::clone(wait), next));
        }
        next += 1;
    }
    Walk::Clear
}

fn path_to<C: Compute>(
    trail: &[(Arc<Wait<C>>, usize)],
    mut at: usize,
    last: &Arc<Wait<C>>,
) -> Vec<Arc<Wait<C>>> {
    let mut path = vec![Arc::clone(last)];
    loop {
        path.push(Arc::clone(&trail[at].0));
        if at == 0 {
            break;
        }
        at = trail[at].1;
    }
    path.reverse();
    path
}

/// Breaks a cycle at its best place, if it stands.
pub(crate) fn resolve<C: Compute>(cycle: &[Arc<Wait<C>>]) {
    let Some(owners) = owners(cycle) else { return };
    let keys: Vec<Option<C::Key>> = owners
        .iter()
        .map(|run| run.session.core.lock(run.node).key.clone())
        .collect();
    let mut by_address: Vec<&Arc<Run<C>>> = owners.clone();
    by_address.sort_unstable_by_key(|run| Arc::as_ptr(run).addr());
    by_address.dedup_by_key(|run| Arc::as_ptr(run));
    let locked: Vec<_> = by_address
        .iter()
        .map(|run| (*run, run.state.lock()))
        .collect();
    let state_of = |run: &Arc<Run<C>>| {
        let at = locked
            .binary_search_by_key(&Arc::as_ptr(run).addr(), |(run, _)| Arc::as_ptr(run).addr());
        at.ok()
            .and_then(|at| locked.get(at))
            .map(|(_, state)| state)
    };
    let stands = cycle.iter().zip(&owners).all(|(wait, owner)| {
        wait.blocks() && state_of(owner).is_some_and(|state| state.waits.contains(wait, End::Owner))
    });
    if !stands {
        return;
    }
    let checking = cycle
        .iter()
        .zip(&owners)
        .find(|(_, owner)| state_of(owner).is_some_and(|state| state.phase == Phase::Checking));
    let foreign = cycle
        .iter()
        .zip(&owners)
        .find(|(wait, owner)| wait.target.session.reader != owner.session.reader);
    let (wait, signal) = match (checking, foreign, cycle.first()) {
        (Some((wait, _)), _, _) => (wait, Signal::StopCheck),
        (_, Some((wait, _)), _) => (wait, Signal::Alone),
        (_, _, Some(wait)) => (wait, Signal::Cycle),
        (_, _, None) => return,
    };
    wait.set_signal(signal, keys.into_iter().flatten().collect());
    drop(locked);
    wait.wake();
}

fn owners<C: Compute>(cycle: &[Arc<Wait<C>>]) -> Option<Vec<&Arc<Run<C>>>> {
    cycle.iter().map(|wait| wait.owner.as_ref()).collect()
}
