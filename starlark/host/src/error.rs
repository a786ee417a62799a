//! The interpreter's errors as messages for people.

use kiln_diag::{Diag, Part, Span};
use starlark::codemap::FileSpan;
use starlark::environment::Globals;
use starlark::errors::Frame;
use starlark::{Error, ErrorKind};

use crate::Limits;
use crate::span::to_span;
use crate::wording::{plain, plain_at};

/// An error of a native function. Its place and call stack are added on the way out.
pub fn raise(diag: Diag) -> Error {
    Error::new_kind(ErrorKind::Native(diag.into()))
}

/// An error of a native function with a message only.
pub fn raise_text(message: impl Into<String>) -> Error {
    raise(Diag::build(message))
}

/// What is needed to explain an error besides itself.
pub(crate) struct Explain<'a> {
    pub(crate) file: &'a str,
    pub(crate) limits: &'a Limits,
    pub(crate) globals: Option<&'a Globals>,
    /// Names that the file itself defines or loads.
    pub(crate) names: Vec<String>,
}

impl Explain<'_> {
    /// Turns an error into a message: the innermost known place, then the calls that led there.
    pub(crate) fn diag(&self, error: &Error) -> Diag {
        let mut diag = self.message(error);
        let frames = &error.call_stack().frames;
        let place = error.span().cloned().or_else(|| {
            let last = frames
                .iter()
                .rev()
                .find_map(|frame| frame.location.as_ref());
            last.cloned()
        });
        if let Some(place) = &place {
            diag = diag.at(to_span(place));
        }
        self.calls(diag, frames, place.as_ref())
    }

    /// The same for code that is not the reader's: what it reports on purpose is at `span`, and no
    /// calls are told. A defect of the code is told in full.
    pub(crate) fn blaming(&self, error: &Error, span: &Span) -> Diag {
        let on_purpose = match error.kind() {
            ErrorKind::Fail(_) => true,
            ErrorKind::Native(inner) | ErrorKind::Other(inner) => inner.is::<Diag>(),
            _ => false,
        };
        match (error.kind(), on_purpose) {
            (ErrorKind::Fail(text), _) => own_fail(&text.to_string()).at(span.clone()),
            (_, true) => self.message(error).at(span.clone()),
            (_, false) => self.diag(error),
        }
    }

    /// Adds the calls, innermost first. The innermost native call is the place itself.
    fn calls(&self, mut diag: Diag, frames: &[Frame], place: Option<&FileSpan>) -> Diag {
        let mut last = None;
        let mut notes = 0;
        for frame in frames.iter().rev() {
            let Some(location) = &frame.location else {
                continue;
            };
            if last.is_none() && Some(location) == place {
                last = Some(frame);
                continue;
            }
            // A function that calls itself is told once.
            if last.replace(frame) == Some(frame) {
                continue;
            }
            notes += 1;
            if notes <= MAX_CALLS {
                let (file, begin) = (location.filename(), location.resolve_span().begin);
                let (line, column) = (begin.line + 1, begin.column + 1);
                let name = &frame.name;
                let name = name
                    .strip_prefix(self.file)
                    .unwrap_or(name)
                    .trim_start_matches('.');
                diag = diag.note(format!("`{name}` was called from {file}:{line}:{column}"));
            }
        }
        match notes.saturating_sub(MAX_CALLS) {
            0 => diag,
            more => diag.note(format!("and {more} more calls")),
        }
    }

    fn message(&self, error: &Error) -> Diag {
        match error.kind() {
            ErrorKind::Fail(text) => fail_diag(&text.to_string()),
            ErrorKind::StackOverflow(_) => Diag::build(format!(
                "more than {} functions are active at once",
                self.limits.call_depth
            ))
            .hint("a function seems to call itself; Bazel's Starlark has no recursion"),
            ErrorKind::Native(inner) | ErrorKind::Other(inner) => {
                match inner.downcast_ref::<Diag>() {
                    Some(diag) => diag.clone(),
                    None => self.other(&inner.to_string(), call_text(error)),
                }
            }
            ErrorKind::Scope(_) => self.unknown_name(error),
            ErrorKind::Internal(inner) => {
                Diag::internal(format!("the Starlark interpreter failed: {inner}"))
            }
            kind => plain_at(&kind.to_string(), call_text(error)),
        }
    }

    /// Errors that the interpreter tells apart by text only: the limits.
    fn other(&self, text: &str, call: &str) -> Diag {
        if text == CANCELLED {
            return Diag::build(format!(
                "evaluating `{}` takes more than {} function calls and loop turns",
                self.file, self.limits.ticks
            ))
            .hint(
                "shorten the loop if it is far longer than meant, or allow more: \
                 `--max_computation_steps=…`",
            );
        }
        if text.starts_with("Heap memory limit") {
            return Diag::build(format!(
                "evaluating `{}` takes more than {} MiB of memory",
                self.file,
                self.limits.heap_bytes >> 20
            ))
            .hint("a list, dict or text seems to be far larger than meant");
        }
        plain_at(text, call)
    }

    fn unknown_name(&self, error: &Error) -> Diag {
        let Some(name) = error.span().map(FileSpan::source_span) else {
            return plain(&error.kind().to_string());
        };
        let globals = self.globals.into_iter().flat_map(Globals::names);
        let mut known: Vec<String> = globals.map(|name| name.as_str().to_owned()).collect();
        known.extend(self.names.iter().cloned());
        known.retain(|name| !name.starts_with('_'));
        known.sort();
        known.dedup();
        let diag = Diag::build(format!("`{name}` is not defined"))
            .did_you_mean(name, known.iter().map(String::as_str));
        match diag.hints() {
            [] => diag.hint(format!("names defined here: {}", known.join(", "))),
            _ => diag,
        }
    }
}

/// The code at the place of an error: for wrong arguments it is the call.
fn call_text(error: &Error) -> &str {
    let frames = error.call_stack().frames.iter().rev();
    let last = || frames.clone().find_map(|frame| frame.location.as_ref());
    let place = error.span().or_else(last);
    place.map_or("", FileSpan::source_span)
}

/// What the interpreter says when it was told to stop: only the limit on ticks tells it to.
const CANCELLED: &str = "Evaluation cancelled";

const MAX_CALLS: usize = 10;

/// As [`fail_diag`], of kiln's own rules: a line `at: ATTRIBUTE`, with a text or a label in it or
/// without, says which part of the target is wrong, and labels of the root repository are written
/// as people write them.
fn own_fail(text: &str) -> Diag {
    let text = text.replace("@@//", "//");
    let (lines, places): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| !line.starts_with("at: "));
    let diag = fail_diag(&lines.join("\n"));
    let Some(place) = places.first().and_then(|line| line.strip_prefix("at: ")) else {
        return diag;
    };
    match place.split_once(' ') {
        None => diag.about(place, Part::Whole),
        Some((attribute, part)) => {
            let is_label = part.starts_with("//") || part.starts_with('@');
            let kind = if is_label { Part::Label } else { Part::Text };
            diag.about(attribute, kind(part.to_owned()))
        }
    }
}

/// `fail()`'s text, without the interpreter's own beginning. Last lines that begin with `hint: `
/// are cures.
fn fail_diag(text: &str) -> Diag {
    let text = text.strip_prefix("fail:").unwrap_or(text).trim();
    let mut parts = text.split("\nhint: ");
    let message = Diag::build(parts.next().unwrap_or_default());
    parts.fold(message, |diag, hint| diag.hint(hint))
}
