//! `ctx`: what an implementation function gets (Bazel: `ctx`).

pub(crate) mod configuration;
mod expand;
mod methods;
pub(crate) mod parts;
mod runfiles;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use kiln_address::Label;
use kiln_base::RelPath;
use kiln_targets::{Configuration, RuleClass};

use crate::interp::*;
use crate::values::transient::transient;

/// The rule context. Its values are made when the analysis begins or when they are asked for;
/// what changes is in the evaluation context.
#[derive(Debug, Trace, ProvidesStaticType, NoSerialize, Allocative)]
pub(crate) struct Ctx<'v> {
    #[trace(unsafe_ignore)]
    #[allocative(skip)]
    pub(crate) facts: Facts,
    /// `ctx.attr`
    pub(crate) attr: Value<'v>,
    /// `ctx.outputs`
    pub(crate) outputs: Value<'v>,
    /// `ctx.toolchains`
    pub(crate) toolchains: Value<'v>,
    /// `ctx.build_setting_value`
    pub(crate) build_setting_value: Option<Value<'v>>,
    /// `ctx.machine_tools`
    pub(crate) machine_tools: Option<Value<'v>>,
}

/// What `ctx` knows without Starlark values.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) label: Label,
    pub(crate) configuration: Configuration,
    pub(crate) rule: Arc<RuleClass>,
    pub(crate) build_file: RelPath,
    pub(crate) variables: BTreeMap<Arc<str>, Arc<str>>,
    /// Features switched on, and those switched off.
    pub(crate) features: (Vec<Arc<str>>, Vec<Arc<str>>),
}

transient!(Ctx<'v>);

impl<'v> Ctx<'v> {
    /// The context behind a value; methods are called on nothing else.
    pub(crate) fn of(value: Value<'v>) -> starlark::Result<&'v Ctx<'v>> {
        match value.downcast_ref::<Ctx<'v>>() {
            Some(ctx) => Ok(ctx),
            None => fail(format!(
                "expected a rule context, and got `{}`",
                value.get_type()
            )),
        }
    }
}

impl fmt::Display for Ctx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<rule context for {}>", self.facts.label)
    }
}

starlark::methods_static!(CTX_METHODS = ctx_methods);

#[starlark_value(type = "ctx")]
impl<'v> StarlarkValue<'v> for Ctx<'v> {
    fn get_methods() -> Option<&'static Methods> {
        Some(CTX_METHODS.methods())
    }
}

fn ctx_methods(builder: &mut MethodsBuilder) {
    methods::attributes(builder);
    methods::places(builder);
    methods::questions(builder);
    runfiles::methods(builder);
    expand::methods(builder);
}
