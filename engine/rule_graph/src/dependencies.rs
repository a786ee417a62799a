//! The dependencies of an instance, one by one, for those who show a graph.

use crate::graph::{Body, Instance, Source};
use crate::rule_set::{Get, RuleSet, TypeIx};

/// One decided dependency.
pub(crate) struct Dependency {
    pub(crate) output: TypeIx,
    /// What the Get provides, ascending; empty for an input.
    pub(crate) provides: Vec<TypeIx>,
    pub(crate) in_scope: Option<Vec<TypeIx>>,
    pub(crate) call: Option<String>,
    /// Never a union: each member is a dependency of its own.
    pub(crate) source: Source,
}

impl Dependency {
    fn input(output: TypeIx, source: &Source) -> Dependency {
        Dependency {
            output,
            provides: Vec::new(),
            in_scope: None,
            call: None,
            source: source.clone(),
        }
    }

    fn get(get: &Get, member: Option<TypeIx>, source: Source) -> Dependency {
        let mut provides: Vec<TypeIx> = get.provides.iter().copied().chain(member).collect();
        provides.sort();
        provides.dedup();
        Dependency {
            output: get.output,
            provides,
            in_scope: get.in_scope.clone(),
            call: get.call.as_ref().map(|name| name.to_string()),
            source,
        }
    }
}

/// All dependencies in the order of their declaration; last what answers a re-entry's query.
pub(crate) fn dependencies(rules: &RuleSet, instance: &Instance) -> Vec<Dependency> {
    match &instance.body {
        Body::Rule {
            rule,
            explicit_args,
        } => {
            let rule = rules.rule(*rule);
            let inputs = rule.inputs[*explicit_args..].iter().zip(&instance.args);
            let inputs = inputs.map(|(input, source)| Dependency::input(*input, source));
            let gets = rule.gets.iter().zip(&instance.gets);
            let gets = gets.flat_map(|(get, source)| match source {
                Source::Union(members) => members
                    .iter()
                    .map(|(ix, to)| Dependency::get(get, Some(*ix), Source::Instance(*to)))
                    .collect(),
                source => vec![Dependency::get(get, None, source.clone())],
            });
            inputs.chain(gets).collect()
        }
        Body::Reentry {
            query,
            inputs,
            answer,
            ..
        } => {
            let inputs = inputs.iter().zip(&instance.args);
            let inputs = inputs.map(|(input, source)| Dependency::input(*input, source));
            let answer = Dependency {
                provides: query.params().to_vec(),
                ..Dependency::input(query.output(), answer)
            };
            inputs.chain([answer]).collect()
        }
    }
}
