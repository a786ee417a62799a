//! From the arguments of one call to those of all targets that `parametrize` makes of it.

use std::sync::Arc;

use kiln_diag::Diag;
use kiln_host::starlark::values::{Heap, Value};
use kiln_targets::Parametrized;

use crate::parametrize::{KEY, Parametrize, several};

/// More targets than these are not made by one call.
const MAX_TARGETS: usize = 1000;
/// Where the name of a group stands among parameters.
const GROUP: &str = "parametrize";

/// A target's arguments, by name.
pub(crate) type Arguments<'a, 'v> = Vec<(&'a str, Value<'v>)>;

/// A target's arguments, and what makes it one of several.
pub(crate) struct Combination<'a, 'v> {
    pub(crate) arguments: Arguments<'a, 'v>,
    pub(crate) parametrized: Option<Arc<Parametrized>>,
}

/// A group with those within it: its name, and values by attribute.
struct Group<'v> {
    name: String,
    fields: Vec<(&'v str, Value<'v>)>,
}

/// Whether the groups among arguments give a value for an attribute.
pub(crate) fn in_groups(given: &Arguments<'_, '_>, attr: &str) -> bool {
    fn has(group: &Parametrize<'_>, attr: &str) -> bool {
        group
            .choices()
            .any(|(name, value)| match Parametrize::from_value(value) {
                Some(below) => has(below, attr),
                None => name == attr,
            })
    }
    let groups = given.iter().filter(|(name, _)| name.starts_with(KEY));
    groups
        .filter_map(|(_, value)| Parametrize::from_value(*value))
        .any(|group| has(group, attr))
}

