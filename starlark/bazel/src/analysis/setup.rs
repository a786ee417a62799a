//! What an implementation function is given.

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_build::template_outputs;
use kiln_diag::Diag;
use kiln_targets::{Artifact, ArtifactKind, AttrKind, AttrValue, MachineTools, ToolKinds};

use crate::analysis::attrs;
use crate::analysis::locations::handle;
use crate::analysis::state::Analysis;
use crate::ctx::parts::Toolchains;
use crate::ctx::{Ctx, Facts};
use crate::interp::*;
use crate::providers::BUILTINS;
use crate::rule::spec::RuleSpec;
use crate::rule::value::Rule;
use crate::values::file;
use crate::values::structs::Struct;
use crate::values::target::Target;

/// A file that an attribute, or `rule(outputs = ...)`, declares beforehand.
pub(crate) struct Predeclared {
    /// The key in `ctx.outputs`.
    key: Arc<str>,
    /// Whether `ctx.outputs.key` is a list.
    listed: bool,
    /// Its target name.
    pub(crate) name: Arc<str>,
    pub(crate) artifact: Artifact,
}

/// Declares them.
pub(crate) fn predeclare(analysis: &Analysis<'_>) -> Result<Vec<Predeclared>, Diag> {
    let request = analysis.request;
    let rule = &request.target.rule;
    let mut outputs = Vec::new();
    let declare = |path| analysis.registry.declare(path, ArtifactKind::File, None);
    for (schema, value) in rule.attrs.iter().zip(request.attrs) {
        let listed = match schema.kind {
            AttrKind::Output => false,
            AttrKind::OutputList => true,
            _ => continue,
        };
        let labels = match value {
            AttrValue::Label(_) => std::slice::from_ref(value),
            value => value.items(),
        };
        for label in labels.iter().filter_map(AttrValue::as_label) {
            outputs.push(Predeclared {
                key: schema.name.clone(),
                listed,
                name: Arc::from(label.name()),
                artifact: declare(label.file_path())?,
            });
        }
    }
    if !rule.outputs.is_empty() {
        let attr = |name: &str| {
            let at = rule
                .attrs
                .binary_search_by(|schema| (*schema.name).cmp(name))
                .ok()?;
            request.attrs.get(at)
        };
        for (key, name) in template_outputs(rule, request.target.label.name(), attr)? {
            let label = analysis.label().package().target(&name);
            let label = label.map_err(|error| Diag::build(error.to_string()))?;
            outputs.push(Predeclared {
                key,
                listed: false,
                artifact: declare(label.file_path())?,
                name: name.into(),
            });
        }
    }
    Ok(outputs)
}

/// Makes `ctx`.
pub(crate) fn ctx<'v>(
    analysis: &Analysis<'_>,
    rule: &Rule<'v>,
    variables: BTreeMap<Arc<str>, Arc<str>>,
    outputs: &[Predeclared],
    heap: Heap<'v>,
) -> Value<'v> {
    let request = analysis.request;
    let spec = &*rule.spec;
    let facts = Facts {
        label: analysis.label().clone(),
        configuration: request.configuration.clone(),
        rule: request.target.rule.clone(),
        build_file: request.build_file.clone(),
        variables,
        features: features(analysis),
    };
    let setting = request.build_setting_value;
    let kinds = request.target.rule.machine_tools;
    let tools = request.machine_tools.filter(|_| kinds.any());
    heap.alloc(Ctx {
        facts,
        attr: attr(analysis, rule, heap),
        outputs: output_struct(analysis, spec, outputs, heap),
        toolchains: toolchains(analysis, spec, heap),
        build_setting_value: setting.map(|value| attrs::loaded(value, heap)),
        machine_tools: tools.map(|tools| machine_tools(tools, kinds, heap)),
    })
}

/// `ctx.attr`. What is not given has the rule's own default, which is a value already.
fn attr<'v>(analysis: &Analysis<'_>, rule: &Rule<'v>, heap: Heap<'v>) -> Value<'v> {
    let request = analysis.request;
    let schemas = &request.target.rule.attrs;
    let mut given = request.target.attrs.iter().peekable();
    let mut fields = SmallMap::with_capacity(schemas.len());
    let values = request.attrs.iter().zip(request.deps);
    for (at, (schema, (value, deps))) in schemas.iter().zip(values).enumerate() {
        // Both lists are sorted by name.
        let is_given = given.next_if(|(name, _)| *name == schema.name).is_some();
        let Some((name, default)) = rule.attribute(at) else {
            continue;
        };
        let value = match default {
            Some(default) if !is_given => default,
            _ if &*schema.name == "name" => heap.alloc(request.target.label.name()),
            _ => attrs::value(schema.kind, value, deps, heap),
        };
        fields.insert_hashed_unique_unchecked(name.get_hashed(), value);
    }
    heap.alloc(Struct::plain(fields))
}

