//! From the words of a command line to [`Options`].

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use kiln_diag::Diag;

use crate::args::{Item, Place, Unknown, Word, is_pattern, parse};
use crate::bazel_flags::bazel_flag;
use crate::config::{self, Config};
use crate::expand::expand;
use crate::options::{Options, StarlarkFlag};
use crate::origin::{Given, Origin};
use crate::rc::{RcFiles, Reader, Sections};
use crate::registry::{find_option, find_short};
use crate::{Value, Verb};

/// What options are made of.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The command line without the program's name.
    pub args: &'a [String],
    /// The root of the workspace, if the user is in one.
    pub workspace: Option<&'a Path>,
    /// The user's folder, absolute.
    pub cwd: &'a Path,
    /// The user's home, if it is known.
    pub home: Option<&'a Path>,
    /// Environment variables.
    pub variables: &'a BTreeMap<String, String>,
    /// The operating system, as Bazel calls it in configs: `linux`, `macos`.
    pub os: &'a str,
}

impl Options {
    /// Reads a command line and the rc files that it heeds.
    ///
    /// Errors: no such command, or any wrong flag, with the place and a cure.
    pub fn load(request: &Request<'_>, files: &dyn RcFiles) -> Result<Options, Diag> {
        let (verb, words) = split_verb(request.args)?;
        let mut items = parse(&words, Place::CommandLine(verb))?;
        let mut sections = Sections::default();
        let mut config = Config::default();
        // Help must work whatever is wrong in an rc file (OPT-065).
        if !matches!(verb, Verb::Completion | Verb::Help | Verb::Version) {
            let rc = wants(&items, "kilnrc", true) && !wants(&items, "ignore_all_rc_files", false);
            let wanted = config::Wanted {
                rc,
                lenient: !wants(&items, "verify_config", true),
                named: texts(&items, "kiln_config_files"),
            };
            config = config::read(request, files, &wanted)?;
            sections = read_files(request, &items, files)?;
            let of_verb = config.take_given().into_iter();
            let of_verb = of_verb.filter(|given| given.option.is_taken_by(verb));
            let mut all: Vec<Item> = of_verb.map(Item::Given).collect();
            for command in verb.rc_commands() {
                // `env` says where builds would go, and heeds what it knows of their lines.
                let of_builds = verb == Verb::Env && *command == "build";
                let common = *command == "common" || of_builds;
                all.extend(parse(sections.of(command), Place::Rc { verb, common })?);
            }
            all.append(&mut items);
            items = expand(all, verb, &sections, request.os)?;
        }
        items.retain(|item| !matches!(item, Item::Given(given) if config.removed(given)));
        sections.warnings.extend(config.take_warnings());
        let mut options = collect(verb, items, sections, request)?;
        options.name_environments()?;
        Ok(options)
    }
}

/// The command and all other words. The command is the first word that is neither a flag nor a
/// flag's value; without one it is `help`. `--help` makes it `help` for that command.
fn split_verb(args: &[String]) -> Result<(Verb, Vec<Word>), Diag> {
    let mut words: Vec<Word> = args
        .iter()
        .map(|text| Word {
            text: Arc::from(text.as_str()),
            origin: Origin::CommandLine,
        })
        .collect();
    let flags_end = words.iter().position(|word| &*word.text == "--");
    let before_end = &words[..flags_end.unwrap_or(words.len())];
    let asks = |names: &[&str]| before_end.iter().any(|word| names.contains(&&*word.text));
    if asks(&["--version", "-V"]) {
        return Ok((Verb::Version, Vec::new()));
    }
    let help = asks(&["--help", "-h"]);
    let Some(at) = verb_position(before_end) else {
        return Ok((Verb::Help, Vec::new()));
    };
    if help {
        // Only the command itself: its other flags may be what help is wanted for.
        let topic = words.swap_remove(at);
        let is_help = &*topic.text == "help";
        return Ok((Verb::Help, if is_help { Vec::new() } else { vec![topic] }));
    }
    let verb = Verb::parse(&words.remove(at).text)?;
    Ok((verb, words))
}

fn verb_position(words: &[Word]) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let text = &*word.text;
        if !text.starts_with('-') || is_pattern(text) && !text.contains('=') {
            return Some(at);
        }
        let takes_next = match text.strip_prefix("--") {
            Some(name) => !name.contains('=') && long_needs_value(name),
            None => short_needs_value(&text[1..]),
        };
        at += 1 + usize::from(takes_next);
    }
    None
}

fn long_needs_value(name: &str) -> bool {
    let name = name.replace('-', "_");
    match find_option(&name) {
        Some(option) => option.kind.needs_value(),
        None => bazel_flag(&name).is_some_and(|flag| flag.needs_value()),
    }
}

fn short_needs_value(letters: &str) -> bool {
    let mut letters = letters.chars();
    let last = (
        letters.next_back(),
        letters.as_str().chars().all(|l| !takes_value(l)),
    );
    matches!(last, (Some(letter), true) if takes_value(letter))
}

