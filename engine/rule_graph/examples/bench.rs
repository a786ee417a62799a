//! Measures the solver on generated rule sets and prints a table.
//!
//! `cargo run --release -p kiln-rule-graph --example bench`

#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../tests/support/generate.rs"]
mod generate;

use std::io::{self, Write};
use std::time::Instant;

use generate::{Generated, Ordinary};
use kiln_rule_graph::solve_measured;

const RUNS: usize = 7;

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "| set | rules | types | unknowns | variants (widest) | nodes | operations | ms (least–most of {RUNS}) |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
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
            let start = Instant::now();
            let _ = solve_measured(&set.rules, &set.queries);
            start.elapsed()
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
    let mut millis = Vec::new();
    let (mut result, mut statistics) = solve_measured(&set.rules, &set.queries);
    for _ in 0..RUNS {
        let start = Instant::now();
        (result, statistics) = solve_measured(&set.rules, &set.queries);
        millis.push(start.elapsed().as_secs_f64() * 1000.0);
    }
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
        millis[RUNS - 1],
    )
}
