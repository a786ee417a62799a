//! The `Label` type (Bazel: `Label`).

#![allow(unused_qualifications)] // in what the derives write

use std::cmp::Ordering;
use std::fmt;
use std::hash::Hash;

use kiln_address::Label;
use kiln_diag::Diag;
use kiln_host::allocative::{self, Allocative};
use kiln_host::starlark::collections::StarlarkHasher;
use kiln_host::starlark::environment::{GlobalsBuilder, MethodsBuilder};
use kiln_host::starlark::eval::Evaluator;
use kiln_host::starlark::values::{
    NoSerialize, ProvidesStaticType, StarlarkPagablePanic, StarlarkValue, Value, ValueError,
    starlark_value,
};
use kiln_host::starlark::{self, starlark_module, starlark_simple_value};
use kiln_host::{EvalContext, raise};

/// A label as a Starlark value. `str()` of it is unambiguous: `@@//pkg:name`,
/// `@@repo//pkg:name`.
#[derive(
    Clone, Debug, PartialEq, Eq, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative,
)]
pub struct LabelValue(#[allocative(skip)] pub Label);

starlark_simple_value!(LabelValue);

/// `@@repo//pkg:name`, the text that means the same everywhere.
pub fn canonical_text(label: &Label) -> String {
    let package = label.package();
    format!(
        "@@{}//{}:{}",
        package.repo.as_str(),
        package.path,
        label.name()
    )
}

impl fmt::Display for LabelValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&canonical_text(&self.0))
    }
}

starlark::methods_static!(LABEL_METHODS = label_methods);

#[starlark_value(type = "Label")]
impl<'v> StarlarkValue<'v> for LabelValue {
    fn get_methods() -> Option<&'static starlark::environment::Methods> {
        Some(LABEL_METHODS.methods())
    }

    /// As `str`, and not Bazel's `Label("…")`: the interpreter formats `"%s" % label` by this, and
    /// that must be the label itself.
    fn collect_repr(&self, collector: &mut String) {
        self.collect_str(collector);
    }

    fn collect_str(&self, collector: &mut String) {
        collector.push_str(&canonical_text(&self.0));
    }

    fn equals(&self, other: Value<'v>) -> starlark::Result<bool> {
        Ok(LabelValue::from_value(other).is_some_and(|other| other.0 == self.0))
    }

    fn compare(&self, other: Value<'v>) -> starlark::Result<Ordering> {
        match LabelValue::from_value(other) {
            Some(other) => Ok(self.0.cmp(&other.0)),
            None => ValueError::unsupported_with(self, "compare", other),
        }
    }

    fn write_hash(&self, hasher: &mut StarlarkHasher) -> starlark::Result<()> {
        self.0.hash(hasher);
        Ok(())
    }
}

#[starlark_module]
fn label_methods(builder: &mut MethodsBuilder) {
    /// The target's name, which may contain slashes.
    #[starlark(attribute)]
    fn name(this: &LabelValue) -> starlark::Result<String> {
        Ok(this.0.name().to_owned())
    }

    /// The package's path in its repository.
    #[starlark(attribute)]
    fn package(this: &LabelValue) -> starlark::Result<String> {
        Ok(this.0.package().path.to_string())
    }

    /// The repository's canonical name; empty for the root.
    #[starlark(attribute)]
    fn repo_name(this: &LabelValue) -> starlark::Result<String> {
        Ok(this.0.repo().as_str().to_owned())
    }

    /// As `repo_name`.
    #[starlark(attribute)]
    fn workspace_name(this: &LabelValue) -> starlark::Result<String> {
        Ok(this.0.repo().as_str().to_owned())
    }

    /// The folder of the repository from where actions run; empty for the root.
    #[starlark(attribute)]
    fn workspace_root(this: &LabelValue) -> starlark::Result<String> {
        Ok(match this.0.repo() {
            repo if repo.is_root() => String::new(),
            repo => format!("external/{}", repo.as_str()),
        })
    }

    /// The label that a text means in this label's package.
    fn relative<'v>(
        this: &LabelValue,
        #[starlark(require = pos)] text: &str,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<LabelValue> {
        let scope = EvalContext::of(eval)?.innermost(eval);
        parse(Label::parse(text, this.0.package(), &scope.mapping))
    }

    /// The label of another target of the same package.
    fn same_package_label(
        this: &LabelValue,
        #[starlark(require = pos)] name: &str,
    ) -> starlark::Result<LabelValue> {
        parse(this.0.package().target(name))
    }
}

fn parse(label: Result<Label, kiln_address::LabelError>) -> starlark::Result<LabelValue> {
    let label = label.map_err(|error| raise(Diag::build(error.to_string())))?;
    Ok(LabelValue(label))
}

/// `Label()`.
#[starlark_module]
pub(crate) fn label_globals(builder: &mut GlobalsBuilder) {
    /// The label that a text means in the file in which this call is written.
    #[starlark(as_type = LabelValue)]
    fn Label<'v>(
        #[starlark(require = pos)] input: Value<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<LabelValue> {
        if let Some(label) = LabelValue::from_value(input) {
            return Ok(label.clone());
        }
        let Some(text) = input.unpack_str() else {
            return Err(kiln_host::raise_text(format!(
                "`Label` takes a text, got `{}` of type {}",
                input.to_repr(),
                input.get_type()
            )));
        };
        parse(EvalContext::of(eval)?.innermost(eval).parse_label(text))
    }
}
