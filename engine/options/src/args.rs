//! Words into flags, labels' flags and patterns.

use std::sync::Arc;

use kiln_diag::{Diag, nearest};

use crate::bazel_flags::{BazelFlag, bazel_flag, bazel_names};
use crate::options::StarlarkFlag;
use crate::origin::{Given, Origin};
use crate::registry::{OPTIONS, find_option, find_short};
use crate::value::Expected;
use crate::{Kind, OptionSpec, Value, Verb};

/// A word of a command line or an rc file.
#[derive(Clone, Debug)]
pub(crate) struct Word {
    pub(crate) text: Arc<str>,
    pub(crate) origin: Origin,
}

/// What words say.
#[derive(Debug)]
pub(crate) enum Item {
    /// A value of an option.
    Given(Given),
    /// `--//pkg:flag=value`
    Starlark(StarlarkFlag),
    /// A flag of Bazel that has no counterpart.
    Bazel(String, BazelFlag, Origin),
    /// A flag of no kind known yet: `--flag_alias` may say what it is.
    Unknown(Unknown),
    /// A target pattern, or another argument of the command.
    Pattern(Arc<str>),
    /// All that follows `--`.
    Rest(Vec<Arc<str>>),
}

/// A flag of no kind known yet.
#[derive(Debug)]
pub(crate) struct Unknown {
    pub(crate) name: String,
    pub(crate) value: Option<Arc<str>>,
    pub(crate) origin: Origin,
    /// What is to be said if it stays unknown.
    pub(crate) error: Diag,
}

/// Whose words they are, which decides what flags may stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The command line of a command.
    CommandLine(Verb),
    /// A line of an rc file for a command; `common` lines may name flags of other commands.
    Rc {
        /// The command that runs.
        verb: Verb,
        /// It is a `common` line.
        common: bool,
    },
}

/// Reads words.
///
/// Errors: a flag that is not for this command, a value that is wrong or missing.
pub(crate) fn parse(words: &[Word], place: Place) -> Result<Vec<Item>, Diag> {
    let mut parser = Parser {
        words,
        at: 0,
        place,
        items: Vec::new(),
    };
    while let Some(word) = parser.next() {
        match &*word.text {
            "--" => parser.rest(),
            text if text.starts_with("--") => parser.long(word, &text[2..])?,
            text if text.starts_with('-') && text.len() > 1 && !is_pattern(text) => {
                parser.short(word, &text[1..])?;
            }
            _ => parser.pattern(word)?,
        }
    }
    Ok(parser.items)
}

/// Whether a word that begins with one dash excludes targets: `-//a/...`, `-a::`, `-@r//b`.
pub(crate) fn is_pattern(text: &str) -> bool {
    text.contains(['/', ':', '@']) && !text.starts_with("--")
}

