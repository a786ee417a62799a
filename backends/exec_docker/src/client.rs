//! The connection to an engine. What its API answers becomes words here and nowhere else.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, Docker};
use kiln_diag::{Diag, io_text};

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
    let asks = |name: &str| variables.get(name).is_some_and(|value| !value.is_empty());
    if asks("DOCKER_TLS_VERIFY") && address.host.starts_with("tcp://") {
        return Err(encrypted(&address));
    }
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
            .hint("use one that listens at `unix://…` or `tcp://…`")
            .hint(
                "its socket can be forwarded: `ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock \
                 HOST`, and `DOCKER_HOST=unix:///tmp/docker.sock`",
            ));
        }
    };
    opened.map_err(|error| unreachable(address, &error))
}

fn unreachable(address: &Address, error: &Error) -> Diag {
    if let Error::SocketNotFoundError(path) = error {
        return absent(address, &format!("there is no socket `{path}`"));
    }
    match innermost(error).downcast_ref::<io::Error>() {
        Some(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let text = io_text(error);
            let host = &address.host;
            Diag::environment(format!(
                "the Docker engine at `{host}` is not for this user: {text}"
            ))
            .note(format!("{} says where it is", address.origin))
            .hint("join its group, often by `sudo usermod -aG docker $USER`, and log in again")
            .hint("or go without containers: `--nodocker_execution`")
        }
        _ => absent(address, &say(error)),
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

/// Plain text would be refused, and the words for that help nobody.
fn encrypted(address: &Address) -> Diag {
    Diag::environment(format!(
        "kiln cannot speak TLS with the Docker engine at `{}`",
        address.host
    ))
    .note("`DOCKER_TLS_VERIFY` asks for it")
    .hint(
        "forward its socket: `ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST`, and set \
         `DOCKER_HOST=unix:///tmp/docker.sock`",
    )
}

/// An error of the engine's, in one line.
pub(crate) fn say(error: &Error) -> String {
    let text = match error {
        Error::DockerResponseServerError { message, .. } => message.clone(),
        Error::DockerStreamError { error } => error.clone(),
        Error::RequestTimeoutError => "it did not answer in time".to_owned(),
        error => match innermost(error).downcast_ref::<io::Error>() {
            Some(error) => io_text(error),
            None => innermost(error).to_string(),
        },
    };
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("; ")
}

/// What is at the bottom of an error: the layers above say what the client is made of.
fn innermost(error: &Error) -> &(dyn std::error::Error + 'static) {
    let mut inner: &(dyn std::error::Error + 'static) = match error {
        // It shows what is in it as its own.
        Error::IOError { err } => err,
        error => error,
    };
    loop {
        // An error of a system call may hold another one, with more words.
        let wrapped = inner
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        match wrapped.map_or_else(|| inner.source(), |below| Some(below)) {
            Some(below) => inner = below,
            None => return inner,
        }
    }
}

/// The status of an answer that is an error.
pub(crate) fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(error: &Error, expected: Expect) {
        let address = Address {
            host: "unix:///run/docker.sock".to_owned(),
            origin: "`DOCKER_HOST`".to_owned(),
        };
        expected.assert_eq(&unreachable(&address, error).render());
    }

    #[test]
    fn tls_is_not_spoken() {
        let address = Address {
            host: "tcp://far:2376".to_owned(),
            origin: "`DOCKER_HOST`".to_owned(),
        };
        expect![[r#"
            error: kiln cannot speak TLS with the Docker engine at `tcp://far:2376`
               = `DOCKER_TLS_VERIFY` asks for it
            hint: forward its socket: `ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST`, and set `DOCKER_HOST=unix:///tmp/docker.sock`"#]]
        .assert_eq(&encrypted(&address).render());
    }

    #[test]
    fn engines_that_cannot_be_reached_env_105() {
        let io = |kind: io::ErrorKind| Error::IOError { err: kind.into() };
        check(
            &io(io::ErrorKind::PermissionDenied),
            expect![[r#"
                error: the Docker engine at `unix:///run/docker.sock` is not for this user: permission denied
                   = `DOCKER_HOST` says where it is
                hint: join its group, often by `sudo usermod -aG docker $USER`, and log in again
                hint: or go without containers: `--nodocker_execution`"#]],
        );
        check(
            &io(io::ErrorKind::ConnectionRefused),
            expect![[r#"
            error: there is no Docker engine at `unix:///run/docker.sock`: connection refused
               = `DOCKER_HOST` says where it is
            hint: start Docker, or go without containers: `--nodocker_execution`"#]],
        );
        check(
            &Error::RequestTimeoutError,
            expect![[r#"
            error: there is no Docker engine at `unix:///run/docker.sock`: it did not answer in time
               = `DOCKER_HOST` says where it is
            hint: start Docker, or go without containers: `--nodocker_execution`"#]],
        );
        check(
            &Error::DockerResponseServerError {
                status_code: 500,
                message: "something\nbroke".to_owned(),
            },
            expect![[r#"
                error: there is no Docker engine at `unix:///run/docker.sock`: something; broke
                   = `DOCKER_HOST` says where it is
                hint: start Docker, or go without containers: `--nodocker_execution`"#]],
        );
    }
}
