//! `__defaults__()`: values for attributes that targets below do not give (BLD-090 … BLD-098).
//!
//! What a BUILD file says holds for its own targets behind the call, and for all packages below.

#![allow(unused_qualifications)] // in what the derives write

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_diag::Diag;
use kiln_host::raise;
use kiln_host::starlark::any::ProvidesStaticType;
use kiln_host::starlark::environment::GlobalsBuilder;
use kiln_host::starlark::values::dict::{AllocDict, DictRef};
use kiln_host::starlark::values::list::AllocList;
use kiln_host::starlark::values::none::{NoneOr, NoneType};
use kiln_host::starlark::values::tuple::{TupleRef, UnpackTuple};
use kiln_host::starlark::values::{Heap, Value};
use kiln_host::starlark::{self, eval::Evaluator, starlark_module};
use kiln_targets::{AttrSchema, DefaultFields, DefaultPart, DefaultValue, RuleClass};

use crate::coerce::{LabelContext, items};
use crate::combine::{Arguments, in_groups};
use crate::package::PackageState;
use crate::parametrize::{KEY, Parametrize, of_choices, several};
use crate::select::{PartGen, SelectValue};
use crate::target::check_default;

/// What a rule's value gives to whoever asks for it (`StarlarkValue::provide`).
#[derive(Clone, Debug, ProvidesStaticType)]
pub struct DeclaredRule {
    /// The name it was exported by.
    pub name: Arc<str>,
    /// Its attributes, sorted by name.
    pub attrs: Arc<[AttrSchema]>,
}

/// Nested deeper, a value is none that somebody wrote.
const MAX_DEPTH: usize = 20;

#[starlark_module]
pub(crate) fn defaults_globals(builder: &mut GlobalsBuilder) {
    /// Values for attributes that targets here and below do not give themselves.
    fn __defaults__<'v>(
        #[starlark(args)] args: UnpackTuple<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] all: NoneOr<Value<'v>>,
        #[starlark(require = named, default = false)] extend: bool,
        #[starlark(require = named, default = false)] ignore_unknown_fields: bool,
        #[starlark(require = named, default = false)] ignore_unknown_targets: bool,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let state = PackageState::of(eval, "`__defaults__`")?;
        let call = Call {
            state,
            ignore_unknown_fields,
            ignore_unknown_targets,
        };
        let all = all.into_option();
        let all = all.map(|all| call.fields(all, None)).transpose();
        let all = all.map_err(raise)?;
        let mut rules = BTreeMap::new();
        for argument in args.items {
            call.rules(argument, &mut rules).map_err(raise)?;
        }
        state.edit(|inner| Arc::make_mut(&mut inner.defaults).call(all, rules, extend));
        Ok(NoneType)
    }
}

/// What a call says of some rules, by their names.
type Rules = BTreeMap<Arc<str>, DefaultFields>;

struct Call<'a, 'e> {
    state: &'a PackageState<'e>,
    ignore_unknown_fields: bool,
    ignore_unknown_targets: bool,
}

impl Call<'_, '_> {
    /// One dictionary: rules, or tuples of them, to attributes.
    fn rules(&self, argument: Value<'_>, rules: &mut Rules) -> Result<(), Diag> {
        let Some(dict) = DictRef::from_value(argument) else {
            return Err(Diag::build(format!(
                "`__defaults__` takes dictionaries, and got `{}` of type {}",
                argument.to_repr(),
                argument.get_type()
            ))
            .hint("write `__defaults__({cc_test: {\"size\": \"small\"}})`"));
        };
        for (key, value) in dict.iter() {
            let single = std::slice::from_ref(&key);
            let keys = TupleRef::from_value(key).map_or(single, |tuple| tuple.content());
            for key in keys {
                let Some(rule) = self.rule(*key)? else {
                    continue;
                };
                let fields = self.fields(value, Some(&rule))?;
                rules.entry(rule.name).or_default().extend(fields);
            }
        }
        Ok(())
    }

    /// The rule that is meant; `None` if it is unknown and that is to be ignored.
    fn rule(&self, key: Value<'_>) -> Result<Option<DeclaredRule>, Diag> {
        if let Some(rule) = key.request_value::<DeclaredRule>() {
            return Ok(Some(rule));
        }
        let Some(name) = key.unpack_str() else {
            return Err(Diag::build(format!(
                "`__defaults__` got `{}` of type {} where a rule is expected",
                key.to_repr(),
                key.get_type()
            ))
            .note("macros have no defaults: only the rules that they call have")
            .hint("name a rule, as a text or as it is called: `cc_test`"));
        };
        let known = self.state.native_rule(name)?;
        if known.is_some() || self.ignore_unknown_targets {
            return Ok(known);
        }
        let diag = Diag::build(format!(
            "`__defaults__` names `{name}`, and there is no such rule"
        ));
        let names = self.state.native_rules()?;
        let near = diag
            .clone()
            .did_you_mean(name, names.iter().map(String::as_str));
        Err(match near == diag {
            true => diag.hint("load a rule of a .bzl file and give the rule itself, not its name"),
            false => near,
        })
    }

