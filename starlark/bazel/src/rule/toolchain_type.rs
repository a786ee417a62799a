//! `config_common.toolchain_type` and the `toolchains` of rules.

use std::fmt;

use kiln_build::{LabelContext, LabelValue};
use kiln_diag::Diag;
use kiln_host::EvalContext;
use kiln_targets::ToolchainUse;

use crate::interp::*;

/// The value of `config_common.toolchain_type(...)`.
#[derive(Debug, ProvidesStaticType, NoSerialize, Allocative)]
pub(crate) struct ToolchainTypeValue {
    #[allocative(skip)]
    used: ToolchainUse,
}

starlark_simple_value!(ToolchainTypeValue);

impl fmt::Display for ToolchainTypeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "toolchain_type({}, mandatory = {})",
            self.used.label, self.used.mandatory
        )
    }
}

starlark::methods_static!(METHODS = methods);

#[starlark_value(type = "toolchain_type")]
impl<'v> StarlarkValue<'v> for ToolchainTypeValue {
    fn get_methods() -> Option<&'static Methods> {
        Some(METHODS.methods())
    }
}

#[starlark_module]
fn methods(methods: &mut MethodsBuilder) {
    #[starlark(attribute)]
    fn toolchain_type(this: &ToolchainTypeValue) -> starlark::Result<LabelValue> {
        Ok(LabelValue(this.used.label.clone()))
    }

    #[starlark(attribute)]
    fn mandatory(this: &ToolchainTypeValue) -> starlark::Result<bool> {
        Ok(this.used.mandatory)
    }
}

#[starlark_module]
pub(crate) fn config_common(builder: &mut GlobalsBuilder) {
    fn toolchain_type<'v>(
        #[starlark(require = pos)] name: Value<'v>,
        #[starlark(require = named, default = true)] mandatory: bool,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<ToolchainTypeValue> {
        let scope = EvalContext::of(eval)?.innermost(eval);
        let label = LabelContext::of(&scope).label(name).map_err(stop)?;
        let used = ToolchainUse { label, mandatory };
        Ok(ToolchainTypeValue { used })
    }
}

/// `rule(toolchains = [...])`: labels, texts and `toolchain_type`s.
pub(crate) fn read(value: Value<'_>, labels: LabelContext<'_>) -> Result<Vec<ToolchainUse>, Diag> {
    let Some(items) = sequence(value) else {
        return Err(Diag::build(format!(
            "expected a list of toolchain types, got `{}`",
            value.get_type()
        )));
    };
    let mut used: Vec<ToolchainUse> = Vec::with_capacity(items.len());
    for item in items {
        let one = match ToolchainTypeValue::from_value(*item) {
            Some(value) => value.used.clone(),
            None => ToolchainUse {
                label: labels.label(*item)?,
                mandatory: true,
            },
        };
        match used.iter_mut().find(|before| before.label == one.label) {
            Some(before) => before.mandatory |= one.mandatory,
            None => used.push(one),
        }
    }
    Ok(used)
}
