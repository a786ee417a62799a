//! The goals `build` and `test` over many targets: what was asked for, in parallel, and what
//! became of each.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use futures::stream::{FuturesUnordered, StreamExt};
use kiln_address::Label;
use kiln_diag::Diag;
use kiln_events::{Event, TargetStatus, TestEvent, TestStatus};
use kiln_rules::{Param, Product, RuleCx, RuleDef, rule, rules};
use kiln_targets::Configuration;

use crate::analysis::{Analyzed, Outcome};
use crate::build::Built;
use crate::fit::{self, FitReport, FitRequest};
use crate::keys::TargetKey;
use crate::members;
use crate::patterns::{Selected, SelectedTarget, Selection};
use crate::repos::Repositories;
use crate::services::Events;
use crate::test::{TestKey, TestOptions, TestOutcome};

/// A request to build targets and, if asked for, to run those that are tests.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GoalRequest {
    /// Which targets.
    pub selection: Selection,
    /// Whether failures end only what depends on them (`-k`).
    pub keep_going: bool,
    /// How tests are run; `None` if they are only built.
    pub tests: Option<Arc<TestOptions>>,
    /// `--build_tests_only`
    pub tests_only: bool,
    /// Whether other tests go on when one fails (`--test_keep_going`).
    pub test_keep_going: bool,
    /// How far to go.
    pub depth: Depth,
    /// Whether environments have names, so that targets may not fit theirs.
    pub check_environments: bool,
}
impl Param for GoalRequest {}

/// How far a goal goes with its targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Depth {
    /// Find them (`--noanalyze`).
    Find,
    /// Analyze them (`--nobuild`).
    Analyze,
    /// Build them, and run tests.
    Build,
}

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
pub struct GoalReport {
    /// The targets that were asked for, with what they made or why not; sorted by label. Those
    /// that a failure kept from being tried are not among them.
    pub targets: Vec<(SelectedTarget, Result<Arc<Built>, Diag>)>,
    /// The tests that ran, sorted by label.
    pub tests: Vec<Arc<TestOutcome>>,
    /// Errors that belong to no target: packages that do not load.
    pub errors: Vec<Diag>,
}
impl Product for GoalReport {}

impl GoalReport {
    /// All distinct errors, those without a target first.
    pub fn all_errors(&self) -> Vec<&Diag> {
        let failed = self
            .targets
            .iter()
            .filter_map(|(_, result)| result.as_ref().err());
        let mut errors: Vec<&Diag> = Vec::new();
        for error in self.errors.iter().chain(failed) {
            if !errors.contains(&error) {
                errors.push(error);
            }
        }
        errors
    }
}

/// What one target came to.
enum Done {
    Built(Result<Arc<Built>, Diag>),
    Tested(Arc<Built>, Result<Arc<TestOutcome>, Diag>),
}

/// Builds and tests.
#[rule(
    uses(Events),
    gets(
        TargetKey -> Built, TargetKey -> Analyzed, TestKey -> TestOutcome,
        FitRequest -> FitReport
    )
)]
pub async fn goal_report(
    cx: &RuleCx,
    request: Arc<GoalRequest>,
    _configuration: Arc<Configuration>,
) -> Result<GoalReport, Diag> {
    // What a goal tells the world belongs to one session.
    cx.mark_uncacheable();
    let events = cx.service::<Events>()?;
    let selected = get!(Selected, request.selection.clone() => Selection).await?;
    for (module, folder) in &get!(Repositories).await?.found_beside {
        let folder = folder.display();
        events.0.emit(Event::Note(format!(
            "module `{module}` is taken from {folder}"
        )));
    }
    let mut report = GoalReport {
        targets: Vec::new(),
        tests: Vec::new(),
        errors: selected.errors.clone(),
    };
    let mut wanted: Vec<SelectedTarget> = selected.targets.clone();
    if request.tests_only {
        wanted.retain(|target| target.run);
    }
    events.0.emit(Event::TargetsRequested(wanted.len()));
    for error in &report.errors {
        events.0.emit(Event::Diagnostic(error.clone()));
    }
    let wanted = fitting(cx, &request, &events, &mut report, wanted).await?;
    let mut pending: FuturesUnordered<_> = wanted
        .into_iter()
        .map(|target| {
            let request = &request;
            let tests = request.tests.clone().filter(|_| target.run);
            async move {
                let done = match request.depth {
                    Depth::Find => Done::Built(Ok(Arc::new(Built::Checked))),
                    Depth::Analyze => Done::Built(analyze(cx, &target).await),
                    Depth::Build => build(cx, &target, tests).await,
                };
                (done, target)
            }
        })
        .collect();
    while let Some((done, target)) = pending.next().await {
        let testing = request.tests.is_some() && target.run && request.depth == Depth::Build;
        let end = take(&mut report, &events, target, done, testing);
        let stop = match end {
            End::Good => false,
            End::NotBuilt => !request.keep_going,
            End::TestFailed => !request.test_keep_going,
        };
        if stop {
            break;
        }
    }
    drop(pending);
    report.targets.sort_by(|a, b| a.0.cmp(&b.0));
    report.tests.sort_by(|a, b| a.label.cmp(&b.label));
    Ok(report)
}

