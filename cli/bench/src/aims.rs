//! What kiln wants to be, and whether a run's figures say that it is.

use crate::measure::{Report, Row};
use crate::scenario::{Group, Peer};
use crate::stats::{Measure, Summary};

/// An aim, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The aim in words.
    pub aim: String,
    /// Whether it was met.
    pub outcome: Outcome,
}

/// What the figures of a run say about an aim.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// There are figures.
    Judged {
        /// The median ratio, of several scenarios the largest.
        ratio: f64,
        /// In which scenario that was.
        scenario: &'static str,
        /// How many scenarios were looked at.
        of: usize,
        /// Whether it is within the limit.
        met: bool,
    },
    /// There are none, and why.
    Open(String),
}

/// A limit for a ratio of kiln's figure to another tool's.
struct Aim {
    words: &'static str,
    peer: Peer,
    measure: Measure,
    limit: f64,
    /// Whether the limit itself is still good enough.
    inclusive: bool,
    scope: Scope,
}

/// Which scenarios an aim is about.
enum Scope {
    /// One, on trees of this size.
    One(&'static str, usize),
    /// All in which Bazel's server runs: its client alone, asked for its version, is no build tool.
    Server,
    /// All that both tools were measured in.
    Every,
}

const AIMS: [Aim; 6] = [
    Aim {
        words: "1,000 sandboxed genrules cold: at most 1.8 times ninja's wall time",
        peer: Peer::Ninja,
        measure: Measure::Wall,
        limit: 1.8,
        inclusive: true,
        scope: Scope::One("genrule-cold", 1_000),
    },
    Aim {
        words: "10,000 targets listed cold: at most a tenth of Bazel's CPU time",
        peer: Peer::Bazel,
        measure: Measure::Cpu,
        limit: 0.1,
        inclusive: true,
        scope: Scope::One("list-cold", 10_000),
    },
    Aim {
        words: "10,000 targets listed again: at most a tenth of Bazel's CPU time",
        peer: Peer::Bazel,
        measure: Measure::Cpu,
        limit: 0.1,
        inclusive: true,
        scope: Scope::One("list-warm", 10_000),
    },
    Aim {
        words: "peak memory: at most a third of Bazel's, wherever its server runs",
        peer: Peer::Bazel,
        measure: Measure::Memory,
        limit: 1.0 / 3.0,
        inclusive: true,
        scope: Scope::Server,
    },
    Aim {
        words: "wall time: less than Bazel's in every scenario",
        peer: Peer::Bazel,
        measure: Measure::Wall,
        limit: 1.0,
        inclusive: false,
        scope: Scope::Every,
    },
    Aim {
        words: "CPU time: less than Bazel's in every scenario",
        peer: Peer::Bazel,
        measure: Measure::Cpu,
        limit: 1.0,
        inclusive: false,
        scope: Scope::Every,
    },
];

/// A verdict on every aim.
pub fn verdicts(report: &Report) -> Vec<Verdict> {
    let verdict = |aim: &Aim| Verdict {
        aim: aim.words.to_owned(),
        outcome: judge(aim, report).unwrap_or_else(Outcome::Open),
    };
    AIMS.iter().map(verdict).collect()
}

/// The outcome, or why there is none.
fn judge(aim: &Aim, report: &Report) -> Result<Outcome, String> {
    for peer in [Peer::Kiln, aim.peer] {
        if !report.tools.iter().any(|(tool, ..)| *tool == peer) {
            return Err(format!("{} was not measured", peer.name()));
        }
    }
    if aim.measure != Measure::Wall && report.accounting.is_err() {
        return Err("cannot be measured here".to_owned());
    }
    let mut ratios = Vec::new();
    for row in rows(aim, report)? {
        let of = |peer| row.samples.get(&peer);
        let Some((ours, theirs)) = of(Peer::Kiln).zip(of(aim.peer)) else {
            continue;
        };
        let name = row.scenario.name;
        let ratio = Summary::ratios(ours, theirs, aim.measure)
            .ok_or_else(|| format!("a figure of {name} is missing"))?;
        ratios.push((ratio.median, name));
    }
    let worst = ratios.iter().copied().max_by(|a, b| a.0.total_cmp(&b.0));
    let (ratio, scenario) = worst.ok_or("no scenario of this run has both tools")?;
    let met = ratio < aim.limit || aim.inclusive && ratio == aim.limit;
    Ok(Outcome::Judged {
        ratio,
        scenario,
        of: ratios.len(),
        met,
    })
}

/// The rows that an aim is about.
fn rows<'a>(aim: &Aim, report: &'a Report) -> Result<Vec<&'a Row>, String> {
    let all = || report.groups.iter().flat_map(|group| &group.rows);
    match aim.scope {
        Scope::Every => Ok(all().collect()),
        Scope::Server => Ok(all().filter(|row| row.scenario.server).collect()),
        Scope::One(name, targets) => {
            let row = all().find(|row| row.scenario.name == name);
            let row = row.ok_or_else(|| format!("{name} was not measured"))?;
            match report.targets(row.scenario.group) {
                Some(count) if count == targets => Ok(vec![row]),
                count => Err(format!("this run had {} targets", count.unwrap_or(0))),
            }
        }
    }
}

