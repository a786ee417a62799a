//! `existing_rule` and `existing_rules`: what was declared so far, as Starlark values.

use kiln_address::{Label, PackageId};
use kiln_host::starlark::environment::GlobalsBuilder;
use kiln_host::starlark::eval::Evaluator;
use kiln_host::starlark::values::dict::AllocDict;
use kiln_host::starlark::values::none::NoneOr;
use kiln_host::starlark::values::{Heap, Value};
use kiln_host::starlark::{self, starlark_module};
use kiln_targets::{AttrValue, Select, SelectKey, Visibility, VisibilitySpec};

use crate::label::{LabelValue, canonical_text};
use crate::package::{PackageState, Pending, PendingRule};
use crate::select::{PartGen, SelectValue};

#[starlark_module]
pub(crate) fn existing_functions(builder: &mut GlobalsBuilder) {
    /// The attributes of a target declared so far, or `None`.
    fn existing_rule<'v>(
        #[starlark(require = pos)] name: &str,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneOr<Value<'v>>> {
        let state = PackageState::of(eval, "`existing_rule`")?;
        let inner = state.inner();
        Ok(match inner.entries.get(name).map(|entry| &entry.what) {
            Some(Pending::Rule(rule)) => NoneOr::Other(rule_dict(rule, state.id, eval.heap())),
            _ => NoneOr::None,
        })
    }

    /// The attributes of all targets declared so far, by name.
    fn existing_rules<'v>(eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<Value<'v>> {
        let state = PackageState::of(eval, "`existing_rules`")?;
        let (inner, heap) = (state.inner(), eval.heap());
        let rules = inner
            .entries
            .iter()
            .filter_map(|(name, entry)| match &entry.what {
                Pending::Rule(rule) => Some((&**name, rule_dict(rule, state.id, heap))),
                _ => None,
            });
        Ok(heap.alloc(AllocDict(rules)))
    }
}

fn rule_dict<'v>(rule: &PendingRule, package: &PackageId, heap: Heap<'v>) -> Value<'v> {
    let defaults = rule.rule.attrs.iter().filter_map(|schema| {
        let given = rule
            .attrs
            .binary_search_by(|(name, _)| name.cmp(&schema.name));
        let public = !schema.name.starts_with('_') && given.is_err();
        public.then_some((&*schema.name, &schema.default))
    });
    let given = rule.attrs.iter().map(|(name, value)| (&**name, value));
    let attrs = given
        .chain(defaults)
        .filter(|(_, value)| **value != AttrValue::None);
    let attrs = attrs.map(|(name, value)| (name, to_value(value, package, heap)));
    let visibility = match &rule.visibility {
        Some(visibility) => visibility_texts(visibility),
        None => Vec::new(),
    };
    let mut entries: Vec<(&str, Value<'v>)> = vec![
        ("name", heap.alloc(rule.label.name())),
        ("kind", heap.alloc(&*rule.rule.name)),
        ("visibility", heap.alloc(visibility)),
    ];
    if let Some(generator) = &rule.generator {
        entries.push(("generator_function", heap.alloc(&**generator)));
    }
    entries.extend(attrs.filter(|(name, _)| *name != "name" && *name != "visibility"));
    heap.alloc(AllocDict(entries))
}

/// An attribute's value as Starlark sees it: labels of the package itself as `:name`.
fn to_value<'v>(value: &AttrValue, package: &PackageId, heap: Heap<'v>) -> Value<'v> {
    convert(value, &|label| heap.alloc(label_text(label, package)), heap)
}

/// The value as it was written: labels are `Label`s.
pub(crate) fn as_written<'v>(value: &AttrValue, heap: Heap<'v>) -> Value<'v> {
    convert(value, &|label| heap.alloc(LabelValue(label.clone())), heap)
}

fn convert<'v>(
    value: &AttrValue,
    alloc: &dyn Fn(&Label) -> Value<'v>,
    heap: Heap<'v>,
) -> Value<'v> {
    match value {
        AttrValue::None => Value::new_none(),
        AttrValue::Bool(value) => Value::new_bool(*value),
        AttrValue::Int(value) => heap.alloc(*value),
        AttrValue::String(text) => heap.alloc(&**text),
        AttrValue::Label(label) => alloc(label),
        AttrValue::List(items) => {
            let items: Vec<_> = items
                .iter()
                .map(|item| convert(item, alloc, heap))
                .collect();
            heap.alloc(items)
        }
        AttrValue::Dict(entries) => {
            let entries = entries
                .iter()
                .map(|(key, value)| (convert(key, alloc, heap), convert(value, alloc, heap)));
            heap.alloc(AllocDict(entries))
        }
        AttrValue::Select(select) => heap.alloc(SelectValue {
            parts: vec![select_part(select, alloc, heap)],
        }),
        AttrValue::Concat(parts) => {
            let parts = parts.iter().map(|part| match part {
                AttrValue::Select(select) => select_part(select, alloc, heap),
                plain => PartGen {
                    value: convert(plain, alloc, heap),
                    is_choice: false,
                    no_match_error: None,
                },
            });
            heap.alloc(SelectValue {
                parts: parts.collect(),
            })
        }
    }
}

fn select_part<'v>(
    select: &Select,
    alloc: &dyn Fn(&Label) -> Value<'v>,
    heap: Heap<'v>,
) -> PartGen<Value<'v>> {
    let branches = select.branches.iter().map(|(key, value)| {
        let key = match key {
            SelectKey::Default => "//conditions:default".to_owned(),
            SelectKey::Setting(label) => canonical_text(label),
        };
        (key, convert(value, alloc, heap))
    });
    PartGen {
        value: heap.alloc(AllocDict(branches)),
        is_choice: true,
        no_match_error: select.no_match_error.as_deref().map(str::to_owned),
    }
}

fn label_text(label: &Label, package: &PackageId) -> String {
    match label.package() {
        own if own == package => format!(":{}", label.name()),
        other if other.repo == package.repo => format!("//{}:{}", other.path, label.name()),
        _ => canonical_text(label),
    }
}

fn visibility_texts(visibility: &Visibility) -> Vec<String> {
    match visibility {
        Visibility::Public => vec!["//visibility:public".to_owned()],
        Visibility::Private => vec!["//visibility:private".to_owned()],
        Visibility::Listed(specs) => specs.iter().map(spec_text).collect(),
    }
}

fn spec_text(spec: &VisibilitySpec) -> String {
    match spec {
        VisibilitySpec::Package(package) => format!("{package}:__pkg__"),
        VisibilitySpec::Subpackages(package) => format!("{package}:__subpackages__"),
        VisibilitySpec::Group(label) => canonical_text(label),
    }
}
