//! Values from configuration files, kiln's own rc files and environment variables.
//!
//! Order, the weakest first (OPT-010): `kiln.toml`, the files of `KILN_CONFIG_FILES`, rc files,
//! variables. `.bazelrc` comes after all of them, since its lines are flags that stand in front of
//! those of the command line, which win (Bazel).
//!
//! Invariant: every mistake of all of these is found before the first is reported (OPT-051).

mod contents;
mod file;
mod interpolate;
mod literal;
mod names;
pub(crate) mod section;

use std::path::PathBuf;
use std::sync::Arc;

use kiln_diag::Diag;

use crate::origin::{Given, Origin};
use crate::rc::RcFiles;
use crate::registry::OPTIONS;
use crate::value::Expected;
use crate::{Kind, OptionSpec, Request, Value};
use file::File;
use literal::Edit;

/// The file that need not be there (OPT-002).
const DEFAULT_FILE: &str = "kiln.toml";
/// The variable that names more (OPT-003).
const FILES_VARIABLE: &str = "KILN_CONFIG_FILES";

/// What files and variables say.
#[derive(Debug, Default)]
pub(crate) struct Config {
    given: Vec<Given>,
    removals: Vec<(&'static OptionSpec, Value)>,
    problems: Vec<Diag>,
    /// Whether what is not known is only warned of (`--noverify_config`).
    lenient: bool,
    warnings: Vec<Diag>,
}

/// A text with the place where it was said.
type Said = (String, Origin);

/// Reads everything that gives values without being a flag.
///
/// Errors: a file that was named is not there (OPT-006), or is no TOML (OPT-008); all that is
/// wrong in files and variables.
pub(crate) fn read(
    request: &Request<'_>,
    files: &dyn RcFiles,
    wanted: &Wanted<'_>,
) -> Result<Config, Diag> {
    let mut config = Config {
        lenient: wanted.lenient,
        ..Config::default()
    };
    let reading = Reading { request, files };
    if let Some(root) = request.workspace {
        for named in names::files(request, &wanted.named)? {
            let name = &*named.name;
            match files.read(&root.join(name))? {
                Some(text) => File::new(name, &text, &reading).add_to(&mut config)?,
                None => named.missing(root)?,
            }
        }
    }
    if wanted.rc {
        for (path, name) in rc_files(request) {
            if let Some(text) = files.read(&path)? {
                File::new(&name, &text, &reading).add_to(&mut config)?;
            }
        }
    }
    config.variables(&reading);
    match joined(&config.problems) {
        Some(diag) => Err(diag),
        None => Ok(config),
    }
}

/// What flags say about files of options.
#[derive(Debug, Default)]
pub(crate) struct Wanted<'a> {
    /// Whether rc files are read.
    pub(crate) rc: bool,
    /// Whether unknown keys are only warned of.
    pub(crate) lenient: bool,
    /// The values of `--kiln_config_files`.
    pub(crate) named: Vec<&'a str>,
}

/// What is needed to read files that files name.
#[derive(Clone, Copy)]
struct Reading<'a> {
    request: &'a Request<'a>,
    files: &'a dyn RcFiles,
}

/// Files that need not be there, and how each is shown (OPT-005).
fn rc_files(request: &Request<'_>) -> Vec<(PathBuf, String)> {
    let mut found = vec![(PathBuf::from("/etc/kilnrc"), "/etc/kilnrc".to_owned())];
    if let Some(home) = request.home.filter(|home| Some(*home) != request.workspace) {
        found.push((home.join(".kiln.rc"), "~/.kiln.rc".to_owned()));
    }
    if let Some(root) = request.workspace {
        found.push((root.join(".kiln.rc"), ".kiln.rc".to_owned()));
    }
    found
}

impl Config {
    /// The values, without those that some source removes (OPT-021), which may be flags.
    pub(crate) fn removed(&self, given: &Given) -> bool {
        let same = |(option, value): &(&OptionSpec, Value)| {
            option.name == given.option.name && *value == given.value
        };
        self.removals.iter().any(same)
    }

    /// Takes out what is worth a warning.
    pub(crate) fn take_warnings(&mut self) -> Vec<Diag> {
        std::mem::take(&mut self.warnings)
    }

    /// Something that is not known.
    fn unknown(&mut self, diag: Diag) {
        match self.lenient {
            true => self.warnings.push(diag.into_warning()),
            false => self.problems.push(diag),
        }
    }

    /// Takes the values out, the strongest last.
    pub(crate) fn take_given(&mut self) -> Vec<Given> {
        std::mem::take(&mut self.given)
    }

