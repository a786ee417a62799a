//! Parsing, and its messages.

use std::collections::HashMap;

use kiln_diag::{Diag, Span};
use kiln_targets::{Dialect, SourceText};
use parking_lot::Mutex;
use starlark::syntax::AstModule;

use crate::dialect::{UNION, dialect, kind_name};
use crate::guard::guarded;
use crate::nesting::nesting;
use crate::span::to_span;
use crate::wording::plain;

/// The syntax tree behind [`kiln_targets::Parsed::handle`]. It is used up by the first
/// evaluation; a second one parses the text again. Keeping the tree or cloning it would cost
/// more, and every evaluation needs a source identity of its own
/// ([`crate::EvalContext::innermost`]).
pub(crate) struct Syntax {
    ast: Mutex<Option<AstModule>>,
    /// How deeply the file nests.
    pub(crate) nesting: usize,
}

impl Syntax {
    pub(crate) fn new(tree: Tree) -> Syntax {
        Syntax {
            ast: Mutex::new(Some(tree.ast)),
            nesting: tree.nesting,
        }
    }

    pub(crate) fn take(&self) -> Option<Tree> {
        let nesting = self.nesting;
        self.ast.lock().take().map(|ast| Tree { ast, nesting })
    }
}

/// A syntax tree and how deep it is.
pub(crate) struct Tree {
    pub(crate) ast: AstModule,
    pub(crate) nesting: usize,
}

/// Parses a text that nests no deeper than `limit`.
pub(crate) fn parse(source: &SourceText, limit: usize) -> Result<Tree, Diag> {
    let nesting = nesting(&source.text, limit).map_err(|at| {
        let span = Span::of_bytes(source.path.clone(), &source.text, at, at + 1);
        Diag::build(format!("code is nested more than {limit} levels deep here"))
            .hint("split the expression by assigning parts of it to variables")
            .at(span)
    })?;
    let kind = source.dialect;
    let ast = guarded(&source.path, nesting, || {
        let text = source.text.to_string();
        let mut ast = AstModule::parse(&source.path, text, dialect(kind))
            .map_err(|error| syntax_error(kind, &error))?;
        if source.text.contains('|') && source.text.contains("select") {
            let union = HashMap::from([("|".to_owned(), UNION.to_owned())]);
            ast.replace_binary_operators(&union);
        }
        Ok(ast)
    })?;
    Ok(Tree { ast, nesting })
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
