//! Attribute values as implementation functions see them.

use kiln_address::Label;
use kiln_targets::{AnalyzedTarget, Artifact, AttrKind, AttrValue, Dep, Providers};

use crate::interp::*;
use crate::values::target::{Target, TargetFacts};

/// The frozen [`Target`] behind [`Providers`].
pub(crate) struct TargetHandle(pub(crate) OwnedFrozenValue);

/// A dependency as a value of `heap`.
pub(crate) fn dependency<'v>(given: &Label, dep: &Dep, heap: Heap<'v>) -> Value<'v> {
    match dep {
        Dep::Target(target) => target_value(target, heap),
        Dep::Source(file) => heap.alloc(Target::of_file(given.clone(), file.clone())),
        Dep::Output(file, by) => {
            heap.alloc(Target::of_file(output_label(by, file, given), file.clone()))
        }
    }
}

/// A rule's target: the value that its own analysis left, or, if the engine made the target
/// itself, one with what is known of it.
pub(crate) fn target_value<'v>(target: &AnalyzedTarget, heap: Heap<'v>) -> Value<'v> {
    let Providers(handle) = &target.providers;
    if let Some(TargetHandle(value)) = handle.downcast_ref::<TargetHandle>() {
        return heap.access_owned_frozen_value(value);
    }
    heap.alloc(Target {
        facts: facts_of(target),
        default_info: None,
        defs: Box::default(),
        instances: Box::default(),
    })
}

fn facts_of(target: &AnalyzedTarget) -> TargetFacts {
    TargetFacts {
        label: target.label.clone(),
        rule: Some(target.rule.clone()),
        files: target.files.clone(),
        executable: target.executable.clone(),
        runfiles: target.runfiles.clone(),
        data_runfiles: target.data_runfiles.clone(),
    }
}

/// The label of an output file. `given` may be that of an alias.
fn output_label(by: &AnalyzedTarget, file: &Artifact, given: &Label) -> Label {
    let package = by.label.package();
    let name = file.repo_path().strip_prefix(&package.path);
    name.and_then(|name| package.target(name.as_str()).ok())
        .unwrap_or_else(|| given.clone())
}

/// One attribute. `deps` are its dependencies in the order of the labels in its value.
pub(crate) fn value<'v>(
    kind: AttrKind,
    value: &AttrValue,
    deps: &[(Label, Dep)],
    heap: Heap<'v>,
) -> Value<'v> {
    let deps = kind.is_dependency().then_some(deps);
    convert(value, &mut Deps { deps, next: 0 }, heap)
}

/// The dependencies of an attribute while its value is walked. Each label has one entry, however
/// often it occurs; `None` for attributes that are no dependencies.
struct Deps<'a> {
    deps: Option<&'a [(Label, Dep)]>,
    next: usize,
}

impl<'a> Deps<'a> {
    fn find(&mut self, label: &Label) -> Option<&'a (Label, Dep)> {
        let deps = self.deps?;
        // Entries come in the order of the labels but for repeated ones.
        let at = match deps.get(self.next) {
            Some((given, _)) if given == label => self.next,
            _ => deps.iter().position(|(given, _)| given == label)?,
        };
        self.next = at + 1;
        deps.get(at)
    }
}

fn convert<'v>(value: &AttrValue, deps: &mut Deps<'_>, heap: Heap<'v>) -> Value<'v> {
    match value {
        AttrValue::Bool(truth) => Value::new_bool(*truth),
        AttrValue::Int(number) => heap.alloc(*number),
        AttrValue::String(text) => heap.alloc(&**text),
        AttrValue::Label(label) => match deps.find(label) {
            Some((given, dep)) => dependency(given, dep, heap),
            // Not every label is a dependency: outputs, and constraints of platforms.
            None => crate::context::label_value(label, heap),
        },
        AttrValue::List(items) => {
            let items = items.iter().map(|item| convert(item, deps, heap));
            heap.alloc(AllocList(items.collect::<Vec<_>>()))
        }
        AttrValue::Dict(entries) => {
            let entries = entries.iter().map(|(key, value)| {
                let key = convert(key, deps, heap);
                (key, convert(value, deps, heap))
            });
            heap.alloc(AllocDict(entries.collect::<Vec<_>>()))
        }
        // The engine chooses the branches of selects before analysis.
        AttrValue::None | AttrValue::Select(_) | AttrValue::Concat(_) => Value::new_none(),
    }
}

/// The targets in the value of a label attribute, as `convert` made it.
pub(crate) fn targets_in<'v>(value: Value<'v>) -> Vec<Value<'v>> {
    if let Some(items) = sequence(value) {
        return items.to_vec();
    }
    if let Some(dict) = DictRef::from_value(value) {
        let all = dict.iter().flat_map(|(key, value)| [key, value]);
        return all
            .filter(|value| Target::from_value(*value).is_some())
            .collect();
    }
    match value.is_none() {
        true => Vec::new(),
        false => vec![value],
    }
}

/// A value as loaded: labels are labels, not targets.
pub(crate) fn loaded<'v>(value: &AttrValue, heap: Heap<'v>) -> Value<'v> {
    convert(
        value,
        &mut Deps {
            deps: None,
            next: 0,
        },
        heap,
    )
}
