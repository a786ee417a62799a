//! The solved graph turned into what a running node does: no search is left for run time.

use kiln_diag::Diag;
use kiln_rule_graph::{Body, Instance, InstanceId, RuleGraph, RuleSet, Source, TypeIx};
use kiln_rules::def::RuleDef;

/// How one instance gets its inputs and answers its Gets.
pub(crate) struct Plan {
    pub(crate) def: &'static RuleDef,
    pub(crate) args: Vec<Supply>,
    pub(crate) gets: Vec<Supply>,
}

/// Where a value comes from.
pub(crate) enum Supply {
    /// The node's own param of that index.
    Param(usize),
    /// Another node.
    Node(InstanceId, Vec<From>),
}

/// Where a param of another node comes from.
#[derive(Clone, Copy)]
pub(crate) enum From {
    /// The asking node's own param of that index.
    Own(usize),
    /// What the Get provides, by index.
    Provided(usize),
}

/// Makes the plans of all instances, indexed by [`InstanceId`].
pub(crate) fn plans(
    set: &RuleSet,
    graph: &RuleGraph,
    defs: &[&'static RuleDef],
) -> Result<Vec<Plan>, Diag> {
    graph
        .instances()
        .iter()
        .map(|instance| plan(set, graph, defs, instance))
        .collect()
}

fn plan(
    set: &RuleSet,
    graph: &RuleGraph,
    defs: &[&'static RuleDef],
    instance: &Instance,
) -> Result<Plan, Diag> {
    let Body::Rule {
        rule,
        explicit_args: 0,
    } = instance.body
    else {
        return Err(Diag::internal(
            "the rule graph has an instance that no rule can declare yet",
        ));
    };
    let declared = set.rule(rule);
    let live = &instance.live;
    let args = instance
        .args
        .iter()
        .map(|source| supply(graph, live, &[], source));
    let gets = instance
        .gets
        .iter()
        .zip(&declared.gets)
        .map(|(source, get)| supply(graph, live, &get.provides, source));
    Ok(Plan {
        def: defs[rule.index()],
        args: args.collect::<Result<_, _>>()?,
        gets: gets.collect::<Result<_, _>>()?,
    })
}

fn supply(
    graph: &RuleGraph,
    live: &[TypeIx],
    provides: &[TypeIx],
    source: &Source,
) -> Result<Supply, Diag> {
    let missing = || Diag::internal("the rule graph needs a param that is not live");
    match source {
        Source::Param(ty) => {
            let at = live.iter().position(|own| own == ty).ok_or_else(missing)?;
            Ok(Supply::Param(at))
        }
        Source::Instance(id) => {
            let params = graph.instance(*id).live.iter().map(|ty| {
                let provided = provides.iter().position(|provided| provided == ty);
                let own = || live.iter().position(|own| own == ty);
                provided
                    .map(From::Provided)
                    .or_else(|| own().map(From::Own))
                    .ok_or_else(missing)
            });
            Ok(Supply::Node(*id, params.collect::<Result<_, _>>()?))
        }
        Source::Union(_) => Err(Diag::internal(
            "the rule graph has a union that no rule can declare yet",
        )),
    }
}
