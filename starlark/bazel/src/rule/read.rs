//! Reading the values of keywords.

use std::sync::Arc;

use kiln_diag::Diag;
use kiln_targets::{AttrKind, FileFilter};

use crate::interp::*;

/// The keywords that the function of a kind takes.
pub(crate) fn keywords(kind: AttrKind) -> &'static [&'static str] {
    match kind {
        AttrKind::Bool => &["configurable", "default", "doc", "mandatory"],
        AttrKind::Int | AttrKind::String => {
            &["configurable", "default", "doc", "mandatory", "values"]
        }
        AttrKind::StringList
        | AttrKind::IntList
        | AttrKind::StringDict
        | AttrKind::StringListDict => {
            &["allow_empty", "configurable", "default", "doc", "mandatory"]
        }
        AttrKind::Label => &[
            "allow_files",
            "allow_rules",
            "allow_single_file",
            "aspects",
            "cfg",
            "configurable",
            "default",
            "doc",
            "executable",
            "flags",
            "for_dependency_resolution",
            "mandatory",
            "materializer",
            "providers",
            "skip_validations",
        ],
        AttrKind::LabelList | AttrKind::LabelKeyedStringDict | AttrKind::StringKeyedLabelDict => &[
            "allow_empty",
            "allow_files",
            "allow_rules",
            "aspects",
            "cfg",
            "configurable",
            "default",
            "doc",
            "flags",
            "for_dependency_resolution",
            "mandatory",
            "materializer",
            "providers",
            "skip_validations",
        ],
        AttrKind::Output => &["doc", "mandatory"],
        AttrKind::OutputList => &["allow_empty", "doc", "mandatory"],
    }
}

pub(crate) fn truth(value: Value<'_>) -> Result<bool, Diag> {
    match (value.unpack_bool(), value.unpack_i32()) {
        (Some(value), _) => Ok(value),
        (_, Some(value)) => Ok(value != 0),
        _ => Err(Diag::build(format!(
            "expected a bool, got `{}`",
            value.get_type()
        ))),
    }
}

pub(crate) fn optional_text(value: Value<'_>) -> Result<Option<Arc<str>>, Diag> {
    match value.unpack_str() {
        Some(text) => Ok(Some(Arc::from(text))),
        None if value.is_none() => Ok(None),
        None => Err(Diag::build(format!(
            "expected a string, got `{}`",
            value.get_type()
        ))),
    }
}

pub(crate) fn texts(value: Value<'_>) -> Result<Vec<String>, Diag> {
    let wrong = || {
        Diag::build(format!(
            "expected a list of strings, got `{}`",
            value.get_type()
        ))
    };
    if value.is_none() {
        return Ok(Vec::new());
    }
    let items = sequence(value).ok_or_else(wrong)?;
    let texts = items
        .iter()
        .map(|item| item.unpack_str().map(str::to_owned).ok_or_else(wrong));
    texts.collect()
}

/// `True`, `False`, or a list of endings; `None` says nothing.
pub(crate) fn filter(value: Value<'_>) -> Result<Option<FileFilter>, Diag> {
    if value.is_none() {
        return Ok(None);
    }
    if let Some(any) = value.unpack_bool() {
        return Ok(Some(if any {
            FileFilter::Any
        } else {
            FileFilter::Nothing
        }));
    }
    let endings = texts(value).map_err(|_| {
        Diag::build(format!(
            "expected a bool or a list of file name endings, got `{}`",
            value.get_type()
        ))
    })?;
    if let Some(wrong) = endings
        .iter()
        .find(|ending| !ending.is_empty() && !ending.starts_with('.'))
    {
        // Bazel insists on the dot only for unambiguous endings; names such as `BUILD` are not
        // endings.
        return Err(Diag::build(format!(
            "`{wrong}` is no file name ending: it must begin with a dot"
        )));
    }
    Ok(Some(FileFilter::Extensions(
        endings.into_iter().map(Arc::from).collect(),
    )))
}
