//! The command line.

use std::path::PathBuf;

use clap::{Arg, Command, value_parser};
use kiln_diag::Diag;

use crate::scenario::{Group, Peer, SCENARIOS, Scenario};

/// What to measure, and how.
#[derive(Debug)]
pub struct Settings {
    /// Targets of the trees, by group.
    pub targets: Vec<(Group, usize)>,
    /// How often each command is timed.
    pub runs: usize,
    /// The tools, each once, in the order in which they take turns.
    pub tools: Vec<Peer>,
    /// The scenarios, in the order of [`SCENARIOS`].
    pub scenarios: Vec<&'static Scenario>,
    /// The folder to work in; `None` for a fresh one that is removed afterwards.
    pub work: Option<PathBuf>,
    /// The kiln binary; `None` for the one beside this program.
    pub kiln: Option<PathBuf>,
    /// How results are printed.
    pub format: Format,
    /// What trees are generated from.
    pub seed: u64,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Tables for people.
    Markdown,
    /// Every figure, for programs.
    Json,
}

impl Settings {
    /// How many targets the trees of a group have.
    pub fn targets(&self, group: Group) -> usize {
        let given = self.targets.iter().find(|(name, _)| *name == group);
        given.map_or(group.targets(), |(_, count)| *count)
    }
}

fn command() -> Command {
    let list = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name(value)
            .value_delimiter(',')
            .help(help)
    };
    let one = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    let scenarios: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
    Command::new("kiln-bench")
        .about("Measures kiln, ninja and Bazel on the same generated trees")
        .after_help(format!(
            "Scenarios: {}. `list`, `genrule` and `cc` stand for all that begin so.",
            scenarios.join(", ")
        ))
        .arg(list(
            "targets",
            "N|GROUP=N",
            "How large the trees are, of all groups or of `list`, `genrule` or `cc` [10000, 1000, 300]",
        ))
        .arg(
            one("runs", "N", "How often each command is timed")
                .value_parser(value_parser!(usize))
                .default_value("5"),
        )
        .arg(list("tools", "NAMES", "Which tools take turns").default_value("kiln,ninja,bazel"))
        .arg(list("scenarios", "NAMES", "What is measured [all]"))
        .arg(
            one("work", "DIR", "An empty folder to work in, which is kept [a temporary one]")
                .value_parser(value_parser!(PathBuf)),
        )
        .arg(
            one("kiln", "PATH", "The kiln binary [the one beside this program]")
                .value_parser(value_parser!(PathBuf)),
        )
        .arg(one("format", "markdown|json", "How results are printed").default_value("markdown"))
        .arg(
            one("seed", "N", "What the trees are generated from")
                .value_parser(value_parser!(u64))
                .default_value("1"),
        )
}

/// What is to be done according to a command line.
#[derive(Debug)]
pub enum Parsed {
    /// Measure.
    Run(Settings),
    /// Print this help.
    Help(String),
}

/// Reads a command line, the program's name first.
///
/// # Errors
/// When it names something that there is not.
pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Parsed, Diag> {
    let matches = match command().try_get_matches_from(words) {
        Ok(matches) => matches,
        Err(error) if error.kind() == clap::error::ErrorKind::DisplayHelp => {
            return Ok(Parsed::Help(error.to_string()));
        }
        Err(error) => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            let message = first.strip_prefix("error: ").unwrap_or(first).to_owned();
            return Err(Diag::usage(message).hint("`kiln-bench --help` lists the flags"));
        }
    };
    let many = |name: &str| -> Vec<String> {
        matches
            .get_many::<String>(name)
            .unwrap_or_default()
            .cloned()
            .collect()
    };
    let format = matches
        .get_one::<String>("format")
        .map_or("", |format| format);
    let runs = matches.get_one("runs").copied().unwrap_or(0);
    if runs == 0 {
        return Err(Diag::usage("`--runs` must be at least 1"));
    }
    Ok(Parsed::Run(Settings {
        targets: targets(&many("targets"))?,
        runs,
        tools: tools(&many("tools"))?,
        scenarios: scenarios(&many("scenarios"))?,
        work: matches.get_one("work").cloned(),
        kiln: matches.get_one("kiln").cloned(),
        format: *named(
            "--format",
            format,
            &[("markdown", Format::Markdown), ("json", Format::Json)],
        )?,
        seed: matches.get_one("seed").copied().unwrap_or(1),
    }))
}

