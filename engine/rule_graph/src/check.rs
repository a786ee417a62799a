//! Phase 6: a check of the result that shares nothing with the way it was found.
//!
//! Works on the public graph and the rules alone, in time linear in the graph, so it always runs.

use std::collections::HashMap;

use crate::graph::{Body, Instance, InstanceId, RuleGraph, Source};
use crate::rule_set::{Get, RuleSet, TypeIx};

/// Everything that is wrong with a graph; empty if it keeps the promises of this crate.
pub fn check(rules: &RuleSet, graph: &RuleGraph) -> Vec<String> {
    let mut checker = Checker {
        rules,
        graph,
        deps: Vec::new(),
        wrong: Vec::new(),
    };
    for id in 0..graph.instances.len() {
        let deps = checker.deps(InstanceId(id as u32));
        checker.deps.push(deps);
    }
    if checker.wrong.is_empty() {
        checker.live_sets();
        checker.provided_and_consumed();
        checker.positional_circles();
        checker.masks_and_queries();
    }
    checker.wrong
}

/// A dependency of an instance.
struct Dep {
    /// What is provided, ascending.
    provides: Vec<TypeIx>,
    positional: bool,
    to: To,
}

enum To {
    Param(TypeIx),
    Instance(usize),
}

struct Checker<'c> {
    rules: &'c RuleSet,
    graph: &'c RuleGraph,
    deps: Vec<Vec<Dep>>,
    wrong: Vec<String>,
}

