//! What is measured: which command, in which state.

use crate::tree::{Edit, Flavour};

/// A tool that can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// kiln, with its sandbox.
    Kiln,
    /// ninja, which has no sandbox.
    Ninja,
    /// Bazel, with its sandbox.
    Bazel,
}

impl Peer {
    /// All of them, in the order of the tables.
    pub const ALL: [Peer; 3] = [Peer::Kiln, Peer::Ninja, Peer::Bazel];

    /// Its name on the command line and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Peer::Kiln => "kiln",
            Peer::Ninja => "ninja",
            Peer::Bazel => "bazel",
        }
    }
}

/// Scenarios that share trees and a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Nothing but starting.
    Version,
    /// Loading.
    List,
    /// Many small actions.
    Genrule,
    /// Compilers.
    Cc,
}

impl Group {
    /// All of them, in the order of the tables.
    pub const ALL: [Group; 4] = [Group::Version, Group::List, Group::Genrule, Group::Cc];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Group::Version => "version",
            Group::List => "list",
            Group::Genrule => "genrule",
            Group::Cc => "cc",
        }
    }

    /// The trees that it is measured on; any will do for `version`.
    pub fn flavour(self) -> Flavour {
        match self {
            Group::Version | Group::List => Flavour::List,
            Group::Genrule => Flavour::Genrule,
            Group::Cc => Flavour::Cc,
        }
    }

    /// How many targets its trees have unless the command line says otherwise.
    pub fn targets(self) -> usize {
        match self {
            Group::Version => 1,
            Group::List => 10_000,
            Group::Genrule => 1_000,
            Group::Cc => 300,
        }
    }
}

/// One thing that is done with a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Print the version.
    Version,
    /// List all targets.
    List,
    /// Build all targets.
    Build,
    /// As `Build`, with a cache of results on disk also if the tool has one only on request.
    BuildCached,
    /// Remove outputs. Caches on disk and daemons stay.
    Clean,
    /// Remove outputs and caches, end the daemon.
    Wipe,
    /// Change a source.
    Edit(Edit),
}

/// A row of a table for each tool.
#[derive(Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Its name on the command line.
    pub name: &'static str,
    /// Where it belongs.
    pub group: Group,
    /// What the table calls it.
    pub title: &'static str,
    /// What is done once, before the first run.
    pub once: &'static [Step],
    /// What is done before each run.
    pub before: &'static [Step],
    /// What is measured.
    pub timed: Step,
    /// Whether Bazel's server runs in it; `--version` is answered by its client.
    pub server: bool,
    /// Who is not asked, having nothing like it.
    pub without: &'static [Peer],
}

/// A build after an edit.
const fn after(
    name: &'static str,
    group: Group,
    title: &'static str,
    edit: &'static [Step],
) -> Scenario {
    Scenario {
        name,
        group,
        title,
        once: &[Step::Build],
        before: edit,
        timed: Step::Build,
        server: true,
        without: &[],
    }
}

/// A build from nothing. One goes before that is not counted: for it, Bazel sets up repositories
/// that `clean` leaves in place, and compilers get into memory.
const fn cold(name: &'static str, group: Group) -> Scenario {
    after(name, group, "cold build", &[Step::Wipe])
}

const TOP: &[Step] = &[Step::Edit(Edit::Top)];
const BASE: &[Step] = &[Step::Edit(Edit::Base)];
const COMMENT: &[Step] = &[Step::Edit(Edit::Comment)];

/// All scenarios in the order in which they are measured.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "version",
        group: Group::Version,
        title: "print the version",
        once: &[Step::Version],
        before: &[],
        timed: Step::Version,
        server: false,
        without: &[],
    },
    Scenario {
        name: "list-cold",
        group: Group::List,
        title: "list, no daemon, no caches",
        once: &[Step::List],
        before: &[Step::Wipe],
        timed: Step::List,
        server: true,
        without: &[],
    },
    Scenario {
        name: "list-warm",
        group: Group::List,
        title: "list again",
        once: &[Step::List],
        before: &[],
        timed: Step::List,
        server: true,
        without: &[],
    },
    cold("genrule-cold", Group::Genrule),
    after("genrule-noop", Group::Genrule, "nothing changed", &[]),
    after("genrule-top", Group::Genrule, "top source edited", TOP),
    after("genrule-base", Group::Genrule, "base source edited", BASE),
    after(
        "genrule-comment",
        Group::Genrule,
        "comment of the base source edited",
        COMMENT,
    ),
    Scenario {
        name: "genrule-cached",
        group: Group::Genrule,
        title: "outputs removed, cache kept",
        once: &[Step::Clean, Step::BuildCached],
        before: &[Step::Clean],
        timed: Step::BuildCached,
        server: true,
        without: &[Peer::Ninja],
    },
    cold("cc-cold", Group::Cc),
    after("cc-noop", Group::Cc, "nothing changed", &[]),
    after("cc-top", Group::Cc, "top source edited", TOP),
    after("cc-base", Group::Cc, "base source edited", BASE),
    after(
        "cc-comment",
        Group::Cc,
        "comment of the base header edited",
        COMMENT,
    ),
];
