//! Choosing the sources of one node: combinations that are legal and add up to its live set.

use crate::budget;
use crate::problem::{Problem, ShapeId, Ty};
use crate::set::Set;
use crate::unknowns::UnknownId;

/// A possible source of a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    Param(Ty),
    Rule {
        shape: ShapeId,
        /// The live set of the shape's node.
        live: Set,
        /// The unknown of which `live` is a variant.
        unknown: UnknownId,
    },
}

impl Source {
    /// How many params it needs.
    pub(crate) fn size(&self) -> usize {
        match self {
            Source::Param(_) => 1,
            Source::Rule { live, .. } => live.len(),
        }
    }

    /// The shape, if it is a rule or re-entry.
    pub(crate) fn shape(&self) -> Option<ShapeId> {
        match self {
            Source::Param(_) => None,
            Source::Rule { shape, .. } => Some(*shape),
        }
    }

    fn is_param_set(&self, live: &Set) -> bool {
        matches!(self, Source::Param(ty) if live.len() == 1 && live.contains(*ty))
    }

    /// Whether it needs no more than the other and may stand in for it. Of equal live sets, a
    /// param comes before a rule.
    fn at_most(&self, other: &Source) -> bool {
        match (self, other) {
            (Source::Param(a), Source::Param(b)) => a == b,
            (Source::Param(a), Source::Rule { live, .. }) => live.contains(*a),
            (Source::Rule { live, .. }, Source::Param(_)) => live.is_empty(),
            (Source::Rule { live: a, .. }, Source::Rule { live: b, .. }) => a.is_subset(b),
        }
    }
}

/// The sources of one key that are as small as possible; more than one is a tie.
pub(crate) fn smallest<'s>(sources: impl Iterator<Item = &'s Source> + Clone) -> Vec<&'s Source> {
    let size = sources.clone().map(Source::size).min();
    let mut least: Vec<&Source> = sources.filter(|at| Some(at.size()) == size).collect();
    let params: Vec<&Source> = least
        .iter()
        .copied()
        .filter(|at| at.shape().is_none())
        .collect();
    least.retain(|at| match at {
        Source::Rule { live, .. } => !params.iter().any(|param| param.is_param_set(live)),
        Source::Param(_) => true,
    });
    least.sort();
    least.dedup_by(|a, b| same(a, b));
    least
}

/// Whether both name the same node or param.
pub(crate) fn same(a: &Source, b: &Source) -> bool {
    match (a, b) {
        (Source::Param(a), Source::Param(b)) => a == b,
        (
            Source::Rule { shape, live, .. },
            Source::Rule {
                shape: other,
                live: other_live,
                ..
            },
        ) => shape == other && live == other_live,
        _ => false,
    }
}

/// What [`Combiner::decide`] found.
#[derive(Debug)]
pub(crate) enum Decision {
    /// Per key the place of its source in the list of options.
    Chosen(Vec<usize>),
    /// The keys that are undecided, each with the places of its rivals.
    Tie(Vec<(usize, Vec<usize>)>),
    /// Nothing adds up to the live set.
    Nothing,
    /// Too many combinations.
    TooMany,
}

/// The keys of a node with the sources that fit into its live set.
pub(crate) struct Combiner<'c> {
    pub(crate) problem: &'c Problem<'c>,
    pub(crate) shape: ShapeId,
    pub(crate) live: &'c Set,
    pub(crate) options: &'c [Vec<Source>],
}

impl Combiner<'_> {
    /// Picks the componentwise smallest legal combination with exactly the node's live set.
    /// Takes the steps it needs from `left`.
    pub(crate) fn decide(&self, left: &mut usize) -> Decision {
        if let Some(chosen) = self.decide_at_once() {
            return Decision::Chosen(chosen);
        }
        let mut search = Search::new(self, left);
        let mut minimal: Vec<Vec<usize>> = Vec::new();
        let ended = search.run(&mut |picks, steps| {
            *steps += minimal.len();
            if !minimal.iter().any(|have| self.at_most(have, picks)) {
                minimal.retain(|have| !self.at_most(picks, have));
                minimal.push(picks.to_vec());
            }
            true
        });
        if !ended {
            return Decision::TooMany;
        }
        self.decide_among(&minimal)
    }

    /// Whether any legal combination adds up to the live set; `None` if that takes too long.
    pub(crate) fn is_possible(&self, left: &mut usize) -> Option<bool> {
        let mut found = false;
        let ended = Search::new(self, left).run(&mut |_, _| {
            found = true;
            false
        });
        (ended || found).then_some(found)
    }

    /// The ordinary case: each key has one smallest source, and they add up.
    fn decide_at_once(&self) -> Option<Vec<usize>> {
        let mut chosen = Vec::with_capacity(self.options.len());
        for options in self.options {
            let least = smallest(options.iter());
            let [only] = least[..] else { return None };
            chosen.push(options.iter().position(|at| same(at, only))?);
        }
        let mut sum = Sum::start(self);
        for (key, at) in chosen.iter().enumerate() {
            sum = sum.with(self, key, &self.options[key][*at])?;
        }
        (sum.live == *self.live).then_some(chosen)
    }

    fn decide_among(&self, minimal: &[Vec<usize>]) -> Decision {
        let Some(first) = minimal.first() else {
            return Decision::Nothing;
        };
        let mut chosen = Vec::new();
        let mut ties = Vec::new();
        for key in 0..self.options.len() {
            let sources = minimal.iter().map(|picks| &self.options[key][picks[key]]);
            let places = self.places(key, &smallest(sources));
            chosen.push(places.first().copied().unwrap_or_default());
            if places.len() > 1 {
                ties.push((key, places));
            }
        }
        if ties.is_empty() && minimal.contains(&chosen) {
            return Decision::Chosen(chosen);
        }
        if ties.is_empty() {
            for key in
                (0..first.len()).filter(|key| minimal.iter().any(|at| at[*key] != first[*key]))
            {
                let mut places: Vec<usize> = minimal.iter().map(|picks| picks[key]).collect();
                places.sort();
                places.dedup();
                ties.push((key, places));
            }
        }
        Decision::Tie(ties)
    }

    fn places(&self, key: usize, sources: &[&Source]) -> Vec<usize> {
        let place = |source: &&Source| self.options[key].iter().position(|at| same(at, source));
        sources.iter().filter_map(place).collect()
    }

    fn at_most(&self, a: &[usize], b: &[usize]) -> bool {
        let mut keys = self.options.iter().zip(a.iter().zip(b));
        // Equal sets of different rules are rivals, neither beats the other.
        let mut better = false;
        keys.all(|(options, (a, b))| {
            let (a, b) = (&options[*a], &options[*b]);
            better |= !b.at_most(a);
            same(a, b) || a.at_most(b)
        }) && better
    }
}

