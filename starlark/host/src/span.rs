//! Places in source text, from the interpreter's form to ours.

use std::sync::Arc;

use kiln_diag::Span;
use starlark::codemap::{CodeMap, FileSpan};
use starlark::eval::Evaluator;

/// A place with the text of its first line.
pub fn to_span(span: &FileSpan) -> Span {
    span_in(&span.file, Arc::from(span.filename()), span.span)
}

/// Uses the file's line table: looking for lines anew would be quadratic over a file's targets.
pub(crate) fn span_in(file: &CodeMap, name: Arc<str>, span: starlark::codemap::Span) -> Span {
    let line_number = file.find_line(span.begin());
    let line_span = file.line_span_trim_newline(line_number);
    let line = file.source_span(line_span);
    let offset = (span.begin().get() - line_span.begin().get()) as usize;
    let before = line.get(..offset).unwrap_or(line);
    let length = (span.end().get() - span.begin().get()) as usize;
    let rest = line.get(offset..).unwrap_or("");
    let width = rest.get(..length).unwrap_or(rest).chars().count().max(1);
    Span {
        file: name,
        line: line_number as u32 + 1,
        column: before.chars().count() as u32 + 1,
        width: width as u32,
        text: Some(Arc::from(line)),
    }
}

/// Where the running native function was called: the innermost known place.
pub fn call_span(eval: &Evaluator<'_, '_, '_>) -> Option<Span> {
    (0..eval.call_stack_count())
        .find_map(|depth| eval.call_stack_nth_location(depth))
        .map(|span| to_span(&span))
}

/// Where, in the file that is evaluated itself, the running call began, and the name of the
/// function called there if it is written in Starlark (the outermost macro) and not the running
/// native function itself.
pub fn outermost_call(eval: &Evaluator<'_, '_, '_>) -> Option<(FileSpan, Option<String>)> {
    let count = eval.call_stack_count();
    let outermost = (0..count)
        .rev()
        .find_map(|depth| Some((depth, eval.call_stack_nth_location(depth)?)))?;
    let (depth, location) = outermost;
    if depth == 0 {
        return Some((location, None));
    }
    let callee = location.source_span();
    let name = callee.split('(').next().unwrap_or(callee).trim();
    Some((location.clone(), Some(name.to_owned())))
}
