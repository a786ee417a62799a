//! Files that the build reads or makes.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use kiln_address::{Label, LabelError, PackageId, Repo};
use kiln_base::RelPath;

use crate::Configuration;

/// A source file, or a file or folder that an action makes. Cheap to clone.
#[derive(Clone)]
pub struct Artifact(Arc<Data>);

struct Data {
    owner: Owner,
    repo: Repo,
    path: RelPath,
    kind: ArtifactKind,
    exec_path: Arc<str>,
}

/// Where an artifact comes from.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Owner {
    /// The workspace: the label of the file.
    Source(Label),
    /// An action of this target.
    Target(Label, Configuration),
    /// The command: what is known of the workspace. The label is for people.
    Status(Status, Label),
}

/// What is known of the workspace when a command begins (Bazel: workspace status).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// What seldom changes; actions that read it run again when it does (Bazel:
    /// `ctx.info_file`).
    Stable,
    /// What changes each time. It is no reason to run an action again (Bazel:
    /// `ctx.version_file`).
    Volatile,
}

impl Status {
    /// The name of its file.
    pub fn file_name(self) -> &'static str {
        match self {
            Status::Stable => "stable-status.txt",
            Status::Volatile => "volatile-status.txt",
        }
    }
}

/// What an artifact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArtifactKind {
    /// A regular file.
    File,
    /// A folder of unknown contents (`declare_directory`), or a source folder.
    Directory,
    /// A symbolic link that may dangle (`declare_symlink`).
    Symlink,
}

impl Artifact {
    /// A source file (or folder).
    pub fn source(label: Label, kind: ArtifactKind) -> Artifact {
        let (repo, path) = (label.repo().clone(), label.file_path());
        let exec_path = match repo.is_root() {
            true => path.to_string(),
            false => format!("external/{}/{path}", repo.as_str()),
        };
        let owner = Owner::Source(label);
        Artifact(Arc::new(Data {
            owner,
            repo,
            path,
            kind,
            exec_path: exec_path.into(),
        }))
    }

    /// A file that an action of `target` makes; `path` is relative to the target's repository.
    pub fn derived(
        target: Label,
        configuration: &Configuration,
        path: RelPath,
        kind: ArtifactKind,
    ) -> Artifact {
        let repo = target.repo().clone();
        let bin = bin_dir(configuration);
        let exec_path = match repo.is_root() {
            true => format!("{bin}/{path}"),
            false => format!("{bin}/external/{}/{path}", repo.as_str()),
        };
        let owner = Owner::Target(target, configuration.clone());
        Artifact(Arc::new(Data {
            owner,
            repo,
            path,
            kind,
            exec_path: exec_path.into(),
        }))
    }

    /// A file of the workspace's status, where commands that were written for Bazel look for it.
    ///
    /// Errors: none that can happen; the name of the file is a name for a target.
    pub fn status(status: Status) -> Result<Artifact, LabelError> {
        let path = RelPath::new(status.file_name()).unwrap_or_else(|_| RelPath::root());
        let label = PackageId::new(Repo::root(), RelPath::root()).target(status.file_name())?;
        Ok(Artifact(Arc::new(Data {
            owner: Owner::Status(status, label),
            repo: Repo::root(),
            exec_path: format!("bazel-out/{path}").into(),
            path,
            kind: ArtifactKind::File,
        })))
    }

    /// Where it comes from.
    pub fn owner(&self) -> &Owner {
        &self.0.owner
    }

    /// The label of the target that makes it, or of the source file itself.
    pub fn owner_label(&self) -> &Label {
        match &self.0.owner {
            Owner::Source(label) | Owner::Target(label, _) | Owner::Status(_, label) => label,
        }
    }

    /// Whether it is a source file.
    pub fn is_source(&self) -> bool {
        matches!(self.0.owner, Owner::Source(_))
    }

    /// The repository it belongs to.
    pub fn repo(&self) -> &Repo {
        &self.0.repo
    }

    /// Its path relative to its repository (for derived ones: below the output folder).
    pub fn repo_path(&self) -> &RelPath {
        &self.0.path
    }

    /// What it is.
    pub fn kind(&self) -> ArtifactKind {
        self.0.kind
    }

    /// Its path where actions run (Bazel: `File.path`).
    pub fn exec_path(&self) -> &str {
        &self.0.exec_path
    }

    /// Its path relative to the runfiles folder of the root repository (Bazel:
    /// `File.short_path`).
    pub fn short_path(&self) -> String {
        match self.0.repo.is_root() {
            true => self.0.path.to_string(),
            false => format!("../{}/{}", self.0.repo.as_str(), self.0.path),
        }
    }

    /// Its path in a runfiles tree, repository first (Bazel: `rlocationpath`).
    pub fn runfiles_path(&self) -> String {
        format!("{}/{}", self.0.repo.runfiles_name(), self.0.path)
    }

    /// What stands before the repository-relative path in the exec path: empty for sources of
    /// the root repository (Bazel: `File.root.path`).
    pub fn root(&self) -> &str {
        let exec = &*self.0.exec_path;
        exec[..exec.len() - self.0.path.as_str().len()].trim_end_matches('/')
    }
}

/// The folder, where actions run, of what is made in a configuration.
pub(crate) fn bin_dir(configuration: &Configuration) -> String {
    format!("kiln-out/{}/bin", configuration.folder())
}

impl PartialEq for Artifact {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.exec_path == other.0.exec_path && self.0.owner == other.0.owner)
    }
}

impl Eq for Artifact {}

impl Hash for Artifact {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.exec_path.hash(state);
    }
}

impl PartialOrd for Artifact {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Artifact {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let label = |a: &Artifact| a.owner_label().clone();
        self.0.exec_path.cmp(&other.0.exec_path).then_with(|| {
            if self == other {
                std::cmp::Ordering::Equal
            } else {
                label(self).cmp(&label(other))
            }
        })
    }
}

impl fmt::Debug for Artifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.exec_path)
    }
}
