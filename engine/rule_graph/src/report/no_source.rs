//! Why a query has no answer: a walk down the rules with the exact scope at hand.
//!
//! A key without a source is reported where its candidates fail for a reason of their own;
//! where they fail further down, it is reported there.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::words::Words;
use super::{masks, messages};
use crate::budget::Exceeded;
use crate::demand::Demand;
use crate::error::SolveError;
use crate::problem::{Key, Need, Problem, ShapeBody, ShapeId, Ty};
use crate::set::Set;

/// After so many visits a shape is looked at only once per debt, and no longer per scope.
const EXACT_VISITS: usize = 2000;

/// How far down the walk goes; it is recursive.
const DEPTH: usize = 300;

/// Where a need was left without a source.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Site {
    Ask(usize),
    Key(ShapeId, usize),
}

/// The one thing that stopped a candidate.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    /// It takes inputs that only params can be and that are not in scope; with the rule that has
    /// consumed it, if one did.
    Lacks(Vec<(Ty, Option<ShapeId>)>),
    /// It never consumes these provided params.
    Ignores(Set),
    /// It consumes the provided params only with others that are not in scope, though it can do
    /// without both.
    NotHere,
    /// It consumes its input, which what makes its other dependency needs again.
    Consumes(Ty, usize),
    /// Each dependency has a source, but no choice of them is legal.
    Clash,
    /// It fails further down than the walk goes.
    Deep,
    /// What it needs is missing further down.
    Below,
    /// It needs itself.
    Itself,
}

impl Reason {
    /// Whether it is a cause and not a consequence.
    fn is_cause(&self) -> bool {
        !matches!(self, Reason::Below | Reason::Itself)
    }
}

/// The candidates of a need, each with its reason.
pub(super) type Refusals = Vec<(ShapeId, Reason)>;

/// The walk and what it found.
pub(super) struct Walk<'w, 'p> {
    demand: &'w mut Demand<'p>,
    problem: &'p Problem<'p>,
    verdicts: HashMap<(ShapeId, Option<Set>, Set), Option<Reason>>,
    /// Needs with the same refusals are one error with several sites.
    found: BTreeMap<(Need, Refusals), BTreeSet<Site>>,
    /// Queries that only lead in a circle, with the rules met.
    circles: Vec<(usize, BTreeSet<ShapeId>)>,
    /// Rules that take a param which they mask.
    masked: BTreeSet<(ShapeId, Set)>,
    asked: BTreeSet<usize>,
    depth: usize,
}

/// What is visible at a rule, and who consumed what is not.
#[derive(Clone)]
struct Scope {
    params: Set,
    consumed: BTreeMap<Ty, ShapeId>,
}

impl<'w, 'p> Walk<'w, 'p> {
    pub(super) fn new(demand: &'w mut Demand<'p>) -> Walk<'w, 'p> {
        Walk {
            problem: demand.problem,
            demand,
            verdicts: HashMap::new(),
            found: BTreeMap::new(),
            circles: Vec::new(),
            masked: BTreeSet::new(),
            asked: BTreeSet::new(),
            depth: 0,
        }
    }

    /// Walks down from queries without an answer.
    pub(super) fn asks(&mut self, asks: &[usize]) -> Result<(), Exceeded> {
        for ask in asks {
            self.ask(*ask)?;
        }
        Ok(())
    }

    /// What was found, in words.
    pub(super) fn into_errors(self) -> Vec<SolveError> {
        let words = Words(self.problem);
        let mut errors = Vec::new();
        for ((_, refusals), sites) in &self.found {
            errors.push(messages::no_source(words, sites, refusals));
        }
        for (ask, rules) in &self.circles {
            errors.push(messages::circle(words, *ask, rules));
        }
        for (shape, types) in &self.masked {
            errors.push(masks::taken(words, *shape, types));
        }
        errors
    }

