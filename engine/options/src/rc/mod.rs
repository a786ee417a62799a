//! `.bazelrc` files: which are read, in what order, and their lines by command.

mod lexer;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kiln_diag::{Diag, Span};

use crate::args::Word;
use crate::origin::Origin;
use crate::verb::rc_command_names;

/// How rc files are read: this crate opens no file itself.
pub trait RcFiles {
    /// The text of a file; `None` if there is none.
    ///
    /// Errors: it cannot be read.
    fn read(&self, path: &Path) -> Result<Option<String>, Diag>;
}

/// The lines of all rc files, by command (`build`, `build:name`), in the order they were read.
#[derive(Debug, Default)]
pub(crate) struct Sections {
    words: BTreeMap<String, Vec<Word>>,
    /// Lines that no command can mean.
    pub(crate) warnings: Vec<Diag>,
}

/// Imports within imports.
const DEEPEST: usize = 32;

impl Sections {
    /// The words of all lines of a command.
    pub(crate) fn of(&self, command: &str) -> &[Word] {
        self.words.get(command).map_or(&[], Vec::as_slice)
    }

    /// The names of all configs, for "did you mean".
    pub(crate) fn configs(&self) -> impl Iterator<Item = &str> {
        let keys = self.words.keys();
        keys.filter_map(|key| key.split_once(':').map(|(_, name)| name))
    }
}

/// Reads rc files.
pub(crate) struct Reader<'a> {
    pub(crate) files: &'a dyn RcFiles,
    /// The root of the workspace, for `%workspace%` and for how paths are shown.
    pub(crate) workspace: Option<&'a Path>,
    /// What other relative paths are relative to (Bazel).
    pub(crate) cwd: &'a Path,
    pub(crate) sections: Sections,
    /// The files being read, outermost first.
    pub(crate) open: Vec<PathBuf>,
}

impl Reader<'_> {
    /// Reads a file with all it imports; `false` if there is none.
    ///
    /// Errors: it cannot be read, a quote is open at the end of a line, an import is wrong.
    pub(crate) fn read(&mut self, path: &Path) -> Result<bool, Diag> {
        let Some(text) = self.files.read(path)? else {
            return Ok(false);
        };
        self.open.push(path.to_owned());
        let shown: Arc<str> = Arc::from(self.shown(path));
        for line in lexer::lines(&shown, &text)? {
            let mut words = line.into_iter();
            let Some(command) = words.next() else {
                continue;
            };
            match &*command.text {
                "import" => self.import(&command, words, true)?,
                "try-import" => self.import(&command, words, false)?,
                _ => self.section(command, words),
            }
        }
        self.open.pop();
        Ok(true)
    }

    fn section(&mut self, command: Word, words: impl Iterator<Item = Word>) {
        let name = command.text.split(':').next().unwrap_or_default();
        if !rc_command_names().any(|known| known == name) {
            let diag = Diag::usage(format!(
                "no command is called `{name}`; the line has no effect"
            ))
            .did_you_mean(name, rc_command_names())
            .into_warning();
            self.sections.warnings.push(command.origin.on(diag));
        }
        let section = self.sections.words.entry(command.text.to_string());
        section.or_default().extend(words);
    }

    fn import(
        &mut self,
        import: &Word,
        mut words: impl Iterator<Item = Word>,
        must_exist: bool,
    ) -> Result<(), Diag> {
        let (Some(path), None) = (words.next(), words.next()) else {
            let diag = Diag::usage(format!("`{}` takes one path", import.text));
            return Err(import.origin.on(diag).hint("quote a path with spaces"));
        };
        let full = match path.text.strip_prefix("%workspace%/") {
            Some(below) => match self.workspace {
                Some(root) => root.join(below),
                None if !must_exist => return Ok(()),
                None => {
                    let diag = Diag::usage("there is no workspace for `%workspace%`");
                    return Err(path.origin.on(diag));
                }
            },
            None => self.cwd.join(&*path.text),
        };
        if self.open.contains(&full) || self.open.len() >= DEEPEST {
            let chain: Vec<String> = self.open.iter().map(|file| self.shown(file)).collect();
            let diag = Diag::usage(format!("`{}` imports itself", self.shown(&full)))
                .note(format!("by way of {}", chain.join(" -> ")));
            return Err(path.origin.on(diag));
        }
        if !self.read(&full)? && must_exist {
            let diag = Diag::usage(format!("there is no file `{}`", self.shown(&full)));
            let hint = "`try-import` goes on without the file";
            return Err(path.origin.on(diag).hint(hint));
        }
        Ok(())
    }

    fn shown(&self, path: &Path) -> String {
        let below = self.workspace.and_then(|root| path.strip_prefix(root).ok());
        below.unwrap_or(path).display().to_string()
    }
}

/// The place of a word.
pub(crate) fn origin(span: Span) -> Origin {
    Origin::File(span)
}
