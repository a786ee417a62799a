//! Attribute values and schemas.

use std::fmt;
use std::sync::Arc;

use kiln_address::Label;

/// A value of an attribute as loaded: typed, labels resolved, `select` still open.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AttrValue {
    /// `None`, or nothing given and no default.
    None,
    /// A truth value.
    Bool(bool),
    /// A number; Bazel's attributes hold 32-bit ones.
    Int(i64),
    /// A text.
    String(Arc<str>),
    /// A target or file.
    Label(Label),
    /// A list of one kind.
    List(Arc<[AttrValue]>),
    /// A dictionary, in the order written.
    Dict(Arc<[(AttrValue, AttrValue)]>),
    /// A choice by configuration.
    Select(Arc<Select>),
    /// Values put together by `+` (lists, texts) or `|` (dictionaries), at least one of them a
    /// `select`.
    Concat(Arc<[AttrValue]>),
}

/// `select({...})`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Select {
    /// The branches in the order written. `AttrValue::None` as a value means the default of the
    /// attribute.
    pub branches: Vec<(SelectKey, AttrValue)>,
    /// What to say when no branch fits.
    pub no_match_error: Option<Arc<str>>,
}

/// The condition of a branch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SelectKey {
    /// `//conditions:default`.
    Default,
    /// A `config_setting`, a `constraint_value`, or an alias of one.
    Setting(Label),
}

impl AttrValue {
    /// A text.
    pub fn string(text: impl AsRef<str>) -> AttrValue {
        AttrValue::String(Arc::from(text.as_ref()))
    }

    /// A list.
    pub fn list(values: impl IntoIterator<Item = AttrValue>) -> AttrValue {
        AttrValue::List(values.into_iter().collect())
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            AttrValue::String(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value, if it is one (numbers count, as in Bazel's flags).
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            AttrValue::Bool(value) => Some(*value),
            AttrValue::Int(value) => Some(*value != 0),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            AttrValue::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The label, if it is one.
    pub fn as_label(&self) -> Option<&Label> {
        match self {
            AttrValue::Label(label) => Some(label),
            _ => None,
        }
    }

    /// The items of a list; nothing for anything else.
    pub fn items(&self) -> &[AttrValue] {
        match self {
            AttrValue::List(items) => items,
            _ => &[],
        }
    }

    /// Whether any part of it is a `select`.
    pub fn has_select(&self) -> bool {
        matches!(self, AttrValue::Select(_) | AttrValue::Concat(_))
    }

    /// Calls `visit` for every label in it: those of values, and, told apart by the second
    /// argument, those that are keys of a `select`.
    pub fn visit_labels(&self, visit: &mut dyn FnMut(&Label, bool)) {
        match self {
            AttrValue::Label(label) => visit(label, false),
            AttrValue::List(items) | AttrValue::Concat(items) => {
                items.iter().for_each(|item| item.visit_labels(visit));
            }
            AttrValue::Dict(entries) => {
                for (key, value) in entries.iter() {
                    key.visit_labels(visit);
                    value.visit_labels(visit);
                }
            }
            AttrValue::Select(select) => {
                for (key, value) in &select.branches {
                    if let SelectKey::Setting(label) = key {
                        visit(label, true);
                    }
                    value.visit_labels(visit);
                }
            }
            _ => {}
        }
    }
}

/// The type of an attribute (Bazel: `attr.*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttrKind {
    /// `attr.bool`
    Bool,
    /// `attr.int`
    Int,
    /// `attr.int_list`
    IntList,
    /// `attr.string`
    String,
    /// `attr.string_list`
    StringList,
    /// `attr.string_dict`
    StringDict,
    /// `attr.string_list_dict`
    StringListDict,
    /// `attr.label`
    Label,
    /// `attr.label_list`
    LabelList,
    /// `attr.label_keyed_string_dict`
    LabelKeyedStringDict,
    /// `attr.string_keyed_label_dict`
    StringKeyedLabelDict,
    /// `attr.output`
    Output,
    /// `attr.output_list`
    OutputList,
}

impl AttrKind {
    /// What messages call it.
    pub fn name(self) -> &'static str {
        match self {
            AttrKind::Bool => "bool",
            AttrKind::Int => "int",
            AttrKind::IntList => "list of ints",
            AttrKind::String => "string",
            AttrKind::StringList => "list of strings",
            AttrKind::StringDict => "dict of strings",
            AttrKind::StringListDict => "dict of lists of strings",
            AttrKind::Label => "label",
            AttrKind::LabelList => "list of labels",
            AttrKind::LabelKeyedStringDict => "dict of strings by label",
            AttrKind::StringKeyedLabelDict => "dict of labels by string",
            AttrKind::Output => "output file name",
            AttrKind::OutputList => "list of output file names",
        }
    }

    /// Whether its values are dependencies.
    pub fn is_dependency(self) -> bool {
        matches!(
            self,
            AttrKind::Label
                | AttrKind::LabelList
                | AttrKind::LabelKeyedStringDict
                | AttrKind::StringKeyedLabelDict
        )
    }
}

impl fmt::Display for AttrKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which files a label attribute takes (`allow_files`, `allow_single_file`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FileFilter {
    /// None.
    Nothing,
    /// Any.
    Any,
    /// Those whose names end so.
    Extensions(Arc<[Arc<str>]>),
}

/// The configuration in which a dependency is built (`cfg`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Cfg {
    /// As the dependent.
    Target,
    /// For the machine that runs actions.
    Exec,
}

/// One attribute of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttrSchema {
    /// Its name; a leading `_` makes it private (set by its default only).
    pub name: Arc<str>,
    /// Its type.
    pub kind: AttrKind,
    /// The doc text.
    pub doc: Option<Arc<str>>,
    /// The value when none is given.
    pub default: AttrValue,
    /// Whether one must be given.
    pub mandatory: bool,
    /// Whether `select` is allowed.
    pub configurable: bool,
    /// Whether an empty list or dictionary is allowed.
    pub allow_empty: bool,
    /// The values allowed; empty for all.
    pub values: Arc<[AttrValue]>,
    /// The files allowed.
    pub allow_files: FileFilter,
    /// Whether a dependency must give exactly one file.
    pub single_file: bool,
    /// Whether a dependency must be executable.
    pub executable: bool,
    /// The configuration of dependencies.
    pub cfg: Cfg,
    /// Sets of providers (by their exported names) of which dependencies must have one whole set;
    /// empty for none.
    pub providers: Arc<[Arc<[Arc<str>]>]>,
}
