//! Where targets are built: names, environment targets, and which of them a name comes down to.
//!
//! A name is resolved by walking from environment to fallback until one matches (ENV-050). The
//! outcome is a node of the graph keyed by the name alone: targets that say the same share it.

mod aware;
mod explain;
mod predicates;
mod race;
mod target;

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_address::{Label, PackageId, Repo};
use kiln_base::RelPath;
use kiln_diag::{Diag, Span};
use kiln_process::{Environment, Platform};
use kiln_rules::{Declares, Param, Product, RuleCx, RuleDef, rule, rules};

use crate::keys::{RepoOptions, TargetKey};
use crate::repos::Repositories;
use crate::services::{CallerEnv, CommandOptions};
use crate::targets::LoadedTarget;
pub(crate) use aware::PATH;
pub use aware::{Aware, AwareValues};
use predicates::Facts;
pub use predicates::OptionValue;
pub use target::{EnvironmentTarget, Kind};

/// What a target means that says nothing: the local environment that fits this machine (ENV-041).
pub const LOCAL: &str = "__local__";
/// The workspace environment that fits this machine (ENV-043).
pub const LOCAL_WORKSPACE: &str = "__local_workspace__";

/// A name that the configuration gives to an environment target.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NamedEnvironment {
    /// The target, as written.
    pub target: String,
    /// Who says so, for messages: a file with line and column, a variable, a flag.
    pub origin: String,
    /// The place, if it is a file.
    pub span: Option<Span>,
}

/// What is configured about environments.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EnvironmentOptions {
    /// `[environments-preview].names` (ENV-020).
    pub names: BTreeMap<Arc<str>, NamedEnvironment>,
    /// Why there is no running in containers; `None` if there is (ENV-046).
    pub no_docker: Option<&'static str>,
    /// Why there is no remote execution; `None` if there is (ENV-045).
    pub no_remote: Option<&'static str>,
    /// This machine; `None` if it is one that environments know nothing of.
    pub host: Option<Platform>,
    /// Values of options that environments may have their own of (ENV-070).
    pub aware: AwareValues,
}

impl Default for EnvironmentOptions {
    fn default() -> EnvironmentOptions {
        EnvironmentOptions {
            names: BTreeMap::new(),
            no_docker: None,
            no_remote: Some("remote execution is off"),
            host: Platform::host(),
            aware: AwareValues::new(),
        }
    }
}

impl Param for EnvironmentOptions {
    const AMBIENT: bool = true;
}

/// A name of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EnvironmentKey(pub Arc<str>);
impl Param for EnvironmentKey {}

/// What a name comes down to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The last name of the walk (ENV-055); empty for the plain local environment.
    pub name: Arc<str>,
    /// Where processes run.
    pub environment: Environment,
    /// The target, unless it is the plain local environment.
    pub target: Option<EnvironmentTarget>,
    /// What its actions may race with (`race_with`): a name and where processes run. `None` if it
    /// names nothing, or what it names cannot be used here.
    pub rival: Option<(Arc<str>, Environment)>,
    /// The names on the way with the reason why each was left, in order.
    pub left: Vec<(Arc<str>, String)>,
}
impl Product for Chosen {}

/// Resolves a name (ENV-050). Errors name the name, what refers to it, why nothing fits, and the
/// cures; who asked is added by whoever did.
#[rule(uses(CallerEnv, CommandOptions), gets(TargetKey -> LoadedTarget))]
pub async fn chosen(
    cx: &RuleCx,
    key: Arc<EnvironmentKey>,
    options: Arc<EnvironmentOptions>,
    repositories: Arc<Repositories>,
) -> Result<Chosen, Diag> {
    let walk = Walk {
        options: &options,
        repositories: &repositories,
        variables: &cx.service::<CallerEnv>()?.0,
        given: &cx.service::<CommandOptions>()?.0,
    };
    walk.from(cx, &key.0).await
}

/// An environment target by one of its names, whether or not it can be used here.
#[derive(Debug, PartialEq, Eq)]
pub struct Declared(pub EnvironmentTarget);
impl Product for Declared {}