/// A partial combination.
#[derive(Clone)]
struct Sum {
    live: Set,
    /// Params that are taken and consumed.
    consumed: Set,
    /// What the keys answered by rules bring.
    brought: Set,
}

impl Sum {
    fn start(combiner: &Combiner<'_>) -> Sum {
        Sum {
            live: combiner.problem.shapes[combiner.shape].fixed.clone(),
            consumed: Set::new(),
            brought: Set::new(),
        }
    }

    /// Adds a source; `None` if that is not legal (RG-010).
    fn with(&self, combiner: &Combiner<'_>, key: usize, source: &Source) -> Option<Sum> {
        let mut sum = self.clone();
        match source {
            Source::Param(ty) => {
                sum.live.insert(*ty);
                if !combiner.problem.ambient.contains(*ty) {
                    sum.consumed.insert(*ty);
                }
            }
            Source::Rule { live, .. } => {
                let key = &combiner.problem.shapes[combiner.shape].keys[key];
                let brought = live.minus(&key.need.provides);
                sum.live.add(&brought);
                sum.brought.add(&brought);
            }
        }
        (!sum.consumed.intersects(&sum.brought)).then_some(sum)
    }
}

type Visit<'v> = &'v mut dyn FnMut(&[usize], &mut usize) -> bool;

/// Goes through all combinations that add up.
struct Search<'s> {
    combiner: &'s Combiner<'s>,
    /// What the keys from one on can bring at most.
    later: Vec<Set>,
    picks: Vec<usize>,
    /// Steps of this search.
    steps: usize,
    /// Steps that all searches together have left.
    left: &'s mut usize,
}

impl<'s> Search<'s> {
    fn new(combiner: &'s Combiner<'s>, left: &'s mut usize) -> Search<'s> {
        let keys = &combiner.problem.shapes[combiner.shape].keys;
        let mut later = vec![Set::new(); keys.len() + 1];
        for at in (0..keys.len()).rev() {
            let mut all = later[at + 1].clone();
            for source in &combiner.options[at] {
                match source {
                    Source::Param(ty) => all.insert(*ty),
                    Source::Rule { live, .. } => {
                        all.add(&live.minus(&keys[at].need.provides));
                    }
                }
            }
            later[at] = all;
        }
        Search {
            combiner,
            later,
            picks: Vec::new(),
            steps: 0,
            left,
        }
    }

    /// Calls `visit` for each combination until it returns false. False if stopped early.
    fn run(&mut self, visit: Visit<'_>) -> bool {
        let start = Sum::start(self.combiner);
        let ended = self.descend(&start, visit);
        *self.left = self.left.saturating_sub(self.steps);
        ended
    }

    fn descend(&mut self, sum: &Sum, visit: Visit<'_>) -> bool {
        self.steps += 1;
        if self.steps > budget::STEPS.min(*self.left) {
            return false;
        }
        let key = self.picks.len();
        if !self
            .combiner
            .live
            .is_subset(&sum.live.union(&self.later[key]))
        {
            return true;
        }
        let Some(options) = self.combiner.options.get(key) else {
            return visit(&self.picks, &mut self.steps);
        };
        for (at, source) in options.iter().enumerate() {
            let Some(next) = sum.with(self.combiner, key, source) else {
                continue;
            };
            self.picks.push(at);
            let goes_on = self.descend(&next, visit);
            self.picks.pop();
            if !goes_on {
                return false;
            }
        }
        true
    }
}
