//! Measures the solver on generated rule sets and prints a table.
//!
//! `cargo run --release -p kiln-rule-graph --example bench`

#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../tests/support/generate.rs"]
mod generate;

use std::io::{self, Write};
use std::sync::OnceLock;
use std::time::Instant;

use generate::{Generated, Ordinary};
use kiln_rule_graph::solve_measured;

const BATCHES: usize = 7;
/// How long a batch of solutions takes at least; the system counts in ticks of 4 ms.
const BATCH_NANOS: u64 = 100_000_000;

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "| set | rules | types | unknowns | variants (widest) | nodes | operations | CPU ms (least–most of {BATCHES} batches) |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    )?;
    let plain = |requests, seed| Ordinary {
        requests,
        gets: 3,
        convertible: 10,
        seed,
    };
    for requests in [100, 200, 400, 600, 815, 1000, 1600] {
        row(
            &mut out,
            "ordinary",
            &generate::ordinary(plain(requests, 1)),
        )?;
    }
    for requests in [815, 1600] {
        let dense = Ordinary {
            gets: 8,
            ..plain(requests, 2)
        };
        row(&mut out, "dense", &generate::ordinary(dense))?;
    }
    let convertible = Ordinary {
        convertible: 1,
        ..plain(440, 3)
    };
    row(
        &mut out,
        "all convertible",
        &generate::ordinary(convertible),
    )?;
    row(
        &mut out,
        "each Gets all",
        &generate::everything_gets_everything(150),
    )?;
    row(&mut out, "chain", &generate::chain(5000))?;
    row(
        &mut out,
        "20 ways, 20 inputs",
        &generate::alternatives(20, 20),
    )?;
    row(
        &mut out,
        "the same, selected",
        &generate::selected_alternatives(20, 20),
    )?;
    row(&mut out, "7 debts, 7 inputs", &generate::debts(7))?;
    row(&mut out, "20 debts, 20 inputs", &generate::debts(20))?;
    worst_tangles(&mut out)
}

/// Of many tangles per size, the one that took longest.
fn worst_tangles(out: &mut impl Write) -> io::Result<()> {
    for (rules, types) in [(30, 8), (60, 12), (100, 20), (200, 40), (400, 40)] {
        let time = |seed: &u64| {
            let set = generate::tangle(rules, types, *seed);
            let start = cpu_nanos();
            let _ = solve_measured(&set.rules, &set.queries);
            cpu_nanos() - start
        };
        let worst = (0..40_u64).max_by_key(time).unwrap_or_default();
        row(
            out,
            "worst of 40 tangles",
            &generate::tangle(rules, types, worst),
        )?;
    }
    Ok(())
}

fn row(out: &mut impl Write, name: &str, set: &Generated) -> io::Result<()> {
    let (result, statistics) = solve_measured(&set.rules, &set.queries);
    let mut millis: Vec<f64> = (0..BATCHES).map(|_| batch(set)).collect();
    millis.sort_by(f64::total_cmp);
    let nodes = match &result {
        Ok(graph) => graph.instances().len().to_string(),
        Err(errors) => format!("{:?} ×{}", errors[0].kind, errors.len()),
    };
    writeln!(
        out,
        "| {name} | {} | {} | {} | {} ({}) | {nodes} | {} | {:.1}–{:.1} |",
        set.rules.rules().len(),
        set.rules.types().count(),
        statistics.unknowns,
        statistics.variants,
        statistics.widest,
        statistics.operations,
        millis[0],
        millis[BATCHES - 1],
    )
}

/// Milliseconds a solution takes, from a batch of them.
fn batch(set: &Generated) -> f64 {
    let start = cpu_nanos();
    for count in 1.. {
        let _ = solve_measured(&set.rules, &set.queries);
        let spent = cpu_nanos() - start;
        if spent >= BATCH_NANOS {
            return spent as f64 / 1e6 / f64::from(count);
        }
    }
    f64::NAN
}

/// Time this thread has run on a processor, so that other work on the machine does not count;
/// where the system does not tell, the time of the clock.
fn cpu_nanos() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let scheduled = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let on_cpu = scheduled.and_then(|text| text.split(' ').next()?.parse().ok());
    on_cpu.unwrap_or_else(|| START.get_or_init(Instant::now).elapsed().as_nanos() as u64)
}
