//! The options of one command, with values that were checked.

mod accessors;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kiln_diag::Diag;

use crate::bazel_flags::BazelFlag;
use crate::origin::{Given, Origin};
use crate::registry::find_option;
use crate::{Value, Verb};

/// The options of one command.
#[derive(Debug)]
pub struct Options {
    verb: Verb,
    /// In the order of precedence, the strongest last.
    given: Vec<Given>,
    by_name: HashMap<&'static str, Vec<usize>>,
    pub(crate) patterns: Vec<Arc<str>>,
    pub(crate) rest: Vec<Arc<str>>,
    pub(crate) starlark: Vec<StarlarkFlag>,
    pub(crate) bazel: Vec<(String, BazelFlag, Origin)>,
    pub(crate) warnings: Vec<Diag>,
    pub(crate) workspace: Option<PathBuf>,
    pub(crate) cwd: PathBuf,
    pub(crate) environments: BTreeMap<Arc<str>, (Arc<str>, Origin)>,
}

/// A flag that is a label: `--//pkg:flag=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StarlarkFlag {
    /// The label as written, without `no`.
    pub label: Arc<str>,
    /// The value; `None` if none was given, which is true. `false` for `--no//pkg:flag`.
    pub value: Option<Arc<str>>,
    /// Where it was given.
    pub origin: Origin,
}

/// A variable of an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvSetting {
    /// Its name.
    pub name: Arc<str>,
    /// Its value; `None`: that of kiln's own environment.
    pub value: Option<Arc<str>>,
}

/// `--run_under`: what is put in front of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunUnder {
    /// All of it, as given.
    pub text: String,
    /// The target to run in front, as given.
    pub label: Option<String>,
    /// The words of the command; with a label, those after it.
    pub words: Vec<String>,
}

impl Options {
    pub(crate) fn new(verb: Verb, given: Vec<Given>, cwd: &Path) -> Options {
        let mut by_name: HashMap<&'static str, Vec<usize>> = HashMap::new();
        for (at, given) in given.iter().enumerate() {
            by_name.entry(given.option.name).or_default().push(at);
        }
        Options {
            verb,
            given,
            by_name,
            patterns: Vec::new(),
            rest: Vec::new(),
            starlark: Vec::new(),
            bazel: Vec::new(),
            warnings: Vec::new(),
            workspace: None,
            cwd: cwd.to_owned(),
            environments: BTreeMap::new(),
        }
    }

    /// The command.
    pub fn verb(&self) -> Verb {
        self.verb
    }

    /// Target patterns and other arguments, in order; negative ones begin with `-`.
    pub fn patterns(&self) -> &[Arc<str>] {
        &self.patterns
    }

    /// `run`: the arguments after `--`, for the program. For other commands what follows `--` is
    /// among the patterns (Bazel).
    pub fn program_args(&self) -> &[Arc<str>] {
        &self.rest
    }

    /// Flags that are labels; a later one of the same label wins.
    pub fn starlark_flags(&self) -> &[StarlarkFlag] {
        &self.starlark
    }

    /// Bazel's flags that were given and have no counterpart, with what is known of them.
    pub fn bazel_flags(&self) -> impl Iterator<Item = (&str, BazelFlag, &Origin)> {
        self.bazel
            .iter()
            .map(|(name, flag, origin)| (name.as_str(), *flag, origin))
    }

    /// What is worth a warning: lines of rc files that no command can mean.
    pub fn warnings(&self) -> &[Diag] {
        &self.warnings
    }

    /// Every value that was given, the strongest last.
    pub fn all_given(&self) -> &[Given] {
        &self.given
    }

    /// The values that were given to an option, the strongest last.
    pub fn given(&self, name: &str) -> impl DoubleEndedIterator<Item = &Given> {
        let places = self.by_name.get(name).map_or(&[][..], Vec::as_slice);
        places.iter().map(|at| &self.given[*at])
    }

    fn flag(&self, name: &str) -> bool {
        match self.given(name).next_back().map(|given| &given.value) {
            Some(Value::Flag(value)) => *value,
            _ => find_option(name).is_some_and(|option| option.default == "true"),
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        let given = self.given(name).next_back().and_then(as_text);
        given.or_else(|| {
            let default = find_option(name).map(|option| option.default);
            default.filter(|default| !default.is_empty())
        })
    }

    fn list(&self, name: &str) -> Vec<Arc<str>> {
        let texts = self.given(name).filter_map(as_text);
        texts.map(Arc::from).collect()
    }

    fn commas(&self, name: &str) -> Vec<Arc<str>> {
        let text = self.text(name).unwrap_or_default();
        let parts = text.split(',').map(str::trim);
        parts
            .filter(|part| !part.is_empty())
            .map(Arc::from)
            .collect()
    }

    fn pairs(&self, name: &str) -> Vec<(Arc<str>, Arc<str>)> {
        let texts = self.given(name).filter_map(as_text);
        let pairs = texts.filter_map(|text| text.split_once('='));
        last_wins(pairs.map(|(key, value)| (Arc::from(key), Arc::from(value))))
    }

    fn env(&self, name: &str) -> Vec<EnvSetting> {
        let texts = self.given(name).filter_map(as_text);
        let settings = texts.map(|text| match text.split_once('=') {
            Some((name, value)) => (Arc::from(name), Some(Arc::from(value))),
            None => (Arc::from(text), None),
        });
        let settings = last_wins(settings).into_iter();
        settings
            .map(|(name, value)| EnvSetting { name, value })
            .collect()
    }

    /// Names and folders; a relative folder is relative to the user's, `%workspace%` is the root
    /// (Bazel).
    fn overrides(&self, name: &str) -> Vec<(Arc<str>, PathBuf)> {
        let pairs = self.pairs(name).into_iter();
        pairs.map(|(name, path)| (name, self.path(&path))).collect()
    }

    /// A path that was given: relative to the user's folder; `%workspace%` is the root (Bazel).
    pub fn path(&self, path: &str) -> PathBuf {
        match (path.strip_prefix("%workspace%"), &self.workspace) {
            (Some(below), Some(root)) => root.join(below.trim_start_matches('/')),
            _ => self.cwd.join(path),
        }
    }
}

fn as_text(given: &Given) -> Option<&str> {
    match &given.value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// Keeps the last value of each key, at the place of the key's first.
fn last_wins<V>(pairs: impl Iterator<Item = (Arc<str>, V)>) -> Vec<(Arc<str>, V)> {
    let mut places: HashMap<Arc<str>, usize> = HashMap::new();
    let mut kept: Vec<(Arc<str>, V)> = Vec::new();
    for (key, value) in pairs {
        match places.get(&key) {
            Some(at) => kept[*at].1 = value,
            None => {
                places.insert(key.clone(), kept.len());
                kept.push((key, value));
            }
        }
    }
    kept
}
