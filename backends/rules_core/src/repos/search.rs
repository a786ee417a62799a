//! Where a module is, and what its module file says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kiln_address::Repo;
use kiln_diag::Diag;
use kiln_fs::SourceRoot;
use kiln_rules::{Declares, RuleCx};
use kiln_targets::{Dialect, Host, ModuleDefs, SourceText};

use super::Location;
use crate::files::DiskText;
use crate::keys::{DiskPath, RepoOptions};
use crate::services::Embedded;

pub(super) struct Search<'a> {
    pub(super) root: PathBuf,
    pub(super) options: &'a RepoOptions,
    pub(super) embedded: &'a Embedded,
    pub(super) host: &'a dyn Host,
    pub(super) local_overrides: BTreeMap<String, PathBuf>,
    pub(super) found_beside: Vec<(String, PathBuf)>,
}

/// A module with its place and the names its files use.
pub(super) struct Module {
    pub(super) repo: Repo,
    pub(super) location: Location,
    pub(super) defs: ModuleDefs,
}

impl Search<'_> {
    /// The root's module file, or its WORKSPACE file, or nothing; and whether it is a module.
    pub(super) async fn read_root<R>(&self, cx: &RuleCx<R>) -> Result<(ModuleDefs, bool), Diag>
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

    /// Where a module is: overrides of the command line, `local_path_override`, kiln itself,
    /// `--vendor_dir`, and last a folder beside the workspace that says it is that module.
    pub(super) async fn find<R>(
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
}
