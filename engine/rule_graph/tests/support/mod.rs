//! A compact text form of rule sets, and of what the solver makes of them.
//!
//! ```text
//! # name of the case: what it shows
//! ambient Platform
//! a_from_b: A <- B, C | D(E, F) in (G) via d_from_e/1 | masks H
//! ? A(B, C)
//! ?? A(B, C, X)
//! ```
//!
//! A rule has its output, inputs, Gets with what they provide, and masked types; `?` is a query,
//! `??` a lookup in the solved graph. `D(E|F)` is a Get of a union. Lines that begin with `>`
//! are the outcome.

#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod generate;

use std::fmt::Write;
use std::sync::Arc;

use kiln_rule_graph::{
    Body, Get, Instance, LookupError, Query, Rule, RuleGraph, RuleSet, Source, TypeIx, solve,
};

/// A case as read.
#[derive(Clone)]
pub struct Case {
    /// The lines as written, without outcome.
    pub text: Vec<String>,
    /// The rules.
    pub rules: RuleSet,
    /// The queries.
    pub queries: Vec<Query>,
    /// Requests to the solved graph.
    pub lookups: Vec<Query>,
}

/// Reads all cases of a text.
pub fn read(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('>'))
    {
        if line.starts_with("# ") {
            cases.push(Case {
                text: Vec::new(),
                rules: RuleSet::new(),
                queries: Vec::new(),
                lookups: Vec::new(),
            });
        }
        let case = cases.last_mut().expect("a case begins with `# `");
        case.text.push(line.to_owned());
        read_line(case, line);
    }
    cases
}

/// Reads one case.
pub fn read_one(text: &str) -> Case {
    read(&format!("# case\n{text}")).remove(0)
}

fn read_line(case: &mut Case, line: &str) {
    let rules = &mut case.rules;
    if line.starts_with('#') {
    } else if let Some(names) = line.strip_prefix("ambient ") {
        for ix in types(rules, names) {
            rules.set_ambient(ix);
        }
    } else if let Some(wanted) = line.strip_prefix("?? ") {
        case.lookups.push(query(rules, wanted));
    } else if let Some(asked) = line.strip_prefix("? ") {
        case.queries.push(query(rules, asked));
    } else {
        read_rule(rules, line);
    }
}

fn read_rule(rules: &mut RuleSet, line: &str) {
    let mut parts = line.split(" | ");
    let head = parts.next().unwrap_or_default();
    let (name, head) = head.split_once(": ").expect("a rule begins with `name: `");
    let (output, inputs) = head.split_once(" <-").unwrap_or((head, ""));
    // `name@file:line` gives the rule a place.
    let (name, place) = name.split_once('@').unwrap_or((name, ""));
    let mut rule = Rule::new(name, generate::ty(rules, output));
    if let Some((file, line)) = place.split_once(':') {
        rule.file = Arc::from(file);
        rule.line = line.parse().expect("a line number");
    }
    rule.inputs = types(rules, inputs);
    for part in parts {
        match part.strip_prefix("masks ") {
            Some(masked) => rule.masked = types(rules, masked),
            None => rule.gets.push(read_get(rules, part)),
        }
    }
    rules.add_rule(rule);
}

fn read_get(rules: &mut RuleSet, text: &str) -> Get {
    let (text, line) = text.split_once(" @").unwrap_or((text, "0"));
    let (text, call) = match text.split_once(" via ") {
        Some((text, call)) => (text, Some(call)),
        None => (text, None),
    };
    let (text, in_scope) = match text.split_once(" in ") {
        Some((text, list)) => (text, Some(list)),
        None => (text, None),
    };
    let (output, provides) = text.split_once('(').unwrap_or((text, ""));
    let provides = provides.trim_end_matches(')');
    let mut get = Get::new(generate::ty(rules, output), Vec::new());
    match provides.contains('|') {
        true => get.members = types(rules, &provides.replace('|', ",")),
        false => get.provides = types(rules, provides),
    }
    get.in_scope = in_scope.map(|list| types(rules, list.trim_matches(['(', ')'])));
    if let Some(call) = call {
        let (name, explicit) = call.split_once('/').unwrap_or((call, "0"));
        get.call = Some(Arc::from(name));
        get.explicit_args = explicit.parse().expect("a number of arguments");
    }
    get.line = line.parse().expect("a line number");
    get
}

