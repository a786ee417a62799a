//! The four kinds of environment targets, and whether one fits (ENV-001 … ENV-015, ENV-045 … 048).

use std::fmt;
use std::sync::Arc;

use kiln_address::Label;
use kiln_diag::{Diag, Part, Span};
use kiln_process::{DockerEnvironment, Environment, Platform, RemoteEnvironment};
use kiln_targets::{AttrValue, RuleKind, TargetDef};

use super::{Aware, AwareValues, EnvironmentOptions};
use crate::targets::{LoadedKind, LoadedTarget};

/// A kind of environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A sandbox on this machine.
    Local,
    /// A container.
    Docker,
    /// A worker of a server.
    Remote,
    /// The workspace itself.
    Workspace,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 4] = [Kind::Local, Kind::Docker, Kind::Remote, Kind::Workspace];

    /// The name of its rule.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Local => "local_environment",
            Kind::Docker => "docker_environment",
            Kind::Remote => "remote_environment",
            Kind::Workspace => "experimental_workspace_environment",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Platform properties, in the order given.
pub type Properties = Arc<[(Arc<str>, Arc<str>)]>;

/// An environment target, its fields checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentTarget {
    /// Which target.
    pub label: Label,
    /// Its kind.
    pub kind: Kind,
    /// `compatible_platforms`
    pub platforms: Vec<Platform>,
    /// `platform`
    pub platform: Option<Platform>,
    /// `image`
    pub image: Arc<str>,
    /// `extra_platform_properties`
    pub properties: Properties,
    /// `fallback_environment`
    pub fallback: Option<Arc<str>>,
    /// `race_with`
    pub race_with: Option<Arc<str>>,
    /// `requires_env`
    pub requires_env: Arc<[Arc<str>]>,
    /// `requires_option`
    pub requires_option: Arc<[Arc<str>]>,
    /// Fields in place of options, those that are given (ENV-072).
    pub aware: AwareValues,
    /// Where it is declared.
    pub span: Span,
}

impl EnvironmentTarget {
    /// Why it cannot be used here and now; `None` if it can.
    pub(super) fn misfit(&self, options: &EnvironmentOptions) -> Option<String> {
        let host = options.host;
        let shown = host.map_or("another kind of machine", Platform::name);
        match self.kind {
            Kind::Local | Kind::Workspace => {
                let fits = host.is_some_and(|host| self.platforms.contains(&host));
                (!fits).then(|| {
                    let platforms: Vec<String> =
                        self.platforms.iter().map(|p| format!("`{p}`")).collect();
                    match platforms.is_empty() {
                        true => "its `compatible_platforms` is empty, so that it matches nowhere"
                            .to_owned(),
                        false => format!(
                            "this machine is `{shown}`, and it is compatible with {}",
                            platforms.join(", ")
                        ),
                    }
                })
            }
            Kind::Docker => match (options.no_docker, self.platform) {
                (Some(why), _) => Some(why.to_owned()),
                (None, None) => None,
                // Docker's virtual machine on macOS runs either.
                (None, Some(_)) if host.is_some_and(|host| !host.is_linux()) => None,
                (None, Some(platform)) => (Some(platform) != host).then(|| {
                    format!("its platform is `{platform}`, and this machine is `{shown}`")
                }),
            },
            Kind::Remote => options.no_remote.map(str::to_owned),
        }
    }

    /// The platform that its processes see, if that is known.
    pub(super) fn runs_on(&self, options: &EnvironmentOptions) -> Option<Platform> {
        match self.kind {
            // A list of what it fits: where it is used, it is this machine.
            Kind::Local | Kind::Workspace => options.host,
            Kind::Docker => self.platform.or(match options.host {
                Some(Platform::LinuxArm64 | Platform::MacosArm64) => Some(Platform::LinuxArm64),
                _ => Some(Platform::LinuxX86_64),
            }),
            Kind::Remote => Some(self.platform.unwrap_or(Platform::LinuxX86_64)),
        }
    }

    /// Where its processes run.
    pub(super) fn environment(&self, options: &EnvironmentOptions) -> Result<Environment, Diag> {
        Ok(match self.kind {
            Kind::Local => Environment::Local,
            Kind::Workspace => Environment::Workspace,
            Kind::Docker => Environment::Docker(DockerEnvironment {
                platform: self.platform.unwrap_or(match options.host {
                    Some(Platform::LinuxArm64 | Platform::MacosArm64) => Platform::LinuxArm64,
                    _ => Platform::LinuxX86_64,
                }),
                image: self.image.clone(),
            }),
            Kind::Remote => Environment::Remote(RemoteEnvironment {
                platform: self.platform.unwrap_or(Platform::LinuxX86_64),
                properties: self.properties.clone(),
            }),
        })
    }
}

/// Reads an environment target.
///
/// Errors: it is another kind of target (ENV-024), a macro made it (ENV-142), or a field has a
/// value that is not allowed.
pub(super) fn read(label: &Label, loaded: &LoadedTarget) -> Result<EnvironmentTarget, Diag> {
    let LoadedKind::Rule(def) = &loaded.kind else {
        return Err(not_one(label, "a file"));
    };
    let kind = Kind::ALL
        .into_iter()
        .find(|kind| matches!(&def.rule.kind, RuleKind::Builtin(found) if **found == *kind.name()));
    let Some(kind) = kind else {
        return Err(not_one(label, &format!("a `{}`", def.rule.name)).at(def.span.clone()));
    };
    if let Some(generator) = &def.generator {
        return Err(Diag::build(format!(
            "environment targets cannot use macros, and `{label}` is made by `{generator}`"
        ))
        .at(def.span.clone())
        .note("what they say must be plain to see: all that is built depends on it")
        .hint(format!("call `{kind}` in the BUILD file itself")));
    }
    let fields = Fields(def);
    Ok(EnvironmentTarget {
        label: def.label.clone(),
        kind,
        platforms: fields.platforms()?,
        platform: fields.platform()?,
        image: fields.image()?,
        properties: fields.properties()?,
        fallback: fields.text("fallback_environment").map(Arc::from),
        race_with: fields.text("race_with").map(Arc::from),
        requires_env: fields.texts("requires_env"),
        requires_option: fields.texts("requires_option"),
        aware: fields.aware()?,
        span: def.span.clone(),
    })
}

