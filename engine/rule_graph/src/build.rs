//! Turns the chosen nodes into the public graph.

use crate::choose::{Choice, Node, NodeId, Pick};
use crate::graph::{Body, Instance, InstanceId, Root, RuleGraph, Source};
use crate::problem::{Problem, ShapeBody, Slot, Ty};
use crate::rule_set::Query;
use crate::set::Set;

/// The graph, or `None` if something is left unchosen.
pub(crate) fn build(problem: &Problem<'_>, choice: &Choice) -> Option<RuleGraph> {
    let builder = Builder::new(problem, choice);
    let mut instances = Vec::with_capacity(choice.nodes.len());
    for node in &builder.order {
        instances.push(builder.instance(&choice.nodes[*node])?);
    }
    let mut roots = Vec::new();
    for (at, answer) in choice.answers[..problem.declared].iter().enumerate() {
        roots.push(Root {
            query: builder.query(at),
            source: builder.source(problem.asks[at].output, (*answer)?),
        });
    }
    roots.sort_by(|a, b| a.query.cmp(&b.query));
    Some(RuleGraph { instances, roots })
}

struct Builder<'b> {
    problem: &'b Problem<'b>,
    choice: &'b Choice,
    order: Vec<NodeId>,
    ids: Vec<InstanceId>,
}

impl<'b> Builder<'b> {
    fn new(problem: &'b Problem<'b>, choice: &'b Choice) -> Builder<'b> {
        let mut order: Vec<NodeId> = (0..choice.nodes.len()).collect();
        order.sort_by_cached_key(|at| sort_key(problem, &choice.nodes[*at]));
        let mut ids = vec![InstanceId(0); order.len()];
        for (new, old) in order.iter().enumerate() {
            ids[*old] = InstanceId(new as u32);
        }
        Builder {
            problem,
            choice,
            order,
            ids,
        }
    }

    fn instance(&self, node: &Node) -> Option<Instance> {
        let shape = &self.problem.shapes[node.shape];
        let source = |key: &usize| {
            let pick = (*node.picks.get(*key)?)?;
            Some(self.source(shape.keys[*key].need.output, pick))
        };
        let body = match shape.body {
            ShapeBody::Rule { rule, explicit } => Body::Rule {
                rule,
                explicit_args: explicit,
            },
            ShapeBody::Reentry { ask } => {
                let inputs: Set = shape.keys.iter().map(|key| key.need.output).collect();
                Body::Reentry {
                    query: self.query(ask),
                    provided: self.problem.type_ixs(&shape.fixed),
                    inputs: self.problem.type_ixs(&inputs),
                    answer: self.source(self.problem.asks[ask].output, self.choice.answers[ask]?),
                }
            }
        };
        let mut args: Vec<&usize> = shape.args.iter().collect();
        if let ShapeBody::Reentry { .. } = shape.body {
            args.sort_by_key(|key| self.problem.type_ix(shape.keys[**key].need.output));
        }
        Some(Instance {
            body,
            live: self.problem.type_ixs(&node.live),
            args: args.into_iter().map(source).collect::<Option<_>>()?,
            gets: shape
                .gets
                .iter()
                .map(|slot| match slot {
                    Slot::One(key) => source(key),
                    Slot::Union(members) => self.union(node, members),
                })
                .collect::<Option<_>>()?,
        })
    }

    fn union(&self, node: &Node, members: &[(Ty, usize)]) -> Option<Source> {
        let mut list = Vec::new();
        for (ty, key) in members {
            let Some(Pick::Node(chosen)) = node.picks.get(*key)? else {
                return None;
            };
            list.push((self.problem.type_ix(*ty), self.ids[*chosen]));
        }
        list.sort();
        Some(Source::Union(list))
    }

    fn source(&self, output: Ty, pick: Pick) -> Source {
        match pick {
            Pick::Param => Source::Param(self.problem.type_ix(output)),
            Pick::Node(node) => Source::Instance(self.ids[node]),
        }
    }

    fn query(&self, ask: usize) -> Query {
        let ask = &self.problem.asks[ask];
        let params = ask.params.iter().map(|ty| self.problem.type_ix(ty));
        Query::new(self.problem.type_ix(ask.output), params)
    }
}

type SortKey<'k> = (bool, &'k str, usize, Vec<&'k str>, Vec<&'k str>);

/// Rules by name, then re-entries by output; then by what they live on.
fn sort_key<'k>(problem: &'k Problem<'k>, node: &Node) -> SortKey<'k> {
    let names = |set: &Set| {
        let mut names: Vec<&str> = set.iter().map(|ty| problem.name(ty)).collect();
        names.sort();
        names
    };
    let shape = &problem.shapes[node.shape];
    let live = names(&node.live);
    match shape.body {
        ShapeBody::Rule { rule, explicit } => (
            false,
            &problem.rules.rule(rule).name,
            explicit,
            live,
            vec![],
        ),
        ShapeBody::Reentry { ask } => {
            let ask = &problem.asks[ask];
            let mut query = names(&ask.params);
            query.push("");
            query.extend(names(&shape.fixed));
            (true, problem.name(ask.output), 0, live, query)
        }
    }
}
