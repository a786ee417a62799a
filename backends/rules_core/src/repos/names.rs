//! The names that repositories have for one another, whoever declares them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use kiln_address::{Repo, RepoMapping};
use kiln_diag::Diag;
use kiln_fs::SourceRoot;
use kiln_targets::ModuleDefs;

use super::search::{Module, Search};
use super::{Location, Registrations, RepoInfo};

impl Search<'_> {
    pub(super) fn add_embedded(&self, repos: &mut BTreeMap<Repo, RepoInfo>) {
        for name in self.embedded.repos.keys() {
            let repo = Repo::new(name);
            let mut mapping = RepoMapping::new(repo.clone());
            self.map_embedded(&mut mapping);
            let info = RepoInfo {
                location: Location::Embedded(name),
                mapping: Arc::new(mapping),
                module: Arc::from(*name),
                version: Arc::from(""),
                registered: Registrations::default(),
            };
            repos.insert(repo, info);
        }
    }

    /// Every repository sees those that kiln answers for, unless it says otherwise itself.
    pub(super) fn map_embedded(&self, mapping: &mut RepoMapping) {
        for name in self.embedded.repos.keys() {
            mapping.insert(*name, Repo::new(name));
        }
    }

    /// What the command line registers: of several the last one counts most (Bazel).
    pub(super) fn extra(&self) -> Registrations {
        let reversed = |list: &[String]| list.iter().rev().map(|text| Arc::from(&**text)).collect();
        Registrations {
            toolchains: reversed(&self.options.extra_toolchains),
            platforms: reversed(&self.options.extra_platforms),
        }
    }

    /// `--override_repository` also defines names that nothing else declares.
    pub(super) fn map_overridden(
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

pub(super) fn info(module: &Module, mapping: RepoMapping) -> RepoInfo {
    let defs = &module.defs;
    let mut toolchains = defs.toolchains.clone();
    let mut platforms = defs.platforms.clone();
    // What is for development counts in the root only (Bazel).
    if module.repo.is_root() {
        toolchains.extend(defs.dev_toolchains.iter().cloned());
        platforms.extend(defs.dev_platforms.iter().cloned());
    }
    RepoInfo {
        location: module.location.clone(),
        mapping: Arc::new(mapping),
        module: defs.name.clone(),
        version: defs.version.clone(),
        registered: Registrations {
            toolchains,
            platforms,
        },
    }
}
