//! Plays a history and compares what sessions saw with a computation from nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kiln_graph::{Graph, Inlining, Keep, Session};
use tokio::task::JoinHandle;

use crate::history::{History, Op};
use crate::world::{NODES, Oracle, Outcome, World, is_leaf, node};

/// What went wrong.
pub type Failure = String;

/// How long a request may take before it counts as stuck. Only a deadlock takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Plays on one thread: the same history always does the same.
pub fn play_in_order(history: &History) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| error.to_string())?;
    // What is adaptive depends on time.
    let inlining = if history.world.is_multiple_of(2) {
        Inlining::Always
    } else {
        Inlining::Never
    };
    runtime.block_on(play(history, Patience::Turns(20_000), inlining))
}

/// Plays on several threads: the same history may do different things, all of them right.
pub fn play_in_parallel(history: &History) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_time()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(play(history, Patience::Time, Inlining::Adaptive))
}

#[derive(Clone, Copy)]
enum Patience {
    Turns(u32),
    Time,
}

/// A session, and what was asked in it.
struct Place {
    session: Session<World>,
    asked: Vec<(u32, JoinHandle<Outcome>)>,
    /// Changes of the world when it was opened; only if all of them were told to the graph.
    opened_at: Option<u64>,
    lost: bool,
    collected: bool,
}

struct Player {
    world: Arc<World>,
    graph: Graph<World>,
    places: BTreeMap<u32, Place>,
    /// Leaves that were changed without the graph being told.
    untold: BTreeSet<u32>,
    changes: u64,
    patience: Patience,
}

async fn play(history: &History, patience: Patience, inlining: Inlining) -> Result<(), Failure> {
    let world = Arc::new(World::new(history.world));
    let mut player = Player {
        graph: Graph::with_inlining(Arc::clone(&world), inlining),
        world,
        places: BTreeMap::new(),
        untold: BTreeSet::new(),
        changes: 0,
        patience,
    };
    for (at, op) in history.ops.iter().enumerate() {
        player
            .step(op)
            .await
            .map_err(|failure| format!("at step {at}, {op:?}: {failure}"))?;
    }
    player
        .end()
        .await
        .map_err(|failure| format!("at the end: {failure}"))
}

impl Player {
    async fn step(&mut self, op: &Op) -> Result<(), Failure> {
        match op {
            Op::Open(place) => {
                self.close(*place).await?;
                self.open(*place);
            }
            Op::Get(place, key) => {
                if let Some(place) = self.places.get_mut(place) {
                    let (session, key) = (place.session.clone(), *key);
                    let asked = tokio::spawn(async move { session.get(key).await });
                    place.asked.push((key, asked));
                }
            }
            Op::Cancel(place) => {
                if let Some((_, asked)) = self
                    .places
                    .get_mut(place)
                    .and_then(|place| place.asked.pop())
                {
                    asked.abort();
                }
            }
            Op::Set(leaf, value) => {
                self.set(*leaf, *value);
                self.untold.insert(*leaf);
            }
            Op::Invalidate(key) => {
                self.graph.invalidate([key]);
                self.untold.remove(key);
            }
            Op::Edit(edits) => {
                for (leaf, value) in edits {
                    self.set(*leaf, *value);
                    self.untold.remove(leaf);
                }
                self.graph.invalidate(edits.iter().map(|(leaf, _)| leaf));
            }
            Op::Lose(place, key) => {
                if let Some(place) = self.places.get_mut(place) {
                    place.session.lose(key);
                    // Any session may see other volatile values from here on.
                    self.places.values_mut().for_each(|place| place.lost = true);
                }
            }
            Op::Stir => self.world.stir(),
            Op::Run(times) => {
                for _ in 0..*times {
                    tokio::task::yield_now().await;
                }
            }
            Op::Collect(mark) => {
                self.places
                    .values_mut()
                    .for_each(|place| place.collected = true);
                self.graph.collect(Keep {
                    nodes: *mark as usize,
                    sessions: 1,
                });
            }
        }
        Ok(())
    }

