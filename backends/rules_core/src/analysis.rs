//! Analysis: a target in a configuration, with all its dependencies analyzed.

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_address::{Label, PackageId};
use kiln_base::Fingerprint;
use kiln_diag::Diag;
use kiln_events::Event;
use kiln_rules::{Declares, Product, RuleCx, RuleDef, rule, rules};
use kiln_targets::{
    AnalyzeRequest, AnalyzedTarget, Artifact, ArtifactKind, AttrSchema, AttrValue, Cfg,
    Configuration, Dep, RuleKind, TargetDef, Visibility, VisibilitySpec,
};

use crate::keys::{SettingKey, TargetKey};
use crate::repos::Repositories;
use crate::services::{Events, HostService};
use crate::targets::{LoadedKind, LoadedTarget, SettingMatch, flag_value, resolve};
use crate::toolchains::{ChosenToolchain, ToolchainKey};
use crate::tools::Machine;

/// A target as its dependents get it.
#[derive(Debug)]
pub struct Analyzed {
    /// The target, the source file or the output file.
    pub outcome: Outcome,
    /// Who may depend on it (of an alias: on the alias).
    pub visibility: Visibility,
    /// Whether only tests and `testonly` targets may.
    pub testonly: bool,
}

/// What became of a target.
#[derive(Debug)]
pub enum Outcome {
    /// Something to depend on.
    Ready(Dep),
    /// It cannot be built in this configuration (`target_compatible_with`), and why.
    Incompatible(Arc<str>),
}

impl PartialEq for Analyzed {
    fn eq(&self, other: &Self) -> bool {
        let same = match (&self.outcome, &other.outcome) {
            (Outcome::Incompatible(one), Outcome::Incompatible(two)) => one == two,
            (Outcome::Ready(one), Outcome::Ready(two)) => identity(one) == identity(two),
            _ => false,
        };
        same && self.visibility == other.visibility && self.testonly == other.testonly
    }
}

impl Eq for Analyzed {}
impl Product for Analyzed {}

/// What two equal dependencies have in common.
fn identity(dep: &Dep) -> (Option<&Artifact>, Option<Fingerprint>) {
    match dep {
        Dep::Target(target) => (None, Some(target.fingerprint)),
        Dep::Source(file) => (Some(file), None),
        Dep::Output(file, target) => (Some(file), Some(target.fingerprint)),
    }
}

/// Analyzes a target.
#[rule(
    uses(HostService, Events),
    gets(
        SettingKey -> SettingMatch, ToolchainKey -> ChosenToolchain, () -> Machine,
        (TargetKey, Configuration) -> Analyzed
    )
)]
pub async fn analyzed(
    cx: &RuleCx,
    key: Arc<TargetKey>,
    configuration: Arc<Configuration>,
    repositories: Arc<Repositories>,
) -> Result<Analyzed, Diag> {
    let label = &key.0;
    let loaded = get!(LoadedTarget, TargetKey(label.clone())).await?;
    let visibility = loaded.visibility.clone();
    let plain = |dep| Analyzed {
        outcome: Outcome::Ready(dep),
        visibility: visibility.clone(),
        testonly: false,
    };
    let def = match &loaded.kind {
        LoadedKind::Rule(def) => def,
        LoadedKind::Source { directory } => {
            let kind = if *directory {
                ArtifactKind::Directory
            } else {
                ArtifactKind::File
            };
            return Ok(plain(Dep::Source(Artifact::source(label.clone(), kind))));
        }
        LoadedKind::Output(owner) => {
            let owner = get!(Analyzed, TargetKey(owner.clone())).await?;
            return output_file(label, owner, visibility);
        }
        LoadedKind::Group(_) => {
            return Err(Diag::build(format!(
                "`{label}` is a package group, and nothing to build"
            )));
        }
    };
    if let Some(actual) = forwarded(cx, def, &configuration).await? {
        let actual = get!(Analyzed, TargetKey(actual))
            .await
            .map_err(|e| via(e, def))?;
        let outcome = match &actual.outcome {
            Outcome::Ready(dep) => Outcome::Ready(dep.clone()),
            Outcome::Incompatible(reason) => Outcome::Incompatible(reason.clone()),
        };
        return Ok(Analyzed {
            outcome,
            visibility,
            testonly: actual.testonly,
        });
    }
    let target = Target {
        def,
        loaded: &loaded,
        configuration: &configuration,
    };
    let outcome = target.analyze(cx, &repositories).await?;
    let testonly = def
        .attr("testonly")
        .and_then(AttrValue::as_bool)
        .unwrap_or(false);
    Ok(Analyzed {
        outcome,
        visibility,
        testonly,
    })
}

