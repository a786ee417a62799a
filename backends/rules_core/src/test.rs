//! The goal `test`: a test with all its runs, shards and attempts (Bazel: test encyclopedia).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kiln_address::Label;
use kiln_base::{Digest, RelPath};
use kiln_diag::Diag;
use kiln_events::{ActionEvent, Event, TestAttempt, TestStatus};
use kiln_process::{
    CacheScope, Description, ExecError, Exit, Keyed, Observer, Process, ProcessResult, Request,
    Source,
};
use kiln_rules::{Param, Product, RuleCx, RuleDef, rule, rules};
use kiln_store::Store;
use kiln_targets::{AnalyzedTarget, Artifact, AttrValue, Configuration, Dep, TargetDef};
use kiln_tree::{Node, TreeBuilder};
use regex_lite::Regex;

use crate::analysis::{Analyzed, Outcome, resolved_attrs};
use crate::artifacts::{ArtifactNode, RunfilesTree, add};
use crate::keys::{ArtifactKey, PackageKey, RunfilesKey, SettingKey, TargetKey};
use crate::packages::{Package, PackageLookup};
use crate::services::{CallerEnv, Events, Execution, Workspace};
use crate::settings::SettingMatch;
use crate::spawn::{DEFAULT_PATH, action_event, action_source, cache_scope};
use crate::targets::{LoadedKind, LoadedTarget};
use crate::tools::Machine;
use crate::undeclared::warn_of_test;

/// A test to run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TestKey {
    /// The target.
    pub label: Label,
    /// How.
    pub options: Arc<TestOptions>,
}
impl Param for TestKey {}

/// What the command line says about tests.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct TestOptions {
    /// `--test_filter`
    pub filter: Option<String>,
    /// `--test_arg`
    pub args: Vec<String>,
    /// `--test_env` with values.
    pub env: BTreeMap<String, String>,
    /// `--runs_per_test`: patterns for labels (`None`: all) with numbers; the last that fits counts.
    pub runs: Vec<(Option<String>, u32)>,
    /// `--flaky_test_attempts`, likewise; `None` for the default: 3 for flaky tests, else 1.
    pub attempts: Vec<(Option<String>, Option<u32>)>,
    /// `--test_timeout` in seconds for short, moderate, long and eternal tests.
    pub timeouts: [Option<u64>; 4],
    /// `--cache_test_results=no`, `--force`: run even if there is a result.
    pub force: bool,
    /// `--test_sharding_strategy=disabled`
    pub no_sharding: bool,
    /// Whether output is streamed while tests run.
    pub streamed: bool,
}

/// What came of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestOutcome {
    /// The target.
    pub label: Label,
    /// Its verdict.
    pub status: TestStatus,
    /// All runs, shards and attempts, in order.
    pub attempts: Vec<TestAttempt>,
    /// Whether every attempt came from a cache.
    pub cached: bool,
    /// The time of all attempts together.
    pub elapsed: Duration,
    /// Logs and reports: paths below the test's folder in the log folder.
    pub logs: Vec<(String, Node)>,
    /// Why it was skipped.
    pub skipped: Option<Arc<str>>,
}
impl Product for TestOutcome {}

impl TestOutcome {
    /// The folder of its logs, in the place that Bazel gives them below the output folder.
    pub fn log_folder(&self) -> String {
        let (package, name) = (self.label.package(), self.label.name());
        let repo = match package.repo.is_root() {
            true => String::new(),
            false => format!("external/{}/", package.repo.as_str()),
        };
        match package.path.is_root() {
            true => format!("kiln-out/testlogs/{repo}{name}"),
            false => format!("kiln-out/testlogs/{repo}{}/{name}", package.path),
        }
    }
}

/// Bazel's timeouts in seconds: short, moderate, long, eternal.
const TIMEOUTS: [u64; 4] = [60, 300, 900, 3600];

