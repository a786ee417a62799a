//! The one thing an evaluation can reach besides its arguments.
#![allow(unused_qualifications)] // in what the derives write

use std::cell::RefCell;
use std::sync::Arc;

use kiln_diag::{Diag, Span};
use starlark::any::{AnyLifetime, ProvidesStaticType};
use starlark::eval::Evaluator;

use crate::scope::{FileScope, Scopes};
use crate::ticks::Ticks;
use crate::{Interpreter, raise};

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// A .bzl file is loaded.
    Bzl,
    /// A BUILD file is evaluated.
    Build,
    /// A MODULE.bazel or WORKSPACE file is evaluated.
    Module,
    /// A rule's implementation function runs.
    Analysis,
}

impl Phase {
    /// What messages call it.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Bzl => "while a .bzl file is loaded",
            Phase::Build => "while a BUILD file is evaluated",
            Phase::Module => "in a MODULE.bazel file",
            Phase::Analysis => "in a rule's implementation function",
        }
    }
}

/// The context of one evaluation; see the crate's documentation.
#[derive(ProvidesStaticType)]
pub struct EvalContext<'e> {
    phase: Phase,
    file: Arc<FileScope>,
    scopes: Arc<Scopes>,
    warnings: RefCell<Vec<Diag>>,
    blamed: Option<Span>,
    ticks: Ticks,
    state: Box<dyn AnyLifetime<'e> + 'e>,
}

impl<'e> EvalContext<'e> {
    /// A context for an evaluation that belongs to `file`. `state` is the phase's own; it must
    /// hold no Starlark values. Interior mutability is its own business.
    pub fn new(
        interpreter: &Interpreter,
        phase: Phase,
        file: Arc<FileScope>,
        state: impl AnyLifetime<'e> + 'e,
    ) -> EvalContext<'e> {
        EvalContext {
            phase,
            file,
            scopes: interpreter.scopes().clone(),
            warnings: RefCell::new(Vec::new()),
            blamed: None,
            ticks: Ticks::default(),
            state: Box::new(state),
        }
    }

    /// Makes errors that the code reports on purpose (`fail`, native functions) point to `span`
    /// instead of the code: where a rule of kiln's own was used wrongly, its text is of no help.
    pub fn blaming(self, span: Span) -> EvalContext<'e> {
        EvalContext {
            blamed: Some(span),
            ..self
        }
    }

    pub(crate) fn blamed(&self) -> Option<&Span> {
        self.blamed.as_ref()
    }

    /// The context of a running evaluation.
    pub fn of<'a>(eval: &Evaluator<'_, 'a, 'e>) -> starlark::Result<&'a EvalContext<'e>> {
        eval.extra
            .and_then(|extra| extra.downcast_ref::<EvalContext<'e>>())
            .ok_or_else(|| raise(Diag::internal("an evaluation runs without a context")))
    }

    /// What is being done.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The file that the evaluation belongs to.
    pub fn file(&self) -> &Arc<FileScope> {
        &self.file
    }

    /// The file in which the innermost running Starlark function is written: label strings are
    /// relative to it. For code of a BUILD file that is the BUILD file.
    pub fn innermost(&self, eval: &Evaluator<'_, '_, 'e>) -> Arc<FileScope> {
        (0..eval.call_stack_count())
            .find_map(|depth| eval.call_stack_nth_location(depth))
            .and_then(|location| self.scopes.get(&location.file))
            .unwrap_or_else(|| self.file.clone())
    }

    /// The state of the phase, if it is a `T`.
    pub fn state<T: AnyLifetime<'e>>(&self) -> Option<&T> {
        self.state.downcast_ref::<T>()
    }

    /// Adds a warning.
    pub fn warn(&self, warning: Diag) {
        self.warnings.borrow_mut().push(warning.into_warning());
    }

    /// Takes the warnings out, in the order they came.
    pub fn take_warnings(&self) -> Vec<Diag> {
        self.warnings.take()
    }

    pub(crate) fn ticks(&self) -> &Ticks {
        &self.ticks
    }

    pub(crate) fn scopes(&self) -> &Arc<Scopes> {
        &self.scopes
    }
}
