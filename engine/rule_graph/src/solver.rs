//! The phases in order.

use kiln_diag::Diag;

use crate::bounds::Bounds;
use crate::budget::{self, Budget, Exceeded};
use crate::build;
use crate::choose::{self, Choice, Solved};
use crate::error::{ErrorKind, SolveError};
use crate::graph::RuleGraph;
use crate::problem::Problem;
use crate::rule_set::{Query, RuleSet};
use crate::set::Set;
use crate::unknowns::Unknowns;
use crate::variants::Variants;

/// Decides every dependency of all rules that the queries reach, or reports all causes why that
/// cannot be done: sorted, without repeats, never an empty list (RG-040, RG-047).
pub fn solve(rules: &RuleSet, queries: &[Query]) -> Result<RuleGraph, Vec<SolveError>> {
    let problem = Problem::new(rules, queries);
    let mut budget = Budget::new(problem.shapes.len(), budget::OPERATIONS);
    let choice = attempt(&problem, &mut budget).map_err(|exceeded| {
        let text = format!("too many combinations: {exceeded:?}");
        vec![error(ErrorKind::Budget, text)]
    })?;
    let mut errors = Vec::new();
    for ask in &choice.unanswered {
        let output = problem.name(problem.asks[*ask].output);
        errors.push(error(
            ErrorKind::NoSource,
            format!("nothing can produce `{output}`"),
        ));
    }
    for tie in &choice.ties {
        let text = format!("ambiguous: {:?} {:?}", tie.place, tie.rivals);
        errors.push(error(ErrorKind::Ambiguous, text));
    }
    for node in &choice.masked {
        let text = format!("masked: {:?}", choice.nodes[*node].live);
        errors.push(error(ErrorKind::Masked, text));
    }
    match build::build(&problem, &choice) {
        Some(graph) if errors.is_empty() => Ok(graph),
        _ => Err(errors),
    }
}

fn error(kind: ErrorKind, text: String) -> SolveError {
    SolveError {
        kind,
        diag: Diag::build(text),
    }
}

fn attempt(problem: &Problem<'_>, budget: &mut Budget) -> Result<Choice, Exceeded> {
    let mut bounds = Bounds::new(problem, budget)?;
    let mut unknowns = Unknowns::default();
    for ask in &problem.asks[..problem.declared] {
        for candidate in &ask.candidates {
            unknowns.ask(problem, &mut bounds, budget, *candidate, &Set::new())?;
        }
    }
    let mut variants = Variants::default();
    variants.solve(problem, &bounds, &unknowns, budget)?;
    Ok(choose::choose(Solved {
        problem,
        bounds: &bounds,
        unknowns: &unknowns,
        variants: &variants,
    }))
}
