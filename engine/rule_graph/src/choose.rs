//! Phase 4: per query the least variant within its params, per node the smallest sources.
//!
//! Ties are found here, but put into words by the report.

use std::collections::{HashMap, HashSet};

use crate::bounds::Bounds;
use crate::budget;
use crate::circles::leads_back;
use crate::combine::{Combiner, Decision, Source, same, smallest};
use crate::problem::{Problem, ShapeBody, ShapeId};
use crate::set::Set;
use crate::unknowns::{UnknownId, Unknowns};
use crate::variants::Variants;

/// Index into [`Choice::nodes`].
pub(crate) type NodeId = usize;

/// A shape with a live set, and what was chosen for its keys.
pub(crate) struct Node {
    pub(crate) shape: ShapeId,
    pub(crate) live: Set,
    unknown: UnknownId,
    /// Per key of the shape; `None` where nothing could be chosen.
    pub(crate) picks: Vec<Option<Pick>>,
}

/// A chosen source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Pick {
    Param,
    Node(NodeId),
}

/// Where something was to be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Index into [`Problem::asks`].
    Ask(usize),
    /// A key of a node.
    Key(NodeId, usize),
}

/// Equally good sources.
pub(crate) struct Tie {
    pub(crate) place: Place,
    pub(crate) rivals: Vec<(Source, Pick)>,
}

/// All that was chosen, and what stood in the way.
#[derive(Default)]
pub(crate) struct Choice {
    pub(crate) nodes: Vec<Node>,
    /// Per query what answers it; `None` if nothing fits or several do.
    pub(crate) answers: Vec<Option<Pick>>,
    /// Queries into whose params no variant fits.
    pub(crate) unanswered: Vec<usize>,
    pub(crate) ties: Vec<Tie>,
    /// Nodes that live on params which their rules mask.
    pub(crate) masked: Vec<NodeId>,
    /// Shapes of nodes with too many combinations.
    pub(crate) too_many: Vec<ShapeId>,
    /// Nodes whose live set nothing adds up to: a defect of the earlier phases.
    pub(crate) broken: Vec<NodeId>,
}

/// The solved unknowns, from which is chosen.
#[derive(Clone, Copy)]
pub(crate) struct Solved<'s> {
    pub(crate) problem: &'s Problem<'s>,
    pub(crate) bounds: &'s Bounds,
    pub(crate) unknowns: &'s Unknowns,
    pub(crate) variants: &'s Variants,
}

impl<'s> Solved<'s> {
    /// The variants of what may answer a query, and its own param.
    pub(crate) fn of_ask(&self, ask: usize) -> Vec<Source> {
        let ask = &self.problem.asks[ask];
        let mut sources = Vec::new();
        if ask.own_param() {
            sources.push(Source::Param(ask.output));
        }
        for shape in &ask.candidates {
            let unknown = self.unknowns.find(self.bounds, *shape, &Set::new());
            let Some(unknown) = unknown else { continue };
            for live in self.variants.of(unknown) {
                if live.is_subset(&ask.params) {
                    sources.push(self.source(unknown, live));
                }
            }
        }
        sources
    }

    /// Per key the sources that fit into the live set of the shape.
    pub(crate) fn of_node(
        &self,
        shape: ShapeId,
        live: &Set,
        unknown: UnknownId,
    ) -> Vec<Vec<Source>> {
        let keys = self.problem.shapes[shape].keys.iter();
        let handings = &self.unknowns.list[unknown].handings;
        let of_key = keys.zip(handings).map(|(key, handings)| {
            let mut sources = Vec::new();
            if key.param && live.contains(key.need.output) {
                sources.push(Source::Param(key.need.output));
            }
            let scope = live.union(&key.need.provides);
            for handing in handings {
                for variant in self.variants.of(handing.child) {
                    if variant.is_subset(&scope) {
                        sources.push(self.source(handing.child, variant));
                    }
                }
            }
            sources.sort();
            sources.dedup_by(|a, b| same(a, b));
            sources
        });
        of_key.collect()
    }

    fn source(&self, unknown: UnknownId, live: &Set) -> Source {
        Source::Rule {
            shape: self.unknowns.list[unknown].shape,
            live: live.clone(),
            unknown,
        }
    }

    fn is_masked(&self, source: &Source) -> bool {
        match source {
            Source::Param(_) => false,
            Source::Rule { shape, live, .. } => self.problem.shapes[*shape].masked.intersects(live),
        }
    }
}

/// Chooses for all declared queries.
pub(crate) fn choose(solved: Solved<'_>) -> Choice {
    let mut chooser = Chooser {
        solved,
        choice: Choice::default(),
        known: HashMap::new(),
        asked: HashSet::new(),
        open: Vec::new(),
        steps: budget::ALL_STEPS,
    };
    chooser.choice.answers = vec![None; solved.problem.asks.len()];
    for ask in 0..solved.problem.declared {
        chooser.ask(ask);
    }
    while let Some(node) = chooser.open.pop() {
        chooser.expand(node);
    }
    chooser.choice
}

struct Chooser<'s> {
    solved: Solved<'s>,
    choice: Choice,
    known: HashMap<(ShapeId, Set), NodeId>,
    asked: HashSet<usize>,
    open: Vec<NodeId>,
    /// Steps left for searching combinations.
    steps: usize,
}

