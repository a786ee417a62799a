//! `env`: the environments that have names, and which of them targets are built in.

use std::io::Write;
use std::sync::Arc;

use kiln_diag::Diag;
use kiln_rules_core::environments::{
    Chosen, EnvironmentKey, EnvironmentOptions, LOCAL, LOCAL_WORKSPACE,
};
use kiln_rules_core::keys::TargetKey;
use kiln_rules_core::targets::{LoadedKind, LoadedTarget};
use kiln_targets::TargetDef;
use serde_json::{Value, json};

use crate::command::context::Context;
use crate::command::inspect::{Asking, asking, selected};
use crate::command::run::Outcome;
use crate::show::{errors, written};

/// Runs `env list`, `env show NAME`, `env explain NAME|TARGET…` or `env check [TARGET…]`.
pub(crate) async fn env(context: &Context) -> Result<Outcome, Vec<Diag>> {
    let words: Vec<String> = context
        .options
        .patterns()
        .iter()
        .map(ToString::to_string)
        .collect();
    let asking = asking(context).await?;
    let command = Env {
        context,
        asking: &asking,
        options: context.environments(),
    };
    match words.split_first() {
        Some((verb, [])) if verb == "list" => command.list().await,
        Some((verb, rest)) if verb == "explain" && !rest.is_empty() => command.explain(rest).await,
        Some((verb, rest)) if verb == "check" => command.check(rest).await,
        Some((verb, [name])) if verb == "show" => command.show(name).await,
        Some((verb, _)) if verb == "show" => Err(vec![
            Diag::usage("`kiln env show` needs the name of one environment")
                .hint("`kiln env list` shows the names"),
        ]),
        Some((verb, _)) if verb == "explain" => Err(vec![
            Diag::usage(format!("`kiln env {verb}` needs a target"))
                .hint("`//...` means all targets of the workspace"),
        ]),
        _ => {
            let message = match words.is_empty() {
                true => "`kiln env` needs a command".to_owned(),
                false => format!("`kiln env` has no command `{}`", words.join(" ")),
            };
            Err(vec![Diag::usage(message).hint(
                "`kiln env list`, `kiln env show NAME`, `kiln env explain TARGET` and `kiln env check TARGET` are there",
            )])
        }
    }
}

pub(super) struct Env<'a> {
    pub(super) context: &'a Context,
    pub(super) asking: &'a Asking,
    pub(super) options: EnvironmentOptions,
}

