//! Figures as tables and as JSON.

#[cfg(test)]
pub(crate) mod tests;

use serde_json::{Value, json};

use crate::aims::{Outcome, verdicts};
use crate::measure::{Measured, Report, Row};
use crate::scenario::{Group, Peer};
use crate::stats::{Measure, Sample, Summary};
use crate::subject::what_is_checked;

/// The report in Markdown: a table for each group, and one with the aims, to be put below a heading
/// of the second level.
pub fn markdown(report: &Report) -> String {
    let mut text = conditions(report);
    for group in &report.groups {
        text += &format!("\n### {}\n\n", title(group));
        text += &table(group);
        text += &accounts(group);
    }
    text + "\n### Aims\n\n" + &aims(report)
}

fn conditions(report: &Report) -> String {
    let machine = &report.machine;
    let [before, after] = &report.load;
    let tools = report.tools.iter().map(|(peer, program, version)| {
        let program = program.file_name().unwrap_or_default().display();
        format!("{} (`{program}`: {version})", peer.name())
    });
    let tools: Vec<String> = tools.collect();
    let accounting = match &report.accounting {
        Ok(how) => format!("CPU time: {how}, one for each tool."),
        Err(why) => format!(
            "CPU time and memory cannot be measured here: {}.",
            why.join("; ")
        ),
    };
    let checked: Vec<String> = [Group::List, Group::Genrule, Group::Cc]
        .map(|group| format!("{}: {}", group.name(), what_is_checked(group.flavour())))
        .to_vec();
    format!(
        "- Machine: {} x {}, {} MiB, Linux {}, trees and caches on {}.\n\
         - Load average before: {before}; after: {after}.\n\
         - Tools, in turn: {}.\n\
         - {accounting}\n\
         - Figures: median (least-most) of {} runs; ratios are taken run by run. Seed {}.\n\
         - Compared with what it should be: exit codes; {}.\n",
        machine.processors,
        machine.model,
        machine.memory_mib,
        machine.kernel,
        machine.file_system,
        tools.join(", "),
        report.runs,
        report.seed,
        checked.join("; "),
    )
}

fn title(group: &Measured) -> String {
    let count = thousands(group.targets);
    match group.group {
        Group::Version => "Starting".to_owned(),
        Group::List => format!("Listing {count} targets"),
        Group::Genrule => format!("Building {count} genrules"),
        Group::Cc => format!("Building {count} C++ targets"),
    }
}

fn thousands(number: usize) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", thousands(number / 1000), number % 1000),
    }
}

fn table(group: &Measured) -> String {
    let mut text =
        "| scenario | tool | wall s | CPU s | peak MiB | kiln / it: wall | CPU | memory |\n\
                    | --- | --- | --: | --: | --: | --: | --: | --: |\n"
            .to_owned();
    for row in &group.rows {
        for (peer, samples) in &row.samples {
            let figures = Measure::ALL.map(|measure| figure(samples, measure));
            let ratios = Measure::ALL.map(|measure| ratio(row, *peer, measure));
            text += &format!(
                "| {} | {} | {} | {} |\n",
                row.scenario.title,
                peer.name(),
                figures.join(" | "),
                ratios.join(" | ")
            );
        }
    }
    text
}

/// What ran, as the tools say it themselves.
fn accounts(group: &Measured) -> String {
    let mut text = String::new();
    for row in &group.rows {
        let said: Vec<String> = row
            .accounts
            .iter()
            .map(|(peer, line)| format!("{} `{line}`", peer.name()))
            .collect();
        if !said.is_empty() {
            text += &format!("- {}: {}\n", row.scenario.title, said.join(", "));
        }
    }
    match text.is_empty() {
        true => text,
        false => format!("\nWhat the tools said of their last run:\n\n{text}"),
    }
}

fn figure(samples: &[Sample], measure: Measure) -> String {
    let Some(summary) = Summary::measured(samples, measure) else {
        return "not measured".to_owned();
    };
    let Summary { median, min, max } = summary;
    match measure {
        Measure::Wall | Measure::Cpu => format!("{median:.3} ({min:.3}-{max:.3})"),
        Measure::Memory => format!("{median:.0} ({min:.0}-{max:.0})"),
    }
}

/// kiln's figure as a part of another tool's.
fn ratio(row: &Row, peer: Peer, measure: Measure) -> String {
    let ours = row.samples.get(&Peer::Kiln).filter(|_| peer != Peer::Kiln);
    let pair = ours.zip(row.samples.get(&peer));
    let ratio = pair.and_then(|(ours, theirs)| Summary::ratios(ours, theirs, measure));
    ratio.map_or_else(String::new, |Summary { median, min, max }| {
        format!("{median:.2} ({min:.2}-{max:.2})")
    })
}

fn aims(report: &Report) -> String {
    let mut text = "| aim | kiln / it | met |\n| --- | --- | --- |\n".to_owned();
    for verdict in verdicts(report) {
        let (figure, met) = match verdict.outcome {
            Outcome::Judged {
                ratio,
                scenario,
                of,
                met,
            } => {
                let place = match of {
                    1 => String::new(),
                    _ => format!(" at most, in {scenario}; {of} scenarios"),
                };
                (
                    format!("{ratio:.3}{place}"),
                    if met { "yes" } else { "**no**" }.to_owned(),
                )
            }
            Outcome::Open(why) => (String::new(), format!("open: {why}")),
        };
        text += &format!("| {} | {figure} | {met} |\n", verdict.aim);
    }
    text
}

/// The report as JSON: every figure of every run, in seconds and KiB.
pub fn as_json(report: &Report) -> Value {
    let tools = report.tools.iter().map(|(peer, program, version)| {
        json!({"tool": peer.name(), "program": program, "version": version})
    });
    let aims = verdicts(report).into_iter().map(|verdict| match verdict.outcome {
        Outcome::Judged {
            ratio,
            scenario,
            of,
            met,
        } => json!({
            "aim": verdict.aim, "ratio": ratio, "scenario": scenario, "scenarios": of, "met": met,
        }),
        Outcome::Open(why) => json!({"aim": verdict.aim, "met": null, "why": why}),
    });
    json!({
        "machine": {
            "processors": report.machine.processors,
            "model": report.machine.model,
            "memoryMib": report.machine.memory_mib,
            "kernel": report.machine.kernel,
            "fileSystem": report.machine.file_system,
        },
        "loadBefore": report.load[0],
        "loadAfter": report.load[1],
        "tools": tools.collect::<Vec<_>>(),
        "runs": report.runs,
        "seed": report.seed,
        "accounting": report.accounting.as_ref().ok(),
        "notMeasured": report.accounting.as_ref().err(),
        "groups": report.groups.iter().map(group_json).collect::<Vec<_>>(),
        "aims": aims.collect::<Vec<_>>(),
    })
}

fn group_json(group: &Measured) -> Value {
    let run = |sample: &Sample| {
        json!({
            "wall": sample.wall.as_secs_f64(),
            "cpu": sample.cpu.map(|cpu| cpu.as_secs_f64()),
            "peakKib": sample.peak_kib,
        })
    };
    let rows = group.rows.iter().flat_map(|row| {
        row.samples.iter().map(move |(peer, samples)| {
            json!({
                "scenario": row.scenario.name,
                "tool": peer.name(),
                "runs": samples.iter().map(run).collect::<Vec<_>>(),
                "account": row.accounts.get(peer),
            })
        })
    });
    json!({
        "group": group.group.name(),
        "targets": group.targets,
        "rows": rows.collect::<Vec<_>>(),
    })
}
