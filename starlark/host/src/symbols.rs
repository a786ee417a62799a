//! The symbols that `load` statements name.

use kiln_diag::{Diag, Span};
use starlark::codemap::{CodeMap, FileSpan, Pos, Span as CodeSpan};
use starlark::environment::FrozenModule;
use starlark::syntax::AstModule;

use crate::interpreter::FrozenFile;
use crate::span::to_span;

/// The names that a file gives to what it loads.
pub(crate) fn loaded_names(ast: &AstModule) -> Vec<String> {
    let loads = ast.loads();
    let symbols = loads.iter().flat_map(|load| load.symbols.keys());
    symbols.map(|name| (*name).to_owned()).collect()
}

/// Every symbol that is loaded must exist; checked before evaluation for a message that helps.
pub(crate) fn check_symbols(ast: &AstModule, loads: &[FrozenFile<'_>]) -> Result<(), Diag> {
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
        ))
        .hint(format!(
            "give it a public name there: `{} = {wanted}`",
            wanted.trim_start_matches('_')
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
    let near = diag.clone().did_you_mean(wanted, names);
    Err(match near == diag {
        true => diag.hint(format!(
            "define `{wanted}` there, or load it from where it is"
        )),
        false => near,
    })
}

/// The place of a symbol's name in a `load` statement: the first such string behind the label.
fn symbol_span(file: &CodeMap, load: &FileSpan, wanted: &str) -> Span {
    let start = load.span.end().get();
    let rest = file.source().get(start as usize..).unwrap_or("");
    let found = ['"', '\''].iter().filter_map(|quote| {
        let quoted = format!("{quote}{wanted}{quote}");
        rest.find(&quoted)
            .map(|at| (at as u32, quoted.len() as u32))
    });
    match found.min() {
        Some((at, length)) => {
            let begin = Pos::new(start) + at;
            let span = CodeSpan::new(begin, begin + length);
            to_span(&file.file_span(span))
        }
        None => to_span(load),
    }
}
