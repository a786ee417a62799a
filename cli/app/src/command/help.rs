//! `help` and `version`.

use std::io::Write;

use clap::builder::PossibleValuesParser;
use kiln_diag::Diag;
use kiln_options::{Kind, OPTIONS, OptionSpec, Verb, find_option};
use kiln_targets::RuleClass;
use serde_json::json;

use crate::command::context::Context;
use crate::command::help_rule;
use crate::show::{out, written};

/// Prints the version alone.
pub(crate) fn version() -> Result<u8, Diag> {
    written(writeln!(
        std::io::stdout(),
        "kiln {}",
        env!("CARGO_PKG_VERSION")
    ))
}

/// Explains commands and flags.
pub(crate) fn help(context: &Context) -> Result<u8, Diag> {
    let topics = context.options.patterns();
    if context.options.format() == "json" {
        return json(context, topics.first().map(|topic| &**topic));
    }
    let text = match topics.first() {
        None => overview(),
        Some(topic) => match (
            Verb::parse(topic),
            find_option(topic.trim_start_matches('-')),
        ) {
            (Ok(verb), _) => verb_help(verb),
            (Err(_), Some(option)) => option_help(option),
            (Err(error), None) => {
                let rules = help_rule::rules(context);
                match rules.iter().find(|rule| *rule.name == **topic) {
                    Some(rule) => help_rule::text(rule),
                    None => {
                        let cure = error.hints().last().cloned().unwrap_or_default();
                        return Err(no_help(topic, &rules).hint(cure));
                    }
                }
            }
        },
    };
    written(std::io::stdout().write_all(text.as_bytes()))
}

/// The whole registry, or of it one command's options or one option (OPT-060, OPT-061): an object.
fn json(context: &Context, topic: Option<&str>) -> Result<u8, Diag> {
    let verb = topic.and_then(|topic| Verb::parse(topic).ok());
    let one = topic.and_then(|topic| find_option(topic.trim_start_matches('-')));
    if let (Some(topic), None, None) = (topic, verb, one) {
        let rules = help_rule::rules(context);
        return match rules.iter().find(|rule| *rule.name == *topic) {
            Some(rule) => out(&help_rule::as_json(rule)),
            None => Err(no_help(topic, &rules)),
        };
    }
    let options = OPTIONS.iter().filter(|option| match (verb, one) {
        (Some(verb), _) => option.verbs.contains(verb),
        (None, Some(one)) => option.name == one.name,
        (None, None) => true,
    });
    let verbs = Verb::all().filter(|other| match (verb, one) {
        (Some(verb), _) => verb == *other,
        (None, Some(one)) => one.verbs.contains(*other),
        (None, None) => true,
    });
    let verbs = verbs.map(|verb| json!({"name": verb.name(), "doc": verb.doc()}));
    out(&json!({
        "version": env!("CARGO_PKG_VERSION"),
        "commands": verbs.collect::<Vec<_>>(),
        "options": options.map(as_json).collect::<Vec<_>>(),
    }))
}

fn as_json(option: &OptionSpec) -> serde_json::Value {
    let (kind, choices, stands_for) = match option.kind {
        Kind::Flag => ("flag", None, None),
        Kind::Int => ("int", None, None),
        Kind::Text => ("text", None, None),
        Kind::Commas => ("commas", None, None),
        Kind::List if option.pairs => ("dictionary", None, None),
        Kind::List => ("list", None, None),
        Kind::Choice(choice) => ("choice", Some(choice.words), None),
        Kind::Expansion(flags) => ("expansion", None, Some(flags)),
    };
    let (section, key) = option.key().unzip();
    let verbs = Verb::all().filter(|verb| option.verbs.contains(*verb));
    json!({
        "name": option.name,
        "short": option.short,
        "aliases": option.aliases,
        "kind": kind,
        "choices": choices,
        "stands_for": stands_for,
        "default": Some(option.default).filter(|default| !default.is_empty()),
        "doc": option.doc,
        "section": section,
        "key": key,
        "variable": option.variable(),
        "environment_field": option.aware.then_some(option.name),
        "secret": option.secret,
        "effect": format!("{:?}", option.effect).to_lowercase(),
        "commands": verbs.map(Verb::name).collect::<Vec<_>>(),
    })
}

