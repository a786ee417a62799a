//! `run`: builds a target and becomes it.

use std::collections::HashSet;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use kiln_address::Label;
use kiln_base::Digest;
use kiln_diag::Diag;
use kiln_process::Environment;
use kiln_rules_core::build::{Built, BuiltTarget};
use kiln_rules_core::environments::Chosen;
use kiln_rules_core::goals::GoalReport;

use crate::command::build::{blobs_of, open_output, report, request};
use crate::command::context::Context;
use crate::command::restore::Restorer;
use crate::command::run_elsewhere;
use crate::output::{OUT, OutputFolder, PutError};
use crate::runfiles;
use crate::show::{Show, errors};

/// How a command ends.
pub(crate) enum Outcome {
    /// With this exit code.
    Exit(u8),
    /// By becoming a program.
    Become(Program),
}

/// A program to become.
pub(crate) struct Program {
    path: PathBuf,
    arguments: Vec<String>,
    folder: PathBuf,
    environment: Vec<(String, String)>,
}

impl Program {
    /// Makes it the end of another program's arguments.
    fn put_behind(&mut self, other: PathBuf, mut arguments: Vec<String>) {
        let path = std::mem::replace(&mut self.path, other);
        arguments.push(path.display().to_string());
        arguments.append(&mut self.arguments);
        self.arguments = arguments;
    }

    /// Its path with its arguments, its variables, each `NAME=value`, and its working directory.
    pub(crate) fn parts(&self) -> (Vec<String>, Vec<String>, PathBuf) {
        let mut argv = vec![self.path.display().to_string()];
        argv.extend(self.arguments.iter().cloned());
        let env = self.environment.iter();
        let env = env.map(|(name, value)| format!("{name}={value}"));
        (argv, env.collect(), self.folder.clone())
    }

    /// Replaces this process; returns only if that fails.
    pub(crate) fn start(self) -> Result<u8, Diag> {
        let error = Command::new(&self.path)
            .args(&self.arguments)
            .current_dir(&self.folder)
            .envs(self.environment)
            .exec();
        Err(Diag::io("cannot run", &self.path, &error))
    }
}

/// Runs `run`.
pub(crate) async fn run(context: &Context) -> Result<Outcome, Vec<Diag>> {
    let one = |error: Diag| vec![error];
    let show = Show::new(&context.options, &context.environment, context.jobs());
    let made = context.builder(&show).await?;
    show.warn(&made);
    let session = made.engine.session();
    let wanted = request(context, false).map_err(one)?;
    let under = context.options.run_under();
    let mut requests = vec![wanted.clone()];
    if let Some(label) = under.as_ref().and_then(|under| under.label.clone()) {
        let mut request = wanted;
        request.selection.patterns = vec![label];
        requests.push(request);
    }
    let repos = context.repo_options().map_err(one)?;
    let mut reports = Vec::new();
    for request in requests {
        let report = report(context, &session, &repos, request)
            .await
            .map_err(one)?;
        let codes = report.all_errors().into_iter().map(Diag::exit_code);
        if let Some(code) = codes.max() {
            made.settled().await;
            made.save(&show);
            show.finish(false, false);
            return Ok(Outcome::Exit(code));
        }
        reports.push(report);
    }
    made.settled().await;
    made.save(&show);
    let mut output = open_output(context, &made).map_err(one)?;
    let root = &context.workspace().map_err(one)?.root;
    let restorer = Restorer {
        context,
        session: &session,
        repos: &repos,
    };
    let mut programs = Vec::new();
    for report in &reports {
        let (label, built) = only(report).map_err(one)?;
        let mut blobs = HashSet::new();
        blobs_of(built, true, &mut blobs);
        let blobs: Vec<Digest> = blobs.into_iter().collect();
        made.contents().fetch(&blobs).await;
        let built = restorer
            .put(label, built, |target| put(&mut output, target, root))
            .await;
        programs.push(built.map_err(one)?);
    }
    output.finish().map_err(one)?;
    made.tell_transfers(&show);
    show.finish(true, false);
    let chosen = run_elsewhere::chosen(context, &session, &repos, &reports[0]).await;
    let mut start = program(context, &programs[0]).map_err(one)?;
    match (under, programs.get(1)) {
        (Some(under), Some(tool)) => {
            let tool = program(context, tool).map_err(one)?;
            start.put_behind(tool.path, under.words);
        }
        (Some(under), None) => {
            // What a shell takes as a command may be more than a program: `cd .. &&` (Bazel).
            let script = format!("{} \"$@\"", under.text);
            let words = ["-c".to_owned(), script, "--run_under".to_owned()];
            start.put_behind(PathBuf::from("bash"), words.to_vec());
        }
        (None, _) => {}
    }
    match chosen.as_deref() {
        Some(Chosen {
            environment: Environment::Docker(docker),
            ..
        }) => {
            let out = made.out.clone();
            let job = run_elsewhere::attached(&start, docker, root, &out);
            made.run_attached(&job)
                .await
                .map(Outcome::Exit)
                .map_err(one)
        }
        Some(chosen) => {
            errors(run_elsewhere::warning(&reports[0], chosen).as_slice());
            Ok(Outcome::Become(start))
        }
        None => Ok(Outcome::Become(start)),
    }
}