/// An error below an alias says so.
fn via(error: Diag, def: &TargetDef) -> Diag {
    error.note(format!("reached through alias `{}`", def.label))
}

/// What an `alias` or a `label_flag` stands for.
async fn forwarded<R>(
    cx: &RuleCx<R>,
    def: &TargetDef,
    configuration: &Configuration,
) -> Result<Option<Label>, Diag>
where
    R: Declares<SettingMatch, (SettingKey,)>,
{
    let RuleKind::Builtin(kind) = &def.rule.kind else {
        return Ok(None);
    };
    let value = match &**kind {
        "alias" => {
            let actual = def.attr("actual").cloned().unwrap_or(AttrValue::None);
            resolve(cx, &def.label, "actual", &actual)
                .await
                .map_err(|e| e.at(def.span.clone()))?
        }
        "label_flag" | "label_setting" => Some(flag_value(def, configuration)),
        _ => return Ok(None),
    };
    match value {
        Some(AttrValue::Label(actual)) => Ok(Some(actual)),
        _ => Err(Diag::build(format!("`{}` stands for nothing", def.label)).at(def.span.clone())),
    }
}

fn output_file(
    label: &Label,
    owner: Arc<Analyzed>,
    visibility: Visibility,
) -> Result<Analyzed, Diag> {
    let outcome = match &owner.outcome {
        Outcome::Incompatible(reason) => Outcome::Incompatible(reason.clone()),
        Outcome::Ready(Dep::Target(target)) => {
            let artifact = target.predeclared.get(label.name()).cloned();
            let artifact = artifact.ok_or_else(|| {
                Diag::build(format!("`{}` does not make `{label}`", target.label))
            })?;
            Outcome::Ready(Dep::Output(artifact, target.clone()))
        }
        Outcome::Ready(_) => return Err(Diag::internal(format!("`{label}` has no rule"))),
    };
    Ok(Analyzed {
        outcome,
        visibility,
        testonly: owner.testonly,
    })
}

/// A rule's target on its way.
struct Target<'a> {
    def: &'a Arc<TargetDef>,
    loaded: &'a LoadedTarget,
    configuration: &'a Configuration,
}

/// For each attribute its dependencies.
type Deps = Vec<Vec<(Label, Dep)>>;

