//! Unknowns asked for one by one, solved when they are asked.

use crate::bounds::Bounds;
use crate::budget::{Budget, Exceeded};
use crate::choose::Solved;
use crate::problem::{Problem, ShapeId};
use crate::set::Set;
use crate::unknowns::{UnknownId, Unknowns};
use crate::variants::Variants;

/// The state of phases 0 to 3.
pub(crate) struct Demand<'p> {
    pub(crate) problem: &'p Problem<'p>,
    bounds: Bounds,
    unknowns: Unknowns,
    variants: Variants,
    budget: Budget,
}

impl<'p> Demand<'p> {
    pub(crate) fn new(problem: &'p Problem<'p>, bounds: Bounds, budget: Budget) -> Demand<'p> {
        Demand {
            problem,
            bounds,
            unknowns: Unknowns::default(),
            variants: Variants::default(),
            budget,
        }
    }

    /// Asks for the variants of `shape` that contain `debts`, without solving anything yet.
    pub(crate) fn ask(
        &mut self,
        shape: ShapeId,
        debts: &Set,
    ) -> Result<Option<UnknownId>, Exceeded> {
        self.unknowns.ask(
            self.problem,
            &mut self.bounds,
            &mut self.budget,
            shape,
            debts,
        )
    }

    /// Solves what was asked.
    pub(crate) fn solve(&mut self) -> Result<(), Exceeded> {
        self.variants
            .solve(self.problem, &self.bounds, &self.unknowns, &mut self.budget)
    }

    /// The minimal variants of `shape` that contain `debts`.
    pub(crate) fn variants(&mut self, shape: ShapeId, debts: &Set) -> Result<&[Set], Exceeded> {
        let Some(unknown) = self.ask(shape, debts)? else {
            return Ok(&[]);
        };
        self.solve()?;
        Ok(self.variants.of(unknown))
    }

    /// Whether the upper bounds allow a variant of `shape` that contains `debts`.
    pub(crate) fn can_pay(&mut self, shape: ShapeId, debts: &Set) -> Result<bool, Exceeded> {
        self.bounds
            .can_pay(self.problem, &mut self.budget, shape, debts)
    }

    /// What is solved so far.
    pub(crate) fn solved(&self) -> Solved<'_> {
        Solved {
            problem: self.problem,
            bounds: &self.bounds,
            unknowns: &self.unknowns,
            variants: &self.variants,
        }
    }

    /// The bounds as far as they are known.
    pub(crate) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Counts from zero again, for another purpose.
    pub(crate) fn set_budget(&mut self, budget: Budget) {
        self.budget = budget;
    }

    /// How many unknowns there are.
    pub(crate) fn unknown_count(&self) -> usize {
        self.unknowns.list.len()
    }

    /// How many variants there are, and the most of one unknown.
    pub(crate) fn variant_count(&self) -> (usize, usize) {
        self.variants.count()
    }

    /// How many operations it took so far.
    pub(crate) fn operations(&self) -> u64 {
        self.budget.spent()
    }
}
