//! Pulled verification: is an earlier result still right?

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use crate::compute::Compute;
use crate::deps::{Deps, Edge};
use crate::request::{Asker, Fetch, Fetched, Wanted};
use crate::run::Run;
use crate::wait::WaitGuard;

/// An earlier result of a node: what it was computed from, and which value that gave.
pub(crate) struct Base {
    pub(crate) deps: Deps,
    pub(crate) generation: u32,
}

/// What a check found.
pub(crate) enum Checked<C: Compute> {
    /// Every dependency has the generation that was recorded.
    Unchanged,
    /// One has not, or cannot be asked.
    Changed(Leftover<C>),
}

/// Requests of a check that were still pending when it ended. They are no longer waited for, but
/// what they started goes on while these are held: the computation that follows most likely asks
/// for the same, and would have to start it again.
pub(crate) struct Leftover<C: Compute> {
    _held: Vec<WaitGuard<C>>,
}

/// Asks for the recorded dependencies, a group at once and the groups one after another, and
/// stops at the first that differs, without waiting for slower ones (GR-013).
///
/// No dependency is asked for unless all groups before its own hold; so nothing is computed that
/// a run of the node would not have asked for as well.
pub(crate) async fn check<C: Compute>(run: &Arc<Run<C>>, base: &Base) -> Checked<C> {
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
                Some(_) => return changed(pending),
                None => pending.push(Member { edge, fetch }),
            }
        }
        if let [only] = pending.as_mut_slice() {
            if !only.await {
                return Checked::Changed(Leftover { _held: Vec::new() });
            }
            continue;
        }
        let mut pending: FuturesUnordered<_> = pending.into_iter().collect();
        while let Some(holds) = pending.next().await {
            if !holds {
                return changed(pending);
            }
        }
    }
    Checked::Unchanged
}

fn changed<'a, C: Compute>(pending: impl IntoIterator<Item = Member<'a, C>>) -> Checked<C> {
    let waits = pending
        .into_iter()
        .filter_map(|member| member.fetch.into_wait());
    Checked::Changed(Leftover {
        _held: waits.map(WaitGuard::detach).collect(),
    })
}

/// A dependency whose check is under way.
struct Member<'a, C: Compute> {
    edge: Edge,
    fetch: Fetch<'a, C>,
}

impl<C: Compute> Future for Member<'_, C> {
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        let edge = self.edge;
        Pin::new(&mut self.fetch)
            .poll(cx)
            .map(|fetched| holds(&fetched, edge))
    }
}

fn holds<C: Compute>(fetched: &Fetched<C>, recorded: Edge) -> bool {
    match fetched {
        Fetched::Read(_, edge) => edge.generation == recorded.generation,
        Fetched::Stale | Fetched::StopCheck | Fetched::Cycle(_) => false,
    }
}
