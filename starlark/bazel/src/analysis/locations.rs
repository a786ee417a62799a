//! The files behind labels in `$(location)` forms, and make variables.

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_address::Label;
use kiln_diag::{Diag, Part, nearest};
use kiln_targets::{
    AnalyzeRequest, AnalyzedTarget, Artifact, AttrKind, AttrValue, Dep, LocationError,
    LocationKind, NoFiles, Providers, expand_locations, expand_make_variables,
    expand_unescaped_locations,
};

use crate::analysis::attrs::TargetHandle;
use crate::analysis::state::Analysis;
use crate::interp::*;
use crate::values::target::{Target, TargetFacts};

/// Expands location forms in a text. `extra` are targets that count besides the dependencies.
pub(crate) fn expand(
    text: &str,
    kind: LocationKind,
    request: &AnalyzeRequest<'_>,
    extra: &[&TargetFacts],
) -> Result<String, Diag> {
    if !text.contains('$') {
        return Ok(text.to_owned());
    }
    let mut lookup = |label: &str| files_of_label(label, request, extra);
    expand_locations(text, kind, &mut lookup).map_err(|error| at_part("", error))
}

/// An error about a part of a text in an attribute; in one without a name, if it is not known
/// which.
fn at_part(attribute: &str, error: LocationError) -> Diag {
    Diag::build(error.to_string())
        .about(attribute, Part::Text(error.part))
        .hint(error.cure)
}

fn files_of_label(
    text: &str,
    request: &AnalyzeRequest<'_>,
    extra: &[&TargetFacts],
) -> Result<Vec<Artifact>, NoFiles> {
    let package = request.target.label.package();
    let wanted = Label::parse(text, package, request.mapping).map_err(|error| NoFiles {
        message: error.to_string(),
        cure: "write a label: `//package:name`, `:name` or `file.txt`".to_owned(),
    })?;
    if let Some(output) = own_output(&wanted, request) {
        return Ok(vec![output]);
    }
    let schemas = request.target.rule.attrs.iter().zip(request.deps);
    for (schema, deps) in schemas {
        for (given, dep) in deps {
            if *given == wanted || actual(dep) == Some(&wanted) {
                return Ok(files_of_dep(dep, &*schema.name == "srcs"));
            }
        }
    }
    if let Some(facts) = extra.iter().find(|facts| facts.label == wanted) {
        return Ok(match &facts.executable {
            Some(executable) => vec![executable.clone()],
            None => facts.files.to_list(),
        });
    }
    Err(NoFiles {
        message: format!("label `{text}` is no dependency of this target"),
        cure: format!("put `{text}` into {}", taking_attributes(request)),
    })
}

/// The attributes that a label can be put into to be a dependency.
fn taking_attributes(request: &AnalyzeRequest<'_>) -> String {
    let attrs = &request.target.rule.attrs;
    let has = |name: &&str| attrs.iter().any(|schema| *schema.name == **name);
    let names = ["srcs", "tools", "data", "deps"].into_iter().filter(has);
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match &names[..] {
        [] => "an attribute of it".to_owned(),
        names => names.join(" or "),
    }
}

/// The target's own outputs are labels too.
fn own_output(wanted: &Label, request: &AnalyzeRequest<'_>) -> Option<Artifact> {
    let target = request.target;
    let outputs = target.rule.attrs.iter().zip(request.attrs);
    let mut outputs = outputs
        .filter(|(schema, _)| matches!(schema.kind, AttrKind::Output | AttrKind::OutputList));
    let named = outputs.any(|(_, value)| match value {
        AttrValue::Label(label) => label == wanted,
        value => value
            .items()
            .iter()
            .any(|item| item.as_label() == Some(wanted)),
    });
    named.then(|| {
        Artifact::derived(
            target.label.clone(),
            request.configuration,
            wanted.file_path(),
            kiln_targets::ArtifactKind::File,
        )
    })
}

