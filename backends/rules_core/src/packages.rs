//! Loading: .bzl files and packages.

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_address::{Label, PackageId, Repo, RepoMapping};
use kiln_base::RelPath;
use kiln_diag::Diag;
use kiln_events::Event;
use kiln_fs::{EntryKind, Glob, Ignore, Matches};
use kiln_rules::{Declares, Product, RuleCx, RuleDef, rule, rules};
use kiln_targets::{
    BuildRequest, Bzl, BzlRequest, Dialect, Globbed, LoadStatement, PackageDefs, PackageIo, Parsed,
    RuleClass, SourceText,
};

use crate::absent;
use crate::cycle;
use crate::defaults::{self, PackageDefaults};
use crate::files::{DirEntries, FileText, shown_path};
use crate::keys::{BzlKey, DirKey, FileKey, PackageKey, RepoOptions};
use crate::repos::Repositories;
use crate::services::{Embedded, Events, HostService};

/// The BUILD file of a folder, if it is a package.
#[derive(Debug, PartialEq, Eq)]
pub struct PackageLookup(pub Option<RelPath>);
impl Product for PackageLookup {}

/// A loaded .bzl file.
#[derive(Debug, PartialEq, Eq)]
pub struct LoadedBzl(pub Arc<Bzl>);
impl Product for LoadedBzl {}

/// The .bzl file whose public symbols every BUILD file sees.
#[derive(Debug, PartialEq, Eq)]
pub struct Natives(pub Arc<Bzl>);
impl Product for Natives {}

/// A loaded package.
#[derive(Debug, PartialEq, Eq)]
pub struct Package(pub Arc<PackageDefs>);
impl Product for Package {}

/// Finds the BUILD file of a folder.
#[rule]
pub async fn package_lookup(
    cx: &RuleCx,
    key: Arc<PackageKey>,
    options: Arc<RepoOptions>,
) -> Result<PackageLookup, Diag> {
    if options.deleted_packages.contains(&key.0) {
        return Ok(PackageLookup(None));
    }
    let PackageId { repo, path } = key.0.clone();
    let entries = get!(
        DirEntries,
        DirKey {
            repo,
            path: path.clone()
        }
    )
    .await?;
    let Some(listing) = &entries.0 else {
        return Ok(PackageLookup(None));
    };
    Ok(PackageLookup(
        listing.build_file().and_then(|name| path.join(name).ok()),
    ))
}

/// Loads a .bzl file and, first, all that it loads.
#[rule(
    uses(HostService, Embedded),
    gets(DirKey -> DirEntries, PackageKey -> PackageLookup)
)]
pub async fn loaded_bzl(
    cx: &RuleCx,
    key: Arc<BzlKey>,
    repositories: Arc<Repositories>,
) -> Result<LoadedBzl, Diag> {
    let host = cx.service::<HostService>()?.0.clone();
    let embedded = cx.service::<Embedded>()?;
    let label = key.0.clone();
    let mapping = repositories.get(label.repo())?.mapping.clone();
    let file = FileKey {
        repo: label.repo().clone(),
        path: label.file_path(),
    };
    let text = get!(FileText, file => FileKey).await?;
    let Some(text) = text.0.clone() else {
        return Err(absent::bzl(cx, &label).await);
    };
    let path = shown_path(label.repo(), &label.file_path());
    let source = SourceText {
        path,
        text,
        dialect: Dialect::Bzl,
    };
    let parsed = host.parse(source)?;
    let loads = load_labels(&parsed, label.package(), &mapping)?;
    let keys = loads.iter().map(|(_, label)| BzlKey(label.clone()));
    let loaded = get_all!(LoadedBzl, keys.collect::<Vec<_>>() => BzlKey).await;
    let loaded = loaded.map_err(|error| {
        let labels = loads.iter().map(|(_, label)| label);
        match cycle::closes(&error, &label, labels) {
            None => point_at_load(error, &parsed),
            Some(None) => error,
            Some(Some(at)) => error
                .at(parsed.loads[at].span.clone())
                .hint("move what these files share into another one, and load that"),
        }
    })?;
    let loads: Vec<(Arc<str>, Arc<Bzl>)> = loads
        .into_iter()
        .zip(&loaded)
        .map(|((text, _), bzl)| (text, bzl.0.clone()))
        .collect();
    // The prelude's own files are loaded without what the prelude gives to others.
    let natives = match label.repo().as_str() == embedded.natives.0 {
        true => None,
        false => Some(get!(Natives).await?.0.clone()),
    };
    let bzl = cx
        .cpu(move || {
            host.bzl(BzlRequest {
                parsed: &parsed,
                label: &label,
                mapping: &mapping,
                loads: &loads,
                natives: natives.as_ref(),
            })
        })
        .await??;
    Ok(LoadedBzl(Arc::new(bzl)))
}

