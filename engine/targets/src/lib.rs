//! Targets as plain data: what loading a package gives, what analyzing a target gives, and the
//! one door to the interpreter that makes both ([`Host`]).
//!
//! What it is not: it names no interpreter, runs no action and reads no file.
//!
//! Invariants: nothing here holds an interpreter value but the three opaque handles
//! ([`Parsed`], [`Bzl`], [`Providers`]), which only a host can open; values that are compared by
//! fingerprint carry it; labels are canonical; attribute values of a loaded target are typed as
//! their rule's schema says, with only `select` left open.

mod action;
mod analyzed;
mod artifact;
mod attr;
mod config;
mod defaults;
mod depset;
mod host;
mod location;
mod machine;
mod module;
mod package;
mod rule;
mod runfiles;

pub use action::{
    ActionKind, ActionTemplate, Arg, ArgList, ArgSet, ParamFile, ParamFileFormat, Tool,
};
pub use analyzed::{AnalyzedTarget, Providers, RunEnvironment};
pub use artifact::{Artifact, ArtifactKind, Owner, Status};
pub use attr::{AttrKind, AttrSchema, AttrValue, Cfg, FileFilter, Select, SelectKey};
pub use config::{CompilationMode, Configuration, Settings};
pub use defaults::{DefaultField, DefaultFields, DefaultValue, Defaults, RuleId};
pub use depset::{ArtifactSet, Order};
pub use host::{
    AnalyzeRequest, BuildRequest, Bzl, BzlRequest, Dep, Dialect, Globbed, Host, LoadStatement,
    PackageIo, Parsed, SourceText,
};
pub use location::{
    LocationError, LocationKind, NoFiles, expand_locations, expand_make_variables,
    expand_unescaped_locations,
};
pub use machine::{CcTools, MachineTools, PythonTools, ShellTools, ToolKinds};
pub use module::{BazelDep, ExtensionUse, ModuleDefs, Override, OverrideKind, WorkspaceRepo};
pub use package::{
    PackageDefs, PackageGroup, Parameters, Target, TargetDef, Visibility, VisibilitySpec,
};
pub use rule::{BuildSetting, RuleClass, RuleKind, ToolchainUse};
pub use runfiles::{Runfiles, RunfilesEntry};

/// A value that only the host can open.
pub type Opaque = std::sync::Arc<dyn std::any::Any + Send + Sync>;

impl kiln_rules::Param for Configuration {
    const AMBIENT: bool = true;
}