/// Runs a test.
#[rule(
    uses(Execution, Events, CallerEnv, Store, Workspace),
    gets(
        SettingKey -> SettingMatch, ArtifactKey -> ArtifactNode, RunfilesKey -> RunfilesTree,
        TargetKey -> LoadedTarget, TargetKey -> Analyzed, () -> Machine,
        PackageKey -> Package, PackageKey -> PackageLookup
    )
)]
pub async fn test_outcome(
    cx: &RuleCx,
    key: Arc<TestKey>,
    _configuration: Arc<Configuration>,
) -> Result<TestOutcome, Diag> {
    let analyzed = get!(Analyzed, TargetKey(key.label.clone())).await?;
    let target = match &analyzed.outcome {
        Outcome::Ready(Dep::Target(target)) => target.clone(),
        Outcome::Ready(_) => return Err(Diag::build(format!("`{}` is no test", key.label))),
        Outcome::Incompatible(reason) => return Ok(skipped(&key.label, reason.clone())),
    };
    let loaded = get!(LoadedTarget, TargetKey(target.label.clone())).await?;
    let LoadedKind::Rule(def) = &loaded.kind else {
        return Err(Diag::internal(format!("`{}` has no rule", target.label)));
    };
    let attrs = Attrs::read(cx, def).await?;
    let test = Test {
        key: &key,
        target: &target,
        attrs,
        process: None,
    };
    test.run(cx).await
}

fn skipped(label: &Label, reason: Arc<str>) -> TestOutcome {
    TestOutcome {
        label: label.clone(),
        status: TestStatus::Skipped,
        attempts: Vec::new(),
        cached: false,
        elapsed: Duration::ZERO,
        logs: Vec::new(),
        skipped: Some(reason),
    }
}

/// The attributes that say how a test runs.
struct Attrs {
    size: Arc<str>,
    timeout: Option<Arc<str>>,
    flaky: bool,
    shards: u32,
    local: bool,
    tags: Vec<Arc<str>>,
}

impl Attrs {
    async fn read(cx: &RuleCx<test_outcome>, def: &TargetDef) -> Result<Attrs, Diag> {
        let values = resolved_attrs(cx, def).await?;
        let find = |name: &str| {
            let at = def
                .rule
                .attrs
                .iter()
                .position(|schema| *schema.name == *name);
            at.map(|at| &values[at])
        };
        let text = |name: &str| match find(name) {
            Some(AttrValue::String(text)) if !text.is_empty() => Some(text.clone()),
            _ => None,
        };
        let truth = |name: &str| find(name).and_then(AttrValue::as_bool).unwrap_or(false);
        let shards = find("shard_count").and_then(AttrValue::as_int).unwrap_or(0);
        let tags = find("tags").map_or(&[][..], AttrValue::items).iter();
        Ok(Attrs {
            size: text("size").unwrap_or_else(|| Arc::from("medium")),
            timeout: text("timeout"),
            flaky: truth("flaky"),
            shards: u32::try_from(shards).unwrap_or(0).min(50),
            local: truth("local"),
            tags: tags.filter_map(|tag| tag.as_str().map(Arc::from)).collect(),
        })
    }

    fn tag(&self, name: &str) -> bool {
        self.tags.iter().any(|tag| **tag == *name)
    }

    /// `timeout`, else what belongs to `size` (Bazel).
    fn timeout(&self, options: &TestOptions) -> Duration {
        let class = match (self.timeout.as_deref(), &*self.size) {
            (Some("short"), _) | (None, "small") => 0,
            (Some("long"), _) | (None, "large") => 2,
            (Some("eternal"), _) | (None, "enormous") => 3,
            _ => 1,
        };
        Duration::from_secs(options.timeouts[class].unwrap_or(TIMEOUTS[class]))
    }

    /// Tags that are execution requirements.
    fn requirements(&self) -> BTreeMap<Arc<str>, Arc<str>> {
        let mut requirements: BTreeMap<Arc<str>, Arc<str>> = self
            .tags
            .iter()
            .map(|tag| (tag.clone(), Arc::from("")))
            .collect();
        if self.local {
            requirements.insert(Arc::from("local"), Arc::from(""));
        }
        requirements
    }