/// An error in a loaded file without a place of its own belongs to the `load` statement.
fn point_at_load(error: Diag, parsed: &Parsed) -> Diag {
    let about = parsed.loads.iter().find(|load| {
        let name = load
            .module
            .rsplit([':', '/'])
            .next()
            .unwrap_or(&load.module);
        let repo = load
            .module
            .split("//")
            .next()
            .filter(|repo| repo.starts_with('@'));
        let named = |part: &str| error.message().contains(part);
        error.span().is_none()
            && (named(name) || repo.is_some_and(|repo| named(&format!("`{repo}`"))))
    });
    match about {
        Some(load) => error.at(load.span.clone()),
        None => error,
    }
}

/// The labels of the files that a file loads, in order, with their spelling.
fn load_labels(
    parsed: &Parsed,
    package: &PackageId,
    mapping: &RepoMapping,
) -> Result<Vec<(Arc<str>, Label)>, Diag> {
    let label = |load: &LoadStatement| {
        let label = Label::parse(&load.module, package, mapping);
        let label = label.map_err(|error| Diag::build(error.to_string()).at(load.span.clone()))?;
        if !label.name().ends_with(".bzl") && !label.name().ends_with(".scl") {
            return Err(Diag::build(format!("`{}` is no .bzl file", load.module))
                .at(load.span.clone())
                .hint("load statements name files that end in `.bzl`"));
        }
        Ok((load.module.clone(), label))
    };
    parsed.loads.iter().map(label).collect()
}

/// Loads the prelude's symbols for BUILD files.
#[rule(uses(Embedded))]
pub async fn natives(cx: &RuleCx) -> Result<Natives, Diag> {
    let embedded = cx.service::<Embedded>()?;
    let (repo, package, name) = embedded.natives;
    let path = RelPath::new(package).map_err(|error| Diag::internal(error.to_string()))?;
    let label = PackageId::new(Repo::new(repo), path)
        .target(name)
        .map_err(|error| Diag::internal(error.to_string()))?;
    Ok(Natives(get!(LoadedBzl, BzlKey(label)).await?.0.clone()))
}

/// The rules that BUILD files know without loading them.
#[derive(Debug, PartialEq, Eq)]
pub struct NativeRules(pub Vec<RuleClass>);
impl Product for NativeRules {}

/// Looks at what the prelude exports.
#[rule(uses(HostService))]
pub async fn native_rules(cx: &RuleCx) -> Result<NativeRules, Diag> {
    let natives = get!(Natives).await?;
    let host = cx.service::<HostService>()?;
    Ok(NativeRules(host.0.rules(&natives.0)))
}

