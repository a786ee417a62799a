//! `visibility()` in .bzl files: who may load them.

#![allow(unused_qualifications)] // in what the derives write

use std::cell::RefCell;

use kiln_address::{Label, PackageId};
use kiln_diag::Diag;
use kiln_host::starlark::any::ProvidesStaticType;
use kiln_host::starlark::environment::GlobalsBuilder;
use kiln_host::starlark::eval::Evaluator;
use kiln_host::starlark::values::Value;
use kiln_host::starlark::values::none::NoneType;
use kiln_host::starlark::{self, starlark_module};
use kiln_host::{EvalContext, raise, raise_text};
use kiln_targets::VisibilitySpec;

use crate::coerce::LabelContext;
use crate::natives::texts;
use crate::visibility::{GroupEntry, group_entry};

/// Who may load a .bzl file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum LoadVisibility {
    /// Everybody; so it is without a `visibility` call.
    #[default]
    Public,
    /// Its own package, and these.
    Packages(Vec<(VisibilitySpec, bool)>),
}

/// The state of loading a .bzl file ([`EvalContext::state`] in the phase `Bzl`).
#[derive(ProvidesStaticType, Default)]
pub(crate) struct BzlState {
    visibility: RefCell<Option<LoadVisibility>>,
}

impl BzlState {
    pub(crate) fn take_visibility(&self) -> LoadVisibility {
        self.visibility.take().unwrap_or_default()
    }
}

impl LoadVisibility {
    /// Fails unless files of `package` may load `file`.
    pub(crate) fn check(&self, file: &Label, package: &PackageId) -> Result<(), Diag> {
        let LoadVisibility::Packages(specs) = self else {
            return Ok(());
        };
        let fits = |included: bool| {
            let mut specs = specs.iter().filter(|(_, sign)| *sign == included);
            specs.any(|(spec, _)| contains(spec, package))
        };
        if file.package() == package || fits(true) && !fits(false) {
            return Ok(());
        }
        Err(Diag::build(format!(
            "`{file}` may not be loaded by files of the package `{package}`"
        ))
        .hint("its `visibility(…)` call says who may load it"))
    }
}

fn contains(spec: &VisibilitySpec, package: &PackageId) -> bool {
    match spec {
        VisibilitySpec::Package(only) => only == package,
        VisibilitySpec::Subpackages(top) => {
            top.repo == package.repo && package.path.strip_prefix(&top.path).is_some()
        }
        VisibilitySpec::Group(_) => false,
    }
}

#[starlark_module]
pub(crate) fn load_visibility_globals(builder: &mut GlobalsBuilder) {
    /// Says who may load this .bzl file: `"public"`, `"private"`, or a list of packages.
    fn visibility<'v>(
        #[starlark(require = pos)] value: Value<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let context = EvalContext::of(eval)?;
        let state = context
            .state::<BzlState>()
            .ok_or_else(|| raise_text("`visibility` is for the top level of .bzl files"))?;
        let entries = match value.unpack_str() {
            Some(text) => vec![text],
            None => texts(Some(value)).map_err(raise)?,
        };
        let mut specs = Vec::with_capacity(entries.len());
        let mut public = false;
        for text in entries {
            match group_entry(text, LabelContext::of(context.file())).map_err(raise)? {
                GroupEntry::Everybody => public = true,
                GroupEntry::Nobody => {}
                GroupEntry::Packages(spec, included) => specs.push((spec, included)),
            }
        }
        let visibility = match public {
            true => LoadVisibility::Public,
            false => LoadVisibility::Packages(specs),
        };
        match state.visibility.replace(Some(visibility)) {
            None => Ok(NoneType),
            Some(_) => Err(raise_text("`visibility` is called twice in one .bzl file")),
        }
    }
}
