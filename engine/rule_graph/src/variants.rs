//! Phase 3: the minimal live sets, by a greatest fixpoint (existence through Gets) around least
//! ones (positional inputs and open debts).

use crate::budget::{self, Budget, Exceeded, Limit};
use crate::components::{self, Component};
use crate::problem::{Problem, ShapeBody};
use crate::set::{Set, insert_minimal};
use crate::unknowns::{Unknown, UnknownId, Unknowns};
use crate::{bounds::Bounds, problem::Key};

/// The solved unknowns.
#[derive(Default)]
pub(crate) struct Variants {
    values: Vec<Vec<Set>>,
}

impl Variants {
    /// The minimal variants of a solved unknown, none of which is part of another; sorted.
    pub(crate) fn of(&self, unknown: UnknownId) -> &[Set] {
        &self.values[unknown]
    }

    /// How many variants there are in all, and the most of one unknown.
    pub(crate) fn count(&self) -> (usize, usize) {
        let sizes = self.values.iter().map(Vec::len);
        (sizes.clone().sum(), sizes.max().unwrap_or_default())
    }

    /// Solves the unknowns that were added since the last call. Those solved before do not read
    /// them, so they stay as they are.
    pub(crate) fn solve(
        &mut self,
        problem: &Problem<'_>,
        bounds: &Bounds,
        unknowns: &Unknowns,
        budget: &mut Budget,
    ) -> Result<(), Exceeded> {
        let first = self.values.len();
        if first == unknowns.list.len() {
            return Ok(());
        }
        for unknown in &unknowns.list[first..] {
            let must = bounds.must(unknown.shape).cloned().unwrap_or_default();
            self.values.push(vec![unknown.debt.union(&must)]);
        }
        let plan = components::plan(&unknowns.list, first);
        let mut fixpoint = Fixpoint {
            problem,
            bounds,
            unknowns: &unknowns.list,
            budget,
            values: &mut self.values,
            first,
            growing: vec![None; unknowns.list.len() - first],
        };
        let mut dirty = vec![true; plan.components.len()];
        while dirty.contains(&true) {
            for at in 0..plan.components.len() {
                if !std::mem::replace(&mut dirty[at], false) {
                    continue;
                }
                for changed in fixpoint.visit(&plan.components[at])? {
                    for reader in &plan.readers[changed - first] {
                        dirty[plan.component_of[*reader - first]] = true;
                    }
                }
            }
        }
        Ok(())
    }
}

struct Fixpoint<'f, 'p> {
    problem: &'f Problem<'p>,
    bounds: &'f Bounds,
    unknowns: &'f [Unknown],
    budget: &'f mut Budget,
    values: &'f mut Vec<Vec<Set>>,
    /// The first unknown that is new.
    first: UnknownId,
    /// For the new ones the values of the component in work, which inductive edges within it read.
    growing: Vec<Option<Vec<Set>>>,
}

impl<'f> Fixpoint<'f, '_> {
    /// Evaluates a component anew; returns the members whose values changed.
    fn visit(&mut self, component: &Component) -> Result<Vec<UnknownId>, Exceeded> {
        if !component.cyclic {
            let only = component.members[0];
            let value = self.evaluate(only)?;
            return Ok(self.replace(only, value).into_iter().collect());
        }
        for member in &component.members {
            self.growing[*member - self.first] = Some(Vec::new());
        }
        loop {
            let mut grown = false;
            for member in &component.members {
                let value = self.evaluate(*member)?;
                if self.growing[*member - self.first].as_ref() != Some(&value) {
                    self.growing[*member - self.first] = Some(value);
                    grown = true;
                }
            }
            if !grown {
                break;
            }
        }
        let mut changed = Vec::new();
        for member in &component.members {
            let value = self.growing[*member - self.first]
                .take()
                .unwrap_or_default();
            changed.extend(self.replace(*member, value));
        }
        Ok(changed)
    }

    fn replace(&mut self, unknown: UnknownId, value: Vec<Set>) -> Option<UnknownId> {
        if self.values[unknown] == value {
            return None;
        }
        self.values[unknown] = value;
        Some(unknown)
    }

    fn read(&self, child: UnknownId, inductive: bool) -> &[Set] {
        let growing = child.checked_sub(self.first).map(|at| &self.growing[at]);
        match growing {
            Some(Some(growing)) if inductive => growing,
            _ => &self.values[child],
        }
    }

    /// The minimal live sets that the current values of the children allow; sorted.
    fn evaluate(&mut self, id: UnknownId) -> Result<Vec<Set>, Exceeded> {
        let unknown = &self.unknowns[id];
        let shape = &self.problem.shapes[unknown.shape];
        let Some(must) = self.bounds.must(unknown.shape) else {
            return Ok(Vec::new());
        };
        if let ShapeBody::Reentry { ask } = shape.body
            && !self.is_answered(unknown, ask)
        {
            return Ok(Vec::new());
        }
        let Some(keys) = self.keys(unknown)? else {
            return Ok(Vec::new());
        };
        let mut minimal = Vec::new();
        for taken in taken_sets(&keys, unknown, self.budget)? {
            // What every variant contains is added at once: children that are not final yet may
            // not bring it, and it shows early what cannot be minimal.
            let live = shape.fixed.union(&taken).union(must);
            if minimal.iter().any(|have: &Set| have.is_subset(&live)) {
                continue;
            }
            let open = unknown.debt.minus(&taken);
            let sources = keys
                .iter()
                .filter(|(key, _)| !(key.param && taken.contains(key.need.output)))
                .map(|(_, sources)| sources.as_slice());
            let fold = Fold {
                shape: unknown.shape,
                consumed: self.problem.consumed(&taken),
                budget: self.budget,
            };
            fold.run(live, open, sources.collect(), &mut minimal)?;
        }
        if minimal.len() > budget::SETS {
            let limit = Limit::Sets;
            return Err(Exceeded {
                shape: unknown.shape,
                limit,
            });
        }
        minimal.sort();
        Ok(minimal)
    }

    /// The keys of an unknown with the sources that rules offer at present; `None` if one can be
    /// answered neither by a rule nor by a param.
    fn keys(&mut self, unknown: &Unknown) -> Result<Option<Vec<KeyParts<'f>>>, Exceeded> {
        let problem = self.problem;
        let shape = &problem.shapes[unknown.shape];
        let mut keys = Vec::new();
        for (key, handings) in shape.keys.iter().zip(&unknown.handings) {
            let mut sources = Vec::new();
            for handing in handings {
                for variant in self.read(handing.child, handing.inductive) {
                    sources.push(Part {
                        live: variant.minus(&key.need.provides),
                        debts: handing.debts.clone(),
                    });
                }
            }
            self.budget.spend(unknown.shape, 1 + sources.len())?;
            if sources.is_empty() && !key.param {
                return Ok(None);
            }
            keys.push((key, sources));
        }
        Ok(Some(keys))
    }

    fn is_answered(&self, unknown: &Unknown, ask: usize) -> bool {
        let ask = &self.problem.asks[ask];
        let fits = |answer: &UnknownId| {
            let mut variants = self.read(*answer, false).iter();
            variants.any(|variant| variant.is_subset(&ask.params))
        };
        ask.own_param() || unknown.answers.iter().any(fits)
    }
}