fn not_one(label: &Label, what: &str) -> Diag {
    let kinds: Vec<String> = Kind::ALL.iter().map(|kind| format!("`{kind}`")).collect();
    Diag::build(format!("`{label}` is {what}, and no environment")).hint(format!(
        "name a target of {}",
        kinds
            .join(", ")
            .replacen(", `experimental", " or `experimental", 1)
    ))
}

/// The fields of a target, read with care.
struct Fields<'a>(&'a TargetDef);

impl Fields<'_> {
    fn error(&self, field: &str, part: &str, message: String) -> Diag {
        let diag = Diag::build(format!("`{field}` of `{}`: {message}", self.0.label));
        diag.at(self.0.span.clone())
            .about(field, Part::Text(part.to_owned()))
    }

    fn text(&self, field: &str) -> Option<&str> {
        let value = self.0.attr(field).and_then(AttrValue::as_str);
        value.filter(|value| !value.is_empty())
    }

    fn texts(&self, field: &str) -> Arc<[Arc<str>]> {
        let items = self.0.attr(field).map_or(&[][..], AttrValue::items);
        let texts = items.iter().filter_map(AttrValue::as_str);
        texts.map(Arc::from).collect()
    }

    /// What stands in place of options. Only what is given does, an empty list too.
    fn aware(&self) -> Result<AwareValues, Diag> {
        let given = Aware::ALL.into_iter();
        let given = given.filter(|aware| self.0.is_given(aware.name()));
        given
            .map(|aware| {
                let texts = self.texts(aware.name());
                let wrong = texts
                    .iter()
                    .find_map(|text| Some((text, aware.mistake(text)?)));
                match wrong {
                    None => Ok((aware, texts)),
                    Some((text, why)) => {
                        let message = format!("`{text}` is {why}");
                        let error = self.error(aware.name(), text, message);
                        Err(error.hint(match aware {
                            Aware::Variables | Aware::TestVariables => {
                                "write `NAME=VALUE`, or `NAME` for the value that it has there"
                            }
                            _ => "write a folder such as `/opt/tools/bin`; `<PATH>` stands for those of its own `PATH`",
                        }))
                    }
                }
            })
            .collect()
    }

    fn platforms(&self) -> Result<Vec<Platform>, Diag> {
        let items = self.0.attr("compatible_platforms");
        let items = items.map_or(&[][..], AttrValue::items);
        let names = items.iter().filter_map(AttrValue::as_str);
        names
            .map(|name| self.one_of("compatible_platforms", name, &Platform::ALL))
            .collect()
    }

    fn platform(&self) -> Result<Option<Platform>, Diag> {
        let linux = [Platform::LinuxArm64, Platform::LinuxX86_64];
        let name = self.text("platform");
        name.map(|name| self.one_of("platform", name, &linux))
            .transpose()
    }

    fn one_of(&self, field: &str, name: &str, allowed: &[Platform]) -> Result<Platform, Diag> {
        let found = allowed.iter().find(|platform| platform.name() == name);
        found.copied().ok_or_else(|| {
            let shown: Vec<String> = allowed.iter().map(|p| format!("`{p}`")).collect();
            let message = format!("`{name}` is not one of {}", shown.join(", "));
            let names = allowed.iter().map(|platform| platform.name());
            let error = self.error(field, name, message);
            let near = error.clone().did_you_mean(name, names);
            match near == error {
                true => error.hint(format!("write {}", shown.join(" or "))),
                false => near,
            }
        })
    }

    /// A digest is `sha256:` and 64 digits; nothing else stands behind an `@` (ENV-091).
    fn image(&self) -> Result<Arc<str>, Diag> {
        let image = self.text("image").unwrap_or_default();
        let hint = "for example `debian:12`, `debian@sha256:…` or `sha256:…`";
        if image.is_empty() || image.contains(char::is_whitespace) {
            if self.0.rule.attr("image").is_none() {
                return Ok(Arc::from(""));
            }
            let message = format!("`{image}` is no name of an image");
            return Err(self.error("image", image, message).hint(hint));
        }
        if let Some((_, digest)) = image.split_once('@') {
            let digits = digest.strip_prefix("sha256:").unwrap_or_default();
            if digits.len() != 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                let message = format!("`{digest}` behind the `@` is no digest");
                return Err(self.error("image", image, message).hint(hint));
            }
        }
        Ok(Arc::from(image))
    }

    fn properties(&self) -> Result<Properties, Diag> {
        let field = "extra_platform_properties";
        let items = self.0.attr(field).map_or(&[][..], AttrValue::items);
        let texts = items.iter().filter_map(AttrValue::as_str);
        let pairs = texts.map(|text| match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok((Arc::from(name), Arc::from(value))),
            _ => Err(self
                .error(field, text, format!("`{text}` is no `key=value`"))
                .hint(format!("write `{}=…`", text.trim_matches('=')))),
        });
        pairs.collect()
    }
}