    /// Attributes and their values, checked against the rule if there is one.
    fn fields(&self, value: Value<'_>, rule: Option<&DeclaredRule>) -> Result<DefaultFields, Diag> {
        let whose = rule.map_or("all", |rule| &rule.name);
        let Some(dict) = DictRef::from_value(value) else {
            return Err(Diag::build(format!(
                "the defaults of `{whose}` must be a dictionary, and are `{}` of type {}",
                value.to_repr(),
                value.get_type()
            ))
            .hint("write attributes and their values: `{\"size\": \"small\"}`"));
        };
        let mut fields = DefaultFields::new();
        for (attr, value) in dict.iter() {
            let Some(name) = attr.unpack_str() else {
                return Err(Diag::build(format!(
                    "`{}` among the defaults of `{whose}` is no name of an attribute",
                    attr.to_repr()
                )));
            };
            let wrap = |diag: Diag| {
                let message = format!("default of `{name}` of `{whose}`: {}", diag.message());
                let hints = diag.hints().iter().cloned();
                hints.fold(Diag::build(message), Diag::hint)
            };
            // A group of values: its attributes are looked at where it is used.
            if name.starts_with(KEY) {
                fields.insert(Arc::from(name), plain(value, 0).map_err(wrap)?);
                continue;
            }
            if matches!(name, "name" | "visibility") {
                return Err(wrap(Diag::build("it can have none").hint(match name {
                    "visibility" => "write `package(default_visibility = …)` in each BUILD file",
                    _ => "give each target its name",
                })));
            }
            if let Some(rule) = rule
                && !self.known(rule, name, value, &wrap)?
            {
                continue;
            }
            fields.insert(Arc::from(name), plain(value, 0).map_err(wrap)?);
        }
        Ok(fields)
    }

    /// Whether a rule has an attribute; its value is checked then (BLD-094).
    fn known(
        &self,
        rule: &DeclaredRule,
        name: &str,
        value: Value<'_>,
        wrap: &dyn Fn(Diag) -> Diag,
    ) -> Result<bool, Diag> {
        let public = || rule.attrs.iter().filter(|attr| !attr.name.starts_with('_'));
        let Some(schema) = public().find(|attr| *attr.name == *name) else {
            if self.ignore_unknown_fields {
                return Ok(false);
            }
            let names: Vec<&str> = public().map(|attr| &*attr.name).collect();
            return Err(
                Diag::build(format!("`{}` has no attribute `{name}`", rule.name))
                    .note(format!("it has {}", names.join(", ")))
                    .did_you_mean(name, names)
                    .hint("remove it, or set `ignore_unknown_fields = True`"),
            );
        };
        let labels = self.state.labels();
        each(value, &mut |value| check(schema, value, labels)).map_err(wrap)?;
        Ok(true)
    }
}

fn check(schema: &AttrSchema, value: Value<'_>, labels: LabelContext<'_>) -> Result<(), Diag> {
    match value.is_none() {
        true => Ok(()),
        false => check_default(schema, value, labels),
    }
}

