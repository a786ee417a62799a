//! Which repositories there are, where they are, and how they name one another.

mod missing;
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
use missing::Missing;
use search::Search;

/// All repositories that can be read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Repositories {
    repos: BTreeMap<Repo, RepoInfo>,
    /// Names that are declared somewhere but have no content here.
    missing: BTreeMap<String, Missing>,
    /// The root, then the modules in the order in which they were found.
    order: Vec<Repo>,
    /// `--extra_toolchains` and `--extra_execution_platforms`, the first one first.
    extra: Registrations,
    /// Folders beside the workspace that were taken for modules nobody said the place of.
    pub found_beside: Vec<(String, PathBuf)>,
}
impl Product for Repositories {}

/// Patterns of targets that are offered to whoever needs one of their kind.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Registrations {
    /// `register_toolchains`
    pub toolchains: Vec<Arc<str>>,
    /// `register_execution_platforms`
    pub platforms: Vec<Arc<str>>,
}

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
    /// What its module file registers; what is for development counts in the root only.
    pub registered: Registrations,
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

    /// What is registered, the first one first, each with the names it is written in: by the
    /// command line, by the root, then by the modules it needs (Bazel).
    pub fn registered(&self) -> impl Iterator<Item = (&Registrations, &Arc<RepoMapping>)> {
        let infos = self.order.iter().filter_map(|repo| self.repos.get(repo));
        let extra = self.repos.get(&Repo::root());
        let extra = extra.map(|root| (&self.extra, &root.mapping));
        extra
            .into_iter()
            .chain(infos.map(|info| (&info.registered, &info.mapping)))
    }

    /// Whether actions may run on platforms that somebody registered.
    pub fn register_platforms(&self) -> bool {
        self.registered()
            .any(|(these, _)| !these.platforms.is_empty())
    }

    fn absent(&self, repo: &Repo) -> Diag {
        let name = RepoMapping::undefined(repo).unwrap_or(repo.as_str());
        if let Some(missing) = self.missing.get(name) {
            return missing.explain(name);
        }
        let diag = Diag::build(format!("repository `@{name}` is not available"));
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
        overrides: BTreeMap::new(),
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
