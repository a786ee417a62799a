//! `build`, `test`, `list`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use kiln_diag::Diag;
use kiln_events::{Event, EventSink};
use kiln_exec_local::{Keep, Sandbox, ZygoteServer};
use kiln_rules_core::build::Built;
use kiln_rules_core::goals::{GoalReport, GoalRequest};
use kiln_rules_core::keys::RepoOptions;
use kiln_rules_core::patterns::{Purpose, Selected, Selection};
use kiln_rules_core::test::TestOptions;
use kiln_targets::Configuration;

use crate::configuration::default_settings;
use crate::engine::{Setup, cache_folder, make};
use crate::output::OutputFolder;

struct Print;
impl EventSink for Print {
    fn emit(&self, event: Event) {
        match event {
            Event::Diagnostic(diag) => eprintln!("{diag}"),
            Event::TestFinished(test) => eprintln!("{} {} {:?} cached={}", test.status, test.label, test.elapsed, test.cached),
            Event::ActionFinished { action, source, elapsed, .. } => eprintln!("{source:?} {} {:?}", action.progress, elapsed),
            _ => {}
        }
    }
}

pub(crate) async fn run(
    arguments: &[String],
    environment: BTreeMap<String, String>,
    zygotes: Arc<ZygoteServer>,
) -> Result<u8, Vec<Diag>> {
    let one = |error: Diag| vec![error];
    let cwd = std::env::current_dir().map_err(|e| one(Diag::environment(e.to_string())))?;
    let workspace = kiln_fs::Workspace::find(&cwd).map_err(one)?;
    let verb = arguments.first().cloned().unwrap_or_default();
    let mut patterns = Vec::new();
    let mut repo_options = RepoOptions::default();
    let mut keep_going = false;
    for argument in &arguments[1..] {
        if let Some(dir) = argument.strip_prefix("--vendor_dir=") {
            repo_options.vendor_dir = Some(cwd.join(PathBuf::from(dir)));
        } else if argument == "-k" {
            keep_going = true;
        } else {
            patterns.push(argument.clone());
        }
    }
    let cache = cache_folder(&environment).map_err(one)?;
    let made = make(
        Setup {
            workspace: workspace.root.clone(),
            cache,
            jobs: 2,
            sandbox: Sandbox::Auto,
            keep: Keep::Never,
            events: Arc::new(Print),
            environment,
            action_cache: true,
        },
        zygotes,
    )?;
    let session = made.engine.session();
    let configuration = Configuration::new(default_settings().map_err(one)?);
    let purpose = match &*verb {
        "test" => Purpose::Test,
        "list" => Purpose::List,
        _ => Purpose::Build,
    };
    let selection = Selection {
        patterns,
        cwd: workspace.cwd.clone(),
        purpose,
        tag_filters: Vec::new(),
        size_filters: Vec::new(),
        keep_going,
    };
    if verb == "list" {
        let selected = session.query::<Selected, _>((selection, repo_options)).await.map_err(one)?;
        for target in &selected.targets {
            println!("{} {}", target.kind, target.label);
        }
        return Ok(0);
    }
    let request = GoalRequest {
        selection,
        keep_going,
        tests: (verb == "test").then(|| Arc::new(TestOptions { runs: 1, ..TestOptions::default() })),
        tests_only: false,
    };
    let report =
        session.query::<GoalReport, _>((request, configuration, repo_options)).await.map_err(one)?;
    let mut output = OutputFolder::open(&workspace.root, made.out.clone(), made.store.clone()).map_err(one)?;
    for (_, built) in &report.targets {
        if let Ok(built) = built
            && let Built::Ready(built) = &**built
        {
            for (path, node) in built.nodes() {
                output.put(&path, &node).map_err(one)?;
            }
        }
    }
    for test in &report.tests {
        for (path, node) in &test.logs {
            let label = &test.label;
            let folder = format!("testlogs/{}/{}", label.package().path, label.name());
            output.put(&format!("{folder}/{path}"), node).map_err(one)?;
        }
    }
    output.finish().map_err(one)?;
    made.rows.save().map_err(one)?;
    let failed = report.all_errors().len();
    let red = report.tests.iter().filter(|test| !test.status.success()).count();
    eprintln!("{} targets, {failed} errors, {} tests, {red} failed", report.targets.len(), report.tests.len());
    Ok(if failed > 0 { 1 } else if red > 0 { 3 } else { 0 })
}