impl Report {
    fn targets(&self, group: Group) -> Option<usize> {
        let group = self.groups.iter().find(|measured| measured.group == group);
        group.map(|group| group.targets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;
    use expect_test::expect;

    fn show(report: &Report) -> String {
        let line = |verdict: Verdict| {
            let outcome = match verdict.outcome {
                Outcome::Judged {
                    ratio,
                    scenario,
                    of,
                    met,
                } => {
                    format!("{met} {ratio:.3} {scenario} of {of}")
                }
                Outcome::Open(why) => why,
            };
            format!("{}: {outcome}\n", verdict.aim)
        };
        verdicts(report).into_iter().map(line).collect()
    }

    /// The same report with another sample for one tool in one scenario.
    fn with(scenario: &str, peer: Peer, wall: u64, cpu: u64, mib: u64) -> Report {
        let mut report = report();
        let rows = report.groups.iter_mut().flat_map(|group| &mut group.rows);
        for row in rows.filter(|row| row.scenario.name == scenario) {
            let sample = crate::stats::tests::sample(wall, cpu, mib);
            row.samples.insert(peer, vec![sample; 3]);
        }
        report
    }

    #[test]
    fn verdicts_are_those_of_the_figures() {
        expect![[r#"
            1,000 sandboxed genrules cold: at most 1.8 times ninja's wall time: true 1.500 genrule-cold of 1
            10,000 targets listed cold: at most a tenth of Bazel's CPU time: list-cold was not measured
            10,000 targets listed again: at most a tenth of Bazel's CPU time: list-warm was not measured
            peak memory: at most a third of Bazel's, wherever its server runs: true 0.200 genrule-cold of 1
            wall time: less than Bazel's in every scenario: true 0.333 version of 2
            CPU time: less than Bazel's in every scenario: true 0.333 version of 2
        "#]].assert_eq(&show(&report()));
        // Just within the limits, and just not.
        let at = |wall| with("genrule-cold", Peer::Kiln, wall, 1000, 10);
        assert!(show(&at(1800)).contains("ninja's wall time: true 1.800"));
        assert!(show(&at(1801)).contains("ninja's wall time: false 1.801"));
        let at = |cpu| with("genrule-cold", Peer::Kiln, 1, cpu, 10);
        assert!(show(&at(29_999)).contains("CPU time: less than Bazel's in every scenario: true"));
        assert!(show(&at(30_000)).contains(
            "CPU time: less than Bazel's in every scenario: false 1.000 genrule-cold of 2"
        ));
        let at = |mib| with("genrule-cold", Peer::Kiln, 1, 1, mib);
        assert!(show(&at(100)).contains("server runs: true 0.333"));
        assert!(show(&at(101)).contains("server runs: false 0.337"));
        let version = with("version", Peer::Kiln, 1, 1, 999);
        assert!(
            show(&version).contains("server runs: true"),
            "no server runs there"
        );
    }

    #[test]
    fn what_was_not_measured_is_not_judged() {
        let mut other_size = report();
        other_size.groups[1].targets = 999;
        assert!(show(&other_size).contains("ninja's wall time: this run had 999 targets"));
        let mut no_counts = report();
        no_counts.accounting = Err(Vec::new());
        expect![[r#"
            1,000 sandboxed genrules cold: at most 1.8 times ninja's wall time: true 1.500 genrule-cold of 1
            10,000 targets listed cold: at most a tenth of Bazel's CPU time: cannot be measured here
            10,000 targets listed again: at most a tenth of Bazel's CPU time: cannot be measured here
            peak memory: at most a third of Bazel's, wherever its server runs: cannot be measured here
            wall time: less than Bazel's in every scenario: true 0.333 version of 2
            CPU time: less than Bazel's in every scenario: cannot be measured here
        "#]].assert_eq(&show(&no_counts));
        let mut alone = report();
        alone.tools.truncate(1);
        expect![[r#"
            1,000 sandboxed genrules cold: at most 1.8 times ninja's wall time: ninja was not measured
            10,000 targets listed cold: at most a tenth of Bazel's CPU time: bazel was not measured
            10,000 targets listed again: at most a tenth of Bazel's CPU time: bazel was not measured
            peak memory: at most a third of Bazel's, wherever its server runs: bazel was not measured
            wall time: less than Bazel's in every scenario: bazel was not measured
            CPU time: less than Bazel's in every scenario: bazel was not measured
        "#]].assert_eq(&show(&alone));
        let mut incomplete = report();
        for row in &mut incomplete.groups[1].rows {
            for sample in row.samples.values_mut().flatten() {
                sample.peak_kib = None;
            }
        }
        assert!(show(&incomplete).contains("server runs: a figure of genrule-cold is missing"));
    }
}
