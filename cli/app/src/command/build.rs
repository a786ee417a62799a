//! `build` and `test`.

use std::collections::HashSet;
use std::fs;
use std::sync::Arc;

use kiln_base::Digest;
use kiln_diag::Diag;
use kiln_events::Event;
use kiln_options::Verb;
use kiln_rules_core::build::{Built, BuiltTarget};
use kiln_rules_core::goals::{Depth, GoalReport, GoalRequest};
use kiln_rules_core::keys::RepoOptions;
use kiln_rules_core::patterns::{Purpose, SelectedTarget, Selection};
use kiln_rules_core::services::WorkspaceStatus;
use kiln_rules_core::test::TestOutcome;
use kiln_rules_core::test_filters::TestFilters;
use kiln_scheduler::Session;
use kiln_targets::Status;
use kiln_tree::Node;

use crate::command::context::Context;
use crate::command::remote;
use crate::command::restore::Restorer;
use crate::command::run::Outcome;
use crate::command::test_options::test_options;
use crate::configuration::configuration;
use crate::engine::{Download, Made};
use crate::output::{OUT, OutputFolder, PutError};
use crate::runfiles;
use crate::show::Show;

/// Runs `build` or `test`.
pub(crate) async fn build(context: &Context) -> Result<Outcome, Vec<Diag>> {
    let one = |error: Diag| vec![error];
    let options = &context.options;
    let show = Show::new(options, &context.environment, context.jobs());
    let made = context.builder(&show).await?;
    show.read_logs_from(&made.store);
    show.warn(&made);
    let session = made.engine.session();
    let repos = context.repo_options().map_err(one)?;
    let tests = options.verb() == Verb::Test;
    let request = request(context, tests).map_err(one)?;
    // Without a build there is nothing to say of tests.
    let tests = tests && request.depth == Depth::Build;
    let report = report(context, &session, &repos, request)
        .await
        .map_err(one)?;
    let mut output = open_output(context, &made).map_err(one)?;
    let restorer = Restorer {
        context,
        session: &session,
        repos: &repos,
    };
    put_outputs(&mut output, &report, &restorer, &made, &show)
        .await
        .map_err(one)?;
    for test in &report.tests {
        put_logs(&mut output, test, &show).map_err(one)?;
    }
    put_status(&mut output, &made).map_err(one)?;
    output.finish().map_err(one)?;
    made.settled().await;
    made.save(&show);
    let code = exit_code(&report, tests);
    if code == 4 {
        show.emit(Event::Diagnostic(
            Diag::usage("no tests were found")
                .into_warning()
                .hint("`kiln build` builds without tests"),
        ));
    }
    show.finish(matches!(code, 0 | 4), tests);
    Ok(Outcome::Exit(code))
}

/// Asks the engine for what a command is about.
pub(crate) async fn report(
    context: &Context,
    session: &Session,
    repos: &RepoOptions,
    request: GoalRequest,
) -> Result<Arc<GoalReport>, Diag> {
    let environments = context.environments();
    let caller = &context.environment;
    let configuration =
        configuration(&context.options, session, repos, &environments, caller).await?;
    session
        .query::<GoalReport, _>((request, configuration, environments, repos.clone()))
        .await
}

/// The output folder of the workspace.
pub(crate) fn open_output(context: &Context, made: &Made) -> Result<OutputFolder, Diag> {
    let workspace = context.workspace()?;
    OutputFolder::open(&workspace.root, made.out.clone(), made.store.clone())
}

/// The target patterns of the command line, or of `--target_pattern_file`: one a line, `#` begins
/// a comment (Bazel).
fn patterns(context: &Context) -> Result<Vec<String>, Diag> {
    let options = &context.options;
    let given = options.patterns().iter();
    let Some(file) = options.target_pattern_file() else {
        return Ok(given.map(ToString::to_string).collect());
    };
    if let Some(pattern) = options.patterns().first() {
        return Err(Diag::usage(format!(
            "target patterns come from `--target_pattern_file`, or from the command line as `{pattern}`, but not from both"
        )));
    }
    let text = fs::read_to_string(&file)
        .map_err(|error| Diag::usage(format!("cannot read `{}`: {error}", file.display())))?;
    let lines = text.lines();
    let lines = lines.map(|line| line.split('#').next().unwrap_or_default().trim());
    let lines = lines.filter(|line| !line.is_empty()).map(str::to_owned);
    let patterns: Vec<String> = lines.collect();
    match patterns.is_empty() {
        true => Err(Diag::usage(format!("`{}` names no target", file.display()))
            .hint("write one target pattern a line; `#` begins a comment")),
        false => Ok(patterns),
    }
}

