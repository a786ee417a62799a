//! The commands, and which lines of an rc file each of them heeds.

use kiln_diag::Diag;

/// A command of kiln.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verb {
    /// `build`
    Build,
    /// `test`
    Test,
    /// `run`
    Run,
    /// `list`
    List,
    /// `query`
    Query,
    /// `dependencies`
    Dependencies,
    /// `dependents`
    Dependents,
    /// `peek`
    Peek,
    /// `env`
    Env,
    /// `config`
    Config,
    /// `clean`
    Clean,
    /// `cache`
    Cache,
    /// `serve`
    Serve,
    /// `rules`
    Rules,
    /// `completion`
    Completion,
    /// `help`
    Help,
    /// `version`
    Version,
}

/// All commands with their names and a line of help each.
const VERBS: [(Verb, &str, &str); 17] = [
    (Verb::Build, "build", "builds targets"),
    (Verb::Test, "test", "builds and runs tests"),
    (
        Verb::Run,
        "run",
        "builds a target and runs it; arguments follow `--`",
    ),
    (Verb::List, "list", "lists targets"),
    (
        Verb::Query,
        "query",
        "answers a query about the target graph",
    ),
    (
        Verb::Dependencies,
        "dependencies",
        "lists what targets depend on",
    ),
    (
        Verb::Dependents,
        "dependents",
        "lists what depends on targets",
    ),
    (
        Verb::Peek,
        "peek",
        "shows targets with all of their attributes as JSON",
    ),
    (
        Verb::Env,
        "env",
        "shows environments and which of them targets are built in (`list`, `show`, `explain`, `check`)",
    ),
    (
        Verb::Config,
        "config",
        "shows what options are set to, and by what (`show`)",
    ),
    (Verb::Clean, "clean", "removes outputs"),
    (
        Verb::Cache,
        "cache",
        "shows, shrinks or checks the store (`stats`, `gc`, `verify`)",
    ),
    (
        Verb::Serve,
        "serve",
        "is a remote cache and a worker for others, over this machine's store and sandboxes",
    ),
    (
        Verb::Rules,
        "rules",
        "explains or draws the rule graph (`explain`, `graph`)",
    ),
    (
        Verb::Completion,
        "completion",
        "prints a script that lets a shell complete commands and flags (`bash`, `zsh`, `fish`)",
    ),
    (Verb::Help, "help", "explains commands and flags"),
    (Verb::Version, "version", "prints the version"),
];

/// Commands that only Bazel has, as they may stand in rc files.
const BAZEL_COMMANDS: [&str; 17] = [
    "always",
    "common",
    "startup",
    "analyze-profile",
    "aquery",
    "canonicalize-flags",
    "coverage",
    "cquery",
    "dump",
    "fetch",
    "info",
    "license",
    "mobile-install",
    "mod",
    "print_action",
    "sync",
    "vendor",
];

impl Verb {
    /// All commands, in the order of help.
    pub fn all() -> impl Iterator<Item = Verb> {
        VERBS.into_iter().map(|(verb, _, _)| verb)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        VERBS[self as usize].1
    }

    /// What it does, in a few words.
    pub fn doc(self) -> &'static str {
        VERBS[self as usize].2
    }

    /// The command of that name.
    ///
    /// Errors: there is none.
    pub fn parse(name: &str) -> Result<Verb, Diag> {
        let found = VERBS.iter().find(|(_, verb, _)| *verb == name);
        found.map(|(verb, _, _)| *verb).ok_or_else(|| {
            Diag::usage(format!("kiln has no command `{name}`"))
                .did_you_mean(name, VERBS.iter().map(|(_, verb, _)| *verb))
                .hint("`kiln help` lists the commands")
        })
    }

    /// The commands whose lines in rc files it heeds, the general before the special ones, so
    /// that the latter win (Bazel).
    pub fn rc_commands(self) -> &'static [&'static str] {
        match self {
            Verb::Build => &["always", "common", "build"],
            Verb::Test => &["always", "common", "build", "test"],
            Verb::Run => &["always", "common", "build", "run"],
            Verb::List => &["always", "common", "query", "list"],
            Verb::Query => &["always", "common", "query"],
            Verb::Dependencies => &["always", "common", "query", "dependencies"],
            Verb::Dependents => &["always", "common", "query", "dependents"],
            Verb::Peek => &["always", "common", "query", "peek"],
            Verb::Env => &["always", "common", "build", "env"],
            Verb::Config => &[
                "always", "common", "build", "test", "run", "serve", "config",
            ],
            Verb::Clean => &["always", "common", "clean"],
            Verb::Cache => &["always", "common", "cache"],
            Verb::Serve => &["always", "common", "serve"],
            Verb::Rules => &["always", "common", "rules"],
            Verb::Completion => &["always", "common", "completion"],
            Verb::Help => &["always", "common", "help"],
            Verb::Version => &["always", "common", "version"],
        }
    }
}

/// All words that may begin a line of an rc file besides `import` and `try-import`.
pub(crate) fn rc_command_names() -> impl Iterator<Item = &'static str> {
    let ours = VERBS.iter().map(|(_, name, _)| *name);
    ours.chain(BAZEL_COMMANDS)
}

/// A set of commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerbSet(u32);

impl VerbSet {
    /// Every command.
    pub const ALL: VerbSet = VerbSet(u32::MAX);
    /// Commands that build.
    pub const BUILDING: VerbSet = VerbSet::of(&[Verb::Build, Verb::Test, Verb::Run]);
    /// Commands that ask about targets.
    pub const ASKING: VerbSet = VerbSet::of(&[
        Verb::List,
        Verb::Query,
        Verb::Dependencies,
        Verb::Dependents,
        Verb::Peek,
    ]);
    /// Commands that load packages.
    pub const LOADING: VerbSet = VerbSet::BUILDING
        .and(VerbSet::ASKING)
        .and(VerbSet::of(&[Verb::Env]));

    /// The set of these.
    pub const fn of(verbs: &[Verb]) -> VerbSet {
        let (mut set, mut at) = (0, 0);
        while at < verbs.len() {
            set |= 1 << verbs[at] as u32;
            at += 1;
        }
        VerbSet(set)
    }

    /// The commands of both.
    pub const fn and(self, other: VerbSet) -> VerbSet {
        VerbSet(self.0 | other.0)
    }

    /// Whether a command is in it.
    pub const fn contains(self, verb: Verb) -> bool {
        self.0 & (1 << verb as u32) != 0
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn names() {
        for verb in Verb::all() {
            assert_eq!(Verb::parse(verb.name()), Ok(verb));
            assert!(VerbSet::of(&[verb]).contains(verb));
        }
        assert!(!VerbSet::BUILDING.contains(Verb::Query));
        expect![[r#"
            error: kiln has no command `biuld`
            hint: did you mean `build`?
            hint: `kiln help` lists the commands"#]]
        .assert_eq(&Verb::parse("biuld").unwrap_err().render());
    }
}
