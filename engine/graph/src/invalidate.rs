//! Pushed dirt: from a change to everything that may depend on it.

use crate::compute::Compute;
use crate::core::Core;
use crate::dependents::Dependents;
use crate::node::{Slot, Standing, Watcher};
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

/// Dirt on its way up.
pub(crate) struct Dirt {
    /// The last version before the change.
    last: Version,
    /// Whose dependents are to be told, and those dependents.
    from: Vec<(NodeId, Dependents)>,
    /// Nodes that were clean.
    dirtied: usize,
    told: Vec<Watcher>,
}

impl<C: Compute> Core<C> {
    pub(crate) fn invalidate<'k>(&self, keys: impl IntoIterator<Item = &'k C::Key>) -> Invalidated {
        self.change(|dirt| {
            let mut cleared = 0;
            for key in keys {
                if let Some((node, mut slot)) = self.table.find(&self.nodes, key) {
                    cleared += usize::from(clear(node, &mut slot, dirt));
                }
            }
            cleared
        })
    }

    pub(crate) fn invalidate_where(&self, mut named: impl FnMut(&C::Key) -> bool) -> Invalidated {
        self.change(|dirt| {
            let mut cleared = 0;
            for raw in 0..self.nodes.high_water() {
                let node = NodeId::from_raw(raw);
                let Some(place) = self.nodes.get(node) else {
                    continue;
                };
                let mut slot = place.lock();
                if slot.key.as_ref().is_some_and(&mut named) {
                    cleared += usize::from(clear(node, &mut slot, dirt));
                }
            }
            cleared
        })
    }

    /// Clears nodes, dirties what depends on them, and only then makes the new version current: a
    /// session opened before still reads everything as it was.
    fn change(&self, clear_all: impl FnOnce(&mut Dirt) -> usize) -> Invalidated {
        let _changes = self.changes.lock();
        let mut version = self.sessions.current();
        let mut dirt = Dirt::new(version);
        let cleared = clear_all(&mut dirt);
        self.spread(&mut dirt);
        if cleared > 0 {
            version = version.next();
            self.sessions.publish(version);
        }
        Invalidated {
            cleared,
            dirtied: dirt.tell(),
            version,
        }
    }

    /// Ends the validity of everything above the nodes that were added, as of the change. It stops
    /// at nodes that stay clean, and at those that were not clean, since nothing clean depends on
    /// them. On the way dependents are taken away, so it ends.
    pub(crate) fn spread(&self, dirt: &mut Dirt) {
        while let Some((source, dependents)) = dirt.from.pop() {
            for node in dependents {
                let mut slot = self.lock(node);
                let extra_ended = slot.end_runs_and_extras(Some(source), dirt.last, &mut dirt.told);
                let mut stays = false;
                if let Some(main) = &mut slot.main
                    && main.validity.until > dirt.last
                {
                    stays = !main.deps.contains(source);
                    if !stays {
                        main.validity.end_at(dirt.last);
                        dirt.dirtied += 1;
                    }
                }
                let above = match (stays, extra_ended) {
                    (false, _) => slot.dependents.take(),
                    // Those who read the main result must still be told when that ends.
                    (true, true) => slot.dependents.clone(),
                    (true, false) => continue,
                };
                dirt.add(node, above);
            }
        }
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

impl Dirt {
    pub(crate) fn new(last: Version) -> Dirt {
        Dirt {
            last,
            from: Vec::new(),
            dirtied: 0,
            told: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, node: NodeId, dependents: Dependents) {
        if !dependents.is_empty() {
            self.from.push((node, dependents));
        }
    }

    /// To be called when new sessions read the change. Returns how many nodes were dirtied.
    pub(crate) fn tell(self) -> usize {
        for watcher in self.told {
            // The watcher may have lost interest.
            let _ = watcher.send(());
        }
        self.dirtied
    }
}

/// Clears a node: its value stays, for comparison and for readers until the change, but only a run
/// can make it current again. Whether there was anything to clear.
fn clear<C: Compute>(node: NodeId, slot: &mut Slot<C>, dirt: &mut Dirt) -> bool {
    let running = !slot.runs().is_empty();
    for entry in slot.runs() {
        entry.run.mark_cleared();
    }
    let extra_ended = slot.end_runs_and_extras(None, dirt.last, &mut dirt.told);
    let mut stored = false;
    if let Some(main) = &mut slot.main {
        stored = main.validity.until > dirt.last || main.standing == Standing::Checkable;
        main.validity.end_at(dirt.last);
        if main.standing == Standing::Checkable {
            main.standing = Standing::MustRun;
        }
    }
    dirt.add(node, slot.dependents.take());
    running || stored || extra_ended
}
