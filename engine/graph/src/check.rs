//! Pulled verification: is an earlier result still right?

use std::sync::Arc;

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use crate::compute::Compute;
use crate::deps::{Deps, Edge};
use crate::request::{Asker, Fetch, Fetched, Wanted};
use crate::run::Run;

/// An earlier result of a node: what it was computed from, and which value that gave.
pub(crate) struct Base {
    pub(crate) deps: Deps,
    pub(crate) generation: u32,
}

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    /// Every dependency has the generation that was recorded.
    Unchanged,
    /// One has not, or cannot be asked.
    Changed,
}

/// Asks for the recorded dependencies, a group at once and the groups one after another, and
/// stops at the first that differs, without waiting for slower ones (GR-013). What was asked for
/// in vain is cancelled, if nobody else wants it.
///
/// No dependency is asked for unless all groups before its own hold; so nothing is computed that
/// a run of the node would not have asked for as well.
pub(crate) async fn check<C: Compute>(run: &Arc<Run<C>>, base: &Base) -> Checked {
    let asker = Asker {
        session: &run.session,
        run: Some(run),
    };
    for group in base.deps.groups() {
        let mut pending = Vec::new();
        for edge in group {
            let mut fetch = Fetch::new(asker, Wanted::Edge(edge));
            match fetch.start() {
                Some(fetched) if holds(&fetched, edge) => {}
                Some(_) => return Checked::Changed,
                None => pending.push((edge, fetch)),
            }
        }
        if !all_hold(pending).await {
            return Checked::Changed;
        }
    }
    Checked::Unchanged
}

async fn all_hold<C: Compute>(mut pending: Vec<(Edge, Fetch<'_, C>)>) -> bool {
    if pending.len() == 1
        && let Some((edge, fetch)) = pending.pop()
    {
        return holds(&fetch.await, edge);
    }
    let mut pending: FuturesUnordered<_> = pending
        .into_iter()
        .map(|(edge, fetch)| async move { holds(&fetch.await, edge) })
        .collect();
    while let Some(holds) = pending.next().await {
        if !holds {
            return false;
        }
    }
    true
}

fn holds<C: Compute>(fetched: &Fetched<C>, recorded: Edge) -> bool {
    match fetched {
        Fetched::Read(_, edge) => edge.generation == recorded.generation,
        Fetched::Stale | Fetched::StopCheck | Fetched::Cycle(_) => false,
    }
}
