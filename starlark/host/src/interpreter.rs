//! Parsing and evaluating, bounded.

use std::sync::Arc;

use kiln_diag::{Diag, Span};
use kiln_targets::{LoadStatement, Parsed, SourceText};
use starlark::environment::{FrozenModule, Globals, Module};
use starlark::eval::{Evaluator, FileLoader};
use starlark::syntax::AstModule;
use starlark::values::{FreezeError, OwnedFrozenValue, Value};

use crate::error::Explain;
use crate::guard::guarded;
use crate::scope::Scopes;
use crate::span::to_span;
use crate::symbols::{check_symbols, loaded_names};
use crate::syntax::{Syntax, Tree, parse};
use crate::wording::plain;
use crate::{EvalContext, Limits};

/// The interpreter: limits, and the scopes of the files loaded through it.
///
/// One for a process; all methods may be called from many threads at once.
#[derive(Default)]
pub struct Interpreter {
    limits: Limits,
    scopes: Arc<Scopes>,
}

/// A frozen module with the label by which the loading file names it.
pub type FrozenFile<'a> = (&'a str, &'a FrozenModule);

impl Interpreter {
    /// An interpreter with these limits.
    pub fn new(limits: Limits) -> Interpreter {
        Interpreter {
            limits,
            scopes: Arc::default(),
        }
    }

    pub(crate) fn scopes(&self) -> &Arc<Scopes> {
        &self.scopes
    }

    /// Parses a file.
    pub fn parse(&self, source: SourceText) -> Result<Parsed, Diag> {
        let tree = parse(&source, self.limits.nesting)?;
        let loads = tree.ast.loads().into_iter().map(|load| LoadStatement {
            module: Arc::from(load.module_id),
            span: to_span(&load.span),
        });
        Ok(Parsed {
            loads: loads.collect(),
            source,
            handle: Arc::new(Syntax::new(tree)),
        })
    }

    fn take_syntax(&self, parsed: &Parsed) -> Result<Tree, Diag> {
        let syntax = parsed.handle.downcast_ref::<Syntax>();
        match syntax.and_then(Syntax::take) {
            Some(tree) => Ok(tree),
            None => parse(&parsed.source, self.limits.nesting),
        }
    }

    /// Looks at the syntax tree of a file without evaluating it.
    pub fn inspect<R>(
        &self,
        parsed: &Parsed,
        look: impl FnOnce(&AstModule) -> R,
    ) -> Result<R, Diag> {
        let tree = self.take_syntax(parsed)?;
        guarded(&parsed.source.path, tree.nesting, || Ok(look(&tree.ast)))
    }

    /// Evaluates a file in a module of its own and freezes that. `loads` has the modules that its
    /// `load` statements name.
    pub fn eval_file(
        &self,
        parsed: &Parsed,
        globals: &Globals,
        loads: &[FrozenFile<'_>],
        context: &EvalContext<'_>,
    ) -> Result<FrozenModule, Diag> {
        let tree = self.take_syntax(parsed)?;
        let file = tree.ast.file_span(Default::default()).file;
        guarded(&parsed.source.path, tree.nesting, || {
            Module::with_temp_heap(|module| {
                let guard = context.scopes().register(&file, context.file());
                module.set_extra_value(module.heap().alloc(guard));
                self.run_file(&module, tree.ast, globals, loads, context, parsed)?;
                let frozen = module.freeze().map_err(freeze_error);
                frozen.map_err(|diag| diag.at(Span::new(parsed.source.path.clone(), 1, 1)))
            })
        })
    }

    /// Evaluates a file for its effects on the context only.
    pub fn eval_effects(
        &self,
        parsed: &Parsed,
        globals: &Globals,
        loads: &[FrozenFile<'_>],
        context: &EvalContext<'_>,
    ) -> Result<(), Diag> {
        let tree = self.take_syntax(parsed)?;
        guarded(&parsed.source.path, tree.nesting, || {
            Module::with_temp_heap(|module| {
                self.run_file(&module, tree.ast, globals, loads, context, parsed)
            })
        })
    }

    fn run_file<'v, 'e>(
        &self,
        module: &Module<'v>,
        ast: AstModule,
        globals: &Globals,
        loads: &[FrozenFile<'_>],
        context: &EvalContext<'e>,
        parsed: &Parsed,
    ) -> Result<(), Diag> {
        let loader = Loads(loads);
        let names: Vec<String> = loaded_names(&ast);
        check_symbols(&ast, loads)?;
        let mut eval = self.evaluator(module, context)?;
        eval.set_loader(&loader);
        let result = eval.eval_module(ast, globals);
        drop(eval);
        result.map(drop).map_err(|error| {
            let own = module
                .names_and_visibilities()
                .map(|(name, _)| name.as_str().to_owned());
            let explain = Explain {
                file: &parsed.source.path,
                limits: &self.limits,
                globals: Some(globals),
                names: names.into_iter().chain(own).collect(),
            };
            explain.diag(&error)
        })
    }

    /// Runs `f`, which may call Starlark functions, in an evaluation of its own, and freezes the
    /// value it returns.
    pub fn call<'e, R>(
        &self,
        context: &EvalContext<'e>,
        f: impl for<'v> FnOnce(&mut Evaluator<'v, '_, 'e>) -> starlark::Result<(Value<'v>, R)>,
    ) -> Result<(OwnedFrozenValue, R), Diag> {
        let file = context.file().label.to_string();
        guarded(&file, 0, || {
            Module::with_temp_heap(|module| {
                let mut eval = self.evaluator(&module, context)?;
                let result = f(&mut eval);
                drop(eval);
                let (value, rest) =
                    result.map_err(|error| self.explain_call(&file, context, &error))?;
                module.set_extra_value(value);
                let frozen = module.freeze().map_err(freeze_error)?;
                let value = frozen
                    .owned_extra_value()
                    .ok_or_else(|| Diag::internal("a frozen value is missing"))?;
                Ok((value, rest))
            })
        })
    }

    fn explain_call(&self, file: &str, context: &EvalContext<'_>, error: &starlark::Error) -> Diag {
        let explain = Explain {
            file,
            limits: &self.limits,
            globals: None,
            names: Vec::new(),
        };
        match context.blamed() {
            Some(span) => explain.blaming(error, span),
            None => explain.diag(error),
        }
    }

    fn evaluator<'v, 'a, 'e>(
        &self,
        module: &'a Module<'v>,
        context: &'a EvalContext<'e>,
    ) -> Result<Evaluator<'v, 'a, 'e>, Diag> {
        let mut eval = Evaluator::new(module);
        eval.extra = Some(context);
        let ticks = self.limits.ticks;
        eval.set_check_cancelled(Box::new(move || context.ticks().look(ticks)));
        let bounded = eval
            .set_max_heap_size(self.limits.heap_bytes)
            .and_then(|()| eval.set_max_callstack_size(self.limits.call_depth));
        match bounded {
            Ok(()) => Ok(eval),
            Err(error) => Err(Diag::internal(format!("a limit is out of range: {error}"))),
        }
    }
}

fn freeze_error(error: FreezeError) -> Diag {
    plain(
        &starlark::Error::from(error)
            .without_diagnostic()
            .to_string(),
    )
}

struct Loads<'a>(&'a [FrozenFile<'a>]);

impl FileLoader for Loads<'_> {
    fn load(&self, path: &str) -> starlark::Result<FrozenModule> {
        match self.0.iter().find(|(name, _)| *name == path) {
            Some((_, module)) => Ok((*module).clone()),
            None => Err(crate::raise(Diag::internal(format!(
                "`{path}` was not loaded beforehand"
            )))),
        }
    }
}
