//! What MODULE.bazel and WORKSPACE files say.

use std::sync::Arc;

use kiln_diag::Span;

/// A MODULE.bazel file, or what stands in for one.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ModuleDefs {
    /// `module(name)`
    pub name: Arc<str>,
    /// `module(version)`
    pub version: Arc<str>,
    /// `module(repo_name)`: how the module's own files name their repository.
    pub repo_name: Option<Arc<str>>,
    /// `bazel_dep`s in order, dev dependencies included and marked.
    pub deps: Vec<BazelDep>,
    /// Overrides.
    pub overrides: Vec<Override>,
    /// `use_extension` and `use_repo_rule`, with the repositories taken from them.
    pub extensions: Vec<ExtensionUse>,
    /// `register_toolchains`, as written.
    pub toolchains: Vec<Arc<str>>,
    /// `register_execution_platforms`, as written.
    pub platforms: Vec<Arc<str>>,
    /// `register_toolchains` that count for the root module only.
    pub dev_toolchains: Vec<Arc<str>>,
    /// `register_execution_platforms` that count for the root module only.
    pub dev_platforms: Vec<Arc<str>>,
    /// `include`d files, as written: parts of the same MODULE.bazel.
    pub includes: Vec<(Arc<str>, Span)>,
    /// Repositories that a WORKSPACE file declares.
    pub workspace_repos: Vec<WorkspaceRepo>,
}

/// A `bazel_dep`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BazelDep {
    /// The module.
    pub name: Arc<str>,
    /// The version asked for; empty if none.
    pub version: Arc<str>,
    /// The apparent repository name; the module's name if not given, `None` in the file
    /// (`repo_name = None`) gives no name.
    pub repo_name: Option<Arc<str>>,
    /// Whether it counts for the root module only.
    pub dev: bool,
    /// Where.
    pub span: Span,
}

/// An override of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The module.
    pub module: Arc<str>,
    /// What it is replaced by.
    pub kind: OverrideKind,
    /// Where.
    pub span: Span,
}

/// What a module is replaced by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OverrideKind {
    /// `local_path_override`: a folder, relative to the root of the workspace.
    LocalPath(Arc<str>),
    /// `archive_override`, `git_override`: something to download.
    Download,
    /// `single_version_override`, `multiple_version_override`.
    Version,
}

/// A module extension (or repository rule) and the repositories taken from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtensionUse {
    /// The .bzl file, as written.
    pub bzl: Arc<str>,
    /// The extension's (or rule's) name.
    pub name: Arc<str>,
    /// Whether it counts for the root module only.
    pub dev: bool,
    /// Apparent name and the name in the extension.
    pub repos: Vec<(Arc<str>, Arc<str>)>,
    /// Where.
    pub span: Span,
}

/// A repository that a WORKSPACE file declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceRepo {
    /// Its name.
    pub name: Arc<str>,
    /// The rule that makes it (`local_repository`, `http_archive`, …).
    pub rule: Arc<str>,
    /// For `local_repository`: the folder.
    pub path: Option<Arc<str>>,
    /// Where.
    pub span: Span,
}