/// A value, or each that it is parametrized with.
fn each(
    value: Value<'_>,
    check: &mut dyn FnMut(Value<'_>) -> Result<(), Diag>,
) -> Result<(), Diag> {
    match several(value) {
        Some(several) => several.choices().try_for_each(|(_, value)| check(value)),
        None => check(value),
    }
}

/// A value as plain data.
fn plain(value: Value<'_>, depth: usize) -> Result<DefaultValue, Diag> {
    if depth > MAX_DEPTH {
        return Err(Diag::build(format!(
            "it is nested more than {MAX_DEPTH} times"
        )));
    }
    let below = |value: Value<'_>| plain(value, depth + 1);
    if value.is_none() {
        return Ok(DefaultValue::None);
    }
    if let Some(value) = value.unpack_bool() {
        return Ok(DefaultValue::Bool(value));
    }
    if let Some(value) = value.unpack_i32() {
        return Ok(DefaultValue::Int(value));
    }
    if let Some(text) = value.unpack_str() {
        return Ok(DefaultValue::String(Arc::from(text)));
    }
    if let Some(list) = items(value) {
        let list = list.iter().map(|item| below(*item));
        return Ok(DefaultValue::List(list.collect::<Result<_, _>>()?));
    }
    if let Some(several) = several(value).or_else(|| Parametrize::from_value(value)) {
        return parametrized(several, depth);
    }
    if let Some(dict) = DictRef::from_value(value) {
        let pairs = dict
            .iter()
            .map(|(key, value)| Ok((below(key)?, below(value)?)));
        return Ok(DefaultValue::Dict(pairs.collect::<Result<_, Diag>>()?));
    }
    if let Some(select) = SelectValue::from_value(value) {
        let parts = select.to_parts().into_iter().map(|part| {
            Ok(DefaultPart {
                value: below(part.value)?,
                is_choice: part.is_choice,
                no_match_error: part.no_match_error.as_deref().map(Arc::from),
            })
        });
        return Ok(DefaultValue::Select(parts.collect::<Result<_, Diag>>()?));
    }
    Err(Diag::build(format!(
        "`{}` of type {} cannot be a default",
        value.to_repr(),
        value.get_type()
    ))
    .hint("write labels as texts"))
}

fn parametrized(several: &Parametrize<'_>, depth: usize) -> Result<DefaultValue, Diag> {
    let choices = several.choices();
    let choices = choices.map(|(alias, value)| Ok((Arc::from(alias), plain(value, depth + 1)?)));
    Ok(DefaultValue::Parametrize {
        choices: choices.collect::<Result<_, Diag>>()?,
        positional: several.positional(),
    })
}

/// Plain data as a value.
fn value_of<'v>(value: &DefaultValue, heap: Heap<'v>) -> Value<'v> {
    match value {
        DefaultValue::None => Value::new_none(),
        DefaultValue::Bool(value) => Value::new_bool(*value),
        DefaultValue::Int(value) => heap.alloc(*value),
        DefaultValue::String(text) => heap.alloc(&**text),
        DefaultValue::List(list) => {
            let values = list.iter().map(|item| value_of(item, heap));
            heap.alloc(AllocList(values.collect::<Vec<_>>()))
        }
        DefaultValue::Dict(pairs) => {
            let pairs = pairs
                .iter()
                .map(|(k, v)| (value_of(k, heap), value_of(v, heap)));
            heap.alloc(AllocDict(pairs.collect::<Vec<_>>()))
        }
        DefaultValue::Select(parts) => {
            let parts = parts.iter().map(|part| PartGen {
                value: value_of(&part.value, heap),
                is_choice: part.is_choice,
                no_match_error: part.no_match_error.as_deref().map(str::to_owned),
            });
            heap.alloc(SelectValue {
                parts: parts.collect(),
            })
        }
        DefaultValue::Parametrize {
            choices,
            positional,
        } => {
            let choices = choices.iter();
            let choices = choices.map(|(alias, value)| {
                let value = value_of(value, heap);
                // A group within a group stands there without its dictionary.
                let group = alias.starts_with(KEY).then(|| group_of(value)).flatten();
                (alias.to_string(), group.map_or(value, |(_, group)| group))
            });
            of_choices(choices, *positional, heap)
        }
    }
}

/// Adds what a target does not give itself, in a group neither (BLD-082).
pub(crate) fn add_defaults<'a, 'v: 'a>(
    given: &mut Arguments<'a, 'v>,
    rule: &'a RuleClass,
    fields: &DefaultFields,
    heap: Heap<'v>,
) {
    for (name, value) in fields {
        if name.starts_with(KEY) {
            add_group(given, value_of(value, heap));
            continue;
        }
        // What holds for all rules skips those that lack it.
        let Some(schema) = rule.attr(name).filter(|_| !name.starts_with('_')) else {
            continue;
        };
        let own = given.iter().any(|(given, _)| *given == &*schema.name);
        if !own && !in_groups(given, &schema.name) {
            given.push((&schema.name, value_of(value, heap)));
        }
    }
}

/// Adds a group of defaults: a target with groups of its own has those alone.
fn add_group<'a, 'v: 'a>(given: &mut Arguments<'a, 'v>, value: Value<'v>) {
    if given.iter().any(|(name, _)| name.starts_with(KEY)) {
        return;
    }
    given.extend(group_of(value));
}

/// The entry of what `parametrize` gives.
fn group_of<'v>(value: Value<'v>) -> Option<(&'v str, Value<'v>)> {
    let (key, group) = DictRef::from_value(value)?.iter().next()?;
    Some((key.unpack_str()?, group))
}
