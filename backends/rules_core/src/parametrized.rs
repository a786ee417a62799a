//! Names of targets that `parametrize` made several of (BLD-078 … BLD-080).

use std::sync::Arc;

use kiln_address::Label;
use kiln_diag::Diag;
use kiln_rules::{Declares, RuleCx};
use kiln_targets::{AttrValue, Configuration, PackageDefs, Parametrized, Target, TargetDef};

use crate::keys::PackageKey;
use crate::packages::Package;

/// Where the name of a group stands among parameters.
const GROUP: &str = "parametrize";
/// The attribute whose value a target may have from whoever needs it.
const ENVIRONMENT: &str = "environment";

/// One of several targets, and how it came to be.
type Member<'a> = (&'a Arc<TargetDef>, &'a Parametrized);

/// The targets that a name stands for which is none itself: all of that name, or, where some
/// parameters are given, those that have them (BLD-079).
fn members<'a>(defs: &'a PackageDefs, name: &str) -> Vec<Member<'a>> {
    let (base, given) = parts(name);
    let fits = |one: &Parametrized| {
        let has = |(attr, alias): &(&str, &str)| {
            one.parameters
                .iter()
                .any(|(a, b)| (&**a, &**b) == (*attr, *alias))
        };
        *one.base == *base && given.iter().all(has)
    };
    let targets = defs.targets.values().filter_map(|target| match target {
        Target::Rule(def) => Some((def, &**def.parametrized.as_ref()?)),
        _ => None,
    });
    targets.filter(|(_, one)| fits(one)).collect()
}

/// A name and the parameters in it.
fn parts(name: &str) -> (&str, Vec<(&str, &str)>) {
    let (base, given) = name.split_once('@').unwrap_or((name, ""));
    let pairs = given.split(',').filter_map(|pair| pair.split_once('='));
    (base, pairs.collect())
}

/// The labels that a label stands for which names no target.
pub(crate) async fn all<R>(cx: &RuleCx<R>, label: &Label) -> Vec<Label>
where
    R: Declares<Package, (PackageKey,)>,
{
    let key = PackageKey(label.package().clone());
    // Whoever asks has an error already.
    let Ok(package) = cx.get::<Package, _>((key,)).await else {
        return Vec::new();
    };
    match package.0.targets.contains_key(label.name()) {
        true => Vec::new(),
        false => {
            let members = members(&package.0, label.name());
            members.iter().map(|(def, _)| def.label.clone()).collect()
        }
    }
}

/// Which of several targets a dependency means: the one whose attributes are the dependent's own
/// where they differ (BLD-078). `None` if the label is no name of several.
///
/// Errors: none or several of them are like the dependent.
pub(crate) async fn chosen<R>(
    cx: &RuleCx<R>,
    dependent: &TargetDef,
    configuration: &Configuration,
    label: &Label,
) -> Result<Option<Label>, Diag>
where
    R: Declares<Package, (PackageKey,)>,
{
    let key = PackageKey(label.package().clone());
    let Ok(package) = cx.get::<Package, _>((key,)).await else {
        return Ok(None);
    };
    let defs = &package.0;
    let members = match defs.targets.contains_key(label.name()) {
        true => return Ok(None),
        false => members(defs, label.name()),
    };
    if members.is_empty() {
        return Ok(None);
    }
    let (_, given) = parts(label.name());
    let alike = members.iter().filter(|(def, one)| {
        // What the label says need not be said by the dependent.
        let open = |attr: &&Arc<str>| !given.iter().any(|(name, _)| *name == &***attr);
        let same = |attr: &Arc<str>| same(dependent, configuration, def, attr);
        one.attrs.iter().filter(open).all(same)
    });
    let mut alike: Vec<&Member<'_>> = alike.collect();
    if alike.len() > 1
        && let Some(own) = group(dependent.parametrized.as_deref())
    {
        let of_group = |(_, one): &&Member<'_>| group(Some(one)) == Some(own);
        let of_group: Vec<_> = alike.iter().copied().filter(of_group).collect();
        if of_group.len() == 1 {
            alike = of_group;
        }
    }
    match alike[..] {
        [(def, _)] => Ok(Some(def.label.clone())),
        _ => Err(ambiguous(dependent, label, &members, alike.len())),
    }
}

fn group(one: Option<&Parametrized>) -> Option<&Arc<str>> {
    let parameters = &one?.parameters;
    let found = parameters.iter().find(|(attr, _)| **attr == *GROUP);
    found.map(|(_, name)| name)
}

/// Whether two targets have the same value for an attribute. An attribute that one of them lacks
/// is never the same (BLD-080).
fn same(
    dependent: &TargetDef,
    configuration: &Configuration,
    dependency: &TargetDef,
    attr: &str,
) -> bool {
    let (Some(own), Some(other)) = (dependent.attr(attr), dependency.attr(attr)) else {
        return false;
    };
    // Who says nothing is built where what needs it is.
    if attr == ENVIRONMENT && own.as_str().is_none_or(str::is_empty) {
        let environment = &configuration.settings().environment;
        return other.as_str() == Some(environment);
    }
    own == other
}

fn ambiguous(dependent: &TargetDef, label: &Label, members: &[Member<'_>], alike: usize) -> Diag {
    let own = &dependent.label;
    let diag = match alike {
        0 => Diag::build(format!(
            "`{label}` is parametrized, and none of its targets is like `{own}`"
        )),
        _ => Diag::build(format!(
            "`{label}` is parametrized, and {alike} of its targets are like `{own}`"
        )),
    };
    let differ = members.first().map(|(_, one)| one.attrs.as_slice());
    let differ = differ.unwrap_or_default().iter().map(|attr| {
        let value = dependent.attr(attr);
        match value {
            Some(AttrValue::String(text)) => format!("`{attr}` is `{text}`"),
            Some(AttrValue::None) | None => format!("`{attr}` is not set"),
            Some(_) => format!("`{attr}` is another value"),
        }
    });
    let differ = differ.collect::<Vec<_>>().join(", ");
    let names = members.iter().map(|(def, _)| format!("`{}`", def.label));
    diag.note(format!(
        "its targets differ in what of `{own}` is: {differ}"
    ))
    .hint(format!(
        "name one of {}",
        names.collect::<Vec<_>>().join(", ")
    ))
}
