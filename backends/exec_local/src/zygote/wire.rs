//! The messages between kiln and its zygotes. Both ends are the same binary, so the form has no
//! version; it never reaches a disk or a network.

use serde::{Deserialize, Serialize};

/// Where the exec root is inside every sandbox, on every machine.
pub(crate) const EXEC_ROOT: &str = "/kiln";
/// Where the mounted store is while a root is being put together: the last mount, the action's own
/// `/tmp`, covers it for good. (Taking it away instead costs a wait for every processor. In a user
/// namespace that the action makes, the kernel locks all mounts as they are, this cover too.)
pub(crate) const HIDDEN: &str = "/tmp";

/// What a worker zygote is to hold ready.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Setup {
    /// Whether it has a network of its own (with nothing but a loopback device) or the host's.
    pub isolated_network: bool,
    /// The user and group outside that 1000 inside stands for.
    pub outer: (u32, u32),
    /// Whether kiln is root, so that the worker must keep a second identity for its mounts.
    pub privileged: bool,
    /// The folder of the store's blobs.
    pub cas: String,
    /// The folder of folders that are kept whole.
    pub trees: String,
    /// The folder of the slot's scratch folders.
    pub scratch: String,
    /// Read-only system folders and files, absolute.
    pub roots: Vec<String>,
    /// Files of `/etc` that are made up: name and contents.
    pub etc: Vec<(String, String)>,
    /// Limit of a private `/tmp` in bytes; 0 is the kernel's default.
    pub tmp_size: u64,
    /// How much of the sandbox there is.
    pub tier: WireTier,
    /// The workspace, for [`WireTier::Workspace`].
    pub workspace: Workplace,
    /// What an action may use.
    pub limits: Limits,
}

/// A workspace that actions run in.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Workplace {
    /// Its folder, absolute.
    pub root: String,
    /// Folders of exec roots, by name, and where actions see them.
    pub shown: Vec<(String, String)>,
}

/// What an action may use.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Limits {
    /// Folders of control groups that the worker enters.
    pub groups: Vec<String>,
    /// What tells that a limit of the groups was hit.
    pub counters: Vec<Counter>,
    /// Bytes of address space for each process of an action; 0 is no limit.
    pub address_space: u64,
    /// Processes of the worker's user namespace; 0 is no limit.
    pub processes: u64,
}

/// A file with a line `word number`; any other number than 0 tells that a limit was hit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Counter {
    /// The file.
    pub path: String,
    /// The word.
    pub word: String,
    /// What is limited.
    pub resource: Resource,
}

/// Something that is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Resource {
    /// Memory.
    Memory,
    /// Processes and threads.
    Processes,
}

impl Counter {
    /// Whether the text of the file says that the limit was hit.
    pub(crate) fn is_hit(&self, text: &str) -> bool {
        let count = text.lines().find_map(|line| {
            let (word, count) = line.split_once(' ')?;
            (word == self.word).then_some(count.trim())
        });
        count.is_some_and(|count| count != "0")
    }
}

impl Setup {
    /// Where exec roots are, as their actions see them.
    pub(crate) fn exec_root(&self) -> String {
        match self.tier {
            WireTier::Namespaces { .. } => EXEC_ROOT.to_owned(),
            // Without mounts it is where it is outside.
            _ => format!("{}/root", self.scratch),
        }
    }

    /// What working directories are relative to.
    pub(crate) fn work_root(&self) -> String {
        match self.tier {
            WireTier::Workspace => self.workspace.root.clone(),
            _ => self.exec_root(),
        }
    }
}

/// What a worker isolates with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum WireTier {
    /// Namespaces; a fresh `/proc` or the outer one.
    Namespaces {
        /// Whether each action has a `/proc` of its own.
        fresh_proc: bool,
    },
    /// A plain folder, with Landlock and seccomp around the process.
    Landlock,
    /// A plain folder.
    Plain,
    /// A plain folder beside the workspace that the action runs in, shown there by mounts.
    Workspace,
}

