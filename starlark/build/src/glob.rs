//! `glob` and `subpackages`: the only ways in which a BUILD file sees the file system.

use kiln_diag::Diag;
use kiln_host::raise;
use kiln_host::starlark::environment::GlobalsBuilder;
use kiln_host::starlark::eval::Evaluator;
use kiln_host::starlark::values::Value;
use kiln_host::starlark::values::none::NoneOr;
use kiln_host::starlark::{self, starlark_module};

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
        let find = |include: &[String], exclude: &[String]| {
            state
                .io
                .glob(include, exclude, exclude_directories)
                .map_err(raise)
        };
        let files = find(&include, &exclude)?;
        if !allow_empty {
            let some = |pattern: &String| Ok(!find(std::slice::from_ref(pattern), &[])?.is_empty());
            refuse_empty("glob", &include, files.is_empty(), some)?;
        }
        Ok(files)
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
        let find = |include: &[String], exclude: &[String]| {
            state.io.subpackages(include, exclude).map_err(raise)
        };
        let found = find(&include, &exclude)?;
        if !allow_empty {
            let some = |pattern: &String| Ok(!find(std::slice::from_ref(pattern), &[])?.is_empty());
            refuse_empty("subpackages", &include, found.is_empty(), some)?;
        }
        Ok(found)
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

/// Without `allow_empty` every pattern must fit something, and something must be left.
fn refuse_empty(
    function: &str,
    include: &[String],
    nothing_left: bool,
    mut fits: impl FnMut(&String) -> starlark::Result<bool>,
) -> starlark::Result<()> {
    for pattern in include {
        if !fits(pattern)? {
            let diag = Diag::build(format!("`{function}` pattern `{pattern}` matches nothing"));
            return Err(raise(
                diag.hint("correct the pattern, or set `allow_empty = True`"),
            ));
        }
    }
    if nothing_left {
        let diag = Diag::build(format!(
            "everything that this `{function}` matches is excluded"
        ));
        return Err(raise(
            diag.hint("set `allow_empty = True` if that is meant"),
        ));
    }
    Ok(())
}