fn actual(dep: &Dep) -> Option<&Label> {
    match dep {
        Dep::Target(target) => Some(&target.label),
        Dep::Source(file) => Some(file.owner_label()),
        Dep::Output(..) => None,
    }
}

fn files_of_dep(dep: &Dep, all: bool) -> Vec<Artifact> {
    match dep {
        Dep::Source(file) | Dep::Output(file, _) => vec![file.clone()],
        Dep::Target(target) => match &target.executable {
            Some(executable) if !all => vec![executable.clone()],
            _ => target.files.to_list(),
        },
    }
}

/// The facts of targets given as values.
pub(crate) fn facts<'v>(targets: &[Value<'v>]) -> Vec<&'v TargetFacts> {
    let targets = targets
        .iter()
        .filter_map(|target| Target::from_value(*target));
    targets.map(|target| &target.facts).collect()
}

/// All make variables of a target: those of the configuration, of its toolchains, and of the
/// targets in its `toolchains` attribute (Bazel: `TemplateVariableInfo`).
pub(crate) fn make_variables(request: &AnalyzeRequest<'_>) -> BTreeMap<Arc<str>, Arc<str>> {
    let mut variables = request.make_variables.clone();
    let mut add = |target: &AnalyzedTarget| {
        variables.extend(
            target
                .make_variables
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
    };
    for toolchain in request.toolchains.iter().flatten() {
        add(toolchain);
    }
    let attrs = &request.target.rule.attrs;
    if let Ok(at) = attrs.binary_search_by(|schema| (*schema.name).cmp("toolchains")) {
        for (_, dep) in request.deps.get(at).into_iter().flatten() {
            if let Dep::Target(target) = dep {
                add(target);
            }
        }
    }
    variables
}

/// Expands make variables in the value of an attribute.
pub(crate) fn expand_variables(
    text: &str,
    attribute: &str,
    variables: &BTreeMap<Arc<str>, Arc<str>>,
) -> Result<String, Diag> {
    expand_make_variables(text, variables).map_err(|error| {
        let name = error.part.trim_start_matches("$(").trim_end_matches(')');
        let near = nearest(name, variables.keys().map(|name| &**name));
        let near: Vec<String> = near.iter().map(|name| format!("`$({name})`")).collect();
        let diag =
            at_part(attribute, error.clone()).note(format!("in the attribute `{attribute}`"));
        match near.is_empty() {
            true => diag,
            false => diag.hint(format!("did you mean {}?", near.join(" or "))),
        }
    })
}

/// `args` of a target, ready to be used: locations, then make variables, then words.
pub(crate) fn args(
    analysis: &Analysis<'_>,
    variables: &BTreeMap<Arc<str>, Arc<str>>,
) -> Result<Vec<Arc<str>>, Diag> {
    let request = analysis.request;
    let rule = &request.target.rule;
    if !rule.executable && !rule.test {
        // An attribute of the rule's own that happens to have the name.
        return Ok(Vec::new());
    }
    let attrs = &rule.attrs;
    let Ok(at) = attrs.binary_search_by(|schema| (*schema.name).cmp("args")) else {
        return Ok(Vec::new());
    };
    let mut words = Vec::new();
    for text in request.attrs.get(at).map_or(&[][..], AttrValue::items) {
        let Some(text) = text.as_str() else { continue };
        let mut lookup = |label: &str| files_of_label(label, request, &[]);
        let text = expand_unescaped_locations(text, LocationKind::Root, &mut lookup)
            .map_err(|error| at_part("", error).note("in the attribute `args`"))?;
        let text = expand_variables(&text, "args", variables)?;
        words.extend(super::tokenize::tokenize(&text)?.into_iter().map(Arc::from));
    }
    Ok(words)
}

/// The providers behind a dependency, if it has any that this host made.
pub(crate) fn handle(target: &AnalyzedTarget) -> Option<&TargetHandle> {
    let Providers(handle) = &target.providers;
    handle.downcast_ref::<TargetHandle>()
}
