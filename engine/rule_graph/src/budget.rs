//! Limits on the work, counted in operations and not in time, so that the same rule set always
//! ends the same way.

use crate::problem::ShapeId;

/// Incomparable minimal sets of one unknown.
pub(crate) const SETS: usize = 512;
/// Debts that may be handed to one key in all combinations.
pub(crate) const DEBTS: usize = 8;
/// Combinations looked at to choose the sources of one node.
pub(crate) const STEPS: usize = 20_000;
/// Such combinations of all nodes together.
pub(crate) const ALL_STEPS: usize = 2_000_000;
/// Operations on sets of the whole solution.
pub(crate) const OPERATIONS: u64 = 2_000_000;

/// How many unknowns a rule set with so many shapes may have.
pub(crate) fn unknowns(shapes: usize) -> usize {
    4096 + 8 * shapes
}

/// A limit was reached while working on a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exceeded {
    pub(crate) shape: ShapeId,
    pub(crate) limit: Limit,
}

/// Which limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    Sets,
    Debts,
    Operations,
    Unknowns,
}

/// Counts operations, in all and per shape.
pub(crate) struct Budget {
    left: u64,
    by_shape: Vec<u64>,
}

impl Budget {
    pub(crate) fn new(shapes: usize, operations: u64) -> Budget {
        Budget {
            left: operations,
            by_shape: vec![0; shapes],
        }
    }

    /// Operations done so far.
    pub(crate) fn spent(&self) -> u64 {
        self.by_shape.iter().sum()
    }

    /// Counts operations on behalf of a shape. The error names the shape that took the most.
    pub(crate) fn spend(&mut self, shape: ShapeId, operations: usize) -> Result<(), Exceeded> {
        self.by_shape[shape] += operations as u64;
        match self.left.checked_sub(operations as u64) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                let most = (0..self.by_shape.len()).max_by_key(|at| (self.by_shape[*at], *at));
                Err(Exceeded {
                    shape: most.unwrap_or(shape),
                    limit: Limit::Operations,
                })
            }
        }
    }
}
