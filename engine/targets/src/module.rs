//! What MODULE.bazel and WORKSPACE files say.

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_diag::{Diag, Span};

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
    /// Where `module` is called.
    pub declared: Option<Span>,
    /// The apparent repository names that the file gives, and where.
    pub names: BTreeMap<Arc<str>, Span>,
}

impl ModuleDefs {
    /// Notes the call of `module`, which must be the only one.
    pub fn declare(&mut self, span: &Span) -> Result<(), Diag> {
        match self.declared.replace(span.clone()) {
            None => Ok(()),
            Some(first) => Err(Diag::build("`module` is called twice")
                .at(span.clone())
                .note_at("first called here", first)
                .hint("remove one of the calls: a module has one name and one version")),
        }
    }

    /// Notes an apparent repository name, which must be the only one of its kind.
    pub fn name_repo(&mut self, name: &str, span: &Span) -> Result<(), Diag> {
        match self.names.insert(Arc::from(name), span.clone()) {
            None => Ok(()),
            Some(first) => Err(Diag::build(format!("two repositories are called `{name}` here"))
                .at(span.clone())
                .note_at("first named here", first)
                .hint("give one of them another name (`repo_name = …`, `use_repo(ext, other = …)`)")),
        }
    }

    /// Notes what a module is replaced by, which can be one thing only (Bazel).
    pub fn add_override(&mut self, new: Override) -> Result<(), Diag> {
        let same = |old: &&Override| old.module == new.module;
        if let Some(first) = self.overrides.iter().find(same) {
            return Err(
                Diag::build(format!("module `{}` is overridden twice", new.module))
                    .at(new.span)
                    .note_at("first overridden here", first.span.clone())
                    .hint("remove one of the overrides"),
            );
        }
        self.overrides.push(new);
        Ok(())
    }

    /// Adds what an included file says (Bazel: as if it stood in this one).
    pub fn append(&mut self, part: ModuleDefs) -> Result<(), Diag> {
        if let Some(span) = &part.declared {
            return Err(
                Diag::build("`module` is called in a file that is included by another")
                    .at(span.clone())
                    .hint("move the call to the beginning of MODULE.bazel"),
            );
        }
        for (name, span) in &part.names {
            self.name_repo(name, span)?;
        }
        for over in part.overrides {
            self.add_override(over)?;
        }
        self.deps.extend(part.deps);
        self.extensions.extend(part.extensions);
        self.toolchains.extend(part.toolchains);
        self.platforms.extend(part.platforms);
        self.dev_toolchains.extend(part.dev_toolchains);
        self.dev_platforms.extend(part.dev_platforms);
        Ok(())
    }
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
    /// Something to download; the function that says so (`archive_override`, `git_override`).
    Download(&'static str),
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
    /// For `local_repository`: the folder.
    pub path: Option<Arc<str>>,
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
