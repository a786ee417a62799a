//! `select()` and what can be put together with it (Bazel: configurable attributes).

#![allow(unused_qualifications)] // in what the derives write

use std::fmt;

use kiln_diag::Diag;
use kiln_host::allocative::{self, Allocative};
use kiln_host::starlark::coerce::Coerce;
use kiln_host::starlark::environment::GlobalsBuilder;
use kiln_host::starlark::values::dict::DictRef;
use kiln_host::starlark::values::list::{AllocList, ListRef};
use kiln_host::starlark::values::tuple::TupleRef;
use kiln_host::starlark::values::{
    Freeze, FreezeResult, Freezer, Heap, NoSerialize, ProvidesStaticType, StarlarkPagablePanic,
    StarlarkValue, Trace, Value, ValueLifetimeless, ValueLike, starlark_value,
};
use kiln_host::starlark::{self, starlark_complex_value, starlark_module};
use kiln_host::{raise, raise_text};

use crate::label::LabelValue;

/// Values put together, of which at least one depends on the configuration.
#[derive(
    Debug, Trace, Coerce, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative,
)]
#[repr(C)]
pub struct SelectValueGen<V: ValueLifetimeless> {
    pub(crate) parts: Vec<PartGen<V>>,
}

/// One of the values that are put together.
#[derive(Clone, Debug, Trace, Coerce, StarlarkPagablePanic, Allocative)]
#[repr(C)]
pub(crate) struct PartGen<V: ValueLifetimeless> {
    /// For a choice: the dictionary of its branches.
    pub(crate) value: V,
    pub(crate) is_choice: bool,
    pub(crate) no_match_error: Option<String>,
}

starlark_complex_value!(pub SelectValue);

impl<'v> Freeze for SelectValue<'v> {
    type Frozen = FrozenSelectValue;

    fn freeze(self, freezer: &Freezer) -> FreezeResult<Self::Frozen> {
        let parts = self.parts.into_iter().map(|part| {
            Ok(PartGen {
                value: part.value.freeze(freezer)?,
                is_choice: part.is_choice,
                no_match_error: part.no_match_error,
            })
        });
        Ok(SelectValueGen {
            parts: parts.collect::<FreezeResult<_>>()?,
        })
    }
}

impl<V: ValueLifetimeless> fmt::Display for SelectValueGen<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, part) in self.parts.iter().enumerate() {
            if n > 0 {
                f.write_str(" + ")?;
            }
            match part.is_choice {
                true => write!(f, "select({})", part.value)?,
                false => write!(f, "{}", part.value)?,
            }
        }
        Ok(())
    }
}

#[starlark_value(type = "select")]
impl<'v, V: ValueLike<'v>> StarlarkValue<'v> for SelectValueGen<V>
where
    Self: ProvidesStaticType<'v>,
{
    fn add(&self, rhs: Value<'v>, heap: Heap<'v>) -> Option<starlark::Result<Value<'v>>> {
        Some(concat(self.to_parts(), parts_of(rhs, heap), "+", heap))
    }

    fn radd(&self, lhs: Value<'v>, heap: Heap<'v>) -> Option<starlark::Result<Value<'v>>> {
        Some(concat(parts_of(lhs, heap), self.to_parts(), "+", heap))
    }

    fn bit_or(&self, rhs: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        concat(self.to_parts(), parts_of(rhs, heap), "|", heap)
    }

    fn iterate_collect(&self, _heap: Heap<'v>) -> starlark::Result<Vec<Value<'v>>> {
        Err(raise(
            Diag::build("a `select` cannot be looked into: it is resolved after loading")
                .hint("put the branches' values together with `+` instead of looping over them"),
        ))
    }
}

impl<V: ValueLifetimeless> SelectValueGen<V> {
    fn to_parts<'v>(&self) -> Vec<PartGen<Value<'v>>>
    where
        V: ValueLike<'v>,
    {
        let parts = self.parts.iter().map(|part| PartGen {
            value: part.value.to_value(),
            is_choice: part.is_choice,
            no_match_error: part.no_match_error.clone(),
        });
        parts.collect()
    }
}

/// The parts of an operand. Lists and dictionaries are copied, because whoever else holds them
/// may change them later.
fn parts_of<'v>(value: Value<'v>, heap: Heap<'v>) -> Vec<PartGen<Value<'v>>> {
    if let Some(select) = SelectValue::from_value(value) {
        return select.to_parts();
    }
    let value = match (ListRef::from_value(value), DictRef::from_value(value)) {
        (Some(list), _) => heap.alloc(AllocList(list.iter())),
        (_, Some(dict)) => heap.alloc((*dict).clone()),
        _ => value,
    };
    vec![PartGen {
        value,
        is_choice: false,
        no_match_error: None,
    }]
}