/// The choice of this name.
fn named<'a, T>(flag: &str, name: &str, choices: &'a [(&str, T)]) -> Result<&'a T, Diag> {
    let found = choices.iter().find(|(choice, _)| *choice == name);
    found.map(|(_, value)| value).ok_or_else(|| {
        let names: Vec<String> = choices
            .iter()
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        Diag::usage(format!("`{flag}`: there is no `{name}`"))
            .note(format!("there are {}", names.join(", ")))
            .did_you_mean(name, choices.iter().map(|(choice, _)| *choice))
    })
}

fn targets(words: &[String]) -> Result<Vec<(Group, usize)>, Diag> {
    let sized = [Group::List, Group::Genrule, Group::Cc];
    let groups = sized.map(|group| (group.name(), group));
    let mut targets = Vec::new();
    for word in words {
        let (of, count) = match word.split_once('=') {
            Some((name, count)) => (vec![*named("--targets", name, &groups)?], count),
            None => (sized.to_vec(), &**word),
        };
        let count = count
            .parse()
            .ok()
            .filter(|count| (1..=1_000_000).contains(count));
        let count = count.ok_or_else(|| {
            Diag::usage(format!(
                "`--targets`: `{word}` is no number from 1 to 1000000"
            ))
        })?;
        // What is said last counts.
        targets.retain(|(group, _)| !of.contains(group));
        targets.extend(of.into_iter().map(|group| (group, count)));
    }
    Ok(targets)
}

fn tools(words: &[String]) -> Result<Vec<Peer>, Diag> {
    let peers = Peer::ALL.map(|peer| (peer.name(), peer));
    let mut tools = Vec::new();
    for word in words {
        let peer = *named("--tools", word, &peers)?;
        if !tools.contains(&peer) {
            tools.push(peer);
        }
    }
    Ok(tools)
}

