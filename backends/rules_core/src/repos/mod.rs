//! Which repositories there are, where they are, and how they name one another.

mod modules;
mod names;
mod search;
mod workspace;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use kiln_address::{Repo, RepoMapping};
use kiln_diag::{Diag, nearest};
use kiln_fs::SourceRoot;
use kiln_rules::{Product, RuleCx, RuleDef, rule, rules};

use crate::files::DiskText;
use crate::keys::{DiskPath, RepoOptions};
use crate::services::{Embedded, HostService, Workspace};
use search::Search;

/// All repositories that can be read.
#[derive(Debug, PartialEq, Eq)]
pub struct Repositories {
    repos: BTreeMap<Repo, RepoInfo>,
    /// Names that are declared somewhere but have no content here.
    missing: Vec<String>,
    /// Folders beside the workspace that were taken for modules nobody said the place of.
    pub found_beside: Vec<(String, PathBuf)>,
}
impl Product for Repositories {}

/// One repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepoInfo {
    /// Where its files are.
    pub location: Location,
    /// How its files name other repositories.
    pub mapping: Arc<RepoMapping>,
    /// Its module's name; empty outside of modules.
    pub module: Arc<str>,
    /// Its module's version; empty if it has none.
    pub version: Arc<str>,
    /// `register_toolchains` of its module file.
    pub toolchains: Vec<Arc<str>>,
}

/// Where the files of a repository are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// In a folder.
    Disk(SourceRoot),
    /// In kiln itself.
    Embedded(&'static str),
}

impl Repositories {
    /// The repository of a canonical name; an error with a cure if it cannot be read.
    pub fn get(&self, repo: &Repo) -> Result<&RepoInfo, Diag> {
        self.repos.get(repo).ok_or_else(|| self.absent(repo))
    }

    /// The root repository's names.
    pub fn root(&self) -> Result<&RepoInfo, Diag> {
        self.get(&Repo::root())
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&Repo, &RepoInfo)> {
        self.repos.iter()
    }

    fn absent(&self, repo: &Repo) -> Diag {
        let name = RepoMapping::undefined(repo).unwrap_or(repo.as_str());
        let diag = Diag::build(format!("repository `@{name}` is not available"));
        if self.missing.iter().any(|missing| missing == name) {
            return diag.note("it is declared, but nothing says where its files are").hint(format!(
                "put a checkout into a folder `{name}` and pass `--vendor_dir=<the folder above>`, \
                 or pass `--override_repository={name}=<folder>`"
            ));
        }
        let known = self
            .repos
            .values()
            .flat_map(|info| info.mapping.names().map(|(name, _)| name));
        let mut known: Vec<&str> = known.collect();
        known.sort_unstable();
        known.dedup();
        match nearest(name, known.iter().copied())[..] {
            [] => diag.hint(format!(
                "declare it in MODULE.bazel: bazel_dep(name = \"{name}\", version = \"...\")"
            )),
            _ => diag.did_you_mean(name, known),
        }
    }
}

/// Reads the module files of the workspace and of all modules it needs.
#[rule(uses(HostService, Workspace, Embedded), gets(DiskPath -> DiskText))]
pub async fn repositories(cx: &RuleCx, options: Arc<RepoOptions>) -> Result<Repositories, Diag> {
    let workspace = cx.service::<Workspace>()?;
    let embedded = cx.service::<Embedded>()?;
    let host = cx.service::<HostService>()?;
    let search = Search {
        root: workspace.root.clone(),
        options: &options,
        embedded: &embedded,
        host: &*host.0,
        local_overrides: BTreeMap::new(),
        found_beside: Vec::new(),
    };
    let (root, is_module) = search.read_root(cx).await?;
    match is_module {
        true => search.modules(cx, root).await,
        false => search.workspace_repos(cx, root).await,
    }
}

/// The rules of this module.
pub fn rules() -> Vec<&'static RuleDef> {
    rules![repositories]
}
