//! One build after the other, and what came of them.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, RwLock};
use std::time::{Duration, Instant};

use kiln_faults::{Dice, Layer, Wire};
use kiln_testkit::{Output, Serve, Workspace};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::graph::{Graph, RACE, graph, outputs};
use crate::scenario::{Kind, Mode, Scenario, scenario};

/// Builds at a time; most of them wait.
const THREADS: usize = 4;
/// What kiln is told to use; what is under way when a connection breaks is no more than that.
const JOBS: u64 = 4;

/// The folder of outputs where environments have no names.
const PLAIN: &str = "fastbuild";

/// The folder of a build's outputs.
fn folder(scenario: &Scenario) -> &'static str {
    match scenario.mode.is_race() {
        true => "fastbuild-here",
        false => PLAIN,
    }
}

/// The program: the one of this build, unless another is to be tried.
fn kiln() -> String {
    std::env::var("KILN_CHAOS_KILN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_kiln").to_owned())
}

/// A graph, its outputs, and a server that knows its results.
pub(crate) struct Group {
    seed: u64,
    graph: Graph,
    right: BTreeMap<String, String>,
    server: RwLock<Serve>,
    /// Its address, `HOST:PORT`.
    upstream: String,
    runtime: Runtime,
    tokens: TempDir,
}

/// What came of builds.
#[derive(Default)]
pub(crate) struct Report {
    rows: BTreeMap<Kind, Row>,
    pub(crate) wrong: Vec<String>,
}

#[derive(Default)]
struct Row {
    builds: u64,
    faults: u64,
    actions: u64,
    ran: u64,
    extra: u64,
    allowed: u64,
    longest: Duration,
}

/// What came of one.
struct Outcome {
    output: Output,
    faults: u64,
    /// Actions that had to run.
    needed: u64,
    /// Actions that ran, here or on workers.
    ran: u64,
    /// Actions that could run for what was lost.
    allowed: u64,
    took: Duration,
    wrong: Option<String>,
}

impl Group {
    pub(crate) fn new(seed: u64, number: u64) -> Group {
        let graph = graph(Dice::new(seed).of(&format!("group {number}")).roll());
        let here = Workspace::with(&kiln(), &graph.files);
        let output = here.kiln("build //...");
        assert_eq!(output.code, Some(0), "{}", output.show());
        let right = outputs(&here, PLAIN);
        assert!(right.len() as u64 >= graph.actions, "{right:?}");
        let server = Serve::start(&kiln(), &[]);
        let warm = Workspace::with(&kiln(), &graph.files);
        let flag = format!("--remote_executor={}", server.address());
        let output = warm.run("", &["build", "//...", &flag]);
        assert_eq!(output.code, Some(0), "{}", output.show());
        assert_eq!(outputs(&warm, PLAIN), right);
        Group {
            seed,
            graph,
            right,
            upstream: server.address().trim_start_matches("grpc://").to_owned(),
            server: RwLock::new(server),
            runtime: Runtime::new().unwrap(),
            tokens: TempDir::new().unwrap(),
        }
    }