/// A way to answer a key, or several keys: what it lives on, and the debts it pays.
#[derive(Clone, PartialEq, Eq)]
struct Part {
    live: Set,
    debts: Set,
}

/// A key and what rules offer for it.
type KeyParts<'k> = (&'k Key, Vec<Part>);

/// All sets of inputs that could be taken from params: those that nothing makes, and any of the
/// others.
fn taken_sets(
    keys: &[KeyParts<'_>],
    unknown: &Unknown,
    budget: &mut Budget,
) -> Result<Vec<Set>, Exceeded> {
    let params = keys.iter().filter(|(key, _)| key.param);
    let (forced, free): (Vec<&KeyParts<'_>>, Vec<&KeyParts<'_>>) =
        params.partition(|(_, made)| made.is_empty());
    let forced: Set = forced.iter().map(|(key, _)| key.need.output).collect();
    let mut all = vec![forced];
    for (key, _) in free {
        budget.spend(unknown.shape, all.len())?;
        let input = Set::of(key.need.output);
        let with: Vec<Set> = all.iter().map(|set| set.union(&input)).collect();
        all.extend(with);
    }
    Ok(all)
}

/// Combines the sources of all keys that no param answers.
struct Fold<'b> {
    shape: usize,
    consumed: Set,
    budget: &'b mut Budget,
}

impl Fold<'_> {
    fn run(
        mut self,
        live: Set,
        open: Set,
        keys: Vec<&[Part]>,
        minimal: &mut Vec<Set>,
    ) -> Result<(), Exceeded> {
        let mut lists = Vec::new();
        for key in keys {
            let list = self.usable(key, &open)?;
            if list.is_empty() {
                return Ok(());
            }
            lists.push(list);
        }
        lists.sort_by_key(Vec::len);
        let mut later = vec![Set::new(); lists.len() + 1];
        for at in (0..lists.len()).rev() {
            later[at] = later[at + 1].clone();
            lists[at].iter().for_each(|part| {
                later[at].add(&part.debts);
            });
        }
        // In a state `debts` are those still open.
        let mut states = vec![Part { live, debts: open }];
        states.retain(|state| state.debts.is_subset(&later[0]));
        for (list, later) in lists.iter().zip(&later[1..]) {
            states = self.step(&states, list, later, minimal)?;
        }
        for state in states {
            let cost = insert_minimal(minimal, state.live);
            self.budget.spend(self.shape, cost)?;
        }
        Ok(())
    }

    /// The sources that leave the consumed params alone and pay only what is open, without those
    /// that another one beats.
    fn usable(&mut self, parts: &[Part], open: &Set) -> Result<Vec<Part>, Exceeded> {
        let mut list: Vec<Part> = Vec::new();
        for part in parts {
            if part.live.intersects(&self.consumed) || !part.debts.is_subset(open) {
                continue;
            }
            self.budget.spend(self.shape, 1 + list.len())?;
            let beats =
                |a: &Part, b: &Part| a.live.is_subset(&b.live) && b.debts.is_subset(&a.debts);
            if !list.iter().any(|have| beats(have, part)) {
                list.retain(|have| !beats(part, have));
                list.push(part.clone());
            }
        }
        Ok(list)
    }

    fn step(
        &mut self,
        states: &[Part],
        list: &[Part],
        later: &Set,
        minimal: &[Set],
    ) -> Result<Vec<Part>, Exceeded> {
        let mut next: Vec<Part> = Vec::new();
        for state in states {
            // A debt may be paid twice: that is legal, and lets a source that pays more stand in
            // for one that pays less.
            for part in list {
                let new = Part {
                    live: state.live.union(&part.live),
                    debts: state.debts.minus(&part.debts),
                };
                self.budget
                    .spend(self.shape, 1 + next.len() + minimal.len())?;
                let beats =
                    |a: &Part, b: &Part| a.live.is_subset(&b.live) && a.debts.is_subset(&b.debts);
                if new.debts.is_subset(later)
                    && !minimal.iter().any(|have| have.is_subset(&new.live))
                    && !next.iter().any(|have| beats(have, &new))
                {
                    next.retain(|have| !beats(&new, have));
                    next.push(new);
                }
            }
        }
        Ok(next)
    }
}
