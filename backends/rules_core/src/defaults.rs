//! What packages inherit from the folders above: `__defaults__` (BLD-091).

use std::sync::Arc;

use kiln_diag::Diag;
use kiln_rules::{Product, RuleCx, RuleDef, rule, rules};
use kiln_targets::Defaults;

use crate::files::FileText;
use crate::keys::{FileKey, PackageKey};
use crate::packages::{Package, PackageLookup};

/// The `__defaults__` of a folder and of those above it, for the folders below.
///
/// Repositories inherit nothing from others: the walk ends at their root. A package is evaluated
/// for it only if its BUILD file has the word in it: macros cannot call what BUILD files alone see.
/// Equal defaults are equal, whatever else was edited, so that packages below stay as they are.
#[derive(Debug, PartialEq, Eq)]
pub struct PackageDefaults(pub Arc<Defaults>);
impl Product for PackageDefaults {}

/// The call that is looked for.
const CALL: &str = "__defaults__";

/// Finds out what the folders below inherit.
#[rule(gets(PackageKey -> PackageLookup, PackageKey -> Package, FileKey -> FileText))]
pub async fn package_defaults(cx: &RuleCx, key: Arc<PackageKey>) -> Result<PackageDefaults, Diag> {
    let lookup = get!(PackageLookup, PackageKey(key.0.clone())).await?;
    if let Some(build_file) = &lookup.0 {
        let file = FileKey {
            repo: key.0.repo.clone(),
            path: build_file.clone(),
        };
        let text = get!(FileText, file => FileKey).await?;
        if text.0.as_ref().is_some_and(|text| text.contains(CALL)) {
            let package = cx.get::<Package, _>((PackageKey(key.0.clone()),)).await;
            let package = package.map_err(|error| {
                error.note(format!("packages below `{}` inherit its `{CALL}`", key.0))
            })?;
            return Ok(PackageDefaults(package.0.defaults.clone()));
        }
    }
    match above(&key) {
        Some(parent) => {
            let parent = get!(PackageDefaults, parent => PackageKey).await?;
            Ok(PackageDefaults(parent.0.clone()))
        }
        None => Ok(PackageDefaults(Arc::default())),
    }
}

/// The folder above, in the same repository.
pub(crate) fn above(key: &PackageKey) -> Option<PackageKey> {
    let path = key.0.path.parent()?;
    Some(PackageKey(kiln_address::PackageId::new(
        key.0.repo.clone(),
        path,
    )))
}

/// The rules of this module.
pub fn rules() -> Vec<&'static RuleDef> {
    rules![package_defaults]
}
