//! Lists of providers in definitions.

use std::sync::Arc;

use kiln_diag::Diag;

use crate::interp::*;
use crate::values::provider::{Provider, ProviderDef};

/// `providers = [A, B]` (both), or `[[A], [B, C]]` (A, or B and C).
pub(crate) fn sets(value: Value<'_>) -> Result<Vec<Vec<Arc<ProviderDef>>>, Diag> {
    let Some(items) = sequence(value) else {
        return Err(Diag::build(format!(
            "expected a list of providers, got `{}`",
            value.get_type()
        )));
    };
    if items.iter().any(|item| sequence(*item).is_some()) {
        return items
            .iter()
            .map(|item| list(*item))
            .filter(|set| !matches!(set, Ok(set) if set.is_empty()))
            .collect();
    }
    let set = list(value)?;
    Ok(if set.is_empty() {
        Vec::new()
    } else {
        vec![set]
    })
}

/// A list of providers.
pub(crate) fn list(value: Value<'_>) -> Result<Vec<Arc<ProviderDef>>, Diag> {
    let Some(items) = sequence(value) else {
        return Err(Diag::build(format!(
            "expected a list of providers, got `{}`",
            value.get_type()
        )));
    };
    let defs = items.iter().map(|item| match Provider::def_of(*item) {
        Some(def) => Ok(def.clone()),
        None => Err(Diag::build(format!(
            "expected a provider, got `{}`",
            item.get_type()
        ))),
    });
    defs.collect()
}
