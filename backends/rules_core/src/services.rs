//! What kiln's rules use besides their inputs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use kiln_events::EventSink;
use kiln_process::Executor;
use kiln_targets::Host;

/// The interpreter.
pub struct HostService(pub Arc<dyn Host>);

/// Whatever runs processes.
pub struct Execution(pub Arc<dyn Executor>);

/// Who is told what happens.
pub struct Events(pub Arc<dyn EventSink>);

/// The workspace of this engine.
pub struct Workspace {
    /// Its root folder, absolute.
    pub root: PathBuf,
    /// The folder that `kiln-out` points to, absolute.
    pub out: PathBuf,
}

/// The repositories that kiln answers for itself: files by path, by repository name.
pub struct Embedded {
    /// The repositories.
    pub repos: BTreeMap<&'static str, BTreeMap<&'static str, &'static str>>,
    /// The label of the .bzl file whose public symbols every BUILD file sees.
    pub natives: (&'static str, &'static str, &'static str),
}

/// The caller's environment, as far as targets may ask for it (`env_inherit`, `--test_env=X`).
pub struct CallerEnv(pub BTreeMap<String, String>);
