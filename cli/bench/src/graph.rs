//! The logical graph that every tool gets: layers of nodes, each of which needs some of the layer
//! below.

/// How many layers there are, as long as there are enough nodes.
const LAYERS: usize = 8;

/// How many nodes of the layer below each node needs.
const NEEDS: usize = 2;

/// A directed graph without cycles: the nodes that node `n` needs all have lower numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    needs: Vec<Vec<usize>>,
    /// Nodes in each layer; the last one may have fewer.
    width: usize,
}

impl Graph {
    /// A graph of so many nodes. The same numbers give the same graph, on every machine.
    pub fn layered(nodes: usize, seed: u64) -> Graph {
        let width = nodes.div_ceil(LAYERS).max(1);
        let mut random = Random(seed);
        let needs = (0..nodes).map(|node| match node / width {
            0 => Vec::new(),
            layer => random.some_of((layer - 1) * width, width),
        });
        Graph {
            needs: needs.collect(),
            width,
        }
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.needs.len()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.needs.is_empty()
    }

    /// What a node needs, in ascending order.
    pub fn needs(&self, node: usize) -> &[usize] {
        &self.needs[node]
    }

    /// A node and all that needs it, directly or not.
    pub fn dependents(&self, node: usize) -> usize {
        let mut reached = vec![false; self.len()];
        reached[node] = true;
        for later in node + 1..self.len() {
            reached[later] = self.needs[later].iter().any(|&need| reached[need]);
        }
        reached.into_iter().filter(|hit| *hit).count()
    }

    /// All that a node needs, directly or not; whatever needs another one comes before it.
    pub fn closure(&self, node: usize) -> Vec<usize> {
        let mut reached = vec![false; node + 1];
        let mut open = vec![node];
        while let Some(next) = open.pop() {
            for &need in self.needs(next) {
                if !reached[need] {
                    reached[need] = true;
                    open.push(need);
                }
            }
        }
        (0..node).rev().filter(|&other| reached[other]).collect()
    }

    /// A node that no other needs.
    pub fn top(&self) -> usize {
        self.len().saturating_sub(1)
    }

    /// The node of the lowest layer that most others need.
    pub fn base(&self) -> usize {
        let lowest = 0..self.width.min(self.len());
        lowest
            .rev()
            .max_by_key(|&node| self.dependents(node))
            .unwrap_or(0)
    }
}

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// `NEEDS` different numbers (fewer if there are fewer) of `count` from `first` on, sorted.
    fn some_of(&mut self, first: usize, count: usize) -> Vec<usize> {
        let mut chosen = Vec::with_capacity(NEEDS);
        while chosen.len() < NEEDS.min(count) {
            let number = first + (self.next() % count as u64) as usize;
            if !chosen.contains(&number) {
                chosen.push(number);
            }
        }
        chosen.sort_unstable();
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_graph() {
        assert_eq!(Graph::layered(100, 7), Graph::layered(100, 7));
        assert_ne!(Graph::layered(100, 7), Graph::layered(100, 8));
        // A change of the generator makes figures of different commits incomparable.
        let graph = Graph::layered(16, 1);
        let needs: Vec<&[usize]> = (0..16).map(|node| graph.needs(node)).collect();
        expect_test::expect!["[[], [], [0, 1], [0, 1], [2, 3], [2, 3], [4, 5], [4, 5], [6, 7], [6, 7], [8, 9], [8, 9], [10, 11], [10, 11], [12, 13], [12, 13]]"].assert_eq(&format!("{needs:?}"));
    }

    #[test]
    fn it_has_no_cycles_whatever_its_size() {
        for nodes in 0..60 {
            let graph = Graph::layered(nodes, 3);
            assert_eq!(graph.len(), nodes);
            for node in 0..nodes {
                let needs = graph.needs(node);
                assert!(needs.iter().all(|&need| need < node), "{nodes} nodes");
                assert!(needs.is_sorted() && needs.len() <= NEEDS);
                assert_eq!(needs.is_empty(), node < graph.width);
            }
        }
    }

    #[test]
    fn one_edit_reaches_one_node_and_the_other_many() {
        let graph = Graph::layered(1000, 1);
        assert_eq!(graph.dependents(graph.top()), 1);
        let most = (0..1000).map(|node| graph.dependents(node)).max();
        assert_eq!(Some(graph.dependents(graph.base())), most);
        expect_test::expect!["478"].assert_eq(&graph.dependents(graph.base()).to_string());
    }

    #[test]
    fn the_closure_is_what_reaches_back() {
        let graph = Graph::layered(80, 5);
        let top = graph.closure(graph.top());
        for &node in &top {
            assert!(graph.needs(node).iter().all(|need| top.contains(need)));
        }
        assert!(
            top.iter().rev().is_sorted(),
            "what needs another comes first"
        );
        assert!(graph.closure(0).is_empty());
    }
}
