//! Evaluating a query over loaded packages.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use kiln_address::{Label, RepoMapping};
use kiln_diag::Diag;
use kiln_rules::RuleCx;
use kiln_targets::{AttrValue, RuleKind, TargetDef};
use regex_lite::Regex;

use crate::keys::TargetKey;
use crate::patterns::{Purpose, Selected, Selection};
use crate::query::{Expr, QueryRequest, Set, query_answer};
use crate::targets::{LoadedKind, LoadedTarget};
use crate::test_filters::TestFilters;

type Labels = BTreeSet<Label>;

/// A query on its way.
pub(crate) struct Evaluation<'a> {
    cx: &'a RuleCx<query_answer>,
    request: &'a QueryRequest,
    variables: BTreeMap<String, Labels>,
    loaded: HashMap<Label, Option<Arc<LoadedTarget>>>,
    errors: Vec<Diag>,
}

impl<'a> Evaluation<'a> {
    pub(crate) fn new(cx: &'a RuleCx<query_answer>, request: &'a QueryRequest) -> Self {
        Evaluation {
            cx,
            request,
            variables: BTreeMap::new(),
            loaded: HashMap::new(),
            errors: Vec::new(),
        }
    }

    pub(crate) fn into_errors(self) -> Vec<Diag> {
        self.errors
    }

    /// The kind of a target: `cc_library rule`, `source file`, …
    pub(crate) async fn kind(&mut self, label: &Label) -> Result<Arc<str>, Diag> {
        Ok(
            match self
                .load(label)
                .await?
                .as_deref()
                .map(|loaded| &loaded.kind)
            {
                Some(LoadedKind::Rule(def)) => Arc::from(def.rule.kind_text()),
                Some(LoadedKind::Output(_)) => Arc::from("generated file"),
                Some(LoadedKind::Source { .. }) => Arc::from("source file"),
                Some(LoadedKind::Group(_)) => Arc::from("package group"),
                Some(LoadedKind::Members(_)) => Arc::from("parametrized target"),
                None => Arc::from("unavailable"),
            },
        )
    }