    fn ask(&mut self, at: usize) -> Result<(), Exceeded> {
        if !self.asked.insert(at) {
            return Ok(());
        }
        let causes = self.found.len();
        let problem = self.problem;
        let ask = &problem.asks[at];
        let scope = Scope {
            params: ask.params.clone(),
            consumed: BTreeMap::new(),
        };
        let mut refusals = Vec::new();
        for candidate in &ask.candidates {
            refusals.push((*candidate, self.shape(*candidate, &scope, &Set::new())?));
        }
        let is_cause = refusals.iter().any(|(_, reason)| reason.is_cause());
        if is_cause || ask.candidates.is_empty() {
            self.find(Need::input(ask.output), Site::Ask(at), refusals);
        } else if causes == self.found.len() && refusals.iter().all(|(_, at)| *at == Reason::Itself)
        {
            let met = self.verdicts.keys().map(|(shape, ..)| *shape).collect();
            self.circles.push((at, met));
        }
        Ok(())
    }

    fn find(&mut self, need: Need, site: Site, mut refusals: Refusals) {
        for (_, reason) in &mut refusals {
            // Which of the two it is depends on the way the walk came.
            if *reason == Reason::Itself {
                *reason = Reason::Below;
            }
        }
        refusals.sort();
        self.found.entry((need, refusals)).or_default().insert(site);
    }

    /// Why `shape` cannot be had in `scope` so that it consumes `debt`.
    fn shape(&mut self, shape: ShapeId, scope: &Scope, debt: &Set) -> Result<Reason, Exceeded> {
        let exact = self.verdicts.len() < EXACT_VISITS;
        let visit = (shape, exact.then(|| scope.params.clone()), debt.clone());
        if let Some(verdict) = self.verdicts.get(&visit) {
            // Still without a verdict: it is on the path to itself.
            return Ok(verdict.clone().unwrap_or(Reason::Itself));
        }
        if self.depth == DEPTH {
            return Ok(Reason::Deep);
        }
        self.verdicts.insert(visit.clone(), None);
        self.depth += 1;
        let reason = self.reason(shape, scope);
        self.depth -= 1;
        let reason = reason?;
        self.verdicts.insert(visit, Some(reason.clone()));
        Ok(reason)
    }

    fn reason(&mut self, at: ShapeId, scope: &Scope) -> Result<Reason, Exceeded> {
        let shape = &self.problem.shapes[at];
        if let ShapeBody::Reentry { ask } = shape.body
            && !self.is_answered(ask)?
        {
            self.ask(ask)?;
            return Ok(Reason::Below);
        }
        let only_params = shape
            .keys
            .iter()
            .filter(|key| key.positional && key.candidates.is_empty());
        let wanted: Set = only_params.map(|key| key.need.output).collect();
        let masked = wanted
            .intersection(&scope.params)
            .intersection(&shape.masked);
        if !masked.is_empty() {
            self.masked.insert((at, masked));
        }
        let lacking = wanted.minus(&scope.params);
        if !lacking.is_empty() {
            let lacks = |ty: Ty| (ty, scope.consumed.get(&ty).copied());
            return Ok(Reason::Lacks(lacking.iter().map(lacks).collect()));
        }
        let mut inner = scope.clone();
        let consumed = self.problem.consumed(&wanted);
        inner.params = inner.params.minus(&consumed);
        inner.consumed.extend(consumed.iter().map(|ty| (ty, at)));
        let mut failed: Option<Reason> = None;
        for number in 0..shape.keys.len() {
            let key = &shape.keys[number];
            let only_param = key.positional && key.candidates.is_empty();
            if only_param || self.has_source(key, &inner)? {
                continue;
            }
            let reason = self.key(Site::Key(at, number), key, &inner)?;
            failed = Some(match failed {
                Some(Reason::Below) => Reason::Below,
                _ => reason,
            });
        }
        match failed {
            Some(reason) => Ok(reason),
            None => self.clash(at, &inner),
        }
    }

