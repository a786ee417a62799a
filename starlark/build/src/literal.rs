//! Values as written, without knowing which attribute they are for.

use std::sync::Arc;

use kiln_diag::Diag;
use kiln_host::starlark::values::dict::DictRef;
use kiln_host::starlark::values::{Heap, Value};
use kiln_targets::{AttrValue, DefaultValue, Select};

use crate::coerce::{LabelContext, items, mismatch, select_key};
use crate::combinations::choices;
use crate::existing;
use crate::label::LabelValue;
use crate::parametrize::{ChoiceGen, Parametrize};
use crate::select::SelectValue;

/// Nested deeper, a value is none that an attribute can have.
const MAX_DEPTH: usize = 20;

/// A value, parametrized or not, as plain data.
pub(crate) fn from_value<'v>(
    value: Value<'v>,
    heap: Heap<'v>,
    labels: LabelContext<'_>,
) -> Result<DefaultValue, Diag> {
    if let Some((name, group)) = Parametrize::group(value) {
        let fields = group.choices.iter().map(|choice| {
            let value = from_value(choice.value, heap, labels)?;
            Ok((Arc::from(&*choice.alias), value))
        });
        let fields = fields.collect::<Result<_, Diag>>()?;
        return Ok(DefaultValue::Group(Arc::from(name), fields));
    }
    match choices(value, heap)? {
        None => plain(value, labels, 0).map(DefaultValue::Plain),
        Some(choices) => {
            let choices = choices.into_iter();
            let choices =
                choices.map(|(alias, value)| Ok((Arc::from(alias), plain(value, labels, 0)?)));
            Ok(DefaultValue::Choices(choices.collect::<Result<_, Diag>>()?))
        }
    }
}

/// A value as plain data. Texts stay texts, also where they may be labels.
fn plain(value: Value<'_>, labels: LabelContext<'_>, depth: usize) -> Result<AttrValue, Diag> {
    if depth > MAX_DEPTH {
        return Err(
            Diag::build(format!("it is nested more than {MAX_DEPTH} times"))
                .hint("no attribute takes such a value; does a list hold itself?"),
        );
    }
    if value.is_none() {
        return Ok(AttrValue::None);
    }
    if let Some(value) = value.unpack_bool() {
        return Ok(AttrValue::Bool(value));
    }
    if let Some(number) = value.unpack_i32() {
        return Ok(AttrValue::Int(i64::from(number)));
    }
    if let Some(text) = value.unpack_str() {
        return Ok(AttrValue::string(text));
    }
    if let Some(label) = LabelValue::from_value(value) {
        return Ok(AttrValue::Label(label.0.clone()));
    }
    if let Some(items) = items(value) {
        let items = items.iter().map(|item| plain(*item, labels, depth + 1));
        return Ok(AttrValue::List(items.collect::<Result<_, Diag>>()?));
    }
    if let Some(dict) = DictRef::from_value(value) {
        let entries = dict.iter().map(|(key, value)| {
            Ok((
                plain(key, labels, depth + 1)?,
                plain(value, labels, depth + 1)?,
            ))
        });
        return Ok(AttrValue::Dict(entries.collect::<Result<_, Diag>>()?));
    }
    match SelectValue::from_value(value) {
        Some(select) => open(select, labels, depth + 1),
        None => Err(mismatch("a value that an attribute can have", value)),
    }
}

fn open(
    select: &SelectValue<'_>,
    labels: LabelContext<'_>,
    depth: usize,
) -> Result<AttrValue, Diag> {
    let mut parts = Vec::with_capacity(select.parts.len());
    for part in &select.parts {
        let branches = DictRef::from_value(part.value).filter(|_| part.is_choice);
        parts.push(match branches {
            None => plain(part.value, labels, depth)?,
            Some(dict) => {
                let branches = dict.iter().map(|(condition, value)| {
                    let key = select_key(labels.label(condition)?);
                    Ok((key, plain(value, labels, depth)?))
                });
                AttrValue::Select(Arc::new(Select {
                    branches: branches.collect::<Result<_, Diag>>()?,
                    no_match_error: part.no_match_error.as_deref().map(Arc::from),
                }))
            }
        });
    }
    Ok(match parts.len() {
        1 => parts.remove(0),
        _ => AttrValue::Concat(parts.into()),
    })
}

/// The value for a target; of groups, the attributes that are wanted. `None` if none is left.
pub(crate) fn to_value<'v>(
    value: &DefaultValue,
    heap: Heap<'v>,
    keep: &dyn Fn(&str) -> bool,
) -> Option<Value<'v>> {
    let choice = |(alias, value): (&Arc<str>, Value<'v>)| ChoiceGen {
        value,
        alias: alias.to_string(),
    };
    let (group, choices): (_, Vec<_>) = match value {
        DefaultValue::Plain(value) => return Some(existing::as_written(value, heap)),
        DefaultValue::Choices(choices) => {
            let choices = choices.iter();
            let choices = choices.map(|(alias, value)| (alias, existing::as_written(value, heap)));
            (None, choices.map(choice).collect())
        }
        DefaultValue::Group(name, fields) => {
            let fields = fields.iter().filter_map(|(attr, value)| {
                let wanted = matches!(value, DefaultValue::Group(..)) || keep(attr);
                let value = wanted.then(|| to_value(value, heap, keep)).flatten()?;
                Some(choice((attr, value)))
            });
            (Some(name.to_string()), fields.collect())
        }
    };
    (!choices.is_empty()).then(|| heap.alloc(Parametrize::new(group, choices)))
}

/// All values that an attribute may get by a default.
pub(crate) fn each_value<'v>(value: &DefaultValue, heap: Heap<'v>) -> Vec<Value<'v>> {
    match value {
        DefaultValue::Plain(value) => vec![existing::as_written(value, heap)],
        DefaultValue::Choices(choices) => {
            let values = choices.iter();
            values
                .map(|(_, value)| existing::as_written(value, heap))
                .collect()
        }
        DefaultValue::Group(..) => Vec::new(),
    }
}
