//! Phases 0 and 1: what every variant of a shape contains, and what any could contain.
//!
//! `must` makes most debts of a rule disappear before they are counted; the upper bounds keep
//! debts from being offered where nothing could pay them.

use crate::budget::{Budget, Exceeded};
use crate::problem::{Problem, Shape, ShapeBody, ShapeId};
use crate::set::Set;
use crate::sweep::Sweep;
use crate::upper::Upper;

/// Lower and upper bounds of the live sets of shapes.
pub(crate) struct Bounds {
    must: Vec<Option<Set>>,
    upper: Upper,
}

impl Bounds {
    /// Computes the lower bounds; upper ones are made on demand.
    pub(crate) fn new(problem: &Problem<'_>, budget: &mut Budget) -> Result<Bounds, Exceeded> {
        let must = lower_bounds(problem, budget)?;
        let upper = Upper::new(problem, &must, budget)?;
        Ok(Bounds { must, upper })
    }

    /// What every variant of the shape contains; `None` if it can have none.
    pub(crate) fn must(&self, shape: ShapeId) -> Option<&Set> {
        self.must[shape].as_ref()
    }

    /// Whether variants of the shape that contain all of `debts` seem possible.
    pub(crate) fn can_pay(
        &mut self,
        problem: &Problem<'_>,
        budget: &mut Budget,
        shape: ShapeId,
        debts: &Set,
    ) -> Result<bool, Exceeded> {
        self.upper
            .can_pay(problem, &self.must, budget, shape, debts)
    }
}

/// The least fixpoint of "a key brings what all of its options bring".
fn lower_bounds(problem: &Problem<'_>, budget: &mut Budget) -> Result<Vec<Option<Set>>, Exceeded> {
    let mut must = vec![Some(Set::new()); problem.shapes.len()];
    let readers = readers(problem);
    let mut sweep = Sweep::all(must.len());
    while let Some(at) = sweep.pop() {
        budget.spend(at, 1 + problem.shapes[at].keys.len())?;
        let value = lower_bound(problem, &must, &problem.shapes[at]);
        if value != must[at] {
            must[at] = value;
            readers[at].iter().for_each(|reader| sweep.push(*reader));
        }
    }
    Ok(must)
}

fn lower_bound(problem: &Problem<'_>, must: &[Option<Set>], shape: &Shape) -> Option<Set> {
    if let ShapeBody::Reentry { ask } = shape.body {
        let ask = &problem.asks[ask];
        let fits = |shape: &ShapeId| {
            let must = must[*shape].as_ref();
            must.is_some_and(|must| must.is_subset(&ask.params))
        };
        if !ask.own_param() && !ask.candidates.iter().any(fits) {
            return None;
        }
    }
    let mut value = shape.fixed.clone();
    for key in &shape.keys {
        let mut options = key.candidates.iter().filter_map(|at| must[*at].as_ref());
        let mut common = match key.param {
            true => Set::of(key.need.output),
            false => options.next()?.minus(&key.need.provides),
        };
        for option in options {
            common = common.intersection(option);
        }
        value.add(&common);
    }
    Some(value)
}

/// Per shape the shapes whose bounds read its bound.
fn readers(problem: &Problem<'_>) -> Vec<Vec<ShapeId>> {
    let mut readers = vec![Vec::new(); problem.shapes.len()];
    for (at, shape) in problem.shapes.iter().enumerate() {
        let answers = match shape.body {
            ShapeBody::Reentry { ask } => &problem.asks[ask].candidates[..],
            ShapeBody::Rule { .. } => &[],
        };
        let of_keys = shape.keys.iter().flat_map(|key| &key.candidates);
        for read in of_keys.chain(answers) {
            if readers[*read].last() != Some(&at) {
                readers[*read].push(at);
            }
        }
    }
    readers
}
