//! Targets that `parametrize` made, named without their parameters (BLD-078 … BLD-080).

use std::sync::Arc;

use kiln_address::Label;
use kiln_diag::Diag;
use kiln_targets::{AttrValue, PackageDefs, Parameters, Target, TargetDef};

/// One of the targets that a name without parameters may mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The target, or a file that it makes.
    pub label: Label,
    /// The target.
    pub def: Arc<TargetDef>,
}

/// What a group is called in a target's name.
const GROUP: &str = "parametrize";
/// The attribute whose value a target may have from whoever needs it.
const ENVIRONMENT: &str = "environment";

/// The targets that a label means which is none itself: `t`, or `t@f=a` of `t@f=a,g=b`.
pub(crate) fn members(label: &Label, defs: &PackageDefs) -> Option<Arc<[Member]>> {
    let (name, parameters) = match defs.targets.get(label.name()) {
        Some(_) => (label.name(), Vec::new()),
        None => split(label.name())?,
    };
    let Some(Target::Members(names)) = defs.targets.get(name) else {
        return None;
    };
    let members = names.iter().filter_map(|name| {
        let def = match defs.targets.get(name)? {
            Target::Rule(def) => def,
            Target::Output { generated_by } => match defs.targets.get(generated_by)? {
                Target::Rule(def) => def,
                _ => return None,
            },
            _ => return None,
        };
        let own = &def.parameters.as_ref()?.chosen;
        let stated = |(attr, alias): &(&str, &str)| {
            own.iter()
                .any(|(name, value)| **name == **attr && **value == **alias)
        };
        let label = label.package().target(name).ok()?;
        parameters.iter().all(stated).then(|| Member {
            label,
            def: def.clone(),
        })
    });
    let members: Arc<[Member]> = members.collect();
    (!members.is_empty()).then_some(members)
}

/// A name and the parameters behind it.
fn split(name: &str) -> Option<(&str, Vec<(&str, &str)>)> {
    let (name, parameters) = name.split_once('@')?;
    let parameters = parameters.split(',').map(|one| one.split_once('='));
    Some((name, parameters.collect::<Option<_>>()?))
}

/// Who depends on something.
#[derive(Clone, Copy)]
pub(crate) struct Dependent<'a> {
    pub(crate) def: &'a TargetDef,
    /// The environment that it is built in.
    pub(crate) environment: &'a str,
}

/// The one that a dependent means: that whose parameters, but for those it states, are its own
/// values of the same attributes.
pub(crate) fn choose<'m>(
    dependent: Dependent<'_>,
    asked: &Label,
    members: &'m [Member],
) -> Result<&'m Member, Diag> {
    let stated = split(asked.name())
        .map(|(_, stated)| stated)
        .unwrap_or_default();
    let fits = members.iter().filter(|member| {
        let Some(parameters) = &member.def.parameters else {
            return false;
        };
        let left = parameters.chosen.iter();
        let mut left = left.filter(|(attr, _)| !stated.iter().any(|(known, _)| *known == &**attr));
        left.all(|(attr, _)| match &**attr {
            GROUP => {
                in_group_of(dependent, parameters)
                    || parameters
                        .group
                        .iter()
                        .all(|attr| same(dependent, &member.def, attr))
            }
            attr => same(dependent, &member.def, attr),
        })
    });
    let mut fits: Vec<&Member> = fits.collect();
    let grouped = |member: &&Member| {
        let parameters = member.def.parameters.as_ref();
        parameters.is_some_and(|parameters| in_group_of(dependent, parameters))
    };
    if fits.len() > 1 && fits.iter().any(grouped) {
        fits.retain(grouped);
    }
    match fits[..] {
        [member] => Ok(member),
        _ => Err(ambiguous(dependent, asked, members, &fits)),
    }
}

/// A value that the dependent does not have is equal to none (BLD-080).
fn same(dependent: Dependent<'_>, member: &TargetDef, attr: &str) -> bool {
    let own = dependent.def.attr(attr);
    // Who says nothing of its environment has that of whoever needs it.
    if attr == ENVIRONMENT && own.and_then(AttrValue::as_str).is_some_and(str::is_empty) {
        let other = member.attr(attr).and_then(AttrValue::as_str);
        return other == Some(dependent.environment);
    }
    own.is_some() && own == member.attr(attr)
}

fn in_group_of(dependent: Dependent<'_>, parameters: &Parameters) -> bool {
    let group = |parameters: &Parameters| {
        let found = parameters.chosen.iter().find(|(attr, _)| &**attr == GROUP);
        found.map(|(_, alias)| alias.clone())
    };
    let own = dependent.def.parameters.as_deref().and_then(group);
    own.is_some() && own == group(parameters)
}

fn ambiguous(
    dependent: Dependent<'_>,
    asked: &Label,
    members: &[Member],
    fits: &[&Member],
) -> Diag {
    let shown = |attrs: &[&str]| {
        let attrs = attrs.iter().map(|attr| format!("`{attr}`"));
        attrs.collect::<Vec<_>>().join(", ")
    };
    let mut attrs: Vec<&str> = Vec::new();
    for member in members {
        let Some(parameters) = &member.def.parameters else {
            continue;
        };
        let group = parameters.group.iter().map(|attr| &**attr);
        let chosen = parameters.chosen.iter().map(|(attr, _)| &**attr);
        attrs.extend(chosen.filter(|attr| *attr != GROUP).chain(group));
    }
    attrs.sort_unstable();
    attrs.dedup();
    let lacking: Vec<&str> = (attrs.iter().copied())
        .filter(|attr| dependent.def.attr(attr).is_none())
        .collect();
    let own = &dependent.def.label;
    let why = match (fits.len(), lacking.is_empty()) {
        (0, false) => format!("`{own}` has no {} that could choose one", shown(&lacking)),
        (0, true) => format!("none has the same {} as `{own}`", shown(&attrs)),
        _ => format!("several have the same {} as `{own}`", shown(&attrs)),
    };
    unclear(asked, members).note(why)
}

/// A name that means several targets where one is wanted.
pub(crate) fn unclear(asked: &Label, members: &[Member]) -> Diag {
    let names = members.iter().map(|member| format!("`{}`", member.label));
    let names: Vec<String> = names.collect();
    Diag::build(format!(
        "`{asked}` is parametrized, and may be several targets"
    ))
    .hint(format!("write one of {}", names.join(", ")))
}
