//! `run` of what is built on a worker: it starts here all the same.

use std::sync::Arc;

use kiln_diag::Diag;
use kiln_process::Environment;
use kiln_rules_core::build::Built;
use kiln_rules_core::environments::{Chosen, EnvironmentKey, LOCAL};
use kiln_rules_core::goals::GoalReport;
use kiln_rules_core::keys::{RepoOptions, TargetKey};
use kiln_rules_core::targets::{LoadedKind, LoadedTarget};
use kiln_scheduler::Session;

use crate::command::context::Context;

/// What has to be said before a program starts on this machine that was built for another place
/// (ENV-151): nothing, or one warning.
pub(crate) async fn warnings(
    context: &Context,
    session: &Session,
    repos: &RepoOptions,
    report: &GoalReport,
) -> Vec<Diag> {
    let environments = context.environments();
    let [(_, Ok(built))] = &report.targets[..] else {
        return Vec::new();
    };
    let Built::Ready(built) = &**built else {
        return Vec::new();
    };
    if environments.names.is_empty() {
        return Vec::new();
    }
    // It has been built, so that all of this is known.
    let key = (TargetKey(built.label.clone()), repos.clone());
    let loaded = session.query::<LoadedTarget, _>(key).await;
    let name = match loaded.as_deref().map(|loaded| &loaded.kind) {
        Ok(LoadedKind::Rule(def)) => def.attr("environment").and_then(|name| name.as_str()),
        _ => None,
    };
    let name = name.filter(|name| !name.is_empty()).unwrap_or(LOCAL);
    let key = (
        EnvironmentKey(Arc::from(name)),
        environments.clone(),
        repos.clone(),
    );
    let Ok(chosen) = session.query::<Chosen, _>(key).await else {
        return Vec::new();
    };
    let (Environment::Remote(_), Some(target)) = (&chosen.environment, &chosen.target) else {
        return Vec::new();
    };
    let diag = Diag::build(format!(
        "`{}` is built in environment `{}` ({}), and `kiln run` starts it on this machine",
        built.label, chosen.name, target.kind
    ));
    vec![diag.into_warning().hint(
        "what it finds there it may not find here; `kiln test` runs tests where they are built",
    )]
}
