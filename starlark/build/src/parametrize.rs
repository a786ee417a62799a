//! `parametrize()`: one target for each value of an attribute, or for each group of values
//! (BLD-070 … BLD-082).
//!
//! The targets are called `NAME@ATTRIBUTE=ALIAS`, with several attributes in the order of their names,
//! separated by commas; `NAME` itself is none. A group stands there as `parametrize=GROUP`.
//!
//! What a call gives is a dictionary with one entry, as only dictionaries can stand behind a `**`.
//! The entry's key has the name of the group in it, so that several groups can.

#![allow(unused_qualifications)] // in what the derives write

use std::fmt;

use kiln_diag::Diag;
use kiln_host::allocative::{self, Allocative};
use kiln_host::raise;
use kiln_host::starlark::coerce::Coerce;
use kiln_host::starlark::collections::SmallMap;
use kiln_host::starlark::environment::GlobalsBuilder;
use kiln_host::starlark::values::dict::{AllocDict, DictRef};
use kiln_host::starlark::values::tuple::UnpackTuple;
use kiln_host::starlark::values::{
    Freeze, FreezeResult, Freezer, Heap, NoSerialize, ProvidesStaticType, StarlarkPagablePanic,
    StarlarkValue, Trace, Value, ValueLifetimeless, ValueLike, starlark_value,
};
use kiln_host::starlark::{self, starlark_complex_value, starlark_module};

/// What separates the parts of an address.
const SEPARATORS: &[char] = &['@', '#', '=', ',', ':', '/', '\\'];

/// The values of an attribute.
#[derive(
    Debug, Trace, Coerce, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative,
)]
#[repr(C)]
pub struct ParametrizeGen<V: ValueLifetimeless> {
    choices: Vec<ChoiceGen<V>>,
    /// As many of them have no alias of their own.
    positional: usize,
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
            positional: self.positional,
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

impl<V: ValueLifetimeless> ParametrizeGen<V> {
    /// Aliases and values.
    pub(crate) fn choices<'v>(&self) -> impl Iterator<Item = (&str, Value<'v>)>
    where
        V: ValueLike<'v>,
    {
        let choices = self.choices.iter();
        choices.map(|choice| (choice.alias.as_str(), choice.value.to_value()))
    }
}

/// What begins the key of the entry that a call of `parametrize` gives.
pub(crate) const KEY: &str = "parametrize:";

/// What `parametrize` gave, if a value is that.
pub(crate) fn several<'v>(value: Value<'v>) -> Option<&'v Parametrize<'v>> {
    let dict = DictRef::from_value(value)?;
    let (key, value) = dict.iter().next()?;
    match dict.len() == 1 && key.unpack_str()?.starts_with(KEY) {
        true => Parametrize::from_value(value),
        false => None,
    }
}

/// A value like what `parametrize` gives, from aliases that were checked, and values.
pub(crate) fn of_choices<'v>(
    choices: impl Iterator<Item = (String, Value<'v>)>,
    positional: usize,
    heap: Heap<'v>,
) -> Value<'v> {
    let choices = choices.map(|(alias, value)| ChoiceGen { value, alias });
    entry(
        Parametrize {
            choices: choices.collect(),
            positional,
        },
        heap,
    )
}

fn entry<'v>(parametrize: Parametrize<'v>, heap: Heap<'v>) -> Value<'v> {
    let group = match parametrize.positional {
        0 => "",
        _ => parametrize
            .choices
            .first()
            .map_or("", |choice| &choice.alias),
    };
    heap.alloc(AllocDict([(format!("{KEY}{group}"), parametrize)]))
}

impl<V: ValueLifetimeless> ParametrizeGen<V> {
    /// How many values have no alias of their own; they come first.
    pub(crate) fn positional(&self) -> usize {
        self.positional
    }
}

#[starlark_module]
pub(crate) fn parametrize_globals(builder: &mut GlobalsBuilder) {
    /// Makes one target for each value: texts, or values by an alias. Behind `**` it is a group: its
    /// name, and values for several attributes.
    fn parametrize<'v>(
        #[starlark(args)] args: UnpackTuple<Value<'v>>,
        #[starlark(kwargs)] kwargs: SmallMap<String, Value<'v>>,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        let positional = args.items.len();
        let mut choices: Vec<ChoiceGen<Value<'v>>> = Vec::new();
        for value in args.items {
            let alias = value.unpack_str().ok_or_else(|| {
                raise(
                    Diag::build(format!(
                        "`parametrize` names targets by its values, and `{}` of type {} is no text",
                        value.to_repr(),
                        value.get_type()
                    ))
                    .hint("give it an alias: `parametrize(some_name = …)`"),
                )
            })?;
            check_alias(alias, &choices).map_err(raise)?;
            choices.push(ChoiceGen {
                value,
                alias: alias.to_owned(),
            });
        }
        for (alias, value) in kwargs {
            // A group within a group.
            if !alias.starts_with(KEY) {
                check_alias(&alias, &choices).map_err(raise)?;
            }
            choices.push(ChoiceGen { value, alias });
        }
        match choices.is_empty() {
            true => Err(raise(
                Diag::build("`parametrize` without values would make no target")
                    .hint("give it at least one value"),
            )),
            false => Ok(entry(
                Parametrize {
                    choices,
                    positional,
                },
                heap,
            )),
        }
    }
}

fn check_alias(alias: &str, before: &[ChoiceGen<Value<'_>>]) -> Result<(), Diag> {
    if alias.is_empty() || alias.contains(SEPARATORS) || alias.contains(char::is_whitespace) {
        return Err(
            Diag::build(format!("`{alias}` cannot be part of a target's name"))
                .hint("give it an alias: `parametrize(some_name = …)`"),
        );
    }
    match before.iter().any(|choice| choice.alias == alias) {
        true => Err(Diag::build(format!("`parametrize` has `{alias}` twice"))
            .hint("remove one of them, or give it another alias")),
        false => Ok(()),
    }
}
