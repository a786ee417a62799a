//! How lists and depsets become arguments (Bazel: `Args.add_all`, `Args.add_joined`).

use std::collections::HashSet;
use std::sync::Arc;

use kiln_diag::Diag;
use kiln_targets::{Arg, ArgSet, Artifact, ArtifactKind, ArtifactSet};

use crate::interp::*;
use crate::values::depset::Depset;
use crate::values::file::FileValue;

/// The keywords of `add_all` and `add_joined`.
pub(crate) struct Spread<'v> {
    pub(crate) what: &'static str,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) map_each: Option<Value<'v>>,
    pub(crate) format_each: Option<Arc<str>>,
    pub(crate) before_each: Option<Arc<str>>,
    /// The separator, and the format of the whole.
    pub(crate) join: Option<(Arc<str>, Option<Arc<str>>)>,
    pub(crate) omit_if_empty: bool,
    pub(crate) uniquify: bool,
    pub(crate) expand_directories: bool,
    pub(crate) terminate_with: Option<Arc<str>>,
}

/// A member before formatting.
enum Piece {
    Text(String),
    File(Artifact),
}

impl Piece {
    fn text(&self) -> &str {
        match self {
            Piece::Text(text) => text,
            Piece::File(file) => file.exec_path(),
        }
    }
}

