//! Upper bounds: what a variant that pays a debt could contain.
//!
//! A least fixpoint over pairs of a shape and one debt (or none). Pairs are made on demand, and
//! only where a first, shallow pass over all shapes leaves a chance that the debt is paid:
//! computing all of them is what would make the solver slow.

use std::collections::HashMap;

use crate::budget::{Budget, Exceeded};
use crate::problem::{Key, Problem, ShapeId, Ty};
use crate::set::Set;
use crate::sweep::Sweep;

type PairId = usize;
type Must = [Option<Set>];

/// The upper bounds asked for so far.
pub(crate) struct Upper {
    /// Per shape what the shallow pass found; `None` during that pass.
    reach: Option<Vec<Set>>,
    known: HashMap<(ShapeId, Option<Ty>), PairId>,
    pairs: Vec<Pair>,
    sweep: Sweep,
}

/// What variants of `shape` that contain `debt` could contain.
struct Pair {
    shape: ShapeId,
    debt: Option<Ty>,
    /// `None` while there seem to be no such variants.
    value: Option<Set>,
    readers: Vec<PairId>,
    /// Per key of the shape what it reads; empty before the first evaluation.
    reads: Vec<Vec<Reads>>,
}

/// What is read for one candidate of a key.
struct Reads {
    /// The candidate with each param that the key provides, or with no debt if it provides none.
    provided: Vec<PairId>,
    /// The candidate with the pair's own debt; in the shallow pass without it.
    debt: Option<PairId>,
}

impl Upper {
    /// Makes the shallow pass, which looks for the payer of a debt no further than one rule down.
    pub(crate) fn new(
        problem: &Problem<'_>,
        must: &Must,
        budget: &mut Budget,
    ) -> Result<Upper, Exceeded> {
        let mut shallow = Upper::empty(None);
        let mut reach = Vec::with_capacity(must.len());
        for shape in 0..must.len() {
            let pair = shallow.pair(must, shape, None);
            shallow.settle(problem, must, budget)?;
            reach.push(pair);
        }
        let value = |pair: Option<PairId>| shallow.pairs[pair?].value.clone();
        let reach = reach
            .into_iter()
            .map(|pair| value(pair).unwrap_or_default());
        Ok(Upper::empty(Some(reach.collect())))
    }

    fn empty(reach: Option<Vec<Set>>) -> Upper {
        Upper {
            reach,
            known: HashMap::new(),
            pairs: Vec::new(),
            sweep: Sweep::default(),
        }
    }

    /// Whether the shallow pass leaves a chance that the shape pays the debt.
    fn in_reach(&self, shape: ShapeId, debt: Ty) -> bool {
        let reach = self.reach.as_ref();
        reach.is_none_or(|reach| reach[shape].contains(debt))
    }