impl Target<'_> {
    async fn analyze(
        &self,
        cx: &RuleCx<analyzed>,
        repositories: &Repositories,
    ) -> Result<Outcome, Diag> {
        let attrs = resolved_attrs(cx, self.def).await?;
        let wanted = self.wanted(&attrs);
        let keys = wanted
            .iter()
            .map(|(_, label, configuration)| (TargetKey(label.clone()), configuration.clone()));
        let answers = cx
            .get_each::<Analyzed, (TargetKey, Configuration)>(keys.collect())
            .await;
        let mut deps: Deps = vec![Vec::new(); attrs.len()];
        let mut incompatible = None;
        for ((attr, label, _), answer) in wanted.iter().zip(answers) {
            let schema = &self.def.rule.attrs[*attr];
            let answer = answer.map_err(|error| self.needed_by(error, schema, label))?;
            self.check_visible(cx, schema, label, &answer).await?;
            match &answer.outcome {
                Outcome::Ready(dep) => deps[*attr].push((label.clone(), dep.clone())),
                Outcome::Incompatible(reason) => {
                    incompatible.get_or_insert_with(|| -> Arc<str> {
                        Arc::from(format!(
                            "its dependency `{label}` is incompatible: {reason}"
                        ))
                    });
                }
            }
        }
        if let Some(reason) = self.incompatible(cx, &attrs).await?.or(incompatible) {
            return Ok(Outcome::Incompatible(reason));
        }
        let toolchains = self.toolchains(cx).await?;
        let machine = match self.def.rule.machine_tools {
            true => Some(cx.get::<Machine, _>(()).await?),
            false => None,
        };
        self.evaluate(cx, repositories, attrs, deps, toolchains, machine)
            .await
    }

    /// All labels to analyze, with the attribute's index and the configuration.
    fn wanted(&self, attrs: &[AttrValue]) -> Vec<(usize, Label, Configuration)> {
        let mut wanted = Vec::new();
        for (at, (schema, value)) in self.def.rule.attrs.iter().zip(attrs).enumerate() {
            // Compatibility is decided on its own, and licenses are not built.
            let ignored = [
                "target_compatible_with",
                "applicable_licenses",
                "package_metadata",
            ];
            if !schema.kind.is_dependency() || ignored.contains(&&*schema.name) {
                continue;
            }
            let configuration = match schema.cfg {
                Cfg::Target => self.configuration.clone(),
                Cfg::Exec => self.configuration.exec(),
            };
            let first = wanted.len();
            value.visit_labels(&mut |label, _| {
                let seen = wanted[first..].iter().any(|(_, known, _)| known == label);
                if !seen {
                    wanted.push((at, label.clone(), configuration.clone()));
                }
            });
        }
        wanted
    }

    /// A missing dependency is reported where it is written.
    fn needed_by(&self, error: Diag, schema: &AttrSchema, label: &Label) -> Diag {
        if error.span().is_some() {
            return error;
        }
        let text = format!("`{label}` is in `{}` of `{}`", schema.name, self.def.label);
        error.at(self.def.span.clone()).note(text)
    }

    /// Visibility and `testonly` (Bazel).
    async fn check_visible(
        &self,
        cx: &RuleCx<analyzed>,
        schema: &AttrSchema,
        label: &Label,
        dep: &Analyzed,
    ) -> Result<(), Diag> {
        let own = &self.def.label;
        // Private attributes are the rule author's, not the user's.
        if schema.name.starts_with('_') || schema.name.starts_with('$') {
            return Ok(());
        }
        if dep.testonly && !self.may_use_testonly() {
            return Err(Diag::build(format!(
                "`{own}` depends on `{label}`, which is for tests only (`testonly`)"
            ))
            .at(self.def.span.clone())
            .hint(format!(
                "set `testonly = True` on `{own}`, or drop the dependency"
            )));
        }
        if visible(cx, own.package(), label, &dep.visibility).await? {
            return Ok(());
        }
        let source = matches!(dep.outcome, Outcome::Ready(Dep::Source(_)));
        let cure = match source {
            true => format!(
                "add `exports_files([\"{}\"])` to the BUILD file of `{}`",
                label.name(),
                label.package()
            ),
            false => format!(
                "add `\"{}:__pkg__\"` to the `visibility` of `{label}`",
                own.package()
            ),
        };
        Err(Diag::build(format!(
            "`{label}` is not visible to `{own}` (attribute `{}`)",
            schema.name
        ))
        .at(self.def.span.clone())
        .hint(cure))
    }

    fn may_use_testonly(&self) -> bool {
        self.def.rule.test || self.def.attr("testonly").and_then(AttrValue::as_bool) == Some(true)
    }

    /// Why `target_compatible_with` rules this configuration out, if it does.
    async fn incompatible(
        &self,
        cx: &RuleCx<analyzed>,
        attrs: &[AttrValue],
    ) -> Result<Option<Arc<str>>, Diag> {
        let schemas = self.def.rule.attrs.iter().zip(attrs);
        let mut found = schemas.filter(|(schema, _)| *schema.name == *"target_compatible_with");
        let Some((_, value)) = found.next() else {
            return Ok(None);
        };
        for constraint in value.items() {
            let AttrValue::Label(constraint) = constraint else {
                continue;
            };
            let held = cx
                .get::<SettingMatch, _>((SettingKey(constraint.clone()),))
                .await?;
            if !held.matches {
                let text = format!("`{constraint}` does not hold for the target platform");
                return Ok(Some(Arc::from(text)));
            }
        }
        Ok(None)
    }

    async fn toolchains(
        &self,
        cx: &RuleCx<analyzed>,
    ) -> Result<Vec<Option<Arc<AnalyzedTarget>>>, Diag> {
        let mut chosen = Vec::new();
        for wanted in self.def.rule.toolchains.iter() {
            let key = ToolchainKey(wanted.label.clone());
            let found = cx.get::<ChosenToolchain, _>((key,)).await?;
            if found.0.is_none() && wanted.mandatory {
                let own = &self.def.label;
                return Err(Diag::build(format!("no toolchain of type `{}` for `{own}`", wanted.label))
                    .at(self.def.span.clone())
                    .hint("register one: `register_toolchains(...)` in MODULE.bazel or `--extra_toolchains=...`"));
            }
            let Some(target) = &found.0 else {
                chosen.push(None);
                continue;
            };
            let key = (TargetKey(target.clone()), self.configuration.exec());
            let analyzed = cx.get::<Analyzed, _>(key).await?;
            chosen.push(match &analyzed.outcome {
                Outcome::Ready(Dep::Target(target)) => Some(target.clone()),
                _ => None,
            });
        }
        Ok(chosen)
    }

    async fn evaluate(
        &self,
        cx: &RuleCx<analyzed>,
        repositories: &Repositories,
        attrs: Vec<AttrValue>,
        deps: Deps,
        toolchains: Vec<Option<Arc<AnalyzedTarget>>>,
        machine: Option<Arc<Machine>>,
    ) -> Result<Outcome, Diag> {
        let host = cx.service::<HostService>()?.0.clone();
        let (def, configuration) = (self.def.clone(), self.configuration.clone());
        let mapping = repositories.get(def.label.repo())?.mapping.clone();
        let features = self.loaded.package_features.clone();
        let build_file = self.loaded.build_file.clone();
        let fingerprint = fingerprint(&def, &configuration, &attrs, &deps, &toolchains, &machine);
        let variables = make_variables(&configuration);
        let setting = def
            .rule
            .build_setting
            .map(|_| flag_value(&def, &configuration));
        let analyzed = cx
            .cpu(move || {
                host.analyze(AnalyzeRequest {
                    target: &def,
                    configuration: &configuration,
                    attrs: &attrs,
                    deps: &deps,
                    toolchains: &toolchains,
                    machine_tools: machine.as_ref().map(|machine| &machine.0),
                    package_features: &features,
                    make_variables: &variables,
                    build_setting_value: setting.as_ref(),
                    mapping: &mapping,
                    build_file: &build_file,
                    fingerprint,
                })
            })
            .await??;
        let events = cx.service::<Events>()?;
        events.0.emit(Event::TargetAnalyzed);
        let warnings = analyzed.warnings.iter();
        warnings.for_each(|warning| events.0.emit(Event::Diagnostic(warning.clone())));
        Ok(Outcome::Ready(Dep::Target(Arc::new(analyzed))))
    }
}

