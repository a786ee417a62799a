//! The phases in order.

use crate::bounds::Bounds;
use crate::budget::{self, Budget, Exceeded};
use crate::check::check;
use crate::choose::{self, Choice};
use crate::demand::Demand;
use crate::error::SolveError;
use crate::graph::RuleGraph;
use crate::problem::Problem;
use crate::rule_set::{Query, RuleSet};
use crate::set::Set;
use crate::{build, report};

/// Decides every dependency of all rules that the queries reach, or reports all causes why that
/// cannot be done: sorted, without repeats, never an empty list (RG-040, RG-047).
pub fn solve(rules: &RuleSet, queries: &[Query]) -> Result<RuleGraph, Vec<SolveError>> {
    solve_measured(rules, queries).0
}

/// How much work a solution was. Counts, so the same for the same rules on any machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Rules (less their explicit arguments) and re-entries within reach of the queries.
    pub shapes: usize,
    /// Questions for the variants of a shape that contain certain provided params.
    pub unknowns: usize,
    /// Minimal live sets found for all of them.
    pub variants: usize,
    /// The most minimal live sets of one unknown.
    pub widest: usize,
    /// Operations on sets.
    pub operations: u64,
}

/// As [`solve`], and says how much work it was.
pub fn solve_measured(
    rules: &RuleSet,
    queries: &[Query],
) -> (Result<RuleGraph, Vec<SolveError>>, Statistics) {
    let mut statistics = Statistics::default();
    if let Some(error) = report::duplicates(rules) {
        return (Err(vec![error]), statistics);
    }
    let problem = Problem::new(rules, queries);
    statistics.shapes = problem.shapes.len();
    let mut budget = new_budget(&problem);
    let bounds = match Bounds::new(&problem, &mut budget) {
        Ok(bounds) => bounds,
        Err(limit) => return (Err(report::exceeded(&problem, None, limit)), statistics),
    };
    let mut demand = Demand::new(&problem, bounds, budget);
    let chosen = variants_of_queries(&mut demand).map(|()| choose::choose(demand.solved()));
    statistics.unknowns = demand.unknown_count();
    (statistics.variants, statistics.widest) = demand.variant_count();
    statistics.operations = demand.operations();
    let result = match chosen {
        Ok(choice) => finish(&mut demand, &choice),
        Err(limit) => Err(report::exceeded(&problem, Some(demand.bounds()), limit)),
    };
    (result, statistics)
}

fn variants_of_queries(demand: &mut Demand<'_>) -> Result<(), Exceeded> {
    let problem = demand.problem;
    for ask in &problem.asks[..problem.declared] {
        for candidate in &ask.candidates {
            demand.ask(*candidate, &Set::new())?;
        }
    }
    demand.solve()
}

fn finish(demand: &mut Demand<'_>, choice: &Choice) -> Result<RuleGraph, Vec<SolveError>> {
    let problem = demand.problem;
    demand.set_budget(new_budget(problem));
    let errors = report::report(demand, choice);
    if !errors.is_empty() {
        return Err(errors);
    }
    let Some(graph) = build::build(problem, choice) else {
        return Err(vec![report::internal(
            "the solved rule graph has gaps".to_owned(),
        )]);
    };
    let wrong = check(problem.rules, &graph);
    if wrong.is_empty() {
        return Ok(graph);
    }
    let text = format!("the solved rule graph is wrong: {}", wrong.join("; "));
    Err(vec![report::internal(text)])
}

fn new_budget(problem: &Problem<'_>) -> Budget {
    Budget::new(problem.shapes.len(), budget::OPERATIONS)
}
