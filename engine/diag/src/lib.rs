//! The one error type of kiln and its plain-text rendering.
//!
//! A [`Diag`] says whose fault it is, what happened, where, and what would cure it. It is not a
//! general error chain: code that must decide on an error (a missing blob, a cancelled wait) has
//! a typed error of its own and turns it into a `Diag` where a person will read it.
//!
//! Style of messages: lower case, names in backticks, no full stop; cures go into hints.

mod render;

use std::fmt;
use std::sync::Arc;

/// Whose fault an error is; it decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// A file of the repository, or something built from it, is wrong (exit code 1).
    Build,
    /// The command line, an option or a configuration file is wrong (exit code 2).
    Usage,
    /// This machine lacks something: a tool, space, a permission (exit code 36).
    Environment,
    /// Something outside this machine did not answer as it should (exit code 32).
    Remote,
    /// A defect of kiln itself (exit code 37).
    Internal,
    /// The user interrupted (exit code 8).
    Interrupted,
}

/// A place in a text file. Lines and columns count from 1; columns count characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// Path as it should be shown.
    pub file: Arc<str>,
    /// Line of the first character.
    pub line: u32,
    /// Column of the first character.
    pub column: u32,
    /// How many characters to underline on that line; at least 1.
    pub width: u32,
    /// The text of that line, if it is at hand.
    pub text: Option<Arc<str>>,
}

impl Span {
    /// A place without the text of its line.
    pub fn new(file: impl Into<Arc<str>>, line: u32, column: u32) -> Span {
        Span {
            file: file.into(),
            line,
            column,
            width: 1,
            text: None,
        }
    }

    /// The place of the byte range `start..end` in `text`, which is the whole file.
    pub fn of_bytes(file: impl Into<Arc<str>>, text: &str, start: usize, end: usize) -> Span {
        let start = floor_boundary(text, start);
        let end = floor_boundary(text, end.max(start));
        let line_start = text[..start].rfind('\n').map_or(0, |i| i + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |i| start + i);
        let width = text[start..end.clamp(start, line_end)]
            .chars()
            .count()
            .max(1);
        Span {
            file: file.into(),
            line: 1 + text[..start].matches('\n').count() as u32,
            column: 1 + text[line_start..start].chars().count() as u32,
            width: width as u32,
            text: Some(Arc::from(&text[line_start..line_end])),
        }
    }
}

fn floor_boundary(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Which part of a target's declaration an error is about, for whoever can find its place. The
/// declaration itself is where [`Diag::at`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The attribute; empty if it is not known which.
    pub attribute: String,
    /// What in it.
    pub part: Part,
}

/// A part of an attribute's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// A label, however it is spelled there.
    Label(String),
    /// A text that has this in it.
    Text(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    fault: Fault,
    warning: bool,
    message: String,
    span: Option<Span>,
    about: Option<About>,
    notes: Vec<Note>,
    hints: Vec<String>,
}

/// A remark below the message, with or without a place of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The remark.
    pub message: String,
    /// Where it points to.
    pub span: Option<Span>,
}

/// An error (or warning) for a person. Cheap to move and to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Diag(Arc<Inner>);

impl Diag {
    /// An error of the given fault.
    pub fn new(fault: Fault, message: impl Into<String>) -> Diag {
        Diag(Arc::new(Inner {
            fault,
            warning: false,
            message: message.into(),
            span: None,
            about: None,
            notes: Vec::new(),
            hints: Vec::new(),
        }))
    }

    /// Something in the repository is wrong.
    pub fn build(message: impl Into<String>) -> Diag {
        Diag::new(Fault::Build, message)
    }

    /// The command line or configuration is wrong.
    pub fn usage(message: impl Into<String>) -> Diag {
        Diag::new(Fault::Usage, message)
    }

    /// The machine lacks something.
    pub fn environment(message: impl Into<String>) -> Diag {
        Diag::new(Fault::Environment, message)
    }

    /// A defect of kiln.
    pub fn internal(message: impl Into<String>) -> Diag {
        Diag::new(Fault::Internal, message)
    }

