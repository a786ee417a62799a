//! Where a module is, and what its module file says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kiln_address::{Label, PackageId, Repo, RepoMapping};
use kiln_base::RelPath;
use kiln_diag::{Diag, Span};
use kiln_fs::SourceRoot;
use kiln_rules::{Declares, RuleCx};
use kiln_targets::{Dialect, Host, ModuleDefs, Override, OverrideKind, SourceText};

use super::Location;
use super::missing::require_folder;
use crate::files::DiskText;
use crate::keys::{DiskPath, RepoOptions};
use crate::services::Embedded;

pub(super) struct Search<'a> {
    pub(super) root: PathBuf,
    pub(super) options: &'a RepoOptions,
    pub(super) embedded: &'a Embedded,
    pub(super) host: &'a dyn Host,
    /// The root module's overrides, by module.
    pub(super) overrides: BTreeMap<Arc<str>, Override>,
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
        if let Some(defs) = self.read_module(cx, &self.root).await? {
            return Ok((defs, true));
        }
        for name in ["WORKSPACE.bazel", "WORKSPACE"] {
            let path = self.root.join(name);
            if let Some(defs) = self.read(cx, &path, Dialect::Workspace).await? {
                return Ok((defs, false));
            }
        }
        Ok((ModuleDefs::default(), true))
    }

    async fn read<R>(
        &self,
        cx: &RuleCx<R>,
        path: &Path,
        dialect: Dialect,
    ) -> Result<Option<ModuleDefs>, Diag>
    where
        R: Declares<DiskText, (DiskPath,)>,
    {
        let text = cx.get::<DiskText, _>((DiskPath(path.to_owned()),)).await?;
        let Some(text) = text.0.clone() else {
            return Ok(None);
        };
        let shown = path
            .strip_prefix(&self.root)
            .unwrap_or(path)
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

    /// A folder's MODULE.bazel with all that it includes.
    async fn read_module<R>(
        &self,
        cx: &RuleCx<R>,
        folder: &Path,
    ) -> Result<Option<ModuleDefs>, Diag>
    where
        R: Declares<DiskText, (DiskPath,)>,
    {
        let path = folder.join("MODULE.bazel");
        let Some(mut defs) = self.read(cx, &path, Dialect::Module).await? else {
            return Ok(None);
        };
        let mut seen: BTreeMap<RelPath, Span> = BTreeMap::new();
        let mut pending: Vec<(Arc<str>, Span)> = defs.includes.iter().rev().cloned().collect();
        while let Some((text, span)) = pending.pop() {
            let file = included_file(&text).map_err(|error| error.at(span.clone()))?;
            if let Some(first) = seen.insert(file.clone(), span.clone()) {
                return Err(Diag::build(format!("`{text}` is included twice"))
                    .at(span)
                    .note_at("first included here", first)
                    .hint("remove one of the two calls of `include`"));
            }
            let Some(part) = self.read(cx, &file.under(folder), Dialect::Module).await? else {
                return Err(Diag::build(format!(
                    "cannot include `{text}`: there is no file `{file}`"
                ))
                .at(span)
                .hint(format!("create `{file}`, or correct the label")));
            };
            pending.extend(part.includes.iter().rev().cloned());
            defs.append(part)?;
        }
        Ok(Some(defs))
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
        if let Some(folder) = self.given(name)? {
            return self.module_at(cx, &folder).await.map(Some);
        }
        if let Some(over) = self.overrides.get(name)
            && let OverrideKind::LocalPath(path) = &over.kind
        {
            let folder = self.root.join(&**path);
            require_folder(&folder, |text| {
                Diag::build(format!("`local_path_override` of `{name}`: {text}"))
                    .at(over.span.clone())
                    .hint("correct `path`, which is relative to the root of the workspace")
            })?;
            return self.module_at(cx, &folder).await.map(Some);
        }
        if let Some((name, _)) = self.embedded.repos.get_key_value(name) {
            return Ok(Some((Location::Embedded(name), ModuleDefs::default())));
        }
        if let Some(folder) = self.vendored(name) {
            return self.module_at(cx, &folder).await.map(Some);
        }
        let Some(folder) = self.root.parent().map(|above| above.join(name)) else {
            return Ok(None);
        };
        self.beside(cx, name, folder).await
    }

    /// What the command line says about a name; the last one counts.
    pub(super) fn given(&self, name: &str) -> Result<Option<PathBuf>, Diag> {
        let mut given = self.options.overrides.iter().rev();
        let Some((_, folder)) = given.find(|(known, _)| known == name) else {
            return Ok(None);
        };
        require_folder(folder, |text| {
            Diag::usage(format!("`--override_module={name}=…`: {text}"))
                .hint("name a folder that has a checkout of it")
        })?;
        Ok(Some(folder.clone()))
    }

    /// The folder of a module or repository in `--vendor_dir`: its name, or `NAME+` as
    /// `bazel vendor` calls it.
    pub(super) fn vendored(&self, name: &str) -> Option<PathBuf> {
        let vendor = self.options.vendor_dir.as_ref()?;
        let folders = [vendor.join(name), vendor.join(format!("{name}+"))];
        folders.into_iter().find(|folder| folder.is_dir())
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
        let defs = match self.read_module(cx, &folder).await {
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
        folder: &Path,
    ) -> Result<(Location, ModuleDefs), Diag>
    where
        R: Declares<DiskText, (DiskPath,)>,
    {
        let defs = self.read_module(cx, folder).await?;
        Ok((
            Location::Disk(SourceRoot::open(folder)?),
            defs.unwrap_or_default(),
        ))
    }
}

/// The file that `include` names (Bazel: a label of the same repository, `*.MODULE.bazel`).
fn included_file(text: &str) -> Result<RelPath, Diag> {
    let refused = |reason: &str| {
        Diag::build(format!("cannot include `{text}`: {reason}"))
            .hint("write `//package:name.MODULE.bazel`")
    };
    if !text.starts_with("//") {
        return Err(refused("it is no label that begins with `//`"));
    }
    let root = PackageId::new(Repo::root(), RelPath::root());
    let label = Label::parse(text, &root, &RepoMapping::new(Repo::root()));
    let label = label.map_err(|error| refused(&error.reason))?;
    match label.name().ends_with(".MODULE.bazel") {
        true => Ok(label.file_path()),
        false => Err(refused("its name does not end with `.MODULE.bazel`")),
    }
}
