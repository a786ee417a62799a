//! What a `rule()` call makes.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use kiln_address::Label;
use kiln_base::Fingerprint;

use crate::{AttrKind, AttrSchema, Opaque, ToolKinds};

/// A kind of target.
#[derive(Clone)]
pub struct RuleClass {
    /// The name it was exported by (`cc_library`).
    pub name: Arc<str>,
    /// The .bzl file that defines it.
    pub defined_in: Label,
    /// Fingerprint of that file and all it loads; with the name it is the rule's identity.
    pub fingerprint: Fingerprint,
    /// How its targets are analyzed.
    pub kind: RuleKind,
    /// The doc text.
    pub doc: Option<Arc<str>>,
    /// All attributes, sorted by name; those that every rule has (`name`, `tags`, `visibility`,
    /// `testonly`, …; for tests `size`, `timeout`, `args`, …) included.
    pub attrs: Arc<[AttrSchema]>,
    /// Whether its targets can be run.
    pub executable: bool,
    /// Whether its targets are tests.
    pub test: bool,
    /// If its targets are build settings: their type.
    pub build_setting: Option<BuildSetting>,
    /// The toolchain types its targets ask for.
    pub toolchains: Arc<[ToolchainUse]>,
    /// What its implementation reads of [`crate::MachineTools`] (prelude rules only).
    pub machine_tools: ToolKinds,
    /// Whether its attribute `environment` is the one that says where targets are built (ENV-030),
    /// and not one of its own.
    pub environment: bool,
    /// Predeclared outputs of `rule(outputs = {...})`: key and template (`%{name}.x`).
    pub outputs: Arc<[(Arc<str>, Arc<str>)]>,
    /// The rule value, for the host.
    pub handle: Opaque,
}

/// How targets of a rule are analyzed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RuleKind {
    /// By an implementation function.
    Starlark,
    /// By the engine itself: `alias`, `config_setting`, `constraint_setting`,
    /// `constraint_value`, `platform`, `test_suite`, `toolchain`, `toolchain_type`,
    /// `label_flag`, … The attributes are declared in the prelude all the same.
    Builtin(Arc<str>),
}

/// The type of a build setting (Bazel: `config.bool(flag = True)`, …).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BuildSetting {
    /// The type of its value: `Bool`, `Int`, `String` or `StringList`.
    pub kind: AttrKind,
    /// Whether it can be set on the command line.
    pub flag: bool,
    /// Whether each use of the flag adds a value (`config.string(allow_multiple = True)`,
    /// `config.string_list(repeatable = True)`).
    pub repeatable: bool,
}

/// A toolchain type that a rule asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ToolchainUse {
    /// The `toolchain_type` target.
    pub label: Label,
    /// Whether analysis fails without one.
    pub mandatory: bool,
}

impl RuleClass {
    /// The schema of an attribute.
    pub fn attr(&self, name: &str) -> Option<&AttrSchema> {
        let at = self
            .attrs
            .binary_search_by(|attr| (*attr.name).cmp(name))
            .ok()?;
        Some(&self.attrs[at])
    }

    /// Whether its targets are environments (ENV-001). They are read by plain address and say
    /// all that they are themselves (ENV-143, ENV-144).
    pub fn is_environment(&self) -> bool {
        matches!(&self.kind, RuleKind::Builtin(kind) if kind.ends_with("_environment"))
    }

    /// What `kind()` in queries and `--output=label_kind` call its targets: `cc_library rule`.
    pub fn kind_text(&self) -> String {
        format!("{} rule", self.name)
    }
}

impl PartialEq for RuleClass {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint && self.name == other.name
    }
}

impl Eq for RuleClass {}

impl Hash for RuleClass {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fingerprint.hash(state);
        self.name.hash(state);
    }
}

impl fmt::Debug for RuleClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%{}", self.defined_in, self.name)
    }
}