/// Puts values together. What a branch holds decides early, so that the message is at the place
/// of the operator.
pub(crate) fn concat<'v>(
    mut left: Vec<PartGen<Value<'v>>>,
    right: Vec<PartGen<Value<'v>>>,
    operator: &str,
    heap: Heap<'v>,
) -> starlark::Result<Value<'v>> {
    let shape = |parts: &[PartGen<Value<'v>>]| parts.iter().find_map(part_shape);
    if let (Some(l), Some(r)) = (shape(&left), shape(&right)) {
        let fits = match operator {
            "|" => l == Shape::Dict,
            _ => l == Shape::List || l == Shape::Text || l == Shape::Int,
        };
        if l != r || !fits {
            return Err(raise_text(format!(
                "`{operator}` cannot put together {} and {}, one of which comes from a `select`",
                l.name(),
                r.name()
            )));
        }
    }
    left.extend(right);
    Ok(heap.alloc(SelectValue { parts: left }))
}

#[derive(Clone, Copy, PartialEq)]
enum Shape {
    List,
    Text,
    Dict,
    Int,
    Other,
}

impl Shape {
    fn name(self) -> &'static str {
        match self {
            Shape::List => "a list",
            Shape::Text => "a string",
            Shape::Dict => "a dict",
            Shape::Int => "an int",
            Shape::Other => "a value of another type",
        }
    }
}

/// What kind of value a part is; unknown if every branch is `None`.
fn part_shape(part: &PartGen<Value<'_>>) -> Option<Shape> {
    if !part.is_choice {
        return shape_of(part.value);
    }
    let branches = DictRef::from_value(part.value)?;
    branches.iter().find_map(|(_, value)| shape_of(value))
}

fn shape_of(value: Value<'_>) -> Option<Shape> {
    if value.is_none() {
        return None;
    }
    Some(match value {
        value if ListRef::from_value(value).is_some() => Shape::List,
        value if TupleRef::from_value(value).is_some() => Shape::List,
        value if value.unpack_str().is_some() => Shape::Text,
        value if DictRef::from_value(value).is_some() => Shape::Dict,
        value if value.unpack_bool().is_none() && value.unpack_i32().is_some() => Shape::Int,
        _ => Shape::Other,
    })
}

/// `select()`, and the operator `|` for operands of which only the second is a select.
#[starlark_module]
pub(crate) fn select_globals(builder: &mut GlobalsBuilder) {
    /// A value that depends on the configuration.
    fn select<'v>(
        #[starlark(require = pos)] x: Value<'v>,
        #[starlark(require = named, default = "")] no_match_error: &str,
        heap: Heap<'v>,
    ) -> starlark::Result<SelectValue<'v>> {
        let Some(branches) = DictRef::from_value(x) else {
            return Err(raise_text(format!(
                "`select` takes a dict, got `{}` of type {}",
                x.to_repr(),
                x.get_type()
            )));
        };
        if branches.is_empty() {
            return Err(raise(
                Diag::build("`select` without conditions can never give a value")
                    .hint("add a `//conditions:default` branch"),
            ));
        }
        for (key, value) in branches.iter() {
            if key.unpack_str().is_none() && LabelValue::from_value(key).is_none() {
                return Err(raise_text(format!(
                    "the conditions of a `select` are labels, got `{}` of type {}",
                    key.to_repr(),
                    key.get_type()
                )));
            }
            if SelectValue::from_value(value).is_some() {
                return Err(raise(
                    Diag::build("a `select` cannot contain another one").hint(
                        "combine conditions with `selects.config_setting_group` of bazel_skylib",
                    ),
                ));
            }
        }
        Ok(SelectValue {
            parts: vec![PartGen {
                value: heap.alloc((*branches).clone()),
                is_choice: true,
                no_match_error: (!no_match_error.is_empty()).then(|| no_match_error.to_owned()),
            }],
        })
    }

    /// What `|` is turned into in files that use `select`: dictionaries know nothing of selects.
    fn _union<'v>(
        #[starlark(require = pos)] left: Value<'v>,
        #[starlark(require = pos)] right: Value<'v>,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        match SelectValue::from_value(right) {
            Some(select) => concat(parts_of(left, heap), select.to_parts(), "|", heap),
            None => left.bit_or(right, heap),
        }
    }
}
