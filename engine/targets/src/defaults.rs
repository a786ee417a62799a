//! `__defaults__`: what attributes are when a target does not give them (BLD-090 … BLD-096).

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_address::{Label, PackageId};

use crate::{AttrValue, RuleClass};

/// The defaults of a package; those of the folders above are in it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Defaults {
    /// For the rules that were named, also those without any defaults left (BLD-092).
    pub rules: BTreeMap<RuleId, DefaultFields>,
    /// For all others (BLD-093): attributes that a rule lacks are skipped.
    pub others: DefaultFields,
}

/// The defaults of a rule, by attribute. The key of a group of values is no attribute's name.
pub type DefaultFields = BTreeMap<Arc<str>, DefaultField>;

/// Which rule. Not by fingerprint: an edit of its file does not take defaults away.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId {
    /// The name.
    pub name: Arc<str>,
    /// The .bzl file that defines it.
    pub defined_in: Label,
}

impl RuleId {
    /// Of this rule.
    pub fn of(rule: &RuleClass) -> RuleId {
        RuleId {
            name: rule.name.clone(),
            defined_in: rule.defined_in.clone(),
        }
    }
}

/// A default of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefaultField {
    /// The value.
    pub value: DefaultValue,
    /// The package that says so: labels in the value are relative to it.
    pub package: PackageId,
}

/// A value as written: which attribute it is for, and with it its type, is known later. Texts that
/// may be labels are texts here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DefaultValue {
    /// One value.
    Plain(AttrValue),
    /// `parametrize("a", b = …)`: values by alias.
    Choices(Vec<(Arc<str>, AttrValue)>),
    /// `**parametrize("A", f = …)`: its name, and values by attribute.
    Group(Arc<str>, Vec<(Arc<str>, DefaultValue)>),
}

impl Defaults {
    /// Those of a rule.
    pub fn of(&self, rule: &RuleClass) -> &DefaultFields {
        if self.rules.is_empty() {
            return &self.others;
        }
        self.rules.get(&RuleId::of(rule)).unwrap_or(&self.others)
    }

    /// Whether there are none at all.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.others.is_empty()
    }
}
