//! Questions about the target graph as written, all branches of every `select` (Bazel: query).

mod evaluate;
mod parse;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kiln_address::{Label, RepoMapping};
use kiln_base::RelPath;
use kiln_diag::Diag;
use kiln_rules::{Param, Product, RuleCx, RuleDef, rule, rules};

use crate::keys::TargetKey;
use crate::patterns::{Selected, Selection};
use crate::targets::LoadedTarget;

pub(crate) use parse::{Expr, Set, parse};

/// A query.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QueryRequest {
    /// The expression.
    pub text: String,
    /// The current folder, relative to the root.
    pub cwd: RelPath,
    /// Whether what rules depend on by themselves counts (`--implicit_deps`).
    pub implicit: bool,
    /// Whether what cannot be loaded is left out (`-k`).
    pub keep_going: bool,
}
impl Param for QueryRequest {}

/// The answer: targets with their kinds, sorted by label.
#[derive(Debug, PartialEq, Eq)]
pub struct QueryAnswer {
    /// The targets.
    pub targets: BTreeMap<Label, Arc<str>>,
    /// What could not be loaded (with `keep_going`).
    pub errors: Vec<Diag>,
}
impl Product for QueryAnswer {}

/// Answers a query.
#[rule(gets(Selection -> Selected, TargetKey -> LoadedTarget))]
pub async fn query_answer(cx: &RuleCx, request: Arc<QueryRequest>) -> Result<QueryAnswer, Diag> {
    let expression = parse(&request.text)?;
    let mut evaluation = evaluate::Evaluation::new(cx, &request);
    let labels: BTreeSet<Label> = evaluation.evaluate(&expression).await?;
    let mut targets = BTreeMap::new();
    for label in labels {
        let kind = evaluation.kind(&label).await?;
        targets.insert(label, kind);
    }
    Ok(QueryAnswer {
        targets,
        errors: evaluation.into_errors(),
    })
}

/// How a label is printed: without `@@` for the root, by its apparent name for others where the
/// root has one.
pub fn shown_label(label: &Label, mapping: &RepoMapping) -> String {
    let repo = label.repo();
    if repo.is_root() {
        return label.to_string();
    }
    let names = mapping.names();
    let name = names
        .filter(|(_, meaning)| *meaning == repo)
        .map(|(name, _)| name)
        .next();
    let package = &label.package().path;
    match (name, RepoMapping::undefined(repo)) {
        (Some(name), _) | (None, Some(name)) => format!("@{name}//{package}:{}", label.name()),
        (None, None) => label.to_string(),
    }
}

/// The rules of this module.
pub fn rules() -> Vec<&'static RuleDef> {
    rules![query_answer]
}
