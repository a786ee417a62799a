//! Where the engine is: the usual variables and contexts (ENV-104).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use kiln_base::Digest;
use kiln_diag::Diag;
use serde_json::Value;

/// Where an engine listens, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// As in `DOCKER_HOST`.
    pub host: String,
    /// A variable, a context; for messages.
    pub origin: String,
}

const DEFAULT: &str = "unix:///var/run/docker.sock";

/// Finds the engine as the `docker` command does: `DOCKER_HOST`, else the context of
/// `DOCKER_CONTEXT` or of Docker's configuration file, else the usual socket.
///
/// Errors: the context is not there or says nothing of an engine.
pub(crate) fn find(variables: &BTreeMap<String, String>) -> Result<Address, Diag> {
    let get = |name: &str| variables.get(name).filter(|value| !value.is_empty());
    if let Some(host) = get("DOCKER_HOST") {
        return Ok(Address {
            host: host.clone(),
            origin: "`DOCKER_HOST`".to_owned(),
        });
    }
    let folder = configuration(variables);
    let (context, origin) = match (get("DOCKER_CONTEXT"), &folder) {
        (Some(context), _) => (Some(context.clone()), "`DOCKER_CONTEXT`".to_owned()),
        (None, Some(folder)) => {
            let file = folder.join("config.json");
            (current(&file), format!("`{}`", file.display()))
        }
        (None, None) => (None, String::new()),
    };
    match (context, folder) {
        (Some(name), Some(folder)) if name != "default" => named(&folder, &name, &origin),
        _ => Ok(Address {
            host: DEFAULT.to_owned(),
            origin: "the default".to_owned(),
        }),
    }
}

/// The folder with the user's Docker configuration.
pub(crate) fn configuration(variables: &BTreeMap<String, String>) -> Option<PathBuf> {
    let get = |name: &str| variables.get(name).filter(|value| !value.is_empty());
    match (get("DOCKER_CONFIG"), get("HOME")) {
        (Some(folder), _) => Some(PathBuf::from(folder)),
        (None, Some(home)) => Some(Path::new(home).join(".docker")),
        (None, None) => None,
    }
}

/// The context that a configuration file chooses. One that cannot be read chooses none.
fn current(file: &Path) -> Option<String> {
    let json: Value = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    let name = json.get("currentContext")?.as_str()?;
    (!name.is_empty()).then(|| name.to_owned())
}

/// The engine of a context. Its folder is called by the SHA-256 of its name.
fn named(folder: &Path, name: &str, origin: &str) -> Result<Address, Diag> {
    let digest = Digest::of(name.as_bytes()).hex();
    let file = folder.join("contexts/meta").join(digest).join("meta.json");
    let hint = "`docker context ls` lists what there is; `docker context use default` goes back";
    let text = fs::read(&file).map_err(|_| {
        Diag::environment(format!("there is no Docker context `{name}`"))
            .note(format!("it is chosen by {origin}"))
            .hint(hint)
    })?;
    let json: Value = serde_json::from_slice(&text).unwrap_or_default();
    let host = json.pointer("/Endpoints/docker/Host");
    match host.and_then(Value::as_str).filter(|host| !host.is_empty()) {
        Some(host) => Ok(Address {
            host: host.to_owned(),
            origin: format!("Docker context `{name}`, chosen by {origin}"),
        }),
        None => Err(Diag::environment(format!(
            "Docker context `{name}` does not say where its engine is"
        ))
        .note(format!("looked for it in `{}`", file.display()))
        .hint(hint)),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(home: &Path, variables: &[(&str, &str)], expected: Expect) {
        let mut all: BTreeMap<String, String> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        all.insert("HOME".to_owned(), home.display().to_string());
        let text = match find(&all) {
            Ok(address) => format!("{} by {}", address.host, address.origin),
            Err(error) => error.to_string(),
        };
        expected.assert_eq(&text.replace(&home.display().to_string(), "HOME"));
    }

    #[test]
    fn engines_are_found_as_docker_finds_them() {
        let home = tempfile::tempdir().expect("a folder");
        let docker = home.path().join(".docker");
        let meta = docker.join("contexts/meta").join(Digest::of(b"far").hex());
        fs::create_dir_all(&meta).expect("a folder");
        let text = r#"{"Name":"far","Endpoints":{"docker":{"Host":"tcp://far:2375"}}}"#;
        fs::write(meta.join("meta.json"), text).expect("a file");
        let home = home.path();
        let default = || expect!["unix:///var/run/docker.sock by the default"];
        check(home, &[], default());
        check(home, &[("DOCKER_HOST", "")], default());
        check(
            home,
            &[("DOCKER_HOST", "tcp://a:1"), ("DOCKER_CONTEXT", "far")],
            expect!["tcp://a:1 by `DOCKER_HOST`"],
        );
        check(
            home,
            &[("DOCKER_CONTEXT", "far")],
            expect!["tcp://far:2375 by Docker context `far`, chosen by `DOCKER_CONTEXT`"],
        );
        check(
            home,
            &[("DOCKER_CONTEXT", "fare")],
            expect![[r#"
                error: there is no Docker context `fare`
                   = it is chosen by `DOCKER_CONTEXT`
                hint: `docker context ls` lists what there is; `docker context use default` goes back"#]],
        );
        let config = docker.join("config.json");
        fs::write(&config, r#"{"currentContext":"far"}"#).expect("a file");
        check(
            home,
            &[],
            expect!["tcp://far:2375 by Docker context `far`, chosen by `HOME/.docker/config.json`"],
        );
        check(home, &[("DOCKER_CONTEXT", "default")], default());
        fs::write(&config, "{").expect("a file");
        check(home, &[], default());
        fs::write(meta.join("meta.json"), "{}").expect("a file");
        check(
            home,
            &[("DOCKER_CONTEXT", "far")],
            expect![[r#"
                error: Docker context `far` does not say where its engine is
                   = looked for it in `HOME/.docker/contexts/meta/512eea46ceb3921dff4363c7069d89d4964d1d9fccaa0f411851a7aa60a5c868/meta.json`
                hint: `docker context ls` lists what there is; `docker context use default` goes back"#]],
        );
    }
}
