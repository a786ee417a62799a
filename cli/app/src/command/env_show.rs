//! `env show`: one environment with all that it says.

use std::sync::Arc;

use kiln_diag::Diag;
use kiln_rules_core::environments::{Aware, Declared, EnvironmentKey, EnvironmentTarget};
use kiln_rules_core::keys::TargetKey;
use kiln_rules_core::targets::{LoadedKind, LoadedTarget};
use serde_json::{Map, Value, json};

use crate::command::env::Env;
use crate::command::inspect::attr_json;
use crate::command::run::Outcome;

impl Env<'_> {
    /// Shows the environment of a name: its target, whether it fits here, its fields, and what holds
    /// there of options that environments may have values of their own for.
    pub(super) async fn show(&self, name: &str) -> Result<Outcome, Vec<Diag>> {
        let one = |error: Diag| vec![error];
        let key = EnvironmentKey(Arc::from(name));
        let key = (key, self.options.clone(), self.asking.repos.clone());
        let declared = self.asking.session.query::<Declared, _>(key).await;
        let declared = declared.map_err(one)?;
        let target = &declared.0;
        let key = (TargetKey(target.label.clone()), self.asking.repos.clone());
        let loaded = self.asking.session.query::<LoadedTarget, _>(key).await;
        let loaded = loaded.map_err(one)?;
        let mut fields = Map::new();
        if let LoadedKind::Rule(def) = &loaded.kind {
            let given = def.attrs.iter();
            let own = given.filter(|(field, _)| {
                Aware::named(field).is_none() && !matches!(&**field, "name" | "testonly")
            });
            let mapping = &self.asking.mapping;
            fields.extend(own.map(|(field, value)| (field.to_string(), attr_json(value, mapping))));
        }
        let origin = self.options.names.get(name);
        let origin = origin.map(|named| named.origin.clone()).unwrap_or_default();
        let fit = self.fits(name).await;
        let text = match self.json() {
            true => format!("{}\n", self.object(name, &origin, target, fields, &fit)),
            false => self.text(name, &origin, target, &fields, &fit),
        };
        self.end(&text, &[])
    }

    /// Why it cannot be used here, and what is used instead; `None` if it can.
    async fn fits(&self, name: &str) -> Option<(String, Option<String>)> {
        match self.chosen(name).await {
            Ok(chosen) => {
                let (_, reason) = chosen.left.first()?;
                let instead = match &*chosen.name {
                    "" => "this machine".to_owned(),
                    name => format!("`{name}`"),
                };
                Some((reason.clone(), Some(instead)))
            }
            Err(error) => Some((error.message().to_owned(), None)),
        }
    }

    /// What holds there of an option, and what says so.
    fn holds(&self, target: &EnvironmentTarget, aware: Aware) -> (Option<Vec<String>>, String) {
        let texts = |value: &Arc<[Arc<str>]>| value.iter().map(ToString::to_string).collect();
        match (target.aware.get(&aware), self.options.aware.get(&aware)) {
            (Some(own), _) => (Some(texts(own)), "its field".to_owned()),
            (None, Some(global)) => {
                let given = self.context.options.given(aware.name()).next_back();
                let origin = given.map(|given| given.origin.to_string());
                (Some(texts(global)), origin.unwrap_or_default())
            }
            (None, None) => (None, "default".to_owned()),
        }
    }

    fn text(
        &self,
        name: &str,
        origin: &str,
        target: &EnvironmentTarget,
        fields: &Map<String, Value>,
        fit: &Option<(String, Option<String>)>,
    ) -> String {
        let mut text = format!(
            "{name} is `{}` ({}), says {origin}; it is declared at {}\n",
            target.label, target.kind, target.span
        );
        text += &match fit {
            None => "  it can be used here\n".to_owned(),
            Some((reason, Some(instead))) => {
                format!("  it cannot be used here: {reason}; {instead} is used instead\n")
            }
            Some((reason, None)) => format!("  {reason}\n"),
        };
        for (field, value) in fields {
            text += &format!("  {field} = {value}\n");
        }
        text += "  what holds there of options:\n";
        for aware in Aware::ALL {
            text += &match self.holds(target, aware) {
                (Some(value), from) => {
                    format!("    {} = {}  ({from})\n", aware.name(), json!(value))
                }
                (None, from) => format!("    {}  ({from})\n", aware.name()),
            };
        }
        text
    }

    fn object(
        &self,
        name: &str,
        origin: &str,
        target: &EnvironmentTarget,
        fields: Map<String, Value>,
        fit: &Option<(String, Option<String>)>,
    ) -> Value {
        let options = Aware::ALL.into_iter().map(|aware| {
            let (value, from) = self.holds(target, aware);
            (
                aware.name().to_owned(),
                json!({"value": value, "from": from}),
            )
        });
        json!({
            "name": name,
            "label": target.label.to_string(),
            "kind": target.kind.name(),
            "origin": origin,
            "file": &*target.span.file,
            "line": target.span.line,
            "column": target.span.column,
            "fits": fit.is_none(),
            "reason": fit.as_ref().map(|(reason, _)| reason),
            "fields": fields,
            "options": options.collect::<Map<_, _>>(),
        })
    }
}
