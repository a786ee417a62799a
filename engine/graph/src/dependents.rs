//! Who must hear of a change.

use rustc_hash::FxHashSet;
use smallvec::SmallVec;

use crate::slab::NodeId;

/// Past this many dependents a list is searched too slowly.
const FEW: usize = 16;

/// The nodes that may have read a node's present value.
///
/// It is a superset: who pushes dirt along it checks that the dependent still depends. It is
/// emptied when dirt is pushed, because whoever becomes clean again registers again, and it holds
/// each node once, so that it does not grow with the number of edits.
#[derive(Clone, Debug)]
pub(crate) enum Dependents {
    Few(SmallVec<[NodeId; 4]>),
    Many(Box<FxHashSet<NodeId>>),
}

impl Default for Dependents {
    fn default() -> Dependents {
        Dependents::Few(SmallVec::new())
    }
}

impl Dependents {
    pub(crate) fn insert(&mut self, node: NodeId) {
        match self {
            Dependents::Few(list) => {
                if list.contains(&node) {
                    return;
                }
                if list.len() < FEW {
                    list.push(node);
                } else {
                    let mut set: FxHashSet<NodeId> = list.drain(..).collect();
                    set.insert(node);
                    *self = Dependents::Many(Box::new(set));
                }
            }
            Dependents::Many(set) => {
                set.insert(node);
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Dependents::Few(list) => list.is_empty(),
            Dependents::Many(set) => set.is_empty(),
        }
    }

    pub(crate) fn take(&mut self) -> Dependents {
        std::mem::take(self)
    }

    /// Bytes on the heap, the allocator's own not counted.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Dependents::Few(list) if list.spilled() => list.capacity() * size_of::<NodeId>(),
            Dependents::Few(_) => 0,
            Dependents::Many(set) => {
                size_of::<FxHashSet<NodeId>>() + set.capacity() * (size_of::<NodeId>() + 1) * 8 / 7
            }
        }
    }
}

impl IntoIterator for Dependents {
    type Item = NodeId;
    type IntoIter = std::vec::IntoIter<NodeId>;

    fn into_iter(self) -> Self::IntoIter {
        match self {
            Dependents::Few(list) => list.into_vec().into_iter(),
            Dependents::Many(set) => set.into_iter().collect::<Vec<_>>().into_iter(),
        }
    }
}
