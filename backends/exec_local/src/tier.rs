//! How much isolation this machine permits, and what to say where it is not all.
//!
//! | tier | isolates |
//! | --- | --- |
//! | namespaces | files, network, processes, users, host name |
//! | namespaces, outer `/proc` | the same, but processes of the machine can be listed |
//! | Landlock and seccomp | undeclared files cannot be read, nothing else written, no network |
//! | a plain folder | nothing: undeclared files are just not where one would look for them |
//!
//! What is permitted is found by doing it: each step may be refused for a reason of its own.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kiln_diag::Diag;
use kiln_process::ExecError;
use kiln_store::Store;

use crate::config::{self, LocalConfig, Sandbox, UNPRIVILEGED};
use crate::failure;
use crate::limits::Limiter;
use crate::slot::{self, Pool, Slot};
use crate::trees::Trees;
use crate::zygote::ZygoteServer;
use crate::zygote::wire::{self, Failure, Setup, Step, WireTier};
use kiln_exec_root::Plan;
use kiln_exec_root::{ScratchRoot, SlotFiles};

/// What actions are isolated by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Namespaces: everything.
    Namespaces,
    /// Namespaces, but `/proc` is the machine's own.
    OuterProc,
    /// Landlock and seccomp.
    Landlock,
    /// Nothing but a folder with the declared inputs.
    Plain,
    /// Nothing: it runs in the workspace.
    Workspace,
}

impl Tier {
    /// Whether results may be shared with other machines.
    pub fn is_hermetic(self) -> bool {
        matches!(self, Tier::Namespaces | Tier::OuterProc)
    }

    /// What sets results of this tier apart from those of a hermetic one; empty for such.
    pub fn identity(self) -> &'static str {
        match self {
            Tier::Namespaces | Tier::OuterProc => "",
            Tier::Landlock => "landlock",
            Tier::Plain => "plain",
            Tier::Workspace => "workspace",
        }
    }

    fn wire(self) -> WireTier {
        match self {
            Tier::Namespaces => WireTier::Namespaces { fresh_proc: true },
            Tier::OuterProc => WireTier::Namespaces { fresh_proc: false },
            Tier::Landlock => WireTier::Landlock,
            Tier::Plain => WireTier::Plain,
            Tier::Workspace => WireTier::Workspace,
        }
    }

    /// Where the outputs of a plan's scratch folder are found.
    pub(crate) fn scratch_folder(self, files: &SlotFiles, plan: &Plan, number: u32) -> PathBuf {
        match self.is_hermetic() {
            true => files.folder(number),
            // Nothing is mounted: they are where the action put them.
            false => files
                .path()
                .join("root")
                .join(&plan.scratch[number as usize]),
        }
    }
}

/// What was found.
pub(crate) struct Found {
    pub tier: Tier,
    pub pool: Pool,
    pub warnings: Vec<Diag>,
}

/// Finds the best tier that the machine and the configuration permit.
pub(crate) fn find(
    config: &LocalConfig,
    store: &Store,
    zygotes: &Arc<ZygoteServer>,
) -> Result<Found, Diag> {
    let mut refusals = Vec::new();
    let mut limiter = Arc::new(Limiter::new(config.limits));
    for &tier in candidates(config) {
        let mut pool = pool(config, store, zygotes, tier, &limiter)?;
        let mut probed = probe(&pool)?;
        if let Err(refusal) = &probed
            && refusal.step == Step::Limits
            && limiter.has_groups()
        {
            limiter = Arc::new(limiter.without_groups(cause(refusal).message()));
            pool = self::pool(config, store, zygotes, tier, &limiter)?;
            probed = probe(&pool)?;
        }
        match probed {
            Ok(slot) => {
                pool.put(slot);
                let warning = warning(tier, config.sandbox, &refusals);
                let limits = limiter.warnings(tier.is_hermetic());
                return Ok(Found {
                    tier,
                    pool,
                    warnings: warning.into_iter().chain(limits).collect(),
                });
            }
            Err(refusal) => refusals.push(refusal),
        }
    }
    Err(match config.workspace {
        Some(_) => cannot_work_in_place(&refusals),
        None => refused(config.sandbox, &refusals),
    })
}

