//! The solved graph as DOT and JSON (RG-049).

use std::fmt::{self, Write};

use crate::dependencies::{Dependency, dependencies};
use crate::graph::{Body, Instance, RuleGraph, Source};
use crate::rule_set::{RuleSet, TypeIx};

/// The graph in the DOT language: queries as ellipses, rules as boxes, edges labelled with what
/// is asked for. Inputs that are params are part of the rule's own label.
pub fn to_dot(rules: &RuleSet, graph: &RuleGraph) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_dot(&mut out, rules, graph);
    out
}

/// The graph as one JSON object with `instances` and `roots`; an instance is referred to by its
/// place in the list.
pub fn to_json(rules: &RuleSet, graph: &RuleGraph) -> String {
    let mut out = String::new();
    let _ = write_json(&mut out, rules, graph);
    out
}

fn write_dot(out: &mut String, rules: &RuleSet, graph: &RuleGraph) -> fmt::Result {
    out.push_str("digraph rules {\n  node [shape=box];\n");
    for (at, root) in graph.roots().iter().enumerate() {
        let label = format!(
            "{}\n({})",
            rules.type_name(root.query.output()),
            names(rules, root.query.params())
        );
        writeln!(out, "  q{at} [shape=ellipse, label={}];", quoted(&label))?;
        match &root.source {
            Source::Instance(to) => writeln!(out, "  q{at} -> i{};", to.index())?,
            _ => writeln!(out, "  q{at} -> q{at} [label=\"its own param\"];")?,
        }
    }
    for (at, instance) in graph.instances().iter().enumerate() {
        let label = format!(
            "{}\n({})",
            title(rules, instance),
            names(rules, &instance.live)
        );
        writeln!(out, "  i{at} [label={}];", quoted(&label))?;
        for dependency in dependencies(rules, instance) {
            if let Source::Instance(to) = dependency.source {
                let label = need(rules, &dependency);
                writeln!(
                    out,
                    "  i{at} -> i{} [label={}];",
                    to.index(),
                    quoted(&label)
                )?;
            }
        }
    }
    out.push_str("}\n");
    Ok(())
}

fn write_json(out: &mut String, rules: &RuleSet, graph: &RuleGraph) -> fmt::Result {
    out.push_str("{\"instances\":[");
    for (at, instance) in graph.instances().iter().enumerate() {
        out.push_str(if at == 0 { "\n" } else { ",\n" });
        write_instance(out, rules, instance)?;
    }
    out.push_str("\n],\"roots\":[");
    for (at, root) in graph.roots().iter().enumerate() {
        out.push_str(if at == 0 { "\n" } else { ",\n" });
        write!(
            out,
            "{{\"output\":{},\"params\":{},\"source\":{}}}",
            quoted(rules.type_name(root.query.output())),
            json_types(rules, root.query.params()),
            json_source(rules, &root.source)
        )?;
    }
    out.push_str("\n]}\n");
    Ok(())
}

fn write_instance(out: &mut String, rules: &RuleSet, instance: &Instance) -> fmt::Result {
    match &instance.body {
        Body::Rule {
            rule,
            explicit_args,
        } => {
            let rule = rules.rule(*rule);
            write!(
                out,
                "{{\"rule\":{},\"output\":{},\"file\":{},\"line\":{},\"explicit_args\":{explicit_args}",
                quoted(&rule.name),
                quoted(rules.type_name(rule.output)),
                quoted(&rule.file),
                rule.line
            )?;
        }
        Body::Reentry { query, .. } => write!(
            out,
            "{{\"reentry\":{},\"query_params\":{}",
            quoted(rules.type_name(query.output())),
            json_types(rules, query.params())
        )?,
    }
    write!(
        out,
        ",\"params\":{},\"dependencies\":[",
        json_types(rules, &instance.live)
    )?;
    for (at, dependency) in dependencies(rules, instance).iter().enumerate() {
        out.push_str(if at == 0 { "" } else { "," });
        write_dependency(out, rules, dependency)?;
    }
    out.push_str("]}");
    Ok(())
}

fn write_dependency(out: &mut String, rules: &RuleSet, dependency: &Dependency) -> fmt::Result {
    write!(
        out,
        "{{\"output\":{},\"provides\":{}",
        quoted(rules.type_name(dependency.output)),
        json_types(rules, &dependency.provides)
    )?;
    if let Some(in_scope) = &dependency.in_scope {
        write!(out, ",\"in_scope\":{}", json_types(rules, in_scope))?;
    }
    if let Some(call) = &dependency.call {
        write!(out, ",\"call\":{}", quoted(call))?;
    }
    write!(
        out,
        ",\"source\":{}}}",
        json_source(rules, &dependency.source)
    )
}

fn json_source(rules: &RuleSet, source: &Source) -> String {
    match source {
        Source::Param(ix) => format!("{{\"param\":{}}}", quoted(rules.type_name(*ix))),
        Source::Instance(to) => format!("{{\"instance\":{}}}", to.index()),
        Source::Union(_) => "null".to_owned(),
    }
}

fn json_types(rules: &RuleSet, types: &[TypeIx]) -> String {
    let mut list: Vec<String> = types
        .iter()
        .map(|ix| quoted(rules.type_name(*ix)))
        .collect();
    list.sort();
    format!("[{}]", list.join(","))
}

/// What runs, in a few words.
pub(crate) fn title(rules: &RuleSet, instance: &Instance) -> String {
    match &instance.body {
        Body::Rule {
            rule,
            explicit_args: 0,
        } => rules.rule(*rule).name.to_string(),
        Body::Rule {
            rule,
            explicit_args,
        } => {
            format!("{} with {explicit_args} given", rules.rule(*rule).name)
        }
        Body::Reentry { query, .. } => {
            format!("only from {}", names(rules, query.params()))
        }
    }
}

/// What is asked for: "Output", "Output from Input".
pub(crate) fn need(rules: &RuleSet, dependency: &Dependency) -> String {
    let output = rules.type_name(dependency.output);
    match dependency.provides.is_empty() {
        true => output.to_owned(),
        false => format!("{output} from {}", names(rules, &dependency.provides)),
    }
}

/// Names of types, sorted: "A, B".
pub(crate) fn names(rules: &RuleSet, types: &[TypeIx]) -> String {
    let mut list: Vec<&str> = types.iter().map(|ix| rules.type_name(*ix)).collect();
    list.sort();
    list.join(", ")
}

/// A string literal, good for JSON and for DOT.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if (c as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
