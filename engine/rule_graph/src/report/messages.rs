//! The words for needs without a source (RG-041…RG-043, RG-048).

use std::collections::{BTreeMap, BTreeSet};

use kiln_diag::Diag;

use super::no_source::{Reason, Refusals, Site};
use super::words::{Words, list};
use crate::error::{ErrorKind, SolveError};
use crate::problem::{Key, ShapeId, Ty};
use crate::set::Set;

/// A need without a source, at one or several sites.
pub(super) fn no_source(
    words: Words<'_>,
    sites: &BTreeSet<Site>,
    refusals: &Refusals,
) -> SolveError {
    let first = sites.iter().next();
    let mut diag = match first {
        Some(Site::Key(shape, key)) => at_key(words, *shape, &words.0.shapes[*shape].keys[*key]),
        Some(Site::Ask(ask)) => Diag::internal(format!("{} has no answer", words.ask(*ask))),
        None => Diag::internal("something has no source"),
    };
    if refusals.is_empty() {
        diag = diag.note(no_candidate(words, first));
    }
    for (shape, reason) in refusals {
        diag = diag.note(format!(
            "{} {}",
            words.shape(*shape),
            why(words, *shape, reason)
        ));
    }
    for site in sites.iter().skip(1) {
        diag = diag.note(match site {
            Site::Ask(ask) => format!("{} fails for the same reason", words.ask(*ask)),
            Site::Key(shape, _) => format!("also needed by {}", words.shape(*shape)),
        });
    }
    if let Some(hint) = first.and_then(|site| hint(words, *site, refusals)) {
        diag = diag.hint(hint);
    }
    if let Some(Site::Key(shape, key)) = first
        && let Some((name, _)) = &words.0.shapes[*shape].keys[*key].need.call
        && refusals.is_empty()
    {
        diag = diag.did_you_mean(name, names_for(words, &words.0.shapes[*shape].keys[*key]));
    }
    SolveError {
        kind: ErrorKind::NoSource,
        diag,
    }
}

/// A query that only leads in a circle.
pub(super) fn circle(words: Words<'_>, ask: usize, rules: &BTreeSet<ShapeId>) -> SolveError {
    let mut names: Vec<String> = rules.iter().map(|shape| words.shape(*shape)).collect();
    names.sort();
    let diag = Diag::internal(format!("{} has no answer", words.ask(ask)))
        .note("the rules for it need one another, and nothing begins the circle")
        .note(format!("met on the way: {}", list(&names)))
        .hint(
            "give one of these types as a param, or add a rule that makes it from something else",
        );
    SolveError {
        kind: ErrorKind::NoSource,
        diag,
    }
}

/// The names of the rules that make what a key needs.
fn names_for<'w>(words: Words<'w>, key: &Key) -> Vec<&'w str> {
    let rules = words.0.rules.rules().iter();
    let makers = rules.filter(|rule| words.0.number(rule.output) == key.need.output);
    makers.map(|rule| &*rule.name).collect()
}

fn at_key(words: Words<'_>, shape: ShapeId, key: &Key) -> Diag {
    let name = words.shape_name(shape);
    let need = words.need(key);
    let diag = Diag::internal(match key.positional {
        true => format!("no rule can produce {need}, an input of {name}"),
        false => format!("no rule can produce {need}, a Get of {name}"),
    });
    match words.key_span(shape, key) {
        Some(span) => diag.at(span),
        None => diag,
    }
}

fn no_candidate(words: Words<'_>, site: Option<&Site>) -> String {
    match site {
        Some(Site::Key(shape, key)) => {
            let key = &words.0.shapes[*shape].keys[*key];
            let output = words.ty(key.need.output);
            let Some((name, explicit)) = &key.need.call else {
                return format!("no rule makes {output} at all");
            };
            let rules = words.0.rules.rules().iter();
            match rules.clone().find(|rule| rule.name == *name) {
                None => format!("no rule is called `{name}`"),
                Some(rule) if words.0.number(rule.output) != key.need.output => format!(
                    "rule `{name}` makes `{}` and not {output}",
                    words.0.rules.type_name(rule.output)
                ),
                Some(rule) => format!(
                    "rule `{name}` has {} inputs, but {explicit} are passed",
                    rule.inputs.len()
                ),
            }
        }
        Some(Site::Ask(ask)) => {
            format!(
                "no rule makes {} at all",
                words.ty(words.0.asks[*ask].output)
            )
        }
        None => String::new(),
    }
}

/// Why a candidate was refused, to follow its name.
fn why(words: Words<'_>, shape: ShapeId, reason: &Reason) -> String {
    match reason {
        Reason::Lacks(lacking) => lacks(words, lacking),
        Reason::Ignores(types) => format!("does not read {}", words.types(types)),
        Reason::NotHere => {
            "does without what is provided, and reads it only with params that are not in scope"
                .to_owned()
        }
        Reason::Consumes(ty, key) => {
            let key = &words.0.shapes[shape].keys[*key];
            let (ty, need) = (words.ty(*ty), words.need(key));
            format!("consumes {ty} as its input, but {need} below it needs {ty} again")
        }
        Reason::Clash => {
            "has a source for each dependency, but they cannot be used together".to_owned()
        }
        Reason::Deep => "fails further down than this report goes".to_owned(),
        Reason::Below | Reason::Itself => "leads only to needs that fail themselves".to_owned(),
    }
}

