//! Whether what an environment names to race with is something to race with.

use std::sync::Arc;

use kiln_diag::{Diag, Part};
use kiln_process::Platform;

use super::{EnvironmentOptions, EnvironmentTarget, Kind, LOCAL};

const FIELD: &str = "race_with";

fn error(target: &EnvironmentTarget, name: &str, message: String) -> Diag {
    Diag::build(format!("`{FIELD}` of `{}`: {message}", target.label))
        .at(target.span.clone())
        .about(FIELD, Part::Text(name.to_owned()))
}

/// The name is not defined.
pub(super) fn unknown(
    target: &EnvironmentTarget,
    name: &Arc<str>,
    options: &EnvironmentOptions,
) -> Diag {
    let error = error(target, name, format!("unrecognized environment `{name}`"));
    let known: Vec<String> = options
        .names
        .keys()
        .map(|name| format!("`{name}`"))
        .collect();
    let error = error.note(format!("there are {}", known.join(", ")));
    let names = options.names.keys().map(|name| &**name);
    error.did_you_mean(name, names.chain([LOCAL])).hint(
        "it is the name of an environment, as `environment` of other targets says it; give one by `[environments-preview.names]` in `kiln.toml`",
    )
}

/// It is the same target.
pub(super) fn itself(target: &EnvironmentTarget, name: &str) -> Diag {
    error(target, name, format!("`{name}` is the same environment"))
        .hint("name another one, or leave `race_with` out")
}

/// What runs in the workspace itself writes there.
pub(super) fn workspace(target: &EnvironmentTarget, name: &str) -> Diag {
    error(
        target,
        name,
        format!("`{name}` runs in the workspace itself"),
    )
    .note("of two that run at a time, both must write to kiln's store and nowhere else")
    .hint("name a `local_environment`, `docker_environment` or `remote_environment`")
}

/// Whether both run apart from each other, and see the same platform.
///
/// Errors: they do not.
pub(super) fn suitable(
    target: &EnvironmentTarget,
    name: &str,
    (kind, platform): (Kind, Option<Platform>),
    options: &EnvironmentOptions,
) -> Result<(), Diag> {
    if kind == Kind::Workspace {
        return Err(workspace(target, name));
    }
    if kind == Kind::Local && target.kind == Kind::Local {
        let message = format!("`{name}` is a sandbox on this machine as well");
        return Err(error(target, name, message)
            .hint("name a `docker_environment` or a `remote_environment`"));
    }
    match (target.runs_on(options), platform) {
        (Some(own), Some(other)) if own != other => {
            let message = format!("`{name}` is for `{other}`, and this one for `{own}`");
            Err(error(target, name, message)
                .note("what they make would differ")
                .hint(format!("name an environment for `{own}`")))
        }
        _ => Ok(()),
    }
}