fn probe(pool: &Pool) -> Result<Result<Slot, Failure>, Diag> {
    pool.probe().map_err(|error| match error {
        ExecError::Failed(diag) | ExecError::Unavailable(diag) => diag,
        ExecError::MissingBlob(_) => Diag::internal(error.to_string()),
    })
}

fn candidates(config: &LocalConfig) -> &'static [Tier] {
    if config.workspace.is_some() {
        return &[Tier::Workspace];
    }
    match config.sandbox {
        Sandbox::Auto => &[
            Tier::Namespaces,
            Tier::OuterProc,
            Tier::Landlock,
            Tier::Plain,
        ],
        Sandbox::Require => &[Tier::Namespaces, Tier::OuterProc],
        Sandbox::Landlock => &[Tier::Landlock],
        Sandbox::Off => &[Tier::Plain],
    }
}

fn pool(
    config: &LocalConfig,
    store: &Store,
    zygotes: &Arc<ZygoteServer>,
    tier: Tier,
    limiter: &Arc<Limiter>,
) -> Result<Pool, Diag> {
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    let in_place = tier == Tier::Workspace;
    // Root of a user namespace that knows nobody else is an ordinary user outside of it.
    let privileged = !in_place
        && user.is_root()
        && knows("uid_map", UNPRIVILEGED.0)
        && knows("gid_map", UNPRIVILEGED.1);
    let outer = match privileged {
        true => UNPRIVILEGED,
        false => (user.as_raw(), group.as_raw()),
    };
    let folder = match privileged && !tier.is_hermetic() {
        true => reachable(&config.scratch)?,
        false => config.scratch.clone(),
    };
    let scratch = ScratchRoot::new(&folder, privileged.then_some(outer))?;
    text(&folder)?;
    let trees = Trees::new(scratch.path().join("trees"))
        .map_err(|error| Diag::io("cannot make the scratch folder", &folder, &error))?;
    let roots = config.system_roots.iter().map(|root| text(root));
    let setup = Setup {
        isolated_network: !in_place,
        outer,
        privileged,
        cas: text(&slot::blob_folder(store))?,
        trees: text(trees.folder())?,
        scratch: String::new(),
        roots: roots.collect::<Result<_, _>>()?,
        etc: config::etc(),
        tmp_size: config.tmp_size.unwrap_or(0),
        tier: tier.wire(),
        workspace: workplace(config)?,
        limits: wire::Limits::default(),
    };
    let (trees, zygotes) = (Arc::new(trees), zygotes.clone());
    Ok(Pool::new(scratch, trees, zygotes, limiter.clone(), setup))
}

fn workplace(config: &LocalConfig) -> Result<wire::Workplace, Diag> {
    let Some(workspace) = &config.workspace else {
        return Ok(wire::Workplace::default());
    };
    let shown = workspace.shown.iter();
    let shown = shown.map(|(name, at)| Ok((name.clone(), text(at)?)));
    Ok(wire::Workplace {
        root: text(&workspace.root)?,
        shown: shown.collect::<Result<_, Diag>>()?,
    })
}

/// Whether an identity exists in this process's user namespace.
fn knows(map: &str, id: u32) -> bool {
    let text = fs::read_to_string(format!("/proc/self/{map}")).unwrap_or_default();
    text.lines().any(|line| {
        let mut numbers = line
            .split_whitespace()
            .map(|word| word.parse::<u64>().unwrap_or(0));
        let (first, _, count) = (numbers.next(), numbers.next(), numbers.next());
        let first = first.unwrap_or(0);
        (first..first + count.unwrap_or(0)).contains(&u64::from(id))
    })
}

fn text(path: &Path) -> Result<String, Diag> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        Diag::environment(format!(
            "folder `{}` has a name that is not UTF-8",
            path.display()
        ))
    })
}

