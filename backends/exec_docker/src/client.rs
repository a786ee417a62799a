//! The connection to an engine. What its API answers becomes words here and nowhere else.

use std::collections::BTreeMap;
use std::time::Duration;

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, Docker};
use kiln_diag::Diag;

use crate::address::{self, Address};

/// An engine that answered.
pub(crate) struct Engine {
    pub docker: Docker,
    pub address: Address,
    /// It runs as an ordinary user, who is root in its containers.
    pub rootless: bool,
    /// Users of containers are others outside (`userns-remap`).
    pub remapped: bool,
}

/// How long an engine has for the beginning of an answer, in seconds.
const ANSWER: u64 = 120;
/// How long it has to say that it is there.
const PING: Duration = Duration::from_secs(5);

/// Finds the engine and asks what it is.
///
/// Errors: there is none, it does not answer, or kiln does not speak its language; each with a
/// cure (ENV-105).
pub(crate) async fn connect(variables: &BTreeMap<String, String>) -> Result<Engine, Diag> {
    let address = address::find(variables)?;
    let docker = open(&address)?;
    let info = match tokio::time::timeout(PING, docker.info()).await {
        Ok(Ok(info)) => info,
        Ok(Err(error)) => return Err(unreachable(&address, &error)),
        Err(_) => {
            let seconds = PING.as_secs();
            return Err(absent(
                &address,
                &format!("it did not answer within {seconds} seconds"),
            ));
        }
    };
    if let Some(os) = info.os_type.as_deref().filter(|os| *os != "linux") {
        return Err(Diag::environment(format!(
            "the Docker engine runs containers of `{os}`, and actions need Linux"
        ))
        .note(format!(
            "it is at `{}`, says {}",
            address.host, address.origin
        )));
    }
    let options = info.security_options.unwrap_or_default();
    let has = |name: &str| {
        let wanted = format!("name={name}");
        options
            .iter()
            .any(|option| option.split(',').any(|part| part == wanted))
    };
    Ok(Engine {
        rootless: has("rootless"),
        remapped: has("userns"),
        docker,
        address,
    })
}

fn open(address: &Address) -> Result<Docker, Diag> {
    let host = address.host.as_str();
    let opened = match host.split_once("://") {
        Some(("unix", path)) => Docker::connect_with_unix(path, ANSWER, API_DEFAULT_VERSION),
        Some(("tcp" | "http", _)) => Docker::connect_with_http(host, ANSWER, API_DEFAULT_VERSION),
        _ => {
            return Err(Diag::environment(format!(
                "kiln cannot reach a Docker engine at `{host}`"
            ))
            .note(format!("{} says that it is there", address.origin))
            .hint("use one that listens at `unix://…` or `tcp://…`"));
        }
    };
    opened.map_err(|error| unreachable(address, &error))
}

fn unreachable(address: &Address, error: &Error) -> Diag {
    match error {
        Error::SocketNotFoundError(path) => {
            absent(address, &format!("there is no socket `{path}`"))
        }
        error => absent(address, &say(error)),
    }
}

fn absent(address: &Address, why: &str) -> Diag {
    Diag::environment(format!(
        "there is no Docker engine at `{}`: {why}",
        address.host
    ))
    .note(format!("{} says where it is", address.origin))
    .hint("start Docker, or go without containers: `--nodocker_execution`")
}

/// Outputs could not be the user's own (ENV-099).
pub(crate) fn remapped(engine: &Engine) -> Diag {
    Diag::environment("the Docker engine gives the users of containers other numbers outside")
        .note(format!(
            "the one at `{}` runs with `userns-remap`",
            engine.address.host
        ))
        .hint("use an engine without it, or a rootless one")
}

/// An error of the engine's, in one line.
pub(crate) fn say(error: &Error) -> String {
    let text = match error {
        Error::DockerResponseServerError { message, .. } => message.clone(),
        Error::DockerStreamError { error } => error.clone(),
        Error::RequestTimeoutError => "it did not answer in time".to_owned(),
        error => {
            let mut text = error.to_string();
            let mut source = std::error::Error::source(error);
            while let Some(error) = source {
                let more = error.to_string();
                if !text.contains(&more) {
                    text = format!("{text}: {more}");
                }
                source = error.source();
            }
            text
        }
    };
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("; ")
}

/// The status of an answer that is an error.
pub(crate) fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}