/// All attributes of a target in the schema's order, every `select` decided.
pub async fn resolved_attrs<R>(cx: &RuleCx<R>, def: &TargetDef) -> Result<Vec<AttrValue>, Diag>
where
    R: Declares<SettingMatch, (SettingKey,)>,
{
    let mut attrs = Vec::with_capacity(def.rule.attrs.len());
    for (schema, value) in def.all_attrs() {
        let value = match value.has_select() {
            false => Some(value.clone()),
            true => resolve(cx, &def.label, &schema.name, value)
                .await
                .map_err(|error| error.at(def.span.clone()))?,
        };
        attrs.push(match value {
            Some(AttrValue::None) | None => schema.default.clone(),
            Some(value) => value,
        });
    }
    Ok(attrs)
}

/// Everything analysis may read.
///
/// | fact | why |
/// | --- | --- |
/// | rule name, fingerprint of its .bzl file and of all that loads | the implementation |
/// | label, attributes | `ctx.attr`, `ctx.label` |
/// | configuration | `ctx.fragments`, output folders |
/// | dependencies' fingerprints, in order | their providers |
/// | toolchains, machine tools (if read) | `ctx.toolchains`, flags |
fn fingerprint(
    def: &TargetDef,
    configuration: &Configuration,
    attrs: &[AttrValue],
    deps: &Deps,
    toolchains: &[Option<Arc<AnalyzedTarget>>],
    machine: &Option<Arc<Machine>>,
) -> Fingerprint {
    let mut builder = Fingerprint::build("analysis");
    builder.text(&def.label.to_string()).text(&def.rule.name);
    builder
        .fingerprint(def.rule.fingerprint)
        .fingerprint(configuration.fingerprint());
    builder.text(&format!("{attrs:?}"));
    for (label, dep) in deps.iter().flatten() {
        let (file, target) = identity(dep);
        builder.text(&label.to_string());
        if let Some(file) = file {
            builder.text(file.exec_path()).number(file.kind() as u64);
        }
        if let Some(target) = target {
            builder.fingerprint(target);
        }
    }
    for toolchain in toolchains {
        match toolchain {
            Some(target) => builder.fingerprint(target.fingerprint),
            None => builder.text("none"),
        };
    }
    if let Some(machine) = machine {
        builder.text(&format!("{:?}", machine.0));
    }
    builder.finish()
}

