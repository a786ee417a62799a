//! Storing what a run found.
//!
//! The first result that is stored for a reader counts: if another run was faster, the later one
//! is thrown away, so that all reads of one version agree. The main place goes to the result that
//! holds longest; one that it displaces, or that comes too late for it, stays beside it as long
//! as an active session may read it.

use std::sync::Arc;

use parking_lot::MutexGuard;

use crate::check::Base;
use crate::compute::Compute;
use crate::core::Core;
use crate::dependents::Dependents;
use crate::deps::Deps;
use crate::invalidate::Dirt;
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
            } else {
                let extra = Extra {
                    result: Ok(main.value.clone()),
                    generation: main.generation,
                    validity,
                    deps: base.deps.clone(),
                };
                self.keep(&mut slot, run.node, extra);
            }
        }
        let entry = slot.remove_run(run);
        drop(slot);
        run.session.count_checked();
        self.finish(run.node, entry, Aftermath::nothing());
        true
    }

    fn commit_value(&self, run: &Arc<Run<C>>, value: C::Value) {
        let deps = run.finish_deps();
        let reader = run.session.reader;
        let (mut slot, equal) = self.compare(run.node, reader, &value);
        let aftermath = if slot.find(reader).is_none() {
            let new = new_result(&mut slot, run, value, deps, equal);
            self.place(&mut slot, run.node, reader, new, equal)
        } else {
            Aftermath::nothing()
        };
        let entry = slot.remove_run(run);
        drop(slot);
        self.finish(run.node, entry, aftermath);
    }

    /// The node, locked, and whether `value` equals its main one. Comparing may take long and is
    /// the client's code, so no lock is held meanwhile.
    ///
    /// If the value takes the place of one that was lost and differs, even readers of this version
    /// must look again at what depends on it: that is arranged before anybody can see the value.
    fn compare(
        &self,
        node: NodeId,
        reader: Reader,
        value: &C::Value,
    ) -> (MutexGuard<'_, Slot<C>>, bool) {
        let mut compared: Option<(u32, bool)> = None;
        loop {
            let mut slot = self.lock(node);
            let Some(main) = &slot.main else {
                return (slot, false);
            };
            match compared {
                Some((generation, equal)) if generation == main.generation => {
                    let replaced = main.standing == Standing::Lost && !equal;
                    if !replaced || slot.dependents.is_empty() {
                        return (slot, equal);
                    }
                    let dependents = slot.dependents.take();
                    drop(slot);
                    self.spread_from(node, dependents, reader.version.previous());
                }
                _ => {
                    let (generation, known) = (main.generation, main.value.clone());
                    drop(slot);
                    compared = Some((generation, known == *value));
                }
            }
        }
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
        let deps = run.finish_deps();
        for reader in readers {
            let validity = Validity {
                only: reader.session,
                ..shared
            };
            let may_read = reader == own || !shared.volatile;
            if may_read && validity.covers(reader) && slot.find(reader).is_none() {
                let (result, deps) = (Err(error.clone()), deps.clone());
                self.keep(
                    &mut slot,
                    run.node,
                    Extra {
                        result,
                        generation,
                        validity,
                        deps,
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
            return Aftermath::nothing();
        };
        let lost = old.standing == Standing::Lost;
        if !lost && new.validity.until < old.validity.until {
            slot.main = Some(old);
            self.keep(slot, node, Extra::from(new));
            return Aftermath::nothing();
        }
        let joined = equal && join(&mut new.validity, &old.validity);
        let mut garbage = None;
        if !lost && !joined && self.sessions.need(&old.validity, reader.session) {
            self.keep(slot, node, Extra::from(old));
        } else {
            garbage = Some(old);
        }
        // No clean node may depend on one that is not. Other results had no clean dependents left
        // when they were replaced; those of a lost one stayed.
        let until = new.validity.until;
        let orphaned = lost && until != Version::FOREVER && !slot.dependents.is_empty();
        let spread = orphaned.then(|| (slot.dependents.take(), until));
        slot.main = Some(new);
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
                deps: main.deps.clone(),
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

    fn spread_from(&self, node: NodeId, dependents: Dependents, last: Version) {
        let mut dirt = Dirt::new(last);
        dirt.add(node, dependents);
        self.spread(&mut dirt);
        dirt.tell();
    }

    fn finish(&self, node: NodeId, entry: Option<RunEntry<C>>, aftermath: Aftermath<C>) {
        if let Some((dependents, last)) = aftermath.spread {
            self.spread_from(node, dependents, last);
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
    Stored {
        value,
        generation: same.unwrap_or_else(|| slot.fresh_generation()),
        standing: if run.must_run_again() {
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
