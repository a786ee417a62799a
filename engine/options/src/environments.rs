//! The names of environments.

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_diag::Diag;

use crate::{OPTIONS, Options, Origin, Value};

impl Options {
    /// The names of environments: each with the label of its target, as written, and where it was
    /// said (ENV-020).
    pub fn environment_names(&self) -> &BTreeMap<Arc<str>, (Arc<str>, Origin)> {
        &self.environments
    }

    /// The options that environments may have values of their own for (ENV-070), those that are
    /// given, each with its values in order.
    pub fn aware_values(&self) -> impl Iterator<Item = (&'static str, Vec<Arc<str>>)> {
        let aware = OPTIONS.iter().filter(|option| option.aware);
        aware.filter_map(|option| {
            let given = self
                .given(option.name)
                .filter_map(|given| match &given.value {
                    Value::Text(text) => Some(text.clone()),
                    _ => None,
                });
            let given: Vec<Arc<str>> = given.collect();
            (!given.is_empty()).then_some((option.name, given))
        })
    }

    /// Takes the names that files, variables and `--env` give; the last one of a name counts.
    pub(crate) fn name_environments(&mut self) -> Result<(), Diag> {
        let mut names = BTreeMap::new();
        for given in self.given("env") {
            let Value::Text(text) = &given.value else {
                continue;
            };
            // The check of the option lets only pairs through.
            let Some((name, label)) = text.split_once('=') else {
                continue;
            };
            if let Some(reason) = reserved(name) {
                let diag = given.origin.on(Diag::usage(reason));
                return Err(diag.hint("choose another name"));
            }
            names.insert(Arc::from(name), (Arc::from(label), given.origin.clone()));
        }
        self.environments = names;
        Ok(())
    }
}

/// Why a name cannot be given to an environment (ENV-027).
fn reserved(name: &str) -> Option<String> {
    let special = name.len() > 4 && name.starts_with("__") && name.ends_with("__");
    special.then(|| format!("`{name}` begins and ends with `__`, as only kiln's own names do"))
}