struct Parser<'a> {
    words: &'a [Word],
    at: usize,
    place: Place,
    items: Vec<Item>,
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Option<&'a Word> {
        let word = self.words.get(self.at)?;
        self.at += 1;
        Some(word)
    }

    fn rest(&mut self) {
        let rest = &self.words[self.at..];
        self.at = self.words.len();
        let texts = rest.iter().map(|word| word.text.clone()).collect();
        self.items.push(Item::Rest(texts));
    }

    fn pattern(&mut self, word: &Word) -> Result<(), Diag> {
        if let Place::Rc { .. } = self.place {
            // Most likely the value of a flag that is not known.
            if let Some(Item::Unknown(Unknown {
                value: None, error, ..
            })) = self.items.last()
            {
                return Err(error.clone());
            }
            let diag = Diag::usage(format!("`{}` is no flag", word.text));
            return Err(word
                .origin
                .on(diag)
                .hint("lines of rc files hold flags only"));
        }
        self.items.push(Item::Pattern(word.text.clone()));
        Ok(())
    }

    fn long(&mut self, word: &Word, text: &str) -> Result<(), Diag> {
        if let Some(flag) = starlark(text, &word.origin) {
            self.items.push(Item::Starlark(flag));
            return Ok(());
        }
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let name = name.replace('-', "_");
        if let Some(spec) = find_option(&name) {
            return self.option(word, spec, value);
        }
        if let Some(positive) = name.strip_prefix("no") {
            let positive = positive.strip_prefix('_').unwrap_or(positive);
            if let Some(spec) = find_option(positive)
                && let Some(negated) = spec.kind.negated()
            {
                return match value {
                    Some(_) => Err(self.no_value(word)),
                    None => self.given(word, spec, negated),
                };
            }
        }
        match bazel_flag(&name) {
            Some(flag) => {
                if value.is_none() && flag.needs_value() && self.next().is_none() {
                    return Err(missing_value(word, &name));
                }
                let item = Item::Bazel(name, flag, word.origin.clone());
                self.items.push(item);
                Ok(())
            }
            None => {
                let error = self.unknown(word, &name);
                self.items.push(Item::Unknown(Unknown {
                    name,
                    value: value.map(Arc::from),
                    origin: word.origin.clone(),
                    error,
                }));
                Ok(())
            }
        }
    }

    fn option(
        &mut self,
        word: &Word,
        spec: &'static OptionSpec,
        value: Option<&str>,
    ) -> Result<(), Diag> {
        let value = match (value, spec.kind.implicit()) {
            (Some(_), _) if matches!(spec.kind, Kind::Expansion(_)) => {
                return Err(self.no_value(word));
            }
            (Some(text), _) => parse_value(word, spec, text)?,
            (None, Some(value)) => value,
            (None, None) if !spec.kind.needs_value() => Value::Flag(true),
            (None, None) => match self.next() {
                Some(next) => parse_value(next, spec, &next.text)?,
                None => return Err(missing_value(word, spec.name)),
            },
        };
        self.given(word, spec, value)
    }

    /// `-k`, `-c opt`, `-copt`, `-j4`, `-t-` (Bazel: no), `-ks`.
    fn short(&mut self, word: &Word, letters: &str) -> Result<(), Diag> {
        let mut rest = letters;
        while let Some(letter) = rest.chars().next() {
            let Some(spec) = find_short(letter) else {
                return Err(self.unknown(word, letters));
            };
            rest = &rest[letter.len_utf8()..];
            if spec.kind.needs_value() {
                let text = rest.strip_prefix('=').unwrap_or(rest);
                return self.option(word, spec, (!text.is_empty()).then_some(text));
            }
            let negated = rest.strip_prefix('-').filter(|_| spec.kind.can_negate());
            match (negated, spec.kind.negated()) {
                (Some(after), Some(value)) => {
                    rest = after;
                    self.given(word, spec, value)?;
                }
                _ => self.option(word, spec, None)?,
            }
        }
        Ok(())
    }

    fn given(
        &mut self,
        word: &Word,
        option: &'static OptionSpec,
        value: Value,
    ) -> Result<(), Diag> {
        let (verb, elsewhere) = match self.place {
            Place::CommandLine(verb) => (verb, false),
            Place::Rc { verb, common } => (verb, common),
        };
        if !option.is_taken_by(verb) {
            return match elsewhere {
                true => Ok(()),
                false => Err(not_here(word, option, verb)),
            };
        }
        if let Kind::Expansion(flags) = option.kind {
            let expand = |text: &&str| Word {
                text: Arc::from(*text),
                origin: word.origin.clone(),
            };
            let words: Vec<Word> = flags.iter().map(expand).collect();
            self.items.extend(parse(&words, self.place)?);
            return Ok(());
        }
        self.items.push(Item::Given(Given {
            option,
            value,
            origin: word.origin.clone(),
        }));
        Ok(())
    }

    fn no_value(&self, word: &Word) -> Diag {
        let diag = Diag::usage(format!("`{}` takes no value", word.text));
        let flag = word.text.split('=').next().unwrap_or_default();
        word.origin.on(diag).hint(format!("write `{flag}`"))
    }

    fn unknown(&self, word: &Word, name: &str) -> Diag {
        let dashes = if word.text.starts_with("--") {
            "--"
        } else {
            "-"
        };
        let diag = Diag::usage(format!("there is no flag `{dashes}{name}`"));
        let names = OPTIONS
            .iter()
            .flat_map(|option| std::iter::once(option.name).chain(option.aliases.iter().copied()));
        let near = match dashes {
            "--" => nearest(name, names.chain(bazel_names())),
            _ => Vec::new(),
        };
        let near: Vec<String> = near.iter().map(|name| format!("`--{name}`")).collect();
        let diag = match near.is_empty() {
            true => diag,
            false => diag.hint(format!("did you mean {}?", near.join(" or "))),
        };
        let verb = match self.place {
            Place::CommandLine(verb) | Place::Rc { verb, .. } => verb,
        };
        word.origin.on(diag).hint(match self.place {
            Place::CommandLine(_) => format!("`kiln help {}` lists the flags", verb.name()),
            Place::Rc { .. } => {
                "take it out, or leave rc files out with `--ignore_all_rc_files`".to_owned()
            }
        })
    }
}

fn parse_value(word: &Word, spec: &'static OptionSpec, text: &str) -> Result<Value, Diag> {
    Value::parse(spec, text).map_err(|Expected { what, near }| {
        if spec.secret {
            let name = spec.name;
            let diag = Diag::usage(format!("no value for `--{name}`: expected {what}"));
            let note = "what was given is not shown: it may be a secret";
            return word.origin.without_text().on(diag).note(note);
        }
        let diag = Diag::usage(format!(
            "`{text}` is no value for `--{}`: expected {what}",
            spec.name
        ));
        word.origin.on(diag).did_you_mean(text, near)
    })
}

fn missing_value(word: &Word, name: &str) -> Diag {
    let diag = Diag::usage(format!("`{}` needs a value", word.text));
    word.origin.on(diag).hint(format!("write `--{name}=VALUE`"))
}

fn not_here(word: &Word, option: &OptionSpec, verb: Verb) -> Diag {
    let others: Vec<String> = Verb::all()
        .filter(|verb| option.verbs.contains(*verb))
        .map(|verb| format!("`{}`", verb.name()))
        .collect();
    let diag = Diag::usage(format!("`{}` has no flag `--{}`", verb.name(), option.name));
    word.origin
        .on(diag)
        .note(format!("it is a flag of {}", others.join(", ")))
}

/// `//pkg:flag=value`, `@repo//pkg:flag`, and with `no` in front (Bazel: Starlark flags).
fn starlark(text: &str, origin: &Origin) -> Option<StarlarkFlag> {
    let is_label = |text: &str| text.starts_with("//") || text.starts_with('@');
    let (label, value) = match text.split_once('=') {
        Some((label, value)) => (label, Some(value)),
        None => (text, None),
    };
    let (label, value) = match label.strip_prefix("no") {
        Some(label) if is_label(label) && value.is_none() => (label, Some("false")),
        _ if is_label(label) => (label, value),
        _ => return None,
    };
    Some(StarlarkFlag {
        label: Arc::from(label),
        value: value.map(Arc::from),
        origin: origin.clone(),
    })
}
