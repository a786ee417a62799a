//! The verbs.

mod build;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use kiln_diag::Diag;
use kiln_exec_local::ZygoteServer;

/// Runs the command line.
pub(crate) fn main() -> ExitCode {
    match run() {
        Ok(code) => ExitCode::from(code),
        Err(errors) => {
            for error in &errors {
                eprintln!("{error}");
            }
            ExitCode::from(errors.first().map_or(37, Diag::exit_code))
        }
    }
}

fn run() -> Result<u8, Vec<Diag>> {
    let one = |error: Diag| vec![error];
    // Before any thread: everything in a sandbox is forked from this process.
    let zygotes = Arc::new(ZygoteServer::start().map_err(one)?);
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime =
        runtime.map_err(|e| one(Diag::environment(format!("cannot start threads: {e}"))))?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let code = runtime.block_on(build::run(&arguments, environment, zygotes));
    // Evaluations that nobody waits for any more must not hold up the end.
    runtime.shutdown_background();
    code
}
