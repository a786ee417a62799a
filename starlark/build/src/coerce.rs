//! Starlark values as attribute values, typed by the attribute's kind (BLD-043).

use std::sync::Arc;

use kiln_address::{Label, PackageId, RepoMapping};
use kiln_diag::Diag;
use kiln_host::FileScope;
use kiln_host::starlark::values::Value;
use kiln_host::starlark::values::dict::DictRef;
use kiln_host::starlark::values::list::ListRef;
use kiln_host::starlark::values::tuple::TupleRef;
use kiln_targets::{AttrKind, AttrValue, Select, SelectKey};
use rustc_hash::FxHashSet;

use crate::label::LabelValue;
use crate::select::SelectValue;

/// What label strings in a value mean.
#[derive(Clone, Copy)]
pub struct LabelContext<'a> {
    /// The package that relative labels belong to.
    pub package: &'a PackageId,
    /// What repository names mean.
    pub mapping: &'a RepoMapping,
}

impl<'a> LabelContext<'a> {
    /// Labels as the file itself writes them.
    pub fn of(scope: &'a FileScope) -> LabelContext<'a> {
        LabelContext {
            package: scope.label.package(),
            mapping: &scope.mapping,
        }
    }

    /// The label that a text or a `Label` means.
    pub fn label(&self, value: Value<'_>) -> Result<Label, Diag> {
        if let Some(label) = LabelValue::from_value(value) {
            return Ok(label.0.clone());
        }
        match value.unpack_str() {
            Some(text) => self.parse(text),
            None => Err(wrong_kind(AttrKind::Label, value)),
        }
    }

    /// The label that a text means.
    pub fn parse(&self, text: &str) -> Result<Label, Diag> {
        Label::parse(text, self.package, self.mapping)
            .map_err(|error| Diag::build(error.to_string()).hint(LABELS))
    }
}

/// How labels are written.
pub(crate) const LABELS: &str = "labels look like `//package:name`, `:name` or `file.txt`";

/// A value as an attribute of this kind. `None` becomes [`AttrValue::None`], a `select` stays
/// open. The message of an error says what was expected and what is there, not for which
/// attribute: the caller knows.
pub fn attr_value(
    value: Value<'_>,
    kind: AttrKind,
    labels: LabelContext<'_>,
) -> Result<AttrValue, Diag> {
    if value.is_none() {
        return Ok(AttrValue::None);
    }
    match SelectValue::from_value(value) {
        Some(select) => open(select, kind, labels),
        None => plain(value, kind, labels),
    }
}

/// "expected …, got `…` of type …".
pub(crate) fn mismatch(expected: &str, value: Value<'_>) -> Diag {
    let shown = value.to_repr();
    let shown = match shown.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    };
    let diag = Diag::build(format!(
        "expected {expected}, got `{shown}` of type {}",
        value.get_type()
    ));
    match value.get_type() {
        "select" => diag
            .hint("a `select` gives the whole value of an attribute, or a part put to it with `+`"),
        _ => diag,
    }
}

/// How a value of a kind is written, if it can be told from what stands there instead.
fn spelling(kind: AttrKind, value: Value<'_>) -> Option<String> {
    let text = value.unpack_str();
    Some(match kind {
        AttrKind::Bool => "write `True` or `False`".to_owned(),
        AttrKind::Int => match text?.trim().parse::<i32>() {
            Ok(number) => format!("write `{number}`"),
            Err(_) => "write a number without quotation marks".to_owned(),
        },
        AttrKind::String => match value.get_type() {
            "int" | "bool" => format!("write `\"{}\"`", value.to_str()),
            "list" => "write one text: `\"…\"`".to_owned(),
            _ => return None,
        },
        AttrKind::Label => "write one label: `\"//package:name\"`".to_owned(),
        AttrKind::Output => "write one file name: `\"out.txt\"`".to_owned(),
        AttrKind::LabelList => match text {
            Some(_) => format!("write `[{}]`", value.to_repr()),
            None => "write a list: `[\"file.txt\", \":target\"]`".to_owned(),
        },
        AttrKind::OutputList => match text {
            Some(_) => format!("write `[{}]`", value.to_repr()),
            None => "write a list: `[\"out.txt\"]`".to_owned(),
        },
        AttrKind::StringList | AttrKind::IntList => format!("write `[{}]`", value.to_repr()),
        AttrKind::StringDict => "write a dict: `{\"key\": \"value\"}`".to_owned(),
        AttrKind::StringListDict => "write a dict: `{\"key\": [\"value\"]}`".to_owned(),
        AttrKind::LabelKeyedStringDict => "write a dict: `{\":label\": \"value\"}`".to_owned(),
        AttrKind::StringKeyedLabelDict => "write a dict: `{\"key\": \":label\"}`".to_owned(),
    })
}

