//! `env check`: proves that targets fit their environments, before anything runs.

use std::io::Write;
use std::sync::Arc;

use kiln_diag::Diag;
use kiln_rules_core::environments::{Declared, EnvironmentKey, LOCAL, LOCAL_WORKSPACE};
use kiln_rules_core::fit::{Finding, FitReport, FitRequest, InUse, Kind};
use kiln_rules_core::patterns::{Purpose, SelectedTarget};
use serde_json::{Value, json};

use crate::command::env::Env;
use crate::command::inspect::selected_for;
use crate::command::run::Outcome;
use crate::configuration::configuration;
use crate::show::{errors, written};

/// What is checked if nothing is named.
const EVERYTHING: &str = "//...";

impl Env<'_> {
    /// Checks the targets that patterns match with all that they need; without patterns all of them,
    /// and the environments themselves.
    pub(super) async fn check(&self, words: &[String]) -> Result<Outcome, Vec<Diag>> {
        let mut findings = match words.is_empty() {
            true => self.names().await,
            false => Vec::new(),
        };
        let patterns = match words.is_empty() {
            true => vec![EVERYTHING.to_owned()],
            false => words.to_vec(),
        };
        let found = selected_for(self.context, self.asking, patterns, Purpose::Build).await;
        let found = found.map_err(|error| vec![error])?;
        findings.extend(found.errors.iter().map(|error| alone(Kind::Loading, error)));
        let report = self.fit(&found.targets).await;
        self.asking.made.settled().await;
        let report = match report {
            Ok(report) => report,
            Err(error) => {
                // Without a configuration there is nothing to look at.
                if !findings.iter().any(|known| same(&known.diag, &error)) {
                    findings.push(alone(Kind::Environment, &error));
                }
                Arc::new(FitReport {
                    findings: Vec::new(),
                    environments: Vec::new(),
                })
            }
        };
        for finding in &report.findings {
            if !findings
                .iter()
                .any(|known| same(&known.diag, &finding.diag))
            {
                findings.push(finding.clone());
            }
        }
        self.tell(found.targets.len(), &report, &findings)
    }

    async fn fit(&self, targets: &[SelectedTarget]) -> Result<Arc<FitReport>, Diag> {
        let (session, repos) = (&self.asking.session, &self.asking.repos);
        let options = &self.context.options;
        let caller = &self.context.environment;
        let configuration = configuration(options, session, repos, &self.options, caller).await?;
        let request = FitRequest {
            targets: targets.iter().map(|target| target.label.clone()).collect(),
            probe: true,
        };
        let key = (request, configuration, self.options.clone(), repos.clone());
        session.query::<FitReport, _>(key).await
    }

    /// What is wrong with environments themselves, whether or not anything is built there: their
    /// labels and fields, and fallbacks that lead nowhere.
    async fn names(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for name in self.options.names.keys() {
            let key = EnvironmentKey(name.clone());
            let key = (key, self.options.clone(), self.asking.repos.clone());
            let declared = self.asking.session.query::<Declared, _>(key).await;
            let finding = |diag: Diag| Finding {
                environment: Some(name.clone()),
                ..alone(Kind::Environment, &diag)
            };
            let target = match declared {
                Ok(declared) => declared.0.clone(),
                Err(error) => {
                    findings.push(finding(error));
                    continue;
                }
            };
            let Some(fallback) = &target.fallback else {
                continue;
            };
            let special = [LOCAL, LOCAL_WORKSPACE];
            if special.contains(&&**fallback) || self.options.names.contains_key(fallback) {
                continue;
            }
            let known = self.options.names.keys().map(|name| &**name);
            let diag = Diag::build(format!(
                "`fallback_environment` of `{}` is `{fallback}`, and no environment has that name",
                target.label
            ));
            let diag = diag
                .at(target.span.clone())
                .did_you_mean(fallback, known.chain(special))
                .hint("`kiln env list` shows the names");
            findings.push(finding(diag));
        }
        findings
    }

    fn tell(
        &self,
        targets: usize,
        report: &FitReport,
        findings: &[Finding],
    ) -> Result<Outcome, Vec<Diag>> {
        let failed: Vec<Diag> = findings.iter().map(|one| one.diag.clone()).collect();
        let code = failed.iter().map(Diag::exit_code).max().unwrap_or(0);
        let text = match self.json() {
            true => {
                let found = findings.iter().map(as_json);
                let end = json!({
                    "checked": targets,
                    "errors": findings.len(),
                    "environments": report.environments.iter().map(environment).collect::<Vec<_>>(),
                });
                let lines = found.chain([end]).map(|value| format!("{value}\n"));
                lines.collect()
            }
            false => {
                errors(&failed);
                summary(targets, report, findings.len())
            }
        };
        written(std::io::stdout().write_all(text.as_bytes())).map_err(|error| vec![error])?;
        Ok(Outcome::Exit(code))
    }
}

/// Whether two errors are about one thing: one may come with how it was found.
fn same(one: &Diag, other: &Diag) -> bool {
    one.message() == other.message()
        && one.span() == other.span()
        && other.notes().len() <= one.notes().len()
}

fn alone(kind: Kind, diag: &Diag) -> Finding {
    Finding {
        kind,
        diag: diag.clone(),
        chain: Vec::new(),
        environment: None,
        concerns: Vec::new(),
    }
}

fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

fn summary(targets: usize, report: &FitReport, findings: usize) -> String {
    let mut text = match targets {
        1 => "checked 1 target and what it needs".to_owned(),
        targets => format!("checked {targets} targets and what they need"),
    };
    text += &match findings {
        0 => ": all fit\n".to_owned(),
        count => format!(": {}\n", counted(count, "mistake")),
    };
    for one in &report.environments {
        let name = match &*one.name {
            "" => "this machine",
            name => name,
        };
        text += &format!("  {name}: {}", counted(one.targets, "target"));
        if let Some(answer) = &one.answer {
            text += &format!("; asked just now: {answer}");
        }
        text.push('\n');
    }
    text
}

fn environment(one: &InUse) -> Value {
    let name = Some(&*one.name).filter(|name| !name.is_empty());
    json!({"name": name, "targets": one.targets, "answer": one.answer})
}

fn as_json(finding: &Finding) -> Value {
    let diag = &finding.diag;
    let labels = |labels: &[kiln_address::Label]| -> Vec<String> {
        labels.iter().map(ToString::to_string).collect()
    };
    let notes: Vec<&str> = diag.notes().iter().map(|note| &*note.message).collect();
    json!({
        "kind": finding.kind.name(),
        "message": diag.message(),
        "file": diag.span().map(|span| &*span.file),
        "line": diag.span().map(|span| span.line),
        "column": diag.span().map(|span| span.column),
        "environment": finding.environment.as_deref(),
        "chain": labels(&finding.chain),
        "targets": labels(&finding.concerns),
        "notes": notes,
        "hints": diag.hints(),
    })
}
