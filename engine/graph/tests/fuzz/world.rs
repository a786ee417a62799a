//! What the fuzzed graph computes: nodes that follow formulas, where even which formula a node
//! follows is read from a leaf. And the same computed from nothing, to compare with.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures::future::BoxFuture;
use kiln_graph::{Compute, NodeCx, SessionId};
use parking_lot::Mutex;

use crate::random::Random;

/// Number leaves come first, then a formula leaf for each node, then the nodes.
pub const NUMBERS: u32 = 5;
pub const NODES: u32 = 14;
const FORMULAS: u32 = 40;

/// The node number `index`.
pub const fn node(index: u32) -> u32 {
    NUMBERS + NODES + index
}

/// The leaf that says which formula the node number `index` follows.
pub const fn formula_of(index: u32) -> u32 {
    NUMBERS + index
}

pub fn is_leaf(key: u32) -> bool {
    key < node(0)
}

#[derive(Clone, Debug)]
pub enum Step {
    /// Mix in a value.
    Get(u32),
    /// Mix in several, asked for at once.
    All(Vec<u32>),
    /// Mix in two, joined.
    Join(u32, u32),
    /// One or the other, depending on what was read so far.
    Choose(u32, u32),
    /// Mix in a value, or something else if there is none.
    Catch(u32),
    /// Ask, and lose interest.
    Abandon(u32),
    /// Let others go first.
    Yield(u32),
    /// Forget most of what was read, for early cutoff.
    Reduce(i64),
    /// Fail, depending on what was read so far.
    FailIf(i64),
    /// Read what changes from session to session.
    Volatile,
}

pub type Outcome = Result<i64, String>;

pub struct World {
    formulas: Vec<Vec<Step>>,
    /// Whether there are formulas that fail.
    pub fails: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    leaves: HashMap<u32, i64>,
    volatile: i64,
    /// What each session's volatile nodes read last.
    read: HashMap<(SessionId, u32), i64>,
}

impl World {
    pub fn new(seed: u64) -> World {
        let mut random = Random::new(seed);
        let cyclic = random.chance(25);
        let fails = random.chance(50);
        let formulas = (0..FORMULAS)
            .map(|_| formula(&mut random, cyclic, fails))
            .collect();
        let world = World {
            formulas,
            fails,
            state: Mutex::default(),
        };
        for leaf in 0..node(0) {
            world.set(leaf, i64::from(random.below(1000)));
        }
        world
    }

    pub fn set(&self, leaf: u32, value: i64) {
        self.state.lock().leaves.insert(leaf, value);
    }

    pub fn leaves(&self) -> BTreeMap<u32, i64> {
        self.state
            .lock()
            .leaves
            .iter()
            .map(|(key, value)| (*key, *value))
            .collect()
    }

    /// Changes what uncacheable nodes read.
    pub fn stir(&self) {
        self.state.lock().volatile += 1;
    }

    /// A formula names nodes relative to the node that follows it, so that any node may follow
    /// any formula. A world is made acyclic by letting all names go down.
    fn steps(&self, key: u32, formula: i64) -> Vec<Step> {
        let index = key - node(0);
        let name = |relative: u32| {
            let cyclic = relative >= 1000;
            let relative = relative % 1000;
            match (cyclic, relative % (index + NUMBERS)) {
                (true, _) if relative.is_multiple_of(3) => node(relative % NODES),
                (_, number) if number < NUMBERS => number,
                (_, lower) => node(lower - NUMBERS),
            }
        };
        let formula = self.formulas[formula as usize % self.formulas.len()].iter();
        formula
            .map(|step| match step {
                Step::Get(key) => Step::Get(name(*key)),
                Step::All(keys) => Step::All(keys.iter().copied().map(name).collect()),
                Step::Join(left, right) => Step::Join(name(*left), name(*right)),
                Step::Choose(left, right) => Step::Choose(name(*left), name(*right)),
                Step::Catch(key) => Step::Catch(name(*key)),
                Step::Abandon(key) => Step::Abandon(name(*key)),
                other => other.clone(),
            })
            .collect()
    }

    async fn follow(self: Arc<Self>, key: u32, cx: NodeCx<World>) -> Outcome {
        let formula = cx.get(formula_of(key - node(0))).await?;
        let mut volatile = None;
        let mut sum = 0;
        for step in self.steps(key, formula) {
            match step {
                Step::Get(key) => mix(&mut sum, cx.get(key).await?),
                Step::All(keys) => {
                    for result in cx.get_all(keys).await {
                        mix(&mut sum, result?);
                    }
                }
                Step::Join(left, right) => {
                    let (left, right) = futures::join!(cx.get(left), cx.get(right));
                    mix(&mut sum, left?);
                    mix(&mut sum, right?);
                }
                Step::Choose(left, right) => {
                    let chosen = if sum % 2 == 0 { left } else { right };
                    mix(&mut sum, cx.get(chosen).await?);
                }
                Step::Catch(key) => mix(&mut sum, cx.get(key).await.unwrap_or(-1)),
                Step::Abandon(key) => {
                    let _: Poll<Outcome> =
                        std::pin::pin!(cx.get(key)).poll(&mut Context::from_waker(Waker::noop()));
                }
                Step::Yield(times) => {
                    for _ in 0..times {
                        tokio::task::yield_now().await;
                    }
                }
                Step::Reduce(modulus) => sum = sum.rem_euclid(modulus),
                Step::FailIf(modulus) => {
                    if sum % modulus == 0 {
                        return Err(format!("{key} fails"));
                    }
                }
                Step::Volatile => {
                    cx.mark_uncacheable();
                    // Once per run, so that one number tells what the run has seen.
                    let value = *volatile.get_or_insert_with(|| self.state.lock().volatile);
                    self.state.lock().read.insert((cx.session(), key), value);
                    mix(&mut sum, value);
                }
            }
        }
        Ok(sum)
    }
}

