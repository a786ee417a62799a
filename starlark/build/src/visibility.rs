//! Visibility lists and package groups.

use std::sync::Arc;

use kiln_address::{Label, PackageId, Repo};
use kiln_base::RelPath;
use kiln_diag::Diag;
use kiln_host::starlark::values::Value;
use kiln_targets::{Visibility, VisibilitySpec};

use crate::coerce::{LabelContext, items, mismatch};

/// A visibility list. Repositories it names are never loaded, nor need they exist.
pub(crate) fn visibility(value: Value<'_>, labels: LabelContext<'_>) -> Result<Visibility, Diag> {
    let Some(values) = items(value) else {
        return Err(mismatch("a list of labels", value));
    };
    let mut specs = Vec::with_capacity(values.len());
    let mut public = false;
    for value in values {
        match entry(labels.label(*value)?)? {
            Visibility::Public => public = true,
            Visibility::Private => {}
            Visibility::Listed(listed) => specs.extend(listed.iter().cloned()),
        }
    }
    Ok(match (public, specs.is_empty()) {
        (true, _) => Visibility::Public,
        (false, true) => Visibility::Private,
        (false, false) => Visibility::Listed(specs.into()),
    })
}

fn entry(label: Label) -> Result<Visibility, Diag> {
    let package = label.package();
    let one = |spec| Ok(Visibility::Listed(Arc::from([spec])));
    if package.path.as_str() == "visibility" {
        return match label.name() {
            "public" | "legacy_public" => Ok(Visibility::Public),
            "private" => Ok(Visibility::Private),
            name => Err(Diag::build(format!("there is no visibility `{name}`"))
                .did_you_mean(name, ["public", "private"])),
        };
    }
    match label.name() {
        "__pkg__" => one(VisibilitySpec::Package(package.clone())),
        "__subpackages__" => one(VisibilitySpec::Subpackages(package.clone())),
        _ => one(VisibilitySpec::Group(label)),
    }
}

/// What one entry of `package_group(packages)` stands for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum GroupEntry {
    Everybody,
    Nobody,
    /// Packages, and whether they are in (`true`) or taken out again.
    Packages(VisibilitySpec, bool),
}

/// `//p`, `//p/...`, `//...`, `@repo//p`, `public`, `private`, each but the last two also with
/// `-` in front.
pub(crate) fn group_entry(text: &str, labels: LabelContext<'_>) -> Result<GroupEntry, Diag> {
    match text {
        "public" => return Ok(GroupEntry::Everybody),
        "private" => return Ok(GroupEntry::Nobody),
        _ => {}
    }
    let (included, path) = match text.strip_prefix('-') {
        Some(path) => (false, path),
        None => (true, text),
    };
    let spec = package_pattern(path, labels).map_err(|reason| {
        Diag::build(format!("invalid package `{text}`: {reason}"))
            .hint("packages are written as `//p`, `//p/...`, `public` or `private`")
    })?;
    Ok(GroupEntry::Packages(spec, included))
}

fn package_pattern(text: &str, labels: LabelContext<'_>) -> Result<VisibilitySpec, String> {
    let (repo, path) = match text.split_once("//") {
        Some(("", path)) => (labels.package.repo.clone(), path),
        Some((repo, path)) => {
            let repo = match (repo.strip_prefix("@@"), repo.strip_prefix('@')) {
                (Some(canonical), _) => Repo::new(canonical),
                (None, Some("")) => Repo::root(),
                (None, Some(apparent)) => labels.mapping.resolve(apparent),
                (None, None) => return Err("it does not begin with `//` or `@`".to_owned()),
            };
            (repo, path)
        }
        None => return Err("it does not begin with `//`".to_owned()),
    };
    if path.contains(':') {
        return Err("it names a target, not a package".to_owned());
    }
    let package = |path: &str| match RelPath::new(path) {
        Ok(path) => Ok(PackageId::new(repo.clone(), path)),
        Err(error) => Err(format!("the path {}", error.reason)),
    };
    match path {
        "..." => Ok(VisibilitySpec::Subpackages(package("")?)),
        path => match path.strip_suffix("/...") {
            Some(path) => Ok(VisibilitySpec::Subpackages(package(path)?)),
            None => Ok(VisibilitySpec::Package(package(path)?)),
        },
    }
}
