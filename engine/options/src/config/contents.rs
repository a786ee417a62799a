//! Values that are in files: `@path` (OPT-032).
//!
//! | written | it is |
//! | --- | --- |
//! | `@path` | what the file holds: of `.json` and `.toml` the value, of others a text as it could stand here |
//! | `@path:a.b` | of `.json` and `.toml`, the value at `b` of `a` |
//! | `@?path` | the same, and no value if there is no such file |
//! | `@@x` | the text `@x` |

use kiln_diag::Diag;
use serde_json::Value;

use super::Reading;
use super::literal::{self, Edit, Mistake};

/// A text that names a file, or stands for one that would.
pub(super) enum Named<'t> {
    /// A text, without the mark in front of it.
    Text(&'t str),
    /// A file.
    File {
        path: &'t str,
        /// Names of the way to the value.
        inner: Option<&'t str>,
        /// Whether it need not be there.
        optional: bool,
    },
}

/// What a text that begins with `@` names; `None` for any other.
pub(super) fn named(text: &str) -> Option<Named<'_>> {
    let rest = text.strip_prefix('@')?;
    if rest.starts_with('@') {
        return Some(Named::Text(rest));
    }
    let (rest, optional) = match rest.strip_prefix('?') {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let (path, inner) = match rest.rsplit_once(':') {
        Some((path, inner)) => (path, Some(inner)),
        None => (rest, None),
    };
    Some(Named::File {
        path,
        inner,
        optional,
    })
}

type Edits = Result<Vec<Edit<String>>, Mistake>;

impl Named<'_> {
    /// The edits that it means.
    ///
    /// Errors: there is no such file, or it is not what its name says.
    pub(super) fn edits(&self, pairs: bool, reading: &Reading<'_>) -> Result<Edits, Diag> {
        let (path, inner, optional) = match self {
            Named::Text(text) => return Ok(Ok(vec![Edit::Add(vec![(*text).to_owned()])])),
            Named::File {
                path,
                inner,
                optional,
            } => (*path, *inner, *optional),
        };
        let root = reading.request.workspace.unwrap_or(reading.request.cwd);
        let Some(text) = reading.files.read(&root.join(path))? else {
            return match optional {
                true => Ok(Ok(Vec::new())),
                false => Err(Diag::usage(format!("there is no file `{path}`"))
                    .note("names are relative to the root of the workspace")
                    .hint("make it; `@?…` is no value where there is no file, `@@…` a text that begins with `@`")),
            };
        };
        let wrong = |error: String| Diag::usage(format!("`{path}` cannot be read: {error}"));
        let value: Value = match path.rsplit('.').next() {
            Some("json") => {
                serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?
            }
            Some("toml") => {
                toml::from_str(&text).map_err(|error| wrong(error.message().to_owned()))?
            }
            Some("yaml" | "yml") => {
                return Err(wrong("kiln reads no YAML".to_owned()).hint("write it as JSON or TOML"));
            }
            _ => return Ok(literal::edits(text.trim(), pairs)),
        };
        let mut found = &value;
        for name in inner.into_iter().flat_map(|inner| inner.split('.')) {
            found = found
                .get(name)
                .ok_or_else(|| wrong(format!("there is no `{name}` in it")))?;
        }
        let elements = elements(found, pairs).ok_or_else(|| {
            wrong(match pairs {
                true => "a dictionary of texts is needed".to_owned(),
                false => "a list of texts is needed".to_owned(),
            })
        })?;
        Ok(Ok(vec![Edit::Replace(elements)]))
    }
}

/// A list of texts, or of a dictionary of texts its pairs.
fn elements(value: &Value, pairs: bool) -> Option<Vec<String>> {
    match value {
        Value::Array(list) => list.iter().map(text).collect(),
        Value::Object(object) if pairs => object
            .iter()
            .map(|(name, value)| Some(format!("{name}={}", text(value)?)))
            .collect(),
        _ => None,
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}
