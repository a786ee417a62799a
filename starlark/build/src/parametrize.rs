//! `parametrize()`: one target for each value of an attribute, or for each group of values (BLD-070 …
//! BLD-076).
//!
//! The targets are called `NAME@ATTRIBUTE=ALIAS`, with several attributes in the order of their names,
//! separated by commas; `NAME` itself is none. A group is called `parametrize` there.
//!
//! `**` takes a dictionary, and so a group is one: of one entry, whose key is the group as written.

#![allow(unused_qualifications)] // in what the derives write

use std::fmt;

use kiln_diag::Diag;
use kiln_host::allocative::{self, Allocative};
use kiln_host::raise;
use kiln_host::starlark::coerce::Coerce;
use kiln_host::starlark::collections::SmallMap;
use kiln_host::starlark::environment::GlobalsBuilder;
use kiln_host::starlark::values::dict::AllocDict;
use kiln_host::starlark::values::tuple::UnpackTuple;
use kiln_host::starlark::values::{
    Freeze, FreezeResult, Freezer, Heap, NoSerialize, ProvidesStaticType, StarlarkPagablePanic,
    StarlarkValue, Trace, Value, ValueLifetimeless, ValueLike, starlark_value,
};
use kiln_host::starlark::{self, starlark_complex_value, starlark_module};

/// What separates the parts of an address.
const SEPARATORS: &[char] = &['@', '#', '=', ',', ':', '/', '\\'];

/// Groups within one another are no more than this.
const MAX_DEPTH: usize = 16;
/// A group has no more values than this, those of groups within it included.
const MAX_SIZE: usize = 1000;

/// The values of an attribute, or a group of values.
#[derive(
    Debug, Trace, Coerce, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative,
)]
#[repr(C)]
pub struct ParametrizeGen<V: ValueLifetimeless> {
    /// Of a group: its name. The aliases are attributes then.
    pub(crate) group: Option<String>,
    pub(crate) choices: Vec<ChoiceGen<V>>,
    /// Of groups: how many are within one another, this one included.
    pub(crate) depth: usize,
    /// How many values there are, those of groups within it included.
    pub(crate) size: usize,
}

/// One of them.
#[derive(Clone, Debug, Trace, Coerce, StarlarkPagablePanic, Allocative)]
#[repr(C)]
pub(crate) struct ChoiceGen<V: ValueLifetimeless> {
    pub(crate) value: V,
    pub(crate) alias: String,
}

starlark_complex_value!(pub Parametrize);

impl<'v> Parametrize<'v> {
    pub(crate) fn new(group: Option<String>, choices: Vec<ChoiceGen<Value<'v>>>) -> Self {
        let (mut depth, mut size) = (1, 0);
        for choice in &choices {
            match Parametrize::from_value(choice.value) {
                Some(below) => {
                    depth = depth.max(below.depth + 1);
                    size += below.size;
                }
                None => size += 1,
            }
        }
        Parametrize {
            group,
            choices,
            depth,
            size,
        }
    }
}

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
            group: self.group,
            choices: choices.collect::<FreezeResult<_>>()?,
            depth: self.depth,
            size: self.size,
        })
    }
}

impl<V: ValueLifetimeless> fmt::Display for ParametrizeGen<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let choices = self.choices.iter();
        let choices = choices.map(|choice| format!("{} = {}", choice.alias, choice.value));
        let name = self.group.iter().map(|name| format!("\"{name}\""));
        let parts: Vec<String> = name.chain(choices).collect();
        write!(f, "parametrize({})", parts.join(", "))
    }
}

#[starlark_value(type = "parametrize")]
impl<'v, V: ValueLike<'v>> StarlarkValue<'v> for ParametrizeGen<V> where Self: ProvidesStaticType<'v>
{}

impl<'v> Parametrize<'v> {
    /// The group that a value is. Groups are given by `**`, each under a key of its own.
    pub(crate) fn group(value: Value<'v>) -> Option<(&'v str, &'v Parametrize<'v>)> {
        let found = Parametrize::from_value(value)?;
        Some((found.group.as_deref()?, found))
    }
}

#[starlark_module]
pub(crate) fn parametrize_globals(builder: &mut GlobalsBuilder) {
    /// Makes one target for each value: texts, or values by an alias. With one text and values by
    /// name it is a group of values, to be given by `**`.
    fn parametrize<'v>(
        #[starlark(args)] args: UnpackTuple<Value<'v>>,
        #[starlark(kwargs)] kwargs: SmallMap<String, Value<'v>>,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        let mut choices: Vec<ChoiceGen<Value<'v>>> = Vec::new();
        let texts = args.items.into_iter().map(text);
        let texts = texts.collect::<starlark::Result<Vec<_>>>()?;
        for (alias, _) in &texts {
            check_alias(alias)?;
        }
        if let ([(name, _)], false) = (&texts[..], kwargs.is_empty()) {
            let fields = kwargs.into_iter();
            let fields = fields.map(|(alias, value)| ChoiceGen { value, alias });
            let group = Parametrize::new(Some(name.clone()), fields.collect());
            if group.depth > MAX_DEPTH || group.size > MAX_SIZE {
                return Err(raise(too_much(name)));
            }
            let key = group.to_string();
            return Ok(heap.alloc(AllocDict([(key, heap.alloc(group))])));
        }
        for (alias, value) in texts.into_iter().chain(kwargs) {
            check_alias(&alias)?;
            if choices.iter().any(|choice| choice.alias == alias) {
                return Err(raise(twice(&alias)));
            }
            choices.push(ChoiceGen { value, alias });
        }
        match choices.is_empty() {
            true => Err(raise(
                Diag::build("`parametrize` without values would make no target")
                    .hint("give it at least one value"),
            )),
            false => Ok(heap.alloc(Parametrize::new(None, choices))),
        }
    }
}

/// Groups within groups are walked through one by one, so that they must end.
fn too_much(name: &str) -> Diag {
    Diag::build(format!(
        "group `{name}` holds groups in more than {MAX_DEPTH} levels, or more than {MAX_SIZE} values"
    ))
    .hint("write fewer groups within groups")
}

/// A value that is its own alias.
fn text(value: Value<'_>) -> starlark::Result<(String, Value<'_>)> {
    match value.unpack_str() {
        Some(text) => Ok((text.to_owned(), value)),
        None => Err(raise(
            Diag::build(format!(
                "`parametrize` names targets by its values, and `{}` of type {} is no text",
                value.to_repr(),
                value.get_type()
            ))
            .hint("give it an alias: `parametrize(some_name = …)`"),
        )),
    }
}

fn check_alias(alias: &str) -> starlark::Result<()> {
    let odd = alias.contains(SEPARATORS) || alias.contains(char::is_whitespace);
    match alias.is_empty() || odd {
        false => Ok(()),
        true => Err(raise(
            Diag::build(format!("`{alias}` cannot be part of a target's name"))
                .hint("give it an alias: `parametrize(some_name = …)`"),
        )),
    }
}

/// An alias that two values have.
pub(crate) fn twice(alias: &str) -> Diag {
    Diag::build(format!("`parametrize` has `{alias}` twice"))
        .hint("remove one of them, or give it another alias")
}
