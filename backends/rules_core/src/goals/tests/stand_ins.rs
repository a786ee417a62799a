//! Rules that stand in for those below goals.

use std::sync::Arc;
use std::time::Duration;

use kiln_address::{Label, PackageId, Repo};
use kiln_base::RelPath;
use kiln_diag::Diag;
use kiln_events::TestStatus;
use kiln_rules::{RuleCx, RuleDef, rule, rules};
use kiln_targets::{Artifact, ArtifactKind, Configuration, Dep, Visibility};
use kiln_tree::Tree;

use crate::analysis::{Analyzed, Outcome};
use crate::build::{Built, BuiltTarget};
use crate::fit::{Finding, FitReport, FitRequest, Kind};
use crate::keys::TargetKey;
use crate::patterns::{Selected, SelectedTarget, Selection};
use crate::repos::Repositories;
use crate::test::{TestKey, TestOutcome};

/// The patterns are the names of the targets. One that begins with `test` is a test, to be run
/// unless it has `idle` in it; one with `!` at its end was named. `nowhere` is an error.
#[rule]
async fn selected(_cx: &RuleCx, selection: Arc<Selection>) -> Result<Selected, Diag> {
    let root = PackageId::new(Repo::root(), RelPath::root());
    let mut found = Selected {
        targets: Vec::new(),
        errors: Vec::new(),
    };
    for text in &selection.patterns {
        let name = text.trim_end_matches('!');
        if name == "nowhere" {
            found.errors.push(Diag::build("no such package"));
            continue;
        }
        let label = root.target(name);
        let test = name.starts_with("test");
        found.targets.push(SelectedTarget {
            label: label.map_err(|error| Diag::internal(error.to_string()))?,
            kind: Arc::from("rule"),
            test,
            run: test && !name.contains("idle"),
            named: name != text,
        });
    }
    Ok(found)
}

/// Targets whose names begin with `misfit` do not fit.
#[rule]
async fn fit_report(
    _cx: &RuleCx,
    request: Arc<FitRequest>,
    _configuration: Arc<Configuration>,
) -> Result<FitReport, Diag> {
    let misfits = request.targets.iter();
    let misfits = misfits.filter(|label| label.name().starts_with("misfit"));
    let findings = misfits.map(|label| Finding {
        kind: Kind::Environment,
        diag: Diag::build(format!("{label} does not fit")),
        chain: vec![label.clone()],
        environment: None,
        concerns: vec![label.clone()],
    });
    Ok(FitReport {
        findings: findings.collect(),
        environments: Vec::new(),
    })
}

#[rule]
async fn repositories(_cx: &RuleCx) -> Result<Repositories, Diag> {
    Ok(Repositories::default())
}

/// Waits for ever if it says so: whoever ends without it did not wait for it.
async fn wait(label: &Label) {
    if label.name().contains("endless") {
        futures::future::pending::<()>().await;
    }
}

/// An error for what cannot be built, the same for all whose names end alike.
fn broken(label: &Label) -> Result<(), Diag> {
    match label.name().split_once("broken") {
        Some((_, end)) => Err(Diag::build(format!("broken{end}"))),
        None => Ok(()),
    }
}

#[rule]
async fn analyzed(
    _cx: &RuleCx,
    key: Arc<TargetKey>,
    _configuration: Arc<Configuration>,
) -> Result<Analyzed, Diag> {
    broken(&key.0)?;
    let file = Artifact::source(key.0.clone(), ArtifactKind::File);
    Ok(Analyzed {
        outcome: match key.0.name().contains("elsewhere") {
            true => Outcome::Incompatible(Arc::from("it is for another machine")),
            false => Outcome::Ready(Dep::Source(file)),
        },
        visibility: Visibility::Public,
        testonly: false,
    })
}

#[rule]
async fn built(
    _cx: &RuleCx,
    key: Arc<TargetKey>,
    _configuration: Arc<Configuration>,
) -> Result<Built, Diag> {
    wait(&key.0).await;
    broken(&key.0)?;
    if key.0.name().contains("elsewhere") {
        return Ok(Built::Skipped(Arc::from("it is for another machine")));
    }
    Ok(Built::Ready(BuiltTarget {
        label: key.0.clone(),
        files: Tree::empty(),
        outputs: Vec::new(),
        executable: None,
        runfiles: None,
        args: Vec::new(),
        environment: Default::default(),
    }))
}

#[rule]
async fn test_outcome(
    _cx: &RuleCx,
    key: Arc<TestKey>,
    _configuration: Arc<Configuration>,
) -> Result<TestOutcome, Diag> {
    let name = key.label.name();
    if name.contains("lost") {
        return Err(Diag::environment("the sandbox is gone"));
    }
    Ok(TestOutcome {
        label: key.label.clone(),
        status: match name {
            _ if name.contains("fails") => TestStatus::Failed,
            _ if name.contains("late") => TestStatus::Timeout,
            _ if name.contains("flaky") => TestStatus::Flaky,
            _ if name.contains("elsewhere") => TestStatus::Skipped,
            _ => TestStatus::Passed,
        },
        attempts: Vec::new(),
        cached: false,
        elapsed: Duration::ZERO,
        logs: Vec::new(),
        skipped: None,
    })
}

pub(super) fn rules() -> Vec<&'static RuleDef> {
    rules![
        selected,
        fit_report,
        repositories,
        analyzed,
        built,
        test_outcome
    ]
}
