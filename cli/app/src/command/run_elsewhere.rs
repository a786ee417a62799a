//! `run` of what is not built in a sandbox of this machine: a container's program runs in one, a
//! worker's starts here all the same.

use std::path::Path;
use std::sync::Arc;

use kiln_diag::Diag;
use kiln_exec_docker::Attached;
use kiln_process::{DockerEnvironment, Environment};
use kiln_rules_core::build::Built;
use kiln_rules_core::environments::{Chosen, EnvironmentKey, LOCAL};
use kiln_rules_core::goals::GoalReport;
use kiln_rules_core::keys::{RepoOptions, TargetKey};
use kiln_rules_core::targets::{LoadedKind, LoadedTarget};
use kiln_scheduler::Session;

use crate::command::context::Context;
use crate::command::run::Program;

/// Where the one target of a report was built; `None` if no environment was asked for.
pub(crate) async fn chosen(
    context: &Context,
    session: &Session,
    repos: &RepoOptions,
    report: &GoalReport,
) -> Option<Arc<Chosen>> {
    let environments = context.environments();
    let [(_, Ok(built))] = &report.targets[..] else {
        return None;
    };
    let Built::Ready(built) = &**built else {
        return None;
    };
    if environments.names.is_empty() {
        return None;
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
    session.query::<Chosen, _>(key).await.ok()
}

/// What has to be said before a program starts on this machine that was built for a worker
/// (ENV-151).
pub(crate) fn warning(report: &GoalReport, chosen: &Chosen) -> Option<Diag> {
    let (Environment::Remote(_), Some(target)) = (&chosen.environment, &chosen.target) else {
        return None;
    };
    let (_, Ok(built)) = report.targets.first()? else {
        return None;
    };
    let Built::Ready(built) = &**built else {
        return None;
    };
    let diag = Diag::build(format!(
        "`{}` is built in environment `{}` ({}), and `kiln run` starts it on this machine",
        built.label, chosen.name, target.kind
    ));
    Some(diag.into_warning().hint(
        "what it finds there it may not find here; `kiln test` runs tests where they are built",
    ))
}

/// A program that starts in a container, where its files and the workspace are at the same paths as
/// here.
pub(crate) fn attached<'a>(
    program: &Program,
    environment: &'a DockerEnvironment,
    workspace: &Path,
    out: &Path,
) -> Attached<'a> {
    let (argv, env, workdir) = program.parts();
    Attached {
        environment,
        argv,
        env,
        workdir,
        read: vec![out.to_owned()],
        write: vec![workspace.to_owned()],
    }
}
