//! What analyzing a target gives.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use kiln_address::Label;
use kiln_base::Fingerprint;
use kiln_diag::Diag;

use crate::{ActionTemplate, Artifact, ArtifactSet, Configuration, Opaque, Runfiles};

/// The providers of a target: interpreter values that only the host can open.
#[derive(Clone)]
pub struct Providers(pub Opaque);

impl fmt::Debug for Providers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("providers")
    }
}

/// An analyzed target. Compared by fingerprint: same rule, attributes, configuration and
/// dependencies make the same providers and actions.
#[derive(Clone, Debug)]
pub struct AnalyzedTarget {
    /// Which target.
    pub label: Label,
    /// In which configuration.
    pub configuration: Configuration,
    /// The name of its rule.
    pub rule: Arc<str>,
    /// The identity of all that analysis read.
    pub fingerprint: Fingerprint,
    /// What dependents see.
    pub providers: Providers,
    /// The actions.
    pub actions: Arc<[Arc<ActionTemplate>]>,
    /// `DefaultInfo.files`
    pub files: ArtifactSet,
    /// `DefaultInfo.files_to_run.executable`
    pub executable: Option<Artifact>,
    /// `DefaultInfo.default_runfiles`
    pub runfiles: Arc<Runfiles>,
    /// `DefaultInfo.data_runfiles`
    pub data_runfiles: Arc<Runfiles>,
    /// `OutputGroupInfo`
    pub output_groups: BTreeMap<Arc<str>, ArtifactSet>,
    /// Predeclared outputs by target name.
    pub predeclared: BTreeMap<Arc<str>, Artifact>,
    /// `args` with locations and make variables expanded.
    pub args: Vec<Arc<str>>,
    /// `RunEnvironmentInfo`
    pub run_environment: RunEnvironment,
    /// `testing.ExecutionInfo` of tests.
    pub test_requirements: BTreeMap<Arc<str>, Arc<str>>,
    /// `platform_common.TemplateVariableInfo`
    pub make_variables: BTreeMap<Arc<str>, Arc<str>>,
    /// `config_common.FeatureFlagInfo`: the value that `config_setting(flag_values)` sees.
    pub feature_flag: Option<Arc<str>>,
    /// What was printed or is worth a warning.
    pub warnings: Vec<Diag>,
}

/// The environment a program is run with (Bazel: `RunEnvironmentInfo`).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct RunEnvironment {
    /// Variables with values.
    pub environment: BTreeMap<Arc<str>, Arc<str>>,
    /// Variables whose values come from the caller's environment.
    pub inherited: Vec<Arc<str>>,
}

impl AnalyzedTarget {
    /// The index of the action that makes an artifact of this target.
    pub fn action_of(&self, artifact: &Artifact) -> Option<usize> {
        self.actions
            .iter()
            .position(|action| action.outputs.contains(artifact))
    }
}

impl PartialEq for AnalyzedTarget {
    fn eq(&self, other: &Self) -> bool {
        self.label == other.label && self.fingerprint == other.fingerprint
    }
}

impl Eq for AnalyzedTarget {}