/// As [`mismatch`], with how it is written.
fn wrong_kind(kind: AttrKind, value: Value<'_>) -> Diag {
    let diag = mismatch(&kind_text(kind), value);
    match spelling(kind, value).filter(|_| diag.hints().is_empty()) {
        Some(cure) => diag.hint(cure),
        None => diag,
    }
}

/// The article and name of a kind.
pub(crate) fn kind_text(kind: AttrKind) -> String {
    let name = kind.name();
    let article = if name.starts_with(['a', 'e', 'i', 'o']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {name}")
}

fn open(
    select: &SelectValue<'_>,
    kind: AttrKind,
    labels: LabelContext<'_>,
) -> Result<AttrValue, Diag> {
    let mut parts = Vec::with_capacity(select.parts.len());
    for part in &select.parts {
        parts.push(match part.is_choice {
            true => choice(part.value, part.no_match_error.as_deref(), kind, labels)?,
            false => plain(part.value, kind, labels)?,
        });
    }
    if parts.len() == 1 {
        return Ok(parts.remove(0));
    }
    match kind {
        AttrKind::Bool | AttrKind::Int | AttrKind::Label | AttrKind::Output => {
            Err(Diag::build(format!(
                "{} cannot be put together from several values",
                kind_text(kind)
            )))
        }
        _ => Ok(AttrValue::Concat(parts.into())),
    }
}

fn choice(
    branches: Value<'_>,
    no_match_error: Option<&str>,
    kind: AttrKind,
    labels: LabelContext<'_>,
) -> Result<AttrValue, Diag> {
    let Some(dict) = DictRef::from_value(branches) else {
        return Err(mismatch("a dict", branches));
    };
    let mut seen = FxHashSet::default();
    let mut select = Select {
        branches: Vec::with_capacity(dict.len()),
        no_match_error: no_match_error.map(Arc::from),
    };
    for (condition, value) in dict.iter() {
        let key = select_key(labels.label(condition)?);
        if !seen.insert(key.clone()) {
            return Err(Diag::build(format!(
                "two branches of a `select` have the same condition, {}",
                condition.to_repr()
            ))
            .hint("remove one of the two"));
        }
        let in_branch = |diag: Diag| {
            diag.note(format!(
                "in the branch {} of a `select`",
                condition.to_repr()
            ))
        };
        let value = match value.is_none() {
            true => AttrValue::None,
            false => plain(value, kind, labels).map_err(in_branch)?,
        };
        select.branches.push((key, value));
    }
    Ok(AttrValue::Select(Arc::new(select)))
}

/// `//conditions:default` means the same in every repository.
pub(crate) fn select_key(label: Label) -> SelectKey {
    match label.package().path.as_str() == "conditions" && label.name() == "default" {
        true => SelectKey::Default,
        false => SelectKey::Setting(label),
    }
}

fn plain(value: Value<'_>, kind: AttrKind, labels: LabelContext<'_>) -> Result<AttrValue, Diag> {
    let expected = || wrong_kind(kind, value);
    let item = |kind| move |value| plain(value, kind, labels);
    match kind {
        AttrKind::Bool => match (value.unpack_bool(), value.unpack_i32()) {
            (Some(value), _) => Ok(AttrValue::Bool(value)),
            (_, Some(value @ (0 | 1))) => Ok(AttrValue::Bool(value == 1)),
            _ => Err(expected()),
        },
        AttrKind::Int => match (value.unpack_bool(), value.unpack_i32()) {
            (None, Some(value)) => Ok(AttrValue::Int(i64::from(value))),
            _ if value.get_type() == "int" => Err(mismatch("an int of 32 bits", value)),
            _ => Err(expected()),
        },
        AttrKind::String => match value.unpack_str() {
            Some(text) => Ok(AttrValue::string(text)),
            None => Err(expected()),
        },
        AttrKind::Label => Ok(AttrValue::Label(labels.label(value)?)),
        AttrKind::Output => output(value, labels),
        AttrKind::IntList => list(value, kind, item(AttrKind::Int)),
        AttrKind::StringList => list(value, kind, item(AttrKind::String)),
        AttrKind::LabelList => {
            let labels = list(value, kind, item(AttrKind::Label))?;
            no_label_twice(&labels)?;
            Ok(labels)
        }
        AttrKind::OutputList => list(value, kind, item(AttrKind::Output)),
        AttrKind::StringDict => dict(value, kind, item(AttrKind::String), item(AttrKind::String)),
        AttrKind::StringListDict => dict(
            value,
            kind,
            item(AttrKind::String),
            item(AttrKind::StringList),
        ),
        AttrKind::LabelKeyedStringDict => {
            dict(value, kind, item(AttrKind::Label), item(AttrKind::String))
        }
        AttrKind::StringKeyedLabelDict => {
            dict(value, kind, item(AttrKind::String), item(AttrKind::Label))
        }
    }
}

fn output(value: Value<'_>, labels: LabelContext<'_>) -> Result<AttrValue, Diag> {
    let inside = || {
        format!(
            "outputs are files in the folder of `{}`: `out.txt`, `sub/out.txt`",
            labels.package
        )
    };
    let label = match value.unpack_str() {
        Some(text) => Label::parse(text, labels.package, labels.mapping)
            .map_err(|error| Diag::build(error.to_string()).hint(inside()))?,
        None => labels.label(value)?,
    };
    if label.package() != labels.package {
        return Err(Diag::build(format!(
            "output `{label}` is not in the package `{}`",
            labels.package
        ))
        .hint(inside()));
    }
    Ok(AttrValue::Label(label))
}

/// The items of a list or tuple.
pub(crate) fn items<'v>(value: Value<'v>) -> Option<&'v [Value<'v>]> {
    match ListRef::from_value(value) {
        Some(list) => Some(list.content()),
        None => TupleRef::from_value(value).map(TupleRef::content),
    }
}

