//! Phase 5: the only phase with messages.
//!
//! It works forward: for an unmet need it lists each rule that makes the type and the one thing
//! that stopped it. Only causes are reported, not their consequences (RG-040).

mod limits;
mod masks;
mod messages;
mod no_source;
mod ties;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use kiln_diag::Diag;

pub(crate) use limits::exceeded;
use no_source::Walk;
use words::Words;

use crate::choose::Choice;
use crate::demand::Demand;
use crate::error::{ErrorKind, SolveError};
use crate::problem::ShapeId;
use crate::rule_set::RuleSet;

/// All causes why the choice is not a graph; empty if nothing stands in the way.
pub(crate) fn report(demand: &mut Demand<'_>, choice: &Choice) -> Vec<SolveError> {
    let problem = demand.problem;
    let mut errors = Vec::new();
    if !choice.unanswered.is_empty() {
        let mut walk = Walk::new(demand);
        let ended = walk.asks(&choice.unanswered);
        errors.extend(walk.into_errors());
        if let Err(limit) = ended
            && errors.is_empty()
        {
            errors.extend(exceeded(problem, Some(demand.bounds()), limit));
        }
    }
    errors.extend(ties::errors(problem, choice));
    for node in &choice.masked {
        errors.push(masks::chosen(Words(problem), choice, *node));
    }
    let too_many: BTreeSet<ShapeId> = choice.too_many.iter().copied().collect();
    for shape in too_many {
        errors.push(limits::too_many_choices(problem, shape));
    }
    for node in &choice.broken {
        errors.push(internal(format!(
            "the live set of {} is not what its dependencies add up to",
            Words(problem).shape(choice.nodes[*node].shape)
        )));
    }
    in_order(errors)
}

/// Rules that share a name (RG-003): one error that lists them all.
pub(crate) fn duplicates(rules: &RuleSet) -> Option<SolveError> {
    let mut by_name: BTreeMap<&str, Vec<Option<String>>> = BTreeMap::new();
    for rule in rules.rules() {
        let place = rule
            .span()
            .map(|span| format!("{}:{}", span.file, span.line));
        by_name.entry(&rule.name).or_default().push(place);
    }
    by_name.retain(|_, places| places.len() > 1);
    if by_name.is_empty() {
        return None;
    }
    let names: Vec<String> = by_name.keys().map(|name| format!("`{name}`")).collect();
    let mut diag = Diag::internal(format!("several rules are called {}", words::list(&names)));
    for (name, places) in by_name {
        let count = places.len();
        let mut known: Vec<String> = places.into_iter().flatten().collect();
        known.sort();
        diag = diag.note(match known.len() == count {
            true => format!("`{name}` is declared in {}", words::list(&known)),
            false => format!("`{name}` is declared {count} times"),
        });
    }
    Some(SolveError {
        kind: ErrorKind::DuplicateRule,
        diag: diag.hint("give each rule a name of its own"),
    })
}

/// A defect of the solver.
pub(crate) fn internal(message: String) -> SolveError {
    SolveError {
        kind: ErrorKind::Internal,
        diag: Diag::internal(message)
            .hint("please report this, with the output of `kiln rules graph --format=json`"),
    }
}

/// Sorted and without repeats.
fn in_order(mut errors: Vec<SolveError>) -> Vec<SolveError> {
    errors.sort_by_cached_key(|error| (error.kind, error.diag.render()));
    errors.dedup();
    errors
}
