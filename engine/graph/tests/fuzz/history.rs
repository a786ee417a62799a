//! Histories: what is done to the graph, made from a seed, printed, and read back.

use std::fmt;

use crate::random::Random;
use crate::world::{NODES, node};

/// Sessions that may be open at a time.
const SESSIONS: u32 = 3;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Open a session in a place; one that is there is first closed and checked.
    Open(u32),
    /// Ask for a node in the session of a place.
    Get(u32, u32),
    /// Withdraw the latest request of a place.
    Cancel(u32),
    /// Change a leaf; the graph is not told yet.
    Set(u32, i64),
    /// Tell the graph of a change, or of a pretended one.
    Invalidate(u32),
    /// Change several leaves and tell the graph at once.
    Edit(Vec<(u32, i64)>),
    /// Say that a node's content is lost.
    Lose(u32, u32),
    /// Change what uncacheable nodes read.
    Stir,
    /// Let tasks run a little.
    Run(u32),
    /// Collect garbage down to so many nodes.
    Collect(u32),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    pub world: u64,
    pub ops: Vec<Op>,
}

impl History {
    pub fn random(seed: u64) -> History {
        let mut random = Random::new(seed);
        let world = random.next();
        let busy = random.chance(50);
        let length = 10 + random.below(60);
        let mut ops = vec![Op::Open(0)];
        for _ in 0..length {
            ops.push(op(&mut random));
            if !busy && random.chance(50) {
                ops.push(Op::Run(20));
            }
        }
        History { world, ops }
    }
}

fn op(random: &mut Random) -> Op {
    let place = random.below(SESSIONS);
    let leaf = random.below(node(0));
    let any = random.below(node(NODES));
    let inner = node(random.below(NODES));
    let value = i64::from(random.below(1000));
    match random.below(100) {
        0..=13 => Op::Open(place),
        14..=41 => Op::Get(place, node(NODES - 1 - random.below(random_height(value)))),
        42..=46 => Op::Cancel(place),
        47..=51 => Op::Set(leaf, value),
        52..=59 => Op::Invalidate(any),
        60..=73 => {
            let count = 1 + random.below(3);
            Op::Edit((0..count).map(|_| (random.below(node(0)), value)).collect())
        }
        74..=77 => Op::Lose(place, inner),
        78..=80 => Op::Stir,
        81..=97 => Op::Run(1 + random.below(8)),
        _ => Op::Collect(random.below(20)),
    }
}

/// Mostly nodes near the top, which depend on most.
fn random_height(value: i64) -> u32 {
    if value % 2 == 0 { 4 } else { NODES }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "world {}", self.world)?;
        for op in &self.ops {
            match op {
                Op::Open(place) => writeln!(f, "open {place}")?,
                Op::Get(place, key) => writeln!(f, "get {place} {key}")?,
                Op::Cancel(place) => writeln!(f, "cancel {place}")?,
                Op::Set(leaf, value) => writeln!(f, "set {leaf} {value}")?,
                Op::Invalidate(key) => writeln!(f, "invalidate {key}")?,
                Op::Edit(edits) => {
                    let edits: Vec<String> = edits
                        .iter()
                        .map(|(leaf, value)| format!("{leaf} {value}"))
                        .collect();
                    writeln!(f, "edit {}", edits.join(" "))?;
                }
                Op::Lose(place, key) => writeln!(f, "lose {place} {key}")?,
                Op::Stir => writeln!(f, "stir")?,
                Op::Run(times) => writeln!(f, "run {times}")?,
                Op::Collect(mark) => writeln!(f, "collect {mark}")?,
            }
        }
        Ok(())
    }
}

/// Reads what `Display` wrote.
pub fn parse(text: &str) -> History {
    let mut history = History {
        world: 0,
        ops: Vec::new(),
    };
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.split(' ');
        let verb = words.next().unwrap_or_default();
        let numbers: Vec<u64> = words.map(|word| word.parse().expect("a number")).collect();
        let small = |at: usize| numbers[at] as u32;
        let value = |at: usize| numbers[at] as i64;
        history.ops.push(match verb {
            "world" => {
                history.world = numbers[0];
                continue;
            }
            "open" => Op::Open(small(0)),
            "get" => Op::Get(small(0), small(1)),
            "cancel" => Op::Cancel(small(0)),
            "set" => Op::Set(small(0), value(1)),
            "invalidate" => Op::Invalidate(small(0)),
            "edit" => Op::Edit(
                numbers
                    .chunks_exact(2)
                    .map(|edit| (edit[0] as u32, edit[1] as i64))
                    .collect(),
            ),
            "lose" => Op::Lose(small(0), small(1)),
            "stir" => Op::Stir,
            "run" => Op::Run(small(0)),
            "collect" => Op::Collect(small(0)),
            other => panic!("no such step: {other}"),
        });
    }
    history
}