impl<'v> Spread<'v> {
    /// The arguments that `values` makes.
    pub(crate) fn items(
        &self,
        values: Value<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Vec<Arg>> {
        let set = Depset::from_value(values);
        if let (Some(set), None) = (set, self.map_each)
            && set.head.element == Some("File")
        {
            return Ok(vec![self.set(set.files.clone())]);
        }
        let listed;
        let members = match (set, sequence(values)) {
            (Some(set), _) => {
                listed = set.to_list(eval.heap());
                &listed
            }
            (None, Some(members)) => members,
            (None, None) => {
                return fail(format!(
                    "`{}` takes a list or depset, and got `{}`",
                    self.what,
                    values.get_type()
                ));
            }
        };
        let mut pieces = Vec::with_capacity(members.len());
        for member in members {
            match self.map_each {
                Some(function) => self.map(function, *member, &mut pieces, eval)?,
                None => pieces.push(self.piece(*member)?),
            }
        }
        if self.uniquify {
            let mut seen = HashSet::new();
            pieces.retain(|piece| seen.insert(piece.text().to_owned()));
        }
        self.write(pieces)
    }

    fn set(&self, members: ArtifactSet) -> Arg {
        let (join_with, format_joined) = match &self.join {
            Some((join_with, format)) => (Some(join_with.clone()), format.clone()),
            None => (None, None),
        };
        Arg::Set(Box::new(ArgSet {
            members,
            name: self.name.clone(),
            before_each: self.before_each.clone(),
            format_each: self.format_each.clone(),
            join_with,
            format_joined,
            terminate_with: self.terminate_with.clone(),
            omit_if_empty: self.omit_if_empty,
            uniquify: self.uniquify,
            expand_directories: self.expand_directories,
        }))
    }

    fn piece(&self, member: Value<'v>) -> starlark::Result<Piece> {
        if let Some(file) = FileValue::artifact_of(member) {
            return Ok(Piece::File(file.clone()));
        }
        match text(member) {
            Some(text) => Ok(Piece::Text(text)),
            None => Err(stop(
                Diag::build(format!(
                    "members of `{}` must be strings, numbers, labels or files, and one is `{}`",
                    self.what,
                    member.get_type()
                ))
                .hint("`map_each` takes a function that makes a string of a member"),
            )),
        }
    }

    fn map(
        &self,
        function: Value<'v>,
        member: Value<'v>,
        pieces: &mut Vec<Piece>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<()> {
        if let Some(file) = FileValue::artifact_of(member)
            && file.kind() == ArtifactKind::Directory
            && self.expand_directories
        {
            return Err(stop(
                Diag::build(format!(
                    "`map_each` met the directory `{}`, whose files are known only after its \
                     action has run",
                    file.repo_path()
                ))
                .hint("`expand_directories = False` gives the directory itself to the function"),
            ));
        }
        let made = call_function(eval, function, &[member], &[])?;
        if made.is_none() {
            return Ok(());
        }
        if let Some(items) = sequence(made) {
            for item in items {
                pieces.push(self.mapped(*item)?);
            }
            return Ok(());
        }
        pieces.push(self.mapped(made)?);
        Ok(())
    }

    fn mapped(&self, made: Value<'v>) -> starlark::Result<Piece> {
        match made.unpack_str() {
            Some(text) => Ok(Piece::Text(text.to_owned())),
            None => fail(format!(
                "`map_each` must return a string, a list of strings, or None, and returned `{}`",
                made.get_type()
            )),
        }
    }

    fn write(&self, pieces: Vec<Piece>) -> starlark::Result<Vec<Arg>> {
        if pieces.is_empty() && self.omit_if_empty {
            return Ok(Vec::new());
        }
        let mut out = Vec::with_capacity(pieces.len() + 2);
        let has_folders = self.expand_directories && pieces.iter().any(is_folder);
        if let (Some((join_with, format)), false) = (&self.join, has_folders) {
            out.extend(self.name.clone().map(Arg::Text));
            let texts = pieces.iter();
            let texts: Vec<String> = texts
                .map(|piece| apply(self.format_each.as_ref(), piece.text()))
                .collect();
            let joined = apply(format.as_ref(), &texts.join(join_with));
            out.push(Arg::Text(joined.into()));
            return Ok(out);
        }
        if self.join.is_some() {
            // What the folders hold is known only after their actions.
            let members = pieces.iter().map(|piece| match piece {
                Piece::File(file) => Ok(file.clone()),
                Piece::Text(text) => fail(format!(
                    "`add_joined` cannot join strings (`{text}`) with directories that are expanded"
                )),
            });
            let members = members.collect::<starlark::Result<Vec<_>>>()?;
            out.push(self.set(ArtifactSet::of(members)));
            return Ok(out);
        }
        out.extend(self.name.clone().map(Arg::Text));
        for piece in pieces {
            if is_folder(&piece) && self.expand_directories {
                out.push(self.folder(piece));
                continue;
            }
            out.extend(self.before_each.clone().map(Arg::Text));
            out.push(match piece {
                Piece::Text(text) => Arg::Text(apply(self.format_each.as_ref(), &text).into()),
                Piece::File(file) => Arg::Path(file, self.format_each.clone()),
            });
        }
        out.extend(self.terminate_with.clone().map(Arg::Text));
        Ok(out)
    }

    /// One folder among other members: a set without what stands before and behind all.
    fn folder(&self, piece: Piece) -> Arg {
        let Piece::File(file) = piece else {
            return Arg::Text(Arc::from(piece.text()));
        };
        let alone = Spread {
            name: None,
            terminate_with: None,
            join: None,
            before_each: self.before_each.clone(),
            format_each: self.format_each.clone(),
            ..*self
        };
        alone.set(ArtifactSet::of([file]))
    }
}

fn is_folder(piece: &Piece) -> bool {
    matches!(piece, Piece::File(file) if file.kind() == ArtifactKind::Directory)
}

/// The text of a value that may be an argument as it is.
pub(crate) fn text(value: Value<'_>) -> Option<String> {
    match value.get_type() {
        "string" => value.unpack_str().map(str::to_owned),
        "int" | "Label" | "bool" | "float" => Some(value.to_str()),
        _ => None,
    }
}

/// Checks a format: exactly one `%s`. `%%` stands for `%`.
pub(crate) fn format(what: &str, text: Option<&str>) -> starlark::Result<Option<Arc<str>>> {
    let Some(text) = text else { return Ok(None) };
    let plain = text.replace("%%", "");
    if plain.matches("%s").count() != 1 || plain.matches('%').count() != 1 {
        return fail(format!(
            "`{what}` must contain `%s` once, and no other `%` (write `%%` for one): `{text}`"
        ));
    }
    Ok(Some(Arc::from(text)))
}

/// Puts a text into a format.
pub(crate) fn apply(format: Option<&Arc<str>>, text: &str) -> String {
    let Some(format) = format else {
        return text.to_owned();
    };
    match format.contains("%%") {
        false => format.replacen("%s", text, 1),
        true => {
            let parts = format.split("%%").map(|part| part.replacen("%s", text, 1));
            parts.collect::<Vec<_>>().join("%")
        }
    }
}
