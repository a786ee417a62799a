//! Solves the cases of a JSON file and prints one JSON object a line and case.
//!
//! `cargo run -p kiln-rule-graph --example solve -- CASES.json`
//!
//! The file has `{"cases": [{"name", "rules", "queries", "lookups"?}]}`. A rule is `{"name",
//! "output", "inputs", "gets", "masked"?}`, a Get `{"output", "inputs", "in_scope"?, "call"?,
//! "explicit_args"?}`, where `inputs` are the params it provides. Printed are the outcome, and
//! either the kind of error or the solved graph in the same terms.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use kiln_rule_graph::{
    Body, ErrorKind, Get, Instance, LookupError, Query, Rule, RuleGraph, RuleSet, SolveError,
    Source, TypeIx, solve,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Deserialize)]
struct CaseFile {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    #[serde(default)]
    rules: Vec<CaseRule>,
    #[serde(default)]
    queries: Vec<CaseQuery>,
    #[serde(default)]
    lookups: Vec<CaseQuery>,
}

#[derive(Deserialize)]
struct CaseRule {
    name: String,
    output: String,
    #[serde(default)]
    inputs: Vec<String>,
    #[serde(default)]
    gets: Vec<CaseGet>,
    #[serde(default)]
    masked: Vec<String>,
}

#[derive(Deserialize)]
struct CaseGet {
    output: String,
    #[serde(default)]
    inputs: Vec<String>,
    in_scope: Option<Vec<String>>,
    call: Option<String>,
    #[serde(default)]
    explicit_args: usize,
}

#[derive(Deserialize)]
struct CaseQuery {
    output: String,
    #[serde(default)]
    params: Vec<String>,
}

/// What is printed for a case.
#[derive(Serialize)]
struct Report {
    name: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    roots: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nodes: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unused_rules: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lookups: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<String>>,
    millis: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1);
    let (Some(path), None) = (args.next(), args.next()) else {
        return Err("usage: solve CASES.json".into());
    };
    let text = std::fs::read_to_string(&path)
        .map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
    let file: CaseFile = serde_json::from_str(&text)?;
    let mut out = std::io::stdout().lock();
    for case in &file.cases {
        writeln!(out, "{}", serde_json::to_string(&run(case)?)?)?;
    }
    Ok(())
}

fn run(case: &Case) -> Result<Report, Box<dyn Error>> {
    let mut rules = RuleSet::new();
    for rule in &case.rules {
        let rule = read_rule(&mut rules, rule)?;
        rules.add_rule(rule);
    }
    let queries = read_queries(&mut rules, &case.queries)?;
    let lookups = read_queries(&mut rules, &case.lookups)?;
    let start = Instant::now();
    let result = solve(&rules, &queries);
    let millis = start.elapsed().as_secs_f64() * 1000.0;
    let mut report = Report {
        name: case.name.clone(),
        outcome: if result.is_ok() { "ok" } else { "error" },
        kind: None,
        roots: None,
        nodes: None,
        unused_rules: None,
        lookups: None,
        errors: None,
        millis,
    };
    match result {
        Ok(graph) => {
            let printer = Printer {
                rules: &rules,
                graph: &graph,
            };
            report.roots = Some(printer.roots());
            report.nodes = Some(
                graph
                    .instances()
                    .iter()
                    .map(|at| printer.node(at))
                    .collect(),
            );
            report.unused_rules = Some(printer.unused_rules());
            let lookups = lookups.iter().map(|wanted| printer.lookup(wanted));
            report.lookups = (!case.lookups.is_empty()).then(|| lookups.collect());
        }
        Err(errors) => {
            report.kind = Some(kind(&errors));
            report.errors = Some(errors.iter().map(|error| error.diag.render()).collect());
        }
    }
    Ok(report)
}

fn read_rule(rules: &mut RuleSet, rule: &CaseRule) -> Result<Rule, Box<dyn Error>> {
    let mut gets = Vec::new();
    for get in &rule.gets {
        gets.push(Get {
            in_scope: match &get.in_scope {
                Some(types) => Some(read_types(rules, types)?),
                None => None,
            },
            call: get.call.as_deref().map(Arc::from),
            explicit_args: get.explicit_args,
            ..Get::new(
                rules.add_type(&get.output)?,
                read_types(rules, &get.inputs)?,
            )
        });
    }
    Ok(Rule {
        inputs: read_types(rules, &rule.inputs)?,
        gets,
        masked: read_types(rules, &rule.masked)?,
        ..Rule::new(rule.name.as_str(), rules.add_type(&rule.output)?)
    })
}

fn read_types(rules: &mut RuleSet, names: &[String]) -> Result<Vec<TypeIx>, Box<dyn Error>> {
    let types = names.iter().map(|name| Ok(rules.add_type(name)?));
    types.collect()
}

fn read_queries(rules: &mut RuleSet, queries: &[CaseQuery]) -> Result<Vec<Query>, Box<dyn Error>> {
    let mut list = Vec::new();
    for query in queries {
        let output = rules.add_type(&query.output)?;
        list.push(Query::new(output, read_types(rules, &query.params)?));
    }
    Ok(list)
}

