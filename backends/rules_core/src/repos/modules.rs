//! The repositories of a MODULE.bazel file and of all modules it needs.

use std::collections::{BTreeMap, VecDeque};

use kiln_address::{Repo, RepoMapping};
use kiln_diag::Diag;
use kiln_fs::SourceRoot;
use kiln_rules::{Declares, RuleCx};
use kiln_targets::{ModuleDefs, OverrideKind};

use super::names::info;
use super::search::{Module, Search};
use super::{Location, Repositories};
use crate::files::DiskText;
use crate::keys::DiskPath;

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
}

/// `name+` as in Bazel 8; those that kiln answers for keep their plain names.
fn canonical(name: &str, location: &Location) -> Repo {
    match location {
        Location::Embedded(name) => Repo::new(name),
        Location::Disk(_) => Repo::new(format!("{name}+")),
    }
}
