//! Rivals that are none: sources which can only be derived by way of the node that needs them.

use std::collections::HashSet;

use crate::choose::Solved;
use crate::combine::{Combiner, Source};
use crate::problem::ShapeId;
use crate::set::Set;
use crate::unknowns::UnknownId;

/// Whether a positional source with the node's own live set can only be derived by way of the
/// node itself. Along positional keys live sets never grow, so only nodes of this very live set
/// can lead back.
pub(crate) fn leads_back(
    solved: Solved<'_>,
    node: (ShapeId, &Set),
    source: &Source,
    steps: &mut usize,
) -> bool {
    let (avoid, level) = node;
    let Source::Rule {
        shape,
        live,
        unknown,
    } = source
    else {
        return false;
    };
    if live != level {
        return false;
    }
    if *shape == avoid {
        return true;
    }
    let level = Level {
        solved,
        avoid,
        live,
    };
    let reached = level.reached(*shape, *unknown);
    let mut founded: HashSet<ShapeId> = HashSet::new();
    loop {
        let before = founded.len();
        for (at, sources) in &reached {
            if !founded.contains(at) && level.is_founded(*at, sources, &founded, steps) {
                founded.insert(*at);
            }
        }
        if founded.contains(shape) || founded.len() == before {
            return !founded.contains(shape);
        }
    }
}

/// The nodes with one live set, without one of them.
struct Level<'l> {
    solved: Solved<'l>,
    avoid: ShapeId,
    live: &'l Set,
}

impl Level<'_> {
    /// The shapes that positional keys lead to, each with its sources.
    fn reached(&self, shape: ShapeId, unknown: UnknownId) -> Vec<(ShapeId, Vec<Vec<Source>>)> {
        let mut known = HashSet::from([self.avoid, shape]);
        let mut open = vec![(shape, unknown)];
        let mut reached = Vec::new();
        while let Some((shape, unknown)) = open.pop() {
            let sources = self.solved.of_node(shape, self.live, unknown);
            let keys = self.solved.problem.shapes[shape].keys.iter();
            let positional = keys.zip(&sources).filter(|(key, _)| key.positional);
            for source in positional.flat_map(|(_, sources)| sources) {
                if let Source::Rule {
                    shape,
                    live,
                    unknown,
                } = source
                    && live == self.live
                    && known.insert(*shape)
                {
                    open.push((*shape, *unknown));
                }
            }
            reached.push((shape, sources));
        }
        reached
    }

    /// Whether the shape can be derived from founded ones. If there are too many combinations to
    /// tell, it counts as founded: then a tie is reported.
    fn is_founded(
        &self,
        shape: ShapeId,
        options: &[Vec<Source>],
        founded: &HashSet<ShapeId>,
        steps: &mut usize,
    ) -> bool {
        let keys = self.solved.problem.shapes[shape].keys.iter();
        let usable = keys.zip(options).map(|(key, options)| {
            let usable = options.iter().filter(|source| match source {
                Source::Rule { shape, live, .. } if key.positional && live == self.live => {
                    founded.contains(shape)
                }
                _ => true,
            });
            usable.cloned().collect::<Vec<Source>>()
        });
        let usable: Vec<Vec<Source>> = usable.collect();
        let combiner = Combiner {
            problem: self.solved.problem,
            shape,
            live: self.live,
            options: &usable,
        };
        combiner.is_possible(steps) != Some(false)
    }
}
