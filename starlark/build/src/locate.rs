//! Finding, after the fact, where a call writes what turned out to be wrong.
//!
//! Places of arguments are not kept: they would cost memory for every target, and are wanted only
//! for those that fail.

use kiln_diag::Span;
use kiln_host::starlark::syntax::AstModule;
use kiln_host::starlark::syntax::ast::{ArgumentP, AstExpr, AstLiteral, AstStmt, ExprP};
use kiln_host::to_span;

/// The place of an attribute in the call at `call`, or of the first text in it that is wanted; in
/// an attribute without a name, in any.
pub(crate) fn locate(
    ast: &AstModule,
    call: &Span,
    attribute: &str,
    is_wanted: &dyn Fn(&str) -> bool,
) -> Option<Span> {
    let mut finder = Finder {
        ast,
        call,
        attribute,
        is_wanted,
        found: None,
    };
    finder.statement(ast.statement());
    finder.found
}

struct Finder<'a> {
    ast: &'a AstModule,
    call: &'a Span,
    attribute: &'a str,
    is_wanted: &'a dyn Fn(&str) -> bool,
    found: Option<Span>,
}

impl Finder<'_> {
    fn statement(&mut self, statement: &AstStmt) {
        statement.visit_expr(|expression| self.expression(expression));
    }

    fn expression(&mut self, expression: &AstExpr) {
        if self.found.is_some() {
            return;
        }
        if let ExprP::Call(_, arguments) = &expression.node {
            let span = to_span(&self.ast.file_span(expression.span));
            if (span.line, span.column) == (self.call.line, self.call.column) {
                for argument in &arguments.args {
                    if let ArgumentP::Named(name, value) = &argument.node
                        && (self.attribute.is_empty() || name.node == self.attribute)
                    {
                        self.argument(value);
                    }
                }
            }
        }
        expression
            .node
            .visit_expr(|expression| self.expression(expression));
    }

    /// The text in a value, else (if the attribute is known) the value itself.
    fn argument(&mut self, value: &AstExpr) {
        let mut text = None;
        self.text(value, &mut text);
        let whole = (!self.attribute.is_empty()).then_some(value);
        if let Some(found) = text.or(whole)
            && self.found.is_none()
        {
            self.found = Some(to_span(&self.ast.file_span(found.span)));
        }
    }

    fn text<'e>(&self, value: &'e AstExpr, found: &mut Option<&'e AstExpr>) {
        if found.is_some() {
            return;
        }
        if let ExprP::Literal(AstLiteral::String(text)) = &value.node
            && (self.is_wanted)(&text.node)
        {
            *found = Some(value);
            return;
        }
        value.node.visit_expr(|inner| self.text(inner, found));
    }
}