    fn slots(&self) -> u32 {
        let cpus = self
            .tags
            .iter()
            .filter_map(|tag| tag.strip_prefix("cpu:")?.parse().ok());
        cpus.max().unwrap_or(1)
    }
}

struct Test<'a> {
    key: &'a TestKey,
    target: &'a AnalyzedTarget,
    attrs: Attrs,
    process: Option<Process>,
}

/// Which of the runs and shards.
#[derive(Clone, Copy)]
struct Part {
    run: u32,
    shard: u32,
}

impl Test<'_> {
    async fn run(mut self, cx: &RuleCx<test_outcome>) -> Result<TestOutcome, Diag> {
        self.process = Some(self.base_process(cx).await?);
        let shards = if self.key.options.no_sharding {
            0
        } else {
            self.attrs.shards
        };
        let mut parts = Vec::new();
        for run in 0..self.runs() {
            parts.extend((0..shards.max(1)).map(|shard| Part { run, shard }));
        }
        let events = cx.service::<Events>()?;
        events.0.emit(Event::ActionsPlanned(parts.len()));
        let each = parts.iter().map(|part| self.run_part(cx, *part, shards));
        let results = futures::future::try_join_all(each).await?;
        self.summarize(&parts, shards, results)
    }

    /// How often the test is run.
    fn runs(&self) -> u32 {
        self.last_fitting(&self.key.options.runs)
            .copied()
            .unwrap_or(1)
            .max(1)
    }

    /// The value of the last entry whose pattern fits the test's label.
    fn last_fitting<'o, T>(&self, entries: &'o [(Option<String>, T)]) -> Option<&'o T> {
        let label = self.key.label.to_string();
        let fits = |pattern: &Option<String>| match pattern {
            None => true,
            Some(pattern) => Regex::new(pattern).is_ok_and(|regex| regex.is_match(&label)),
        };
        entries
            .iter()
            .rev()
            .find(|(pattern, _)| fits(pattern))
            .map(|(_, value)| value)
    }

    /// The process without what differs between runs and shards.
    async fn base_process(&self, cx: &RuleCx<test_outcome>) -> Result<Process, Diag> {
        let label = &self.target.label;
        let Some(executable) = &self.target.executable else {
            return Err(Diag::build(format!("test `{label}` has no program to run")));
        };
        let runfiles = RunfilesKey::new(self.target.runfiles.clone());
        let (program, runfiles) = futures::try_join!(
            cx.get::<ArtifactNode, _>((ArtifactKey(executable.clone()),)),
            cx.get::<RunfilesTree, _>((runfiles,)),
        )?;
        let mut inputs = TreeBuilder::new();
        let exec_path = executable.exec_path();
        add(&mut inputs, exec_path, program.0.clone())?;
        let folder = format!("{exec_path}.runfiles");
        add(&mut inputs, &folder, Node::Dir(runfiles.0.clone()))?;
        let own = format!("{folder}/{}", executable.runfiles_path());
        if runfiles.0.get(&rel(&executable.runfiles_path())?).is_none() {
            add(&mut inputs, &own, program.0.clone())?;
        }
        let machine = cx.get::<Machine, _>(()).await?;
        let requirements = self.attrs.requirements();
        Ok(Process {
            argv: self.command_line(executable, &machine.0.shell.bash),
            env: self.environment(cx, executable)?,
            workdir: RelPath::root(),
            inputs: inputs.build(),
            outputs: vec![
                rel("test-out/test.xml")?,
                rel("test-out/test.outputs")?,
                rel("test-out/shard")?,
            ],
            timeout: Some(self.attrs.timeout(&self.key.options)),
            network: self.attrs.tag("requires-network"),
            platform: BTreeMap::new(),
            environment: machine.1.clone(),
            cache: match cache_scope(&requirements) {
                CacheScope::Session => CacheScope::Session,
                // A forced test must run, and a repeated one must run each time.
                _ if self.key.options.force || self.attrs.tag("external") => CacheScope::Session,
                scope => scope,
            },
        })
    }

    /// A shell sets up what must be absolute, wherever the action runs, and becomes the test.
    fn command_line(&self, executable: &Artifact, bash: &str) -> Vec<String> {
        const SCRIPT: &str = "root=$PWD
export TEST_SRCDIR=\"$root/$0.runfiles\" RUNFILES_DIR=\"$root/$0.runfiles\"
export PYTHON_RUNFILES=\"$RUNFILES_DIR\" JAVA_RUNFILES=\"$RUNFILES_DIR\"
export XML_OUTPUT_FILE=\"$root/test-out/test.xml\"
export TEST_UNDECLARED_OUTPUTS_DIR=\"$root/test-out/test.outputs\"
export TEST_PREMATURE_EXIT_FILE=\"$TEST_TMPDIR/premature-exit\"
export TEST_WARNINGS_OUTPUT_FILE=\"$TEST_TMPDIR/warnings\"
export TEST_INFRASTRUCTURE_FAILURE_FILE=\"$TEST_TMPDIR/infrastructure-failure\"
export TEST_UNUSED_RUNFILES_LOG_FILE=\"$TEST_TMPDIR/unused-runfiles\"
export TEST_LOGSPLITTER_OUTPUT_FILE=\"$TEST_TMPDIR/logsplitter\"
[ -z \"$TEST_TOTAL_SHARDS\" ] || export TEST_SHARD_STATUS_FILE=\"$root/test-out/shard\"
mkdir -p \"$TEST_TMPDIR\" \"$TEST_UNDECLARED_OUTPUTS_DIR\"
cd \"$TEST_SRCDIR/$TEST_WORKSPACE\" || exit 127
exec \"$TEST_SRCDIR/$TEST_BINARY_RUNFILES\" \"$@\" 2>&1";
        let mut argv = vec![bash.to_owned(), "-c".to_owned(), SCRIPT.to_owned()];
        argv.push(executable.exec_path().to_owned());
        argv.extend(self.target.args.iter().map(ToString::to_string));
        argv.extend(self.key.options.args.iter().cloned());
        argv
    }

    fn environment(
        &self,
        cx: &RuleCx<test_outcome>,
        executable: &Artifact,
    ) -> Result<BTreeMap<String, String>, Diag> {
        let caller = cx.service::<CallerEnv>()?;
        let timeout = self.attrs.timeout(&self.key.options).as_secs();
        let workspace = "_main";
        let mut env: BTreeMap<String, String> = BTreeMap::new();
        let mut set = |name: &str, value: String| env.insert(name.to_owned(), value);
        set("PATH", DEFAULT_PATH.to_owned());
        set("TZ", "UTC".to_owned());
        set("HOME", "/tmp/test".to_owned());
        set("USER", "build".to_owned());
        set("LOGNAME", "build".to_owned());
        set("TEST_TMPDIR", "/tmp/test".to_owned());
        set("TEST_WORKSPACE", workspace.to_owned());
        set("TEST_TARGET", self.target.label.to_string());
        set("TEST_BINARY", executable.short_path());
        set("TEST_BINARY_RUNFILES", executable.runfiles_path());
        set("TEST_SIZE", self.attrs.size.to_string());
        set("TEST_TIMEOUT", timeout.to_string());
        set("RUN_UNDER_RUNFILES", "1".to_owned());
        set("RUNTEST_PRESERVE_CWD", "1".to_owned());
        set("BAZEL_TEST", "1".to_owned());
        set("KILN_TEST", "1".to_owned());
        set("GTEST_TMP_DIR", "/tmp/test".to_owned());
        if let Some(filter) = &self.key.options.filter {
            set("TESTBRIDGE_TEST_ONLY", filter.clone());
            set("TEST_FILTER", filter.clone());
        }
        for name in &self.target.run_environment.inherited {
            if let Some(value) = caller.0.get(&**name) {
                set(name, value.clone());
            }
        }
        for (name, value) in &self.target.run_environment.environment {
            set(name, value.to_string());
        }
        for (name, value) in &self.key.options.env {
            set(name, value.clone());
        }
        Ok(env)
    }

    /// One shard of one run, tried again if it fails and may.
    async fn run_part(
        &self,
        cx: &RuleCx<test_outcome>,
        part: Part,
        shards: u32,
    ) -> Result<Vec<ProcessResult>, Diag> {
        let Some(base) = &self.process else {
            return Err(Diag::internal("no test process"));
        };
        let mut process = base.clone();
        let mut set =
            |name: &str, value: u32| process.env.insert(name.to_owned(), value.to_string());
        if shards > 0 {
            set("TEST_TOTAL_SHARDS", shards);
            set("TEST_SHARD_INDEX", part.shard);
        }
        if self.runs() > 1 {
            set("TEST_RUN_NUMBER", part.run + 1);
        }
        let given = self
            .last_fitting(&self.key.options.attempts)
            .copied()
            .flatten();
        let attempts = match given {
            Some(attempts) => attempts.max(1),
            None if self.attrs.flaky => 3,
            None => 1,
        };
        let mut results = Vec::new();
        for attempt in 1..=attempts {
            if attempt > 1 {
                // The attempt is part of the key, so that a retry is never a hit (PX-002).
                process
                    .env
                    .insert("TEST_ATTEMPT_NUMBER".to_owned(), attempt.to_string());
            }
            let result = self.execute(cx, &process).await?;
            let passed = result.exit.success();
            results.push(result);
            if passed {
                break;
            }
        }
        Ok(results)
    }

    async fn execute(
        &self,
        cx: &RuleCx<test_outcome>,
        process: &Process,
    ) -> Result<ProcessResult, Diag> {
        let execution = cx.service::<Execution>()?;
        let events = cx.service::<Events>()?;
        let label = self.target.label.to_string();
        let describe = Description {
            label: label.clone(),
            mnemonic: "TestRunner".to_owned(),
            progress: format!("Testing {label}"),
        };
        let keyed = Keyed::of(process);
        let action = action_event(&describe, keyed.digest);
        let observer = Watcher {
            events: &events,
            action,
        };
        let request = Request {
            process,
            action: keyed.digest,
            describe: &describe,
            slots: self.attrs.slots(),
            exclusive: self.attrs.tag("exclusive"),
            writable: true,
            observer: &observer,
        };
        let result = execution
            .executor
            .execute(request)
            .await
            .map_err(|error| match error {
                ExecError::MissingBlob(digest) => {
                    Diag::environment(format!("blob {digest} is gone from the store"))
                }
                ExecError::Unavailable(diag) | ExecError::Failed(diag) => {
                    diag.note(format!("while running test `{label}`"))
                }
            })?;
        events.0.emit(Event::ActionFinished {
            action: observer.action,
            source: action_source(result.source),
            success: result.exit.success(),
            elapsed: result.elapsed,
        });
        if let (false, Some(executable)) = (result.exit.success(), &self.target.executable) {
            let (label, program) = (&self.target.label, executable.exec_path());
            warn_of_test(cx, label, program, process, &result).await?;
        }
        Ok(result)
    }

    fn summarize(
        &self,
        parts: &[Part],
        shards: u32,
        results: Vec<Vec<ProcessResult>>,
    ) -> Result<TestOutcome, Diag> {
        let mut outcome = TestOutcome {
            label: self.key.label.clone(),
            status: TestStatus::Passed,
            attempts: Vec::new(),
            cached: true,
            elapsed: Duration::ZERO,
            logs: Vec::new(),
            skipped: None,
        };
        for (part, attempts) in parts.iter().zip(&results) {
            let count = attempts.len();
            for (at, result) in attempts.iter().enumerate() {
                let last = at + 1 == count;
                let name = self.attempt_name(*part, shards, at, last);
                outcome.logs.extend(logs(&name, result));
                outcome.elapsed += result.elapsed;
                outcome.cached &= result.source != Source::Ran;
                outcome.attempts.push(attempt(part, shards, at, result));
            }
            if let Some(last) = attempts.last() {
                let verdict = match last.exit {
                    Exit::Code(0) if count > 1 => TestStatus::Flaky,
                    Exit::Code(0) => TestStatus::Passed,
                    Exit::TimedOut => TestStatus::Timeout,
                    _ => TestStatus::Failed,
                };
                outcome.status = outcome.status.max(verdict);
                let ignored = shards > 1
                    && last.exit.success()
                    && last.outputs.get(&rel("test-out/shard")?).is_none();
                if ignored && part.shard == 0 {
                    // Every shard then runs all tests: right, but not what was asked for.
                    outcome
                        .attempts
                        .iter_mut()
                        .for_each(|attempt| attempt.unsharded = true);
                }
            }
        }
        Ok(outcome)
    }

    /// The folder of an attempt below the test's own: empty for the ordinary case.
    fn attempt_name(&self, part: Part, shards: u32, attempt: usize, last: bool) -> String {
        let mut names = Vec::new();
        if shards > 1 {
            names.push(format!("shard_{}_of_{shards}", part.shard + 1));
        }
        if self.runs() > 1 {
            names.push(format!("run_{}_of_{}", part.run + 1, self.runs()));
        }
        let mut name = names.join("_");
        if !last {
            name.push_str(&format!(
                "{}attempt_{}",
                if name.is_empty() { "" } else { "/" },
                attempt + 1
            ));
        }
        name
    }
}