    /// An operation on a file failed: `doing` is what was being done, such as "cannot read".
    pub fn io(doing: &str, path: &std::path::Path, error: &std::io::Error) -> Diag {
        Diag::environment(format!("{doing} `{}`: {}", path.display(), io_text(error)))
    }

    /// Makes it a warning: shown, but nothing fails.
    pub fn into_warning(self) -> Diag {
        self.edit(|inner| inner.warning = true)
    }

    /// Says where it happened, unless that is known already.
    pub fn at(self, span: Span) -> Diag {
        self.edit(|inner| {
            inner.span.get_or_insert(span);
        })
    }

    /// Says which part of the declaration at its place it is about, unless that is known already.
    pub fn about(self, attribute: impl Into<String>, part: Part) -> Diag {
        let attribute = attribute.into();
        self.edit(|inner| {
            inner.about.get_or_insert(About { attribute, part });
        })
    }

    /// Replaces its place by a more exact one; it is about all that is there.
    pub fn moved(self, span: Span) -> Diag {
        self.edit(|inner| {
            inner.span = Some(span);
            inner.about = None;
        })
    }

    /// Adds a remark.
    pub fn note(self, message: impl Into<String>) -> Diag {
        let note = Note {
            message: message.into(),
            span: None,
        };
        self.edit(|inner| inner.notes.push(note))
    }

    /// Adds a remark with a place of its own.
    pub fn note_at(self, message: impl Into<String>, span: Span) -> Diag {
        let note = Note {
            message: message.into(),
            span: Some(span),
        };
        self.edit(|inner| inner.notes.push(note))
    }

    /// Adds a cure.
    pub fn hint(self, hint: impl Into<String>) -> Diag {
        let hint = hint.into();
        self.edit(|inner| inner.hints.push(hint))
    }

    /// Adds "did you mean" with the nearest of `candidates` to `wanted`, if any is near.
    pub fn did_you_mean<'a>(
        self,
        wanted: &str,
        candidates: impl IntoIterator<Item = &'a str>,
    ) -> Diag {
        match nearest(wanted, candidates) {
            near if near.is_empty() => self,
            near => {
                let quoted: Vec<String> = near.iter().map(|name| format!("`{name}`")).collect();
                self.hint(format!("did you mean {}?", quoted.join(" or ")))
            }
        }
    }

    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        self.0.fault
    }

    /// Whether it is a warning.
    pub fn is_warning(&self) -> bool {
        self.0.warning
    }

    /// The message alone.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where it happened.
    pub fn span(&self) -> Option<&Span> {
        self.0.span.as_ref()
    }

    /// Which part of what is at its place it is about.
    pub fn part(&self) -> Option<&About> {
        self.0.about.as_ref()
    }

    /// The remarks.
    pub fn notes(&self) -> &[Note] {
        &self.0.notes
    }

    /// The cures.
    pub fn hints(&self) -> &[String] {
        &self.0.hints
    }

    /// The process exit code that goes with it (cli.md 1.4, Bazel's numbers).
    pub fn exit_code(&self) -> u8 {
        match self.0.fault {
            Fault::Build => 1,
            Fault::Usage => 2,
            Fault::Interrupted => 8,
            Fault::Remote => 32,
            Fault::Environment => 36,
            Fault::Internal => 37,
        }
    }

    /// The plain text, several lines without a newline at the end.
    pub fn render(&self) -> String {
        render::render(self)
    }

    fn edit(mut self, change: impl FnOnce(&mut Inner)) -> Diag {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

impl fmt::Display for Diag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render())
    }
}

impl fmt::Debug for Diag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render())
    }
}

impl std::error::Error for Diag {}

/// The error's own text without Rust's ` (os error N)`.
pub fn io_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_lowercase(),
        None => text,
    }
}

/// Up to three of `candidates` that could be a slip of `wanted`, nearest first.
pub fn nearest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let limit = (wanted.chars().count() / 3).clamp(1, 4);
    let mut near: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter(|name| name.len().abs_diff(wanted.len()) <= limit * 4)
        .map(|name| (distance(wanted, name), name))
        .filter(|(distance, _)| *distance <= limit)
        .collect();
    near.sort();
    near.dedup();
    near.into_iter().take(3).map(|(_, name)| name).collect()
}

/// Edit distance in which a swap of two neighbours counts as one edit.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
