//! Storing what a run found.
//!
//! The first result that is stored for a reader counts: if another run was faster, the later one
//! is thrown away, so that all reads of one version agree. The main place goes to the result that
//! holds longest; one that it displaces, or that comes too late for it, stays beside it as long
//! as an active session may read it.

use std::sync::Arc;

use crate::check::Base;
use crate::compute::Compute;
use crate::core::Core;
use crate::dependents::Dependents;
use crate::deps::Deps;
use crate::node::{Extra, RunEntry, Slot, Standing, Stored};
use crate::run::{Ended, Run, announce};
use crate::slab::NodeId;
use crate::version::{Reader, SessionId, Validity, Version};

/// What is left to do once the node is unlocked.
struct Aftermath<C: Compute> {
    /// Values may take long to drop.
    _garbage: Option<Stored<C>>,
    /// Dependents that must learn that the node is not clean after all, and until when it was.
    spread: Option<(Dependents, Version)>,
}

impl<C: Compute> Core<C> {
    pub(crate) fn commit(&self, run: &Arc<Run<C>>, result: Result<C::Value, C::Error>) {
        match result {
            Ok(value) => self.commit_value(run, value),
            Err(error) => self.commit_error(run, error),
        }
    }

    /// The dependencies of `base` all hold for the run's reader, so the value does as well. False
    /// if the value is no longer there: then it must be computed.
    pub(crate) fn commit_checked(&self, run: &Arc<Run<C>>, base: &Base) -> bool {
        let reader = run.session.reader;
        let mut slot = self.lock(run.node);
        let mut aftermath = Aftermath::nothing();
        if slot.find(reader).is_none() {
            let Some(main) = slot.main.as_ref().filter(|main| {
                main.generation == base.generation && main.standing != Standing::Lost
            }) else {
                return false;
            };
            let validity = run.validity();
            let supported = main.standing == Standing::Checkable && main.deps == base.deps;
            if supported && validity.until >= main.validity.until {
                self.revalidate(&mut slot, run.node, reader, validity);
                aftermath.spread = spread_if_dirty(&mut slot);
            } else {
                let extra = Extra {
                    result: Ok(main.value.clone()),
                    generation: main.generation,
                    validity,
                };
                self.keep(&mut slot, run.node, extra);
            }
        }
        let entry = slot.remove_run(run);
        drop(slot);
        run.session.count_checked();
        self.finish(run.node, entry, aftermath);
        true
    }

    fn commit_value(&self, run: &Arc<Run<C>>, value: C::Value) {
        let deps = run.finish_deps();
        let reader = run.session.reader;
        // Comparing values may take long and is the client's code, so no lock is held meanwhile.
        let mut compared = None;
        let mut slot = loop {
            let slot = self.lock(run.node);
            let Some(main) = &slot.main else { break slot };
            if compared.is_some_and(|(generation, _)| generation == main.generation) {
                break slot;
            }
            let (generation, known) = (main.generation, main.value.clone());
            drop(slot);
            compared = Some((generation, known == value));
        };
        let aftermath = if slot.find(reader).is_none() {
            let equal = slot.main.is_some() && compared.is_some_and(|(_, equal)| equal);
            let new = new_result(&mut slot, run, value, deps, equal);
            self.place(&mut slot, run.node, reader, new, equal)
        } else {
            Aftermath::nothing()
        };
        let entry = slot.remove_run(run);
        drop(slot);
        self.finish(run.node, entry, aftermath);
    }

    /// An error is for the session that met it and those that waited with it (GR-006). The main
    /// result stays: should the node recover, its dependents may find that nothing changed.
    fn commit_error(&self, run: &Arc<Run<C>>, error: C::Error) {
        let mut slot = self.lock(run.node);
        let shared = run.validity();
        let own = run.session.reader;
        let others = slot.entry_mut(run).map(|entry| {
            entry
                .waiters
                .iter()
                .map(|wait| wait.reader)
                .filter(|reader| *reader != own)
                .collect()
        });
        let mut readers: Vec<Reader> = others.unwrap_or_default();
        readers.sort_unstable_by_key(|reader| reader.session);
        readers.dedup();
        readers.push(own);
        let generation = slot.fresh_generation();
        for reader in readers {
            let validity = Validity {
                only: reader.session,
                ..shared
            };
            if validity.covers(reader) && slot.find(reader).is_none() {
                let result = Err(error.clone());
                self.keep(
                    &mut slot,
                    run.node,
                    Extra {
                        result,
                        generation,
                        validity,
                    },
                );
            }
        }
        let entry = slot.remove_run(run);
        drop(slot);
        self.finish(run.node, entry, Aftermath::nothing());
    }