/// Evaluates a BUILD file.
#[rule(uses(HostService, Events), gets(DirKey -> DirEntries, PackageKey -> PackageLookup))]
pub async fn package(
    cx: &RuleCx,
    key: Arc<PackageKey>,
    repositories: Arc<Repositories>,
    options: Arc<RepoOptions>,
) -> Result<Package, Diag> {
    let host = cx.service::<HostService>()?.0.clone();
    let id = key.0.clone();
    let info = repositories.get(&id.repo)?.clone();
    let lookup = get!(PackageLookup, PackageKey(id.clone())).await?;
    let Some(build_file) = lookup.0.clone() else {
        let error = absent::package(cx, &id).await;
        return Err(match options.deleted_packages.contains(&id) {
            true => error.note("`--deleted_packages` takes it not to be there"),
            false => error,
        });
    };
    let file = FileKey {
        repo: id.repo.clone(),
        path: build_file.clone(),
    };
    let text = get!(FileText, file => FileKey).await?;
    let Some(text) = text.0.clone() else {
        return Err(absent::package(cx, &id).await);
    };
    let path = shown_path(&id.repo, &build_file);
    let parsed = host.parse(SourceText {
        path,
        text,
        dialect: Dialect::Build,
    })?;
    let loads = load_labels(&parsed, &id, &info.mapping)?;
    let keys = loads.iter().map(|(_, label)| BzlKey(label.clone()));
    let loaded = get_all!(LoadedBzl, keys.collect::<Vec<_>>() => BzlKey).await;
    let loaded = loaded.map_err(|error| point_at_load(error, &parsed))?;
    let loads: Vec<(Arc<str>, Arc<Bzl>)> = loads
        .into_iter()
        .zip(&loaded)
        .map(|((text, _), bzl)| (text, bzl.0.clone()))
        .collect();
    let natives = get!(Natives).await?.0.clone();
    let inherited = match defaults::above(&key) {
        Some(parent) => get!(PackageDefaults, parent => PackageKey).await?.0.clone(),
        None => Arc::default(),
    };
    let ignored = get!(IgnoredFolders, RepoKey(id.repo.clone())).await?;
    let io = Io {
        cx: cx.clone(),
        package: id.clone(),
        ignored,
        options,
    };
    let defs = cx
        .cpu(move || {
            host.build(BuildRequest {
                parsed: &parsed,
                package: &id,
                build_file: &build_file,
                mapping: &info.mapping,
                loads: &loads,
                natives: &natives,
                inherited: &inherited,
                module: (&info.module, &info.version),
                io: &io,
            })
        })
        .await??;
    let events = cx.service::<Events>()?;
    events.0.emit(Event::PackageLoaded);
    defs.warnings
        .iter()
        .for_each(|warning| events.0.emit(Event::Diagnostic(warning.clone())));
    Ok(Package(Arc::new(defs)))
}

/// What a BUILD file may ask of the file system, each answer a tracked node.
struct Io {
    cx: RuleCx<package>,
    package: PackageId,
    ignored: Arc<IgnoredFolders>,
    options: Arc<RepoOptions>,
}

impl Io {
    fn listing(&self, path: &RelPath) -> Result<Option<Arc<kiln_fs::Listing>>, Diag> {
        let key = DirKey {
            repo: self.package.repo.clone(),
            path: path.clone(),
        };
        let entries = self.cx.block_on(self.cx.get::<DirEntries, _>((key,)))??;
        let repo = self.package.repo.clone();
        let deleted = PackageId::new(repo, path.clone());
        match &entries.0 {
            Some(listing) if self.options.deleted_packages.contains(&deleted) => {
                Ok(Some(Arc::new(listing.without_package())))
            }
            listing => Ok(listing.clone()),
        }
    }
}

impl PackageIo for Io {
    fn glob(
        &self,
        include: &[String],
        exclude: &[String],
        exclude_directories: bool,
    ) -> Result<Globbed, Diag> {
        let glob = Glob::new(include, exclude, exclude_directories)?;
        let ignore = &self.ignored.0;
        let found = glob.files(&self.package.path, ignore, &mut |path| self.listing(path));
        found.map(globbed)
    }

    fn subpackages(&self, include: &[String], exclude: &[String]) -> Result<Globbed, Diag> {
        let glob = Glob::new(include, exclude, false)?;
        let ignore = &self.ignored.0;
        let found = glob.subpackages(&self.package.path, ignore, &mut |path| self.listing(path));
        found.map(globbed)
    }
}

fn globbed(found: Matches) -> Globbed {
    Globbed {
        paths: found.paths,
        unmatched: found.unmatched,
    }
}