fn query(rules: &mut RuleSet, text: &str) -> Query {
    let (output, params) = text.split_once('(').expect("a query is `Output(Params)`");
    let output = generate::ty(rules, output);
    Query::new(output, types(rules, params.trim_end_matches(')')))
}

fn types(rules: &mut RuleSet, list: &str) -> Vec<TypeIx> {
    let names = list
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    names.map(|name| generate::ty(rules, name)).collect()
}

/// A generated set as a case, by way of its text.
pub fn write(set: &generate::Generated) -> Case {
    let rules = &set.rules;
    let names = |types: &[TypeIx]| {
        let names: Vec<&str> = types.iter().map(|ix| rules.type_name(*ix)).collect();
        names.join(", ")
    };
    let mut lines = vec!["# generated".to_owned()];
    for ix in rules.types().filter(|ix| rules.is_ambient(*ix)) {
        lines.push(format!("ambient {}", rules.type_name(ix)));
    }
    for rule in rules.rules() {
        let mut line = format!(
            "{}: {} <- {}",
            rule.name,
            rules.type_name(rule.output),
            names(&rule.inputs)
        );
        for get in &rule.gets {
            let _ = write!(
                line,
                " | {}({})",
                rules.type_name(get.output),
                names(&get.provides)
            );
        }
        if !rule.masked.is_empty() {
            let _ = write!(line, " | masks {}", names(&rule.masked));
        }
        lines.push(line);
    }
    for query in &set.queries {
        lines.push(format!(
            "? {}({})",
            rules.type_name(query.output()),
            names(query.params())
        ));
    }
    read(&lines.join("\n")).remove(0)
}

/// Solves the case and writes the outcome, each line begun with `> `. Sorted by name, so that
/// it does not depend on numbers.
pub fn outcome(case: &Case) -> String {
    let mut out = String::new();
    match solve(&case.rules, &case.queries) {
        Ok(graph) => {
            let writer = Writer {
                rules: &case.rules,
                graph: &graph,
            };
            for line in writer.lines(&case.lookups) {
                let _ = writeln!(out, "> {line}");
            }
        }
        Err(errors) => {
            assert!(!errors.is_empty(), "RG-047: no report is empty");
            for error in &errors {
                let text = error.diag.render().replace('\n', "\n>     ");
                let _ = writeln!(
                    out,
                    "> {:?}: {}",
                    error.kind,
                    text.trim_start_matches("error: ")
                );
            }
        }
    }
    out
}

/// The case with its outcome.
pub fn with_outcome(case: &Case) -> String {
    format!("{}\n{}", case.text.join("\n"), outcome(case))
}

/// The same case with everything declared in another order.
pub fn shuffled(case: &Case, random: &mut generate::Random) -> Case {
    // Inputs keep their order where some of them are passed explicitly.
    let explicit = case.rules.rules().iter().flat_map(|rule| &rule.gets);
    let inputs_too = explicit.into_iter().all(|get| get.explicit_args == 0);
    let mut lines: Vec<String> = case.text[1..].to_vec();
    for line in &mut lines {
        *line = shuffled_line(line, inputs_too, random);
    }
    random.shuffle(&mut lines);
    lines.insert(0, case.text[0].clone());
    read(&lines.join("\n")).remove(0)
}

fn shuffled_line(line: &str, inputs_too: bool, random: &mut generate::Random) -> String {
    if line.starts_with('?') || line.starts_with("ambient") || line.starts_with('#') {
        return line.to_owned();
    }
    let mut parts: Vec<String> = line.split(" | ").map(str::to_owned).collect();
    random.shuffle(&mut parts[1..]);
    if inputs_too && let Some((head, inputs)) = parts[0].split_once(" <-") {
        let mut inputs: Vec<&str> = inputs.split(',').map(str::trim).collect();
        random.shuffle(&mut inputs);
        parts[0] = format!("{head} <- {}", inputs.join(", "));
    }
    parts.join(" | ")
}

struct Writer<'w> {
    rules: &'w RuleSet,
    graph: &'w RuleGraph,
}