fn list<'v>(
    value: Value<'v>,
    kind: AttrKind,
    mut item: impl FnMut(Value<'v>) -> Result<AttrValue, Diag>,
) -> Result<AttrValue, Diag> {
    let Some(values) = items(value) else {
        return Err(wrong_kind(kind, value));
    };
    let mut list = Vec::with_capacity(values.len());
    for (n, value) in values.iter().enumerate() {
        list.push(item(*value).map_err(|diag| match values.len() {
            1 => diag.note("in a list"),
            _ => diag.note(format!("item {} of a list", n + 1)),
        })?);
    }
    Ok(AttrValue::List(list.into()))
}

fn dict<'v>(
    value: Value<'v>,
    kind: AttrKind,
    mut key: impl FnMut(Value<'v>) -> Result<AttrValue, Diag>,
    mut item: impl FnMut(Value<'v>) -> Result<AttrValue, Diag>,
) -> Result<AttrValue, Diag> {
    let Some(entries) = DictRef::from_value(value) else {
        return Err(wrong_kind(kind, value));
    };
    let mut dict = Vec::with_capacity(entries.len());
    let mut seen = FxHashSet::default();
    for (k, v) in entries.iter() {
        let name = k.to_repr();
        let key = key(k).map_err(|diag| diag.note("as a key of a dict"))?;
        if !seen.insert(key.clone()) {
            return Err(Diag::build(format!(
                "two keys of a dict mean the same, {name}"
            )));
        }
        let value = item(v).map_err(|diag| diag.note(format!("at the key {name} of a dict")))?;
        dict.push((key, value));
    }
    Ok(AttrValue::Dict(dict.into()))
}

/// Bazel refuses a list that names a label twice.
fn no_label_twice(list: &AttrValue) -> Result<(), Diag> {
    let items = list.items();
    if items.len() < 2 {
        return Ok(());
    }
    let mut seen = FxHashSet::default();
    match items.iter().find(|item| !seen.insert(*item)) {
        Some(AttrValue::Label(label)) => {
            Err(Diag::build(format!("`{label}` is listed twice")).hint("remove one of the two"))
        }
        _ => Ok(()),
    }
}