/// The packages at and below a folder, sorted.
#[derive(Debug, PartialEq, Eq)]
pub struct PackagesBelow(pub Vec<PackageId>);
impl Product for PackagesBelow {}

/// The folders of a repository that are not looked into.
#[derive(Debug, PartialEq, Eq)]
pub struct IgnoredFolders(pub Ignore);
impl Product for IgnoredFolders {}

/// A repository, asked for what it ignores.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RepoKey(pub Repo);
impl kiln_rules::Param for RepoKey {}

/// Reads `.bazelignore` and REPO.bazel.
#[rule]
pub async fn ignored_folders(cx: &RuleCx, key: Arc<RepoKey>) -> Result<IgnoredFolders, Diag> {
    let file = |name| FileKey {
        repo: key.0.clone(),
        path: name,
    };
    let path = |name| RelPath::new(name).map_err(|error| Diag::internal(error.to_string()));
    let list = file(path(".bazelignore")?);
    let repo = file(path("REPO.bazel")?);
    let list = get!(FileText, list => FileKey).await?;
    let repo = get!(FileText, repo => FileKey).await?;
    let ignore = Ignore::read(list.0.as_deref(), repo.0.as_deref())?;
    Ok(IgnoredFolders(ignore))
}

/// Walks down a folder for packages.
#[rule]
pub async fn packages_below(cx: &RuleCx, key: Arc<DirKey>) -> Result<PackagesBelow, Diag> {
    let ignored = get!(IgnoredFolders, RepoKey(key.repo.clone())).await?;
    if ignored.0.ignores(&key.path) {
        return Ok(PackagesBelow(Vec::new()));
    }
    let entries = get!(DirEntries, (*key).clone() => DirKey).await?;
    let Some(listing) = &entries.0 else {
        return Ok(PackagesBelow(Vec::new()));
    };
    let mut found = Vec::new();
    let id = PackageId::new(key.repo.clone(), key.path.clone());
    if get!(PackageLookup, PackageKey(id.clone()))
        .await?
        .0
        .is_some()
    {
        found.push(id);
    }
    let folders = listing
        .entries()
        .iter()
        .filter(|entry| entry.kind == EntryKind::Directory);
    let folders = folders.filter(|entry| !ignored.0.skips(&key.path, entry));
    let below = folders.filter_map(|entry| key.path.join(&entry.name).ok());
    let below: Vec<DirKey> = below
        .map(|path| DirKey {
            repo: key.repo.clone(),
            path,
        })
        .collect();
    for packages in get_all!(PackagesBelow, below => DirKey).await? {
        found.extend(packages.0.iter().cloned());
    }
    found.sort();
    Ok(PackagesBelow(found))
}

/// The nearest package at or above a folder, for a file that some pattern names.
pub async fn package_above<R>(
    cx: &RuleCx<R>,
    repo: &Repo,
    path: &RelPath,
) -> Result<Option<PackageId>, Diag>
where
    R: Declares<PackageLookup, (PackageKey,)>,
{
    let mut at = Some(path.clone());
    while let Some(folder) = at {
        let id = PackageId::new(repo.clone(), folder.clone());
        if cx
            .get::<PackageLookup, _>((PackageKey(id.clone()),))
            .await?
            .0
            .is_some()
        {
            return Ok(Some(id));
        }
        at = folder.parent();
    }
    Ok(None)
}

/// Groups labels by package, for those that load whole packages at once.
pub fn by_package(labels: impl IntoIterator<Item = Label>) -> BTreeMap<PackageId, Vec<Label>> {
    let mut packages: BTreeMap<PackageId, Vec<Label>> = BTreeMap::new();
    for label in labels {
        packages
            .entry(label.package().clone())
            .or_default()
            .push(label);
    }
    packages
}

/// The rules of this module.
pub fn rules() -> Vec<&'static RuleDef> {
    rules![
        package_lookup,
        loaded_bzl,
        natives,
        native_rules,
        package,
        ignored_folders,
        packages_below
    ]
}
