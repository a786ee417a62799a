//! Crash rounds: processes that use one store are killed at random moments. What one of them was
//! told to be durable must be there afterwards, and whatever is there must be right.
//!
//! Used by the test `crash` (20 rounds) and by the example `crash` (as many as wanted).

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failure ends the program, and its words are for whoever ran it"
)]

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use kiln_base::Digest;
use kiln_store::{PutMode, Store, StoreConfig};

/// A small generator; a round can be repeated from its seed up to the moment of the kill.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }
}

fn config(place: &Path) -> StoreConfig {
    let mut config = StoreConfig::new(place.join("store"));
    config.socket_dir = Some(place.join("run"));
    config.max_bytes = Some(1 << 40);
    config.owner_timeout = Duration::from_secs(60);
    config
}

/// The result of action `n`, and its output. Both follow from the number alone.
fn result_of(n: u64) -> (Digest, Vec<u8>, Vec<u8>) {
    let mut random = Random::new(n);
    let output = n.to_le_bytes().repeat(random.below(400) as usize);
    // One in a hundred is too long for the index.
    let length = if n.is_multiple_of(100) {
        700
    } else {
        random.below(70)
    };
    let result = n.to_be_bytes().repeat(length as usize);
    (Digest::of(&n.to_ne_bytes()), result, output)
}

/// What a process does until it is killed: it prints the number of each action once it is durable.
pub fn child(place: &Path, from: u64) {
    let store = Store::open(config(place)).unwrap();
    let mut random = Random::new(from + 1);
    let mut written = Vec::new();
    for n in from.. {
        let (action, result, output) = result_of(n);
        let blob = if random.below(4) == 0 {
            let source = place.join(format!("source-{from}"));
            std::fs::write(&source, &output).unwrap();
            let mode = [PutMode::Copy, PutMode::Move][random.below(2) as usize];
            store.put_file(&source, mode, random.below(2) == 0).unwrap()
        } else {
            store.put_bytes(&output).unwrap()
        };
        store.put_action(&action, &result, &[blob]).unwrap();
        written.push(n);
        // Now and then a process opens the store afresh, or has it collected.
        match random.below(60) {
            0..20 => {
                store.flush().unwrap();
                println!(
                    "{}",
                    written
                        .drain(..)
                        .map(|n| n.to_string())
                        .collect::<Vec<_>>()
                        .join(" ")
                );
            }
            20 => drop(Store::open(config(place)).unwrap().get_action(&action)),
            21 => {
                store.gc(None).unwrap();
            }
            _ => {}
        }
    }
}

/// Kills processes `rounds` times. `start` starts one that runs [`child`] with the given
/// arguments. Prints a line now and then; panics when something is lost or wrong.
pub fn rounds(rounds: u64, start: &dyn Fn(&Path, u64) -> Command) {
    let place = tempfile::tempdir().unwrap();
    let seed = std::process::id().into();
    println!("crash rounds: seed {seed}, {}", place.path().display());
    let mut random = Random::new(seed);
    let mut acknowledged: Vec<u64> = Vec::new();
    let mut highest = Vec::new();
    let begun = Instant::now();
    for round in 0..rounds {
        let fresh = acknowledged.len();
        let several = 1 + random.below(3);
        let children: Vec<(u64, Child)> = (0..several)
            .map(|i| {
                let from = (round * 4 + i) * 1_000_000;
                let mut command = start(place.path(), from);
                (from, command.stdout(Stdio::piped()).spawn().unwrap())
            })
            .collect();
        for (from, child) in children {
            // Some are killed while they start, most while they work.
            let limit = [50_000, 150_000, 400_000][random.below(3) as usize];
            std::thread::sleep(Duration::from_micros(random.below(limit)));
            let said = kill(child);
            highest.push(from + said.last().map_or(100, |n| n - from + 100));
            acknowledged.extend(said);
        }
        check(place.path(), &acknowledged, fresh, &highest, &mut random);
        if (round + 1).is_multiple_of(50) {
            println!("{} rounds, {} acknowledged", round + 1, acknowledged.len());
        }
    }
    let store = Store::open(config(place.path())).unwrap();
    acknowledged
        .iter()
        .for_each(|n| assert!(is_right(&store, *n), "{n} was lost"));
    let report = store.verify().unwrap();
    assert!(report.damaged.is_empty(), "{report:?}");
    println!(
        "{rounds} rounds, {} acknowledged, none lost, none wrong, {} files, {:.0?}",
        acknowledged.len(),
        report.files,
        begun.elapsed()
    );
    assert!(
        acknowledged.len() as u64 > rounds,
        "the processes got nowhere"
    );
}

/// Kills a process, and returns what it had said.
fn kill(mut child: Child) -> Vec<u64> {
    child.kill().unwrap();
    child.wait().unwrap();
    let mut said = Vec::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while out.by_ref().read_line(&mut line).unwrap() > 0 {
        // The last line may be cut, and the harness of a test prints lines of its own.
        if line.ends_with('\n') {
            let numbers: Result<Vec<u64>, _> = line.split_whitespace().map(str::parse).collect();
            said.extend(numbers.unwrap_or_default());
        }
        line.clear();
    }
    said
}

/// What was acknowledged in this round is there, and so is a sample of what was before; what was
/// on its way is right or not there; and the index never had to be begun anew.
fn check(place: &Path, acknowledged: &[u64], fresh: usize, highest: &[u64], random: &mut Random) {
    let store = Store::open(config(place)).unwrap();
    let sample = (0..200.min(fresh)).map(|_| acknowledged[random.below(fresh as u64) as usize]);
    for n in acknowledged[fresh..].iter().copied().chain(sample) {
        assert!(is_right(&store, n), "{n} was lost");
    }
    for near in highest.iter().rev().take(3) {
        for n in near.saturating_sub(100)..*near {
            is_right(&store, n);
        }
    }
    let said: Vec<String> = store.warnings().iter().map(ToString::to_string).collect();
    assert!(said.is_empty(), "{said:?}");
}

/// Whether the action is known; panics if its result or its output is wrong.
fn is_right(store: &Store, n: u64) -> bool {
    let (action, result, output) = result_of(n);
    match store.get_action(&action) {
        None => false,
        Some(known) => {
            assert_eq!(known, result, "{n}");
            let digest = Digest::of(&output);
            assert_eq!(store.read(&digest).unwrap(), Some(output), "{n}");
            let path: PathBuf = store.blob_path(&digest, n.is_multiple_of(2)).unwrap();
            assert_eq!(std::fs::metadata(path).unwrap().len(), digest.size());
            true
        }
    }
}
