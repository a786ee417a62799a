//! What may differ between one local executor and another.

use std::path::PathBuf;
use std::time::Duration;

/// Settings of a [`crate::LocalExecutor`].
#[derive(Clone, Debug)]
pub struct LocalConfig {
    /// A folder for files of running actions. It must be on the file system of the store, so that
    /// outputs can be renamed into it. Several processes may share it.
    pub scratch: PathBuf,
    /// System folders and files that every action may read, absolute. What is not there is left
    /// out. They are part of the environment's identity, which the caller puts into every key.
    pub system_roots: Vec<PathBuf>,
    /// What to do where namespaces are refused.
    pub sandbox: Sandbox,
    /// Whether actions may write anywhere in their exec root, as Bazel lets them. Otherwise only
    /// folders that will hold declared outputs are writable.
    pub writable_root: bool,
    /// Whose sandboxes are kept (PX-023).
    pub keep: Keep,
    /// Where kept sandboxes go.
    pub keep_dir: PathBuf,
    /// What one action may use.
    pub limits: Limits,
    /// How long a process that ran into its timeout has between SIGTERM and SIGKILL.
    pub grace: Duration,
    /// Limit of a private `/tmp` (and of `/dev/shm`) in bytes; `None` is the kernel's default,
    /// half of the memory.
    pub tmp_size: Option<u64>,
    /// Runs everything in a workspace and not in a sandbox, if given: then `sandbox`,
    /// `system_roots` and `tmp_size` have no effect, and nothing is kept (ENV-135).
    pub workspace: Option<WorkspaceRoot>,
}

/// A workspace that processes run in (ENV-130, ENV-131).
#[derive(Clone, Debug)]
pub struct WorkspaceRoot {
    /// Its folder, absolute and without links.
    pub root: PathBuf,
    /// Folders at the top of exec roots that the workspace does not have, by name, and where in it
    /// they are shown. A place that is not there is made, an empty folder, when it is needed.
    pub shown: Vec<(String, PathBuf)>,
}

/// What one action may use. Reaching a limit ends it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Memory of all its processes together, in bytes.
    pub memory: Option<u64>,
    /// Processes and threads at a time.
    pub processes: ProcessLimit,
}

/// How many processes and threads an action may have at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProcessLimit {
    /// More than anything needs that means well, where limiting costs nothing.
    #[default]
    Many,
    /// So many.
    AtMost(u64),
    /// As many as the machine permits.
    Unlimited,
}

/// How much isolation is asked for (`--sandbox`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sandbox {
    /// The best that this machine permits; what is missing is said once.
    #[default]
    Auto,
    /// Namespaces, or an error.
    Require,
    /// Landlock and seccomp, or an error.
    Landlock,
    /// A plain folder.
    Off,
}

impl Sandbox {
    /// The flag that asks for it.
    pub(crate) fn flag(self) -> &'static str {
        match self {
            Sandbox::Auto => "--sandbox=auto",
            Sandbox::Require => "--sandbox=required",
            Sandbox::Landlock => "--sandbox=landlock",
            Sandbox::Off => "--sandbox=off",
        }
    }
}

/// Whose sandboxes are kept for a look (`--keep-sandboxes`, PX-023).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// Nobody's.
    #[default]
    Never,
    /// Those of processes that failed.
    OnFailure,
    /// Everybody's.
    Always,
}

impl LocalConfig {
    /// The usual settings, with everything of its own below `folder`.
    pub fn new(folder: impl Into<PathBuf>) -> LocalConfig {
        let folder = folder.into();
        LocalConfig {
            scratch: folder.join("scratch"),
            system_roots: SYSTEM_ROOTS.iter().map(PathBuf::from).collect(),
            sandbox: Sandbox::default(),
            writable_root: false,
            keep: Keep::default(),
            keep_dir: folder.join("sandboxes"),
            limits: Limits::default(),
            grace: Duration::ZERO,
            tmp_size: None,
            workspace: None,
        }
    }
}

/// Programs, libraries, and those parts of `/etc` that programs need to run at all. Users, groups
/// and host names are made up instead ([`etc`]), the same everywhere.
const SYSTEM_ROOTS: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc/alternatives",
    "/etc/crypto-policies",
    "/etc/java-11-openjdk",
    "/etc/java-17-openjdk",
    "/etc/java-21-openjdk",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/mime.types",
    "/etc/perl",
    "/etc/pki",
    "/etc/protocols",
    "/etc/python3",
    "/etc/python3.11",
    "/etc/python3.12",
    "/etc/python3.13",
    "/etc/services",
    "/etc/ssl",
];

/// The user that actions are when kiln runs as root: `nobody`.
pub(crate) const UNPRIVILEGED: (u32, u32) = (65534, 65534);

/// What an action with the host's network needs besides.
pub(crate) const NETWORK_ROOTS: &[&str] = &[
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/resolv.conf",
];

/// The files of `/etc` that are made up, where the host's own were not asked for.
pub(crate) fn etc() -> Vec<(String, String)> {
    let files = [
        (
            "passwd",
            "root:x:0:0:root:/:/bin/sh\n\
             kiln:x:1000:1000:kiln:/tmp:/bin/sh\n\
             nobody:x:65534:65534:nobody:/:/bin/false\n",
        ),
        ("group", "root:x:0:\nkiln:x:1000:\nnogroup:x:65534:\n"),
        ("hosts", "127.0.0.1 localhost\n::1 localhost\n"),
        ("hostname", "localhost\n"),
        (
            "nsswitch.conf",
            "passwd: files\ngroup: files\nhosts: files dns\n",
        ),
    ];
    let owned = files.map(|(name, text)| (name.to_owned(), text.to_owned()));
    owned.to_vec()
}
