//! What an implementation function may read besides its dependencies, and the fingerprint of all of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_base::Fingerprint;
use kiln_targets::{AnalyzedTarget, AttrValue, Configuration, MachineTools, TargetDef};

use super::identity;
use super::target::Deps;

/// Everything analysis may read.
///
/// | fact | why |
/// | --- | --- |
/// | rule name, fingerprint of its .bzl file and of all that loads | the implementation |
/// | label, attributes | `ctx.attr`, `ctx.label` |
/// | configuration | `ctx.fragments`, output folders |
/// | dependencies' fingerprints, in order | their providers |
/// | toolchains, machine tools (those that are read) | `ctx.toolchains`, flags |
pub(super) fn fingerprint(
    def: &TargetDef,
    configuration: &Configuration,
    attrs: &[AttrValue],
    deps: &Deps,
    toolchains: &[Option<Arc<AnalyzedTarget>>],
    machine: Option<&MachineTools>,
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
        builder.text(&format!("{machine:?}"));
    }
    builder.finish()
}

/// The make variables that every target sees (Bazel: predefined variables).
pub(super) fn make_variables(configuration: &Configuration) -> BTreeMap<Arc<str>, Arc<str>> {
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