fn rel(path: &str) -> Result<RelPath, Diag> {
    RelPath::normalize(path).map_err(|error| Diag::internal(error.to_string()))
}

fn attempt(part: &Part, shards: u32, at: usize, result: &ProcessResult) -> TestAttempt {
    TestAttempt {
        run: part.run + 1,
        shard: (shards > 1).then_some(part.shard + 1),
        attempt: at as u32 + 1,
        status: match result.exit {
            Exit::Code(0) => TestStatus::Passed,
            Exit::TimedOut => TestStatus::Timeout,
            _ => TestStatus::Failed,
        },
        exit: crate::spawn::exit_text(result.exit),
        log: result.stdout,
        elapsed: result.elapsed,
        cached: result.source != Source::Ran,
        unsharded: false,
    }
}

/// The files that an attempt leaves in the log folder.
fn logs(name: &str, result: &ProcessResult) -> Vec<(String, Node)> {
    let path = |file: &str| match name {
        "" => file.to_owned(),
        name => format!("{name}/{file}"),
    };
    let log = |digest: Digest| Node::File {
        digest,
        executable: false,
    };
    let mut files = vec![(path("test.log"), log(result.stdout))];
    for (from, to) in [
        ("test-out/test.xml", "test.xml"),
        ("test-out/test.outputs", "test.outputs"),
    ] {
        let found = rel(from)
            .ok()
            .and_then(|from| result.outputs.get(&from).cloned());
        match found {
            Some(Node::Dir(tree)) if tree.is_empty() => {}
            Some(node) => files.push((path(to), node)),
            None => {}
        }
    }
    files
}

/// Passes on what a running test does.
struct Watcher<'a> {
    events: &'a Events,
    action: ActionEvent,
}

impl Observer for Watcher<'_> {
    fn started(&self) {
        self.events
            .0
            .emit(Event::ActionStarted(self.action.clone()));
        self.events.0.emit(Event::TestStarted {
            label: self.action.label.clone(),
        });
    }

    fn output(&self, bytes: &[u8]) {
        let label = self.action.label.clone();
        self.events.0.emit(Event::TestOutput {
            label,
            bytes: bytes.to_vec(),
        });
    }
}

/// The rules of this module.
pub fn rules() -> Vec<&'static RuleDef> {
    rules![test_outcome]
}
