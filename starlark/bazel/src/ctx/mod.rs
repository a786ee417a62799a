//! `ctx`: what an implementation function gets (Bazel: `ctx`).

pub(crate) mod configuration;
mod expand;
mod methods;
pub(crate) mod parts;
mod runfiles;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use kiln_address::Label;
use kiln_base::RelPath;
use kiln_targets::{Artifact, ArtifactKind, Configuration, RuleClass};

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
    /// Which status files were asked for: `version_file`, `info_file`.
    #[trace(unsafe_ignore)]
    #[allocative(skip)]
    pub(crate) status: [Cell<bool>; 2],
}

/// The files behind `version_file` and `info_file`, and what an unstamped build has in them.
const STATUS: [(&str, &str); 2] = [
    ("volatile-status.txt", "BUILD_TIMESTAMP 0\n"),
    (
        "stable-status.txt",
        "BUILD_EMBED_LABEL \nBUILD_HOST unknown\nBUILD_USER unknown\n",
    ),
];

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

    /// One of the status files; from now on it is made.
    pub(crate) fn status_file(&self, index: usize) -> Artifact {
        self.status[index].set(true);
        self.status_artifact(index)
    }

    /// The status files that were asked for, with their contents.
    pub(crate) fn used_status_files(&self) -> impl Iterator<Item = (Artifact, &'static str)> {
        let used = STATUS
            .iter()
            .enumerate()
            .filter(|(at, _)| self.status[*at].get());
        used.map(|(at, (_, content))| (self.status_artifact(at), *content))
    }

    fn status_artifact(&self, index: usize) -> Artifact {
        let Facts {
            label,
            configuration,
            ..
        } = &self.facts;
        let own = format!("{}.{}", label.file_path(), STATUS[index].0);
        // A target's name with an ending is a path as the name is.
        let path = RelPath::new(own).unwrap_or_else(|_| label.file_path());
        Artifact::derived(label.clone(), configuration, path, ArtifactKind::File)
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