    /// Variables that name an option; others are no business of kiln's (OPT-052).
    fn variables(&mut self, reading: &Reading<'_>) {
        let variables = reading.request.variables;
        if !variables.keys().any(|name| name.starts_with("KILN_")) {
            return;
        }
        for option in OPTIONS {
            let Some(name) = option.variable() else {
                continue;
            };
            // `KILN_GLOBAL_JOBS` is weaker than `KILN_JOBS`, as the longer of two names.
            let long = option
                .key()
                .filter(|(section, _)| *section == section::GLOBAL);
            let long = long.map(|_| name.replacen("KILN_", "KILN_GLOBAL_", 1));
            for name in long.into_iter().chain([name]) {
                if let Some(text) = variables.get(&name) {
                    let origin = Origin::Variable(Arc::from(name));
                    self.text(option, text, origin, reading);
                }
            }
        }
    }

    /// A value as a text: for lists, the edits that it means.
    fn text(
        &mut self,
        option: &'static OptionSpec,
        text: &str,
        origin: Origin,
        reading: &Reading<'_>,
    ) {
        if option.kind != Kind::List {
            self.scalar(option, text, origin);
            return;
        }
        let edits = match contents::named(text) {
            None => literal::edits(text, option.pairs),
            Some(named) => match named.edits(option.pairs, reading) {
                Ok(edits) => edits,
                Err(diag) => {
                    self.problems.push(place(option, &origin).on(diag));
                    return;
                }
            },
        };
        match edits {
            Ok(edits) => {
                for edit in edits {
                    let said = |list: Vec<String>| -> Vec<Said> {
                        list.into_iter()
                            .map(|text| (text, origin.clone()))
                            .collect()
                    };
                    self.edit(
                        option,
                        match edit {
                            Edit::Replace(list) => Edit::Replace(said(list)),
                            Edit::Add(list) => Edit::Add(said(list)),
                            Edit::Remove(list) => Edit::Remove(said(list)),
                        },
                    );
                }
            }
            Err(mistake) => {
                let diag = Diag::usage(format!(
                    "no list for {}: expected {} at character {}",
                    said(option, &origin),
                    mistake.expected,
                    mistake.column
                ));
                let diag = place(option, &origin).on(diag);
                self.problems.push(match option.secret {
                    true => diag,
                    false => diag.note(format!("in `{text}`")),
                });
            }
        }
    }

    fn edit(&mut self, option: &'static OptionSpec, edit: Edit<Said>) {
        match edit {
            Edit::Replace(list) => {
                self.given.retain(|given| given.option.name != option.name);
                self.removals.retain(|(of, _)| of.name != option.name);
                self.edit(option, Edit::Add(list));
            }
            Edit::Add(list) => {
                for (text, origin) in list {
                    self.scalar(option, &text, origin);
                }
            }
            Edit::Remove(list) => {
                let texts = list.iter().map(|(text, _)| Value::word(text));
                self.removals.extend(texts.map(|value| (option, value)));
            }
        }
    }

    fn scalar(&mut self, option: &'static OptionSpec, text: &str, origin: Origin) {
        match Value::parse(option, text) {
            Ok(value) => self.given.push(Given {
                option,
                value,
                origin,
            }),
            Err(Expected { what, near }) => {
                let diag = match option.secret {
                    true => Diag::usage(format!(
                        "no value for {}: expected {what}",
                        said(option, &origin)
                    ))
                    .note("what was given is not shown: it may be a secret"),
                    false => Diag::usage(format!(
                        "`{text}` is no value for {}: expected {what}",
                        said(option, &origin)
                    ))
                    .did_you_mean(text, near),
                };
                self.problems.push(place(option, &origin).on(diag));
            }
        }
    }
}

/// An option as whoever wrote the value knows it: by its key, where that is another name.
fn said(option: &OptionSpec, origin: &Origin) -> String {
    match (origin, option.key()) {
        (Origin::File(_), Some((section, key))) if !option.name.ends_with(key) => {
            format!("`{key}` of `[{section}]`")
        }
        _ => format!("`{}`", option.name),
    }
}

/// The place of a value, without its line if that may hold a secret.
fn place(option: &OptionSpec, origin: &Origin) -> Origin {
    match option.secret {
        true => origin.without_text(),
        false => origin.clone(),
    }
}

/// All problems as one error: the first, with the others as notes (OPT-051).
fn joined(problems: &[Diag]) -> Option<Diag> {
    let (first, others) = problems.split_first()?;
    let diag = others.iter().fold(first.clone(), |diag, other| {
        let message = match other.hints().first() {
            Some(hint) => format!("also: {}; {hint}", other.message()),
            None => format!("also: {}", other.message()),
        };
        match other.span() {
            Some(span) => diag.note_at(message, span.clone()),
            None => other.notes().iter().fold(diag.note(message), |diag, note| {
                diag.note(note.message.clone())
            }),
        }
    });
    Some(diag)
}