    /// Puts a new result where it belongs.
    fn place(
        &self,
        slot: &mut Slot<C>,
        node: NodeId,
        reader: Reader,
        mut new: Stored<C>,
        equal: bool,
    ) -> Aftermath<C> {
        clip(slot, reader.version, &mut new.validity, equal);
        let Some(old) = slot.main.take() else {
            slot.main = Some(new);
            return Aftermath {
                _garbage: None,
                spread: spread_if_dirty(slot),
            };
        };
        let lost = old.standing == Standing::Lost;
        if !lost && new.validity.until < old.validity.until {
            slot.main = Some(old);
            let Stored {
                value,
                generation,
                validity,
                ..
            } = new;
            self.keep(
                slot,
                node,
                Extra {
                    result: Ok(value),
                    generation,
                    validity,
                },
            );
            return Aftermath::nothing();
        }
        let joined = equal && join(&mut new.validity, &old.validity);
        let mut garbage = None;
        if !lost && !joined && self.sessions.need(&old.validity, reader.session) {
            let Stored {
                value,
                generation,
                validity,
                ..
            } = old;
            self.keep(
                slot,
                node,
                Extra {
                    result: Ok(value),
                    generation,
                    validity,
                },
            );
        } else {
            garbage = Some(old);
        }
        slot.main = Some(new);
        let spread = if lost && !equal {
            // Even readers of this very version must look again.
            Some((slot.dependents.take(), reader.version.previous()))
        } else {
            spread_if_dirty(slot)
        };
        Aftermath {
            _garbage: garbage,
            spread,
        }
    }

    /// Gives the main result, which was checked, a new validity.
    fn revalidate(&self, slot: &mut Slot<C>, node: NodeId, reader: Reader, mut new: Validity) {
        let Some(main) = &mut slot.main else { return };
        let old = main.validity;
        let joined = join(&mut new, &old);
        main.validity = new;
        if !joined && self.sessions.need(&old, reader.session) {
            let result = Ok(main.value.clone());
            let extra = Extra {
                result,
                generation: main.generation,
                validity: old,
            };
            self.keep(slot, node, extra);
        }
    }

    fn keep(&self, slot: &mut Slot<C>, node: NodeId, extra: Extra<C>) {
        let extras = &mut slot.live_mut().extras;
        if extras.is_empty() {
            self.with_extras.lock().push(node);
        }
        extras.push(extra);
    }

    fn finish(&self, node: NodeId, entry: Option<RunEntry<C>>, aftermath: Aftermath<C>) {
        if let Some((dependents, last)) = aftermath.spread {
            self.spread(vec![(node, dependents)], last);
        }
        if let Some(entry) = entry {
            announce(entry, Ended::Orderly);
        }
    }

    /// Drops the extras that no active session can read any more. Called whenever one has ended.
    pub(crate) fn sweep_extras(&self) {
        let nodes = std::mem::take(&mut *self.with_extras.lock());
        let mut kept = Vec::new();
        for node in nodes {
            let mut slot = self.lock(node);
            let Some(live) = &mut slot.live else { continue };
            let (needed, garbage): (Vec<_>, Vec<_>) = std::mem::take(&mut live.extras)
                .into_iter()
                .partition(|extra| self.sessions.need(&extra.validity, SessionId::NONE));
            if !needed.is_empty() {
                kept.push(node);
            }
            live.extras = needed;
            slot.tidy();
            drop(slot);
            drop(garbage);
        }
        self.with_extras.lock().append(&mut kept);
    }
}

impl<C: Compute> Aftermath<C> {
    fn nothing() -> Aftermath<C> {
        Aftermath {
            _garbage: None,
            spread: None,
        }
    }
}

fn new_result<C: Compute>(
    slot: &mut Slot<C>,
    run: &Run<C>,
    value: C::Value,
    deps: Deps,
    equal: bool,
) -> Stored<C> {
    let same = slot
        .main
        .as_ref()
        .filter(|_| equal)
        .map(|main| main.generation);
    let uncacheable = run.is_uncacheable();
    Stored {
        value,
        generation: same.unwrap_or_else(|| slot.fresh_generation()),
        standing: if uncacheable {
            Standing::MustRun
        } else {
            Standing::Checkable
        },
        validity: run.validity(),
        deps,
    }
}

/// Keeps a new result from speaking for versions that another result speaks for. `version` is the
/// reader's, and no stored result covers it.
fn clip<C: Compute>(slot: &Slot<C>, version: Version, new: &mut Validity, equal_to_main: bool) {
    if !new.is_shared() {
        return;
    }
    let main = slot
        .main
        .iter()
        .filter(|main| !equal_to_main && main.standing != Standing::Lost);
    let extras = slot.live.iter().flat_map(|live| &live.extras);
    for known in main
        .map(|main| main.validity)
        .chain(extras.map(|extra| extra.validity))
    {
        if !known.is_shared() {
            continue;
        }
        if known.until < version {
            new.from = new.from.max(known.until.next());
        } else if known.from > version {
            new.until = new.until.min(known.from.previous());
        }
    }
}

/// Lets `new` take over the range of `old`, for the same value, if there is no gap between them.
fn join(new: &mut Validity, old: &Validity) -> bool {
    let adjacent = new.is_shared() && old.is_shared() && new.from <= old.until.next();
    if adjacent {
        new.from = new.from.min(old.from);
    }
    adjacent
}

/// No clean node may depend on one that is not.
fn spread_if_dirty<C: Compute>(slot: &mut Slot<C>) -> Option<(Dependents, Version)> {
    let until = slot.main.as_ref()?.validity.until;
    (until != Version::FOREVER && !slot.dependents.is_empty())
        .then(|| (slot.dependents.take(), until))
}
