//! What evaluating a BUILD file gives.

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_address::{Label, PackageId};
use kiln_base::RelPath;
use kiln_diag::{Diag, Span};

use crate::{AttrSchema, AttrValue, Defaults, RuleClass};

/// A loaded package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageDefs {
    /// Which package.
    pub id: PackageId,
    /// Its BUILD file, relative to its repository.
    pub build_file: RelPath,
    /// All targets by name.
    pub targets: BTreeMap<Arc<str>, Target>,
    /// `package(default_visibility)`.
    pub default_visibility: Visibility,
    /// `package(features)`.
    pub features: Vec<Arc<str>>,
    /// `package(default_testonly)`.
    pub default_testonly: bool,
    /// `__defaults__`, those of folders above included, for the folders below.
    pub defaults: Arc<Defaults>,
    /// What was printed or is worth a warning.
    pub warnings: Vec<Diag>,
}

/// One named thing of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A target made by a rule.
    Rule(Arc<TargetDef>),
    /// A file that a rule of this package makes, predeclared by an output attribute.
    Output {
        /// The name of that rule's target.
        generated_by: Arc<str>,
    },
    /// A source file named by `exports_files`.
    Exported {
        /// Who may use it.
        visibility: Visibility,
    },
    /// A `package_group`.
    Group(Arc<PackageGroup>),
    /// The name that targets were given which `parametrize` made, or a file that each of them
    /// makes: nothing by itself (BLD-070).
    Members(Arc<[Arc<str>]>),
}

/// What `parametrize` chose for a target.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Parameters {
    /// Attribute (or `parametrize`) and alias, sorted, as in its name.
    pub chosen: Vec<(Arc<str>, Arc<str>)>,
    /// The attributes that its group sets.
    pub group: Vec<Arc<str>>,
}

/// A target made by a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetDef {
    /// Its label.
    pub label: Label,
    /// Its rule.
    pub rule: Arc<RuleClass>,
    /// The attributes given, sorted by name, package defaults (`testonly`) applied; what is
    /// missing has the schema's default. `visibility` is not among them.
    pub attrs: Vec<(Arc<str>, AttrValue)>,
    /// Who may depend on it.
    pub visibility: Visibility,
    /// Where it was declared in the BUILD file (of a macro: the outermost call).
    pub span: Span,
    /// The macro that declared it, if one did.
    pub generator: Option<Arc<str>>,
    /// What makes it one of several, if it is.
    pub parameters: Option<Arc<Parameters>>,
}

impl TargetDef {
    /// The value given for an attribute, or its default.
    pub fn attr(&self, name: &str) -> Option<&AttrValue> {
        match self.attrs.binary_search_by(|(n, _)| (**n).cmp(name)) {
            Ok(at) => Some(&self.attrs[at].1),
            Err(_) => self.rule.attr(name).map(|schema| &schema.default),
        }
    }

    /// Whether a value was given for an attribute.
    pub fn is_given(&self, name: &str) -> bool {
        self.attrs
            .binary_search_by(|(n, _)| (**n).cmp(name))
            .is_ok()
    }

    /// All attributes with their values, in the schema's order.
    pub fn all_attrs(&self) -> impl Iterator<Item = (&AttrSchema, &AttrValue)> {
        self.rule.attrs.iter().map(|schema| {
            let value = self.attr(&schema.name).unwrap_or(&schema.default);
            (schema, value)
        })
    }

    /// The tags.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.attr("tags")
            .map_or(&[][..], AttrValue::items)
            .iter()
            .filter_map(AttrValue::as_str)
    }
}

/// Who may depend on a target (Bazel: visibility). The target's own package always may.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Visibility {
    /// Everybody.
    Public,
    /// Its own package only.
    Private,
    /// Its own package and these.
    Listed(Arc<[VisibilitySpec]>),
}

/// One entry of a visibility list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum VisibilitySpec {
    /// `//p:__pkg__`
    Package(PackageId),
    /// `//p:__subpackages__`
    Subpackages(PackageId),
    /// A `package_group`. It must not be loaded unless nothing else decides.
    Group(Label),
}

/// A `package_group`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageGroup {
    /// Its label.
    pub label: Label,
    /// What it contains; negative entries (`-//p/...`) are `false`. `public` is the root's
    /// `Subpackages` of every repository and sets `everybody`.
    pub packages: Vec<(VisibilitySpec, bool)>,
    /// Whether `public` is listed.
    pub everybody: bool,
    /// Other groups whose packages count too.
    pub includes: Vec<Label>,
    /// Where it was declared.
    pub span: Span,
}
