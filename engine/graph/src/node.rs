//! What the graph keeps of a node.

use std::sync::Arc;

use parking_lot::Mutex;
use smallvec::SmallVec;

use crate::compute::Compute;
use crate::dependents::Dependents;
use crate::deps::Deps;
use crate::run::Run;
use crate::slab::NodeId;
use crate::version::{Reader, SessionId, Validity, Version};
use crate::wait::Waits;

/// Told once, when a node may have changed.
pub(crate) type Watcher = tokio::sync::oneshot::Sender<()>;

/// A node's place, with its one small lock. No thread holds two of these at once, and none takes
/// a lock of the table while it holds one.
pub(crate) type Node<C> = Mutex<Slot<C>>;

/// The states of a node are what is present here; several can be present at once, since an old
/// session may still read, or even compute, what a newer one has replaced.
///
/// | state | `main` | `live` |
/// | --- | --- | --- |
/// | unused place | none | none, and `key` is none |
/// | vacant | none | no run |
/// | running | none, or the former result | a run |
/// | clean | valid until `FOREVER` | |
/// | dirty | valid until some version; [`Standing::Checkable`] | no run |
/// | cleared | valid until some version; [`Standing::MustRun`] | no run |
/// | lost | [`Standing::Lost`] | no run |
pub(crate) struct Slot<C: Compute> {
    pub(crate) key: Option<C::Key>,
    /// The newest result, and the one that dependencies are recorded for.
    pub(crate) main: Option<Stored<C>>,
    /// Who read `main` while it was clean.
    pub(crate) dependents: Dependents,
    /// What only few nodes have at a time.
    pub(crate) live: Option<Box<Live<C>>>,
    /// Never taken back, not even when the place changes hands: so an edge to a former occupant
    /// cannot be mistaken for one to the present.
    next_generation: u32,
    /// The first generation of the present occupant.
    pub(crate) born: u32,
    pub(crate) last_used: SessionId,
}

/// A computed value and what it was computed from.
pub(crate) struct Stored<C: Compute> {
    pub(crate) value: C::Value,
    /// Names the value: equal values of one node have one generation (GR-004).
    pub(crate) generation: u32,
    pub(crate) standing: Standing,
    pub(crate) validity: Validity,
    pub(crate) deps: Deps,
}

/// What it takes to make a stored value valid again once its validity has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// If all recorded dependencies have the recorded generations, the value is still right.
    Checkable,
    /// The node was itself invalidated, or is uncacheable: only a run can tell, whatever its
    /// dependencies say. The value is kept for early cutoff, and for readers within its validity.
    MustRun,
    /// What the value names is gone: nobody may read it, whatever its validity, until a run has
    /// made it again. Dependents are *not* dirty: a run that gives an equal value repairs all.
    Lost,
}

/// A result beside the main one: an error, an older value, or another session's.
pub(crate) struct Extra<C: Compute> {
    pub(crate) result: Result<C::Value, C::Error>,
    pub(crate) generation: u32,
    pub(crate) validity: Validity,
    /// Not to be checked again; they tell what may end the result, and keep what it was computed
    /// from from being dropped while its readers may ask for that as well.
    pub(crate) deps: Deps,
}

/// Present while a node runs, while it has extras, and while somebody watches it.
pub(crate) struct Live<C: Compute> {
    pub(crate) runs: SmallVec<[RunEntry<C>; 1]>,
    /// Each is needed by some active session, and dropped when that ends.
    pub(crate) extras: Vec<Extra<C>>,
    pub(crate) watchers: Vec<Watcher>,
}

/// A computation under way.
pub(crate) struct RunEntry<C: Compute> {
    pub(crate) run: Arc<Run<C>>,
    /// Emptied of its last member, the run is cancelled.
    pub(crate) waiters: Waits<C>,
    /// Nobody waited any more: the task has been told to end, but its future may not be dropped
    /// yet. Who asks now waits for that, so that two computations of a node never overlap.
    pub(crate) dying: bool,
}

/// What a node held.
pub(crate) struct Emptied<C: Compute> {
    pub(crate) main: Option<Stored<C>>,
    _dependents: Dependents,
    /// Watchers at most: what runs, or is needed by a session, is never dropped.
    _live: Option<Box<Live<C>>>,
}

/// A result as a reader finds it.
pub(crate) struct Found<C: Compute> {
    pub(crate) result: Result<C::Value, C::Error>,
    pub(crate) generation: u32,
    pub(crate) validity: Validity,
}

impl<C: Compute> Extra<C> {
    fn found(&self) -> Found<C> {
        Found {
            result: self.result.clone(),
            generation: self.generation,
            validity: self.validity,
        }
    }
}

