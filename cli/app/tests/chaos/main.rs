//! Builds against a server that loses blobs, lies, breaks off and goes away: none of them fails,
//! none makes a wrong output, and none runs more than what was lost (R4 to R7, R9, R10, PX-090,
//! PX-102, PX-124).
//!
//! `docs/remote.md` says how to run it at full size, and how to run one of its builds again.

#![allow(clippy::unwrap_used, reason = "tests may panic")]
#![allow(clippy::print_stderr, reason = "what happened is told as a table")]

mod graph;
mod run;
mod scenario;

use std::time::Duration;

use run::Group;

/// Builds that share a graph and a server.
const TOGETHER: u64 = 36;

fn variable(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().expect("a number"),
        Err(_) => otherwise,
    }
}

#[test]
fn builds_survive() {
    let seed = variable("KILN_CHAOS_SEED", 1);
    let builds = variable("KILN_CHAOS_BUILDS", 24);
    let first = variable("KILN_CHAOS_FIRST", 0);
    let outage = match builds > TOGETHER {
        true => Duration::from_secs(30),
        false => Duration::from_secs(1),
    };
    let outage = Duration::from_secs(variable("KILN_CHAOS_OUTAGE", outage.as_secs()));
    let mut report = run::Report::default();
    let mut at = first;
    while at < first + builds {
        let number = at / TOGETHER;
        let end = ((number + 1) * TOGETHER).min(first + builds);
        let group = Group::new(seed, number);
        group.builds(at..end, outage, &mut report);
        at = end;
    }
    eprintln!("seed {seed}\n{report}");
    assert!(report.wrong.is_empty(), "{}", report.wrong.join("\n\n"));
}
