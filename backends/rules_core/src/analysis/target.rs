//! One target of a rule on its way from attributes to providers.

use std::sync::Arc;

use kiln_address::Label;
use kiln_diag::{Diag, Part};
use kiln_events::Event;
use kiln_rules::{Declares, RuleCx};
use kiln_targets::{
    AnalyzeRequest, AnalyzedTarget, AttrSchema, AttrValue, Cfg, Configuration, Dep, MachineTools,
    TargetDef,
};

use super::facts::{fingerprint, make_variables};
use super::{Analyzed, Outcome, analyzed, resolved_attrs};
use crate::cycle;
use crate::keys::{RepoOptions, SettingKey, TargetKey};
use crate::members::{self, Dependent};
use crate::repos::Repositories;
use crate::services::{Events, HostService};
use crate::settings::{SettingMatch, flag_value};
use crate::targets::LoadedTarget;
use crate::toolchains::{ResolvedToolchains, ToolchainsKey};
use crate::tools::{Cc, MachineKey, Python, Shell};

/// A rule's target on its way.
pub(crate) struct Target<'a> {
    pub(crate) def: &'a Arc<TargetDef>,
    pub(crate) loaded: &'a LoadedTarget,
    pub(crate) configuration: &'a Configuration,
    pub(crate) options: &'a RepoOptions,
}

/// For each attribute its dependencies.
pub(super) type Deps = Vec<Vec<(Label, Dep)>>;

