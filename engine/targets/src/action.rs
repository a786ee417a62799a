//! Actions as analysis leaves them: symbolic until they run.

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_address::Label;

use crate::{Artifact, ArtifactSet, Configuration, Runfiles};

/// One action of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionTemplate {
    /// The target it belongs to.
    pub owner: Label,
    /// In which configuration.
    pub configuration: Configuration,
    /// Its kind for people and statistics (`CppCompile`).
    pub mnemonic: Arc<str>,
    /// What to show while it runs; made from the mnemonic and the output if there is none.
    pub progress: Option<Arc<str>>,
    /// What it does.
    pub kind: ActionKind,
    /// What it makes. Each artifact has exactly one action.
    pub outputs: Arc<[Artifact]>,
}

/// What an action does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionKind {
    /// Runs a program.
    Spawn {
        /// The command line: lists one after the other.
        arguments: Arc<[ArgList]>,
        /// What it reads.
        inputs: ArtifactSet,
        /// Programs it runs, each with its runfiles beside it.
        tools: Arc<[Tool]>,
        /// Its environment, without what `use_default_shell_env` adds.
        env: Arc<BTreeMap<Arc<str>, Arc<str>>>,
        /// Whether `PATH` and `--action_env` are added (Bazel: `use_default_shell_env`).
        default_shell_env: bool,
        /// `execution_requirements`, and those tags that are requirements (`no-cache`,
        /// `requires-network`, `cpu:4`, `timeout`).
        requirements: Arc<BTreeMap<Arc<str>, Arc<str>>>,
        /// A make-style dependency file among the outputs. Every file it names must be an input
        /// or lie in a system root; a header that is neither is an error.
        dependency_file: Option<Artifact>,
        /// Patterns of files that decide the result of a run in the workspace itself (ENV-134);
        /// without any, such a result holds for one command.
        workspace_sources: Arc<[Arc<str>]>,
    },
    /// Writes a text.
    Write {
        /// The text.
        content: Arc<str>,
        /// Whether the file may be executed.
        executable: bool,
    },
    /// Writes expanded arguments, one a line or as its param file says.
    WriteArgs {
        /// The arguments.
        arguments: ArgList,
        /// Whether the file may be executed.
        executable: bool,
    },
    /// Makes the output a copy of (for people: a link to) another artifact.
    Symlink {
        /// The other artifact.
        target: Artifact,
        /// Whether the output must be executable.
        executable: bool,
    },
    /// Makes a symbolic link with exactly this text as its target.
    RawSymlink {
        /// Where it points.
        target: Arc<str>,
    },
    /// Replaces texts in a file, all at once: at each place the first key that fits.
    ExpandTemplate {
        /// The template.
        template: Artifact,
        /// What is replaced by what.
        substitutions: Arc<[(Arc<str>, Arc<str>)]>,
        /// Whether the file may be executed.
        executable: bool,
    },
}

/// A program an action runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// The program.
    pub executable: Artifact,
    /// What it needs; staged at `<exec path>.runfiles`.
    pub runfiles: Arc<Runfiles>,
}

/// Arguments that belong together (Bazel: `Args`).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ArgList {
    /// The arguments.
    pub items: Vec<Arg>,
    /// Whether and how they may go into a file.
    pub param_file: Option<ParamFile>,
}

/// Arguments in a file (Bazel: `Args.use_param_file`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamFile {
    /// The argument that names the file, with `%s` for its path.
    pub argument: Arc<str>,
    /// Whether always, or only when the command line would be too long.
    pub always: bool,
    /// How arguments are written.
    pub format: ParamFileFormat,
}

/// How arguments are written to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum ParamFileFormat {
    /// One a line, quoted for a shell.
    #[default]
    Shell,
    /// One a line, as is.
    Multiline,
    /// One a line, flags (`--x=y`) only, as is.
    FlagPerLine,
}

/// One argument, or as many as a set has members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arg {
    /// A text.
    Text(Arc<str>),
    /// The shell of wherever the action runs: bash, or `sh` where there is none (ENV-106).
    Shell,
    /// The exec path of an artifact, put in place of `%s` if there is a format.
    Path(Artifact, Option<Arc<str>>),
    /// The members of a set (Bazel: `Args.add_all`, `Args.add_joined`).
    Set(Box<ArgSet>),
}

/// How a set becomes arguments. Members that need a Starlark function (`map_each`) are turned
/// into texts by the host; a set of paths stays symbolic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgSet {
    /// The members.
    pub members: ArtifactSet,
    /// Written before all, if there are members.
    pub name: Option<Arc<str>>,
    /// Written before each.
    pub before_each: Option<Arc<str>>,
    /// `%s` stands for the member.
    pub format_each: Option<Arc<str>>,
    /// Puts all members into one argument.
    pub join_with: Option<Arc<str>>,
    /// `%s` stands for the joined argument.
    pub format_joined: Option<Arc<str>>,
    /// Written after all, if there are members.
    pub terminate_with: Option<Arc<str>>,
    /// Whether nothing is written for an empty set (joined sets only; others never do).
    pub omit_if_empty: bool,
    /// Whether equal members are written once.
    pub uniquify: bool,
    /// Whether folders are replaced by the files in them.
    pub expand_directories: bool,
}