fn scenarios(words: &[String]) -> Result<Vec<&'static Scenario>, Diag> {
    let mut choices: Vec<(&str, Vec<&str>)> = SCENARIOS
        .iter()
        .map(|scenario| (scenario.name, vec![scenario.name]))
        .collect();
    for group in [Group::List, Group::Genrule, Group::Cc] {
        let members = SCENARIOS.iter().filter(|scenario| scenario.group == group);
        choices.push((
            group.name(),
            members.map(|scenario| scenario.name).collect(),
        ));
    }
    let mut chosen = Vec::new();
    for word in words {
        chosen.extend(named("--scenarios", word, &choices)?);
    }
    let wanted = |scenario: &&Scenario| words.is_empty() || chosen.contains(&scenario.name);
    Ok(SCENARIOS.iter().filter(wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn show(line: &str) -> String {
        let words = std::iter::once("kiln-bench").chain(line.split_whitespace());
        match parse(words.map(str::to_owned)) {
            Ok(Parsed::Run(settings)) => {
                let scenarios: Vec<&str> = settings.scenarios.iter().map(|s| s.name).collect();
                let groups = Group::ALL.map(|group| settings.targets(group));
                format!(
                    "{scenarios:?}\n{:?} {groups:?} runs {} seed {} {:?} {:?} {:?}",
                    settings.tools,
                    settings.runs,
                    settings.seed,
                    settings.format,
                    settings.work,
                    settings.kiln
                )
            }
            Ok(Parsed::Help(text)) => text,
            Err(error) => error.render(),
        }
    }

    #[test]
    fn command_lines() {
        expect![[r#"
            ["version", "list-cold", "list-warm", "genrule-cold", "genrule-noop", "genrule-top", "genrule-base", "genrule-comment", "genrule-cached", "cc-cold", "cc-noop", "cc-top", "cc-base", "cc-comment"]
            [Kiln, Ninja, Bazel] [1, 10000, 1000, 300] runs 5 seed 1 Markdown None None"#]].assert_eq(&show(""));
        expect![[r#"
            ["list-cold", "list-warm", "genrule-noop"]
            [Bazel, Kiln] [1, 50, 50, 9] runs 2 seed 1 Markdown None None"#]]
        .assert_eq(&show(
            "--targets=50,cc=9 --tools=bazel,kiln,bazel --scenarios=genrule-noop,list --runs=2",
        ));
        expect![[r#"
            ["version"]
            [Kiln, Ninja, Bazel] [1, 10000, 1000, 300] runs 5 seed 3 Json Some("/w") Some("k")"#]]
        .assert_eq(&show(
            "--format=json --work=/w --kiln=k --seed=3 --scenarios=version",
        ));
        expect![[r#"
            Measures kiln, ninja and Bazel on the same generated trees

            Usage: kiln-bench [OPTIONS]

            Options:
                  --targets <N|GROUP=N>     How large the trees are, of all groups or of `list`, `genrule` or `cc` [10000, 1000, 300]
                  --runs <N>                How often each command is timed [default: 5]
                  --tools <NAMES>           Which tools take turns [default: kiln,ninja,bazel]
                  --scenarios <NAMES>       What is measured [all]
                  --work <DIR>              An empty folder to work in, which is kept [a temporary one]
                  --kiln <PATH>             The kiln binary [the one beside this program]
                  --format <markdown|json>  How results are printed [default: markdown]
                  --seed <N>                What the trees are generated from [default: 1]
              -h, --help                    Print help

            Scenarios: version, list-cold, list-warm, genrule-cold, genrule-noop, genrule-top, genrule-base, genrule-comment, genrule-cached, cc-cold, cc-noop, cc-top, cc-base, cc-comment. `list`, `genrule` and `cc` stand for all that begin so.
        "#]].assert_eq(&show("--help"));
    }

    #[test]
    fn mistakes() {
        expect![[r#"
            error: `--tools`: there is no `basel`
               = there are `kiln`, `ninja`, `bazel`
            hint: did you mean `bazel`?"#]]
        .assert_eq(&show("--tools=kiln,basel"));
        expect![[r#"
            error: `--scenarios`: there is no `genrule-nop`
               = there are `version`, `list-cold`, `list-warm`, `genrule-cold`, `genrule-noop`, `genrule-top`, `genrule-base`, `genrule-comment`, `genrule-cached`, `cc-cold`, `cc-noop`, `cc-top`, `cc-base`, `cc-comment`, `list`, `genrule`, `cc`
            hint: did you mean `genrule-noop` or `genrule-top` or `genrule-cold`?"#]].assert_eq(&show("--scenarios=genrule-nop"));
        expect!["error: `--targets`: `many` is no number from 1 to 1000000"]
            .assert_eq(&show("--targets=many"));
        expect!["error: `--targets`: `0` is no number from 1 to 1000000"]
            .assert_eq(&show("--targets=0"));
        expect![[r#"
            error: `--targets`: there is no `version`
               = there are `list`, `genrule`, `cc`"#]]
        .assert_eq(&show("--targets=version=2"));
        expect!["error: `--runs` must be at least 1"].assert_eq(&show("--runs=0"));
        expect![[r#"
            error: invalid value 'x' for '--runs <N>': invalid digit found in string
            hint: `kiln-bench --help` lists the flags"#]]
        .assert_eq(&show("--runs=x"));
        expect![[r#"
            error: `--format`: there is no `yaml`
               = there are `markdown`, `json`"#]]
        .assert_eq(&show("--format=yaml"));
        expect![[r#"
            error: unexpected argument '--run' found
            hint: `kiln-bench --help` lists the flags"#]]
        .assert_eq(&show("--run=3"));
    }
}
