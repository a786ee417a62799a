//! The one door to the interpreter. Synchronous on purpose: nothing with a heap lifetime can
//! meet an `.await`, because there is none on this side.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use kiln_address::{Label, PackageId, RepoMapping};
use kiln_base::{Fingerprint, RelPath};
use kiln_diag::{Diag, Span};

use crate::{
    AnalyzedTarget, Artifact, AttrValue, Configuration, Defaults, MachineTools, ModuleDefs, Opaque,
    PackageDefs, RuleClass, TargetDef,
};

/// The text of a file to evaluate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceText {
    /// The path that messages show.
    pub path: Arc<str>,
    /// The text.
    pub text: Arc<str>,
    /// Which language it is in.
    pub dialect: Dialect,
}

/// The language of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// A .bzl file.
    Bzl,
    /// A BUILD file: no `def`, `lambda`, top-level `for` or `if`.
    Build,
    /// MODULE.bazel: as BUILD, without `load`.
    Module,
    /// WORKSPACE, WORKSPACE.bazel: read leniently, for names only.
    Workspace,
}

/// A parsed file.
#[derive(Clone)]
pub struct Parsed {
    /// What was parsed.
    pub source: SourceText,
    /// Its `load` statements in order.
    pub loads: Vec<LoadStatement>,
    /// The syntax tree, for the host.
    pub handle: Opaque,
}

impl fmt::Debug for Parsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "parsed {}", self.source.path)
    }
}

/// A `load` statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadStatement {
    /// The label as written.
    pub module: Arc<str>,
    /// Where it is written.
    pub span: Span,
}

/// A loaded .bzl file. Compared by fingerprint: frozen heaps have no equality of their own.
#[derive(Clone)]
pub struct Bzl {
    /// Which file.
    pub label: Label,
    /// The fingerprint of its text, of its repository's names and of all it loads.
    pub fingerprint: Fingerprint,
    /// The frozen module, for the host.
    pub module: Opaque,
    /// What was printed while it was loaded.
    pub warnings: Vec<Diag>,
}

impl PartialEq for Bzl {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl Eq for Bzl {}

impl fmt::Debug for Bzl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", self.label, self.fingerprint)
    }
}

/// What evaluating a .bzl file needs.
pub struct BzlRequest<'a> {
    /// The file.
    pub parsed: &'a Parsed,
    /// Its label.
    pub label: &'a Label,
    /// What repository names in it mean.
    pub mapping: &'a Arc<RepoMapping>,
    /// The files it loads, by the label as written.
    pub loads: &'a [(Arc<str>, Arc<Bzl>)],
    /// The prelude's file whose public symbols are the members of `native`; `None` while the
    /// prelude itself is loaded.
    pub natives: Option<&'a Arc<Bzl>>,
}

/// What evaluating a BUILD file needs.
pub struct BuildRequest<'a> {
    /// The file.
    pub parsed: &'a Parsed,
    /// The package.
    pub package: &'a PackageId,
    /// The BUILD file's path, relative to the repository.
    pub build_file: &'a RelPath,
    /// What repository names in it mean.
    pub mapping: &'a Arc<RepoMapping>,
    /// The files it loads, by the label as written.
    pub loads: &'a [(Arc<str>, Arc<Bzl>)],
    /// The prelude's file whose public symbols BUILD files see (and are members of `native`).
    pub natives: &'a Arc<Bzl>,
    /// What the folders above say in `__defaults__` (BLD-091).
    pub inherited: &'a Arc<Defaults>,
    /// The name and version of the module it belongs to (`module_name()`, `module_version()`).
    pub module: (&'a str, &'a str),
    /// The file system, as far as BUILD files may ask.
    pub io: &'a dyn PackageIo,
}

/// The file system, as far as BUILD files may ask. Calls block; answers are tracked.
pub trait PackageIo: Send + Sync {
    /// `glob`: files, and folders unless they are left out. Never enters sub-packages.
    fn glob(
        &self,
        include: &[String],
        exclude: &[String],
        exclude_directories: bool,
    ) -> Result<Globbed, Diag>;

    /// `subpackages`: folders.
    fn subpackages(&self, include: &[String], exclude: &[String]) -> Result<Globbed, Diag>;
}

/// What a `glob` or `subpackages` found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Globbed {
    /// Paths relative to the package, sorted.
    pub paths: Vec<String>,
    /// The `include` patterns that match nothing, whatever `exclude` says, in the order given.
    pub unmatched: Vec<String>,
}

/// A dependency as an implementation function sees it.
#[derive(Clone, Debug)]
pub enum Dep {
    /// A rule's target (aliases followed).
    Target(Arc<AnalyzedTarget>),
    /// A source file.
    Source(Artifact),
    /// One output file of a rule's target.
    Output(Artifact, Arc<AnalyzedTarget>),
}

/// What analyzing a target needs.
pub struct AnalyzeRequest<'a> {
    /// The target as loaded.
    pub target: &'a TargetDef,
    /// The configuration.
    pub configuration: &'a Configuration,
    /// All attributes of the schema in its order, defaults filled in, no `select` left.
    pub attrs: &'a [AttrValue],
    /// For each attribute of the schema (same order): its dependencies in the order of the
    /// labels in its value, one entry a label.
    pub deps: &'a [Vec<(Label, Dep)>],
    /// The toolchains, in the order of the rule's `toolchains`; `None` for optional ones that
    /// are not there.
    pub toolchains: &'a [Option<Arc<AnalyzedTarget>>],
    /// The machine's tools, of the kinds that the rule reads; `None` if it reads none.
    pub machine_tools: Option<&'a MachineTools>,
    /// `package(features)` of the target's package.
    pub package_features: &'a [Arc<str>],
    /// Make variables of all targets and of this configuration (`COMPILATION_MODE`, `BINDIR`).
    pub make_variables: &'a BTreeMap<Arc<str>, Arc<str>>,
    /// The value of the build setting, if the rule is one.
    pub build_setting_value: Option<&'a AttrValue>,
    /// What repository names mean in the target's package.
    pub mapping: &'a Arc<RepoMapping>,
    /// The BUILD file's path, relative to the repository.
    pub build_file: &'a RelPath,
    /// The fingerprint that the result gets: the caller knows all that went in.
    pub fingerprint: Fingerprint,
}

/// The interpreter.
pub trait Host: Send + Sync {
    /// Parses a file. Fails with the place and the expectation.
    fn parse(&self, source: SourceText) -> Result<Parsed, Diag>;

    /// Evaluates a .bzl file.
    fn bzl(&self, request: BzlRequest<'_>) -> Result<Bzl, Diag>;

    /// Evaluates a BUILD file.
    fn build(&self, request: BuildRequest<'_>) -> Result<PackageDefs, Diag>;

    /// Evaluates a MODULE.bazel or WORKSPACE file.
    fn module(&self, parsed: &Parsed) -> Result<ModuleDefs, Diag>;

    /// Where a call (whose place is `call`) in a file writes an attribute, or the first text in it
    /// that is the one wanted; in an attribute without a name, in any. `None` if the call does not
    /// write it out, or the file is no longer what it was.
    fn locate(
        &self,
        source: SourceText,
        call: &Span,
        attribute: &str,
        is_wanted: &dyn Fn(&str) -> bool,
    ) -> Option<Span>;

    /// The rules that a .bzl file exports by names that do not begin with `_`, sorted by name.
    fn rules(&self, bzl: &Bzl) -> Vec<RuleClass>;

    /// Runs the implementation function of a target's rule.
    fn analyze(&self, request: AnalyzeRequest<'_>) -> Result<AnalyzedTarget, Diag>;
}
