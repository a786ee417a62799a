//! The verbs.

mod build;
mod cache;
mod clean;
mod completion;
mod config;
mod context;
mod env;
mod env_check;
mod env_show;
mod help;
mod help_rule;
mod inspect;
mod interrupt;
mod remote;
mod restore;
mod rules;
mod run;
mod run_elsewhere;
mod serve;
mod status;
mod test_options;

use std::process::ExitCode;
use std::sync::Arc;

use kiln_diag::Diag;
use kiln_exec_local::ZygoteServer;
use kiln_options::{Options, Origin, Verb};

use context::Context;

/// Runs the command line.
pub(crate) fn main() -> ExitCode {
    match run() {
        Ok(code) => ExitCode::from(code),
        Err(errors) => {
            crate::show::errors(&errors);
            ExitCode::from(errors.iter().map(Diag::exit_code).max().unwrap_or(37))
        }
    }
}

fn run() -> Result<u8, Vec<Diag>> {
    let one = |error: Diag| vec![error];
    // Before any thread: everything in a sandbox is forked from this process.
    let zygotes = Arc::new(ZygoteServer::start().map_err(one)?);
    let context = Context::load(zygotes).map_err(one)?;
    for warning in context.warnings.iter().chain(context.options.warnings()) {
        crate::show::errors(std::slice::from_ref(warning));
    }
    for warning in without_effect(&context.options) {
        crate::show::errors(&[warning]);
    }
    if context.options.format() == "dot" && context.options.verb() != Verb::Rules {
        return Err(one(rules::no_dot()));
    }
    match context.options.verb() {
        Verb::Completion => completion::completion(&context).map_err(one),
        Verb::Help => help::help(&context).map_err(one),
        Verb::Version => help::version().map_err(one),
        Verb::Config => config::config(&context).map_err(one),
        Verb::Cache => cache::cache(&context).map_err(one),
        Verb::Clean => clean::clean(&context).map_err(one),
        Verb::Serve => serve::serve(&context).map_err(one),
        verb => within_runtime(&context, verb),
    }
}

/// Flags that are read, checked and kept, but that nothing acts on yet.
const WITHOUT_EFFECT: &[&str] = &[
    "collect_code_coverage",
    "compiler",
    "host_action_env",
    "host_platform",
    "instrumentation_filter",
    "stripopt",
    "symlink_prefix",
    "tool_deps",
];

/// A warning for each such flag of the command line. Lines of rc files are written for many
/// commands and tools, and say nothing about what this user expects.
fn without_effect(options: &Options) -> Vec<Diag> {
    let given = options.all_given().iter();
    let given = given.filter(|given| given.origin == Origin::CommandLine);
    let inert = given.filter(|given| WITHOUT_EFFECT.contains(&given.option.name));
    inert
        .map(|given| {
            Diag::usage(format!("`--{}` has no effect yet", given.option.name)).into_warning()
        })
        .collect()
}

/// Threads for a command.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Diag> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Diag::environment(format!("cannot start threads: {error}")))
}

/// Runs a verb that needs the engine.
fn within_runtime(context: &Context, verb: Verb) -> Result<u8, Vec<Diag>> {
    let runtime = runtime().map_err(|error| vec![error])?;
    let result = runtime.block_on(async {
        let command = async {
            match verb {
                Verb::Build | Verb::Test => build::build(context).await,
                Verb::Run => run::run(context).await,
                Verb::List => inspect::list(context).await,
                Verb::Query => inspect::query(context).await,
                Verb::Dependencies | Verb::Dependents => inspect::closure(context).await,
                Verb::Peek => inspect::peek(context).await,
                Verb::Env => env::env(context).await,
                _ => rules::rules(context).await,
            }
        };
        tokio::select! {
            result = command => result,
            error = interrupt::interrupted() => Err(vec![error]),
        }
    });
    // Evaluations that nobody waits for any more must not hold up the end.
    runtime.shutdown_background();
    match result {
        Ok(run::Outcome::Exit(code)) => Ok(code),
        Ok(run::Outcome::Become(program)) => program.start().map_err(|error| vec![error]),
        Err(errors) => Err(errors),
    }
}