    pub(crate) fn builds(&self, numbers: Range<u64>, outage: Duration, report: &mut Report) {
        // What waits longest goes first, what nobody else may be beside last.
        let mut numbers: Vec<u64> = numbers.collect();
        numbers.sort_by_key(|number| Kind::of(*number).turn());
        let next = AtomicUsize::new(0);
        let report = Mutex::new(report);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some(&number) = numbers.get(at) else {
                            return;
                        };
                        let token = self.tokens.path().join(number.to_string());
                        let scenario = scenario(self.seed, number, outage, &token);
                        let outcome = match scenario.restart {
                            // Nobody else uses the server meanwhile.
                            Some(_) => {
                                let mut server = self.server.write().unwrap();
                                self.build(&scenario, || server.restart())
                            }
                            None => {
                                let _shared = self.server.read().unwrap();
                                self.build(&scenario, || {})
                            }
                        };
                        report.lock().unwrap().add(&scenario, outcome);
                    }
                });
            }
        });
    }

    /// One build. `restart` kills the server and starts it again.
    fn build(&self, scenario: &Scenario, mut restart: impl FnMut()) -> Outcome {
        let started = self.runtime.block_on(async {
            let (layer, address) = Layer::start(&self.upstream, scenario.faults.clone()).await?;
            let (wire, address) = Wire::start(&address, scenario.cuts.clone()).await?;
            std::io::Result::Ok((layer, wire, address))
        });
        let (layer, wire, address) = started.unwrap();
        let files = match scenario.mode.is_race() {
            true => format!("{}{RACE}", self.graph.files),
            false => self.graph.files.clone(),
        };
        let workspace = Workspace::with(&kiln(), &files);
        let flag = match scenario.mode {
            Mode::Cache | Mode::Uploads => "remote_cache",
            _ => "remote_executor",
        };
        let mut flags = vec![
            "build".to_owned(),
            "//...".to_owned(),
            "--format=json".to_owned(),
            format!("--jobs={JOBS}"),
            format!("--{flag}=grpc://{address}"),
        ];
        let outputs = match leaves(scenario) {
            true => "toplevel",
            false => "all",
        };
        flags.push(format!("--remote_download_outputs={outputs}"));
        if scenario.mode == Mode::Compare {
            flags.push("--race=compare".to_owned());
        }
        if !matches!(scenario.mode, Mode::Cache | Mode::Known) {
            // Other actions with the same outputs.
            flags.push(format!("--action_env=SALT={}", scenario.seed));
        }
        flags.extend(scenario.flags.clone());
        let words: Vec<&str> = flags.iter().map(String::as_str).collect();
        let started = Instant::now();
        let kiln = workspace
            .command("", &words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let over = AtomicBool::new(false);
        let (output, removed) = std::thread::scope(|scope| {
            let removing = scope.spawn(|| remove(&workspace, scenario, &over));
            if let Some(calls) = scenario.restart {
                let waiting = Instant::now();
                while layer.calls() < calls && waiting.elapsed() < Duration::from_secs(2) {
                    std::thread::sleep(Duration::from_millis(1));
                }
                restart();
            }
            let output = workspace.finish(kiln);
            over.store(true, Ordering::Relaxed);
            (output, removing.join().unwrap())
        });
        let took = started.elapsed();
        self.judge(
            scenario,
            (&layer, &wire),
            &workspace,
            (output, removed, took),
        )
    }

    fn judge(
        &self,
        scenario: &Scenario,
        (layer, wire): (&Layer, &Wire),
        workspace: &Workspace,
        (output, removed, took): (Output, u64, Duration),
    ) -> Outcome {
        let number = |path: &str| output.json(path).and_then(|text| text.parse::<u64>().ok());
        let here = number("actions.executed").unwrap_or(0);
        let (_, executed) = layer.executed();
        let needed = match scenario.mode {
            Mode::Cache | Mode::Known => 0,
            _ => self.graph.actions,
        };
        // What ran on workers counts as run for kiln; what it asked for more often counts here.
        let ran = here.max(u64::from(executed));
        let restarts = u64::from(scenario.restart.is_some());
        // Whoever loses a connection may ask for what it was about to get again.
        let broken = match scenario.mode {
            Mode::Workers | Mode::Race | Mode::Compare => {
                layer.faults() + (wire.faults() + restarts) * JOBS
            }
            _ => 0,
        };
        let outage = match scenario.is_outage() {
            true => self.graph.actions,
            false => 0,
        };
        let allowed = layer.hurt() as u64 + removed + broken + outage;
        let wrong = if output.code != Some(0) {
            Some("it failed".to_owned())
        } else if outputs(workspace, folder(scenario)) != self.right {
            Some(format!(
                "wrong outputs: {:?}",
                self.difference(workspace, folder(scenario))
            ))
        } else if output.stderr.contains("makes other outputs") {
            Some("its sides disagree".to_owned())
        } else if !leaves(scenario) && ran > needed + allowed {
            Some(format!(
                "{ran} actions ran ({here} for kiln), {needed} were needed and {allowed} allowed"
            ))
        } else {
            None
        };
        Outcome {
            faults: layer.faults() + wire.faults() + removed + restarts,
            needed,
            ran,
            allowed,
            took,
            wrong,
            output,
        }
    }

    fn difference(&self, workspace: &Workspace, folder: &str) -> Vec<String> {
        let found = outputs(workspace, folder);
        let names: HashSet<&String> = found.keys().chain(self.right.keys()).collect();
        let differs = names
            .into_iter()
            .filter(|name| found.get(*name) != self.right.get(*name));
        let show = |name: &String| format!("{name}: {:?}", found.get(name));
        differs.map(show).collect()
    }
}

