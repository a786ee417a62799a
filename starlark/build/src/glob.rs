//! `glob` and `subpackages`: the only ways in which a BUILD file sees the file system.

use kiln_diag::Diag;
use kiln_host::raise;
use kiln_host::starlark::environment::GlobalsBuilder;
use kiln_host::starlark::eval::Evaluator;
use kiln_host::starlark::values::Value;
use kiln_host::starlark::values::none::NoneOr;
use kiln_host::starlark::{self, starlark_module};
use kiln_targets::{Globbed, PackageIo};

use crate::natives::{in_argument, texts};
use crate::package::PackageState;

#[starlark_module]
pub(crate) fn glob_functions(builder: &mut GlobalsBuilder) {
    /// The files of the package that fit a pattern, sorted.
    fn glob<'v>(
        #[starlark(default = NoneOr::None)] include: NoneOr<Value<'v>>,
        #[starlark(default = NoneOr::None)] exclude: NoneOr<Value<'v>>,
        #[starlark(default = NoneOr::None)] exclude_directories: NoneOr<Value<'v>>,
        #[starlark(default = NoneOr::None)] allow_empty: NoneOr<bool>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Vec<String>> {
        let state = PackageState::of(eval, "`glob`")?;
        let include = patterns("glob", "include", include)?;
        let exclude = patterns("glob", "exclude", exclude)?;
        let exclude_directories = match exclude_directories.into_option() {
            None => true,
            Some(flag) => flag.to_bool(),
        };
        let allow_empty = allow_empty.into_option().unwrap_or(state.allow_empty_glob);
        let found = state.io.glob(&include, &exclude, exclude_directories);
        let found = found.map_err(raise)?;
        if !allow_empty {
            refuse_empty("glob", &found, state.io).map_err(raise)?;
        }
        Ok(found.paths)
    }

    /// The folders below the package that are packages themselves and fit a pattern.
    fn subpackages<'v>(
        #[starlark(require = named)] include: Value<'v>,
        #[starlark(require = named, default = NoneOr::None)] exclude: NoneOr<Value<'v>>,
        #[starlark(require = named, default = false)] allow_empty: bool,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Vec<String>> {
        let state = PackageState::of(eval, "`subpackages`")?;
        let include = patterns("subpackages", "include", NoneOr::Other(include))?;
        let exclude = patterns("subpackages", "exclude", exclude)?;
        let found = state.io.subpackages(&include, &exclude).map_err(raise)?;
        if !allow_empty {
            refuse_empty("subpackages", &found, state.io).map_err(raise)?;
        }
        Ok(found.paths)
    }
}

fn patterns(
    function: &str,
    argument: &str,
    value: NoneOr<Value<'_>>,
) -> starlark::Result<Vec<String>> {
    let wrap = |diag: Diag| raise(in_argument(function, argument, &diag));
    let texts = texts(value.into_option()).map_err(wrap)?;
    for pattern in &texts {
        check_pattern(pattern).map_err(|reason| {
            wrap(Diag::build(format!(
                "invalid pattern `{pattern}`: {reason}"
            )))
        })?;
    }
    Ok(texts.into_iter().map(str::to_owned).collect())
}

/// Bazel: UnixGlob's rules for patterns.
fn check_pattern(pattern: &str) -> Result<(), &'static str> {
    if pattern.is_empty() {
        return Err("it is empty");
    }
    if pattern.starts_with('/') {
        return Err("it is absolute; patterns are relative to the package");
    }
    for part in pattern.split('/') {
        match part {
            "" => return Err("it has an empty component"),
            "." | ".." => return Err("it has a `.` or `..` component"),
            "**" => {}
            part if part.contains("**") => return Err("`**` must be a whole component"),
            part if part.contains('\0') => return Err("it contains a NUL byte"),
            _ => {}
        }
    }
    Ok(())
}

/// Without `allow_empty` every pattern must fit something, and something must be left (Bazel).
fn refuse_empty(function: &str, found: &Globbed, io: &dyn PackageIo) -> Result<(), Diag> {
    if let Some(pattern) = found.unmatched.first() {
        let diag = Diag::build(format!("`{function}` pattern `{pattern}` matches nothing"));
        let diag = match function {
            "glob" => in_subpackage(diag, pattern, io)?,
            _ => diag,
        };
        return Err(diag.hint("correct the pattern, or set `allow_empty = True`"));
    }
    if found.paths.is_empty() {
        let diag = Diag::build(format!(
            "everything that this `{function}` matches is excluded"
        ));
        return Err(diag.hint("set `allow_empty = True` if that is meant"));
    }
    Ok(())
}

/// A pattern that leads into a package of its own, where a glob never looks, says so.
fn in_subpackage(diag: Diag, pattern: &str, io: &dyn PackageIo) -> Result<Diag, Diag> {
    let literal = |part: &&str| !part.contains(['*', '?', '[']);
    let mut parts: Vec<&str> = pattern.split('/').collect();
    parts.pop();
    let folder: Vec<&str> = parts.into_iter().take_while(literal).collect();
    for length in 1..=folder.len() {
        let folder = folder[..length].join("/");
        if !io
            .subpackages(std::slice::from_ref(&folder), &[])?
            .paths
            .is_empty()
        {
            return Ok(diag.note(format!(
                "`{folder}` is a package of its own, and a glob does not look into others"
            )));
        }
    }
    Ok(diag)
}
