//! The functions of BUILD files that are not rules; in .bzl files the members of `native`.

use std::sync::Arc;

use kiln_diag::Diag;
use kiln_host::starlark::environment::GlobalsBuilder;
use kiln_host::starlark::eval::Evaluator;
use kiln_host::starlark::values::Value;
use kiln_host::starlark::values::dict::UnpackDictEntries;
use kiln_host::starlark::values::none::{NoneOr, NoneType};
use kiln_host::starlark::{self, starlark_module};
use kiln_host::{call_span, raise, raise_text};
use kiln_targets::{PackageGroup, Visibility};

use crate::argument::argument_span;
use crate::coerce::{items, mismatch};
use crate::label::LabelValue;
use crate::package::{Entry, PackageState, Pending};
use crate::visibility::{GroupEntry, group_entry, visibility};

/// The version of Bazel whose BUILD language this is; rule sets ask for it
/// (`native.bazel_version`).
pub(crate) const BAZEL_VERSION: &str = "8.4.0";

#[starlark_module]
#[allow(clippy::too_many_arguments)]
pub(crate) fn package_functions(builder: &mut GlobalsBuilder) {
    /// Defaults for all targets of the package.
    fn package<'v>(
        #[starlark(kwargs)] kwargs: UnpackDictEntries<&'v str, Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let state = PackageState::of(eval, "`package`")?;
        if let Some(first) = state.inner().package_call.clone() {
            let diag = Diag::build("`package` is called twice in one BUILD file");
            return Err(raise(diag.note_at("first called here", first)));
        }
        for (name, value) in kwargs.entries {
            package_default(state, name, value).map_err(|diag| {
                let diag = in_argument("package", name, &diag);
                raise(match argument_span(eval, name) {
                    Some(span) => diag.at(span),
                    None => diag,
                })
            })?;
        }
        let span = call_span(eval);
        state.edit(|inner| inner.package_call = span);
        Ok(NoneType)
    }

    /// Makes source files targets that other packages may use.
    fn exports_files<'v>(
        srcs: Value<'v>,
        #[starlark(default = NoneOr::None)] visibility: NoneOr<Value<'v>>,
        #[starlark(default = NoneOr::None)] licenses: NoneOr<Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let _ = licenses;
        let state = PackageState::of(eval, "`exports_files`")?;
        let visibility = match visibility.into_option() {
            Some(list) => crate::visibility::visibility(list, state.labels())
                .map_err(|diag| raise(in_argument("exports_files", "visibility", &diag)))?,
            None => Visibility::Public,
        };
        let Some(files) = items(srcs) else {
            let diag = mismatch("a list of file names", srcs);
            return Err(raise(in_argument("exports_files", "srcs", &diag)));
        };
        for file in files {
            export(state, *file, &visibility, eval)?;
        }
        Ok(NoneType)
    }

    /// Names a set of packages, for visibility lists.
    fn package_group<'v>(
        #[starlark(require = named)] name: &str,
        #[starlark(require = named, default = NoneOr::None)] packages: NoneOr<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] includes: NoneOr<Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let state = PackageState::of(eval, "`package_group`")?;
        let span =
            call_span(eval).ok_or_else(|| raise(Diag::internal("a native call has no place")))?;
        let mut group = PackageGroup {
            label: state
                .id
                .target(name)
                .map_err(|error| raise_text(error.to_string()))?,
            packages: Vec::new(),
            everybody: false,
            includes: Vec::new(),
            span: span.clone(),
        };
        let wrap = |arg: &str, diag: Diag| raise(in_argument("package_group", arg, &diag));
        for text in texts(packages.into_option()).map_err(|diag| wrap("packages", diag))? {
            match group_entry(text, state.labels()).map_err(|diag| wrap("packages", diag))? {
                GroupEntry::Everybody => group.everybody = true,
                GroupEntry::Nobody => {}
                GroupEntry::Packages(spec, included) => group.packages.push((spec, included)),
            }
        }
        for value in list(includes.into_option()).map_err(|diag| wrap("includes", diag))? {
            let label = state
                .labels()
                .label(*value)
                .map_err(|diag| wrap("includes", diag))?;
            group.includes.push(label);
        }
        let entry = Entry {
            what: Pending::Group(Arc::new(group)),
            span,
        };
        state
            .edit(|inner| inner.declare(Arc::from(name), entry))
            .map_err(raise)?;
        Ok(NoneType)
    }

    /// Accepted for old files; licenses do not matter to a build.
    fn licenses<'v>(
        #[starlark(require = pos)] license_strings: Value<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        PackageState::of(eval, "`licenses`")?;
        texts(Some(license_strings)).map_err(raise)?;
        Ok(NoneType)
    }

    /// Accepted for old files; distribution kinds do not matter to a build.
    fn distribs<'v>(
        #[starlark(require = pos)] distrib_strings: Value<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        PackageState::of(eval, "`distribs`")?;
        texts(Some(distrib_strings)).map_err(raise)?;
        Ok(NoneType)
    }

    /// The package's path in its repository.
    fn package_name<'v>(eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<String> {
        Ok(PackageState::of(eval, "`package_name`")?
            .id
            .path
            .to_string())
    }

    /// The canonical name of the package's repository with `@` in front.
    fn repository_name<'v>(eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<String> {
        let state = PackageState::of(eval, "`repository_name`")?;
        Ok(format!("@{}", state.id.repo.as_str()))
    }

    /// The canonical name of the package's repository; empty for the root.
    fn repo_name<'v>(eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<String> {
        Ok(PackageState::of(eval, "`repo_name`")?
            .id
            .repo
            .as_str()
            .to_owned())
    }

    /// The label that a text means in the BUILD file, whoever asks.
    fn package_relative_label<'v>(
        #[starlark(require = pos)] input: Value<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<LabelValue> {
        let state = PackageState::of(eval, "`package_relative_label`")?;
        state.labels().label(input).map(LabelValue).map_err(raise)
    }

    /// The name of the module that the package belongs to.
    fn module_name<'v>(eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<NoneOr<String>> {
        let (name, version) = PackageState::of(eval, "`module_name`")?.module;
        Ok(match name.is_empty() && version.is_empty() {
            true => NoneOr::None,
            false => NoneOr::Other(name.to_owned()),
        })
    }

    /// The version of the module that the package belongs to.
    fn module_version<'v>(eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<NoneOr<String>> {
        let (name, version) = PackageState::of(eval, "`module_version`")?.module;
        Ok(match name.is_empty() && version.is_empty() {
            true => NoneOr::None,
            false => NoneOr::Other(version.to_owned()),
        })
    }
}