    pub(crate) fn evaluate<'s>(
        &'s mut self,
        expr: &'s Expr,
    ) -> BoxFuture<'s, Result<Labels, Diag>> {
        async move {
            match expr {
                Expr::Pattern(text) => self.pattern(vec![text.clone()]).await,
                Expr::Words(words) if words.is_empty() => Ok(Labels::new()),
                Expr::Words(words) => self.pattern(words.clone()).await,
                Expr::Variable(name) => self.variables.get(name).cloned().ok_or_else(|| {
                    Diag::usage(format!("invalid query: variable `${name}` is not defined"))
                        .did_you_mean(name, self.variables.keys().map(String::as_str))
                }),
                Expr::Let(name, value, body) => {
                    let value = self.evaluate(value).await?;
                    let outer = self.variables.insert(name.clone(), value);
                    let result = self.evaluate(body).await;
                    match outer {
                        Some(outer) => self.variables.insert(name.clone(), outer),
                        None => self.variables.remove(name),
                    };
                    result
                }
                Expr::Combine(set, left, right) => {
                    let left = self.evaluate(left).await?;
                    let right = self.evaluate(right).await?;
                    Ok(match set {
                        Set::Union => left.union(&right).cloned().collect(),
                        Set::Except => left.difference(&right).cloned().collect(),
                        Set::Intersect => left.intersection(&right).cloned().collect(),
                    })
                }
                Expr::Call(name, arguments) => self.call(name, arguments).await,
            }
        }
        .boxed()
    }

    async fn pattern(&mut self, patterns: Vec<String>) -> Result<Labels, Diag> {
        let selection = Selection {
            patterns,
            cwd: self.request.cwd.clone(),
            purpose: Purpose::List,
            build_tags: Vec::new(),
            tests: TestFilters::default(),
            manual_tests: false,
            keep_going: self.request.keep_going,
        };
        let selected = self.cx.get::<Selected, _>((selection,)).await?;
        self.errors.extend(selected.errors.iter().cloned());
        Ok(selected
            .targets
            .iter()
            .map(|target| target.label.clone())
            .collect())
    }

    async fn call(&mut self, name: &str, arguments: &[Expr]) -> Result<Labels, Diag> {
        match (name, arguments) {
            ("deps", [roots, depth @ ..]) => {
                let depth = depth.first().map(number).transpose()?;
                let roots = self.evaluate(roots).await?;
                Ok(self.closure(roots, depth).await?.into_keys().collect())
            }
            ("rdeps" | "allrdeps", [universe, roots, depth @ ..]) => {
                let depth = depth.first().map(number).transpose()?;
                let universe = self.evaluate(universe).await?;
                let roots = self.evaluate(roots).await?;
                self.dependents(universe, roots, depth).await
            }
            ("allrdeps", _) => Err(
                Diag::usage("invalid query: `allrdeps` needs a universe here")
                    .hint("write `rdeps(//..., <target>)`"),
            ),
            ("kind", [pattern, of]) => {
                let regex = regex(pattern)?;
                let mut found = Labels::new();
                for label in self.evaluate(of).await? {
                    if regex.is_match(&self.kind(&label).await?) {
                        found.insert(label);
                    }
                }
                Ok(found)
            }
            ("filter", [pattern, of]) => {
                let regex = regex(pattern)?;
                let labels = self.evaluate(of).await?;
                Ok(labels
                    .into_iter()
                    .filter(|label| regex.is_match(&label.to_string()))
                    .collect())
            }
            ("attr", [attr, pattern, of]) => {
                let (attr, regex) = (text(attr)?, regex(pattern)?);
                let mut found = Labels::new();
                for label in self.evaluate(of).await? {
                    if let Some(def) = self.rule(&label).await?
                        && def
                            .attr(attr)
                            .is_some_and(|value| regex.is_match(&attr_text(value)))
                    {
                        found.insert(label);
                    }
                }
                Ok(found)
            }
            ("labels", [attr, of]) => {
                let attr = text(attr)?;
                let mut found = Labels::new();
                for label in self.evaluate(of).await? {
                    if let Some(def) = self.rule(&label).await?
                        && let Some(value) = def.attr(attr)
                    {
                        value.visit_labels(&mut |label, key| {
                            if !key {
                                found.insert(label.clone());
                            }
                        });
                    }
                }
                Ok(found)
            }
            ("tests", [of]) => self.tests(of).await,
            ("siblings", [of]) => {
                let packages: BTreeSet<String> = self
                    .evaluate(of)
                    .await?
                    .iter()
                    .map(|l| format!("{}:*", l.package()))
                    .collect();
                self.pattern(packages.into_iter().collect()).await
            }
            ("buildfiles", [of]) => self.build_files(of).await,
            ("allpaths" | "somepath", [from, to]) => self.paths(name, from, to).await,
            _ => Err(Diag::internal(format!(
                "query function `{name}` has no meaning"
            ))),
        }
    }

    async fn tests(&mut self, of: &Expr) -> Result<Labels, Diag> {
        let mut found = Labels::new();
        let mut pending: Vec<Label> = self.evaluate(of).await?.into_iter().collect();
        let mut seen = Labels::new();
        while let Some(label) = pending.pop() {
            if !seen.insert(label.clone()) {
                continue;
            }
            let Some(def) = self.rule(&label).await? else {
                continue;
            };
            if def.rule.test {
                found.insert(label);
            } else if matches!(&def.rule.kind, RuleKind::Builtin(kind) if **kind == *"test_suite")
                && let Some(tests) = def.attr("tests")
            {
                tests.visit_labels(&mut |label, _| pending.push(label.clone()));
            }
        }
        Ok(found)
    }

    async fn build_files(&mut self, of: &Expr) -> Result<Labels, Diag> {
        let mut found = Labels::new();
        for label in self.evaluate(of).await? {
            let Some(loaded) = self.load(&label).await? else {
                continue;
            };
            let name = loaded.build_file.file_name().to_owned();
            found.extend(label.package().target(&name).ok());
        }
        Ok(found)
    }

    /// All targets on paths between two sets, or one shortest path.
    async fn paths(&mut self, name: &str, from: &Expr, to: &Expr) -> Result<Labels, Diag> {
        let from = self.evaluate(from).await?;
        let to = self.evaluate(to).await?;
        let below = self.closure(from.clone(), None).await?;
        if name == "allpaths" {
            let universe: Labels = below.keys().cloned().collect();
            let ends: Labels = to
                .into_iter()
                .filter(|label| universe.contains(label))
                .collect();
            return self.dependents(universe, ends, None).await;
        }
        let end = to
            .iter()
            .filter_map(|label| Some((*below.get(label)?, label)))
            .min();
        let Some((_, end)) = end else {
            return Ok(Labels::new());
        };
        // Back from the end, each time to a target that is one step nearer to the start.
        let mut path = Labels::from([end.clone()]);
        let mut at = end.clone();
        while !from.contains(&at) {
            let steps = below.get(&at).copied().unwrap_or(0);
            let mut before = None;
            for (label, distance) in &below {
                if distance + 1 == steps && self.deps(label).await?.contains(&at) {
                    before = Some(label.clone());
                    break;
                }
            }
            let Some(before) = before else { break };
            path.insert(before.clone());
            at = before;
        }
        Ok(path)
    }

    /// All that `roots` depend on, with the number of steps to it; level by level, each level
    /// loaded at once.
    async fn closure(
        &mut self,
        roots: Labels,
        depth: Option<usize>,
    ) -> Result<BTreeMap<Label, usize>, Diag> {
        let mut found: BTreeMap<Label, usize> = roots.iter().cloned().map(|l| (l, 0)).collect();
        let mut level: Vec<Label> = roots.into_iter().collect();
        let mut steps = 0;
        while !level.is_empty() && depth.is_none_or(|depth| steps < depth) {
            self.load_all(&level).await?;
            steps += 1;
            let mut next = Vec::new();
            for label in &level {
                for dep in self.deps(label).await? {
                    if !found.contains_key(&dep) {
                        found.insert(dep.clone(), steps);
                        next.push(dep);
                    }
                }
            }
            level = next;
        }
        Ok(found)
    }

    async fn dependents(
        &mut self,
        universe: Labels,
        roots: Labels,
        depth: Option<usize>,
    ) -> Result<Labels, Diag> {
        let below = self.closure(universe, None).await?;
        let mut back: HashMap<Label, Vec<Label>> = HashMap::new();
        for label in below.keys() {
            for dep in self.deps(label).await? {
                back.entry(dep).or_default().push(label.clone());
            }
        }
        let mut level: Vec<Label> = roots
            .into_iter()
            .filter(|label| below.contains_key(label))
            .collect();
        let mut found: Labels = level.iter().cloned().collect();
        let mut steps = 0;
        while !level.is_empty() && depth.is_none_or(|depth| steps < depth) {
            steps += 1;
            let above = level.iter().filter_map(|label| back.get(label)).flatten();
            level = above
                .filter(|label| !found.contains(*label))
                .cloned()
                .collect();
            found.extend(level.iter().cloned());
        }
        Ok(found)
    }

    /// What a target names directly.
    async fn deps(&mut self, label: &Label) -> Result<Labels, Diag> {
        let mut deps = Labels::new();
        let Some(loaded) = self.load(label).await? else {
            return Ok(deps);
        };
        match &loaded.kind {
            LoadedKind::Rule(def) => {
                for (schema, value) in def.all_attrs() {
                    let implicit = !def.is_given(&schema.name);
                    let named = schema.kind.is_dependency() || value.has_select();
                    if named && (self.request.implicit || !implicit) {
                        value.visit_labels(&mut |label, _| {
                            deps.insert(label.clone());
                        });
                    }
                }
            }
            LoadedKind::Output(owner) => {
                deps.insert(owner.clone());
            }
            LoadedKind::Group(group) => deps.extend(group.includes.iter().cloned()),
            // Which of them is meant is decided in a configuration, and there is none here.
            LoadedKind::Members(members) => {
                deps.extend(members.iter().map(|member| member.label.clone()));
            }
            LoadedKind::Source { .. } => {}
        }
        Ok(deps)
    }

    async fn rule(&mut self, label: &Label) -> Result<Option<Arc<TargetDef>>, Diag> {
        Ok(
            match self
                .load(label)
                .await?
                .as_deref()
                .map(|loaded| &loaded.kind)
            {
                Some(LoadedKind::Rule(def)) => Some(def.clone()),
                _ => None,
            },
        )
    }

    async fn load(&mut self, label: &Label) -> Result<Option<Arc<LoadedTarget>>, Diag> {
        if !self.loaded.contains_key(label) {
            self.load_all(std::slice::from_ref(label)).await?;
        }
        Ok(self.loaded.get(label).cloned().flatten())
    }

    /// Loads targets, all at once. Those of repositories that nobody has are part of the graph,
    /// but nothing is known of them: branches of `select` that are never chosen name such.
    async fn load_all(&mut self, labels: &[Label]) -> Result<(), Diag> {
        let mut wanted = Vec::new();
        for label in labels {
            if self.loaded.contains_key(label) {
                continue;
            }
            match RepoMapping::undefined(label.repo()) {
                Some(_) => {
                    self.loaded.insert(label.clone(), None);
                }
                None => wanted.push(label.clone()),
            }
        }
        let keys = wanted
            .iter()
            .cloned()
            .map(|label| (TargetKey(label),))
            .collect();
        let answers = self.cx.get_each::<LoadedTarget, _>(keys).await;
        for (label, answer) in wanted.into_iter().zip(answers) {
            match answer {
                Ok(loaded) => self.loaded.insert(label, Some(loaded)),
                Err(error) if self.request.keep_going => {
                    if !self.errors.contains(&error) {
                        self.errors.push(error);
                    }
                    self.loaded.insert(label, None)
                }
                Err(error) => return Err(error),
            };
        }
        Ok(())
    }
}

