//! `list`, `query`, `dependencies`, `dependents`, `peek`.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use kiln_address::{Label, RepoMapping};
use kiln_diag::Diag;
use kiln_rules_core::keys::{RepoOptions, TargetKey};
use kiln_rules_core::patterns::{Purpose, Selected, Selection};
use kiln_rules_core::query::{QueryAnswer, QueryRequest, shown_label};
use kiln_rules_core::repos::Repositories;
use kiln_rules_core::targets::{LoadedKind, LoadedTarget};
use kiln_rules_core::test_filters::TestFilters;
use kiln_scheduler::Session;
use kiln_targets::AttrValue;
use serde_json::{Value, json};

use crate::command::context::Context;
use crate::command::run::Outcome;
use crate::engine::Made;
use crate::show::{errors, written};

/// An engine that answers questions, and the names to answer with.
pub(super) struct Asking {
    // The engine must outlive its session.
    pub(super) made: Made,
    pub(super) session: Session,
    pub(super) repos: RepoOptions,
    pub(super) mapping: Arc<RepoMapping>,
}

pub(super) async fn asking(context: &Context) -> Result<Asking, Vec<Diag>> {
    let made = context.engine(Arc::new(()))?;
    errors(&made.store_warnings());
    let session = made.engine.session();
    let repos = context.repo_options().map_err(|error| vec![error])?;
    let repositories = session.query::<Repositories, _>((repos.clone(),)).await;
    let repositories = repositories.map_err(|error| vec![error])?;
    let mapping = repositories
        .root()
        .map_err(|error| vec![error])?
        .mapping
        .clone();
    Ok(Asking {
        made,
        session,
        repos,
        mapping,
    })
}

fn patterns(context: &Context) -> Result<Vec<String>, Diag> {
    let patterns: Vec<String> = context
        .options
        .patterns()
        .iter()
        .map(ToString::to_string)
        .collect();
    match patterns.is_empty() {
        false => Ok(patterns),
        true => {
            let verb = context.options.verb().name();
            Err(Diag::usage(format!("`kiln {verb}` needs a target"))
                .hint("`//...` means all targets of the workspace"))
        }
    }
}

/// `list`: the targets that patterns match.
pub(crate) async fn list(context: &Context) -> Result<Outcome, Vec<Diag>> {
    let one = |error: Diag| vec![error];
    let asking = asking(context).await?;
    let patterns = patterns(context).map_err(one)?;
    let selected = selected(context, &asking, patterns).await.map_err(one)?;
    let targets = selected.targets.iter();
    let targets = targets
        .map(|target| (target.label.clone(), target.kind.clone()))
        .collect();
    print(context, &asking.mapping, &targets).map_err(one)?;
    Ok(ended(&selected.errors))
}

/// The targets that patterns match.
pub(super) async fn selected(
    context: &Context,
    asking: &Asking,
    patterns: Vec<String>,
) -> Result<Arc<Selected>, Diag> {
    selected_for(context, asking, patterns, Purpose::List).await
}

/// The same, of those that a command is about which has this purpose.
pub(super) async fn selected_for(
    context: &Context,
    asking: &Asking,
    patterns: Vec<String>,
    purpose: Purpose,
) -> Result<Arc<Selected>, Diag> {
    let selection = Selection {
        patterns,
        cwd: context.workspace()?.cwd.clone(),
        purpose,
        build_tags: Vec::new(),
        tests: TestFilters::default(),
        manual_tests: false,
        keep_going: context.options.keep_going(),
    };
    asking
        .session
        .query::<Selected, _>((selection, asking.repos.clone()))
        .await
}

/// `query`: the answer to an expression.
pub(crate) async fn query(context: &Context) -> Result<Outcome, Vec<Diag>> {
    let words = patterns(context).map_err(|error| vec![error])?;
    answer(context, words.join(" ")).await
}

/// `dependencies` and `dependents`: what is next to targets in the graph, or all the way.
pub(crate) async fn closure(context: &Context) -> Result<Outcome, Vec<Diag>> {
    let options = &context.options;
    let quoted: Vec<String> = patterns(context)
        .map_err(|error| vec![error])?
        .iter()
        .map(|pattern| format!("\"{pattern}\""))
        .collect();
    let roots = format!("set({})", quoted.join(" "));
    let depth = if options.transitive() { "" } else { ", 1" };
    let all = match options.verb() {
        kiln_options::Verb::Dependents => format!("rdeps(//..., {roots}{depth})"),
        _ => format!("deps({roots}{depth})"),
    };
    let text = if options.closed() {
        all
    } else {
        format!("{all} - {roots}")
    };
    answer(context, text).await
}

async fn answer(context: &Context, text: String) -> Result<Outcome, Vec<Diag>> {
    let one = |error: Diag| vec![error];
    let asking = asking(context).await?;
    let request = QueryRequest {
        text,
        cwd: context.workspace().map_err(one)?.cwd.clone(),
        implicit: context.options.implicit_deps(),
        keep_going: context.options.keep_going(),
    };
    let answer = asking
        .session
        .query::<QueryAnswer, _>((request, asking.repos.clone()))
        .await;
    // cli.md 1.4: a query that fails is 7, whoever is to blame; a wrong one is still 2.
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) if error.exit_code() == 1 => {
            errors(&[error]);
            return Ok(Outcome::Exit(7));
        }
        Err(error) => return Err(one(error)),
    };
    print(context, &asking.mapping, &answer.targets).map_err(one)?;
    match answer.errors.is_empty() {
        true => Ok(Outcome::Exit(0)),
        false => {
            errors(&answer.errors);
            Ok(Outcome::Exit(3))
        }
    }
}