/// Reads the target of a name.
///
/// Errors: the name, the label or a field is wrong.
#[rule(uses(CallerEnv, CommandOptions), gets(TargetKey -> LoadedTarget))]
pub async fn declared(
    cx: &RuleCx,
    key: Arc<EnvironmentKey>,
    options: Arc<EnvironmentOptions>,
    repositories: Arc<Repositories>,
) -> Result<Declared, Diag> {
    let walk = Walk {
        options: &options,
        repositories: &repositories,
        variables: &cx.service::<CallerEnv>()?.0,
        given: &cx.service::<CommandOptions>()?.0,
    };
    let target = walk.named(cx, &key.0, None).await?;
    walk.misfit(&target)?;
    Ok(Declared(target))
}

struct Walk<'a> {
    options: &'a EnvironmentOptions,
    repositories: &'a Repositories,
    variables: &'a BTreeMap<String, String>,
    given: &'a BTreeMap<Arc<str>, OptionValue>,
}

impl Walk<'_> {
    async fn from<R>(&self, cx: &RuleCx<R>, name: &Arc<str>) -> Result<Chosen, Diag>
    where
        R: Declares<LoadedTarget, (TargetKey,)>,
    {
        let mut left: Vec<(Arc<str>, String)> = Vec::new();
        let mut referrer: Option<EnvironmentTarget> = None;
        let mut name = name.clone();
        loop {
            if left.iter().any(|(seen, _)| *seen == name) {
                return Err(explain::cycle(&left, &name, referrer.as_ref()));
            }
            let (found, target) = match &*name {
                LOCAL => match self.special(cx, LOCAL, Kind::Local).await? {
                    None => {
                        return Ok(Chosen {
                            name: Arc::from(""),
                            environment: Environment::Local,
                            target: None,
                            rival: None,
                            left,
                        });
                    }
                    Some(found) => found,
                },
                LOCAL_WORKSPACE => {
                    let found = self.special(cx, LOCAL_WORKSPACE, Kind::Workspace).await?;
                    found.ok_or_else(|| explain::no_workspace(self.options))?
                }
                _ => (
                    name.clone(),
                    self.named(cx, &name, referrer.as_ref()).await?,
                ),
            };
            let reason = match self.misfit(&target)? {
                None => {
                    return Ok(Chosen {
                        rival: self.rival(cx, &target).await?,
                        name: found,
                        environment: target.environment(self.options)?,
                        target: Some(target),
                        left,
                    });
                }
                Some(reason) => reason,
            };
            let Some(fallback) = target.fallback.clone() else {
                return Err(explain::no_fallback(&left, &found, &target, &reason));
            };
            left.push((found, reason));
            referrer = Some(target);
            name = fallback;
        }
    }

    /// What a target names to race with, if it can be used here. It need not fit: then there is no
    /// race.
    ///
    /// Errors: the name is not known, or is that of something no race can be with.
    async fn rival<R>(
        &self,
        cx: &RuleCx<R>,
        target: &EnvironmentTarget,
    ) -> Result<Option<(Arc<str>, Environment)>, Diag>
    where
        R: Declares<LoadedTarget, (TargetKey,)>,
    {
        let Some(name) = &target.race_with else {
            return Ok(None);
        };
        let (found, other) = match &**name {
            LOCAL => match self.special(cx, LOCAL, Kind::Local).await? {
                Some(found) => found,
                None => {
                    race::suitable(target, name, (Kind::Local, self.options.host), self.options)?;
                    return Ok(Some((name.clone(), Environment::Local)));
                }
            },
            LOCAL_WORKSPACE => return Err(race::workspace(target, name)),
            _ if !self.options.names.contains_key(name) => {
                return Err(race::unknown(target, name, self.options));
            }
            _ => (name.clone(), self.named(cx, name, None).await?),
        };
        if other.label == target.label {
            return Err(race::itself(target, name));
        }
        let place = (other.kind, other.runs_on(self.options));
        race::suitable(target, name, place, self.options)?;
        match other.misfit(self.options) {
            Some(_) => Ok(None),
            None => Ok(Some((found, other.environment(self.options)?))),
        }
    }

    /// Why a target cannot be used here and now; `None` if it can.
    ///
    /// Errors: one of its predicates asks for what there is not.
    fn misfit(&self, target: &EnvironmentTarget) -> Result<Option<String>, Diag> {
        let facts = Facts {
            variables: self.variables,
            options: self.given,
        };
        // Mistakes are told whether or not it is used.
        let unmet = facts.unmet(target)?;
        Ok(target.misfit(self.options).or(unmet))
    }

    /// The target that a name stands for (ENV-023 … ENV-025).
    async fn named<R>(
        &self,
        cx: &RuleCx<R>,
        name: &Arc<str>,
        referrer: Option<&EnvironmentTarget>,
    ) -> Result<EnvironmentTarget, Diag>
    where
        R: Declares<LoadedTarget, (TargetKey,)>,
    {
        let Some(named) = self.options.names.get(name) else {
            return Err(explain::unknown(name, self.options, referrer));
        };
        let wrap = |error: Diag| {
            let error = error.note(format!(
                "environment `{name}` is `{}`, says {}",
                named.target, named.origin
            ));
            match &named.span {
                Some(span) => error.at(span.clone()),
                None => error,
            }
        };
        let root = PackageId::new(Repo::root(), RelPath::root());
        let mapping = &self.repositories.root()?.mapping;
        let label = Label::parse(&named.target, &root, mapping).map_err(|error| {
            wrap(
                Diag::usage(error.to_string())
                    .hint("give the label of an environment target: `//environments:linux`"),
            )
        })?;
        let loaded = cx.get::<LoadedTarget, _>((TargetKey(label.clone()),)).await;
        let loaded = loaded.map_err(wrap)?;
        target::read(&label, &loaded).map_err(wrap)
    }

    /// The one named environment of a kind that fits this machine (ENV-041, ENV-043).
    async fn special<R>(
        &self,
        cx: &RuleCx<R>,
        special: &str,
        kind: Kind,
    ) -> Result<Option<(Arc<str>, EnvironmentTarget)>, Diag>
    where
        R: Declares<LoadedTarget, (TargetKey,)>,
    {
        let mut fitting: Vec<(Arc<str>, EnvironmentTarget)> = Vec::new();
        for name in self.options.names.keys() {
            let target = self.named(cx, name, None).await?;
            // Two names of one target are no two choices.
            let known = fitting.iter().any(|(_, known)| known.label == target.label);
            if target.kind == kind && !known && self.misfit(&target)?.is_none() {
                fitting.push((name.clone(), target));
            }
        }
        match fitting.len() {
            0 | 1 => Ok(fitting.pop()),
            _ => Err(explain::ambiguous(special, &fitting)),
        }
    }
}