fn no_help(topic: &str, rules: &[RuleClass]) -> Diag {
    let mut names: Vec<&str> = Verb::all().map(Verb::name).collect();
    names.extend(OPTIONS.iter().map(|option| option.name));
    names.extend(rules.iter().map(|rule| &*rule.name));
    Diag::usage(format!("there is no help on `{topic}`")).did_you_mean(topic, names)
}

/// The command line as clap knows it: the same registry feeds parsing, rc files and help.
/// All commands and flags.
pub(crate) fn command() -> clap::Command {
    let mut command = clap::Command::new("kiln")
        .about("A hermetic build tool, configured in Starlark")
        .after_help("`kiln help COMMAND` lists its flags, `kiln help FLAG` explains one.")
        .disable_help_subcommand(true)
        .disable_help_flag(true)
        .override_usage("kiln COMMAND [FLAGS] [TARGETS]");
    for verb in Verb::all() {
        let words = match verb {
            Verb::Serve => "[FLAGS]",
            Verb::Config => "show [FLAGS] [OPTIONS]",
            Verb::Completion => "bash|zsh|fish",
            _ => "[FLAGS] [TARGETS]",
        };
        let mut sub = clap::Command::new(verb.name())
            .about(verb.doc())
            .disable_help_flag(true)
            .override_usage(format!("kiln {} {words}", verb.name()));
        let takes = OPTIONS.iter().filter(|option| option.verbs.contains(verb));
        for option in takes {
            sub = sub.arg(argument(option));
        }
        command = command.subcommand(sub);
    }
    command
}

fn argument(option: &'static OptionSpec) -> clap::Arg {
    let mut argument = clap::Arg::new(option.name)
        .long(option.name)
        .help(option.doc)
        .help_heading(format!("{:?}", option.effect));
    if let Some(letter) = option.short {
        argument = argument.short(letter);
    }
    match option.kind {
        Kind::Flag | Kind::Expansion(_) => argument.action(clap::ArgAction::SetTrue),
        Kind::Int => argument.value_name("N"),
        // The words are for completion; help has them in the place of the value.
        Kind::Choice(choice) => argument
            .value_name(choice.words.join("|"))
            .value_parser(PossibleValuesParser::new(choice.words))
            .hide_possible_values(true),
        Kind::Commas => argument.value_name("A,B"),
        Kind::Text | Kind::List => argument.value_name("VALUE"),
    }
}

fn overview() -> String {
    format!("{}", command().render_help())
}

fn verb_help(verb: Verb) -> String {
    let mut command = command();
    match command.find_subcommand_mut(verb.name()) {
        Some(sub) => format!("{}", sub.render_help()),
        None => overview(),
    }
}

fn option_help(option: &OptionSpec) -> String {
    let mut text = format!("--{}\n    {}\n", option.name, option.doc);
    if let Some(letter) = option.short {
        text.push_str(&format!("    short: -{letter}\n"));
    }
    if !option.aliases.is_empty() {
        text.push_str(&format!("    also: --{}\n", option.aliases.join(", --")));
    }
    match option.kind {
        Kind::Choice(choice) => {
            text.push_str(&format!("    values: {}\n", choice.words.join(", ")));
        }
        Kind::Expansion(flags) => text.push_str(&format!("    stands for: {}\n", flags.join(" "))),
        Kind::List => text.push_str("    may be given several times; all values count\n"),
        _ => {}
    }
    if !option.default.is_empty() {
        text.push_str(&format!("    default: {}\n", option.default));
    }
    if let (Some((section, key)), Some(variable)) = (option.key(), option.variable()) {
        text.push_str(&format!("    in kiln.toml: `{key}` of `[{section}]`\n"));
        text.push_str(&format!("    variable: {variable}\n"));
    }
    if option.aware {
        text.push_str(&format!(
            "    environments: their field `{}` holds in its place\n",
            option.name
        ));
    }
    let verbs = Verb::all()
        .filter(|verb| option.verbs.contains(*verb))
        .map(Verb::name);
    text.push_str(&format!(
        "    commands: {}\n",
        verbs.collect::<Vec<_>>().join(", ")
    ));
    text
}
