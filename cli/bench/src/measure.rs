//! A run of the benchmark.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Write, stderr};
use std::path::{Path, PathBuf};

use kiln_diag::Diag;
use tempfile::TempDir;

use crate::args::Settings;
use crate::machine::{self, Machine};
use crate::scenario::{Group, Peer, Scenario};
use crate::stats::Sample;
use crate::subject::{Subject, accounting};
use crate::tool::Tool;
use crate::tree::Tree;

/// What was measured, and under which conditions.
#[derive(Clone, Debug)]
pub struct Report {
    /// The machine.
    pub machine: Machine,
    /// The load averages at the start and at the end.
    pub load: [String; 2],
    /// The tools, in the order of their turns: names, programs and versions.
    pub tools: Vec<(Peer, PathBuf, String)>,
    /// How often each command was timed.
    pub runs: usize,
    /// What the trees were generated from.
    pub seed: u64,
    /// How processor time and memory were measured, or why they were not.
    pub accounting: Result<&'static str, Vec<String>>,
    /// The groups that were asked for.
    pub groups: Vec<Measured>,
}

/// The figures of a group.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Which group.
    pub group: Group,
    /// How many targets its trees had.
    pub targets: usize,
    /// Its scenarios, each with the runs of every tool.
    pub rows: Vec<Row>,
}

/// The figures of a scenario.
#[derive(Clone, Debug)]
pub struct Row {
    /// Which scenario.
    pub scenario: &'static Scenario,
    /// By tool, its runs in their order.
    pub samples: BTreeMap<Peer, Vec<Sample>>,
    /// By tool, what it said of its last run: how many actions it ran, and in what.
    pub accounts: BTreeMap<Peer, String>,
}

/// Measures what the settings ask for.
///
/// # Errors
/// When a tool is missing, fails or builds something wrong, or the folder cannot be used.
pub fn run(settings: &Settings) -> Result<Report, Diag> {
    let find = |&peer: &Peer| Tool::find(peer, settings.kiln.as_deref());
    let tools: Vec<Tool> = settings.tools.iter().map(find).collect::<Result<_, _>>()?;
    let work = Work::new(settings.work.as_deref())?;
    let hierarchy = accounting(work.path());
    let mut report = Report {
        machine: Machine::here(work.path()),
        load: [machine::load(), String::new()],
        tools: tools
            .iter()
            .map(|tool| (tool.peer, tool.program.clone(), tool.version.clone()))
            .collect(),
        runs: settings.runs,
        seed: settings.seed,
        accounting: match &hierarchy {
            Ok(hierarchy) => Ok(hierarchy.name()),
            Err(reasons) => Err(reasons
                .iter()
                .map(|reason| reason.message().to_owned())
                .collect()),
        },
        groups: Vec::new(),
    };
    for group in Group::ALL {
        let wanted = settings.scenarios.iter().copied();
        let scenarios: Vec<_> = wanted.filter(|scenario| scenario.group == group).collect();
        if scenarios.is_empty() {
            continue;
        }
        let targets = settings.targets(group);
        let tree = Tree::new(group.flavour(), targets, settings.seed);
        let folder = work.path().join(group.name());
        let subject = |tool: &Tool| {
            Subject::new(
                tool,
                &tree,
                &folder.join(tool.peer.name()),
                hierarchy.as_ref().ok(),
            )
        };
        let subjects = tools.iter().map(subject).collect::<Result<_, _>>()?;
        report.groups.push(measure(
            group,
            targets,
            &scenarios,
            subjects,
            settings.runs,
        )?);
    }
    report.load[1] = machine::load();
    Ok(report)
}

/// Measures a group; the daemons of its tools have ended then.
fn measure(
    group: Group,
    targets: usize,
    scenarios: &[&'static Scenario],
    mut subjects: Vec<Subject>,
    runs: usize,
) -> Result<Measured, Diag> {
    let mut rows = Vec::new();
    for &scenario in scenarios {
        let able = |subject: &&mut Subject| !scenario.without.contains(&subject.tool.peer);
        let mut subjects: Vec<&mut Subject> = subjects.iter_mut().filter(able).collect();
        let mut samples: BTreeMap<Peer, Vec<Sample>> = BTreeMap::new();
        for round in 0..=runs {
            for subject in &mut subjects {
                let peer = subject.tool.peer;
                progress(scenario, peer, round, runs);
                // Round 0 brings each tool into the state that the scenario starts from.
                let steps = if round == 0 {
                    scenario.once
                } else {
                    scenario.before
                };
                steps.iter().try_for_each(|step| subject.step(*step))?;
                if round > 0 {
                    samples
                        .entry(peer)
                        .or_default()
                        .push(subject.measure(scenario.timed)?);
                }
            }
        }
        let account = |subject: &&mut Subject| Some((subject.tool.peer, subject.account()?));
        rows.push(Row {
            scenario,
            samples,
            accounts: subjects.iter().filter_map(account).collect(),
        });
    }
    Ok(Measured {
        group,
        targets,
        rows,
    })
}

fn progress(scenario: &Scenario, peer: Peer, round: usize, runs: usize) {
    let name = scenario.name;
    // Nobody needs to read it.
    let _ = match round {
        0 => writeln!(stderr(), "{name}: {}: preparing", peer.name()),
        _ => writeln!(stderr(), "{name}: {}: {round} of {runs}", peer.name()),
    };
}

/// The folder to work in.
enum Work {
    Temporary(TempDir),
    Given(PathBuf),
}

impl Work {
    fn new(given: Option<&Path>) -> Result<Work, Diag> {
        let Some(path) = given else {
            let folder = tempfile::Builder::new().prefix("kiln-bench-").tempdir();
            let temporary = std::env::temp_dir();
            let error = |error| Diag::io("cannot make a folder in", &temporary, &error);
            return Ok(Work::Temporary(folder.map_err(error)?));
        };
        fs::create_dir_all(path).map_err(|error| Diag::io("cannot make", path, &error))?;
        let path = path
            .canonicalize()
            .map_err(|error| Diag::io("cannot find", path, &error))?;
        let mut entries =
            fs::read_dir(&path).map_err(|error| Diag::io("cannot read", &path, &error))?;
        if entries.next().is_some() {
            let message = format!("`--work`: `{}` is not empty", path.display());
            return Err(Diag::usage(message).hint("name a folder that is empty or not there yet"));
        }
        if path.to_string_lossy().contains(char::is_whitespace) {
            let message = format!("`--work`: `{}` has a blank in it", path.display());
            return Err(Diag::usage(message).hint("not every tool copes with blanks in paths"));
        }
        Ok(Work::Given(path))
    }

    fn path(&self) -> &Path {
        match self {
            Work::Temporary(folder) => folder.path(),
            Work::Given(path) => path,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_empty_folder_is_taken() {
        let folder = TempDir::new().unwrap();
        assert!(Work::new(Some(&folder.path().join("new"))).is_ok());
        let error = Work::new(Some(folder.path())).err().unwrap();
        let text = error
            .render()
            .replace(&folder.path().display().to_string(), "[WORK]");
        expect_test::expect![[r#"
            error: `--work`: `[WORK]` is not empty
            hint: name a folder that is empty or not there yet"#]]
        .assert_eq(&text);
        let error = Work::new(Some(&folder.path().join("a b"))).err().unwrap();
        let text = error
            .render()
            .replace(&folder.path().display().to_string(), "[WORK]");
        expect_test::expect![[r#"
            error: `--work`: `[WORK]/a b` has a blank in it
            hint: not every tool copes with blanks in paths"#]]
        .assert_eq(&text);
    }
}