/// Removes blobs of kiln's own store while it runs, each at most once. Returns how many.
fn remove(workspace: &Workspace, scenario: &Scenario, over: &AtomicBool) -> u64 {
    let mut seen = HashSet::new();
    let mut removed = 0;
    while scenario.removed > 0 && !over.load(Ordering::Relaxed) {
        for blob in blobs(&workspace.cache().join("store/cas")) {
            let mut dice = Dice::new(scenario.seed).of(&blob);
            if seen.insert(blob.clone())
                && dice.percent(scenario.removed)
                && fs::remove_file(&blob).is_ok()
            {
                removed += 1;
            }
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    removed
}

fn blobs(folder: &Path) -> Vec<String> {
    let list = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = list(folder);
    let blobs = folders.flat_map(|entry| list(&entry.path()).collect::<Vec<_>>());
    blobs
        // What is being written is no blob yet.
        .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
        .map(|entry| entry.path().display().to_string())
        .collect()
}

impl Report {
    fn add(&mut self, scenario: &Scenario, outcome: Outcome) {
        let row = self.rows.entry(scenario.kind).or_default();
        row.builds += 1;
        row.faults += outcome.faults;
        row.actions += outcome.needed;
        row.ran += outcome.ran;
        row.extra += outcome.ran.saturating_sub(outcome.needed);
        row.allowed += outcome.allowed;
        row.longest = row.longest.max(outcome.took);
        if let Some(wrong) = outcome.wrong {
            self.wrong.push(format!(
                "build {} ({:?}, {:?}, {:?}, {:?}, restart {:?}): {wrong}\n{}\nto run it again: KILN_CHAOS_FIRST={} KILN_CHAOS_BUILDS=1",
                scenario.number,
                scenario.kind,
                scenario.mode,
                scenario.faults,
                scenario.cuts,
                scenario.restart,
                outcome.output.show(),
                scenario.number,
            ));
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| what goes wrong | builds | faults | actions to run | ran | more than that | lost or excused | longest |"
        )?;
        writeln!(f, "| --- | --: | --: | --: | --: | --: | --: | --: |")?;
        let mut builds = 0;
        for (kind, row) in &self.rows {
            builds += row.builds;
            writeln!(
                f,
                "| {kind:?} | {} | {} | {} | {} | {} | {} | {:.1} s |",
                row.builds,
                row.faults,
                row.actions,
                row.ran,
                row.extra,
                row.allowed,
                row.longest.as_secs_f64()
            )?;
        }
        write!(f, "{builds} builds, {} of them wrong", self.wrong.len())
    }
}

/// Whether outputs are left at the server, as half of the builds do. What was left and is lost is
/// found out later, when others were built on it, so that more is made again than was lost: how much
/// more at most is not known, and not judged.
fn leaves(scenario: &Scenario) -> bool {
    scenario.seed % 2 == 1
}