/// What a target that is analyzed in a configuration is built in: its own `environment`, or, if it
/// has none, that of whoever asked for it.
pub(crate) async fn own<R>(
    cx: &RuleCx<R>,
    def: &kiln_targets::TargetDef,
) -> Result<Option<Arc<Chosen>>, Diag>
where
    R: Declares<Chosen, (EnvironmentKey,)>,
{
    if !def.rule.environment {
        return Ok(None);
    }
    let Some(name) = def.attr("environment").and_then(|value| value.as_str()) else {
        return Ok(None);
    };
    if name.is_empty() {
        return Ok(None);
    }
    let chosen = cx
        .get::<Chosen, _>((EnvironmentKey(Arc::from(name)),))
        .await;
    chosen.map(Some).map_err(|error| {
        let about = format!("the `environment` of `{}`", def.label);
        match error.span() {
            Some(_) => error.note_at(format!("asked for by {about}"), def.span.clone()),
            None => error
                .note(format!("asked for by {about}"))
                .at(def.span.clone()),
        }
    })
}

/// Everything about one name, for `kiln env`.
pub type EnvironmentQuery = (EnvironmentKey, EnvironmentOptions, RepoOptions);

/// The rules of this module.
pub fn rules() -> Vec<&'static RuleDef> {
    rules![chosen, declared]
}
