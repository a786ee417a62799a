//! What an action's own messages tell of files that it should have declared.
//!
//! The sandbox makes an undeclared file look absent and refuses an undeclared write, so the
//! action's program complains in words that do not help: "no such file" of a file that is there.
//! The complaint is searched for paths. It is a guess, and only ever used to say more.

use std::path::Path;

use crate::Process;
use kiln_base::RelPath;

/// The path of the exec root in the local sandbox, which messages may begin with.
const EXEC_ROOT: &str = "/kiln";

/// Where an action ran, as far as paths in its messages depend on it.
pub struct Scene<'a> {
    /// What ran.
    pub process: &'a Process,
    /// The folder that it was in, relative to the exec root: its working directory, unless it
    /// went elsewhere first, as tests do.
    pub workdir: &'a RelPath,
    /// What stands for the root of the workspace, relative to the exec root.
    pub sources: &'a RelPath,
    /// The workspace, absolute.
    pub workspace: &'a Path,
    /// Whether there is something at an absolute path of this machine.
    pub exists: &'a dyn Fn(&Path) -> bool,
}

/// A file that an action used without having declared it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Undeclared {
    /// Relative to the workspace; absolute if it is not in there.
    pub path: String,
    /// What the action wanted to do.
    pub kind: AccessKind,
    /// For [`AccessKind::Absent`]: where the file would be, relative to the workspace, if
    /// something made it.
    pub places: Vec<RelPath>,
}

/// What an action wanted to do with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccessKind {
    /// Read it: it exists in the workspace, but is no input.
    Read,
    /// Import it, as a module of an interpreted language: it exists in the workspace, but is no
    /// input.
    Import,
    /// Read it: it is neither an input nor in the workspace.
    Absent,
    /// Read it: it exists on this machine, outside of all that actions may see.
    Outside,
    /// Write to it: it is no output, nor beside one.
    Write,
}

/// More than so many findings tell nobody more.
const MAX_FOUND: usize = 20;
/// Longer lines are no messages about files.
const MAX_LINE: usize = 4096;

/// Searches what a failed action wrote for files that it lacked and for writes that were refused.
pub fn undeclared(scene: &Scene<'_>, written: &str) -> Vec<Undeclared> {
    let mut found: Vec<Undeclared> = Vec::new();
    for line in written.lines().filter(|line| line.len() <= MAX_LINE) {
        let finding = complaint(line).and_then(|complaint| scene.finding(line, &complaint));
        found.extend(finding.filter(|finding| !found.contains(finding)));
        if found.len() == MAX_FOUND {
            break;
        }
    }
    found
}

/// Words that say that something was refused, with what stands before and after them.
struct Complaint<'a> {
    refused: Refused,
    before: &'a str,
    after: &'a str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Refused {
    /// There is no such file.
    Read,
    /// There is no such Python module.
    Import,
    /// It cannot be written.
    Write,
    /// Where there are no mounts, either.
    Access,
}

fn complaint(line: &str) -> Option<Complaint<'_>> {
    const PHRASES: [(&str, Refused); 10] = [
        ("Read-only file system", Refused::Write),
        ("No such file or directory", Refused::Read),
        ("no such file or directory", Refused::Read),
        ("No module named", Refused::Import),
        ("file not found", Refused::Read),
        ("Directory nonexistent", Refused::Write),
        ("No such file", Refused::Read),
        ("Permission denied", Refused::Access),
        (": not found", Refused::Read),
        ("does not exist", Refused::Read),
    ];
    PHRASES.into_iter().find_map(|(phrase, refused)| {
        let (before, after) = line.split_once(phrase)?;
        Some(Complaint {
            refused,
            before,
            after,
        })
    })
}

