//! What to say when no environment can be chosen.

use std::sync::Arc;

use kiln_diag::Diag;

use super::{EnvironmentOptions, EnvironmentTarget, Kind};

const DEFINE: &str = "`--env=NAME=//LABEL`, or a line `NAME = \"//LABEL\"` in `[environments-preview.names]` of `kiln.toml`";

/// The name is not defined (ENV-025, ENV-040).
pub(super) fn unknown(
    name: &str,
    options: &EnvironmentOptions,
    referrer: Option<&EnvironmentTarget>,
) -> Diag {
    let mut diag = Diag::build(format!("unrecognized environment `{name}`"));
    if let Some(target) = referrer {
        let said = format!("the `fallback_environment` of `{}` says so", target.label);
        diag = diag.note_at(said, target.span.clone());
    }
    let known: Vec<String> = options
        .names
        .keys()
        .map(|name| format!("`{name}`"))
        .collect();
    diag = diag.note(match known.is_empty() {
        true => "no environment has a name".to_owned(),
        false => format!("there are {}", known.join(", ")),
    });
    let special = [super::LOCAL, super::LOCAL_WORKSPACE];
    let names = options.names.keys().map(|name| &**name);
    diag.did_you_mean(name, names.chain(special))
        .hint(format!("give an environment target this name by {DEFINE}"))
}

/// Fallbacks that lead back to where they came from (ENV-054).
pub(super) fn cycle(
    left: &[(Arc<str>, String)],
    name: &str,
    referrer: Option<&EnvironmentTarget>,
) -> Diag {
    let start = left.iter().position(|(seen, _)| **seen == *name);
    let round = left.iter().skip(start.unwrap_or_default());
    let mut names: Vec<String> = round.map(|(name, _)| format!("`{name}`")).collect();
    names.push(format!("`{name}`"));
    let mut diag = Diag::build(format!(
        "fallbacks of environments go in a circle: {}",
        names.join(" -> ")
    ));
    if let Some(target) = referrer {
        diag = diag.at(target.span.clone());
    }
    diag.hint("remove one of these `fallback_environment`s, or let it be `__local__`")
}

/// It does not match and says nothing else to use (ENV-051).
pub(super) fn no_fallback(
    left: &[(Arc<str>, String)],
    name: &str,
    target: &EnvironmentTarget,
    reason: &str,
) -> Diag {
    let mut diag = Diag::build(format!(
        "environment `{name}` (`{}`) cannot be used: {reason}",
        target.label
    ))
    .at(target.span.clone());
    for (name, reason) in left {
        diag = diag.note(format!("it is the fallback of `{name}`: {reason}"));
    }
    match target.kind {
        Kind::Workspace => diag.hint("name another environment for this machine"),
        _ => diag.hint(
            "set `fallback_environment` to what shall be used instead, for example `\"__local__\"`",
        ),
    }
}

/// More than one fits (ENV-042).
pub(super) fn ambiguous(special: &str, fitting: &[(Arc<str>, EnvironmentTarget)]) -> Diag {
    let shown: Vec<String> = fitting
        .iter()
        .map(|(name, target)| format!("`{name}` (`{}`)", target.label))
        .collect();
    let mut diag = Diag::build(format!(
        "`{special}` is ambiguous: {} fit this machine",
        shown.join(" and ")
    ));
    for (at, (name, target)) in fitting.iter().enumerate() {
        diag = match at {
            0 => diag.at(target.span.clone()),
            _ => diag.note_at(format!("`{name}`"), target.span.clone()),
        };
    }
    diag.hint("narrow the `compatible_platforms` of all but one, or give only one of them a name")
        .hint("a target may name the one it means: `environment = \"NAME\"`; names can differ by user or in CI")
}

/// No workspace environment fits (ENV-043).
pub(super) fn no_workspace(options: &EnvironmentOptions) -> Diag {
    let host = options.host.map_or("of another kind", |host| host.name());
    Diag::build(format!(
        "no named `{}` fits this machine, which is `{host}`",
        Kind::Workspace
    ))
    .hint(format!("give such a target a name by {DEFINE}"))
}
