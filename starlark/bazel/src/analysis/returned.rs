//! The providers that an implementation function returns.

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_diag::Diag;
use kiln_targets::{Artifact, ArtifactSet, RunEnvironment, Runfiles};

use crate::interp::*;
use crate::providers::BUILTINS;
use crate::values::depset::{self, Depset};
use crate::values::file::FileValue;
use crate::values::provider::ProviderDef;
use crate::values::runfiles::RunfilesValue;
use crate::values::structs::Struct;

/// All of them, `DefaultInfo` taken apart.
#[derive(Default)]
pub(crate) struct Returned<'v> {
    pub(crate) files: Option<ArtifactSet>,
    pub(crate) executable: Option<Artifact>,
    pub(crate) default_runfiles: Option<Arc<Runfiles>>,
    pub(crate) data_runfiles: Option<Arc<Runfiles>>,
    pub(crate) defs: Vec<Arc<ProviderDef>>,
    pub(crate) instances: Vec<Value<'v>>,
    has_default_info: bool,
}

impl<'v> Returned<'v> {
    /// Reads what a function returned: nothing, a provider, a list of them, or a struct as in
    /// old rules.
    pub(crate) fn read(value: Value<'v>) -> Result<Returned<'v>, Diag> {
        let mut returned = Returned::default();
        if value.is_none() {
            return Ok(returned);
        }
        if let Some(items) = sequence(value) {
            for item in items {
                returned.add(*item)?;
            }
            return Ok(returned);
        }
        match Struct::from_value(value) {
            Some(of) if of.provider.is_none() => returned.legacy(of)?,
            _ => returned.add(value)?,
        }
        Ok(returned)
    }

    fn add(&mut self, value: Value<'v>) -> Result<(), Diag> {
        let of = Struct::from_value(value);
        let Some((of, def)) = of.and_then(|of| Some((of, of.provider.as_ref()?))) else {
            let diag = Diag::build(format!(
                "an implementation function returns a list of providers, and one is `{}`",
                value.get_type()
            ));
            return Err(match sequence(value).is_some() {
                true => diag.hint("put lists together with `+`"),
                false => diag,
            });
        };
        if BUILTINS.default_info.same(def) {
            if self.has_default_info {
                return Err(twice(def));
            }
            self.has_default_info = true;
            self.default_info(of);
            return Ok(());
        }
        if self.defs.iter().any(|before| before.same(def)) {
            return Err(twice(def));
        }
        self.defs.push(def.clone());
        self.instances.push(value);
        Ok(())
    }

    /// The fields were checked when the instance was made.
    fn default_info(&mut self, of: &Struct<'v>) {
        let field = |name| of.get(name).filter(|value| !value.is_none());
        let runfiles = |name| {
            let value = field(name).and_then(RunfilesValue::from_value);
            value.map(|value| value.runfiles.clone())
        };
        let files = field("files").and_then(Depset::from_value);
        self.files = files.and_then(Depset::artifacts).cloned();
        self.executable = field("executable")
            .and_then(FileValue::artifact_of)
            .cloned();
        let both = runfiles("runfiles");
        self.default_runfiles = runfiles("default_runfiles").or_else(|| both.clone());
        self.data_runfiles = runfiles("data_runfiles").or(both);
    }

    /// `return struct(files = ..., providers = [...])`, as rules did before providers.
    fn legacy(&mut self, of: &Struct<'v>) -> Result<(), Diag> {
        if let Some(list) = of.get("providers") {
            for item in sequence(list).unwrap_or_default() {
                self.add(*item)?;
            }
        }
        if !self.has_default_info {
            self.default_info(of);
        }
        Ok(())
    }

    /// The instance of a provider.
    pub(crate) fn get(&self, def: &Arc<ProviderDef>) -> Option<&'v Struct<'v>> {
        let at = self.defs.iter().position(|mine| mine.same(def))?;
        Struct::from_value(self.instances[at])
    }

    /// `OutputGroupInfo`
    pub(crate) fn output_groups(&self) -> BTreeMap<Arc<str>, ArtifactSet> {
        let Some(groups) = self.get(&BUILTINS.output_groups) else {
            return BTreeMap::new();
        };
        let groups = groups.fields.iter().filter_map(|(name, value)| {
            let files = depset::artifacts(*value, name.as_str()).ok()?;
            Some((Arc::from(name.as_str()), files))
        });
        groups.collect()
    }

    /// `RunEnvironmentInfo`
    pub(crate) fn run_environment(&self) -> Result<RunEnvironment, Diag> {
        let Some(info) = self.get(&BUILTINS.run_environment) else {
            return Ok(RunEnvironment::default());
        };
        let inherited = info.get("inherited_environment").and_then(sequence);
        let inherited = inherited.unwrap_or_default().iter();
        Ok(RunEnvironment {
            environment: texts(info.get("environment"), "environment")?,
            inherited: inherited
                .filter_map(|name| name.unpack_str())
                .map(Arc::from)
                .collect(),
        })
    }

    /// `testing.ExecutionInfo`
    pub(crate) fn test_requirements(&self) -> Result<BTreeMap<Arc<str>, Arc<str>>, Diag> {
        match self.get(&BUILTINS.execution_info) {
            Some(info) => texts(info.get("requirements"), "requirements"),
            None => Ok(BTreeMap::new()),
        }
    }

    /// `FeatureFlagInfo`
    pub(crate) fn feature_flag(&self) -> Option<Arc<str>> {
        let value = self.get(&BUILTINS.feature_flag)?.get("value")?;
        value.unpack_str().map(Arc::from)
    }

    /// `TemplateVariableInfo`
    pub(crate) fn make_variables(&self) -> Result<BTreeMap<Arc<str>, Arc<str>>, Diag> {
        match self.get(&BUILTINS.template_variables) {
            Some(info) => texts(info.get("variables"), "variables"),
            None => Ok(BTreeMap::new()),
        }
    }
}

fn twice(def: &ProviderDef) -> Diag {
    Diag::build(format!(
        "the implementation function returns the provider `{def}` twice"
    ))
}

fn texts(value: Option<Value<'_>>, what: &str) -> Result<BTreeMap<Arc<str>, Arc<str>>, Diag> {
    let Some(dict) = value.and_then(DictRef::from_value) else {
        return Ok(BTreeMap::new());
    };
    let entries = dict.iter().map(
        |(name, value)| match (name.unpack_str(), value.unpack_str()) {
            (Some(name), Some(value)) => Ok((Arc::from(name), Arc::from(value))),
            _ => Err(Diag::build(format!(
                "`{what}` is a dict of strings, and has `{}: {}`",
                name.to_repr(),
                value.to_repr()
            ))),
        },
    );
    entries.collect()
}