impl Compute for World {
    type Key = u32;
    type Value = i64;
    type Error = String;

    fn compute(
        self: Arc<Self>,
        key: u32,
        cx: NodeCx<World>,
    ) -> BoxFuture<'static, Result<i64, String>> {
        if is_leaf(key) {
            return Box::pin(async move {
                // Some leaves are slow: what they read may be outdated when they say it.
                for _ in 0..key % 3 {
                    tokio::task::yield_now().await;
                }
                let value = self.state.lock().leaves[&key];
                for _ in 0..key % 2 {
                    tokio::task::yield_now().await;
                }
                Ok(value)
            });
        }
        Box::pin(self.follow(key, cx))
    }

    fn cycle(&self, path: Vec<u32>) -> String {
        format!("cycle {path:?}")
    }
}

fn mix(sum: &mut i64, value: i64) {
    *sum = sum.wrapping_mul(31).wrapping_add(value) % 1_000_003;
}

fn formula(random: &mut Random, cyclic: bool, fails: bool) -> Vec<Step> {
    let name = |random: &mut Random| {
        let relative = random.below(1000);
        if cyclic && random.chance(15) {
            relative + 1000
        } else {
            relative
        }
    };
    let length = 1 + random.below(5);
    let mut steps = Vec::new();
    for _ in 0..length {
        steps.push(match random.below(20) {
            0..=5 => Step::Get(name(random)),
            6..=8 => {
                let count = 1 + random.below(4);
                Step::All((0..count).map(|_| name(random)).collect())
            }
            9..=10 => Step::Join(name(random), name(random)),
            11..=12 => Step::Choose(name(random), name(random)),
            13 => Step::Catch(name(random)),
            14 => Step::Abandon(name(random)),
            15..=16 => Step::Yield(1 + random.below(3)),
            17..=18 => Step::Reduce(1 + i64::from(random.below(4))),
            _ if fails && random.chance(40) => Step::FailIf(2 + i64::from(random.below(5))),
            _ if random.chance(50) => Step::Volatile,
            _ => Step::Reduce(1),
        });
    }
    steps
}

/// Computes from nothing what one session should have seen, given what it saw of the leaves.
pub struct Oracle<'a> {
    world: &'a World,
    session: SessionId,
    leaves: &'a BTreeMap<u32, i64>,
    known: HashMap<u32, Outcome>,
    on_the_way: BTreeSet<u32>,
    /// A cycle was met: which of its nodes gets the error depends on the order of events.
    pub cyclic: bool,
}

impl<'a> Oracle<'a> {
    pub fn new(world: &'a World, session: SessionId, leaves: &'a BTreeMap<u32, i64>) -> Self {
        Oracle {
            world,
            session,
            leaves,
            known: HashMap::new(),
            on_the_way: BTreeSet::new(),
            cyclic: false,
        }
    }

    pub fn get(&mut self, key: u32) -> Outcome {
        if is_leaf(key) {
            return Ok(self.leaves[&key]);
        }
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        if !self.on_the_way.insert(key) {
            self.cyclic = true;
            return Err("cycle".to_owned());
        }
        let outcome = self.follow(key);
        self.on_the_way.remove(&key);
        self.known.insert(key, outcome.clone());
        outcome
    }

    fn follow(&mut self, key: u32) -> Outcome {
        let formula = self.get(formula_of(key - node(0)))?;
        let mut sum = 0;
        for step in self.world.steps(key, formula) {
            match step {
                Step::Get(key) => mix(&mut sum, self.get(key)?),
                Step::All(keys) => {
                    let results: Vec<Outcome> = keys.into_iter().map(|key| self.get(key)).collect();
                    for result in results {
                        mix(&mut sum, result?);
                    }
                }
                Step::Join(left, right) => {
                    let (left, right) = (self.get(left), self.get(right));
                    mix(&mut sum, left?);
                    mix(&mut sum, right?);
                }
                Step::Choose(left, right) => {
                    let chosen = if sum % 2 == 0 { left } else { right };
                    mix(&mut sum, self.get(chosen)?);
                }
                Step::Catch(key) => mix(&mut sum, self.get(key).unwrap_or(-1)),
                Step::Abandon(key) => {
                    // Not used, but a cycle through it may be met.
                    let _ = self.get(key);
                }
                Step::Yield(_) => {}
                Step::Reduce(modulus) => sum = sum.rem_euclid(modulus),
                Step::FailIf(modulus) => {
                    if sum % modulus == 0 {
                        return Err(format!("{key} fails"));
                    }
                }
                Step::Volatile => {
                    let read = self
                        .world
                        .state
                        .lock()
                        .read
                        .get(&(self.session, key))
                        .copied();
                    match read {
                        Some(value) => mix(&mut sum, value),
                        None => return Err(format!("{key} was not run in this session")),
                    }
                }
            }
        }
        Ok(sum)
    }
}
