//! `parametrize()`: one target for each value of an attribute (BLD-070 … BLD-072).
//!
//! The targets are called `NAME@ATTRIBUTE=ALIAS`, with several attributes in the order of their names,
//! separated by commas; `NAME` itself is none.

#![allow(unused_qualifications)] // in what the derives write

use std::fmt;

use kiln_diag::Diag;
use kiln_host::allocative::{self, Allocative};
use kiln_host::raise;
use kiln_host::starlark::coerce::Coerce;
use kiln_host::starlark::collections::SmallMap;
use kiln_host::starlark::environment::GlobalsBuilder;
use kiln_host::starlark::values::tuple::UnpackTuple;
use kiln_host::starlark::values::{
    Freeze, FreezeResult, Freezer, Heap, NoSerialize, ProvidesStaticType, StarlarkPagablePanic,
    StarlarkValue, Trace, Value, ValueLifetimeless, ValueLike, starlark_value,
};
use kiln_host::starlark::{self, starlark_complex_value, starlark_module};

/// More targets than these are not made by one call.
const MAX_TARGETS: usize = 1000;
/// What separates the parts of an address.
const SEPARATORS: &[char] = &['@', '#', '=', ',', ':', '/', '\\'];

/// The values of an attribute.
#[derive(
    Debug, Trace, Coerce, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative,
)]
#[repr(C)]
pub struct ParametrizeGen<V: ValueLifetimeless> {
    choices: Vec<ChoiceGen<V>>,
}

/// One of them.
#[derive(Clone, Debug, Trace, Coerce, StarlarkPagablePanic, Allocative)]
#[repr(C)]
struct ChoiceGen<V: ValueLifetimeless> {
    value: V,
    alias: String,
}

starlark_complex_value!(pub Parametrize);

impl<'v> Freeze for Parametrize<'v> {
    type Frozen = FrozenParametrize;

    fn freeze(self, freezer: &Freezer) -> FreezeResult<Self::Frozen> {
        let choices = self.choices.into_iter().map(|choice| {
            Ok(ChoiceGen {
                value: choice.value.freeze(freezer)?,
                alias: choice.alias,
            })
        });
        Ok(ParametrizeGen {
            choices: choices.collect::<FreezeResult<_>>()?,
        })
    }
}

impl<V: ValueLifetimeless> fmt::Display for ParametrizeGen<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let choices = self.choices.iter();
        let choices = choices.map(|choice| format!("{} = {}", choice.alias, choice.value));
        write!(f, "parametrize({})", choices.collect::<Vec<_>>().join(", "))
    }
}

#[starlark_value(type = "parametrize")]
impl<'v, V: ValueLike<'v>> StarlarkValue<'v> for ParametrizeGen<V> where Self: ProvidesStaticType<'v>
{}

/// A target's arguments, by name.
pub(crate) type Arguments<'a, 'v> = Vec<(&'a str, Value<'v>)>;

/// The arguments of each target that a call declares: those given, if none is parametrized.
///
/// Errors: `name` is parametrized, or there are too many combinations.
pub(crate) fn combinations<'a, 'v>(
    given: Arguments<'a, 'v>,
    name: &str,
    heap: Heap<'v>,
) -> Result<Vec<Arguments<'a, 'v>>, Diag> {
    let mut several: Vec<(usize, &str, &Parametrize<'v>)> = given
        .iter()
        .enumerate()
        .filter_map(|(at, (attr, value))| Some((at, *attr, Parametrize::from_value(*value)?)))
        .collect();
    if several.is_empty() {
        return Ok(vec![given]);
    }
    several.sort_by_key(|(_, attr, _)| *attr);
    let fixed = |attr: &str| matches!(attr, "name" | "visibility");
    if let Some((_, attr, _)) = several.iter().find(|(_, attr, _)| fixed(attr)) {
        return Err(Diag::build(format!("`{attr}` cannot be parametrized"))
            .hint("parametrize another attribute; names of its targets follow from it"));
    }
    let mut all: Vec<(String, Arguments<'a, 'v>)> = vec![(String::new(), given.clone())];
    for (at, attr, parametrize) in several {
        if all.len() * parametrize.choices.len() > MAX_TARGETS {
            return Err(Diag::build(format!(
                "`{name}` is parametrized into more than {MAX_TARGETS} targets"
            ))
            .hint("parametrize fewer attributes, or with fewer values"));
        }
        let next = all.iter().flat_map(|(suffix, arguments)| {
            parametrize.choices.iter().map(move |choice| {
                let comma = if suffix.is_empty() { "" } else { "," };
                let mut arguments = arguments.clone();
                arguments[at].1 = choice.value.to_value();
                (format!("{suffix}{comma}{attr}={}", choice.alias), arguments)
            })
        });
        all = next.collect();
    }
    let targets = all.into_iter().map(|(suffix, mut arguments)| {
        for (attr, value) in &mut arguments {
            if *attr == "name" {
                *value = heap.alloc(format!("{name}@{suffix}"));
            }
        }
        arguments
    });
    Ok(targets.collect())
}

#[starlark_module]
pub(crate) fn parametrize_globals(builder: &mut GlobalsBuilder) {
    /// Makes one target for each value: texts, or values by an alias.
    fn parametrize<'v>(
        #[starlark(args)] args: UnpackTuple<Value<'v>>,
        #[starlark(kwargs)] kwargs: SmallMap<String, Value<'v>>,
    ) -> starlark::Result<Parametrize<'v>> {
        let mut choices: Vec<ChoiceGen<Value<'v>>> = Vec::new();
        let texts = args
            .items
            .into_iter()
            .map(|value| match value.unpack_str() {
                Some(text) => Ok((text.to_owned(), value)),
                None => Err(raise(
                    Diag::build(format!(
                        "`parametrize` names targets by its values, and `{}` of type {} is no text",
                        value.to_repr(),
                        value.get_type()
                    ))
                    .hint("give it an alias: `parametrize(some_name = …)`"),
                )),
            });
        let texts = texts.collect::<starlark::Result<Vec<_>>>()?;
        for (alias, value) in texts.into_iter().chain(kwargs) {
            if alias.is_empty() || alias.contains(SEPARATORS) || alias.contains(char::is_whitespace)
            {
                return Err(raise(
                    Diag::build(format!("`{alias}` cannot be part of a target's name"))
                        .hint("give it an alias: `parametrize(some_name = …)`"),
                ));
            }
            if choices.iter().any(|choice| choice.alias == alias) {
                return Err(raise(
                    Diag::build(format!("`parametrize` has `{alias}` twice"))
                        .hint("remove one of them, or give it another alias"),
                ));
            }
            choices.push(ChoiceGen { value, alias });
        }
        match choices.is_empty() {
            true => Err(raise(
                Diag::build("`parametrize` without values would make no target")
                    .hint("give it at least one value"),
            )),
            false => Ok(Parametrize { choices }),
        }
    }
}
