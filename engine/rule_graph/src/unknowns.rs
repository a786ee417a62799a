//! Phase 2: which questions matter, and which read which.

use std::collections::HashMap;

use crate::bounds::Bounds;
use crate::budget::{self, Budget, Exceeded, Limit};
use crate::problem::{Key, Problem, ShapeBody, ShapeId};
use crate::set::Set;

/// Index of an [`Unknown`].
pub(crate) type UnknownId = usize;

/// The question: which are the minimal variants of `shape` that contain `debt`?
pub(crate) struct Unknown {
    pub(crate) shape: ShapeId,
    /// Provided params to be consumed here or below; none that every variant contains anyway.
    pub(crate) debt: Set,
    /// Per key of the shape, the ways to answer it by a rule.
    pub(crate) handings: Vec<Vec<Handing>>,
    /// For a re-entry, the questions for what may answer its query.
    pub(crate) answers: Vec<UnknownId>,
}

/// Debts handed on to one candidate of a key.
pub(crate) struct Handing {
    pub(crate) debts: Set,
    pub(crate) child: UnknownId,
    /// Whether a circle over this edge needs a base: positional, or a debt from above is still
    /// open below.
    pub(crate) inductive: bool,
}

/// All unknowns asked for so far, and what they read.
#[derive(Default)]
pub(crate) struct Unknowns {
    pub(crate) list: Vec<Unknown>,
    known: HashMap<(ShapeId, Set), UnknownId>,
}

impl Unknowns {
    /// The unknown for variants of `shape` that contain `debts`, with all that it reads. `None`
    /// if there can be none.
    pub(crate) fn ask(
        &mut self,
        problem: &Problem<'_>,
        bounds: &mut Bounds,
        budget: &mut Budget,
        shape: ShapeId,
        debts: &Set,
    ) -> Result<Option<UnknownId>, Exceeded> {
        let mut collector = Collector {
            problem,
            bounds,
            budget,
            unknowns: self,
            open: Vec::new(),
        };
        if !collector
            .bounds
            .can_pay(problem, collector.budget, shape, debts)?
        {
            return Ok(None);
        }
        let asked = collector.unknown(shape, debts)?;
        while let Some(unknown) = collector.open.pop() {
            collector.expand(unknown)?;
        }
        Ok(Some(asked))
    }

    /// The unknown if it was asked for before.
    pub(crate) fn find(&self, bounds: &Bounds, shape: ShapeId, debts: &Set) -> Option<UnknownId> {
        let open = debts.minus(bounds.must(shape)?);
        self.known.get(&(shape, open)).copied()
    }
}

struct Collector<'c, 'p> {
    problem: &'c Problem<'p>,
    bounds: &'c mut Bounds,
    budget: &'c mut Budget,
    unknowns: &'c mut Unknowns,
    open: Vec<UnknownId>,
}

impl Collector<'_, '_> {
    fn unknown(&mut self, shape: ShapeId, debts: &Set) -> Result<UnknownId, Exceeded> {
        let debt = match self.bounds.must(shape) {
            Some(must) => debts.minus(must),
            None => debts.clone(),
        };
        if let Some(known) = self.unknowns.known.get(&(shape, debt.clone())) {
            return Ok(*known);
        }
        let id = self.unknowns.list.len();
        if id >= budget::unknowns(self.problem.shapes.len()) {
            let limit = Limit::Unknowns;
            return Err(Exceeded { shape, limit });
        }
        self.unknowns.known.insert((shape, debt.clone()), id);
        self.unknowns.list.push(Unknown {
            shape,
            debt,
            handings: Vec::new(),
            answers: Vec::new(),
        });
        self.open.push(id);
        Ok(id)
    }