/// The one target that is to run.
fn only(report: &GoalReport) -> Result<(&Label, &Arc<Built>), Diag> {
    let [(target, Ok(built))] = &report.targets[..] else {
        let count = report.targets.len();
        return Err(Diag::usage(format!(
            "`kiln run` runs one target, and {count} match"
        )));
    };
    match &**built {
        Built::Ready(ready) if ready.executable.is_some() => Ok((&target.label, built)),
        Built::Ready(_) => Err(Diag::usage(format!(
            "`{}` is a `{}` and cannot be run",
            target.label, target.kind
        ))
        .hint("binaries and tests can be run")),
        Built::Checked => Err(Diag::usage(format!(
            "`{}` is not built, so it cannot be run",
            target.label
        ))
        .hint("leave out `--nobuild` and `--noanalyze`")),
        Built::Skipped(_) => Err(Diag::build(format!(
            "`{}` is not for this platform",
            target.label
        ))),
    }
}

/// Puts a program and its runfiles into the output folder.
fn put(output: &mut OutputFolder, built: &BuiltTarget, root: &Path) -> Result<(), PutError> {
    for (path, node) in built.nodes() {
        output.put(&path, &node)?;
    }
    runfiles::put(output, built, root)
}

fn program(context: &Context, built: &Built) -> Result<Program, Diag> {
    let Built::Ready(built) = built else {
        return Err(Diag::internal("what is run was not built"));
    };
    let Some(executable) = &built.executable else {
        return Err(Diag::internal(format!("`{}` is no program", built.label)));
    };
    let exec_path = executable.exec_path();
    let runfiles = format!("{exec_path}.runfiles");
    let root = &context.workspace()?.root;
    let cwd = std::env::current_dir().unwrap_or_else(|_| root.clone());
    let main = root.join(&runfiles).join("_main");
    let own = context
        .options
        .program_args()
        .iter()
        .map(ToString::to_string);
    let mut environment: Vec<(String, String)> = built
        .environment
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    for (name, path) in [
        ("BUILD_WORKSPACE_DIRECTORY", root.clone()),
        ("BUILD_WORKING_DIRECTORY", cwd.clone()),
        ("RUNFILES_DIR", root.join(&runfiles)),
    ] {
        environment.push((name.to_owned(), path.display().to_string()));
    }
    let arguments = built
        .args
        .iter()
        .map(ToString::to_string)
        .chain(own)
        .collect();
    Ok(Program {
        path: root.join(exec_path),
        arguments,
        folder: if main.is_dir() { main } else { root.join(OUT) },
        environment,
    })
}