/// What the command line asks for.
pub(crate) fn request(context: &Context, tests: bool) -> Result<GoalRequest, Diag> {
    let options = &context.options;
    let texts = |list: Vec<Arc<str>>| list.iter().map(ToString::to_string).collect();
    let patterns = patterns(context)?;
    if patterns.is_empty() {
        return Err(
            Diag::usage(format!("`kiln {}` needs a target", options.verb().name()))
                .hint("`//...` means all targets of the workspace"),
        );
    }
    let selection = Selection {
        patterns,
        cwd: context.workspace()?.cwd.clone(),
        purpose: if tests { Purpose::Test } else { Purpose::Build },
        build_tags: texts(options.build_tag_filters()),
        tests: TestFilters {
            tags: texts(options.test_tag_filters()),
            sizes: texts(options.test_size_filters()),
            timeouts: texts(options.test_timeout_filters()),
            languages: texts(options.test_lang_filters()),
        },
        manual_tests: options.build_manual_tests(),
        keep_going: options.keep_going(),
    };
    let tests = match tests {
        true => Some(Arc::new(test_options(context)?)),
        false => None,
    };
    Ok(GoalRequest {
        selection,
        keep_going: options.keep_going(),
        tests,
        tests_only: options.build_tests_only(),
        test_keep_going: options.test_keep_going(),
        check_environments: !options.environment_names().is_empty(),
        depth: match (options.analyze(), options.build()) {
            (false, _) => Depth::Find,
            (true, false) => Depth::Analyze,
            (true, true) => Depth::Build,
        },
    })
}

/// Puts what was built into the output folder.
async fn put_outputs(
    output: &mut OutputFolder,
    report: &GoalReport,
    restorer: &Restorer<'_>,
    made: &Made,
    show: &Show,
) -> Result<(), Diag> {
    let options = &restorer.context.options;
    let root = &restorer.context.workspace()?.root;
    let build = options.verb() == Verb::Build;
    // Programs that were named are there to be started; laying out the runfiles of all that
    // a wildcard matches would cost time and space for nothing.
    let runnable = |target: &SelectedTarget| build && options.enable_runfiles() && target.named;
    let download = remote::download(options);
    // A test that did not run here need not be here (Bazel).
    let comes = |target: &SelectedTarget| match download {
        Download::All => true,
        Download::Toplevel => build || !target.test,
        Download::Minimal => false,
    };
    let targets = report.targets.iter();
    let targets = targets.filter_map(|(target, built)| Some((target, built.as_ref().ok()?)));
    let targets: Vec<(&SelectedTarget, &Arc<Built>)> = targets.collect();
    let mut blobs = HashSet::new();
    for (target, built) in targets.iter().filter(|(target, _)| comes(target)) {
        blobs_of(built, runnable(target), &mut blobs);
    }
    // At once, so that the small ones come in few calls. What does not come is seen below.
    let blobs: Vec<Digest> = blobs.into_iter().collect();
    made.contents().fetch(&blobs).await;
    for (target, built) in targets {
        output.set_lenient(!comes(target));
        let put = |built: &BuiltTarget| {
            let mut nodes = built.nodes().into_iter();
            nodes.try_for_each(|(path, node)| output.put(&path, &node))?;
            match runnable(target) {
                true => runfiles::put(output, built, root),
                false => Ok(()),
            }
        };
        if let Built::Ready(built) = &*restorer.put(&target.label, built, put).await? {
            let paths = built.nodes().into_iter();
            let paths = paths.map(|(path, _)| match output.has(&path) {
                true => path,
                false => format!("{path} (left at the server)"),
            });
            show.emit(Event::TargetOutputs {
                label: target.label.to_string(),
                paths: paths.collect(),
            });
        }
    }
    output.set_lenient(false);
    Ok(())
}

/// The contents that are put into the output folder for a target.
pub(crate) fn blobs_of(built: &Built, runfiles: bool, blobs: &mut HashSet<Digest>) {
    let Built::Ready(built) = built else {
        return;
    };
    for (_, node) in built.nodes() {
        match node {
            Node::File { digest, .. } => {
                blobs.insert(digest);
            }
            Node::Dir(tree) => tree.blobs(blobs),
            Node::Symlink(_) => {}
        }
    }
    if let (true, Some(tree)) = (runfiles, &built.runfiles) {
        tree.blobs(blobs);
    }
}

/// Puts what is known of the workspace into the output folder, if it was asked for.
fn put_status(output: &mut OutputFolder, made: &Made) -> Result<(), Diag> {
    if made.status == WorkspaceStatus::unstamped() {
        return Ok(());
    }
    for (status, text) in [
        (Status::Stable, &made.status.stable),
        (Status::Volatile, &made.status.volatile),
    ] {
        let node = Node::File {
            digest: made.store.put_bytes(text.as_bytes())?,
            executable: false,
        };
        output.put(&format!("{OUT}/{}", status.file_name()), &node)?;
    }
    Ok(())
}

/// Puts the logs of a test into the output folder, in the place that Bazel gives them.
fn put_logs(output: &mut OutputFolder, test: &TestOutcome, show: &Show) -> Result<(), Diag> {
    for (path, node) in &test.logs {
        match output.put(path, node) {
            // The test itself is done, and would only run once more for it.
            Err(PutError::Gone(diag)) => show.emit(Event::Diagnostic(diag.into_warning())),
            put => put?,
        }
    }
    Ok(())
}

/// cli.md 1.4: failures to build before failures of tests; no tests at all is 4.
fn exit_code(report: &GoalReport, tests: bool) -> u8 {
    let errors = report.all_errors();
    if let Some(code) = errors.iter().map(|error| error.exit_code()).max() {
        return code;
    }
    let failed = report.tests.iter().any(|test| !test.status.success());
    match (tests, failed, report.tests.is_empty()) {
        (true, true, _) => 3,
        (true, false, true) => 4,
        _ => 0,
    }
}