fn kind(errors: &[SolveError]) -> &'static str {
    let kinds: BTreeSet<ErrorKind> = errors.iter().map(|error| error.kind).collect();
    let mut kinds = kinds.into_iter();
    match (kinds.next(), kinds.next()) {
        (None, _) => "empty_report",
        (Some(_), Some(_)) => "mixed",
        (Some(ErrorKind::DuplicateRule), _) => "duplicate_rule_id",
        (Some(ErrorKind::NoSource), _) => "no_source",
        (Some(ErrorKind::Ambiguous), _) => "ambiguous",
        (Some(ErrorKind::Masked), _) => "masked",
        (Some(ErrorKind::Budget), _) => "budget",
        (Some(ErrorKind::Internal), _) => "internal",
    }
}

/// Writes a solved graph in the terms of the case file.
struct Printer<'p> {
    rules: &'p RuleSet,
    graph: &'p RuleGraph,
}

impl Printer<'_> {
    fn names(&self, types: &[TypeIx]) -> BTreeSet<&str> {
        types.iter().map(|ix| self.rules.type_name(*ix)).collect()
    }

    fn roots(&self) -> Vec<Value> {
        let root = |root: &kiln_rule_graph::Root| {
            json!({
                "query": {
                    "output": self.rules.type_name(root.query.output()),
                    "params": self.names(root.query.params()),
                },
                "via": self.via(&root.source),
            })
        };
        self.graph.roots().iter().map(root).collect()
    }

    fn via(&self, source: &Source) -> Value {
        match source {
            Source::Param(ix) => json!({ "param": self.rules.type_name(*ix) }),
            Source::Instance(id) => self.identity(self.graph.instance(*id)),
            Source::Union(_) => Value::Null,
        }
    }

    fn identity(&self, instance: &Instance) -> Value {
        let params = self.names(&instance.live);
        match &instance.body {
            Body::Rule {
                rule,
                explicit_args,
            } => {
                let rule = &*self.rules.rule(*rule).name;
                match explicit_args {
                    0 => json!({ "rule": rule, "params": params }),
                    n => json!({ "rule": rule, "params": params, "explicit_args": n }),
                }
            }
            Body::Reentry { query, .. } => json!({
                "reentry": self.rules.type_name(query.output()),
                "query_params": self.names(query.params()),
                "params": params,
            }),
        }
    }

    fn node(&self, instance: &Instance) -> Value {
        let mut deps = BTreeMap::new();
        let mut add = |need: Value, source: &Source| {
            let dep = json!({ "for": need, "via": self.via(source) });
            deps.insert(dep["for"].to_string(), dep);
        };
        let input = |ix: &TypeIx| json!({ "output": self.rules.type_name(*ix) });
        match &instance.body {
            Body::Rule {
                rule,
                explicit_args,
            } => {
                let rule = self.rules.rule(*rule);
                let inputs = rule.inputs[*explicit_args..].iter();
                inputs
                    .zip(&instance.args)
                    .for_each(|(ix, source)| add(input(ix), source));
                let gets = rule.gets.iter().zip(&instance.gets);
                gets.for_each(|(get, source)| add(self.need(get), source));
            }
            Body::Reentry {
                inputs,
                provided,
                query,
                ..
            } => {
                let sources = inputs.iter().zip(&instance.args);
                sources.for_each(|(ix, source)| add(input(ix), source));
                // A type that is both provided and in scope is written as a param of its own.
                for ix in self.provided_in_scope(provided, query) {
                    add(input(&ix), &Source::Param(ix));
                }
            }
        }
        let mut node = self.identity(instance);
        node["deps"] = deps.into_values().collect();
        node
    }

    fn need(&self, get: &Get) -> Value {
        let mut need = json!({ "output": self.rules.type_name(get.output) });
        if !get.provides.is_empty() {
            need["inputs"] = json!(self.names(&get.provides));
        }
        if let Some(types) = &get.in_scope {
            need["in_scope"] = json!(self.names(types));
        }
        if let Some(call) = &get.call {
            need["call"] = json!(**call);
        }
        if get.explicit_args > 0 {
            need["explicit_args"] = json!(get.explicit_args);
        }
        need
    }

    fn provided_in_scope(&self, provided: &[TypeIx], query: &Query) -> Vec<TypeIx> {
        let gets = self.rules.rules().iter().flat_map(|rule| &rule.gets);
        let mut shared = Vec::new();
        for get in gets.filter(|get| get.output == query.output()) {
            let Some(in_scope) = &get.in_scope else {
                continue;
            };
            let visible = get.provides.iter().chain(in_scope).copied();
            let same_query = Query::new(get.output, visible) == *query;
            if same_query
                && Query::new(get.output, get.provides.iter().copied()).params() == provided
            {
                shared.extend(in_scope.iter().filter(|ix| provided.contains(ix)));
            }
        }
        shared
    }

    fn unused_rules(&self) -> Vec<Value> {
        let unused = self.graph.unused_rules(self.rules).into_iter();
        unused
            .map(|rule| json!(*self.rules.rule(rule).name))
            .collect()
    }

    fn lookup(&self, wanted: &Query) -> Value {
        let found = match self.graph.lookup(wanted.output(), wanted.params()) {
            Ok(root) => json!({
                "query": self.rules.type_name(root.query.output()),
                "params": self.names(root.query.params()),
            }),
            Err(LookupError::MoreThanOne { .. }) => json!({ "error": "more_than_one" }),
            Err(LookupError::NotFromTheseParams { .. }) => {
                json!({ "error": "no_query_for_params" })
            }
            Err(LookupError::UnknownOutput { .. }) => json!({ "error": "no_query_for_type" }),
        };
        json!({
            "output": self.rules.type_name(wanted.output()),
            "params": self.names(wanted.params()),
            "expect": found,
        })
    }
}
