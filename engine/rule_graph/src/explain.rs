//! The chosen tree for a type, as text.

use std::collections::HashSet;

use crate::dependencies::dependencies;
use crate::dump::{names, need, title};
use crate::graph::{Body, InstanceId, RuleGraph, Source};
use crate::rule_set::{RuleSet, TypeIx};

/// How `output` is made: for each query for it, or if there is none for each rule that makes it
/// somewhere in the graph, the tree of what was chosen. An instance that was shown before is not
/// unfolded again. `None` if nothing in the graph makes the type.
pub fn explain(rules: &RuleSet, graph: &RuleGraph, output: TypeIx) -> Option<String> {
    let mut tree = Tree {
        rules,
        graph,
        shown: HashSet::new(),
        out: String::new(),
    };
    let roots = graph.roots().iter();
    for root in roots.filter(|root| root.query.output() == output) {
        tree.line(
            0,
            &format!(
                "query for {}",
                tree.with_params(output, root.query.params())
            ),
        );
        tree.unfold(rules.type_name(output), &root.source, 1);
    }
    if tree.out.is_empty() {
        for (at, instance) in graph.instances().iter().enumerate() {
            let makes = matches!(&instance.body, Body::Rule { rule, .. } if rules.rule(*rule).output == output);
            if makes {
                let source = Source::Instance(InstanceId(at as u32));
                tree.unfold(rules.type_name(output), &source, 0);
            }
        }
    }
    (!tree.out.is_empty()).then_some(tree.out)
}

struct Tree<'t> {
    rules: &'t RuleSet,
    graph: &'t RuleGraph,
    shown: HashSet<InstanceId>,
    out: String,
}

impl Tree<'_> {
    /// Writes a source and what is below it; with an own stack, as chains of rules may be long.
    fn unfold(&mut self, what: &str, source: &Source, depth: usize) {
        let mut open = vec![(what.to_owned(), source.clone(), depth)];
        while let Some((what, source, depth)) = open.pop() {
            let Source::Instance(id) = source else {
                self.line(depth, &format!("{what}: the param"));
                continue;
            };
            let instance = self.graph.instance(id);
            let mut line = format!("{what}: {}", title(self.rules, instance));
            if let Body::Rule { rule, .. } = &instance.body
                && let Some(span) = self.rules.rule(*rule).span()
            {
                line.push_str(&format!(" ({}:{})", span.file, span.line));
            }
            match instance.live.is_empty() {
                true => line.push_str(", lives on no params"),
                false => {
                    line.push_str(&format!(", lives on {}", names(self.rules, &instance.live)))
                }
            }
            let below = dependencies(self.rules, instance);
            if !self.shown.insert(id) && !below.is_empty() {
                line.push_str(" (shown above)");
                self.line(depth, &line);
                continue;
            }
            self.line(depth, &line);
            for dependency in below.iter().rev() {
                let what = need(self.rules, dependency);
                open.push((what, dependency.source.clone(), depth + 1));
            }
        }
    }

    fn with_params(&self, output: TypeIx, params: &[TypeIx]) -> String {
        let output = self.rules.type_name(output);
        match params.is_empty() {
            true => format!("{output} from no params"),
            false => format!("{output} from {}", names(self.rules, params)),
        }
    }

    fn line(&mut self, depth: usize, text: &str) {
        self.out.push_str(&"  ".repeat(depth));
        self.out.push_str(text);
        self.out.push('\n');
    }
}