/// Sets one default of `package()`.
fn package_default(state: &PackageState<'_>, name: &str, value: Value<'_>) -> Result<(), Diag> {
    match name {
        "default_visibility" => {
            let visibility = visibility(value, state.labels())?;
            state.edit(|inner| inner.default_visibility = Some(visibility));
        }
        "default_testonly" => {
            let testonly = match (value.unpack_bool(), value.unpack_i32()) {
                (Some(value), _) => value,
                (_, Some(value @ (0 | 1))) => value == 1,
                _ => return Err(mismatch("a bool", value)),
            };
            state.edit(|inner| inner.default_testonly = testonly);
        }
        "features" => {
            let features = texts(Some(value))?.into_iter().map(Arc::from).collect();
            state.edit(|inner| inner.features = features);
        }
        _ if IGNORED_DEFAULTS.contains(&name) => {}
        _ => {
            let known = KNOWN_DEFAULTS.iter().chain(IGNORED_DEFAULTS).copied();
            return Err(Diag::build("there is no such argument").did_you_mean(name, known));
        }
    }
    Ok(())
}

const KNOWN_DEFAULTS: &[&str] = &["default_visibility", "default_testonly", "features"];

/// Defaults that change nothing here: licenses do not matter to a build, and neither do the
/// environments of `compatible_with`.
const IGNORED_DEFAULTS: &[&str] = &[
    "default_applicable_licenses",
    "default_compatible_with",
    "default_copts",
    "default_deprecation",
    "default_package_metadata",
    "default_restricted_to",
    "licenses",
    "transitive_visibility",
];

fn export<'v>(
    state: &PackageState<'_>,
    file: Value<'v>,
    visibility: &Visibility,
    eval: &Evaluator<'v, '_, '_>,
) -> starlark::Result<()> {
    let wrap = |diag: &Diag| raise(in_argument("exports_files", "srcs", diag));
    let label = state.labels().label(file).map_err(|diag| wrap(&diag))?;
    if label.package() != state.id {
        let diag = Diag::build(format!("`{label}` is not in the package `{}`", state.id));
        return Err(wrap(&diag));
    }
    let span = call_span(eval).ok_or_else(|| raise(Diag::internal("a call has no place")))?;
    let what = Pending::Exported {
        visibility: visibility.clone(),
    };
    let declared = state.edit(
        |inner| match inner.entries.get(label.name()).map(|e| &e.what) {
            Some(Pending::Exported { visibility: before }) if before == visibility => Ok(()),
            _ => inner.declare(Arc::from(label.name()), Entry { what, span }),
        },
    );
    declared.map_err(raise)
}

/// The items of a list that may be missing.
pub(crate) fn list(value: Option<Value<'_>>) -> Result<&[Value<'_>], Diag> {
    match value {
        None => Ok(&[]),
        Some(value) => items(value).ok_or_else(|| mismatch("a list", value)),
    }
}

/// The texts of a list that may be missing.
pub(crate) fn texts(value: Option<Value<'_>>) -> Result<Vec<&str>, Diag> {
    if let Some(value) = value
        && items(value).is_none()
    {
        return Err(mismatch("a list of strings", value));
    }
    let mut texts = Vec::new();
    for value in list(value)? {
        match value.unpack_str() {
            Some(text) => texts.push(text),
            None => return Err(mismatch("a string", *value)),
        }
    }
    Ok(texts)
}

/// Says which argument of what an error is about.
pub(crate) fn in_argument(function: &str, argument: &str, diag: &Diag) -> Diag {
    let mut wrapped = Diag::build(format!(
        "argument `{argument}` of `{function}`: {}",
        diag.message()
    ));
    for note in diag.notes() {
        wrapped = wrapped.note(note.message.clone());
    }
    for hint in diag.hints() {
        wrapped = wrapped.hint(hint.clone());
    }
    wrapped
}
