//! Whether targets fit the environments that they are built in, before anything runs.
//!
//! A walk over the targets and all they need, as analysis would go, but without evaluating any
//! implementation: each is a [`Spot`], with its environment and its dependencies. What is found
//! wrong is told with the way from a target that was asked for.

mod edges;
mod graph;
mod target;
mod there;

use std::sync::Arc;

use kiln_address::Label;
use kiln_diag::Diag;
use kiln_rules::{Param, Product, RuleCx, RuleDef, rule, rules};
use kiln_targets::Configuration;

use crate::analysis::placed;
use crate::environments::{Chosen, EnvironmentKey, EnvironmentOptions};
use crate::files::FileText;
use crate::keys::{FileKey, TargetKey};
use crate::repos::Repositories;
use crate::services::{Execution, HostService};
use crate::tools::{Cc, MachineKey, Python};
use graph::Graph;
use target::spot;
pub use target::{Need, Role, RuleSpot, Spot};

/// The tag of targets whose outputs are the same wherever they are built.
pub(crate) const PORTABLE: &str = "portable-outputs";

/// What is to be checked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FitRequest {
    /// The targets, with all that they need.
    pub targets: Vec<Label>,
    /// Whether environments may be asked whether they are there, and for tools.
    pub probe: bool,
}
impl Param for FitRequest {}

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub struct FitReport {
    /// What is wrong, in the order in which it was found from the targets on.
    pub findings: Vec<Finding>,
    /// The environments in use, by name.
    pub environments: Vec<InUse>,
}
impl Product for FitReport {}

/// Something that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing.
    pub kind: Kind,
    /// What to say, with a place and a cure.
    pub diag: Diag,
    /// From a target that was asked for to the one that it is about.
    pub chain: Vec<Label>,
    /// The environment that it is about, if it is known.
    pub environment: Option<Arc<str>>,
    /// The targets asked for that cannot be built for it.
    pub concerns: Vec<Label>,
}

/// Kinds of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// No environment can be chosen.
    Environment,
    /// An attribute has no value here (`select`, `per_platform`).
    Conditions,
    /// It is not clear which of several targets is meant (`parametrize`).
    Parameters,
    /// What was built for one platform is linked or run on another.
    Platform,
    /// What is made in the workspace itself is used outside of it.
    Workspace,
    /// An environment does not have a tool.
    Tool,
    /// An environment does not answer.
    Unreachable,
    /// Something that has nothing to do with environments: a target that is not there.
    Loading,
}

impl Kind {
    /// What is wrong with a dependency that is not there: it may be one that `parametrize` did not
    /// make.
    fn of_missing(label: &Label, error: &Diag) -> Kind {
        let parametrized = error.message().contains("is parametrized");
        match parametrized || label.name().contains('@') {
            true => Kind::Parameters,
            false => Kind::Loading,
        }
    }

    /// Its name, for programs.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Environment => "environment",
            Kind::Conditions => "conditions",
            Kind::Parameters => "parameters",
            Kind::Platform => "platform",
            Kind::Workspace => "workspace",
            Kind::Tool => "tool",
            Kind::Unreachable => "unreachable",
            Kind::Loading => "loading",
        }
    }

    /// Whether a build ends for it before its first process. What has nothing to do with
    /// environments is told by loading and analysis themselves.
    pub fn stops_builds(self) -> bool {
        !matches!(self, Kind::Workspace | Kind::Loading)
    }
}

/// An environment in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InUse {
    /// Its name; empty for this machine as such.
    pub name: Arc<str>,
    /// How many of the targets are built there.
    pub targets: usize,
    /// What answered when it was asked.
    pub answer: Option<String>,
}

/// Checks targets.
#[rule(
    uses(Execution, HostService),
    gets(
        (TargetKey, Configuration) -> Spot, EnvironmentKey -> Chosen, MachineKey -> Cc,
        MachineKey -> Python, FileKey -> FileText
    )
)]
pub async fn fit_report(
    cx: &RuleCx,
    request: Arc<FitRequest>,
    configuration: Arc<Configuration>,
    options: Arc<EnvironmentOptions>,
    repositories: Arc<Repositories>,
) -> Result<FitReport, Diag> {
    let graph = Graph::walk(cx, &request.targets, &configuration).await?;
    let mut findings = graph.wrong();
    let places = there::places(cx, &graph, &options).await?;
    for (at, kind, diag) in edges::findings(&graph, &places) {
        if let Some(user) = graph.rule(at) {
            let diag = placed(cx, &repositories, &user.def, &user.build_file, diag).await;
            findings.push(graph.finding(kind, diag, at));
        }
    }
    let mut environments = places.in_use(&graph);
    if request.probe {
        // What answers now need not answer in the next command.
        cx.mark_uncacheable();
        findings.extend(there::probe(cx, &graph, &places, &mut environments).await?);
    }
    Ok(FitReport {
        findings,
        environments,
    })
}

/// The rules of this module.
pub fn rules() -> Vec<&'static RuleDef> {
    rules![spot, fit_report]
}