/// A folder that the unprivileged user of the actions can reach: `wanted`, or else one in
/// `/var/tmp`, since without mounts an action works in the folder where it is.
fn reachable(wanted: &Path) -> Result<PathBuf, Diag> {
    let open = |folder: &Path| fs::metadata(folder).map_or(true, |m| m.mode() & 0o001 != 0);
    if wanted.ancestors().all(open) {
        return Ok(wanted.to_owned());
    }
    let folder = PathBuf::from("/var/tmp/kiln-scratch-0");
    let failed = |error| Diag::io("cannot make the scratch folder", &folder, &error);
    match fs::DirBuilder::new().mode(0o711).create(&folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let metadata = fs::symlink_metadata(&folder).map_err(failed)?;
            if !metadata.is_dir() || metadata.uid() != 0 {
                return Err(failed(io::ErrorKind::PermissionDenied.into())
                    .note("somebody else made it; kiln does not use folders of others"));
            }
        }
        made => made.map_err(failed)?,
    }
    Ok(folder)
}

fn refused(sandbox: Sandbox, refusals: &[Failure]) -> Diag {
    let Some(first) = refusals.first() else {
        return Diag::internal("no sandbox was tried");
    };
    let diag = match sandbox {
        Sandbox::Require => cause(first),
        Sandbox::Landlock => failure::step(first),
        Sandbox::Off | Sandbox::Auto => return cause(refusals.last().unwrap_or(first)),
    };
    diag.note(format!("`{}` was asked for", sandbox.flag()))
}

/// Outputs could not be told from the workspace's own files.
fn cannot_work_in_place(refusals: &[Failure]) -> Diag {
    match refusals.first() {
        Some(refusal) => cause(refusal)
            .note("it is how the outputs of an action in the workspace are kept out of it"),
        None => Diag::internal("no way to run in the workspace was tried"),
    }
}

/// What is to be said of a tier that does not isolate everything.
fn warning(tier: Tier, sandbox: Sandbox, refusals: &[Failure]) -> Option<Diag> {
    let text = match tier {
        Tier::Namespaces | Tier::Workspace => return None,
        Tier::OuterProc => "sandbox: actions see the list of this machine's processes",
        Tier::Landlock => {
            "sandbox: using Landlock: host name, user, process list and `/tmp` are this machine's, \
             and paths differ from those elsewhere; results are not shared"
        }
        Tier::Plain => {
            "sandbox: not hermetic: actions can read and write whatever this user can, and use the \
             network; results are not shared"
        }
    };
    let diag = Diag::environment(text);
    let refusal = match tier {
        Tier::OuterProc => refusals.last(),
        _ => refusals.first(),
    };
    let diag = match refusal.filter(|_| sandbox == Sandbox::Auto) {
        None => diag.note(format!("`{}` was asked for", sandbox.flag())),
        Some(refusal) => {
            let why = cause(refusal);
            let noted = diag.note(why.message());
            why.hints().iter().fold(noted, |diag, hint| diag.hint(hint))
        }
    };
    Some(diag.into_warning())
}

