//! Phase 0 and 1: what every variant of a shape contains, and what any could contain.
//!
//! `must` makes most debts of a rule disappear before they are counted; `may` keeps debts from
//! being offered where nothing could pay them.

use std::collections::{BinaryHeap, HashMap, HashSet};

use crate::budget::{Budget, Exceeded};
use crate::problem::{Key, Problem, Shape, ShapeBody, ShapeId, Ty};
use crate::set::Set;

/// Lower and upper bounds of the live sets of shapes. Upper bounds are made on demand.
pub(crate) struct Bounds {
    /// Per shape what all of its variants contain; `None` if it can have no variant.
    must: Vec<Option<Set>>,
    pairs: HashMap<(ShapeId, Option<Ty>), PairId>,
    upper: Vec<Upper>,
    reads: HashSet<(PairId, PairId)>,
    queue: BinaryHeap<PairId>,
}

type PairId = usize;

/// What variants of `shape` that contain `debt` could contain; `None` while there seem to be none.
struct Upper {
    shape: ShapeId,
    debt: Option<Ty>,
    value: Option<Set>,
    readers: Vec<PairId>,
    queued: bool,
}

impl Bounds {
    /// Computes the lower bounds.
    pub(crate) fn new(problem: &Problem<'_>, budget: &mut Budget) -> Result<Bounds, Exceeded> {
        Ok(Bounds {
            must: lower_bounds(problem, budget)?,
            pairs: HashMap::new(),
            upper: Vec::new(),
            reads: HashSet::new(),
            queue: BinaryHeap::new(),
        })
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
        if self.must[shape].is_none() {
            return Ok(false);
        }
        for debt in debts.iter() {
            let pair = self.pair(shape, Some(debt));
            self.settle(problem, budget)?;
            let upper = self.upper[pair].value.as_ref();
            if !upper.is_some_and(|upper| debts.is_subset(upper)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The pair's number. A debt that is in the lower bound is no debt.
    fn pair(&mut self, shape: ShapeId, debt: Option<Ty>) -> PairId {
        let must = self.must[shape].as_ref();
        let debt = debt.filter(|debt| !must.is_some_and(|must| must.contains(*debt)));
        if let Some(pair) = self.pairs.get(&(shape, debt)) {
            return *pair;
        }
        let pair = self.upper.len();
        self.pairs.insert((shape, debt), pair);
        let value = match debt {
            None => must.cloned(),
            Some(_) => None,
        };
        self.upper.push(Upper {
            shape,
            debt,
            value,
            readers: Vec::new(),
            queued: true,
        });
        self.queue.push(pair);
        pair
    }

    /// Works until no bound grows any more. Newer pairs first: they are what older ones read.
    fn settle(&mut self, problem: &Problem<'_>, budget: &mut Budget) -> Result<(), Exceeded> {
        while let Some(pair) = self.queue.pop() {
            self.upper[pair].queued = false;
            let value = self.evaluate(problem, budget, pair)?;
            if value == self.upper[pair].value {
                continue;
            }
            self.upper[pair].value = value;
            for at in 0..self.upper[pair].readers.len() {
                let reader = self.upper[pair].readers[at];
                if !std::mem::replace(&mut self.upper[reader].queued, true) {
                    self.queue.push(reader);
                }
            }
        }
        Ok(())
    }

    fn evaluate(
        &mut self,
        problem: &Problem<'_>,
        budget: &mut Budget,
        pair: PairId,
    ) -> Result<Option<Set>, Exceeded> {
        let Upper { shape, debt, .. } = self.upper[pair];
        let Some(mut value) = self.must[shape].clone() else {
            return Ok(None);
        };
        let keys = &problem.shapes[shape].keys;
        let mut payers = Vec::new();
        for (at, key) in keys.iter().enumerate() {
            budget.spend(shape, 1 + key.candidates.len())?;
            if let Some(debt) = debt
                && let Some(paid) = self.payment(pair, key, debt)
            {
                payers.push((at, paid));
            }
        }
        if debt.is_some() && payers.is_empty() {
            return Ok(None);
        }
        // If only one key can pay, it brings no more than what paying brings.
        let sole = match &payers[..] {
            [(at, paid)] => Some((*at, paid)),
            _ => None,
        };
        for (at, key) in keys.iter().enumerate() {
            match sole {
                Some((payer, paid)) if payer == at => value.add(paid),
                _ => value.add(&self.brings(pair, key)),
            };
        }
        Ok(Some(value))
    }

    /// What a key brings if it pays the debt; `None` if it cannot.
    fn payment(&mut self, pair: PairId, key: &Key, debt: Ty) -> Option<Set> {
        let taken = key.param && key.need.output == debt;
        let mut paid = taken.then(|| Set::of(debt));
        if key.need.provides.contains(debt) {
            return paid;
        }
        let debts = key.need.provides.union(&Set::of(debt));
        for candidate in &key.candidates {
            if let Some(brought) = self.with_all(pair, *candidate, &debts) {
                let brought = brought.minus(&key.need.provides);
                paid.get_or_insert_default().add(&brought);
            }
        }
        paid
    }

    /// What a key brings by all of its options.
    fn brings(&mut self, pair: PairId, key: &Key) -> Set {
        let mut all = Set::new();
        if key.param {
            all.insert(key.need.output);
        }
        for candidate in &key.candidates {
            if let Some(brought) = self.with_all(pair, *candidate, &key.need.provides) {
                all.add(&brought.minus(&key.need.provides));
            }
        }
        all
    }

    /// What variants of `shape` that contain all of `debts` could contain, as far as is known.
    fn with_all(&mut self, reader: PairId, shape: ShapeId, debts: &Set) -> Option<Set> {
        if debts.is_empty() {
            return self.read(reader, shape, None);
        }
        let mut common: Option<Set> = None;
        for debt in debts.iter() {
            let upper = self.read(reader, shape, Some(debt))?;
            common = Some(match common {
                Some(common) => common.intersection(&upper),
                None => upper,
            });
        }
        common.filter(|common| debts.is_subset(common))
    }

    fn read(&mut self, reader: PairId, shape: ShapeId, debt: Option<Ty>) -> Option<Set> {
        self.must[shape].as_ref()?;
        let pair = self.pair(shape, debt);
        if self.reads.insert((reader, pair)) {
            self.upper[pair].readers.push(reader);
        }
        self.upper[pair].value.clone()
    }
}

/// The least fixpoint of "a key brings what all of its options bring".
fn lower_bounds(problem: &Problem<'_>, budget: &mut Budget) -> Result<Vec<Option<Set>>, Exceeded> {
    let shapes = &problem.shapes;
    let mut readers = vec![Vec::new(); shapes.len()];
    for (at, shape) in shapes.iter().enumerate() {
        for read in read_by(problem, shape) {
            if readers[read].last() != Some(&at) {
                readers[read].push(at);
            }
        }
    }
    let mut must = vec![Some(Set::new()); shapes.len()];
    let mut queued = vec![true; shapes.len()];
    let mut queue: BinaryHeap<ShapeId> = (0..shapes.len()).collect();
    while let Some(at) = queue.pop() {
        queued[at] = false;
        budget.spend(at, 1 + shapes[at].keys.len())?;
        let value = lower_bound(problem, &must, &shapes[at]);
        if value == must[at] {
            continue;
        }
        must[at] = value;
        for reader in &readers[at] {
            if !std::mem::replace(&mut queued[*reader], true) {
                queue.push(*reader);
            }
        }
    }
    Ok(must)
}

fn read_by<'a>(problem: &'a Problem<'_>, shape: &'a Shape) -> impl Iterator<Item = ShapeId> + 'a {
    let answers = match shape.body {
        ShapeBody::Reentry { ask } => &problem.asks[ask].candidates[..],
        ShapeBody::Rule { .. } => &[],
    };
    let of_keys = shape.keys.iter().flat_map(|key| &key.candidates);
    of_keys.chain(answers).copied()
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
        let mut common = key.param.then(|| Set::of(key.need.output));
        for candidate in &key.candidates {
            let Some(brought) = &must[*candidate] else {
                continue;
            };
            let brought = brought.minus(&key.need.provides);
            common = Some(match common {
                Some(common) => common.intersection(&brought),
                None => brought,
            });
        }
        value.add(&common?);
    }
    Some(value)
}
