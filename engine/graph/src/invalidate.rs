//! Pushed dirt: from a change to everything that may depend on it.

use crate::compute::Compute;
use crate::core::Core;
use crate::dependents::Dependents;
use crate::node::{Slot, Standing};
use crate::slab::NodeId;
use crate::version::{Reader, Version};

/// What an invalidation touched (GR-010).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalidated {
    /// Nodes that were named and had a result, or a computation under way.
    pub cleared: usize,
    /// Clean nodes that depend on those, directly or not.
    pub dirtied: usize,
    /// The version that sessions opened from now on read. If nothing was cleared it is the old
    /// one.
    pub version: Version,
}

impl<C: Compute> Core<C> {
    pub(crate) fn invalidate<'k>(&self, keys: impl IntoIterator<Item = &'k C::Key>) -> Invalidated {
        self.change(|last, cleared| {
            for key in keys {
                if let Some((node, mut slot)) = self.table.find(&self.nodes, key) {
                    cleared.add(node, clear(&mut slot, last));
                }
            }
        })
    }

    pub(crate) fn invalidate_where(&self, mut named: impl FnMut(&C::Key) -> bool) -> Invalidated {
        self.change(|last, cleared| {
            for raw in 0..self.nodes.high_water() {
                let node = NodeId::from_raw(raw);
                let Some(place) = self.nodes.get(node) else {
                    continue;
                };
                let mut slot = place.lock();
                if slot.key.as_ref().is_some_and(&mut named) {
                    cleared.add(node, clear(&mut slot, last));
                }
            }
        })
    }

    /// Clears nodes, dirties what depends on them, and only then makes the new version current: a
    /// session opened before still reads everything as it was.
    fn change(&self, clear_all: impl FnOnce(Version, &mut Cleared)) -> Invalidated {
        let _changes = self.changes.lock();
        let last = self.sessions.current();
        let mut cleared = Cleared {
            count: 0,
            spread: Vec::new(),
        };
        clear_all(last, &mut cleared);
        if cleared.count == 0 {
            return Invalidated {
                cleared: 0,
                dirtied: 0,
                version: last,
            };
        }
        let dirtied = self.spread(cleared.spread, last);
        self.sessions.publish(last.next());
        Invalidated {
            cleared: cleared.count,
            dirtied,
            version: last.next(),
        }
    }

    /// Ends, after version `last`, the validity of everything above the given nodes, and counts
    /// the nodes that were clean. It stops at nodes that are not: nothing clean depends on those.
    /// Each node is passed at most once for its main result and once for each of its extras, since
    /// either ends only once; so it ends.
    pub(crate) fn spread(&self, mut from: Vec<(NodeId, Dependents)>, last: Version) -> usize {
        let mut dirtied = 0;
        while let Some((source, dependents)) = from.pop() {
            for node in dependents {
                let mut slot = self.lock(node);
                let extra_ended = slot.end_runs_and_extras(last);
                let main_ends = slot.main.as_mut().is_some_and(|main| {
                    let ends = main.validity.until > last && main.deps.contains(source);
                    if ends {
                        main.validity.end_at(last);
                    }
                    ends
                });
                dirtied += usize::from(main_ends);
                let above = match (main_ends, extra_ended) {
                    (true, _) => slot.dependents.take(),
                    // Those who read the main result must still be told when that ends.
                    (false, true) => slot.dependents.clone(),
                    (false, false) => continue,
                };
                if !above.is_empty() {
                    from.push((node, above));
                }
            }
        }
        dirtied
    }

    /// See [`Session::lose`](crate::Session::lose).
    pub(crate) fn lose(&self, key: &C::Key, reader: Reader) -> bool {
        let Some((_, mut slot)) = self.table.find(&self.nodes, key) else {
            return false;
        };
        if let Some(main) = &mut slot.main
            && main.validity.covers(reader)
        {
            let had = main.standing != Standing::Lost;
            main.standing = Standing::Lost;
            return had;
        }
        let Some(live) = &mut slot.live else {
            return false;
        };
        let lost: Vec<_> = live
            .extras
            .extract_if(.., |extra| extra.validity.covers(reader))
            .collect();
        slot.tidy();
        drop(slot);
        !lost.is_empty()
    }
}

struct Cleared {
    count: usize,
    spread: Vec<(NodeId, Dependents)>,
}

impl Cleared {
    fn add(&mut self, node: NodeId, dependents: Option<Dependents>) {
        if let Some(dependents) = dependents {
            self.count += 1;
            self.spread.push((node, dependents));
        }
    }
}

/// Clears a node: its value stays, for comparison and for readers up to `last`, but only a run
/// can make it current again. Returns those who depended on it, or none if there was nothing to
/// clear.
fn clear<C: Compute>(slot: &mut Slot<C>, last: Version) -> Option<Dependents> {
    let running = !slot.runs().is_empty();
    for entry in slot.runs() {
        entry.run.mark_cleared();
    }
    slot.end_runs_and_extras(last);
    let mut stored = false;
    if let Some(main) = &mut slot.main {
        stored = main.validity.until > last || main.standing == Standing::Checkable;
        main.validity.end_at(last);
        if main.standing == Standing::Checkable {
            main.standing = Standing::MustRun;
        }
    }
    (running || stored).then(|| slot.dependents.take())
}