    fn expand(&mut self, id: UnknownId) -> Result<(), Exceeded> {
        let Unknown {
            shape, ref debt, ..
        } = self.unknowns.list[id];
        let debt = debt.clone();
        let problem = self.problem;
        let keys = &problem.shapes[shape].keys;
        if let ShapeBody::Reentry { ask } = problem.shapes[shape].body {
            let mut answers = Vec::new();
            for candidate in &problem.asks[ask].candidates {
                if self.bounds.must(*candidate).is_some() {
                    answers.push(self.unknown(*candidate, &Set::new())?);
                }
            }
            self.unknowns.list[id].answers = answers;
        }
        let mut payable = Vec::new();
        for key in keys {
            payable.push(self.payable(shape, key, &debt)?);
        }
        let forced = forced(keys, &payable, &debt);
        let mut handings = Vec::new();
        for ((key, payable), forced) in keys.iter().zip(&payable).zip(&forced) {
            handings.push(self.handings(shape, key, payable, forced)?);
        }
        self.unknowns.list[id].handings = handings;
        Ok(())
    }

    /// Per candidate of a key the debts that it could pay; `None` if it cannot answer at all.
    fn payable(
        &mut self,
        shape: ShapeId,
        key: &Key,
        debt: &Set,
    ) -> Result<Vec<Option<Set>>, Exceeded> {
        let provides = &key.need.provides;
        let mut payable = Vec::new();
        for candidate in &key.candidates {
            self.budget.spend(shape, 1 + debt.len())?;
            let mut can = |debts: &Set| {
                self.bounds
                    .can_pay(self.problem, self.budget, *candidate, debts)
            };
            if !can(provides)? {
                payable.push(None);
                continue;
            }
            let mut paid = Set::new();
            for one in debt.minus(provides).iter() {
                if can(&provides.union(&Set::of(one)))? {
                    paid.insert(one);
                }
            }
            payable.push(Some(paid));
        }
        Ok(payable)
    }

    /// All ways to answer a key: per candidate the subsets of what it could pay that contain what
    /// only this key can pay.
    fn handings(
        &mut self,
        shape: ShapeId,
        key: &Key,
        payable: &[Option<Set>],
        forced: &Set,
    ) -> Result<Vec<Handing>, Exceeded> {
        let mut handings = Vec::new();
        for (candidate, payable) in key.candidates.iter().zip(payable) {
            let Some(payable) = payable else { continue };
            if !forced.is_subset(payable) {
                continue;
            }
            let free: Vec<_> = payable.minus(forced).iter().collect();
            if free.len() > budget::DEBTS {
                let limit = Limit::Debts;
                return Err(Exceeded { shape, limit });
            }
            for choice in 0..1_u32 << free.len() {
                self.budget.spend(shape, 1)?;
                let chosen = free.iter().enumerate();
                let chosen = chosen.filter(|(bit, _)| choice >> bit & 1 == 1);
                let mut debts = forced.clone();
                chosen.for_each(|(_, ty)| debts.insert(*ty));
                let all = key.need.provides.union(&debts);
                if !self
                    .bounds
                    .can_pay(self.problem, self.budget, *candidate, &all)?
                {
                    continue;
                }
                let child = self.unknown(*candidate, &all)?;
                let inductive = key.positional || debts.intersects(&self.unknowns.list[child].debt);
                handings.push(Handing {
                    debts,
                    child,
                    inductive,
                });
            }
        }
        Ok(handings)
    }
}

/// Per key the debts that nothing but this key could pay.
fn forced(keys: &[Key], payable: &[Vec<Option<Set>>], debt: &Set) -> Vec<Set> {
    let mut forced = vec![Set::new(); keys.len()];
    for one in debt.iter() {
        if keys.iter().any(|key| key.param && key.need.output == one) {
            continue;
        }
        let can_pay = |at: &usize| {
            let mut candidates = payable[*at].iter().flatten();
            candidates.any(|paid| paid.contains(one))
        };
        let mut payers = (0..keys.len()).filter(can_pay);
        if let (Some(at), None) = (payers.next(), payers.next()) {
            forced[at].insert(one);
        }
    }
    forced
}
