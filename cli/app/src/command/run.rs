//! `run`: builds a target and becomes it.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use kiln_diag::Diag;
use kiln_rules_core::build::{Built, BuiltTarget};
use kiln_tree::Node;

use crate::command::build::{open_output, report, request};
use crate::command::context::Context;
use crate::output::OUT;
use crate::show::Show;

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
    let made = context.engine(show.sink())?;
    show.warn(&made);
    let session = made.engine.session();
    let request = request(context, false).map_err(one)?;
    let report = report(context, &session, &context.repo_options(), request)
        .await
        .map_err(one)?;
    made.save(&show);
    let errors = report.all_errors();
    if let Some(code) = errors.iter().map(|error| error.exit_code()).max() {
        show.finish(false, false);
        return Ok(Outcome::Exit(code));
    }
    let [(target, Ok(built))] = &report.targets[..] else {
        let count = report.targets.len();
        return Err(one(Diag::usage(format!(
            "`kiln run` runs one target, and {count} match"
        ))));
    };
    let Built::Ready(built) = &**built else {
        return Err(one(Diag::build(format!(
            "`{}` is not for this platform",
            target.label
        ))));
    };
    let mut output = open_output(context, &made).map_err(one)?;
    let Some(executable) = &built.executable else {
        return Err(one(Diag::usage(format!(
            "`{}` is a `{}` and cannot be run",
            target.label, target.kind
        ))
        .hint("binaries and tests can be run")));
    };
    for (path, node) in built.nodes() {
        output.put(&path, &node).map_err(one)?;
    }
    let folder = format!("{}.runfiles", executable.exec_path());
    if let Some(runfiles) = &built.runfiles {
        output
            .put(&folder, &Node::Dir(runfiles.clone()))
            .map_err(one)?;
    }
    output.finish().map_err(one)?;
    show.finish(true, false);
    program(context, built, executable.exec_path(), &folder)
        .map(Outcome::Become)
        .map_err(one)
}

fn program(
    context: &Context,
    built: &BuiltTarget,
    exec_path: &str,
    runfiles: &str,
) -> Result<Program, Diag> {
    let root = &context.workspace()?.root;
    let cwd = std::env::current_dir().unwrap_or_else(|_| root.clone());
    let main = root.join(runfiles).join("_main");
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
        ("RUNFILES_DIR", root.join(runfiles)),
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
