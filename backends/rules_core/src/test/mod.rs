//! The goal `test`: a test with all its runs, shards and attempts (Bazel: test encyclopedia).

mod attempts;
mod attrs;
mod filter;
mod outcome;
mod process;
mod run_under;
mod timeout;
mod xml;

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_address::Label;
use kiln_diag::Diag;
use kiln_events::Event;
use kiln_process::Process;
use kiln_rules::{Param, RuleCx, RuleDef, rule, rules};
use kiln_store::Store;
use kiln_targets::{AnalyzedTarget, Configuration, Dep};

use crate::actions::{ActionOutputs, Template};
use crate::analysis::{Analyzed, Outcome};
use crate::artifacts::{ArtifactNode, RunfilesTree};
use crate::files::{DirEntries, FileNode};
use crate::keys::{
    ActionKey, ArtifactKey, DirKey, FileKey, PackageKey, RunfilesKey, SettingKey, TargetKey,
};
use crate::members;
use crate::packages::{Package, PackageLookup};
use crate::repos::Repositories;
use crate::services::{CallerEnv, Elsewhere, Events, Execution, Workspace};
use crate::settings::SettingMatch;
use crate::targets::{LoadedKind, LoadedTarget};
use crate::tools::{Machine, MachineKey, Shell, Surroundings};
use attrs::Attrs;
pub use filter::{LabelFilter, PerLabel};
pub use outcome::TestOutcome;
pub use run_under::RunUnder;
pub(crate) use timeout::TimeoutClass;

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
    /// `--runs_per_test`
    pub runs: Vec<PerLabel<u32>>,
    /// `--runs_per_test_detects_flakes`: a test of which some runs pass is flaky, not failed.
    pub detect_flakes: bool,
    /// `--flaky_test_attempts`; `None` for the default: 3 for flaky tests, else 1.
    pub attempts: Vec<PerLabel<Option<u32>>>,
    /// `--test_timeout` in seconds for short, moderate, long and eternal tests.
    pub timeouts: [Option<u64>; 4],
    /// `--cache_test_results`
    pub reuse: Reuse,
    /// `--test_sharding_strategy=disabled`
    pub no_sharding: bool,
    /// `--incompatible_check_sharding_support`: a test with shards that does not say that it has
    /// read which shard it is fails.
    pub check_sharding: bool,
    /// `--test_strategy=exclusive`: nothing runs beside a test.
    pub exclusive: bool,
    /// `--test_runner_fail_fast`: a test is asked to end at its first failed case.
    pub fail_fast: bool,
    /// `--run_under`
    pub run_under: Option<RunUnder>,
}

/// Which results of tests are used again (`--cache_test_results`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Reuse {
    /// Those of tests that passed, and were not asked to run several times.
    #[default]
    Auto,
    /// All, those of failed tests included.
    All,
    /// None.
    Nothing,
}

/// Runs a test.
#[rule(
    uses(Execution, Elsewhere, Events, CallerEnv, Store, Workspace),
    gets(
        SettingKey -> SettingMatch, ArtifactKey -> ArtifactNode, RunfilesKey -> RunfilesTree,
        TargetKey -> LoadedTarget, TargetKey -> Analyzed, MachineKey -> Shell,
        MachineKey -> Machine, MachineKey -> Surroundings,
        PackageKey -> Package, PackageKey -> PackageLookup, DirKey -> DirEntries,
        () -> Repositories, FileKey -> FileNode,
        (TargetKey, Configuration) -> Analyzed, ActionKey -> Template, ActionKey -> ActionOutputs
    )
)]
pub async fn test_outcome(
    cx: &RuleCx,
    key: Arc<TestKey>,
    _configuration: Arc<Configuration>,
    repositories: Arc<Repositories>,
) -> Result<TestOutcome, Diag> {
    let analyzed = get!(Analyzed, TargetKey(key.label.clone())).await?;
    let target = match &analyzed.outcome {
        Outcome::Ready(Dep::Target(target)) => target.clone(),
        Outcome::Ready(_) => return Err(Diag::build(format!("`{}` is no test", key.label))),
        Outcome::Members(members) => return Err(members::unclear(&key.label, members)),
        Outcome::Incompatible(reason) => {
            return Ok(TestOutcome::skipped(&key.label, reason.clone()));
        }
    };
    let loaded = get!(LoadedTarget, TargetKey(target.label.clone())).await?;
    let LoadedKind::Rule(def) = &loaded.kind else {
        return Err(Diag::internal(format!("`{}` has no rule", target.label)));
    };
    let attrs = Attrs::read(cx, def, &target.test_requirements).await?;
    let test = Test {
        key: &key,
        target: &target,
        repositories: &repositories,
        attrs,
    };
    test.run(cx).await
}

type Cx = RuleCx<test_outcome>;

struct Test<'a> {
    key: &'a TestKey,
    target: &'a AnalyzedTarget,
    repositories: &'a Repositories,
    attrs: Attrs,
}

impl Test<'_> {
    async fn run(&self, cx: &Cx) -> Result<TestOutcome, Diag> {
        let process: Process = self.base_process(cx).await?;
        let parts = self.parts();
        let planned = Event::ActionsPlanned(parts.len());
        cx.service::<Events>()?.0.emit(planned);
        let each = parts.iter().map(|part| self.attempts(cx, &process, *part));
        let attempts = futures::future::try_join_all(each).await?;
        self.summarize(&*cx.service::<Store>()?, &parts, &attempts)
    }
}

/// The rules of this module.
pub fn rules() -> Vec<&'static RuleDef> {
    rules![test_outcome]
}