impl Scene<'_> {
    fn finding(&self, line: &str, complaint: &Complaint<'_>) -> Option<Undeclared> {
        let texts = candidates(complaint.before, complaint.after);
        match complaint.refused {
            Refused::Write => {
                let text = texts.into_iter().find(|text| looks_like_path(text))?;
                Some(self.write(text))
            }
            Refused::Access => {
                let text = texts.into_iter().find(|text| looks_like_path(text))?;
                self.access(text)
            }
            Refused::Read => self.read(line, &texts),
            Refused::Import => self.import(&texts),
        }
    }

    fn read(&self, line: &str, texts: &[&str]) -> Option<Undeclared> {
        let mut absent = None;
        for text in texts {
            if let Some(outside) = self.outside(text) {
                return (self.exists)(Path::new(outside))
                    .then(|| found(outside, AccessKind::Outside));
            }
            let places = self.places(line, text);
            if places.iter().any(|place| self.is_declared(place)) {
                // It is there, unless it is looked for where no action looks: by the path that
                // it has on this machine.
                let elsewhere = Path::new(text).starts_with(self.workspace);
                return elsewhere.then(|| found(text, AccessKind::Outside));
            }
            let sources: Vec<RelPath> = places
                .iter()
                .filter_map(|place| place.strip_prefix(self.sources))
                .filter(|source| !source.is_root())
                .collect();
            if let Some(source) = sources.iter().find(|source| self.is_source(source)) {
                return Some(found(source.as_str(), AccessKind::Read));
            }
            let is_name = looks_like_path(text) && text.contains(['/', '.']);
            if let (true, None, Some(first)) = (is_name, &absent, sources.first()) {
                absent = Some(Undeclared {
                    path: first.to_string(),
                    kind: AccessKind::Absent,
                    places: sources,
                });
            }
        }
        absent
    }

    /// `No module named 'a.b'`: the file `a/b.py`, or a folder.
    fn import(&self, texts: &[&str]) -> Option<Undeclared> {
        let module = texts.iter().find(|text| looks_like_path(text))?;
        let path = module.replace('.', "/");
        ["/__init__.py", ".py", ""].iter().find_map(|end| {
            let source = RelPath::new(format!("{path}{end}")).ok()?;
            let is_lacking = self.is_source(&source) && !self.is_declared(&self.inside(&source));
            is_lacking.then(|| found(source.as_str(), AccessKind::Import))
        })
    }

    /// Without a root of its own an action is refused what it must not touch.
    fn access(&self, text: &str) -> Option<Undeclared> {
        if let Some(outside) = self.outside(text) {
            return (self.exists)(Path::new(outside)).then(|| found(outside, AccessKind::Outside));
        }
        let place = self.places("", text).into_iter().next()?;
        // An input may lack its executable bit: that is another complaint.
        (!self.is_declared(&place)).then(|| match place.strip_prefix(self.sources) {
            Some(source) if text.starts_with('/') && self.is_source(&source) => {
                found(source.as_str(), AccessKind::Read)
            }
            _ => self.write(text),
        })
    }

    fn write(&self, text: &str) -> Undeclared {
        let shown = match self.places("", text).into_iter().next() {
            Some(place) => place
                .strip_prefix(self.sources)
                .unwrap_or(place)
                .to_string(),
            None => text.to_owned(),
        };
        found(&shown, AccessKind::Write)
    }

    fn is_declared(&self, place: &RelPath) -> bool {
        self.process.inputs.get(place).is_some()
    }

    fn is_source(&self, source: &RelPath) -> bool {
        (self.exists)(&source.under(self.workspace))
    }

    fn inside(&self, source: &RelPath) -> RelPath {
        self.sources.append(source)
    }

    /// An absolute path that is neither in the exec root nor in the workspace.
    fn outside<'t>(&self, text: &'t str) -> Option<&'t str> {
        let path = Path::new(text);
        let is_ours = path.starts_with(EXEC_ROOT) || path.starts_with(self.workspace);
        (path.is_absolute() && !is_ours).then_some(text)
    }

    /// Where in the exec root a path that a message names may be: relative to the working
    /// directory, to the file that includes it, or to a folder of headers.
    fn places(&self, line: &str, text: &str) -> Vec<RelPath> {
        let path = Path::new(text);
        if path.is_absolute() {
            let below = |folder: &Path| {
                let below = path.strip_prefix(folder).ok()?.to_str()?;
                RelPath::normalize(below).ok()
            };
            let source = below(self.workspace).map(|source| self.inside(&source));
            return source
                .or_else(|| below(Path::new(EXEC_ROOT)))
                .into_iter()
                .collect();
        }
        let join = |folder: &str| {
            let path = format!("{}/{folder}/{text}", self.workdir);
            RelPath::normalize(path.trim_start_matches('/')).ok()
        };
        let includer = line
            .split(':')
            .next()
            .and_then(|file| file.rsplit_once('/'));
        let folders = ["."].into_iter().chain(includer.map(|(folder, _)| folder));
        let mut places: Vec<RelPath> = Vec::new();
        for place in folders
            .chain(header_folders(&self.process.argv))
            .filter_map(join)
        {
            if !place.is_root() && !places.contains(&place) {
                places.push(place);
            }
        }
        places
    }
}