/// One step of putting an exec root together. Paths are relative to it and run through no link.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Op<'a> {
    /// A folder.
    Dir(&'a str),
    /// A blob of the store, read-only: its path in the store, and where it goes.
    File(&'a str, &'a str),
    /// A folder that is kept whole, read-only: its name, and where it goes.
    Tree(&'a str, &'a str),
    /// A symbolic link: its target, and where it goes.
    Link(&'a str, &'a str),
    /// A blob of the store as a file of its own that the action may change.
    Copy {
        /// The blob's path in the store.
        blob: &'a str,
        /// Where it goes.
        at: &'a str,
        /// Its executable bit.
        executable: bool,
    },
    /// Remembers a finished read-only folder that the next scratch folder will cover.
    Keep(&'a str),
    /// Puts scratch folder number so-and-so in place, writable.
    Scratch(u32, &'a str),
    /// A writable folder in a scratch folder.
    WritableDir(&'a str),
    /// Puts the folders remembered since the last scratch folder back, at their own paths.
    Return(&'a str),
}

/// One action to run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Launch<'a> {
    /// Program and arguments.
    #[serde(borrow)]
    pub argv: Vec<&'a str>,
    /// `NAME=value`, sorted.
    pub env: Vec<String>,
    /// Relative to the exec root.
    pub workdir: &'a str,
    /// What is put in place before the exec root is made read-only.
    #[serde(borrow)]
    pub inputs: Vec<Op<'a>>,
    /// What is put in place afterwards.
    #[serde(borrow)]
    pub writable: Vec<Op<'a>>,
    /// Whether the exec root stays writable (Bazel's laxer way).
    pub writable_root: bool,
    /// Milliseconds until it is stopped; 0 is never.
    pub timeout: u64,
    /// Milliseconds between asking it to stop and killing it.
    pub grace: u64,
    /// Whether the files of the workspace are told that it reads.
    pub watch: bool,
}

/// What kiln tells a worker while an action runs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Kill;

/// What a worker answers.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// It is set up and waits.
    Ready,
    /// The action ran and all its processes are gone.
    Done {
        /// How the action ended.
        end: End,
        /// How long it ran, in nanoseconds.
        elapsed: u64,
        /// The files of the workspace that it read, relative to its root; `None` if nobody
        /// watched.
        reads: Option<Vec<String>>,
    },
    /// Something around the action failed; nothing of it runs.
    Failed(Failure),
}

/// How an action ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum End {
    /// By itself, with a code.
    Code(i32),
    /// By a signal.
    Signal(i32),
    /// By its timeout.
    TimedOut,
    /// By a limit that it hit.
    Limit(Resource),
    /// Because kiln said so.
    Killed,
}

/// A step that failed, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure {
    /// Which step.
    pub step: Step,
    /// The kernel's reason.
    pub errno: i32,
    /// What it was done to.
    pub what: String,
}

/// The steps that can fail, in their order (each refusal has a cause of its own).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Step {
    /// Reading what kiln asked for.
    Protocol,
    /// Entering the control groups that limit the action.
    Limits,
    /// A new process.
    Fork,
    /// `unshare(CLONE_NEWUSER)`.
    UserNamespace,
    /// Writing `uid_map` and its kin.
    MapIds,
    /// The other namespaces of the worker.
    Namespaces,
    /// The name of the machine.
    Hostname,
    /// The loopback device.
    Loopback,
    /// The first mount: the root's own file system.
    RootMount,
    /// `pivot_root`.
    PivotRoot,
    /// A read-only view of a system folder.
    SystemRoot,
    /// A device node.
    Device,
    /// The view of the store or the scratch folder.
    StoreMount,
    /// `mount_setattr`: making something read-only.
    ReadOnly,
    /// `clone` of the action's own namespaces.
    ActionNamespaces,
    /// The private `/tmp` or exec root.
    PrivateMount,
    /// The fresh `/proc`.
    Proc,
    /// An input, by its path.
    Input,
    /// A writable folder.
    Scratch,
    /// Giving up privileges.
    Drop,
    /// Landlock or seccomp.
    Restrict,
    /// Showing a folder of the exec root in the workspace.
    Show,
    /// The working directory.
    Workdir,
    /// The program itself.
    Exec,
}

impl Failure {
    pub(crate) fn new(step: Step, errno: i32, what: impl Into<String>) -> Failure {
        Failure {
            step,
            errno,
            what: what.into(),
        }
    }
}

/// Names the step and the object of a failed system call.
pub(crate) trait OrFailure<T> {
    fn or_failure(self, step: Step, what: &str) -> Result<T, Failure>;
}

impl<T> OrFailure<T> for rustix::io::Result<T> {
    fn or_failure(self, step: Step, what: &str) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(step, error.raw_os_error(), what))
    }
}

impl<T> OrFailure<T> for std::io::Result<T> {
    fn or_failure(self, step: Step, what: &str) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(step, error.raw_os_error().unwrap_or(0), what))
    }
}