/// The make variables that every target sees (Bazel: predefined variables).
fn make_variables(configuration: &Configuration) -> BTreeMap<Arc<str>, Arc<str>> {
    let settings = configuration.settings();
    let bin = format!("kiln-out/{}/bin", configuration.folder());
    let mut variables: BTreeMap<Arc<str>, Arc<str>> = [
        ("BINDIR", &*bin),
        ("GENDIR", &*bin),
        ("COMPILATION_MODE", settings.mode.name()),
        ("TARGET_CPU", &*settings.cpu),
    ]
    .into_iter()
    .map(|(name, value)| (Arc::from(name), Arc::from(value)))
    .collect();
    for (name, value) in &settings.defines {
        variables.insert(name.clone(), value.clone());
    }
    variables
}

/// Whether something in `package` may depend on `label`, whose visibility is `visibility`.
async fn visible<R>(
    cx: &RuleCx<R>,
    package: &PackageId,
    label: &Label,
    visibility: &Visibility,
) -> Result<bool, Diag>
where
    R: Declares<LoadedTarget, (TargetKey,)>,
{
    if package == label.package() {
        return Ok(true);
    }
    let specs = match visibility {
        Visibility::Public => return Ok(true),
        Visibility::Private => return Ok(false),
        Visibility::Listed(specs) => specs,
    };
    if specs.iter().any(|spec| covers(spec, package)) {
        return Ok(true);
    }
    // Groups are loaded only when nothing else decides, and each once.
    let mut pending: Vec<Label> = Vec::new();
    let mut seen: Vec<Label> = Vec::new();
    pending.extend(specs.iter().filter_map(|spec| match spec {
        VisibilitySpec::Group(group) => Some(group.clone()),
        _ => None,
    }));
    while let Some(label) = pending.pop() {
        if seen.contains(&label) {
            continue;
        }
        seen.push(label.clone());
        let Ok(loaded) = cx.get::<LoadedTarget, _>((TargetKey(label),)).await else {
            continue;
        };
        let LoadedKind::Group(group) = &loaded.kind else {
            continue;
        };
        let refused = group
            .packages
            .iter()
            .any(|(spec, add)| !add && covers(spec, package));
        let allowed = group
            .packages
            .iter()
            .any(|(spec, add)| *add && covers(spec, package));
        if !refused && (group.everybody || allowed) {
            return Ok(true);
        }
        pending.extend(group.includes.iter().cloned());
    }
    Ok(false)
}

fn covers(spec: &VisibilitySpec, package: &PackageId) -> bool {
    match spec {
        VisibilitySpec::Package(id) => id == package,
        VisibilitySpec::Subpackages(id) => {
            id.repo == package.repo && package.path.strip_prefix(&id.path).is_some()
        }
        VisibilitySpec::Group(_) => false,
    }
}

/// The rules of this module.
pub fn rules() -> Vec<&'static RuleDef> {
    rules![analyzed]
}
