//! What a `rule()` call says, as plain data.

use std::sync::Arc;

use kiln_diag::{Diag, Span};
use kiln_host::FileScope;
use kiln_targets::{AttrSchema, BuildSetting, RuleKind, ToolKinds, ToolchainUse};

use crate::values::provider::ProviderDef;

/// A rule before it has its name.
#[derive(Debug)]
pub(crate) struct RuleSpec {
    /// The file it is defined in: label strings are relative to it.
    pub(crate) scope: Arc<FileScope>,
    pub(crate) kind: RuleKind,
    pub(crate) doc: Option<Arc<str>>,
    /// All attributes sorted by name, those that every rule has included.
    pub(crate) attrs: Arc<[AttrSchema]>,
    /// For each attribute of `attrs`: what its dependencies must be besides.
    pub(crate) needs: Vec<Needs>,
    pub(crate) executable: bool,
    pub(crate) test: bool,
    pub(crate) build_setting: Option<BuildSetting>,
    pub(crate) toolchains: Arc<[ToolchainUse]>,
    pub(crate) machine_tools: ToolKinds,
    pub(crate) environment: bool,
    pub(crate) outputs: Arc<[(Arc<str>, Arc<str>)]>,
    /// What targets must return.
    pub(crate) provides: Vec<Arc<ProviderDef>>,
    /// What the rule uses that kiln does not do yet: said when a target is analyzed.
    pub(crate) unsupported: Vec<Unsupported>,
}

/// What an attribute asks of its dependencies beyond its [`AttrSchema`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Needs {
    /// Sets of providers, of which a dependency must have one whole set.
    pub(crate) providers: Vec<Vec<Arc<ProviderDef>>>,
    /// Rules whose targets are accepted whatever they provide.
    pub(crate) rules: Vec<String>,
}

/// A feature that is accepted in a definition and refused in use.
#[derive(Clone, Debug)]
pub(crate) struct Unsupported {
    /// `aspects of the attribute deps`
    pub(crate) what: String,
    pub(crate) at: Option<Span>,
}

impl Unsupported {
    pub(crate) fn diag(&self) -> Diag {
        let diag = Diag::build(format!("{} are not supported yet", self.what));
        match &self.at {
            Some(at) => diag.note_at("defined here", at.clone()),
            None => diag,
        }
    }
}
