//! `serve`: a remote cache and a worker for others.

use std::io::Write;
use std::sync::Arc;

use kiln_diag::Diag;
use kiln_process::Executor;
use kiln_serve::{Listen, ServeConfig, Server};
use serde_json::json;

use crate::command::context::Context;
use crate::command::remote::half;
use crate::command::{interrupt, runtime};
use crate::engine::open_store;
use crate::executors::{sandboxes, sandboxes_only};
use crate::show::{errors, out, written};

/// Serves until a signal asks it to stop, which is its ordinary end.
pub(crate) fn serve(context: &Context) -> Result<u8, Diag> {
    if let Some(word) = context.options.patterns().first() {
        let diag = Diag::usage(format!("`kiln serve` takes no targets: `{word}`"));
        return Err(diag.hint("clients say what is built: `kiln help serve` lists its flags"));
    }
    let config = config(context)?;
    let runtime = runtime()?;
    let result = runtime.block_on(run(context, config));
    runtime.shutdown_background();
    result
}

async fn run(context: &Context, config: ServeConfig) -> Result<u8, Diag> {
    let cache = context.cache()?;
    let store = open_store(&cache)?;
    let sandboxes = sandboxes(&cache, context.sandbox(), context.action_limits());
    let (jobs, zygotes) = (context.jobs(), context.zygotes.clone());
    let processes = sandboxes_only(sandboxes, jobs, &store, zygotes)?;
    errors(&store.warnings());
    errors(processes.inner().warnings());
    let executor: Arc<dyn Executor> = processes;
    let report = Arc::new(|error: Diag| errors(&[error.into_warning()]));
    let server = Server::bind(config, store.clone(), executor, report).await?;
    let address = server.address();
    match context.options.format() {
        "json" => out(&json!({ "address": address, "jobs": jobs, "store": store.root() }))?,
        _ => written(writeln!(
            std::io::stdout(),
            "serving at {address} with {jobs} jobs, from {}",
            store.root().display()
        ))?,
    };
    let stop = async {
        interrupt::interrupted().await;
    };
    server.run(stop).await?;
    store.flush()?;
    Ok(0)
}

fn config(context: &Context) -> Result<ServeConfig, Diag> {
    let options = &context.options;
    let listen = Listen::parse(options.listen())?;
    let mut config = ServeConfig::new(listen, context.cache()?.join("uploads"));
    let path = |text: Option<&str>| {
        text.filter(|text| !text.is_empty())
            .map(|t| options.path(t))
    };
    config.instance = options.instance_name().unwrap_or_default().to_owned();
    config.token_file = path(options.token_file());
    let certificate = path(options.tls_server_certificate());
    config.tls = match (certificate, path(options.tls_server_key())) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        (Some(_), None) => return Err(half("--tls_server_certificate", "--tls_server_key")),
        (None, Some(_)) => return Err(half("--tls_server_key", "--tls_server_certificate")),
    };
    config.exposed = options.allow_insecure_listen();
    config.read_only = options.read_only();
    config.jobs = context.jobs() as usize;
    Ok(config)
}
