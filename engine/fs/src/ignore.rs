//! Directories that neither globs nor target patterns may enter.

use std::collections::BTreeSet;

use kiln_base::RelPath;
use kiln_diag::{Diag, Span};

use crate::glob::{PatternSet, Use};
use crate::listing::{Entry, EntryKind, LinkPlace, Resolved};
use crate::read_ignore_directories;

/// The ignored directories of one repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ignore {
    folders: BTreeSet<RelPath>,
    patterns: PatternSet,
}

impl Ignore {
    /// Ignores nothing but kiln's own output and the links that Bazel leaves behind.
    pub fn new() -> Ignore {
        Ignore::default()
    }

    /// What a repository ignores: the texts of its `.bazelignore` and `REPO.bazel`, if it has
    /// them.
    ///
    /// Errors: one of them is wrong.
    pub fn read(bazelignore: Option<&str>, repo_file: Option<&str>) -> Result<Ignore, Diag> {
        let mut ignore = Ignore::new();
        if let Some(text) = bazelignore {
            ignore.add_bazelignore(".bazelignore", text)?;
        }
        if let Some(text) = repo_file {
            ignore.add_patterns(&read_ignore_directories("REPO.bazel", text)?)?;
        }
        Ok(ignore)
    }

    /// Adds a directory with all below it.
    pub fn add_folder(&mut self, folder: RelPath) {
        self.folders.insert(folder);
    }

    /// Adds the lines of a `.bazelignore`: a directory each, relative to the repository, no
    /// wildcards; lines that begin with `#` are comments. `file` is the path for messages.
    ///
    /// Errors: a path that is absolute or leaves the repository.
    pub fn add_bazelignore(&mut self, file: &str, text: &str) -> Result<(), Diag> {
        for (number, line) in text.lines().enumerate() {
            let path = line.trim();
            if path.is_empty() || path.starts_with('#') {
                continue;
            }
            let folder = RelPath::normalize(path).map_err(|error| {
                let span = Span {
                    width: path.chars().count() as u32,
                    text: Some(line.into()),
                    ..Span::new(file, number as u32 + 1, 1)
                };
                Diag::build(format!(
                    "{error}; `.bazelignore` takes paths below its folder"
                ))
                .at(span)
            })?;
            if folder.is_root() {
                continue;
            }
            self.folders.insert(folder);
        }
        Ok(())
    }

    /// Adds the patterns of `ignore_directories` in a `REPO.bazel` (Bazel 8): globs of
    /// directories.
    ///
    /// Errors: a pattern that is none.
    pub fn add_patterns<S: AsRef<str>>(&mut self, patterns: &[S]) -> Result<(), Diag> {
        self.patterns = PatternSet::new(patterns, Use::Exclude)?;
        Ok(())
    }

    /// Whether a directory is ignored: itself, or one above it.
    pub fn ignores(&self, folder: &RelPath) -> bool {
        if folder.components().next() == Some(OUTPUT) {
            return true;
        }
        self.is_listed(folder) || self.patterns.covers(folder)
    }

    /// Whether an entry of a directory that is not ignored is not to be entered: an ignored
    /// directory, kiln's output (`kiln-out`), or one of Bazel's links to its own (`bazel-bin`).
    pub fn skips(&self, parent: &RelPath, entry: &Entry) -> bool {
        if parent.is_root() && is_output(entry) {
            return true;
        }
        if self.folders.is_empty() && self.patterns.len() == 0 {
            return false;
        }
        let Ok(path) = parent.join(&entry.name) else {
            return false;
        };
        self.folders.contains(&path) || self.patterns.covers(&path)
    }

    fn is_listed(&self, folder: &RelPath) -> bool {
        let mut at = Some(folder.clone());
        while let Some(path) = at {
            if self.folders.contains(&path) {
                return true;
            }
            at = path.parent();
        }
        false
    }
}

/// kiln's output folder or link at the root of the workspace.
const OUTPUT: &str = "kiln-out";

fn is_output(entry: &Entry) -> bool {
    if &*entry.name == OUTPUT {
        return true;
    }
    let EntryKind::Symlink(link) = &entry.kind else {
        return false;
    };
    entry.name.starts_with("bazel-")
        && link.to == Resolved::Directory
        && !matches!(link.place, LinkPlace::Inside(_))
}
