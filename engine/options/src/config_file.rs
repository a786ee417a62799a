//! `kiln.toml` and the files that `KILN_CONFIG_FILES` adds to it.
//!
//! They hold what concerns a repository and no single command: today the names of environments.
//! A later file wins (OPT-004); a table replaces what earlier files say, its `add` adds (OPT-023).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use kiln_diag::{Diag, Span};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::rc::RcFiles;
use crate::{Options, Origin, Value};

/// The section of environments, and its other name.
const SECTIONS: [&str; 2] = ["environments-preview", "environments"];
/// The file that need not be there.
const DEFAULT: &str = "kiln.toml";
/// The variable that names more.
const VARIABLE: &str = "KILN_CONFIG_FILES";

/// A dictionary of texts, each with the place where it was said.
pub(crate) type Names = BTreeMap<Arc<str>, (Arc<str>, Origin)>;

/// Reads `kiln.toml` of the workspace and the files that the variable lists, separated by commas
/// and relative to the workspace (OPT-002, OPT-003).
///
/// Errors: a file that was named is not there (OPT-006); a mistake in one, with its place (OPT-008).
pub(crate) fn read(
    files: &dyn RcFiles,
    workspace: Option<&Path>,
    more: Option<&str>,
) -> Result<Names, Diag> {
    let mut names = Names::new();
    let Some(root) = workspace else {
        return Ok(names);
    };
    if let Some(text) = files.read(&root.join(DEFAULT))? {
        File::new(DEFAULT, &text).add_to(&mut names)?;
    }
    let more = more.unwrap_or_default().split(',').map(str::trim);
    for name in more.filter(|name| !name.is_empty()) {
        let Some(text) = files.read(&root.join(name))? else {
            return Err(Diag::usage(format!("there is no file `{name}`"))
                .note(format!(
                    "`{VARIABLE}` names it; names are relative to {}",
                    root.display()
                ))
                .hint(format!("make it, or change `{VARIABLE}`")));
        };
        File::new(name, &text).add_to(&mut names)?;
    }
    Ok(names)
}

struct File<'a> {
    name: &'a str,
    text: &'a str,
}

impl<'a> File<'a> {
    fn new(name: &'a str, text: &'a str) -> File<'a> {
        File { name, text }
    }

    fn span<T>(&self, at: &Spanned<T>) -> Span {
        Span::of_bytes(self.name, self.text, at.span().start, at.span().end)
    }

    fn add_to(&self, names: &mut Names) -> Result<(), Diag> {
        let document = DeTable::parse(self.text).map_err(|error| {
            let at = error.span().unwrap_or_default();
            Diag::usage(format!("this is no TOML: {}", error.message()))
                .at(Span::of_bytes(self.name, self.text, at.start, at.end))
                .hint("a value is a text in quotes, a number, `true`, `false`, a list or a table")
        })?;
        let sections = document.get_ref();
        self.one_of_both_names(sections)?;
        for (section, value) in sections {
            if !SECTIONS.contains(&&**section.get_ref()) {
                return Err(self.unknown("section", section, &SECTIONS));
            }
            for (key, value) in self.table(section.get_ref(), value)? {
                if key.get_ref() != "names" {
                    return Err(self.unknown("option", key, &["names"]));
                }
                self.names(self.table("names", value)?, names)?;
            }
        }
        Ok(())
    }

    /// A section that is there under both of its names has no order.
    fn one_of_both_names(&self, sections: &DeTable<'_>) -> Result<(), Diag> {
        let found = SECTIONS.map(|name| sections.get_key_value(name));
        let [Some((one, _)), Some((other, _))] = found else {
            return Ok(());
        };
        let mut both = [one, other];
        both.sort_by_key(|name| name.span().start);
        let [first, second] = both;
        Err(Diag::usage(format!(
            "`{}` is another name of `{}`, which is there already",
            second.get_ref(),
            first.get_ref()
        ))
        .at(self.span(second))
        .note_at("the first one", self.span(first))
        .hint("put the lines of both into one"))
    }

    /// `names = {…}` replaces, `names.add = {…}` adds (ENV-026).
    fn names(&self, table: &DeTable<'_>, names: &mut Names) -> Result<(), Diag> {
        let edit = |value: &Spanned<DeValue<'_>>| matches!(value.get_ref(), DeValue::Table(_));
        let edits = table.iter().filter(|(_, value)| edit(value)).count();
        if edits == 0 || edits < table.len() {
            names.clear();
        }
        for (key, value) in table {
            match value.get_ref() {
                DeValue::Table(more) if key.get_ref() == "add" => {
                    for (key, value) in more {
                        self.name(key, value, names)?;
                    }
                }
                _ => self.name(key, value, names)?,
            }
        }
        Ok(())
    }

    fn name(
        &self,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
        names: &mut Names,
    ) -> Result<(), Diag> {
        let DeValue::String(label) = value.get_ref() else {
            return Err(Diag::usage(format!("`{}` needs a text", key.get_ref()))
                .at(self.span(value))
                .hint("write the label of an environment target: `\"//environments:linux\"`"));
        };
        let reason = reserved(key.get_ref());
        if let Some(reason) = reason {
            return Err(Diag::usage(reason)
                .at(self.span(key))
                .hint("choose another name"));
        }
        let origin = Origin::File(self.span(key));
        names.insert(Arc::from(&**key.get_ref()), (Arc::from(&**label), origin));
        Ok(())
    }

    fn table<'v, 't>(
        &self,
        what: &str,
        value: &'v Spanned<DeValue<'t>>,
    ) -> Result<&'v DeTable<'t>, Diag> {
        match value.get_ref() {
            DeValue::Table(table) => Ok(table),
            _ => Err(Diag::usage(format!("`{what}` needs a table"))
                .at(self.span(value))
                .hint("write `NAME = \"//LABEL\"` below `[environments-preview.names]`")),
        }
    }

    fn unknown(
        &self,
        what: &str,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        known: &[&'static str],
    ) -> Diag {
        let shown: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        Diag::usage(format!("there is no {what} `{}`", key.get_ref()))
            .at(self.span(key))
            .note(format!("there is {}", shown.join(", also called ")))
            .did_you_mean(key.get_ref(), known.iter().copied())
            .hint("other options are flags, and stand in `.bazelrc`")
    }
}

impl Options {
    /// The names of environments: each with the label of its target, as written, and where it was
    /// said (ENV-020).
    pub fn environment_names(&self) -> &BTreeMap<Arc<str>, (Arc<str>, Origin)> {
        &self.environments
    }

    /// Takes the names that files give, and adds those of `--env`.
    pub(crate) fn name_environments(&mut self, mut names: Names) -> Result<(), Diag> {
        for given in self.given("env") {
            let text = match &given.value {
                Value::Text(text) => text,
                _ => continue,
            };
            // The check of the flag lets only pairs through.
            let Some((name, label)) = text.split_once('=') else {
                continue;
            };
            if let Some(reason) = reserved(name) {
                let diag = given.origin.on(Diag::usage(reason));
                return Err(diag.hint("choose another name"));
            }
            names.insert(Arc::from(name), (Arc::from(label), given.origin.clone()));
        }
        self.environments = names;
        Ok(())
    }
}

/// Why a name cannot be given to an environment (ENV-027).
fn reserved(name: &str) -> Option<String> {
    let special = name.len() > 4 && name.starts_with("__") && name.ends_with("__");
    special.then(|| format!("`{name}` begins and ends with `__`, as only kiln's own names do"))
}