    /// Whether variants of the shape that contain all of `debts` seem possible.
    pub(crate) fn can_pay(
        &mut self,
        problem: &Problem<'_>,
        must: &Must,
        budget: &mut Budget,
        shape: ShapeId,
        debts: &Set,
    ) -> Result<bool, Exceeded> {
        if must[shape].is_none() || !debts.iter().all(|debt| self.in_reach(shape, debt)) {
            return Ok(false);
        }
        for debt in debts.iter() {
            let Some(pair) = self.pair(must, shape, Some(debt)) else {
                return Ok(false);
            };
            self.settle(problem, must, budget)?;
            let value = self.pairs[pair].value.as_ref();
            if !value.is_some_and(|value| debts.is_subset(value)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The pair's number; `None` if nothing in reach of the shape could pay the debt. A debt in
    /// the lower bound is no debt.
    fn pair(&mut self, must: &Must, shape: ShapeId, debt: Option<Ty>) -> Option<PairId> {
        let lower = must[shape].as_ref()?;
        let debt = debt.filter(|debt| !lower.contains(*debt));
        if let Some(known) = self.known.get(&(shape, debt)) {
            return Some(*known);
        }
        if debt.is_some_and(|debt| !self.in_reach(shape, debt)) {
            return None;
        }
        let pair = self.pairs.len();
        self.known.insert((shape, debt), pair);
        self.pairs.push(Pair {
            shape,
            debt,
            value: debt.is_none().then(|| lower.clone()),
            readers: Vec::new(),
            reads: Vec::new(),
        });
        self.sweep.push_new(pair);
        Some(pair)
    }

    /// Works until no bound grows any more.
    fn settle(
        &mut self,
        problem: &Problem<'_>,
        must: &Must,
        budget: &mut Budget,
    ) -> Result<(), Exceeded> {
        while let Some(pair) = self.sweep.pop() {
            let shape = self.pairs[pair].shape;
            let keys = &problem.shapes[shape].keys;
            if self.pairs[pair].reads.len() < keys.len() {
                self.connect(must, pair, keys);
                // First what it reads, if that is new.
                self.sweep.push(pair);
                continue;
            }
            let candidates = self.pairs[pair].reads.iter().map(Vec::len);
            budget.spend(shape, 1 + candidates.sum::<usize>())?;
            let value = self.evaluate(must, pair, keys);
            if value != self.pairs[pair].value {
                self.pairs[pair].value = value;
                for reader in &self.pairs[pair].readers {
                    self.sweep.push(*reader);
                }
            }
        }
        Ok(())
    }

    /// Finds what a pair reads.
    fn connect(&mut self, must: &Must, pair: PairId, keys: &[Key]) {
        let debt = self.pairs[pair].debt;
        let mut all = Vec::with_capacity(keys.len());
        for key in keys {
            let mut reads = Vec::new();
            for candidate in &key.candidates {
                let provided = match key.need.provides.is_empty() {
                    true => self.pair(must, *candidate, None).map(|pair| vec![pair]),
                    false => {
                        let mut types = key.need.provides.iter();
                        types.try_fold(Vec::new(), |mut pairs, ty| {
                            pairs.push(self.pair(must, *candidate, Some(ty))?);
                            Some(pairs)
                        })
                    }
                };
                let Some(provided) = provided else { continue };
                let debt = debt.filter(|debt| !key.need.provides.contains(*debt));
                let debt = debt.and_then(|debt| {
                    let deep = self.reach.is_some().then_some(debt);
                    self.pair(must, *candidate, deep)
                });
                for read in provided.iter().chain(&debt) {
                    let readers = &mut self.pairs[*read].readers;
                    if readers.last() != Some(&pair) {
                        readers.push(pair);
                    }
                }
                reads.push(Reads { provided, debt });
            }
            all.push(reads);
        }
        self.pairs[pair].reads = all;
    }

    fn evaluate(&self, must: &Must, pair: PairId, keys: &[Key]) -> Option<Set> {
        let Pair {
            shape,
            debt,
            ref reads,
            ..
        } = self.pairs[pair];
        let mut value = must[shape].clone()?;
        let sole = match debt {
            None => None,
            Some(debt) => {
                let pays = |at: &usize| self.pays(&keys[*at], &reads[*at], debt);
                let mut payers = (0..keys.len()).filter(pays);
                let first = payers.next()?;
                // If only one key can pay, it brings no more than what paying brings.
                payers.next().is_none().then_some((first, debt))
            }
        };
        for (at, (key, reads)) in keys.iter().zip(reads).enumerate() {
            match sole {
                Some((payer, debt)) if payer == at => self.add_paid(&mut value, key, reads, debt),
                _ => self.add_all(&mut value, key, reads),
            }
        }
        Some(value)
    }

    fn pays(&self, key: &Key, reads: &[Reads], debt: Ty) -> bool {
        (key.param && key.need.output == debt)
            || reads
                .iter()
                .any(|reads| self.paid(key, reads, debt).is_some())
    }

    /// What the candidate brings if it pays the debt; `None` if it cannot.
    fn paid(&self, key: &Key, reads: &Reads, debt: Ty) -> Option<Set> {
        let with_debt = self.pairs[reads.debt?].value.as_ref()?;
        let mut common = with_debt.clone();
        for read in &reads.provided {
            common = common.intersection(self.pairs[*read].value.as_ref()?);
        }
        (common.contains(debt) && key.need.provides.is_subset(&common)).then_some(common)
    }

    fn add_paid(&self, value: &mut Set, key: &Key, reads: &[Reads], debt: Ty) {
        if key.param && key.need.output == debt {
            value.insert(debt);
        }
        for paid in reads.iter().filter_map(|reads| self.paid(key, reads, debt)) {
            value.add_minus(&paid, &key.need.provides);
        }
    }

    /// Adds what the key brings by all of its options.
    fn add_all(&self, value: &mut Set, key: &Key, reads: &[Reads]) {
        if key.param {
            value.insert(key.need.output);
        }
        for reads in reads {
            if let [only] = reads.provided[..] {
                if let Some(upper) = &self.pairs[only].value {
                    value.add_minus(upper, &key.need.provides);
                }
                continue;
            }
            let mut uppers = reads
                .provided
                .iter()
                .map(|read| self.pairs[*read].value.as_ref());
            let Some(Some(first)) = uppers.next() else {
                continue;
            };
            let common = uppers.try_fold(first.clone(), |all, one| Some(all.intersection(one?)));
            if let Some(common) = common.filter(|common| key.need.provides.is_subset(common)) {
                value.add_minus(&common, &key.need.provides);
            }
        }
    }
}