/// "needs `A` and `B`, which nothing in scope provides; needs `C`, which …".
fn lacks(words: Words<'_>, lacking: &[(Ty, Option<ShapeId>)]) -> String {
    let mut by_cause: BTreeMap<String, Set> = BTreeMap::new();
    for (ty, consumed_by) in lacking {
        let cause = match consumed_by {
            Some(rule) => format!("{} has consumed as its input", words.shape(*rule)),
            None if words.0.handed.contains(*ty) => "nothing in scope provides".to_owned(),
            None => "no rule makes and no caller provides".to_owned(),
        };
        by_cause.entry(cause).or_default().insert(*ty);
    }
    let parts = by_cause
        .iter()
        .map(|(cause, types)| format!("needs {}, which {cause}", words.types(types)));
    parts.collect::<Vec<String>>().join("; ")
}

fn hint(words: Words<'_>, site: Site, refusals: &Refusals) -> Option<String> {
    let mut missing = Missing::default();
    for (_, reason) in refusals {
        match reason {
            Reason::Lacks(types) => {
                for (ty, consumed_by) in types {
                    missing.lacking.insert(*ty);
                    missing.consumer = missing.consumer.or(*consumed_by);
                }
            }
            Reason::Ignores(types) => {
                missing.ignored.add(types);
            }
            _ => {}
        }
    }
    match site {
        Site::Ask(ask) => ask_hint(words, ask, &missing, refusals),
        Site::Key(shape, key) => {
            let key = &words.0.shapes[shape].keys[key];
            key_hint(words, shape, key, &missing, refusals)
        }
    }
}

/// What the refusals of a need have in common.
#[derive(Default)]
struct Missing {
    lacking: Set,
    /// A rule that has consumed one of them.
    consumer: Option<ShapeId>,
    ignored: Set,
}

fn ask_hint(
    words: Words<'_>,
    ask: usize,
    missing: &Missing,
    refusals: &Refusals,
) -> Option<String> {
    let output = words.ty(words.0.asks[ask].output);
    if refusals.is_empty() {
        return Some(format!("register a rule that makes {output}"));
    }
    if missing.lacking.is_empty() {
        return None;
    }
    let lacking = any_of(words, &missing.lacking);
    Some(match ask < words.0.declared {
        true => {
            format!("add {lacking} to the query, or a rule that makes it from what the query gives")
        }
        false => format!("add {lacking} to the Get's `in_scope`, or provide it there"),
    })
}

fn key_hint(
    words: Words<'_>,
    shape: ShapeId,
    key: &Key,
    missing: &Missing,
    refusals: &Refusals,
) -> Option<String> {
    let output = words.ty(key.need.output);
    if refusals.is_empty() {
        return Some(match key.need.call {
            Some(_) => format!("name a registered rule that makes {output}"),
            None => format!("register a rule that makes {output}"),
        });
    }
    if !missing.lacking.is_empty() {
        return Some(lacking_hint(words, shape, key, missing));
    }
    let consumes = refusals.iter().find_map(|(rule, reason)| match reason {
        Reason::Consumes(ty, key) => Some((*rule, *ty, *key)),
        _ => None,
    });
    if let Some((rule, ty, below)) = consumes {
        let below = &words.0.shapes[rule].keys[below].need;
        let provides = below.provides.union(&Set::of(ty));
        return Some(format!(
            "let {} hand it on in its body: get!({}, {})",
            words.shape_name(rule),
            words.0.name(below.output),
            words.arguments(&provides)
        ));
    }
    (!missing.ignored.is_empty()).then(|| {
        let ignored = words.types(&missing.ignored);
        let them = if missing.ignored.len() == 1 {
            "it"
        } else {
            "them"
        };
        format!("don't provide {ignored}, or let a rule for {output} take {them} as an input")
    })
}

fn lacking_hint(words: Words<'_>, shape: ShapeId, key: &Key, missing: &Missing) -> String {
    let all = key.need.provides.union(&missing.lacking);
    let get = format!(
        "get!({}, {})",
        words.0.name(key.need.output),
        words.arguments(&all)
    );
    match missing.consumer {
        Some(rule) if rule == shape && key.positional => {
            let output = words.ty(key.need.output);
            format!("hand it on in the body instead of taking {output} as an input: {get}")
        }
        Some(rule) if rule != shape => {
            let lacking = words.types(&missing.lacking);
            format!(
                "let {} hand on {lacking} to what it gets",
                words.shape_name(rule)
            )
        }
        _ if key.positional => {
            let lacking = any_of(words, &missing.lacking);
            format!("let a caller provide {lacking}, or add a rule that makes it")
        }
        _ => format!("pass it along: {get}"),
    }
}

fn any_of(words: Words<'_>, types: &Set) -> String {
    let mut names: Vec<&str> = types.iter().map(|ty| words.0.name(ty)).collect();
    names.sort();
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match &names[..] {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => names.concat(),
    }
}
