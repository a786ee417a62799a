//! One configuration file.

use std::borrow::Cow;

use kiln_diag::{Diag, Span};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::interpolate::interpolate;
use super::literal::Edit;
use super::section::{DEFAULTS, SECTIONS, canonical, keys_of, option_of};
use super::{Config, Reading, Said, place, said};
use crate::origin::Origin;
use crate::registry::{OPTIONS, find_option};
use crate::{Kind, OptionSpec};

type Key<'t> = Spanned<Cow<'t, str>>;
type Item<'t> = Spanned<DeValue<'t>>;

/// The option that names environments.
const ENVIRONMENTS: &str = "env";

/// A file, as its name is shown.
pub(super) struct File<'a> {
    name: &'a str,
    text: &'a str,
    reading: &'a Reading<'a>,
}

/// An option's value, and what it stands among.
struct Entry<'s, 't> {
    option: &'static OptionSpec,
    /// The section, for names in its texts.
    section: &'s DeTable<'t>,
    defaults: Option<&'s DeTable<'t>>,
}

impl<'a> File<'a> {
    pub(super) fn new(name: &'a str, text: &'a str, reading: &'a Reading<'a>) -> File<'a> {
        File {
            name,
            text,
            reading,
        }
    }

    /// Adds what the file says to what weaker ones said. Mistakes are kept; only a file that is no
    /// TOML is an error at once (OPT-008).
    pub(super) fn add_to(&self, config: &mut Config) -> Result<(), Diag> {
        let document = DeTable::parse(self.text).map_err(|error| self.no_toml(&error))?;
        let sections = document.get_ref();
        self.one_of_both_names(sections, config);
        let defaults = sections.get(DEFAULTS).and_then(|item| table_of(item));
        if let Some(table) = defaults {
            self.defaults(table, config);
        }
        for (section, item) in in_order(sections) {
            let name = section.get_ref();
            if !SECTIONS.contains(&&**name) {
                config.unknown(self.no_section(section));
                continue;
            }
            let Some(table) = table_of(item) else {
                let diag = Diag::usage(format!("`{name}` needs a table"))
                    .at(self.silent(item.span().start))
                    .hint(format!("write the options below a line `[{name}]`"));
                config.problems.push(diag);
                continue;
            };
            if name == DEFAULTS {
                continue;
            }
            for (key, value) in in_order(table) {
                match option_of(name, key.get_ref()) {
                    Some(option) => {
                        let entry = Entry {
                            option,
                            section: table,
                            defaults,
                        };
                        self.value(&entry, key, value, config);
                    }
                    None => config.unknown(self.no_key(name, key)),
                }
            }
        }
        Ok(())
    }

    /// Values of `[DEFAULT]` are values of the options of that name in every section, and weaker
    /// than the sections' own (OPT-031). Other keys there are for `%(name)s` alone.
    fn defaults(&self, table: &DeTable<'_>, config: &mut Config) {
        for (key, value) in in_order(table) {
            let named = |option: &&'static OptionSpec| {
                option.key().is_some_and(|(_, name)| name == key.get_ref())
            };
            for option in OPTIONS.iter().filter(named) {
                let entry = Entry {
                    option,
                    section: table,
                    defaults: None,
                };
                self.value(&entry, key, value, config);
            }
        }
    }

    fn value(&self, entry: &Entry<'_, '_>, key: &Key<'_>, value: &Item<'_>, config: &mut Config) {
        let option = entry.option;
        let origin = self.origin(key.span());
        match (value.get_ref(), option.kind) {
            (DeValue::Array(_), Kind::List) => {
                let list = self.list(entry, value, config);
                config.edit(option, Edit::Replace(list));
            }
            (DeValue::Table(table), Kind::List) => self.table(entry, table, value, config),
            // A text may be an edit; nothing else can be pairs.
            (other, Kind::List) if option.pairs && !matches!(other, DeValue::String(_)) => {
                config.problems.push(self.wrong(entry, value, "a table"));
            }
            (DeValue::Array(_), Kind::Commas) => {
                let list = self.list(entry, value, config);
                let texts: Vec<String> = list.into_iter().map(|(text, _)| text).collect();
                config.scalar(option, &texts.join(","), origin);
            }
            _ => {
                if let Some(text) = self.scalar(entry, value, config) {
                    config.text(option, &text, self.origin(value.span()), self.reading);
                }
            }
        }
    }

    /// `option.add = …` and `option.remove = …` are edits; any other table replaces a dictionary
    /// (OPT-020, OPT-023).
    fn table(
        &self,
        entry: &Entry<'_, '_>,
        table: &DeTable<'_>,
        whole: &Item<'_>,
        config: &mut Config,
    ) {
        let is_edit = |(key, value): &(&Key<'_>, &Item<'_>)| {
            matches!(&**key.get_ref(), "add" | "remove")
                && matches!(value.get_ref(), DeValue::Table(_) | DeValue::Array(_))
        };
        let (edits, pairs): (Vec<_>, Vec<_>) = in_order(table).into_iter().partition(is_edit);
        if !entry.option.pairs && (!pairs.is_empty() || edits.is_empty()) {
            config.problems.push(self.wrong(entry, whole, "a list"));
            return;
        }
        if edits.is_empty() || !pairs.is_empty() {
            let said = self.pairs(entry, &pairs, config);
            config.edit(entry.option, Edit::Replace(said));
        }
        for (key, value) in edits {
            let said = match value.get_ref() {
                DeValue::Table(table) if entry.option.pairs => {
                    self.pairs(entry, &in_order(table), config)
                }
                _ => self.list(entry, value, config),
            };
            config.edit(
                entry.option,
                match &**key.get_ref() {
                    "add" => Edit::Add(said),
                    _ => Edit::Remove(said),
                },
            );
        }
    }

    fn pairs(
        &self,
        entry: &Entry<'_, '_>,
        pairs: &[(&Key<'_>, &Item<'_>)],
        config: &mut Config,
    ) -> Vec<Said> {
        let mut said = Vec::new();
        for (key, value) in pairs {
            let name = key.get_ref();
            if name.is_empty() || name.contains('=') {
                let diag = Diag::usage("a name here is neither empty nor holds `=`");
                let origin = place(entry.option, &self.origin(key.span()));
                config.problems.push(origin.on(diag));
            } else if entry.option.name == ENVIRONMENTS
                && !matches!(value.get_ref(), DeValue::String(_))
            {
                // A number would be a label as well, of a target that nobody meant.
                config.problems.push(self.wrong(entry, value, "a text"));
            } else if let Some(text) = self.scalar(entry, value, config) {
                said.push((format!("{name}={text}"), self.origin(key.span())));
            }
        }
        said
    }

    fn list(&self, entry: &Entry<'_, '_>, value: &Item<'_>, config: &mut Config) -> Vec<Said> {
        let DeValue::Array(array) = value.get_ref() else {
            config.problems.push(self.wrong(entry, value, "a list"));
            return Vec::new();
        };
        let mut said = Vec::new();
        for item in array.iter() {
            if let Some(text) = self.scalar(entry, item, config) {
                said.push((text, self.origin(item.span())));
            }
        }
        said
    }

    /// A text, number or truth as the text that a flag would have.
    fn scalar(
        &self,
        entry: &Entry<'_, '_>,
        value: &Item<'_>,
        config: &mut Config,
    ) -> Option<String> {
        match value.get_ref() {
            DeValue::Boolean(truth) => Some(truth.to_string()),
            DeValue::Float(number) => Some(number.as_str().to_owned()),
            DeValue::Integer(number) => {
                let value = i64::from_str_radix(number.as_str(), number.radix());
                Some(value.map_or_else(|_| number.as_str().to_owned(), |n| n.to_string()))
            }
            DeValue::String(text) => {
                let known = |name: &str| self.known(entry, name);
                match interpolate(text, &known) {
                    Ok(text) => Some(text),
                    Err(message) => {
                        let origin = place(entry.option, &self.origin(value.span()));
                        let hint = "names are keys of this section and of `[DEFAULT]`, `env.VARIABLE`, `buildroot` and `homedir`";
                        config
                            .problems
                            .push(origin.on(Diag::usage(message)).hint(hint));
                        None
                    }
                }
            }
            _ => {
                let what = match entry.option.kind {
                    Kind::Flag => "`true` or `false`",
                    Kind::Int => "a whole number",
                    _ => "a text",
                };
                config.problems.push(self.wrong(entry, value, what));
                None
            }
        }
    }

    /// What a name in `%(name)s` stands for (OPT-030).
    fn known(&self, entry: &Entry<'_, '_>, name: &str) -> Option<String> {
        if let Some(variable) = name.strip_prefix("env.") {
            return self.reading.request.variables.get(variable).cloned();
        }
        let of = |table: &DeTable<'_>| match table.get(name)?.get_ref() {
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Integer(number) => Some(number.as_str().to_owned()),
            _ => None,
        };
        let folder = |path: Option<&std::path::Path>| Some(path?.to_str()?.to_owned());
        of(entry.section)
            .or_else(|| entry.defaults.and_then(of))
            .or_else(|| match name {
                "buildroot" => folder(self.reading.request.workspace),
                "homedir" => folder(self.reading.request.home),
                _ => None,
            })
    }

    fn wrong(&self, entry: &Entry<'_, '_>, value: &Item<'_>, expected: &str) -> Diag {
        let origin = place(entry.option, &self.origin(value.span()));
        let name = said(entry.option, &origin);
        let diag = origin.on(Diag::usage(format!("{name} needs {expected}")));
        match (entry.option.name, entry.option.key()) {
            (ENVIRONMENTS, _) => diag.hint(
                "write the label of an environment target: `NAME = \"//environments:linux\"`",
            ),
            (_, Some((section, key))) if entry.option.pairs && expected == "a table" => diag.hint(
                format!("write `NAME = \"VALUE\"` below `[{section}.{key}]`"),
            ),
            _ => diag,
        }
    }

    /// A section that is there under both of its names has no order.
    fn one_of_both_names(&self, sections: &DeTable<'_>, config: &mut Config) {
        let found =
            ["environments-preview", "environments"].map(|name| sections.get_key_value(name));
        let [Some((one, _)), Some((other, _))] = found else {
            return;
        };
        let mut both = [one, other];
        both.sort_by_key(|name| name.span().start);
        let [first, second] = both;
        let diag = Diag::usage(format!(
            "`{}` is another name of `{}`, which is there already",
            second.get_ref(),
            first.get_ref()
        ));
        config.problems.push(
            diag.at(self.span(second.span()))
                .note_at("the first one", self.span(first.span()))
                .hint("put the lines of both into one"),
        );
    }

    fn no_section(&self, section: &Key<'_>) -> Diag {
        Diag::usage(format!("there is no section `{}`", section.get_ref()))
            .at(self.silent(section.span().start))
            .did_you_mean(section.get_ref(), SECTIONS)
            .hint(format!("sections are {}", section_names()))
    }

    fn no_key(&self, section: &str, key: &Key<'_>) -> Diag {
        let name = key.get_ref();
        let diag = Diag::usage(format!("there is no option `{name}` in `[{section}]`"))
            .at(self.silent(key.span().start));
        let Some(option) = find_option(name) else {
            return diag.did_you_mean(name, keys_of(section));
        };
        match option.key() {
            Some((of, key)) if of != canonical(section) || key != name => {
                diag.hint(format!("write `{key}` in `[{of}]`"))
            }
            _ => diag.hint(format!("`--{}` is a flag only", option.name)),
        }
    }

    fn no_toml(&self, error: &toml::de::Error) -> Diag {
        let at = error.span().unwrap_or_default();
        let may_be_secret = OPTIONS.iter().filter(|option| option.secret);
        let mut keys = may_be_secret.filter_map(OptionSpec::key);
        let span = match keys.any(|(_, key)| self.text.contains(key)) {
            true => self.silent(at.start),
            false => self.span(at),
        };
        Diag::usage(format!("this is no TOML: {}", error.message()))
            .at(span)
            .hint("a value is a text in quotes, a number, `true`, `false`, a list or a table")
    }

    fn origin(&self, at: std::ops::Range<usize>) -> Origin {
        Origin::File(self.span(at))
    }

    fn span(&self, at: std::ops::Range<usize>) -> Span {
        Span::of_bytes(self.name, self.text, at.start, at.end)
    }

    /// A place without its line: what stands behind a misspelled key may be a secret.
    fn silent(&self, at: usize) -> Span {
        Span {
            text: None,
            ..self.span(at..at)
        }
    }
}

/// All sections, for messages.
fn section_names() -> String {
    let names = SECTIONS.iter().filter(|name| **name != "environments");
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

fn table_of<'v, 't>(item: &'v Item<'t>) -> Option<&'v DeTable<'t>> {
    match item.get_ref() {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}

/// A table's entries as they stand in the file.
fn in_order<'v, 't>(table: &'v DeTable<'t>) -> Vec<(&'v Key<'t>, &'v Item<'t>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}