fn takes_value(letter: char) -> bool {
    find_short(letter).is_some_and(|option| option.kind.needs_value())
}

/// What a flag of the command line says about the files that are read.
fn wants(items: &[Item], name: &str, default: bool) -> bool {
    let given = items.iter().rev().find_map(|item| match item {
        Item::Given(Given {
            option,
            value: Value::Flag(value),
            ..
        }) if option.name == name => Some(*value),
        _ => None,
    });
    given.unwrap_or(default)
}

/// The texts that the command line gives an option.
fn texts<'i>(items: &'i [Item], name: &str) -> Vec<&'i str> {
    let texts = items.iter().filter_map(|item| match item {
        Item::Given(Given {
            option,
            value: Value::Text(text),
            ..
        }) if option.name == name => Some(&**text),
        _ => None,
    });
    texts.collect()
}

/// Reads the rc files in Bazel's order: the system's, the workspace's, the user's, named ones.
fn read_files(
    request: &Request<'_>,
    items: &[Item],
    files: &dyn RcFiles,
) -> Result<Sections, Diag> {
    let wants = |name: &str, default: bool| wants(items, name, default);
    let mut reader = Reader {
        files,
        workspace: request.workspace,
        cwd: request.cwd,
        sections: Sections::default(),
        open: Vec::new(),
    };
    if wants("ignore_all_rc_files", false) {
        return Ok(reader.sections);
    }
    if wants("system_rc", true) {
        reader.read(Path::new("/etc/bazel.bazelrc"))?;
    }
    if let Some(root) = request.workspace.filter(|_| wants("workspace_rc", true)) {
        reader.read(&root.join(".bazelrc"))?;
    }
    let same = request.home.is_some() && request.home == request.workspace;
    if let Some(home) = request.home.filter(|_| wants("home_rc", true) && !same) {
        reader.read(&home.join(".bazelrc"))?;
    }
    for item in items {
        if let Item::Given(Given {
            option,
            value: Value::Text(path),
            ..
        }) = item
            && option.name == "bazelrc"
            && !reader.read(&request.cwd.join(&**path))?
        {
            return Err(Diag::usage(format!("there is no file `{path}`"))
                .note("it was named by `--bazelrc`"));
        }
    }
    Ok(reader.sections)
}

fn collect(
    verb: Verb,
    items: Vec<Item>,
    sections: Sections,
    request: &Request<'_>,
) -> Result<Options, Diag> {
    let aliases = Aliases::of(&items);
    let (mut given, mut starlark, mut bazel) = (Vec::new(), Vec::new(), Vec::new());
    let (mut patterns, mut rest) = (Vec::new(), Vec::new());
    for item in items {
        match item {
            Item::Given(value) => given.push(value),
            Item::Starlark(flag) => starlark.push(flag),
            Item::Bazel(name, flag, origin) => bazel.push((name, flag, origin)),
            Item::Unknown(flag) => starlark.push(aliases.resolve(flag)?),
            Item::Pattern(pattern) => patterns.push(pattern),
            Item::Rest(words) if verb == Verb::Run => rest.extend(words),
            Item::Rest(words) => patterns.extend(words),
        }
    }
    let mut options = Options::new(verb, given, request.cwd);
    options.patterns = patterns;
    options.rest = rest;
    options.starlark = starlark;
    options.bazel = bazel;
    options.warnings = sections.warnings;
    options.workspace = request.workspace.map(Path::to_owned);
    Ok(options)
}

/// `--flag_alias=name=//some:flag`: then `--name=value` means `--//some:flag=value` (Bazel).
struct Aliases(HashMap<String, Arc<str>>);

impl Aliases {
    fn of(items: &[Item]) -> Aliases {
        let pairs = items.iter().filter_map(|item| match item {
            Item::Given(Given {
                option,
                value: Value::Text(text),
                ..
            }) if option.name == "flag_alias" => {
                let (name, label) = text.split_once('=')?;
                Some((name.replace('-', "_"), Arc::from(label)))
            }
            _ => None,
        });
        Aliases(pairs.collect())
    }

    fn resolve(&self, flag: Unknown) -> Result<StarlarkFlag, Diag> {
        let negated = flag
            .name
            .strip_prefix("no")
            .filter(|_| flag.value.is_none());
        let negated = negated.map(|name| name.strip_prefix('_').unwrap_or(name));
        let (label, value) = match (self.0.get(&flag.name), negated) {
            (Some(label), _) => (label, flag.value),
            (None, Some(name)) => match self.0.get(name) {
                Some(label) => (label, Some(Arc::from("false"))),
                None => return Err(flag.error),
            },
            (None, None) => return Err(flag.error),
        };
        Ok(StarlarkFlag {
            label: label.clone(),
            value,
            origin: flag.origin,
        })
    }
}
