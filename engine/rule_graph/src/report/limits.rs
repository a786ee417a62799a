//! Budgets that ran out.

use kiln_diag::Diag;

use super::words::{Words, list};
use crate::bounds::Bounds;
use crate::budget::{self, Exceeded, Limit};
use crate::error::{ErrorKind, SolveError};
use crate::problem::{Problem, ShapeId};
use crate::set::Set;

/// The error for a budget. Too many debts can hide a plain missing source: where every rule for
/// a query needs something that the query lacks, that is reported instead.
pub(crate) fn exceeded(
    problem: &Problem<'_>,
    bounds: Option<&Bounds>,
    exceeded: Exceeded,
) -> Vec<SolveError> {
    let lacking = bounds.map_or(Vec::new(), |bounds| lacking_params(problem, bounds));
    if !lacking.is_empty() {
        return super::in_order(lacking);
    }
    let Exceeded { shape, limit } = exceeded;
    let count = match limit {
        Limit::Sets => format!("more than {} incomparable sets of params", budget::SETS),
        Limit::Debts => format!(
            "more than {} provided params that one key may consume",
            budget::DEBTS
        ),
        Limit::Unknowns => format!(
            "more than {} combinations of rules and provided params",
            budget::unknowns(problem.shapes.len())
        ),
        Limit::Operations => format!("more than {} operations", budget::OPERATIONS),
    };
    vec![too_many(problem, shape, &count)]
}

/// The error for a node with too many combinations of sources.
pub(super) fn too_many_choices(problem: &Problem<'_>, shape: ShapeId) -> SolveError {
    let count = format!("more than {} combinations of sources", budget::STEPS);
    too_many(problem, shape, &count)
}

fn too_many(problem: &Problem<'_>, shape: ShapeId, count: &str) -> SolveError {
    let words = Words(problem);
    let mut diag = Diag::internal(format!(
        "there are too many ways to satisfy rule {}",
        words.shape_name(shape)
    ));
    if let Some(span) = words.span(shape) {
        diag = diag.at(span);
    }
    diag = diag.note(format!("gave up after {count}"));
    let mut crowded: Vec<(usize, String)> = problem.shapes[shape]
        .keys
        .iter()
        .map(|key| {
            (
                key.candidates.len() + usize::from(key.param),
                words.need(key),
            )
        })
        .collect();
    crowded.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let shown: Vec<String> = crowded
        .iter()
        .take(5)
        .map(|(count, need)| format!("{count} for {need}"))
        .collect();
    diag = diag.note(format!("sources to choose from: {}", list(&shown)));
    if crowded.len() > 5 {
        diag = diag.note(format!("and {} more dependencies", crowded.len() - 5));
    }
    SolveError {
        kind: ErrorKind::Budget,
        diag: diag
            .hint("name the rule in a Get (`via`) where many rules make one type")
            .hint("or provide the param that selects the rule, or restrict the Get (`in_scope`)"),
    }
}

/// Queries all of whose rules need a param that the query does not give.
fn lacking_params(problem: &Problem<'_>, bounds: &Bounds) -> Vec<SolveError> {
    let words = Words(problem);
    let mut errors = Vec::new();
    for at in 0..problem.declared {
        let ask = &problem.asks[at];
        let lacks = |shape: &ShapeId| Some((*shape, bounds.must(*shape)?.minus(&ask.params)));
        let lacks: Vec<(ShapeId, Set)> = ask.candidates.iter().filter_map(lacks).collect();
        if ask.own_param() || lacks.is_empty() || lacks.iter().any(|(_, set)| set.is_empty()) {
            continue;
        }
        let mut diag = Diag::internal(format!("{} has no answer", words.ask(at)));
        let mut all = Set::new();
        for (shape, set) in &lacks {
            all.add(set);
            diag = diag.note(format!(
                "{} needs {}, which the query does not give",
                words.shape(*shape),
                words.types(set)
            ));
        }
        errors.push(SolveError {
            kind: ErrorKind::NoSource,
            diag: diag.hint(format!("add {} to the query", words.types(&all))),
        });
    }
    errors
}
