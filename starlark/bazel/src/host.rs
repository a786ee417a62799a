//! The interpreter behind the engine's one door.

use kiln_address::Label;
use kiln_build::{Loader, LoaderOptions};
use kiln_diag::{Diag, Span};
use kiln_host::{Interpreter, Limits};
use kiln_targets::{
    AnalyzeRequest, AnalyzedTarget, BuildRequest, Bzl, BzlRequest, Host, ModuleDefs, PackageDefs,
    Parsed, RuleClass, SourceText,
};

/// [`Host`] by the Starlark interpreter. All methods may be called from many threads at once.
pub struct StarlarkHost {
    loader: Loader,
}

impl StarlarkHost {
    /// A host with these limits on every evaluation.
    pub fn new(limits: Limits, options: LoaderOptions) -> StarlarkHost {
        let interpreter = Interpreter::new(limits);
        StarlarkHost {
            loader: Loader::new(
                interpreter,
                options,
                crate::globals::extend,
                crate::rule::class_of,
            ),
        }
    }
}

impl Host for StarlarkHost {
    fn parse(&self, source: SourceText) -> Result<Parsed, Diag> {
        self.loader.parse(source)
    }

    fn bzl(&self, request: BzlRequest<'_>) -> Result<Bzl, Diag> {
        self.loader.bzl(request)
    }

    fn build(&self, request: BuildRequest<'_>) -> Result<PackageDefs, Diag> {
        self.loader.build(request)
    }

    fn module(&self, parsed: &Parsed) -> Result<ModuleDefs, Diag> {
        self.loader.module(parsed)
    }

    fn locate(
        &self,
        source: SourceText,
        call: &Span,
        attribute: &str,
        is_wanted: &dyn Fn(&str) -> bool,
    ) -> Option<Span> {
        self.loader.locate(source, call, attribute, is_wanted)
    }

    fn rules(&self, bzl: &Bzl) -> Vec<RuleClass> {
        match kiln_build::frozen_module(bzl) {
            Some(module) => crate::rule::classes_of(module),
            None => Vec::new(),
        }
    }

    fn analyze(&self, request: AnalyzeRequest<'_>) -> Result<AnalyzedTarget, Diag> {
        crate::analysis::run::analyze(self.loader.interpreter(), &request)
    }
}

/// Whether a file is part of kiln.
pub(crate) fn is_prelude(label: &Label) -> bool {
    crate::prelude::has_repository(label.repo().as_str())
}