impl Target<'_> {
    pub(super) async fn analyze(
        &self,
        cx: &RuleCx<analyzed>,
        repositories: &Repositories,
    ) -> Result<Outcome, Diag> {
        let attrs = resolved_attrs(cx, self.def).await?;
        if let Some(reason) = self.incompatible(cx, &attrs).await? {
            return Ok(Outcome::Incompatible(reason));
        }
        let resolved = self.resolve_toolchains(cx, repositories, &attrs).await?;
        let exec = match &resolved {
            Some(resolved) => resolved.exec.clone(),
            None => self.configuration.exec(),
        };
        let wanted = self.wanted(&attrs, &exec);
        let keys = wanted
            .iter()
            .map(|(_, label, configuration)| (TargetKey(label.clone()), configuration.clone()));
        let answers = cx
            .get_each::<Analyzed, (TargetKey, Configuration)>(keys.collect())
            .await;
        let mut deps: Deps = vec![Vec::new(); attrs.len()];
        let mut incompatible = None;
        for ((attr, label, configuration), answer) in wanted.iter().zip(answers) {
            let schema = &self.def.rule.attrs[*attr];
            let answer = self.member(cx, label, configuration, answer).await;
            let answer = answer.map_err(|error| self.needed_by(error, schema, label))?;
            self.check_visible(cx, schema, label, &answer).await?;
            match &answer.outcome {
                Outcome::Ready(dep) => deps[*attr].push((label.clone(), dep.clone())),
                Outcome::Members(members) => return Err(members::unclear(label, members)),
                Outcome::Incompatible(reason) => {
                    incompatible.get_or_insert_with(|| -> Arc<str> {
                        Arc::from(format!(
                            "its dependency `{label}` is incompatible: {reason}"
                        ))
                    });
                }
            }
        }
        if let Some(reason) = incompatible {
            return Ok(Outcome::Incompatible(reason));
        }
        let toolchains = match &resolved {
            Some(resolved) => self.toolchains(cx, resolved).await?,
            None => Vec::new(),
        };
        let machine = self.machine_tools(cx).await?;
        self.evaluate(cx, repositories, attrs, deps, toolchains, machine)
            .await
    }

    /// Of a parametrized dependency, the one that is meant.
    async fn member(
        &self,
        cx: &RuleCx<analyzed>,
        label: &Label,
        configuration: &Configuration,
        answer: Result<Arc<Analyzed>, Diag>,
    ) -> Result<Arc<Analyzed>, Diag> {
        let answer = answer?;
        let dependent = Dependent {
            def: self.def,
            environment: &self.configuration.settings().environment,
        };
        let Outcome::Members(members) = &answer.outcome else {
            return Ok(answer);
        };
        let chosen = members::choose(dependent, label, members)?.label.clone();
        let key = (TargetKey(chosen), configuration.clone());
        cx.get::<Analyzed, (TargetKey, Configuration)>(key).await
    }

    /// What the rule reads of the machine's tools.
    async fn machine_tools(&self, cx: &RuleCx<analyzed>) -> Result<Option<MachineTools>, Diag> {
        let kinds = self.def.rule.machine_tools;
        if !kinds.any() {
            return Ok(None);
        }
        let key = || (MachineKey::of(self.configuration),);
        let mut tools = MachineTools {
            shell: cx.get::<Shell, _>(key()).await?.0.clone(),
            ..MachineTools::default()
        };
        if kinds.cc {
            tools.cc = cx.get::<Cc, _>(key()).await?.0.clone();
        }
        if kinds.python {
            tools.python = cx.get::<Python, _>(key()).await?.0.clone();
        }
        Ok(Some(tools))
    }

    /// All labels to analyze, with the attribute's index and the configuration.
    pub(crate) fn wanted(
        &self,
        attrs: &[AttrValue],
        exec: &Configuration,
    ) -> Vec<(usize, Label, Configuration)> {
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
                Cfg::Exec => exec.clone(),
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
    pub(crate) fn needed_by(&self, error: Diag, schema: &AttrSchema, label: &Label) -> Diag {
        if error.span().is_some() {
            return error;
        }
        let error = match cycle::closes(&error, &self.def.label, [label].into_iter()) {
            None => error,
            Some(None) => return error,
            Some(Some(_)) => error.hint(
                "drop one of these dependencies, or move what several need into a target of its own",
            ),
        };
        let text = format!("`{label}` is in `{}` of `{}`", schema.name, self.def.label);
        let part = Part::Label(label.to_string());
        error
            .at(self.def.span.clone())
            .about(&*schema.name, part)
            .note(text)
    }

    /// Why `target_compatible_with` rules this configuration out, if it does.
    pub(crate) async fn incompatible<R>(
        &self,
        cx: &RuleCx<R>,
        attrs: &[AttrValue],
    ) -> Result<Option<Arc<str>>, Diag>
    where
        R: Declares<SettingMatch, (SettingKey,)>,
    {
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

    /// Where the target's actions run and which toolchains they get; `None` if it asks for no
    /// toolchain and nobody offers any place but this machine.
    pub(crate) async fn resolve_toolchains<R>(
        &self,
        cx: &RuleCx<R>,
        repositories: &Repositories,
        attrs: &[AttrValue],
    ) -> Result<Option<Arc<ResolvedToolchains>>, Diag>
    where
        R: Declares<ResolvedToolchains, (ToolchainsKey,)>,
    {
        let own = &self.def.label;
        let schemas = self.def.rule.attrs.iter().zip(attrs);
        let mut found = schemas.filter(|(schema, _)| *schema.name == *"exec_compatible_with");
        let constraints = found.next().map_or(&[][..], |(_, value)| value.items());
        let types = &self.def.rule.toolchains;
        if types.is_empty() && constraints.is_empty() && !repositories.register_platforms() {
            return Ok(None);
        }
        let mapping = &repositories.get(own.repo())?.mapping;
        let at = |error: Diag| error.at(self.def.span.clone());
        let mut exec_compatible_with = Vec::new();
        for constraint in constraints.iter().filter_map(AttrValue::as_str) {
            let label = Label::parse(constraint, own.package(), mapping);
            let label = label.map_err(|error| at(Diag::build(error.to_string())))?;
            exec_compatible_with.push(label);
        }
        let key = ToolchainsKey {
            types: types.clone(),
            exec_compatible_with,
        };
        let resolved = cx.get::<ResolvedToolchains, _>((key,)).await;
        resolved.map(Some).map_err(at)
    }

    /// The toolchains that were chosen, analyzed for where the target's actions run.
    async fn toolchains(
        &self,
        cx: &RuleCx<analyzed>,
        resolved: &ResolvedToolchains,
    ) -> Result<Vec<Option<Arc<AnalyzedTarget>>>, Diag> {
        let mut chosen = Vec::new();
        for target in &resolved.chosen {
            let Some(target) = target else {
                chosen.push(None);
                continue;
            };
            let key = (TargetKey(target.clone()), resolved.exec.clone());
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
        machine: Option<MachineTools>,
    ) -> Result<Outcome, Diag> {
        let host = cx.service::<HostService>()?.0.clone();
        let (def, configuration) = (self.def.clone(), self.configuration.clone());
        let mapping = repositories.get(def.label.repo())?.mapping.clone();
        let features = self.loaded.package_features.clone();
        let build_file = self.loaded.build_file.clone();
        let fingerprint = fingerprint(
            &def,
            &configuration,
            &attrs,
            &deps,
            &toolchains,
            machine.as_ref(),
        );
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
                    machine_tools: machine.as_ref(),
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