fn text(expr: &Expr) -> Result<&str, Diag> {
    match expr {
        Expr::Pattern(text) => Ok(text),
        _ => Err(Diag::usage("invalid query: expected a text")),
    }
}

fn number(expr: &Expr) -> Result<usize, Diag> {
    let text = text(expr)?;
    let number = text.parse();
    number.map_err(|_| Diag::usage(format!("invalid query: `{text}` is not a number")))
}

fn regex(expr: &Expr) -> Result<Regex, Diag> {
    let text = text(expr)?;
    Regex::new(text).map_err(|error| {
        Diag::usage(format!(
            "invalid query: `{text}` is not a regular expression: {error}"
        ))
    })
}

/// The value of an attribute as `attr()` sees it (Bazel: lists in brackets, booleans as 0 or 1).
fn attr_text(value: &AttrValue) -> String {
    match value {
        AttrValue::None => String::new(),
        AttrValue::Bool(value) => u8::from(*value).to_string(),
        AttrValue::Int(value) => value.to_string(),
        AttrValue::String(text) => text.to_string(),
        AttrValue::Label(label) => label.to_string(),
        AttrValue::List(items) => {
            let items: Vec<String> = items.iter().map(attr_text).collect();
            format!("[{}]", items.join(", "))
        }
        AttrValue::Dict(entries) => {
            let entries = entries.iter();
            let entries: Vec<String> = entries
                .map(|(key, value)| format!("{}: {}", attr_text(key), attr_text(value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        AttrValue::Select(select) => {
            let branches: Vec<String> = select
                .branches
                .iter()
                .map(|(_, value)| attr_text(value))
                .collect();
            branches.join(" ")
        }
        AttrValue::Concat(parts) => {
            let parts: Vec<String> = parts.iter().map(attr_text).collect();
            parts.join(" ")
        }
    }
}