impl Writer<'_> {
    fn lines(&self, lookups: &[Query]) -> Vec<String> {
        let roots = self.graph.roots().iter();
        let mut lines: Vec<String> = roots
            .map(|root| {
                format!(
                    "? {} = {}",
                    self.query(&root.query),
                    self.source(&root.source)
                )
            })
            .collect();
        lines.sort();
        let mut nodes: Vec<String> = self
            .graph
            .instances()
            .iter()
            .map(|at| self.node(at))
            .collect();
        nodes.sort();
        lines.extend(nodes);
        let unused = self.graph.unused_rules(self.rules).into_iter();
        let mut unused: Vec<&str> = unused.map(|ix| &*self.rules.rule(ix).name).collect();
        unused.sort();
        if !unused.is_empty() {
            lines.push(format!("unused: {}", unused.join(", ")));
        }
        let mut found: Vec<String> = lookups.iter().map(|wanted| self.lookup(wanted)).collect();
        found.sort();
        lines.extend(found);
        lines
    }

    fn lookup(&self, wanted: &Query) -> String {
        let found = match self.graph.lookup(wanted.output(), wanted.params()) {
            Ok(root) => self.query(&root.query),
            Err(error) => {
                let kind = match error {
                    LookupError::MoreThanOne { .. } => "more than one",
                    LookupError::NotFromTheseParams { .. } => "not from these params",
                    LookupError::UnknownOutput { .. } => "no such output",
                };
                kind.to_owned()
            }
        };
        format!("?? {}: {found}", self.query(wanted))
    }

    fn node(&self, instance: &Instance) -> String {
        let mut deps: Vec<String> = Vec::new();
        match &instance.body {
            Body::Rule {
                rule,
                explicit_args,
            } => {
                let rule = self.rules.rule(*rule);
                let inputs = rule.inputs[*explicit_args..].iter().zip(&instance.args);
                deps.extend(inputs.map(|(ix, source)| self.dep(self.rules.type_name(*ix), source)));
                let gets = rule.gets.iter().zip(&instance.gets);
                deps.extend(gets.map(|(get, source)| self.dep(&self.need(get), source)));
            }
            Body::Reentry { inputs, answer, .. } => {
                let inputs = inputs.iter().zip(&instance.args);
                deps.extend(inputs.map(|(ix, source)| self.dep(self.rules.type_name(*ix), source)));
                deps.push(format!("answer = {}", self.source(answer)));
            }
        }
        deps.sort();
        deps.dedup();
        format!("{}: {}", self.identity(instance), deps.join("; "))
            .trim_end()
            .to_owned()
    }

    fn dep(&self, need: &str, source: &Source) -> String {
        match source {
            Source::Param(ix) if self.rules.type_name(*ix) == need => format!("${need}"),
            source => format!("{need} = {}", self.source(source)),
        }
    }

    fn need(&self, get: &Get) -> String {
        let mut need = self.rules.type_name(get.output).to_owned();
        let mut types = self.names(&get.provides);
        if !get.members.is_empty() {
            types = self.names(&get.members).replace(", ", "|");
        }
        if !types.is_empty() {
            let _ = write!(need, "({types})");
        }
        if let Some(in_scope) = &get.in_scope {
            let _ = write!(need, " in ({})", self.names(in_scope));
        }
        if let Some(call) = &get.call {
            let _ = write!(need, " via {call}/{}", get.explicit_args);
        }
        need
    }

    fn source(&self, source: &Source) -> String {
        match source {
            Source::Param(ix) => format!("${}", self.rules.type_name(*ix)),
            Source::Instance(id) => self.identity(self.graph.instance(*id)),
            Source::Union(members) => {
                let member = |(ix, id): &(TypeIx, _)| {
                    let to = self.identity(self.graph.instance(*id));
                    format!("{}: {to}", self.rules.type_name(*ix))
                };
                let mut members: Vec<String> = members.iter().map(member).collect();
                members.sort();
                format!("{{{}}}", members.join(", "))
            }
        }
    }

    fn identity(&self, instance: &Instance) -> String {
        let live = self.names(&instance.live);
        match &instance.body {
            Body::Rule {
                rule,
                explicit_args: 0,
            } => {
                format!("{}({live})", self.rules.rule(*rule).name)
            }
            Body::Rule {
                rule,
                explicit_args,
            } => {
                format!("{}/{explicit_args}({live})", self.rules.rule(*rule).name)
            }
            Body::Reentry { query, .. } => format!("[{}]({live})", self.query(query)),
        }
    }

    fn query(&self, query: &Query) -> String {
        format!(
            "{}({})",
            self.rules.type_name(query.output()),
            self.names(query.params())
        )
    }

    fn names(&self, types: &[TypeIx]) -> String {
        let mut names: Vec<&str> = types.iter().map(|ix| self.rules.type_name(*ix)).collect();
        names.sort();
        names.dedup();
        names.join(", ")
    }
}
