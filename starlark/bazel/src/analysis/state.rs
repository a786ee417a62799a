//! What an implementation function works on, besides its `ctx` value.

use std::cell::Cell;

use kiln_address::Label;
use kiln_base::RelPath;
use kiln_diag::Diag;
use kiln_host::EvalContext;
use kiln_targets::{AnalyzeRequest, Artifact, ArtifactKind, Configuration};

use crate::analysis::registry::Registry;
use crate::interp::*;

/// The state of an analysis, reachable from native functions through the evaluation context.
#[derive(ProvidesStaticType)]
pub(crate) struct Analysis<'e> {
    pub(crate) request: &'e AnalyzeRequest<'e>,
    pub(crate) registry: Registry,
    /// Whether the implementation has returned: actions may not be registered any more.
    pub(crate) done: Cell<bool>,
}

impl<'e> Analysis<'e> {
    pub(crate) fn new(request: &'e AnalyzeRequest<'e>) -> Analysis<'e> {
        let registry = Registry::new(request.target.label.clone(), request.configuration.clone());
        Analysis {
            request,
            registry,
            done: Cell::new(false),
        }
    }

    /// The analysis that is running.
    pub(crate) fn of<'a>(eval: &Evaluator<'_, 'a, 'e>) -> starlark::Result<&'a Analysis<'e>> {
        match EvalContext::of(eval)?.state::<Analysis<'e>>() {
            Some(analysis) => Ok(analysis),
            None => Err(stop(Diag::build(
                "this works only inside the implementation function of a rule",
            ))),
        }
    }

    pub(crate) fn label(&self) -> &'e Label {
        &self.request.target.label
    }

    pub(crate) fn configuration(&self) -> &'e Configuration {
        self.request.configuration
    }

    /// The program that an executable rule makes if it names no other.
    pub(crate) fn default_executable(&self) -> Option<Artifact> {
        self.registry
            .declare_optional(self.label().file_path())
            .ok()
    }

    /// The path, in the repository, of a file of the target's package.
    pub(crate) fn in_package(&self, name: &str) -> starlark::Result<RelPath> {
        self.below(&self.label().package().path.clone(), name)
    }

    /// The path of a file below a folder of the target's package.
    pub(crate) fn below(&self, folder: &RelPath, name: &str) -> starlark::Result<RelPath> {
        let wrong = |reason: &str| {
            Err(stop(Diag::build(format!(
                "`{name}` is no name of an output: it {reason}"
            ))))
        };
        match RelPath::new(name) {
            Ok(path) if path.is_root() => wrong("is empty"),
            Ok(path) => Ok(folder.append(&path)),
            Err(error) => wrong(error.reason),
        }
    }

    /// Declares an output where a native function is called.
    pub(crate) fn declare(
        &self,
        path: RelPath,
        kind: ArtifactKind,
        eval: &Evaluator<'_, '_, 'e>,
    ) -> starlark::Result<Artifact> {
        let at = eval.call_stack_top_location();
        self.registry.declare(path, kind, at).map_err(stop)
    }
}