fn output_struct<'v>(
    analysis: &Analysis<'_>,
    spec: &RuleSpec,
    outputs: &[Predeclared],
    heap: Heap<'v>,
) -> Value<'v> {
    let mut fields: SmallMap<StringValue<'v>, Value<'v>> = SmallMap::new();
    for schema in spec.attrs.iter() {
        let empty = match schema.kind {
            AttrKind::Output => Value::new_none(),
            AttrKind::OutputList => heap.alloc(AllocList::EMPTY),
            _ => continue,
        };
        fields.insert(heap.alloc_str(&schema.name), empty);
    }
    for group in outputs.chunk_by(|a, b| a.key == b.key) {
        let files: Vec<_> = group
            .iter()
            .map(|output| file::alloc(heap, &output.artifact))
            .collect();
        let value = match (group.first(), files.as_slice()) {
            (Some(first), [file]) if !first.listed => *file,
            _ => heap.alloc(AllocList(files)),
        };
        if let Some(first) = group.first() {
            fields.insert(heap.alloc_str(&first.key), value);
        }
    }
    if spec.executable
        && let Some(executable) = analysis.default_executable()
    {
        fields.insert(heap.alloc_str("executable"), file::alloc(heap, &executable));
    }
    heap.alloc(Struct::plain(fields))
}

fn toolchains<'v>(analysis: &Analysis<'_>, spec: &RuleSpec, heap: Heap<'v>) -> Value<'v> {
    let found = analysis.request.toolchains.iter().map(|toolchain| {
        let handle = toolchain.as_ref().and_then(|toolchain| handle(toolchain));
        let target = handle.map(|handle| heap.access_owned_frozen_value(&handle.0));
        let target = target.and_then(Target::from_value);
        target
            .and_then(|target| target.get(&BUILTINS.toolchain_info))
            .unwrap_or_default()
    });
    heap.alloc(Toolchains {
        types: spec
            .toolchains
            .iter()
            .map(|used| used.label.clone())
            .collect(),
        found: found.collect(),
        scope: spec.scope.clone(),
    })
}

/// Features of the command line, the package and the target; the later win (Bazel: features).
fn features(analysis: &Analysis<'_>) -> (Vec<Arc<str>>, Vec<Arc<str>>) {
    let request = analysis.request;
    let mut on: Vec<Arc<str>> = Vec::new();
    let mut off: Vec<Arc<str>> = Vec::new();
    let mut add = |name: &str| {
        let (name, to, from) = match name.strip_prefix('-') {
            Some(name) => (name, &mut off, &mut on),
            None => (name, &mut on, &mut off),
        };
        from.retain(|other| **other != *name);
        if !to.iter().any(|other| **other == *name) {
            to.push(Arc::from(name));
        }
    };
    let settings = request.configuration.settings();
    settings
        .features
        .iter()
        .chain(request.package_features)
        .for_each(|name| add(name));
    let attrs = &request.target.rule.attrs;
    if let Ok(at) = attrs.binary_search_by(|schema| (*schema.name).cmp("features")) {
        let own = request.attrs.get(at).map_or(&[][..], AttrValue::items);
        own.iter().filter_map(AttrValue::as_str).for_each(&mut add);
    }
    (on, off)
}

/// `ctx.machine_tools`: what was found on the machine, for the prelude's own rules.
fn machine_tools<'v>(tools: &MachineTools, kinds: ToolKinds, heap: Heap<'v>) -> Value<'v> {
    let text = |text: &Arc<str>| heap.alloc(&**text);
    let maybe = |value: &Option<Arc<str>>| value.as_ref().map_or_else(Value::new_none, text);
    let list = |texts: &[Arc<str>]| heap.alloc(AllocList(texts.iter().map(|text| &**text)));
    let of = |fields: &[(&str, Value<'v>)]| heap.alloc(Struct::of(heap, fields.iter().copied()));
    let cc = tools.cc.as_ref().map_or_else(Value::new_none, |cc| {
        of(&[
            ("compiler", text(&cc.compiler)),
            ("cc", text(&cc.cc)),
            ("cxx", text(&cc.cxx)),
            ("ar", text(&cc.ar)),
            ("strip", maybe(&cc.strip)),
            ("objcopy", maybe(&cc.objcopy)),
            ("version", text(&cc.version)),
            ("target", text(&cc.target)),
            ("include_dirs", list(&cc.include_dirs)),
            ("supported_flags", list(&cc.supported_flags)),
            ("linker", maybe(&cc.linker)),
        ])
    });
    let python = tools
        .python
        .as_ref()
        .map_or_else(Value::new_none, |python| {
            of(&[
                ("interpreter", text(&python.interpreter)),
                ("version", text(&python.version)),
            ])
        });
    let shell = of(&[("bash", text(&tools.shell.bash))]);
    let all = [
        (kinds.cc, "cc", cc),
        (kinds.python, "python", python),
        (kinds.shell, "shell", shell),
    ];
    let read = all.into_iter().filter(|(read, ..)| *read);
    let read: Vec<_> = read.map(|(_, name, value)| (name, value)).collect();
    of(&read)
}

/// The providers of targets that the engine itself gives their meaning.
pub(crate) fn builtin<'v>(analysis: &Analysis<'_>, heap: Heap<'v>) -> Value<'v> {
    let kiln_targets::RuleKind::Builtin(kind) = &analysis.request.target.rule.kind else {
        return Value::new_none();
    };
    let b = &*BUILTINS;
    let label = crate::context::label_value(analysis.label(), heap);
    let (def, name) = match &**kind {
        "constraint_value" => (&b.constraint_value, "label"),
        "constraint_setting" => (&b.constraint_setting, "label"),
        "platform" => (&b.platform, "label"),
        "toolchain_type" => (&b.toolchain_type, "type_label"),
        _ => return Value::new_none(),
    };
    heap.alloc(Struct {
        provider: Some(def.clone()),
        fields: [(heap.alloc_str(name), label)].into_iter().collect(),
    })
}