impl Chooser<'_> {
    fn ask(&mut self, ask: usize) {
        if !self.asked.insert(ask) {
            return;
        }
        let sources = self.solved.of_ask(ask);
        let params = self.solved.problem.asks[ask].params.clone();
        match &self.unmasked(smallest(sources.iter()), &sources, &params)[..] {
            [] if sources.is_empty() => self.choice.unanswered.push(ask),
            [] => {}
            [only] => self.choice.answers[ask] = Some(self.pick(only)),
            rivals => self.tie(Place::Ask(ask), rivals),
        }
    }

    /// Of several rivals, those that break no mask (RG-017). A rival that drops out is an error
    /// unless its rule could do without the masked param.
    fn unmasked<'a>(
        &mut self,
        rivals: Vec<&'a Source>,
        all: &[Source],
        scope: &Set,
    ) -> Vec<&'a Source> {
        if rivals.len() < 2 {
            return rivals;
        }
        let (masked, rest): (Vec<&Source>, Vec<&Source>) = rivals
            .into_iter()
            .partition(|rival| self.solved.is_masked(rival));
        for rival in masked {
            let could_do_without = all.iter().any(|other| {
                let fits = matches!(other, Source::Rule { live, .. } if live.is_subset(scope));
                fits && other.shape() == rival.shape() && !self.solved.is_masked(other)
            });
            if !could_do_without {
                self.pick(rival);
            }
        }
        rest
    }

    fn tie(&mut self, place: Place, rivals: &[&Source]) {
        let rivals = rivals
            .iter()
            .map(|rival| ((*rival).clone(), self.pick(rival)));
        let rivals = rivals.collect();
        self.choice.ties.push(Tie { place, rivals });
    }

    fn pick(&mut self, source: &Source) -> Pick {
        let Source::Rule {
            shape,
            live,
            unknown,
        } = source
        else {
            return Pick::Param;
        };
        if let Some(node) = self.known.get(&(*shape, live.clone())) {
            return Pick::Node(*node);
        }
        let node = self.choice.nodes.len();
        self.known.insert((*shape, live.clone()), node);
        self.choice.nodes.push(Node {
            shape: *shape,
            live: live.clone(),
            unknown: *unknown,
            picks: Vec::new(),
        });
        if self.solved.is_masked(source) {
            self.choice.masked.push(node);
        }
        self.open.push(node);
        Pick::Node(node)
    }

    fn expand(&mut self, node: NodeId) {
        let Node {
            shape,
            ref live,
            unknown,
            ..
        } = self.choice.nodes[node];
        let live = live.clone();
        if let ShapeBody::Reentry { ask } = self.solved.problem.shapes[shape].body {
            self.ask(ask);
        }
        let mut options = self.solved.of_node(shape, &live, unknown);
        self.choice.nodes[node].picks = vec![None; options.len()];
        loop {
            let combiner = Combiner {
                problem: self.solved.problem,
                shape,
                live: &live,
                options: &options,
            };
            match combiner.decide(&mut self.steps) {
                Decision::Chosen(places) => {
                    for (key, at) in places.into_iter().enumerate() {
                        let pick = self.pick(&options[key][at]);
                        self.choice.nodes[node].picks[key] = Some(pick);
                    }
                    return;
                }
                Decision::Nothing => return self.choice.broken.push(node),
                Decision::TooMany => return self.choice.too_many.push(shape),
                Decision::Tie(ties) => {
                    if !self.drop_rivals(node, &mut options, &ties) {
                        return self.settle_tie(node, &options, &ties);
                    }
                }
            }
        }
    }

    /// Takes rivals out of the options that are none: those that only lead back to this node, and
    /// masked ones. Says whether there were any.
    fn drop_rivals(
        &mut self,
        node: NodeId,
        options: &mut [Vec<Source>],
        ties: &[(usize, Vec<usize>)],
    ) -> bool {
        let mut dropped = false;
        let Node {
            shape, ref live, ..
        } = self.choice.nodes[node];
        let live = live.clone();
        for (key, places) in ties {
            let declared = &self.solved.problem.shapes[shape].keys[*key];
            let rivals = places.iter().map(|at| &options[*key][*at]);
            let (looping, rest): (Vec<&Source>, Vec<&Source>) = rivals.partition(|rival| {
                declared.positional
                    && leads_back(self.solved, (shape, &live), rival, &mut self.steps)
            });
            let scope = live.union(&declared.need.provides);
            let kept = self.unmasked(rest.clone(), &options[*key], &scope);
            // Where all are masked none can be taken instead; the masking errors say enough.
            let masked = rest
                .iter()
                .filter(|at| !kept.is_empty() && !kept.contains(at));
            let gone: Vec<Source> = looping
                .iter()
                .chain(masked)
                .map(|at| (*at).clone())
                .collect();
            dropped |= !gone.is_empty();
            options[*key].retain(|at| !gone.iter().any(|gone| same(gone, at)));
        }
        dropped
    }

    fn settle_tie(&mut self, node: NodeId, options: &[Vec<Source>], ties: &[(usize, Vec<usize>)]) {
        for (key, places) in ties {
            let rivals: Vec<&Source> = places.iter().map(|at| &options[*key][*at]).collect();
            if rivals.iter().all(|rival| self.solved.is_masked(rival)) {
                rivals.iter().for_each(|rival| {
                    self.pick(rival);
                });
                continue;
            }
            self.tie(Place::Key(node, *key), &rivals);
        }
        for (key, options) in options.iter().enumerate() {
            if ties.iter().any(|(tied, _)| *tied == key) {
                continue;
            }
            if let [only] = smallest(options.iter())[..] {
                let pick = self.pick(only);
                self.choice.nodes[node].picks[key] = Some(pick);
            }
        }
    }
}
