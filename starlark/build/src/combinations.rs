//! The targets that one call declares when attributes are parametrized (BLD-072 … BLD-076).

use std::sync::Arc;

use kiln_address::PackageId;
use kiln_diag::Diag;
use kiln_host::starlark::values::dict::DictRef;
use kiln_host::starlark::values::{Heap, Value};
use kiln_targets::Parameters;

use crate::parametrize::{Parametrize, twice};

/// More targets than these are not made by one call.
const MAX_TARGETS: usize = 1000;
/// What a group is called in a target's name.
const GROUP: &str = "parametrize";

/// An argument of a call.
#[derive(Clone, Copy)]
pub(crate) struct Argument<'a, 'v> {
    pub(crate) attr: &'a str,
    pub(crate) value: Value<'v>,
    /// Of a default: the package that says so.
    pub(crate) default_of: Option<&'a PackageId>,
}

/// One target of a call.
pub(crate) struct Combination<'a, 'v> {
    pub(crate) arguments: Vec<Argument<'a, 'v>>,
    pub(crate) parameters: Option<Parameters>,
}

/// A group, those in it resolved: its name and values.
struct Alternative<'a, 'v> {
    name: String,
    fields: Vec<Argument<'a, 'v>>,
}

/// The targets of a call: one, if nothing is parametrized.
///
/// Errors: `name` is parametrized, an attribute is so both by itself and in a group, two groups
/// have one name, or there are too many combinations.
pub(crate) fn combinations<'a, 'v: 'a>(
    given: Vec<Argument<'a, 'v>>,
    name: &str,
    heap: Heap<'v>,
) -> Result<Vec<Combination<'a, 'v>>, Diag> {
    if !given.iter().any(|argument| is_several(argument.value)) {
        return Ok(vec![Combination {
            arguments: given,
            parameters: None,
        }]);
    }
    let groups = alternatives(&given)?;
    let single = given
        .into_iter()
        .filter(|argument| Parametrize::group(argument.value).is_none())
        .collect::<Vec<_>>();
    let mut all = Vec::new();
    if groups.is_empty() {
        cross(single, None, name, heap, &mut all)?;
        return Ok(all);
    }
    for group in groups {
        conflict(&single, &group)?;
        let covers = |attr: &str| group.fields.iter().any(|field| field.attr == attr);
        let kept = single.iter().filter(|argument| !covers(argument.attr));
        let arguments = kept.chain(&group.fields).copied().collect();
        cross(arguments, Some(&group), name, heap, &mut all)?;
    }
    Ok(all)
}

/// Whether a value makes several targets of one call.
pub(crate) fn is_several(value: Value<'_>) -> bool {
    Parametrize::from_value(value).is_some() || misplaced_group(value).is_some()
}

/// The attributes given by themselves; `None` counts for nothing. What a group sets wins over
/// defaults later on, where that group is.
pub(crate) fn given_attrs<'a>(given: &[Argument<'a, '_>]) -> Vec<&'a str> {
    let given = given.iter().filter(|argument| !argument.value.is_none());
    given.map(|argument| argument.attr).collect()
}

/// Whether any argument is a group.
pub(crate) fn has_groups(given: &[Argument<'_, '_>]) -> bool {
    given
        .iter()
        .any(|argument| Parametrize::group(argument.value).is_some())
}

/// A group that is given as an attribute's value: `f = parametrize("a", b = 1)` looks like one.
fn misplaced_group(value: Value<'_>) -> Option<&Parametrize<'_>> {
    let dict = DictRef::from_value(value)?;
    let (1, Some((_, value))) = (dict.len(), dict.iter().next()) else {
        return None;
    };
    Parametrize::group(value).map(|(_, group)| group)
}

/// The values of an attribute, by alias; `None` if it has but one.
pub(crate) fn choices<'v>(
    value: Value<'v>,
    heap: Heap<'v>,
) -> Result<Option<Vec<(&'v str, Value<'v>)>>, Diag> {
    let named = |found: &'v Parametrize<'v>| {
        let choices = found.choices.iter();
        choices.map(|choice| (&*choice.alias, choice.value))
    };
    if let Some(found) = Parametrize::from_value(value) {
        return Ok(Some(named(found).collect()));
    }
    let Some(found) = misplaced_group(value) else {
        return Ok(None);
    };
    let name = found.group.as_deref().unwrap_or_default();
    match found.choices.iter().any(|choice| choice.alias == name) {
        true => Err(twice(name)),
        false => {
            let first = std::iter::once((name, heap.alloc(name)));
            Ok(Some(first.chain(named(found)).collect()))
        }
    }
}

/// The groups among the arguments.
fn alternatives<'a, 'v: 'a>(given: &[Argument<'a, 'v>]) -> Result<Vec<Alternative<'a, 'v>>, Diag> {
    let mut found = Vec::new();
    for argument in given {
        if let Some((name, group)) = Parametrize::group(argument.value) {
            expand(name.to_owned(), group, &[], argument.default_of, &mut found)?;
        }
    }
    let mut names: Vec<&str> = found.iter().map(|group| &*group.name).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(found),
        Some(pair) => Err(Diag::build(format!(
            "two groups of `parametrize` are called `{}`",
            pair[0]
        ))
        .hint("give one of them another name")),
    }
}

