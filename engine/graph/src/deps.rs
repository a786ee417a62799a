//! What a node depends on: as it was asked for, in groups.

use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::slab::NodeId;

/// One dependency and the generation of its value that was read (GR-004).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) node: NodeId,
    pub(crate) generation: u32,
}

/// An edge, and whether it begins a group. The flag sits in the top bit, which no id uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PackedEdge {
    node: u32,
    generation: u32,
}

const STARTS_GROUP: u32 = 1 << 31;

/// The dependencies of a result. The members of a group were asked for at once, none knowing
/// another's value; a later group may have been asked for because of what an earlier one said.
/// So a re-check may ask for a group in parallel, but only after all earlier groups held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Deps(SmallVec<[PackedEdge; 2]>);

impl Deps {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn contains(&self, node: NodeId) -> bool {
        self.edges().any(|edge| edge.node == node)
    }

    pub(crate) fn edges(&self) -> impl Iterator<Item = Edge> + '_ {
        self.0.iter().map(PackedEdge::unpack)
    }

    /// The groups in the order in which they were asked for.
    pub(crate) fn groups(&self) -> impl Iterator<Item = impl Iterator<Item = Edge> + '_> + '_ {
        self.0
            .chunk_by(|_, next| next.node & STARTS_GROUP == 0)
            .map(|group| group.iter().map(PackedEdge::unpack))
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        if self.0.spilled() {
            self.0.capacity() * size_of::<PackedEdge>()
        } else {
            0
        }
    }
}

impl PackedEdge {
    fn unpack(&self) -> Edge {
        Edge {
            node: NodeId::from_raw(self.node & !STARTS_GROUP),
            generation: self.generation,
        }
    }
}

/// Which group a request belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Group(u32);

/// Notes dependencies while a computation runs.
///
/// A request joins the current group while no member of that group has been delivered: then it
/// cannot have been made because of a member's value. This records `join!(get(a), get(b))` as one
/// group when `a` was not ready at once, and is merely sequential, which is always safe, when it
/// was. An answer that arrives late, for a group before the current one, leaves the current group
/// open, since re-checks will have compared it before they reach that group.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    read: SmallVec<[(Group, Edge); 2]>,
    current: u32,
    open: bool,
}

impl Recorder {
    /// A request is made.
    pub(crate) fn ask(&mut self) -> Group {
        if !self.open {
            self.current += 1;
            self.open = true;
        }
        Group(self.current)
    }

    /// The requests of `group` have been answered with `edges`, and the computation sees it.
    pub(crate) fn deliver(&mut self, group: Group, edges: impl IntoIterator<Item = Edge>) {
        self.read
            .extend(edges.into_iter().map(|edge| (group, edge)));
        if group.0 == self.current {
            self.open = false;
        }
    }

    /// The finished list: in order of groups, each node once, where it was first asked for and
    /// with the generation that was read last.
    pub(crate) fn finish(&mut self) -> Deps {
        let mut read = std::mem::take(&mut self.read);
        if !read.is_sorted_by_key(|(group, _)| *group) {
            read.sort_by_key(|(group, _)| *group);
        }
        let mut edges: SmallVec<[PackedEdge; 2]> = SmallVec::with_capacity(read.len());
        let mut index = Index::new(read.len());
        let mut last = None;
        for (group, edge) in read {
            if let Some(at) = index.insert(&edges, edge.node) {
                edges[at].generation = edge.generation;
                continue;
            }
            let flag = if last == Some(group) { 0 } else { STARTS_GROUP };
            last = Some(group);
            edges.push(PackedEdge {
                node: edge.node.to_raw() | flag,
                generation: edge.generation,
            });
        }
        edges.shrink_to_fit();
        Deps(edges)
    }
}

/// Finds repeated dependencies: by looking through a short list, by hashing for a long one.
enum Index {
    Short,
    Long(FxHashMap<NodeId, usize>),
}

impl Index {
    fn new(len: usize) -> Index {
        if len <= 8 {
            Index::Short
        } else {
            Index::Long(FxHashMap::default())
        }
    }

    /// Where `node` already is; if nowhere, it is noted as the next to be pushed.
    fn insert(&mut self, edges: &[PackedEdge], node: NodeId) -> Option<usize> {
        match self {
            Index::Short => edges.iter().position(|known| known.unpack().node == node),
            Index::Long(index) => match index.entry(node) {
                Entry::Occupied(known) => Some(*known.get()),
                Entry::Vacant(vacant) => {
                    vacant.insert(edges.len());
                    None
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(node: u32) -> Edge {
        Edge {
            node: NodeId::from_raw(node),
            generation: 1,
        }
    }

    /// Runs a script of asks (`+n`) and deliveries (`-n`) and prints the groups.
    fn check(script: &str, expected: &str) {
        let mut recorder = Recorder::default();
        let mut asked = std::collections::HashMap::new();
        for word in script.split(' ') {
            let node: u32 = word[1..].parse().expect("a number");
            if word.starts_with('+') {
                asked.insert(node, recorder.ask());
            } else {
                recorder.deliver(asked[&node], [edge(node)]);
            }
        }
        let groups: Vec<String> = recorder
            .finish()
            .groups()
            .map(|group| {
                let nodes: Vec<String> = group.map(|edge| edge.node.to_raw().to_string()).collect();
                format!("[{}]", nodes.join(" "))
            })
            .collect();
        assert_eq!(groups.join(" "), expected, "{script}");
    }

    #[test]
    fn one_after_another() {
        check("+1 -1 +2 -2", "[1] [2]");
    }

    #[test]
    fn at_once() {
        check("+1 +2 -2 -1", "[2 1]");
    }

    #[test]
    fn asked_after_a_member_was_delivered() {
        check("+1 +2 -1 +3 -3 -2", "[1 2] [3]");
    }

    #[test]
    fn late_answer_of_an_older_group_leaves_the_current_one_open() {
        check("+1 +2 -1 +3 -2 +4 -3 -4", "[1 2] [3 4]");
    }

    #[test]
    fn dropped_request_leaves_no_trace() {
        check("+1 +2 -2", "[2]");
    }

    #[test]
    fn repeated_dependency_counts_where_it_was_first_asked_for() {
        check("+1 -1 +2 -2 +1 -1", "[1] [2]");
    }
}
