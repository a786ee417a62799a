//! Environments in use: what they are, whether they answer, and which tools they have.

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_diag::Diag;
use kiln_process::{Environment, Platform};
use kiln_rules::RuleCx;

use super::graph::Graph;
use super::{Finding, InUse, Kind, RuleSpot, fit_report};
use crate::environments::{Aware, Chosen, EnvironmentKey, EnvironmentOptions};
use crate::services::Execution;
use crate::tools::{Cc, MachineKey, Python};

/// An environment.
pub(super) struct Place {
    /// What it is; `None` for this machine as such.
    chosen: Option<Arc<Chosen>>,
    /// What it is for.
    pub(super) platform: Option<Platform>,
}

/// Environments by name.
pub(super) struct Places(BTreeMap<Arc<str>, Place>);

impl Place {
    /// For messages: "in `NAME` (kind)".
    pub(super) fn shown(&self) -> String {
        match self.chosen.as_deref() {
            Some(Chosen {
                name,
                target: Some(target),
                ..
            }) => format!("in `{name}` ({})", target.kind),
            _ => "on this machine".to_owned(),
        }
    }

    pub(super) fn is_workspace(&self) -> bool {
        self.environment() == &Environment::Workspace
    }

    fn environment(&self) -> &Environment {
        match &self.chosen {
            Some(chosen) => &chosen.environment,
            None => &Environment::Local,
        }
    }

    /// Says in an error which environment it is.
    fn on(&self, diag: Diag) -> Diag {
        match self.chosen.as_deref() {
            Some(Chosen {
                name,
                target: Some(target),
                ..
            }) => diag.note_at(
                format!("environment `{name}` is `{}`", target.label),
                target.span.clone(),
            ),
            _ => diag,
        }
    }
}

impl Places {
    pub(super) fn of(&self, name: &str) -> Option<&Place> {
        self.0.get(name)
    }

    pub(super) fn in_use(&self, graph: &Graph) -> Vec<InUse> {
        let mut counts: BTreeMap<&Arc<str>, usize> = BTreeMap::new();
        // Environments themselves, conditions and the like are built nowhere.
        let built = graph.rules().filter(|(_, spot)| spot.def.rule.environment);
        for (_, spot) in built {
            *counts.entry(&spot.environment).or_default() += 1;
        }
        let in_use = counts.into_iter().map(|(name, targets)| InUse {
            name: name.clone(),
            targets,
            answer: None,
        });
        in_use.collect()
    }
}

/// The environments of all targets.
pub(super) async fn places(
    cx: &RuleCx<fit_report>,
    graph: &Graph,
    options: &EnvironmentOptions,
) -> Result<Places, Diag> {
    let mut places: BTreeMap<Arc<str>, Place> = BTreeMap::new();
    for (_, spot) in graph.rules() {
        let name = &spot.environment;
        if places.contains_key(name) {
            continue;
        }
        let chosen = match name.is_empty() {
            true => None,
            false => Some(cx.get::<Chosen, _>((EnvironmentKey(name.clone()),)).await?),
        };
        let platform = match chosen.as_deref().map(|chosen| &chosen.environment) {
            Some(Environment::Docker(docker)) => Some(docker.platform),
            Some(Environment::Remote(remote)) => Some(remote.platform),
            Some(Environment::Local | Environment::Workspace) | None => options.host,
        };
        places.insert(name.clone(), Place { chosen, platform });
    }
    Ok(Places(places))
}

/// Asks each environment in use whether it is there, then for the tools that targets need.
pub(super) async fn probe(
    cx: &RuleCx<fit_report>,
    graph: &Graph,
    places: &Places,
    in_use: &mut [InUse],
) -> Result<Vec<Finding>, Diag> {
    let identify = cx.service::<Execution>()?.identify.clone();
    let mut findings = Vec::new();
    for one in in_use {
        let Some(place) = places.of(&one.name) else {
            continue;
        };
        let first = |wanted: &dyn Fn(&RuleSpot) -> bool| {
            let mut found = graph.rules();
            found.find(|(_, spot)| spot.environment == one.name && wanted(spot))
        };
        if let Environment::Docker(_) | Environment::Remote(_) = place.environment() {
            match identify.probe(place.environment()).await {
                Ok(answer) => one.answer = Some(answer),
                Err(error) => {
                    if let Some((at, spot)) = first(&|_| true) {
                        let label = &spot.def.label;
                        let about = format!("`{label}` is built {}", place.shown());
                        let error = place.on(error).at(spot.def.span.clone()).note(about);
                        findings.push(graph.finding(Kind::Unreachable, error, at));
                    }
                    // It has been said that nothing can be found there.
                    continue;
                }
            }
        }
        let key = || (MachineKey(one.name.clone()),);
        if let Some((at, spot)) = first(&|spot| spot.tools.cc) {
            let found = cx.get::<Cc, _>(key()).await;
            let found = found.map(|found| found.0.is_some());
            let wanted = Wanted {
                what: "C++ compiler",
                option: Aware::Cc,
            };
            findings.extend(wanted.missing(graph, place, at, spot, found));
        }
        if let Some((at, spot)) = first(&|spot| spot.tools.python) {
            let found = cx.get::<Python, _>(key()).await;
            let found = found.map(|found| found.0.is_some());
            let wanted = Wanted {
                what: "Python interpreter",
                option: Aware::Python,
            };
            findings.extend(wanted.missing(graph, place, at, spot, found));
        }
    }
    Ok(findings)
}

/// A tool that targets need.
struct Wanted {
    what: &'static str,
    option: Aware,
}

impl Wanted {
    fn missing(
        &self,
        graph: &Graph,
        place: &Place,
        at: usize,
        spot: &RuleSpot,
        found: Result<bool, Diag>,
    ) -> Option<Finding> {
        let label = &spot.def.label;
        let what = self.what;
        let error = match found {
            Ok(true) => return None,
            Err(error) => error
                .note(format!("`{label}` needs a {what}"))
                .at(spot.def.span.clone()),
            Ok(false) => {
                let field = self.option.name();
                let diag = Diag::build(format!(
                    "`{label}` is built {}, where there is no {what}",
                    place.shown()
                ));
                let target = place
                    .chosen
                    .as_ref()
                    .and_then(|chosen| chosen.target.as_ref());
                let where_said = match target {
                    Some(target) => format!("`{field}` of `{}`, or `--{field}`", target.label),
                    None => format!("`--{field}`"),
                };
                place.on(diag.at(spot.def.span.clone())).hint(format!(
                    "have one there, or say in which folder it is: {where_said}"
                ))
            }
        };
        Some(graph.finding(Kind::Tool, error, at))
    }
}