/// The arguments of each target that a call declares: those given, if nothing is parametrized.
///
/// Errors: `name` is parametrized, a group has no name, one attribute is parametrized twice, or
/// there are too many combinations; each about the target `name` (BLD-076).
pub(crate) fn combinations<'a, 'v: 'a>(
    given: Arguments<'a, 'v>,
    name: &str,
    heap: Heap<'v>,
) -> Result<Vec<Combination<'a, 'v>>, Diag> {
    let is_plain =
        |(attr, value): &(&str, Value<'v>)| !attr.starts_with(KEY) && several(*value).is_none();
    if given.iter().all(is_plain) {
        return Ok(vec![Combination {
            arguments: given,
            parametrized: None,
        }]);
    }
    let mut all = Vec::new();
    for (group, arguments) in alternatives(given, name)? {
        all.extend(crossed(group, arguments, name, heap)?);
        if all.len() > MAX_TARGETS {
            return Err(too_many(name));
        }
    }
    Ok(all)
}

fn too_many(name: &str) -> Diag {
    Diag::build(format!(
        "`{name}` is parametrized into more than {MAX_TARGETS} targets"
    ))
    .hint("parametrize fewer attributes, or with fewer values")
}

/// A group's name and attributes, and the arguments with them.
type Alternative<'a, 'v> = (Option<(String, Vec<&'a str>)>, Arguments<'a, 'v>);

/// The arguments with each of the groups (BLD-073, BLD-074).
fn alternatives<'a, 'v: 'a>(
    given: Arguments<'a, 'v>,
    name: &str,
) -> Result<Vec<Alternative<'a, 'v>>, Diag> {
    let (groups, plain): (Vec<_>, Vec<_>) = given
        .into_iter()
        .partition(|(attr, _)| attr.starts_with(KEY));
    if groups.is_empty() {
        return Ok(vec![(None, plain)]);
    }
    let mut all = Vec::new();
    for (_, value) in groups {
        let group = Parametrize::from_value(value)
            .ok_or_else(|| Diag::internal("a group of `parametrize` is none"))?;
        for group in expanded(group, name)? {
            let mut arguments = plain.clone();
            let mut clashing = Vec::new();
            for (attr, value) in &group.fields {
                match arguments.iter_mut().find(|(given, _)| given == attr) {
                    Some((_, given)) if several(*given).is_some() => clashing.push(*attr),
                    Some((_, given)) => *given = *value,
                    None => arguments.push((*attr, *value)),
                }
            }
            if !clashing.is_empty() {
                return Err(Diag::build(format!(
                    "conflicting parametrizations of `{name}`: group `{}` and the target itself \
                     parametrize `{}`",
                    group.name,
                    clashing.join("`, `")
                ))
                .hint("parametrize it in one of the two places"));
            }
            let attrs = group.fields.iter().map(|(attr, _)| *attr).collect();
            all.push((Some((group.name, attrs)), arguments));
        }
    }
    Ok(all)
}

/// A group, or those within it, whose values win (BLD-075).
fn expanded<'v>(group: &'v Parametrize<'v>, name: &str) -> Result<Vec<Group<'v>>, Diag> {
    if group.positional() != 1 {
        let what = match group.positional() {
            0 => "has no name",
            _ => "has several names",
        };
        return Err(Diag::build(format!("a group of `{name}` {what}"))
            .hint("name it first: `**parametrize(\"some_name\", attribute = value)`"));
    }
    let mut own = String::new();
    let (mut fields, mut below) = (Vec::new(), Vec::new());
    for (at, (attr, value)) in group.choices().enumerate() {
        match at {
            0 => own = attr.to_owned(),
            _ if attr.starts_with(KEY) => below.push(value),
            _ => fields.push((attr, value)),
        }
    }
    if below.is_empty() {
        return Ok(vec![Group { name: own, fields }]);
    }
    let mut all = Vec::new();
    for value in below {
        let inner = Parametrize::from_value(value)
            .ok_or_else(|| Diag::internal("a group of `parametrize` is none"))?;
        for inner in expanded(inner, name)? {
            let covered = |attr: &str| inner.fields.iter().any(|(own, _)| *own == attr);
            let outer = fields.iter().filter(|(attr, _)| !covered(attr));
            all.push(Group {
                name: format!("{own}-{}", inner.name),
                fields: outer.chain(&inner.fields).copied().collect(),
            });
        }
    }
    Ok(all)
}

/// All combinations of the values of attributes (BLD-072).
fn crossed<'a, 'v: 'a>(
    group: Option<(String, Vec<&'a str>)>,
    arguments: Arguments<'a, 'v>,
    name: &str,
    heap: Heap<'v>,
) -> Result<Vec<Combination<'a, 'v>>, Diag> {
    let choices = arguments.iter().enumerate();
    let choices: Vec<(usize, &str, &Parametrize<'v>)> = choices
        .filter_map(|(at, (attr, value))| Some((at, *attr, several(*value)?)))
        .collect();
    let (own, grouped) = group.unzip();
    let mut attrs: Vec<&str> = choices.iter().map(|(_, attr, _)| *attr).collect();
    attrs.extend(grouped.unwrap_or_default());
    attrs.sort_unstable();
    attrs.dedup();
    if let Some(attr) = attrs
        .iter()
        .find(|attr| matches!(**attr, "name" | "visibility"))
    {
        return Err(Diag::build(format!("`{attr}` cannot be parametrized"))
            .hint("parametrize another attribute; names of its targets follow from it"));
    }
    let own = own.map(|own| (Arc::from(GROUP), Arc::from(own)));
    let first: Vec<(Arc<str>, Arc<str>)> = own.into_iter().collect();
    let mut all = vec![(first, arguments.clone())];
    for (at, attr, parametrize) in choices {
        if all.len() * parametrize.choices().count() > MAX_TARGETS {
            return Err(too_many(name));
        }
        let next = all.iter().flat_map(|(parameters, arguments)| {
            parametrize.choices().map(move |(alias, value)| {
                let (mut parameters, mut arguments) = (parameters.clone(), arguments.clone());
                arguments[at].1 = value;
                parameters.push((Arc::from(attr), Arc::from(alias)));
                (parameters, arguments)
            })
        });
        all = next.collect();
    }
    let attrs: Vec<Arc<str>> = attrs.into_iter().map(Arc::from).collect();
    let base: Arc<str> = Arc::from(name);
    let targets = all.into_iter().map(|(mut parameters, mut arguments)| {
        parameters.sort();
        let texts = parameters
            .iter()
            .map(|(attr, alias)| format!("{attr}={alias}"));
        let suffix = texts.collect::<Vec<_>>().join(",");
        for (attr, value) in &mut arguments {
            if *attr == "name" {
                *value = heap.alloc(format!("{name}@{suffix}"));
            }
        }
        Combination {
            arguments,
            parametrized: Some(Arc::new(Parametrized {
                base: base.clone(),
                parameters,
                attrs: attrs.clone(),
            })),
        }
    });
    Ok(targets.collect())
}