/// Those of the targets that fit their environments, which is known before anything runs. The others
/// have failed; then none is left, unless it is to go on.
async fn fitting(
    cx: &RuleCx<goal_report>,
    request: &GoalRequest,
    events: &Events,
    report: &mut GoalReport,
    wanted: Vec<SelectedTarget>,
) -> Result<Vec<SelectedTarget>, Diag> {
    if !request.check_environments || request.depth == Depth::Find {
        return Ok(wanted);
    }
    let key = FitRequest {
        targets: wanted.iter().map(|target| target.label.clone()).collect(),
        probe: false,
    };
    let found = cx.get::<FitReport, _>((key,)).await?;
    for finding in found.findings.iter() {
        if finding.kind == fit::Kind::Workspace {
            let warning = finding.diag.clone().into_warning();
            events.0.emit(Event::Diagnostic(warning));
        }
    }
    let misfit = |target: &SelectedTarget| {
        let mut findings = found.findings.iter();
        findings.find(|one| one.kind.stops_builds() && one.concerns.contains(&target.label))
    };
    let mut left = Vec::new();
    let mut stop = false;
    for target in wanted {
        match misfit(&target) {
            None => left.push(target),
            Some(finding) => {
                let testing =
                    request.tests.is_some() && target.run && request.depth == Depth::Build;
                let done = Done::Built(Err(finding.diag.clone()));
                take(report, events, target, done, testing);
                stop = !request.keep_going;
            }
        }
    }
    if stop {
        left.clear();
    }
    Ok(left)
}

async fn analyze(cx: &RuleCx<goal_report>, target: &SelectedTarget) -> Result<Arc<Built>, Diag> {
    let key = (TargetKey(target.label.clone()),);
    let analyzed = cx.get::<Analyzed, _>(key).await?;
    Ok(Arc::new(match &analyzed.outcome {
        Outcome::Ready(_) => Built::Checked,
        Outcome::Members(members) => return Err(members::unclear(&target.label, members)),
        Outcome::Incompatible(reason) => Built::Skipped(reason.clone()),
    }))
}

async fn build(
    cx: &RuleCx<goal_report>,
    target: &SelectedTarget,
    tests: Option<Arc<TestOptions>>,
) -> Done {
    let built = cx.get::<Built, _>((TargetKey(target.label.clone()),)).await;
    let (Ok(built), Some(options)) = (&built, tests) else {
        return Done::Built(built);
    };
    let key = TestKey {
        label: target.label.clone(),
        options,
    };
    let outcome = cx.get::<TestOutcome, _>((key,)).await;
    Done::Tested(built.clone(), outcome)
}

/// What the end of a target means for the others.
enum End {
    Good,
    NotBuilt,
    TestFailed,
}

/// Notes what a target came to.
fn take(
    report: &mut GoalReport,
    events: &Events,
    target: SelectedTarget,
    done: Done,
    testing: bool,
) -> End {
    let (built, test) = match done {
        Done::Built(built) => (built, None),
        Done::Tested(built, Ok(test)) => (Ok(built), Some(test)),
        Done::Tested(_, Err(error)) => (Err(error), None),
    };
    // A target that was named must not be skipped in silence (Bazel).
    let built = match built {
        Ok(built) => match (&*built, target.named) {
            (Built::Skipped(reason), true) => Err(incompatible(&target.label, reason)),
            _ => Ok(built),
        },
        error => error,
    };
    let status = match built.as_deref() {
        Ok(Built::Skipped(_)) => TargetStatus::Skipped,
        Ok(Built::Checked) => TargetStatus::Checked,
        Ok(Built::Ready(_)) => TargetStatus::Built,
        Err(_) => TargetStatus::Failed,
    };
    if let Err(error) = &built {
        // Targets that fail for one cause say it once.
        let said = report
            .targets
            .iter()
            .any(|(_, other)| other.as_ref().err() == Some(error));
        if !said {
            events.0.emit(Event::Diagnostic(error.clone()));
        }
    }
    events.0.emit(Event::TargetFinished {
        label: target.label.to_string(),
        status,
    });
    if let Some(test) = &test {
        events.0.emit(Event::TestFinished(test_event(test)));
    } else if testing && built.is_err() {
        events.0.emit(Event::TestFinished(not_built(&target.label)));
    }
    let passed = test.as_ref().is_none_or(|test| test.status.success());
    let end = match (&built, passed) {
        (Err(_), _) => End::NotBuilt,
        (Ok(_), false) => End::TestFailed,
        (Ok(_), true) => End::Good,
    };
    report.tests.extend(test);
    report.targets.push((target, built));
    end
}

fn incompatible(label: &Label, reason: &str) -> Diag {
    Diag::build(format!(
        "`{label}` is incompatible with the target platform: {reason}"
    ))
    .hint("leave it out, or choose a platform it is made for with `--platforms`")
}

fn test_event(test: &TestOutcome) -> TestEvent {
    TestEvent {
        label: test.label.to_string(),
        status: test.status,
        attempts: test.attempts.clone(),
        cached: test.cached && !test.attempts.is_empty(),
        elapsed: test.elapsed,
    }
}

fn not_built(label: &Label) -> TestEvent {
    TestEvent {
        label: label.to_string(),
        status: TestStatus::NotBuilt,
        attempts: Vec::new(),
        cached: false,
        elapsed: std::time::Duration::ZERO,
    }
}

/// The rules of this module.
pub fn rules() -> Vec<&'static RuleDef> {
    rules![goal_report]
}