fn found(path: &str, kind: AccessKind) -> Undeclared {
    Undeclared {
        path: path.to_owned(),
        kind,
        places: Vec::new(),
    }
}

/// Texts that may be the path a complaint is about, the likeliest first.
fn candidates<'a>(before: &'a str, after: &'a str) -> Vec<&'a str> {
    let mut texts = quoted(after);
    let mut earlier = quoted(before);
    earlier.reverse();
    texts.append(&mut earlier);
    let parts: Vec<&str> = before
        .split(": ")
        .chain(after.split(": ").take(2))
        .collect();
    for part in parts.into_iter().rev() {
        let part = part.trim().trim_end_matches(':');
        // "tar: the/path: Cannot open": no path in this part.
        if !part.starts_with("Cannot ") {
            texts.push(part);
            texts.extend(part.rsplit(' ').next());
        }
    }
    let trim = |text: &'a str| text.trim_matches([',', '.', ';', '(', ')', '\'', '"'].as_slice());
    // A leading dot belongs to the path.
    let keep = |text: &'a str| {
        if text.starts_with('.') {
            text
        } else {
            trim(text)
        }
    };
    texts
        .into_iter()
        .map(keep)
        .filter(|text| !text.is_empty())
        .collect()
}

/// What stands in quotes, of whatever kind.
fn quoted(text: &str) -> Vec<&str> {
    const QUOTES: [(char, char); 4] = [('\'', '\''), ('‘', '’'), ('`', '\''), ('"', '"')];
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((at, open)) = rest
        .char_indices()
        .find(|(_, c)| QUOTES.iter().any(|q| q.0 == *c))
    {
        let inner = &rest[at + open.len_utf8()..];
        let close = QUOTES.iter().filter(|q| q.0 == open);
        let end = close.filter_map(|q| inner.find(q.1)).min();
        match end {
            Some(end) => {
                found.push(&inner[..end]);
                let close = inner[end..].chars().next().map_or(0, char::len_utf8);
                rest = &inner[end + close..];
            }
            None => rest = inner,
        }
    }
    found
}

/// The folders that a compiler's arguments name for headers.
fn header_folders(argv: &[String]) -> impl Iterator<Item = &str> {
    const OPTIONS: [&str; 4] = ["-I", "-iquote", "-isystem", "-idirafter"];
    argv.iter()
        .zip(argv.iter().skip(1).map(Some).chain([None]))
        .filter_map(|(argument, next)| {
            let option = OPTIONS
                .iter()
                .find(|option| argument.starts_with(**option))?;
            match &argument[option.len()..] {
                "" => next.map(String::as_str),
                folder => Some(folder),
            }
        })
}

fn looks_like_path(text: &str) -> bool {
    !text.contains(char::is_whitespace)
        && text.contains(|c: char| c.is_alphanumeric())
        && (text.contains(['/', '.', '_']) || !text.contains(|c: char| c.is_ascii_punctuation()))
}
