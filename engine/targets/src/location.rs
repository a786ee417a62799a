//! Make variables and `$(location)` forms (Bazel: make-variables).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::Artifact;

/// How `$(location)` itself reads: it depends on the attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocationKind {
    /// Paths where actions run (`cmd` of a genrule).
    Exec,
    /// Paths in the runfiles tree (`args`, `env` of programs).
    Root,
}

/// Why a text could not be expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocationError {
    /// What is wrong.
    pub message: String,
    /// The offending part of the text.
    pub part: String,
    /// What would cure it.
    pub cure: String,
}

/// Why a label in a location form has no files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoFiles {
    /// What is wrong.
    pub message: String,
    /// What would cure it.
    pub cure: String,
}

impl fmt::Display for LocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in `{}`", self.message, self.part)
    }
}

impl std::error::Error for LocationError {}

/// The files behind a label in a location form.
pub type Lookup<'a> = dyn FnMut(&str) -> Result<Vec<Artifact>, NoFiles> + 'a;

/// Expands `$(location L)`, `$(locations L)`, and the `exec`, `root` and `rlocation` forms of
/// both. Everything else stays as it is, `$$` too; but no `$` before a form keeps it from being
/// one, as in Bazel's `ctx.expand_location`.
pub fn expand_locations(
    text: &str,
    kind: LocationKind,
    lookup: &mut Lookup<'_>,
) -> Result<String, LocationError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some((form, label, length)) = location_form(rest)? else {
            out.push('$');
            rest = &rest[1..];
            continue;
        };
        out.push_str(&expand_one(form, label, kind, lookup, &rest[..length])?);
        rest = &rest[length..];
    }
    out.push_str(rest);
    Ok(out)
}

/// As [`expand_locations`], for texts in which make variables are expanded next (`args`, `cmd`):
/// there `$$` is a sign that stands for itself, so what follows it is no form.
pub fn expand_unescaped_locations(
    text: &str,
    kind: LocationKind,
    lookup: &mut Lookup<'_>,
) -> Result<String, LocationError> {
    let pieces = text.split("$$");
    let pieces = pieces.map(|piece| expand_locations(piece, kind, lookup));
    Ok(pieces.collect::<Result<Vec<_>, _>>()?.join("$$"))
}

const FORMS: [&str; 8] = [
    "location",
    "locations",
    "execpath",
    "execpaths",
    "rootpath",
    "rootpaths",
    "rlocationpath",
    "rlocationpaths",
];

/// Splits `$(form label)`: the form, the label and the length of all of it; `None` if the text
/// begins with something else.
fn location_form(text: &str) -> Result<Option<(&str, &str, usize)>, LocationError> {
    let form = text
        .strip_prefix("$(")
        .and_then(|body| body.split_once(' '));
    let Some((form, rest)) = form.filter(|(form, _)| FORMS.contains(form)) else {
        return Ok(None);
    };
    let Some(end) = rest.find(')') else {
        return Err(LocationError {
            message: format!("unclosed `$({form}`"),
            part: text.to_owned(),
            cure: "close it with `)`".to_owned(),
        });
    };
    let length = "$(".len() + form.len() + " ".len() + end + ")".len();
    Ok(Some((form, rest[..end].trim(), length)))
}

fn expand_one(
    form: &str,
    label: &str,
    kind: LocationKind,
    lookup: &mut Lookup<'_>,
    part: &str,
) -> Result<String, LocationError> {
    let fail = |message, cure| LocationError {
        message,
        part: part.to_owned(),
        cure,
    };
    let files = lookup(label).map_err(|error| fail(error.message, error.cure))?;
    let many = form.ends_with('s');
    match files.len() {
        0 => {
            return Err(fail(
                format!("label `{label}` has no files"),
                format!("make `{label}` a target with files, or drop `{part}`"),
            ));
        }
        count if count != 1 && !many => {
            return Err(fail(
                format!("label `{label}` has {count} files, and `$({form})` needs exactly one"),
                format!("write `$({form}s {label})` for all of them"),
            ));
        }
        _ => {}
    }
    let path = |file: &Artifact| match form.trim_end_matches('s') {
        "execpath" => file.exec_path().to_owned(),
        "rootpath" => file.short_path(),
        "rlocationpath" => file.runfiles_path(),
        _ if kind == LocationKind::Exec => file.exec_path().to_owned(),
        _ => file.short_path(),
    };
    let mut paths: Vec<String> = files.iter().map(path).collect();
    paths.sort();
    paths.dedup();
    Ok(paths.join(" "))
}

/// Expands `$(NAME)` and `$@`-like one-character variables from `variables`, and `$$` to `$`.
/// An unknown variable is an error; `$` before anything else is one too.
pub fn expand_make_variables(
    text: &str,
    variables: &BTreeMap<Arc<str>, Arc<str>>,
) -> Result<String, LocationError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("$$") {
            out.push('$');
            rest = after;
            continue;
        }
        let (name, length) = variable(rest)?;
        let Some(value) = variables.get(name) else {
            return Err(LocationError {
                message: format!("unknown make variable `{name}`"),
                part: rest[..length].to_owned(),
                cure: "write `$$` for a plain `$`".to_owned(),
            });
        };
        out.push_str(value);
        rest = &rest[length..];
    }
    out.push_str(rest);
    Ok(out)
}

/// The name of the variable that a text begins with, and the length of its mention.
fn variable(text: &str) -> Result<(&str, usize), LocationError> {
    let fail = |message: &str, cure: &str| LocationError {
        message: message.to_owned(),
        part: text.to_owned(),
        cure: cure.to_owned(),
    };
    let body = &text[1..];
    if let Some(body) = body.strip_prefix('(') {
        let end = body
            .find(')')
            .ok_or_else(|| fail("unclosed `$(`", "close it with `)`"))?;
        return Ok((&body[..end], end + "$()".len()));
    }
    match body.chars().next() {
        Some(first) => Ok((&body[..first.len_utf8()], 1 + first.len_utf8())),
        None => Err(fail(
            "`$` at the end of the text",
            "write `$$` for a plain `$`",
        )),
    }
}