    fn set(&mut self, leaf: u32, value: i64) {
        self.world.set(leaf, value);
        self.changes += 1;
    }

    fn open(&mut self, place: u32) {
        let opened_at = self.untold.is_empty().then_some(self.changes);
        let session = self.graph.session();
        self.places.insert(
            place,
            Place {
                session,
                asked: Vec::new(),
                opened_at,
                lost: false,
                collected: false,
            },
        );
    }

    /// Waits for a session's requests and checks all that it has seen.
    async fn close(&mut self, place: u32) -> Result<(), Failure> {
        let Some(place) = self.places.remove(&place) else {
            return Ok(());
        };
        let mut seen = Vec::new();
        for (key, asked) in place.asked {
            seen.push((key, self.wait(key, asked).await?));
        }
        let leaves = self.leaves(&place.session).await?;
        if place.opened_at == Some(self.changes) && leaves != self.world.leaves() {
            return Err(format!(
                "leaves are {leaves:?}, not {:?}",
                self.world.leaves()
            ));
        }
        for (key, before) in seen {
            let session = place.session.clone();
            let now = self
                .wait(key, tokio::spawn(async move { session.get(key).await }))
                .await?;
            if before != now && !place.lost {
                return Err(format!(
                    "{key} was {before:?} and is {now:?} in one session"
                ));
            }
            let mut oracle = Oracle::new(&self.world, place.session.id(), &leaves);
            let right = oracle.get(key);
            // An outdated session need not notice that a lost value came back as another one, and
            // a collection need not spare what only a failed run of another session had read.
            let outdated = place.session.version() < self.graph.version();
            let excused = outdated && (place.lost || place.collected && self.world.fails);
            if !oracle.cyclic && now != right && !excused {
                return Err(format!("{key} is {now:?}, not {right:?}"));
            }
        }
        Ok(())
    }

    /// The leaves as a session sees them.
    async fn leaves(&self, session: &Session<World>) -> Result<BTreeMap<u32, i64>, Failure> {
        let mut leaves = BTreeMap::new();
        for leaf in (0..).take_while(|key| is_leaf(*key)) {
            let session = session.clone();
            let asked = tokio::spawn(async move { session.get(leaf).await });
            leaves.insert(leaf, self.wait(leaf, asked).await??);
        }
        Ok(leaves)
    }

    async fn wait(&self, key: u32, mut asked: JoinHandle<Outcome>) -> Result<Outcome, Failure> {
        let joined = match self.patience {
            Patience::Time => tokio::time::timeout(PATIENCE, asked).await.ok(),
            Patience::Turns(turns) => {
                for _ in 0..turns {
                    if asked.is_finished() {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
                if asked.is_finished() {
                    Some((&mut asked).await)
                } else {
                    None
                }
            }
        };
        let joined = joined.ok_or_else(|| format!("{key} is stuck"))?;
        joined.map_err(|error| format!("{key}: {error}"))
    }

    /// With everything told and all sessions closed, a new session sees the world as it is, and
    /// nothing is left over from the old ones.
    async fn end(&mut self) -> Result<(), Failure> {
        while let Some((place, _)) = self.places.first_key_value() {
            let place = *place;
            self.close(place).await?;
        }
        self.graph.invalidate(&self.untold);
        self.untold.clear();
        self.open(0);
        for index in 0..NODES {
            self.step(&Op::Get(0, node(index))).await?;
        }
        self.close(0).await?;
        for _ in 0..1000 {
            if self.graph.stats().running == 0 {
                break;
            }
            tokio::task::yield_now().await;
        }
        let stats = self.graph.stats();
        if stats.running > 0 {
            Err(format!("still running: {stats:?}"))
        } else {
            Ok(())
        }
    }
}
