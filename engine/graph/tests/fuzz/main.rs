//! Random histories: graphs that change shape, edits, cancellations, failures, uncacheable nodes,
//! lost values, collections and concurrent sessions, compared with a computation from nothing
//! (GR-002, GR-011, GR-013, GR-016, GR-017, GR-020, GR-033, GR-041, GR-042, GR-074).
//!
//! A failure prints a history, made as short as it will go; paste it into `replayed`. For a long
//! run: `KILN_FUZZ_HISTORIES=1000000 KILN_FUZZ_SEED=7 cargo test -p kiln-graph --test fuzz`.

mod history;
mod play;
mod random;
mod world;

use history::{History, parse};
use play::{Failure, play_in_order, play_in_parallel};

#[test]
fn histories_in_order() {
    fuzz(2_000, play_in_order);
}

#[test]
fn histories_in_parallel() {
    fuzz(500, play_in_parallel);
}

/// Histories that once failed.
#[test]
fn replayed() {
    let histories = [
        // A session's late result ended the errors of another session's dependents.
        "world 11035485648801788583
         open 0
         open 2
         get 2 22
         open 0
         edit 17 702 5 702
         open 1
         get 1 30
         get 1 26
         open 0
         get 2 31
         get 1 32",
        // A node that was cleared no longer kept what an open session had reached through it.
        "world 13030361862372496676
         open 0
         edit 3 470 18 470
         get 0 32
         open 2
         get 2 32
         open 0
         edit 3 609 16 609
         invalidate 30
         collect 6",
        // A later shared result hid an error that the session had already seen.
        "world 441535268772015900
         open 0
         edit 2 5 4 5 10 5
         edit 5 797
         open 2
         open 2
         get 2 30
         get 0 30",
    ];
    for text in histories {
        let history = parse(text);
        if let Err(failure) = play_in_order(&history) {
            panic!("{failure}\n{history}");
        }
    }
}

#[test]
fn histories_are_read_as_printed() {
    for seed in 0..50 {
        let history = History::random(seed);
        assert_eq!(parse(&history.to_string()), history);
    }
}

fn fuzz(default: u64, play: impl Fn(&History) -> Result<(), Failure>) {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    let first = number("KILN_FUZZ_SEED").unwrap_or(0);
    let count = number("KILN_FUZZ_HISTORIES").unwrap_or(default);
    for seed in first..first + count {
        let history = History::random(seed);
        if let Err(failure) = play(&history) {
            let (history, failure) = shorten(history, failure, &play);
            panic!("seed {seed}: {failure}\n{history}");
        }
    }
}

/// Leaves out steps as long as the rest still fails.
fn shorten(
    mut history: History,
    mut failure: Failure,
    play: impl Fn(&History) -> Result<(), Failure>,
) -> (History, Failure) {
    let mut size = history.ops.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at < history.ops.len() {
            let mut shorter = history.clone();
            shorter.ops.drain(at..(at + size).min(shorter.ops.len()));
            match play(&shorter) {
                Err(still) => (history, failure) = (shorter, still),
                Ok(()) => at += size,
            }
        }
        size /= 2;
    }
    (history, failure)
}
