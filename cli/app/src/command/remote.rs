//! Flags about remote caches and workers, as settings of the client.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kiln_diag::Diag;
use kiln_exec_remote::{Address, Down, Helper, RemoteConfig, Secret};
use kiln_options::Options;
use kiln_rules_core::path_filter::PathFilter;

use crate::engine::Download;

/// The server for contents and results: `--remote_cache`, else `--remote_executor` (Bazel).
///
/// Errors: an address, certificate or header that is none.
pub(crate) fn cache(
    options: &Options,
    environment: &BTreeMap<String, String>,
) -> Result<Option<RemoteConfig>, Diag> {
    let own = options.remote_cache().filter(|text| !text.is_empty());
    let address = own.or_else(|| options.remote_executor());
    config(
        options,
        environment,
        address,
        options.remote_cache_headers(),
    )
}

/// The server at an address, by all that is said of servers.
///
/// Errors: an address, certificate or header that is none.
pub(crate) fn server(
    options: &Options,
    environment: &BTreeMap<String, String>,
    address: &str,
) -> Result<Option<RemoteConfig>, Diag> {
    let headers = [
        options.remote_cache_headers(),
        options.remote_exec_headers(),
    ];
    config(options, environment, Some(address), headers.concat())
}

/// The server whose workers run actions: `--remote_executor`.
///
/// Errors: an address, certificate or header that is none.
pub(crate) fn workers(
    options: &Options,
    environment: &BTreeMap<String, String>,
) -> Result<Option<RemoteConfig>, Diag> {
    let (address, headers) = (options.remote_executor(), options.remote_exec_headers());
    config(options, environment, address, headers)
}

/// `--remote_download_outputs`
pub(crate) fn download(options: &Options) -> Download {
    match options.remote_download_outputs() {
        "all" => Download::All,
        "minimal" => Download::Minimal,
        _ => Download::Toplevel,
    }
}

/// `--remote_download_regex`
///
/// Errors: an expression that is none.
pub(crate) fn at_once(options: &Options) -> Result<PathFilter, Diag> {
    let texts = options.remote_download_regexes();
    PathFilter::parse(texts.iter().map(|text| &**text))
        .map_err(|error| error.note("given as `--remote_download_regex`"))
}

fn config(
    options: &Options,
    environment: &BTreeMap<String, String>,
    address: Option<&str>,
    headers: Vec<Arc<str>>,
) -> Result<Option<RemoteConfig>, Diag> {
    let Some(address) = address.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let mut config = RemoteConfig::new(Address::parse(address)?);
    config.instance = options
        .remote_instance_name()
        .unwrap_or_default()
        .to_owned();
    for header in [options.remote_headers(), headers].concat() {
        // The check of the flag lets only pairs through.
        if let Some((name, value)) = header.split_once('=') {
            let value = Secret(value.to_owned());
            config.headers.push((name.to_owned(), value));
        }
    }
    config.helpers = options
        .credential_helpers()
        .iter()
        .map(|text| helper(options, environment, text))
        .collect();
    config.token_file = options.remote_token_file();
    config.ca_certificate = options.tls_certificate();
    config.identity = match (options.tls_client_certificate(), options.tls_client_key()) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        (Some(_), None) => return Err(half("--tls_client_certificate", "--tls_client_key")),
        (None, Some(_)) => return Err(half("--tls_client_key", "--tls_client_certificate")),
    };
    config.timeout = Duration::from_secs(options.remote_timeout());
    config.retries = u32::try_from(options.remote_retries()).unwrap_or(0);
    config.read = options.remote_accept_cached();
    config.write = options.remote_upload_local_results();
    config.down = match options.remote_down() {
        "wait" => Down::Wait,
        "fail" => Down::Fail,
        _ => Down::Fallback,
    };
    Ok(Some(config))
}

/// PX-121.
pub(crate) fn half(given: &str, lacking: &str) -> Diag {
    Diag::usage(format!("`{given}` is of no use without `{lacking}`")).hint(format!(
        "give both, or neither; `{lacking}` names a PEM file"
    ))
}

/// `PROGRAM` or `HOST=PROGRAM`. A program without a slash is looked up in `PATH` (Bazel).
fn helper(options: &Options, environment: &BTreeMap<String, String>, text: &str) -> Helper {
    let (host, program) = match text.split_once('=') {
        Some((host, program)) => (Some(host.to_owned()), program),
        None => (None, text),
    };
    let program = match program.contains('/') || program.starts_with("%workspace%") {
        true => options.path(program),
        false => in_path(environment, program),
    };
    Helper { host, program }
}

fn in_path(environment: &BTreeMap<String, String>, name: &str) -> PathBuf {
    let path = environment.get("PATH").map_or("", String::as_str);
    let candidates = std::env::split_paths(path).map(|folder| folder.join(name));
    let found = candidates.into_iter().find(|candidate| candidate.is_file());
    // What is nowhere fails when it is run, with its name in the message.
    found.unwrap_or_else(|| PathBuf::from(name))
}