fn ended(found: &[Diag]) -> Outcome {
    errors(found);
    Outcome::Exit(found.iter().map(Diag::exit_code).max().unwrap_or(0))
}

/// One line a target, or one JSON object a target.
fn print(
    context: &Context,
    mapping: &RepoMapping,
    targets: &BTreeMap<Label, Arc<str>>,
) -> Result<u8, Diag> {
    let options = &context.options;
    let kinds = match options.output() {
        Some("label_kind") => true,
        None | Some("label") => false,
        Some(other) => {
            return Err(Diag::usage(format!("`--output={other}` is not known"))
                .did_you_mean(other, ["label", "label_kind"])
                .hint("`label` and `label_kind` are"));
        }
    };
    let json = options.format() == "json";
    let mut text = String::new();
    for (label, kind) in targets {
        let label = shown_label(label, mapping);
        match (json, kinds) {
            (true, _) => text.push_str(&json!({"label": label, "kind": &**kind}).to_string()),
            (false, true) => text.push_str(&format!("{kind} {label}")),
            (false, false) => text.push_str(&label),
        }
        text.push('\n');
    }
    written(std::io::stdout().lock().write_all(text.as_bytes()))
}

/// `peek`: targets with their attributes, as a JSON list.
pub(crate) async fn peek(context: &Context) -> Result<Outcome, Vec<Diag>> {
    let one = |error: Diag| vec![error];
    let asking = asking(context).await?;
    let selection = Selection {
        patterns: patterns(context).map_err(one)?,
        cwd: context.workspace().map_err(one)?.cwd.clone(),
        purpose: Purpose::List,
        build_tags: Vec::new(),
        tests: TestFilters::default(),
        manual_tests: false,
        keep_going: context.options.keep_going(),
    };
    let selected = asking
        .session
        .query::<Selected, _>((selection, asking.repos.clone()))
        .await;
    let selected = selected.map_err(one)?;
    let mut list = Vec::new();
    for target in &selected.targets {
        let key = (TargetKey(target.label.clone()), asking.repos.clone());
        let loaded = asking
            .session
            .query::<LoadedTarget, _>(key)
            .await
            .map_err(one)?;
        list.push(peeked(
            target.label.clone(),
            &target.kind,
            &loaded,
            &asking.mapping,
            context,
        ));
    }
    let text = serde_json::to_string_pretty(&list)
        .map_err(|error| one(Diag::internal(error.to_string())))?;
    written(writeln!(std::io::stdout(), "{text}")).map_err(one)?;
    Ok(ended(&selected.errors))
}

fn peeked(
    label: Label,
    kind: &str,
    loaded: &LoadedTarget,
    mapping: &RepoMapping,
    context: &Context,
) -> Value {
    let mut object = serde_json::Map::new();
    object.insert("label".to_owned(), json!(shown_label(&label, mapping)));
    object.insert("kind".to_owned(), json!(kind));
    if let LoadedKind::Rule(def) = &loaded.kind {
        object.insert("declared_at".to_owned(), json!(def.span.to_string()));
        let mut attrs = serde_json::Map::new();
        for (schema, value) in def.all_attrs() {
            let hidden = schema.name.starts_with('_') || schema.name.starts_with('$');
            let left_out = context.options.exclude_defaults() && !def.is_given(&schema.name);
            if !hidden && !left_out {
                attrs.insert(schema.name.to_string(), attr_json(value, mapping));
            }
        }
        object.insert("attributes".to_owned(), Value::Object(attrs));
    }
    Value::Object(object)
}

pub(super) fn attr_json(value: &AttrValue, mapping: &RepoMapping) -> Value {
    let key = |value: &AttrValue| match attr_json(value, mapping) {
        Value::String(text) => text,
        other => other.to_string(),
    };
    match value {
        AttrValue::None => Value::Null,
        AttrValue::Bool(value) => json!(value),
        AttrValue::Int(value) => json!(value),
        AttrValue::String(text) => json!(&**text),
        AttrValue::Label(label) => json!(shown_label(label, mapping)),
        AttrValue::List(items) => items.iter().map(|item| attr_json(item, mapping)).collect(),
        AttrValue::Dict(entries) => entries
            .iter()
            .map(|(k, v)| (key(k), attr_json(v, mapping)))
            .collect(),
        AttrValue::Select(select) => {
            let branches = select.branches.iter().map(|(condition, value)| {
                let condition = match condition {
                    kiln_targets::SelectKey::Default => "//conditions:default".to_owned(),
                    kiln_targets::SelectKey::Setting(label) => shown_label(label, mapping),
                };
                (condition, attr_json(value, mapping))
            });
            json!({"select": branches.collect::<serde_json::Map<String, Value>>()})
        }
        AttrValue::Concat(parts) => {
            json!({"concat": parts.iter().map(|part| attr_json(part, mapping)).collect::<Vec<_>>()})
        }
    }
}