/// A group; if there are groups in it, each of these, joined with what is around it (BLD-075).
fn expand<'a, 'v: 'a>(
    name: String,
    group: &'v Parametrize<'v>,
    outer: &[Argument<'a, 'v>],
    default_of: Option<&'a PackageId>,
    found: &mut Vec<Alternative<'a, 'v>>,
) -> Result<(), Diag> {
    let plain = group
        .choices
        .iter()
        .filter(|choice| Parametrize::group(choice.value).is_none());
    let plain: Vec<Argument<'a, 'v>> = plain
        .map(|choice| Argument {
            attr: &choice.alias,
            value: choice.value,
            default_of,
        })
        .collect();
    let inner = |attr: &str| plain.iter().any(|field| field.attr == attr);
    let kept = outer.iter().filter(|field| !inner(field.attr));
    let fields: Vec<_> = kept.chain(&plain).copied().collect();
    let nested = group
        .choices
        .iter()
        .filter_map(|choice| Parametrize::group(choice.value));
    let before = found.len();
    for (inner, nested) in nested {
        expand(
            format!("{name}-{inner}"),
            nested,
            &fields,
            default_of,
            found,
        )?;
        if found.len() > MAX_TARGETS {
            return Err(too_many(&name));
        }
    }
    if found.len() == before {
        found.push(Alternative { name, fields });
    }
    Ok(())
}

/// An attribute that has several values of its own and is in a group as well (BLD-074). Defaults
/// give way.
fn conflict(single: &[Argument<'_, '_>], group: &Alternative<'_, '_>) -> Result<(), Diag> {
    let covers = |attr: &str| group.fields.iter().any(|field| field.attr == attr);
    let twice = single.iter().filter(|argument| {
        let several = is_several(argument.value) && argument.default_of.is_none();
        several && covers(argument.attr)
    });
    let twice: Vec<String> = twice
        .map(|argument| format!("`{}`", argument.attr))
        .collect();
    match twice.is_empty() {
        true => Ok(()),
        false => Err(Diag::build(format!(
            "conflicting parametrizations: the group `{}` sets what is parametrized by itself: {}",
            group.name,
            twice.join(", ")
        ))
        .hint("take it out of the group, or give it one value in each group")),
    }
}

/// All combinations of the values of parametrized attributes.
fn cross<'a, 'v: 'a>(
    arguments: Vec<Argument<'a, 'v>>,
    group: Option<&Alternative<'a, 'v>>,
    name: &str,
    heap: Heap<'v>,
    all: &mut Vec<Combination<'a, 'v>>,
) -> Result<(), Diag> {
    let mut several = Vec::new();
    for (at, argument) in arguments.iter().enumerate() {
        if let Some(choices) = choices(argument.value, heap)? {
            several.push((at, argument.attr, choices));
        }
    }
    let fixed = |attr: &str| matches!(attr, "name" | "visibility");
    let set = group
        .iter()
        .flat_map(|group| group.fields.iter().map(|field| field.attr));
    if let Some(attr) = several
        .iter()
        .map(|(_, attr, _)| *attr)
        .chain(set)
        .find(|a| fixed(a))
    {
        return Err(Diag::build(format!("`{attr}` cannot be parametrized"))
            .hint("parametrize another attribute; names of its targets follow from it"));
    }
    let mut chosen: Vec<Choice<'_, 'a, 'v>> = vec![Choice {
        parameters: group.iter().map(|group| (GROUP, &*group.name)).collect(),
        arguments,
    }];
    for (at, attr, choices) in &several {
        if all.len() + chosen.len() * choices.len() > MAX_TARGETS {
            return Err(too_many(name));
        }
        let next = chosen.iter().flat_map(|before| {
            choices.iter().map(move |(alias, value)| {
                let mut choice = before.clone();
                choice.parameters.push((*attr, *alias));
                choice.arguments[*at].value = *value;
                choice
            })
        });
        chosen = next.collect();
    }
    all.extend(
        chosen
            .into_iter()
            .map(|choice| choice.finish(group, name, heap)),
    );
    Ok(())
}

/// A combination on its way: attribute and alias of what was chosen so far.
#[derive(Clone)]
struct Choice<'c, 'a, 'v> {
    parameters: Vec<(&'c str, &'c str)>,
    arguments: Vec<Argument<'a, 'v>>,
}

impl<'a, 'v> Choice<'_, 'a, 'v> {
    /// The target, by its whole name.
    fn finish(
        mut self,
        group: Option<&Alternative<'a, 'v>>,
        name: &str,
        heap: Heap<'v>,
    ) -> Combination<'a, 'v> {
        self.parameters.sort_unstable();
        let parameters = self.parameters.iter();
        let parts = parameters.map(|(attr, alias)| format!("{attr}={alias}"));
        let full = format!("{name}@{}", parts.collect::<Vec<_>>().join(","));
        for argument in &mut self.arguments {
            if argument.attr == "name" {
                argument.value = heap.alloc(&*full);
            }
        }
        let parameters = self.parameters.iter();
        let parameters = parameters.map(|(attr, alias)| (Arc::from(*attr), Arc::from(*alias)));
        let covered = group.iter().flat_map(|group| group.fields.iter());
        Combination {
            arguments: self.arguments,
            parameters: Some(Parameters {
                chosen: parameters.collect(),
                group: covered.map(|field| Arc::from(field.attr)).collect(),
            }),
        }
    }
}

fn too_many(name: &str) -> Diag {
    Diag::build(format!(
        "`{name}` is parametrized into more than {MAX_TARGETS} targets"
    ))
    .hint("parametrize fewer attributes, or with fewer values")
}