/// Why a step was refused, and what would allow it.
fn cause(refusal: &Failure) -> Diag {
    let diag = failure::step(refusal);
    match (refusal.step, refusal.errno) {
        (Step::UserNamespace, libc::ENOSPC) => diag.hint(
            "user namespaces are limited to none or too few here: \
             `sudo sysctl user.max_user_namespaces=10000`",
        ),
        (Step::UserNamespace | Step::Namespaces | Step::ActionNamespaces, libc::EPERM) => diag
            .hint(
                "a container's filter refuses it: start the container with \
                 `--security-opt seccomp=unconfined --security-opt systempaths=unconfined`",
            )
            .hint(
                "on some systems: `sudo sysctl kernel.unprivileged_userns_clone=1`; \
                 inside a chroot it is never permitted",
            ),
        (Step::UserNamespace, libc::EINVAL | libc::ENOSYS) => {
            diag.hint("this kernel has no user namespaces (`CONFIG_USER_NS`)")
        }
        (Step::MapIds, _) => diag.hint(
            "root here lacks the capabilities SETUID and SETGID; run kiln as an ordinary user, or \
             start the container with `--cap-add=SETUID --cap-add=SETGID`",
        ),
        (Step::RootMount, libc::EPERM | libc::EACCES) => diag.hint(
            "AppArmor forbids mounts in user namespaces: \
             `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`",
        ),
        (Step::Proc, libc::EPERM) => diag.hint(
            "this container's `/proc` is masked: start it with \
             `--security-opt systempaths=unconfined`",
        ),
        (_, libc::ENOSYS) => diag.hint("this kernel is too old: the sandbox needs Linux 5.12"),
        _ => diag,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(tier: Tier, step: Step, errno: i32, expected: Expect) {
        let refusals = [Failure::new(step, errno, "")];
        let warning = warning(tier, Sandbox::Auto, &refusals).unwrap();
        expected.assert_eq(&warning.to_string());
    }

    /// Each refusal has a cause of its own.
    #[test]
    fn refusals_name_their_cause_and_cure() {
        use libc::{EINVAL, ENOSPC, ENOSYS, EPERM};
        check(
            Tier::Landlock,
            Step::UserNamespace,
            ENOSPC,
            expect![[r#"
            warning: sandbox: using Landlock: host name, user, process list and `/tmp` are this machine's, and paths differ from those elsewhere; results are not shared
               = the sandbox cannot make a user namespace: their limit is reached
            hint: user namespaces are limited to none or too few here: `sudo sysctl user.max_user_namespaces=10000`"#]],
        );
        check(
            Tier::Landlock,
            Step::UserNamespace,
            EPERM,
            expect![[r#"
            warning: sandbox: using Landlock: host name, user, process list and `/tmp` are this machine's, and paths differ from those elsewhere; results are not shared
               = the sandbox cannot make a user namespace: operation not permitted
            hint: a container's filter refuses it: start the container with `--security-opt seccomp=unconfined --security-opt systempaths=unconfined`
            hint: on some systems: `sudo sysctl kernel.unprivileged_userns_clone=1`; inside a chroot it is never permitted"#]],
        );
        check(
            Tier::Plain,
            Step::UserNamespace,
            EINVAL,
            expect![[r#"
            warning: sandbox: not hermetic: actions can read and write whatever this user can, and use the network; results are not shared
               = the sandbox cannot make a user namespace: invalid argument
            hint: this kernel has no user namespaces (`CONFIG_USER_NS`)"#]],
        );
        check(
            Tier::Landlock,
            Step::MapIds,
            EPERM,
            expect![[r#"
            warning: sandbox: using Landlock: host name, user, process list and `/tmp` are this machine's, and paths differ from those elsewhere; results are not shared
               = the sandbox cannot map the action's user: operation not permitted
            hint: root here lacks the capabilities SETUID and SETGID; run kiln as an ordinary user, or start the container with `--cap-add=SETUID --cap-add=SETGID`"#]],
        );
        check(
            Tier::Landlock,
            Step::RootMount,
            EPERM,
            expect![[r#"
            warning: sandbox: using Landlock: host name, user, process list and `/tmp` are this machine's, and paths differ from those elsewhere; results are not shared
               = the sandbox cannot mount its root: operation not permitted
            hint: AppArmor forbids mounts in user namespaces: `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`"#]],
        );
        check(
            Tier::OuterProc,
            Step::Proc,
            EPERM,
            expect![[r#"
            warning: sandbox: actions see the list of this machine's processes
               = the sandbox cannot mount `/proc`: operation not permitted
            hint: this container's `/proc` is masked: start it with `--security-opt systempaths=unconfined`"#]],
        );
        check(
            Tier::Plain,
            Step::ReadOnly,
            ENOSYS,
            expect![[r#"
            warning: sandbox: not hermetic: actions can read and write whatever this user can, and use the network; results are not shared
               = the sandbox cannot make a mount read-only: function not implemented
            hint: this kernel is too old: the sandbox needs Linux 5.12"#]],
        );
    }

    #[test]
    fn what_is_required_and_refused_is_an_error() {
        let refusals = [Failure::new(Step::UserNamespace, libc::ENOSPC, "")];
        expect![[r#"
            error: the sandbox cannot make a user namespace: their limit is reached
               = `--sandbox=required` was asked for
            hint: user namespaces are limited to none or too few here: `sudo sysctl user.max_user_namespaces=10000`"#]].assert_eq(&refused(Sandbox::Require, &refusals).to_string());
    }
}