impl Env<'_> {
    pub(super) async fn chosen(&self, name: &str) -> Result<Arc<Chosen>, Diag> {
        let key = EnvironmentKey(Arc::from(name));
        let key = (key, self.options.clone(), self.asking.repos.clone());
        self.asking.session.query::<Chosen, _>(key).await
    }

    pub(super) fn json(&self) -> bool {
        self.context.options.format() == "json"
    }

    /// All names, and what each comes down to here.
    async fn list(&self) -> Result<Outcome, Vec<Diag>> {
        let mut text = String::new();
        for (name, named) in &self.options.names {
            let chosen = self.chosen(name).await;
            text += &match (&chosen, self.json()) {
                (Ok(chosen), true) => {
                    let mut value = as_json(name, chosen);
                    value["label"] = json!(named.target);
                    value["origin"] = json!(named.origin);
                    format!("{value}\n")
                }
                (Err(error), true) => {
                    let value = json!({"name": name, "label": named.target,
                        "origin": named.origin, "error": error.message()});
                    format!("{value}\n")
                }
                (Ok(chosen), false) => {
                    format!("{name}  {}  {}\n", named.target, shown(name, chosen))
                }
                (Err(error), false) => format!("{name}  {}  {}\n", named.target, error.message()),
            };
        }
        if text.is_empty() && !self.json() {
            text = "no environment has a name; everything is built on this machine\n".to_owned();
        }
        // One that does not fit here may fit elsewhere, and is no mistake.
        self.end(&text, &[])
    }

    /// For each word, a name or targets: the environment, and the reason of each step.
    async fn explain(&self, words: &[String]) -> Result<Outcome, Vec<Diag>> {
        let mut text = String::new();
        let mut failed = Vec::new();
        for word in words {
            let special = [LOCAL, LOCAL_WORKSPACE].contains(&&**word);
            if special || self.options.names.contains_key(&**word) {
                match self.chosen(word).await {
                    Ok(chosen) if self.json() => text += &format!("{}\n", as_json(word, &chosen)),
                    Ok(chosen) => text += &format!("{word}\n{}", steps(&chosen)),
                    Err(error) => failed.push(error),
                }
                continue;
            }
            for (def, name) in self.targets(vec![word.clone()]).await? {
                match self.of_target(&def, &name).await {
                    Ok(chosen) if self.json() => {
                        let mut value = as_json(&name, &chosen);
                        value["target"] = json!(def.label.to_string());
                        text += &format!("{value}\n");
                    }
                    Ok(chosen) => {
                        let why = match def.is_given("environment") {
                            true => format!("its `environment` is `{name}`"),
                            false => {
                                "it says nothing, so it is built where what needs it is".into()
                            }
                        };
                        text += &format!("{}\n  {why}\n{}", def.label, steps(&chosen));
                    }
                    Err(error) => failed.push(error),
                }
            }
        }
        self.end(&text, &failed)
    }

    async fn of_target(&self, def: &TargetDef, name: &str) -> Result<Arc<Chosen>, Diag> {
        let chosen = self.chosen(name).await;
        chosen.map_err(|error| {
            let about = format!("asked for by the `environment` of `{}`", def.label);
            error.note_at(about, def.span.clone())
        })
    }

    /// The targets of rules, each with the name that it asks for.
    async fn targets(
        &self,
        words: Vec<String>,
    ) -> Result<Vec<(Arc<TargetDef>, String)>, Vec<Diag>> {
        let found = selected(self.context, self.asking, words).await;
        let found = found.map_err(|error| vec![error])?;
        if !found.errors.is_empty() {
            return Err(found.errors.clone());
        }
        let mut targets = Vec::new();
        for target in &found.targets {
            let key = (TargetKey(target.label.clone()), self.asking.repos.clone());
            let loaded = self.asking.session.query::<LoadedTarget, _>(key).await;
            let loaded = loaded.map_err(|error| vec![error])?;
            let LoadedKind::Rule(def) = &loaded.kind else {
                continue;
            };
            if def.rule.environment {
                let name = def.attr("environment").and_then(|value| value.as_str());
                let name = name.filter(|name| !name.is_empty()).unwrap_or(LOCAL);
                targets.push((def.clone(), name.to_owned()));
            }
        }
        Ok(targets)
    }

    pub(super) fn end(&self, text: &str, failed: &[Diag]) -> Result<Outcome, Vec<Diag>> {
        written(std::io::stdout().write_all(text.as_bytes())).map_err(|error| vec![error])?;
        errors(failed);
        let code = failed.iter().map(Diag::exit_code).max();
        Ok(Outcome::Exit(code.unwrap_or(0)))
    }
}

/// What a name comes down to, in a few words.
fn shown(name: &str, chosen: &Chosen) -> String {
    let kind = match &chosen.target {
        Some(target) => target.kind.to_string(),
        None => "this machine".to_owned(),
    };
    match (&*chosen.name == name, chosen.left.last()) {
        (true, _) => kind,
        (false, Some((_, reason))) => format!("falls back to {}: {reason}", last(chosen)),
        (false, None) => format!("is {}", last(chosen)),
    }
}

fn last(chosen: &Chosen) -> String {
    match &chosen.target {
        Some(target) => format!("`{}` ({})", chosen.name, target.kind),
        None => "this machine".to_owned(),
    }
}

fn steps(chosen: &Chosen) -> String {
    let mut text = String::new();
    for (name, reason) in &chosen.left {
        text += &format!("  not `{name}`: {reason}\n");
    }
    let target = match &chosen.target {
        Some(target) => format!(", which is `{}`", target.label),
        None => String::new(),
    };
    let place = match &chosen.target {
        Some(_) => format!("in {}", last(chosen)),
        None => "on this machine".to_owned(),
    };
    let race = match &chosen.rival {
        Some((name, _)) => format!("  its actions race with `{name}`\n"),
        None => String::new(),
    };
    text + &format!("  built {place}{target}\n{race}")
}

fn as_json(name: &str, chosen: &Chosen) -> Value {
    let left: Vec<Value> = chosen
        .left
        .iter()
        .map(|(name, reason)| json!({"name": name, "reason": reason}))
        .collect();
    json!({
        "name": name,
        "environment": match &*chosen.name { "" => Value::Null, name => json!(name) },
        "kind": chosen.target.as_ref().map(|target| target.kind.name()),
        "environment_label": chosen.target.as_ref().map(|target| target.label.to_string()),
        "race_with": chosen.rival.as_ref().map(|(name, _)| name),
        "left": left,
    })
}
