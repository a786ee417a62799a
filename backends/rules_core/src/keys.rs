//! What nodes are keyed by: the params of kiln's own rules.

use std::path::PathBuf;
use std::sync::Arc;

use kiln_address::{Label, PackageId, Repo};
use kiln_base::{Fingerprint, RelPath};
use kiln_rules::Param;
use kiln_targets::{Artifact, ArtifactSet, Configuration, Runfiles};

macro_rules! params {
    ($($(#[$doc:meta])* $vis:vis struct $name:ident($inner:ty);)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, PartialEq, Eq, Hash)]
            $vis struct $name(pub $inner);
            impl Param for $name {}

            /// As what it names: keys stand in messages about cycles.
            impl std::fmt::Debug for $name {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    std::fmt::Debug::fmt(&self.0, f)
                }
            }
        )*
    };
}

params! {
    /// A file of the machine, by its absolute path: module files, before repositories are known.
    pub struct DiskPath(PathBuf);
    /// A .bzl file.
    pub struct BzlKey(Label);
    /// A package.
    pub struct PackageKey(PackageId);
    /// A target or file, as named by someone who depends on it.
    pub struct TargetKey(Label);
    /// A condition of a `select`.
    pub struct SettingKey(Label);
    /// An artifact whose contents are wanted.
    pub struct ArtifactKey(Artifact);
    /// A set of artifacts, wanted as a tree at their exec paths.
    pub struct SetKey(ArtifactSet);
}

/// A folder of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DirKey {
    /// The repository.
    pub repo: Repo,
    /// The folder in it.
    pub path: RelPath,
}
impl Param for DirKey {}

/// A file of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileKey {
    /// The repository.
    pub repo: Repo,
    /// The file in it.
    pub path: RelPath,
}
impl Param for FileKey {}

/// One action of a target.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ActionKey {
    /// The target.
    pub owner: Label,
    /// The configuration it was analyzed in.
    pub configuration: Configuration,
    /// The index of the action.
    pub index: usize,
}
impl Param for ActionKey {}

/// A runfiles tree, wanted as a tree whose top is the folder of the repositories.
#[derive(Clone, Debug)]
pub struct RunfilesKey {
    /// The files.
    pub runfiles: Arc<Runfiles>,
    fingerprint: Fingerprint,
}

impl RunfilesKey {
    /// The key of these runfiles.
    pub fn new(runfiles: Arc<Runfiles>) -> RunfilesKey {
        let mut builder = Fingerprint::build("runfiles");
        if let Some(files) = runfiles.files.fingerprint() {
            builder.fingerprint(files);
        }
        for (kind, list) in [("s", &runfiles.symlinks), ("r", &runfiles.root_symlinks)] {
            for (path, artifact) in list {
                builder.text(kind).text(path).text(artifact.exec_path());
                builder.text(&artifact.owner_label().to_string());
            }
        }
        for path in &runfiles.empty {
            builder.text("e").text(path);
        }
        let fingerprint = builder.finish();
        RunfilesKey {
            runfiles,
            fingerprint,
        }
    }
}

impl PartialEq for RunfilesKey {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl Eq for RunfilesKey {}

impl std::hash::Hash for RunfilesKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.fingerprint.hash(state);
    }
}

impl Param for RunfilesKey {}

/// Where other repositories are looked for, and what loading takes for granted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct RepoOptions {
    /// `--vendor_dir`: one checkout a module, absolute.
    pub vendor_dir: Option<PathBuf>,
    /// `--override_module` and `--override_repository`: name and absolute folder.
    pub overrides: Vec<(String, PathBuf)>,
    /// `--extra_toolchains`, as written.
    pub extra_toolchains: Vec<String>,
    /// `--extra_execution_platforms`, as written.
    pub extra_platforms: Vec<String>,
    /// `--deleted_packages`: packages that are taken not to be there.
    pub deleted_packages: Vec<PackageId>,
    /// `--nocheck_visibility`: what is not visible may be used, with a warning.
    pub ignore_visibility: bool,
}

impl Param for RepoOptions {
    const AMBIENT: bool = true;
}