    fn is_answered(&mut self, ask: usize) -> Result<bool, Exceeded> {
        let ask = &self.problem.asks[ask];
        if ask.own_param() {
            return Ok(true);
        }
        for candidate in &ask.candidates {
            let variants = self.demand.variants(*candidate, &Set::new())?;
            if variants.iter().any(|live| live.is_subset(&ask.params)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn has_source(&mut self, key: &Key, scope: &Scope) -> Result<bool, Exceeded> {
        if key.param && scope.params.contains(key.need.output) {
            return Ok(true);
        }
        let below = scope.params.union(&key.need.provides);
        for candidate in &key.candidates {
            if self.fits(*candidate, &key.need.provides, &below)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn fits(&mut self, shape: ShapeId, debt: &Set, scope: &Set) -> Result<bool, Exceeded> {
        let variants = self.demand.variants(shape, debt)?;
        Ok(variants.iter().any(|live| live.is_subset(scope)))
    }

    /// Goes into the candidates of a key without a source. Returns what that means for the rule.
    fn key(&mut self, site: Site, key: &Key, scope: &Scope) -> Result<Reason, Exceeded> {
        let provides = &key.need.provides;
        let mut below = scope.clone();
        below.params.add(provides);
        below.consumed.retain(|ty, _| !provides.contains(*ty));
        let mut refusals = Vec::new();
        for candidate in &key.candidates {
            let ignored = self.ignored(*candidate, provides)?;
            let reason = if !ignored.is_empty() {
                Reason::Ignores(ignored)
            } else if !provides.is_empty() && self.fits(*candidate, &Set::new(), &below.params)? {
                Reason::NotHere
            } else {
                self.shape(*candidate, &below, provides)?
            };
            refusals.push((*candidate, reason));
        }
        // A candidate that never consumes what is provided is no cause where another one would.
        let causes = |(_, reason): &(ShapeId, Reason)| {
            reason.is_cause() && !matches!(reason, Reason::Ignores(_))
        };
        let all_ignore = refusals
            .iter()
            .all(|(_, reason)| matches!(reason, Reason::Ignores(_)));
        if refusals.iter().any(causes) || all_ignore {
            self.find(key.need.clone(), site, refusals);
            return Ok(Reason::Below);
        }
        let itself = refusals
            .iter()
            .all(|(_, reason)| !matches!(reason, Reason::Below));
        Ok(if itself {
            Reason::Itself
        } else {
            Reason::Below
        })
    }

    /// The provided params that no variant of the candidate consumes; all of them if it consumes
    /// each but never all.
    fn ignored(&mut self, shape: ShapeId, provides: &Set) -> Result<Set, Exceeded> {
        if self.demand.bounds().must(shape).is_none() || self.demand.can_pay(shape, provides)? {
            return Ok(Set::new());
        }
        let mut ignored = Set::new();
        for ty in provides.iter() {
            if !self.demand.can_pay(shape, &Set::of(ty))? {
                ignored.insert(ty);
            }
        }
        Ok(if ignored.is_empty() {
            provides.clone()
        } else {
            ignored
        })
    }

    /// Each key has a source, but they do not go together: the first input that must be taken
    /// from a param and leaves another key without a source.
    fn clash(&mut self, at: ShapeId, scope: &Scope) -> Result<Reason, Exceeded> {
        let keys = &self.problem.shapes[at].keys;
        for input in keys {
            let output = input.need.output;
            let can_be_param = input.param && scope.params.contains(output);
            if !can_be_param || self.problem.ambient.contains(output) {
                continue;
            }
            let mut without = scope.clone();
            without.params = scope.params.minus(&Set::of(output));
            for (number, other) in keys.iter().enumerate() {
                if other.need != input.need && !self.has_source(other, &without)? {
                    return Ok(Reason::Consumes(output, number));
                }
            }
        }
        Ok(Reason::Clash)
    }
}
