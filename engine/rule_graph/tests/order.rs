//! RG-007: the result and every message are the same whatever order things are declared in.

mod support;

use support::generate::{self, Random};
use support::{Case, outcome, read, shuffled};

const FILES: [&str; 8] = [
    include_str!("cases/inputs.txt"),
    include_str!("cases/gets.txt"),
    include_str!("cases/scopes.txt"),
    include_str!("cases/choice.txt"),
    include_str!("cases/errors.txt"),
    include_str!("cases/ambient.txt"),
    include_str!("cases/generated.txt"),
    include_str!("cases/hostile.txt"),
];

#[test]
fn declared_cases() {
    let mut random = Random::new(7);
    for case in FILES.iter().flat_map(|file| read(file)) {
        same_in_any_order(&case, &mut random, 5);
    }
}

#[test]
fn tangles() {
    let mut random = Random::new(8);
    for seed in 0..150 {
        let set = generate::tangle(3 + seed as usize % 9, 3 + seed as usize % 5, seed);
        same_in_any_order(&support::write(&set), &mut random, 3);
    }
}

#[test]
fn products() {
    let mut random = Random::new(9);
    let shape = generate::Ordinary {
        requests: 60,
        gets: 3,
        convertible: 5,
        seed: 4,
    };
    same_in_any_order(&support::write(&generate::ordinary(shape)), &mut random, 3);
}

fn same_in_any_order(case: &Case, random: &mut Random, times: usize) {
    let first = outcome(case);
    for _ in 0..times {
        let other = shuffled(case, random);
        assert_eq!(first, outcome(&other), "{}", other.text.join("\n"));
    }
}
