//! The repositories of a WORKSPACE file.

use std::collections::BTreeMap;

use kiln_address::{Repo, RepoMapping};
use kiln_diag::Diag;
use kiln_fs::SourceRoot;
use kiln_rules::{Declares, RuleCx};
use kiln_targets::ModuleDefs;

use super::missing::Missing;
use super::names::info;
use super::search::{Module, Search};
use super::{Location, Repositories};
use crate::files::DiskText;
use crate::keys::DiskPath;

impl Search<'_> {
    /// The repositories of a WORKSPACE file: one global set of names.
    pub(super) async fn workspace_repos<R>(
        mut self,
        cx: &RuleCx<R>,
        root: ModuleDefs,
    ) -> Result<Repositories, Diag>
    where
        R: Declares<DiskText, (DiskPath,)>,
    {
        let mut missing = BTreeMap::new();
        let mut names: BTreeMap<String, (Repo, Location)> = BTreeMap::new();
        for repo in &root.workspace_repos {
            let named = repo.path.as_ref().map(|path| self.root.join(&**path));
            let given = self.given(&repo.name)?;
            let location = match given.or_else(|| named.clone().filter(|path| path.is_dir())) {
                Some(folder) => Some(Location::Disk(SourceRoot::open(&folder)?)),
                None if named.is_some() => None,
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
                None => {
                    let absent = Missing {
                        folder: repo.name.clone(),
                        declared_by: repo.rule.clone(),
                        span: repo.span.clone(),
                        module: false,
                        path: named,
                        vendor_dir: self.options.vendor_dir.clone(),
                    };
                    missing.insert(repo.name.to_string(), absent);
                }
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
            order: vec![Repo::root()],
            extra: self.extra(),
            found_beside: self.found_beside,
        })
    }
}
