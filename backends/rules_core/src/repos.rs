//! Which repositories there are, where they are, and how they name one another.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kiln_address::{Repo, RepoMapping};
use kiln_diag::{Diag, nearest};
use kiln_fs::SourceRoot;
use kiln_rules::{Declares, Product, RuleCx, RuleDef, rule, rules};
use kiln_targets::{Dialect, Host, ModuleDefs, OverrideKind, SourceText};

use crate::files::DiskText;
use crate::keys::{DiskPath, RepoOptions};
use crate::services::{Embedded, HostService, Workspace};

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

struct Search<'a> {
    root: PathBuf,
    options: &'a RepoOptions,
    embedded: &'a Embedded,
    host: &'a dyn Host,
    local_overrides: BTreeMap<String, PathBuf>,
    found_beside: Vec<(String, PathBuf)>,
}

/// A module with its place and the names its files use.
struct Module {
    repo: Repo,
    location: Location,
    defs: ModuleDefs,
}

impl Search<'_> {
    /// The root's module file, or its WORKSPACE file, or nothing; and whether it is a module.
    async fn read_root<R>(&self, cx: &RuleCx<R>) -> Result<(ModuleDefs, bool), Diag>
    where
        R: Declares<DiskText, (DiskPath,)>,
    {
        if let Some(defs) = self
            .read(cx, &self.root, "MODULE.bazel", Dialect::Module)
            .await?
        {
            return Ok((defs, true));
        }
        for name in ["WORKSPACE.bazel", "WORKSPACE"] {
            if let Some(defs) = self.read(cx, &self.root, name, Dialect::Workspace).await? {
                return Ok((defs, false));
            }
        }
        Ok((ModuleDefs::default(), true))
    }

    async fn read<R>(
        &self,
        cx: &RuleCx<R>,
        folder: &Path,
        name: &str,
        dialect: Dialect,
    ) -> Result<Option<ModuleDefs>, Diag>
    where
        R: Declares<DiskText, (DiskPath,)>,
    {
        let path = folder.join(name);
        let text = cx.get::<DiskText, _>((DiskPath(path.clone()),)).await?;
        let Some(text) = text.0.clone() else {
            return Ok(None);
        };
        let shown = path
            .strip_prefix(&self.root)
            .unwrap_or(&path)
            .display()
            .to_string();
        let source = SourceText {
            path: Arc::from(shown),
            text,
            dialect,
        };
        let parsed = self.host.parse(source)?;
        self.host.module(&parsed).map(Some)
    }

    /// Follows `bazel_dep` from the root.
    async fn modules<R>(mut self, cx: &RuleCx<R>, root: ModuleDefs) -> Result<Repositories, Diag>
    where
        R: Declares<DiskText, (DiskPath,)>,
    {
        for over in &root.overrides {
            if let OverrideKind::LocalPath(path) = &over.kind {
                let folder = self.root.join(&**path);
                self.local_overrides.insert(over.module.to_string(), folder);
            }
        }
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        let mut missing: Vec<String> = Vec::new();
        let location = Location::Disk(SourceRoot::open(&self.root)?);
        let mut modules = vec![Module {
            repo: Repo::root(),
            location,
            defs: root,
        }];
        if !modules[0].defs.name.is_empty() {
            known.insert(modules[0].defs.name.to_string(), 0);
        }
        let mut queue = VecDeque::from([0]);
        while let Some(at) = queue.pop_front() {
            let deps = modules[at].defs.deps.clone();
            for dep in deps.iter().filter(|dep| at == 0 || !dep.dev) {
                if known.contains_key(&*dep.name) || missing.iter().any(|m| **m == *dep.name) {
                    continue;
                }
                match self.find(cx, &dep.name).await? {
                    Some((location, defs)) => {
                        known.insert(dep.name.to_string(), modules.len());
                        queue.push_back(modules.len());
                        let repo = canonical(&dep.name, &location);
                        modules.push(Module {
                            repo,
                            location,
                            defs,
                        });
                    }
                    None => missing.push(dep.name.to_string()),
                }
            }
        }
        self.finish_modules(modules, &known, missing)
    }

    fn finish_modules(
        self,
        modules: Vec<Module>,
        known: &BTreeMap<String, usize>,
        mut missing: Vec<String>,
    ) -> Result<Repositories, Diag> {
        let mut repos = BTreeMap::new();
        self.add_embedded(&mut repos);
        for (at, module) in modules.iter().enumerate() {
            let mut mapping = RepoMapping::new(module.repo.clone());
            self.map_embedded(&mut mapping);
            for dep in module.defs.deps.iter().filter(|dep| at == 0 || !dep.dev) {
                let Some(name) = &dep.repo_name else { continue };
                match known.get(&*dep.name) {
                    Some(target) => mapping.insert(&**name, modules[*target].repo.clone()),
                    None => missing.push(name.to_string()),
                }
            }
            let defs = &module.defs;
            for name in [Some(&defs.name), defs.repo_name.as_ref()]
                .into_iter()
                .flatten()
            {
                if !name.is_empty() {
                    mapping.insert(&**name, module.repo.clone());
                }
            }
            for extension in &defs.extensions {
                missing.extend(extension.repos.iter().map(|(name, _)| name.to_string()));
            }
            self.map_overridden(&mut mapping, &mut repos)?;
            repos.insert(module.repo.clone(), info(module, mapping));
        }
        missing.sort();
        missing.dedup();
        Ok(Repositories {
            repos,
            missing,
            found_beside: self.found_beside,
        })
    }

    /// The repositories of a WORKSPACE file: one global set of names.
    async fn workspace_repos<R>(
        mut self,
        cx: &RuleCx<R>,
        root: ModuleDefs,
    ) -> Result<Repositories, Diag>
    where
        R: Declares<DiskText, (DiskPath,)>,
    {
        let mut missing = Vec::new();
        let mut names: BTreeMap<String, (Repo, Location)> = BTreeMap::new();
        for repo in &root.workspace_repos {
            let location = match &repo.path {
                Some(path) => Some(Location::Disk(SourceRoot::open(&self.root.join(&**path))?)),
                None => self
                    .find(cx, &repo.name)
                    .await?
                    .map(|(location, _)| location),
            };
            match location {
                Some(location) => {
                    let name = match &location {
                        Location::Embedded(name) => Repo::new(name),
                        Location::Disk(_) => Repo::new(&*repo.name),
                    };
                    names.insert(repo.name.to_string(), (name, location));
                }
                None => missing.push(repo.name.to_string()),
            }
        }
        let mut repos = BTreeMap::new();
        self.add_embedded(&mut repos);
        let location = Location::Disk(SourceRoot::open(&self.root)?);
        let main = Module {
            repo: Repo::root(),
            location,
            defs: root,
        };
        let others = names.values().map(|(repo, location)| Module {
            repo: repo.clone(),
            location: location.clone(),
            defs: ModuleDefs::default(),
        });
        for module in others.chain([main]) {
            let mut mapping = RepoMapping::new(module.repo.clone());
            self.map_embedded(&mut mapping);
            for (name, (repo, _)) in &names {
                mapping.insert(name.clone(), repo.clone());
            }
            if !module.defs.name.is_empty() {
                mapping.insert(&*module.defs.name, Repo::root());
            }
            self.map_overridden(&mut mapping, &mut repos)?;
            repos.insert(module.repo.clone(), info(&module, mapping));
        }
        Ok(Repositories {
            repos,
            missing,
            found_beside: self.found_beside,
        })
    }

    /// Where a module is: overrides of the command line, `local_path_override`, kiln itself,
    /// `--vendor_dir`, and last a folder beside the workspace that says it is that module.
    async fn find<R>(
        &mut self,
        cx: &RuleCx<R>,
        name: &str,
    ) -> Result<Option<(Location, ModuleDefs)>, Diag>
    where
        R: Declares<DiskText, (DiskPath,)>,
    {
        let given = self
            .options
            .overrides
            .iter()
            .rev()
            .find(|(module, _)| module == name);
        let given = given.map(|(_, folder)| folder.clone());
        if let Some(folder) = given.or_else(|| self.local_overrides.get(name).cloned()) {
            return self.module_at(cx, folder).await.map(Some);
        }
        if let Some((name, _)) = self.embedded.repos.get_key_value(name) {
            return Ok(Some((Location::Embedded(name), ModuleDefs::default())));
        }
        if let Some(vendor) = &self.options.vendor_dir {
            let folder = vendor.join(name);
            if folder.is_dir() {
                return self.module_at(cx, folder).await.map(Some);
            }
        }
        let Some(folder) = self.root.parent().map(|above| above.join(name)) else {
            return Ok(None);
        };
        self.beside(cx, name, folder).await
    }

    /// A folder beside the workspace with the module's name: taken if its own module file says so,
    /// or if it has none and is a checkout all the same. The user is told.
    async fn beside<R>(
        &mut self,
        cx: &RuleCx<R>,
        name: &str,
        folder: PathBuf,
    ) -> Result<Option<(Location, ModuleDefs)>, Diag>
    where
        R: Declares<DiskText, (DiskPath,)>,
    {
        let marked = ["WORKSPACE.bazel", "WORKSPACE", "REPO.bazel", ".git"];
        let defs = match self
            .read(cx, &folder, "MODULE.bazel", Dialect::Module)
            .await
        {
            Ok(Some(defs)) if *defs.name == *name => defs,
            Ok(None) if marked.iter().any(|marker| folder.join(marker).exists()) => {
                ModuleDefs::default()
            }
            // Whatever else is there was never meant for us.
            _ => return Ok(None),
        };
        self.found_beside.push((name.to_owned(), folder.clone()));
        Ok(Some((Location::Disk(SourceRoot::open(&folder)?), defs)))
    }

    async fn module_at<R>(
        &self,
        cx: &RuleCx<R>,
        folder: PathBuf,
    ) -> Result<(Location, ModuleDefs), Diag>
    where
        R: Declares<DiskText, (DiskPath,)>,
    {
        let defs = self
            .read(cx, &folder, "MODULE.bazel", Dialect::Module)
            .await?;
        Ok((
            Location::Disk(SourceRoot::open(&folder)?),
            defs.unwrap_or_default(),
        ))
    }

    fn add_embedded(&self, repos: &mut BTreeMap<Repo, RepoInfo>) {
        for name in self.embedded.repos.keys() {
            let repo = Repo::new(name);
            let mut mapping = RepoMapping::new(repo.clone());
            self.map_embedded(&mut mapping);
            let info = RepoInfo {
                location: Location::Embedded(name),
                mapping: Arc::new(mapping),
                module: Arc::from(*name),
                version: Arc::from(""),
                toolchains: Vec::new(),
            };
            repos.insert(repo, info);
        }
    }

    /// Every repository sees those that kiln answers for, unless it says otherwise itself.
    fn map_embedded(&self, mapping: &mut RepoMapping) {
        for name in self.embedded.repos.keys() {
            mapping.insert(*name, Repo::new(name));
        }
    }

    /// `--override_repository` also defines names that nothing else declares.
    fn map_overridden(
        &self,
        mapping: &mut RepoMapping,
        repos: &mut BTreeMap<Repo, RepoInfo>,
    ) -> Result<(), Diag> {
        for (name, folder) in &self.options.overrides {
            if RepoMapping::undefined(&mapping.resolve(name)).is_none() {
                continue;
            }
            let repo = Repo::new(name);
            mapping.insert(name.clone(), repo.clone());
            if let Entry::Vacant(place) = repos.entry(repo.clone()) {
                let mut own = RepoMapping::new(repo.clone());
                self.map_embedded(&mut own);
                own.insert(name.clone(), repo.clone());
                let module = Module {
                    repo: repo.clone(),
                    location: Location::Disk(SourceRoot::open(folder)?),
                    defs: ModuleDefs::default(),
                };
                place.insert(info(&module, own));
            }
        }
        Ok(())
    }
}

/// `name+` as in Bazel 8; those that kiln answers for keep their plain names.
fn canonical(name: &str, location: &Location) -> Repo {
    match location {
        Location::Embedded(name) => Repo::new(name),
        Location::Disk(_) => Repo::new(format!("{name}+")),
    }
}

fn info(module: &Module, mapping: RepoMapping) -> RepoInfo {
    RepoInfo {
        location: module.location.clone(),
        mapping: Arc::new(mapping),
        module: module.defs.name.clone(),
        version: module.defs.version.clone(),
        toolchains: module.defs.toolchains.clone(),
    }
}

/// The rules of this module.
pub fn rules() -> Vec<&'static RuleDef> {
    rules![repositories]
}
