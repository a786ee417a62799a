//! Parsing and evaluating, bounded.

use std::collections::HashMap;
use std::sync::Arc;

use kiln_diag::{Diag, Span};
use kiln_targets::{Dialect, LoadStatement, Parsed, SourceText};
use parking_lot::Mutex;
use starlark::codemap::CodeMap;
use starlark::environment::{FrozenModule, Globals, Module};
use starlark::eval::{Evaluator, FileLoader};
use starlark::syntax::AstModule;
use starlark::values::{FreezeError, OwnedFrozenValue, Value};

use crate::dialect::{UNION, dialect, kind_name};
use crate::error::{Explain, plain};
use crate::nesting::too_deep;
use crate::scope::Scopes;
use crate::span::to_span;
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

/// The syntax tree behind [`Parsed::handle`]. It is used up by the first evaluation; a second one
/// parses the text again. Both the tree and its clone would cost more, and every evaluation needs
/// a source identity of its own ([`EvalContext::innermost`]).
struct Syntax(Mutex<Option<AstModule>>);

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
        let ast = self.syntax(&source)?;
        let loads = ast.loads().into_iter().map(|load| LoadStatement {
            module: Arc::from(load.module_id),
            span: to_span(&load.span),
        });
        Ok(Parsed {
            loads: loads.collect(),
            source,
            handle: Arc::new(Syntax(Mutex::new(Some(ast)))),
        })
    }

    fn syntax(&self, source: &SourceText) -> Result<AstModule, Diag> {
        if let Some(at) = too_deep(&source.text, self.limits.nesting) {
            let span = Span::of_bytes(source.path.clone(), &source.text, at, at + 1);
            return Err(Diag::build(format!(
                "code is nested more than {} levels deep here",
                self.limits.nesting
            ))
            .hint("split the expression by assigning parts of it to variables")
            .at(span));
        }
        let kind = source.dialect;
        let mut ast = AstModule::parse(&source.path, source.text.to_string(), dialect(kind))
            .map_err(|error| syntax_error(kind, &error))?;
        if source.text.contains('|') && source.text.contains("select") {
            let union = HashMap::from([("|".to_owned(), UNION.to_owned())]);
            ast.replace_binary_operators(&union);
        }
        Ok(ast)
    }

    fn take_syntax(&self, parsed: &Parsed) -> Result<AstModule, Diag> {
        let syntax = parsed.handle.downcast_ref::<Syntax>();
        match syntax.and_then(|syntax| syntax.0.lock().take()) {
            Some(ast) => Ok(ast),
            None => self.syntax(&parsed.source),
        }
    }

    /// Looks at the syntax tree of a file without evaluating it.
    pub fn inspect<R>(
        &self,
        parsed: &Parsed,
        look: impl FnOnce(&AstModule) -> R,
    ) -> Result<R, Diag> {
        Ok(look(&self.take_syntax(parsed)?))
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
        let ast = self.take_syntax(parsed)?;
        let file = ast.file_span(Default::default()).file;
        Module::with_temp_heap(|module| {
            let guard = context.scopes().register(&file, context.file());
            module.set_extra_value(module.heap().alloc(guard));
            self.run_file(&module, ast, globals, loads, context, parsed)?;
            let frozen = module.freeze().map_err(freeze_error);
            frozen.map_err(|diag| diag.at(Span::new(parsed.source.path.clone(), 1, 1)))
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
        let ast = self.take_syntax(parsed)?;
        Module::with_temp_heap(|module| {
            self.run_file(&module, ast, globals, loads, context, parsed)
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
        Module::with_temp_heap(|module| {
            let mut eval = self.evaluator(&module, context)?;
            let result = f(&mut eval);
            drop(eval);
            let (value, rest) = result.map_err(|error| {
                let explain = Explain {
                    file: &file,
                    limits: &self.limits,
                    globals: None,
                    names: Vec::new(),
                };
                explain.diag(&error)
            })?;
            module.set_extra_value(value);
            let frozen = module.freeze().map_err(freeze_error)?;
            let value = frozen
                .owned_extra_value()
                .ok_or_else(|| Diag::internal("a frozen value is missing"))?;
            Ok((value, rest))
        })
    }

    fn evaluator<'v, 'a, 'e>(
        &self,
        module: &'a Module<'v>,
        context: &'a EvalContext<'e>,
    ) -> Result<Evaluator<'v, 'a, 'e>, Diag> {
        let mut eval = Evaluator::new(module);
        eval.extra = Some(context);
        let bounded = eval
            .set_max_tick_count(self.limits.ticks)
            .and_then(|()| eval.set_max_heap_size(self.limits.heap_bytes))
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

fn loaded_names(ast: &AstModule) -> Vec<String> {
    let loads = ast.loads();
    let symbols = loads.iter().flat_map(|load| load.symbols.keys());
    symbols.map(|name| (*name).to_owned()).collect()
}

/// Every symbol that is loaded must exist; checked before evaluation for a message that helps.
fn check_symbols(ast: &AstModule, loads: &[FrozenFile<'_>]) -> Result<(), Diag> {
    for load in ast.loads() {
        let Some((_, module)) = loads.iter().find(|(name, _)| *name == load.module_id) else {
            continue;
        };
        for wanted in load.symbols.values() {
            check_symbol(wanted, load.module_id, module)
                .map_err(|diag| diag.at(symbol_span(&load.span.file, &load.span, wanted)))?;
        }
    }
    Ok(())
}

fn check_symbol(wanted: &str, file: &str, module: &FrozenModule) -> Result<(), Diag> {
    if wanted.starts_with('_') {
        return Err(Diag::build(format!(
            "`{wanted}` is private to `{file}`: names that begin with `_` cannot be loaded"
        )));
    }
    if matches!(module.get_option(wanted), Ok(Some(_))) {
        return Ok(());
    }
    let mut names: Vec<&str> = module.names().map(|name| name.as_str()).collect();
    names.retain(|name| !name.starts_with('_'));
    names.sort_unstable();
    let diag = Diag::build(format!("`{file}` has no symbol `{wanted}`"));
    let diag = match names.len() {
        0 => diag.note("it exports nothing"),
        _ => diag.note(format!("it exports {}", names.join(", "))),
    };
    Err(diag.did_you_mean(wanted, names))
}

/// The place of a symbol's name in a `load` statement: the first such string behind the label.
fn symbol_span(file: &CodeMap, load: &starlark::codemap::FileSpan, wanted: &str) -> Span {
    let start = load.span.end().get();
    let rest = file.source().get(start as usize..).unwrap_or("");
    let found = ['"', '\''].iter().filter_map(|quote| {
        let quoted = format!("{quote}{wanted}{quote}");
        rest.find(&quoted)
            .map(|at| (at as u32, quoted.len() as u32))
    });
    match found.min() {
        Some((at, length)) => {
            let begin = starlark::codemap::Pos::new(start) + at;
            let span = starlark::codemap::Span::new(begin, begin + length);
            to_span(&file.file_span(span))
        }
        None => to_span(load),
    }
}

fn syntax_error(kind: Dialect, error: &starlark::Error) -> Diag {
    let text = error.without_diagnostic().to_string();
    let diag = match forbidden(&text) {
        Some((what, cure)) => {
            let diag = Diag::build(format!("{what} is not allowed in {}", kind_name(kind)));
            match (kind, cure) {
                (_, "load") => diag.hint("`load(\"//pkg:file.bzl\", \"name\")` brings in names"),
                (Dialect::Bzl, "") => diag,
                (Dialect::Bzl, _) => diag.hint("put it into a function"),
                (Dialect::Module, _) => diag,
                _ => diag.hint("define a function in a .bzl file and `load` it"),
            }
        }
        None => plain(&text),
    };
    match error.span() {
        Some(span) => diag.at(to_span(span)),
        None => diag,
    }
}

/// What the parser says a dialect forbids, as we say it, and whether a function may contain it.
fn forbidden(text: &str) -> Option<(&'static str, &'static str)> {
    let table = [
        ("`def` is not allowed", "`def`", ""),
        ("`load` is not allowed", "`load`", ""),
        ("`lambda` is not allowed", "`lambda`", ""),
        (
            "`for` cannot be used outside",
            "`for` outside of functions",
            "f",
        ),
        (
            "`if` cannot be used outside",
            "`if` outside of functions",
            "f",
        ),
        ("`...` is not allowed", "`...`", ""),
        ("/ positional-only", "`/` among parameters", ""),
        ("must enable f-strings", "an f-string", ""),
        ("keyword `import`", "`import`", "load"),
        ("type annotations are not allowed", "a type annotation", ""),
    ];
    let found = table.iter().find(|(needle, ..)| text.contains(needle));
    found.map(|(_, what, cure)| (*what, *cure))
}
