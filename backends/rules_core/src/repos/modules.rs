//! The repositories of a MODULE.bazel file and of all modules it needs.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use kiln_address::{Repo, RepoMapping};
use kiln_diag::Diag;
use kiln_fs::SourceRoot;
use kiln_rules::{Declares, RuleCx};
use kiln_targets::{BazelDep, ExtensionUse, ModuleDefs, OverrideKind};

use super::missing::Missing;
use super::names::info;
use super::search::{Module, Search};
use super::{Location, Repositories};
use crate::files::DiskText;
use crate::keys::DiskPath;

/// All modules that were found, the root first.
#[derive(Default)]
struct Found {
    modules: Vec<Module>,
    /// Places in `modules` by module name.
    known: BTreeMap<Arc<str>, usize>,
    /// Modules that are not here.
    absent: Vec<Arc<str>>,
}

impl Search<'_> {
    /// Follows `bazel_dep` from the root.
    pub(super) async fn modules<R>(
        mut self,
        cx: &RuleCx<R>,
        root: ModuleDefs,
    ) -> Result<Repositories, Diag>
    where
        R: Declares<DiskText, (DiskPath,)>,
    {
        // Only the root's overrides count (Bazel).
        let overrides = root.overrides.iter();
        self.overrides = overrides
            .map(|over| (over.module.clone(), over.clone()))
            .collect();
        let mut found = Found::default();
        if !root.name.is_empty() {
            found.known.insert(root.name.clone(), 0);
        }
        found.modules.push(Module {
            repo: Repo::root(),
            location: Location::Disk(SourceRoot::open(&self.root)?),
            defs: root,
        });
        let mut queue = VecDeque::from([0]);
        while let Some(at) = queue.pop_front() {
            let deps = found.modules[at].defs.deps.clone();
            for dep in deps.iter().filter(|dep| at == 0 || !dep.dev) {
                if found.known.contains_key(&dep.name) || found.absent.contains(&dep.name) {
                    continue;
                }
                let Some((location, defs)) = self.find(cx, &dep.name).await? else {
                    found.absent.push(dep.name.clone());
                    continue;
                };
                found.known.insert(dep.name.clone(), found.modules.len());
                queue.push_back(found.modules.len());
                let repo = canonical(&dep.name, &location);
                found.modules.push(Module {
                    repo,
                    location,
                    defs,
                });
            }
        }
        self.name_modules(&found)
    }

    fn name_modules(self, found: &Found) -> Result<Repositories, Diag> {
        let mut repos = BTreeMap::new();
        self.add_embedded(&mut repos);
        let mut missing = BTreeMap::new();
        for (at, module) in found.modules.iter().enumerate() {
            let mut mapping = RepoMapping::new(module.repo.clone());
            self.map_embedded(&mut mapping);
            let defs = &module.defs;
            for dep in defs.deps.iter().filter(|dep| at == 0 || !dep.dev) {
                let Some(name) = &dep.repo_name else { continue };
                match found.known.get(&dep.name) {
                    Some(target) => {
                        mapping.insert(&**name, found.modules[*target].repo.clone());
                    }
                    None => {
                        let absent = self.missing_module(dep);
                        missing.entry(name.to_string()).or_insert(absent);
                    }
                }
            }
            for name in [Some(&defs.name), defs.repo_name.as_ref()]
                .into_iter()
                .flatten()
                .filter(|name| !name.is_empty())
            {
                mapping.insert(&**name, module.repo.clone());
            }
            self.map_overridden(&mut mapping, &mut repos)?;
            let mut made = Vec::new();
            for extension in defs.extensions.iter().filter(|used| at == 0 || !used.dev) {
                self.map_extension(module, extension, &mut mapping, &mut made, &mut missing)?;
            }
            // What an extension makes sees what the module that asked for it sees.
            for (repo, location) in made {
                let mut own = RepoMapping::new(repo.clone());
                for (name, meant) in mapping.names() {
                    own.insert(name, meant.clone());
                }
                let made = Module {
                    repo: repo.clone(),
                    location,
                    defs: ModuleDefs::default(),
                };
                repos.insert(repo, info(&made, own));
            }
            repos.insert(module.repo.clone(), info(module, mapping));
        }
        let order = found.modules.iter().map(|module| module.repo.clone());
        let order = order.collect();
        Ok(Repositories {
            repos,
            missing,
            order,
            extra: self.extra(),
            found_beside: self.found_beside,
        })
    }

    fn missing_module(&self, dep: &BazelDep) -> Missing {
        let (declared_by, span) = match self.overrides.get(&dep.name) {
            Some(over) => match over.kind {
                OverrideKind::Download(function) => (function, &over.span),
                _ => ("bazel_dep", &dep.span),
            },
            None => ("bazel_dep", &dep.span),
        };
        Missing {
            folder: dep.name.clone(),
            declared_by: Arc::from(declared_by),
            span: span.clone(),
            module: true,
            path: None,
            vendor_dir: self.options.vendor_dir.clone(),
        }
    }

    /// The repositories that a module takes from an extension, or makes by a repository rule.
    /// Nothing runs; folders that exist answer for them.
    fn map_extension(
        &self,
        module: &Module,
        used: &ExtensionUse,
        mapping: &mut RepoMapping,
        made: &mut Vec<(Repo, Location)>,
        missing: &mut BTreeMap<String, Missing>,
    ) -> Result<(), Diag> {
        for (own, theirs) in &used.repos {
            if RepoMapping::undefined(&mapping.resolve(own)).is_none() {
                continue;
            }
            let named = used
                .path
                .as_ref()
                .map(|path| module_folder(self, module).join(&**path));
            let folder = named.clone().filter(|folder| folder.is_dir());
            let folder = folder.or_else(|| self.vendored(theirs));
            let Some(folder) = folder else {
                let absent = Missing {
                    folder: theirs.clone(),
                    declared_by: used.name.clone(),
                    span: module.defs.names.get(own).unwrap_or(&used.span).clone(),
                    module: false,
                    path: named,
                    vendor_dir: self.options.vendor_dir.clone(),
                };
                missing.entry(own.to_string()).or_insert(absent);
                continue;
            };
            let repo = Repo::new(format!("{}+{}+{theirs}", module.repo.as_str(), used.name));
            mapping.insert(&**own, repo.clone());
            made.push((repo, Location::Disk(SourceRoot::open(&folder)?)));
        }
        Ok(())
    }
}

/// The folder that a module's relative paths begin at.
fn module_folder(search: &Search<'_>, module: &Module) -> PathBuf {
    match &module.location {
        Location::Disk(root) => root.folder().to_owned(),
        Location::Embedded(_) => search.root.clone(),
    }
}

/// `name+` as in Bazel 8; those that kiln answers for keep their plain names.
fn canonical(name: &str, location: &Location) -> Repo {
    match location {
        Location::Embedded(name) => Repo::new(name),
        Location::Disk(_) => Repo::new(format!("{name}+")),
    }
}