impl Checker<'_> {
    fn deps(&mut self, id: InstanceId) -> Vec<Dep> {
        let instance = self.graph.instance(id);
        let mut deps = Vec::new();
        match &instance.body {
            Body::Rule {
                rule,
                explicit_args,
            } => {
                let rule = self.rules.rule(*rule);
                let inputs = &rule.inputs[*explicit_args..];
                if inputs.len() != instance.args.len() || rule.gets.len() != instance.gets.len() {
                    self.wrong(id, "has a number of sources that is not its rule's");
                    return deps;
                }
                for (input, source) in inputs.iter().zip(&instance.args) {
                    self.dep(id, &mut deps, *input, vec![], true, source);
                }
                for (get, source) in rule.gets.iter().zip(&instance.gets) {
                    self.get(id, &mut deps, get, source);
                }
            }
            Body::Reentry { inputs, .. } => {
                for (input, source) in inputs.iter().zip(&instance.args) {
                    self.dep(id, &mut deps, *input, vec![], true, source);
                }
            }
        }
        deps
    }

    fn get(&mut self, id: InstanceId, deps: &mut Vec<Dep>, get: &Get, source: &Source) {
        let mut provides = get.provides.clone();
        provides.sort();
        provides.dedup();
        let Source::Union(members) = source else {
            let plain = provides.is_empty() && get.in_scope.is_none() && get.call.is_none();
            return self.dep(id, deps, get.output, provides, plain, source);
        };
        let mut wanted = get.members.clone();
        wanted.sort();
        wanted.dedup();
        if !members.iter().map(|(ix, _)| ix).eq(wanted.iter()) {
            self.wrong(id, "answers other union members than its Get has");
        }
        for (member, to) in members {
            let mut provides = provides.clone();
            provides.push(*member);
            provides.sort();
            provides.dedup();
            self.dep(
                id,
                deps,
                get.output,
                provides,
                false,
                &Source::Instance(*to),
            );
        }
    }

    fn dep(
        &mut self,
        id: InstanceId,
        deps: &mut Vec<Dep>,
        output: TypeIx,
        provides: Vec<TypeIx>,
        positional: bool,
        source: &Source,
    ) {
        let to = match source {
            Source::Param(ix) if positional && *ix == output => To::Param(*ix),
            Source::Instance(to) if self.output(self.graph.instance(*to)) == output => {
                To::Instance(to.index())
            }
            _ => return self.wrong(id, "has a source of another type than it needs"),
        };
        deps.push(Dep {
            provides,
            positional,
            to,
        });
    }

    fn output(&self, instance: &Instance) -> TypeIx {
        match &instance.body {
            Body::Rule { rule, .. } => self.rules.rule(*rule).output,
            Body::Reentry { query, .. } => query.output(),
        }
    }

    /// RG-006, as a least fixpoint: what params reach an instance by finite paths.
    fn live_sets(&mut self) {
        let count = self.graph.instances.len();
        let mut readers: Vec<Vec<(usize, &[TypeIx])>> = (0..count).map(|_| Vec::new()).collect();
        let mut live: Vec<HashMap<TypeIx, ()>> = (0..count).map(|_| HashMap::new()).collect();
        let mut queue = Vec::new();
        for (at, instance) in self.graph.instances.iter().enumerate() {
            if let Body::Reentry { provided, .. } = &instance.body {
                queue.extend(provided.iter().map(|ix| (at, *ix)));
            }
            for dep in &self.deps[at] {
                match &dep.to {
                    To::Param(ix) => queue.push((at, *ix)),
                    To::Instance(to) => readers[*to].push((at, &dep.provides)),
                }
            }
        }
        while let Some((at, ix)) = queue.pop() {
            if live[at].insert(ix, ()).is_some() {
                continue;
            }
            for (reader, provides) in &readers[at] {
                if !provides.contains(&ix) {
                    queue.push((*reader, ix));
                }
            }
        }
        for (at, live) in live.iter().enumerate() {
            let mut live: Vec<TypeIx> = live.keys().copied().collect();
            live.sort();
            if live != self.graph.instances[at].live {
                self.wrong(
                    InstanceId(at as u32),
                    "does not live on what its dependencies live on",
                );
            }
        }
    }

    /// RG-012 and RG-010.
    fn provided_and_consumed(&mut self) {
        for at in 0..self.graph.instances.len() {
            let taken: Vec<TypeIx> = self.deps[at]
                .iter()
                .filter_map(|dep| match dep.to {
                    To::Param(ix) if !self.rules.is_ambient(ix) => Some(ix),
                    _ => None,
                })
                .collect();
            let mut wrong = Vec::new();
            for dep in &self.deps[at] {
                let To::Instance(to) = dep.to else { continue };
                let live = &self.graph.instances[to].live;
                let has = |ix: &TypeIx| live.binary_search(ix).is_ok();
                if !dep.provides.iter().all(has) {
                    wrong.push("provides a param that is not consumed");
                }
                if taken.iter().any(|ix| has(ix) && !dep.provides.contains(ix)) {
                    wrong.push("consumes a param that is needed again below");
                }
            }
            for text in wrong {
                self.wrong(InstanceId(at as u32), text);
            }
        }
    }

    /// RG-048: takes away instances whose positional inputs are all taken away; none may be left.
    fn positional_circles(&mut self) {
        let count = self.graph.instances.len();
        let mut waits = vec![0_usize; count];
        let mut readers = vec![Vec::new(); count];
        for (at, deps) in self.deps.iter().enumerate() {
            for dep in deps.iter().filter(|dep| dep.positional) {
                if let To::Instance(to) = dep.to {
                    waits[at] += 1;
                    readers[to].push(at);
                }
            }
        }
        let mut done: Vec<usize> = (0..count).filter(|at| waits[*at] == 0).collect();
        while let Some(at) = done.pop() {
            for reader in &readers[at] {
                waits[*reader] -= 1;
                if waits[*reader] == 0 {
                    done.push(*reader);
                }
            }
        }
        for at in (0..count).filter(|at| waits[*at] > 0) {
            self.wrong(
                InstanceId(at as u32),
                "waits for itself through positional inputs",
            );
        }
    }

    /// RG-017, and answers that live on no more than their queries give (RG-015).
    fn masks_and_queries(&mut self) {
        for (at, instance) in self.graph.instances.iter().enumerate() {
            let id = InstanceId(at as u32);
            match &instance.body {
                Body::Rule { rule, .. } => {
                    let masked = &self.rules.rule(*rule).masked;
                    if masked.iter().any(|ix| instance.live.contains(ix)) {
                        self.wrong(id, "lives on a param that it masks");
                    }
                }
                Body::Reentry { query, answer, .. } => {
                    if !self.answers(query.output(), query.params(), answer) {
                        self.wrong(id, "re-enters with an answer that does not fit");
                    }
                }
            }
        }
        for root in &self.graph.roots {
            if !self.answers(root.query.output(), root.query.params(), &root.source) {
                self.wrong
                    .push(format!("{:?} has an answer that does not fit", root.query));
            }
        }
    }

    fn answers(&self, output: TypeIx, params: &[TypeIx], source: &Source) -> bool {
        match source {
            Source::Param(ix) => *ix == output && params.contains(ix),
            Source::Instance(to) => {
                let instance = self.graph.instance(*to);
                let mut live = instance.live.iter();
                self.output(instance) == output && live.all(|ix| params.contains(ix))
            }
            Source::Union(_) => false,
        }
    }

    fn wrong(&mut self, id: InstanceId, text: &str) {
        let name = match &self.graph.instance(id).body {
            Body::Rule { rule, .. } => &*self.rules.rule(*rule).name,
            Body::Reentry { query, .. } => self.rules.type_name(query.output()),
        };
        self.wrong.push(format!("`{name}` {text}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule_set::{Query, Rule};
    use crate::solver::solve;

    /// `a` takes P and gets B by providing Q; `b` takes Q and C; `c` is made from R.
    fn solved() -> (RuleSet, RuleGraph) {
        let mut rules = RuleSet::new();
        let mut ty = |name: &str| rules.add_type(name).expect("few types");
        let (a, b, c) = (ty("A"), ty("B"), ty("C"));
        let (p, q, r) = (ty("P"), ty("Q"), ty("R"));
        let rule = |name: &str, output, inputs: &[TypeIx]| Rule {
            inputs: inputs.to_vec(),
            ..Rule::new(name, output)
        };
        rules.add_rule(Rule {
            gets: vec![Get::new(b, vec![q])],
            ..rule("a", a, &[p])
        });
        rules.add_rule(rule("b", b, &[q, c]));
        rules.add_rule(rule("c", c, &[r]));
        let graph = solve(&rules, &[Query::new(a, [p, r])]).expect("the set is in order");
        (rules, graph)
    }

    /// What the check says after a change to the graph.
    fn after(change: impl FnOnce(&mut RuleSet, &mut RuleGraph)) -> String {
        let (mut rules, mut graph) = solved();
        change(&mut rules, &mut graph);
        check(&rules, &graph).join("; ")
    }

    #[test]
    fn a_solved_graph_is_right() {
        assert_eq!(after(|_, _| {}), "");
    }

    #[test]
    fn each_promise_is_checked() {
        let wrong = after(|_, graph| {
            graph.instances[0].live.pop();
        });
        assert_eq!(wrong, "`a` does not live on what its dependencies live on");
        let wrong = after(|_, graph| {
            graph.instances[1].args.pop();
        });
        assert_eq!(wrong, "`b` has a number of sources that is not its rule's");
        let wrong = after(|_, graph| graph.instances[0].gets[0] = Source::Instance(InstanceId(2)));
        assert_eq!(wrong, "`a` has a source of another type than it needs");
        let wrong = after(|_, graph| graph.roots[0].source = Source::Instance(InstanceId(1)));
        assert!(
            wrong.ends_with("has an answer that does not fit"),
            "{wrong}"
        );
    }

    #[test]
    fn masks_consumption_and_what_is_provided_are_checked() {
        let r = |rules: &RuleSet| rules.find_type("R").expect("it exists");
        let changed = |change: fn(&mut Rule, TypeIx), name: &str| {
            let (rules, graph) = solved();
            let mut other = RuleSet::new();
            for ix in rules.types() {
                other.add_type(rules.type_name(ix)).expect("few types");
            }
            for rule in rules.rules() {
                let mut rule = rule.clone();
                if *rule.name == *name {
                    change(&mut rule, r(&rules));
                }
                other.add_rule(rule);
            }
            check(&other, &graph).join("; ")
        };
        let wrong = changed(|rule, r| rule.masked.push(r), "b");
        assert_eq!(wrong, "`b` lives on a param that it masks");
        let wrong = changed(|rule, _| rule.gets[0].provides.push(rule.inputs[0]), "a");
        assert_eq!(wrong, "`a` provides a param that is not consumed");
        let wrong = after(|rules, graph| {
            // `c` made from itself.
            let c = rules.find_type("C").expect("it exists");
            let mut rule = rules.rule(crate::rule_set::RuleIx(2)).clone();
            rule.inputs = vec![c];
            rule.name = "loop".into();
            let rule = rules.add_rule(rule);
            graph.instances.push(Instance {
                body: Body::Rule {
                    rule,
                    explicit_args: 0,
                },
                live: vec![],
                args: vec![Source::Instance(InstanceId(3))],
                gets: vec![],
            });
        });
        assert_eq!(wrong, "`loop` waits for itself through positional inputs");
    }
}