impl<C: Compute> From<Stored<C>> for Extra<C> {
    fn from(stored: Stored<C>) -> Extra<C> {
        let Stored {
            value,
            generation,
            validity,
            deps,
            ..
        } = stored;
        Extra {
            result: Ok(value),
            generation,
            validity,
            deps,
        }
    }
}

impl<C: Compute> Default for Slot<C> {
    fn default() -> Slot<C> {
        Slot {
            key: None,
            main: None,
            dependents: Dependents::default(),
            live: None,
            next_generation: 1,
            born: 1,
            last_used: SessionId::NONE,
        }
    }
}

impl<C: Compute> Default for Live<C> {
    fn default() -> Live<C> {
        Live {
            runs: SmallVec::new(),
            extras: Vec::new(),
            watchers: Vec::new(),
        }
    }
}

impl<C: Compute> Slot<C> {
    /// The result that holds for `reader`, if there is one. One that is for this session alone
    /// comes first: it was the only one when it was stored, and the session may have read it.
    pub(crate) fn find(&self, reader: Reader) -> Option<Found<C>> {
        let extras = self.live.as_ref().map_or(&[][..], |live| &live.extras);
        let own = |extra: &&Extra<C>| extra.validity.only == reader.session;
        let covers = |extra: &&Extra<C>| extra.validity.covers(reader);
        if let Some(extra) = extras.iter().filter(own).find(covers) {
            return Some(extra.found());
        }
        if let Some(main) = &self.main
            && main.standing != Standing::Lost
            && main.validity.covers(reader)
        {
            return Some(Found {
                result: Ok(main.value.clone()),
                generation: main.generation,
                validity: main.validity,
            });
        }
        extras.iter().find(covers).map(Extra::found)
    }

    pub(crate) fn live_mut(&mut self) -> &mut Live<C> {
        self.live.get_or_insert_default()
    }

    pub(crate) fn runs(&self) -> &[RunEntry<C>] {
        self.live.as_ref().map_or(&[], |live| &live.runs)
    }

    pub(crate) fn entry_mut(&mut self, run: &Arc<Run<C>>) -> Option<&mut RunEntry<C>> {
        let live = self.live.as_mut()?;
        live.runs
            .iter_mut()
            .find(|entry| Arc::ptr_eq(&entry.run, run))
    }

    /// Takes `run` off the node; its waiters are the caller's to wake.
    pub(crate) fn remove_run(&mut self, run: &Arc<Run<C>>) -> Option<RunEntry<C>> {
        let live = self.live.as_mut()?;
        let at = live
            .runs
            .iter()
            .position(|entry| Arc::ptr_eq(&entry.run, run))?;
        let entry = live.runs.remove(at);
        self.tidy();
        Some(entry)
    }

    /// Frees `live` when nothing is in it.
    pub(crate) fn tidy(&mut self) {
        if self.live.as_ref().is_some_and(|live| {
            live.runs.is_empty() && live.extras.is_empty() && live.watchers.is_empty()
        }) {
            self.live = None;
        }
    }

    pub(crate) fn fresh_generation(&mut self) -> u32 {
        let generation = self.next_generation;
        self.next_generation = generation.wrapping_add(1).max(1);
        generation
    }

    /// Ends, after `last`, what is under way and what is stored beside the main result, which is
    /// the caller's to judge. Whether a result ended that could have been read after `last`.
    /// With a `source`, only results that depend on it. Watchers are handed over, to be told when
    /// the change can be read.
    pub(crate) fn end_runs_and_extras(
        &mut self,
        source: Option<NodeId>,
        last: Version,
        told: &mut Vec<Watcher>,
    ) -> bool {
        let Some(live) = &mut self.live else {
            return false;
        };
        for entry in &live.runs {
            entry.run.end_validity_at(last);
        }
        let mut ended = false;
        for extra in &mut live.extras {
            let open = extra.validity.until > last;
            if open && source.is_none_or(|source| extra.deps.contains(source)) {
                ended = true;
                extra.validity.end_at(last);
            }
        }
        told.append(&mut live.watchers);
        self.tidy();
        ended
    }

    /// Takes everything out but the key. No edge leads here any more: what was known of them is
    /// from an earlier life. The content is the caller's to drop, unlocked.
    pub(crate) fn empty(&mut self) -> Emptied<C> {
        self.born = self.next_generation;
        Emptied {
            main: self.main.take(),
            _dependents: self.dependents.take(),
            _live: self.live.take(),
        }
    }
}
