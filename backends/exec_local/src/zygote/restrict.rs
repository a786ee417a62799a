//! Landlock and seccomp around a process that has no namespaces of its own.
//!
//! | kept away | by |
//! | --- | --- |
//! | reading and writing what is not declared (looking at names is still possible) | Landlock |
//! | signals to, and abstract sockets of, other processes (Linux 6.12) | Landlock |
//! | the network, unless it is asked for | seccomp, for `io_uring` could go around it too |

use std::collections::BTreeMap;

use landlock::{
    ABI, Access, AccessFs, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetStatus, Scope,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

use super::wire::{Failure, Launch, Op, Setup, Step};

/// The newest rights that are asked for; older kernels enforce those they know.
const RIGHTS: ABI = ABI::V6;

/// Files of the machine that programs need besides the system roots.
const READABLE: [&str; 6] = [
    "/etc/group",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/resolv.conf",
    "/proc",
];
const WRITABLE: [&str; 7] = [
    "/dev/full",
    "/dev/null",
    "/dev/random",
    "/dev/shm",
    "/dev/urandom",
    "/dev/zero",
    "/tmp",
];

/// Restricts this process and all that it will start.
pub(super) fn apply(setup: &Setup, launch: &Launch<'_>) -> Result<(), Failure> {
    files(setup, launch)?;
    match setup.isolated_network {
        true => no_network(),
        false => Ok(()),
    }
}

fn files(setup: &Setup, launch: &Launch<'_>) -> Result<(), Failure> {
    let refused = |error: landlock::RulesetError| {
        Failure::new(Step::Restrict, libc::ENOSYS, error.to_string())
    };
    let (read, all) = (AccessFs::from_read(RIGHTS), AccessFs::from_all(RIGHTS));
    let mut rules = Ruleset::default()
        .handle_access(all)
        .and_then(|rules| rules.scope(Scope::from_all(RIGHTS)))
        .and_then(Ruleset::create)
        .map_err(refused)?;
    let root = setup.exec_root();
    for path in setup.roots.iter().map(String::as_str).chain(READABLE) {
        rules = allow(rules, path, read).map_err(refused)?;
    }
    for path in WRITABLE {
        rules = allow(rules, path, all).map_err(refused)?;
    }
    for stream in ["stdout", "stderr"] {
        rules = allow(rules, &format!("{}/{stream}", setup.scratch), all).map_err(refused)?;
    }
    let whole = if launch.writable_root { all } else { read };
    rules = allow(rules, &root, whole).map_err(refused)?;
    for op in &launch.writable {
        if let Op::Scratch(_, at) | Op::WritableDir(at) = op {
            rules = allow(rules, &format!("{root}/{at}"), all).map_err(refused)?;
        }
    }
    let status = rules.restrict_self().map_err(refused)?;
    match status.ruleset {
        RulesetStatus::NotEnforced => Err(Failure::new(Step::Restrict, libc::ENOSYS, "Landlock")),
        _ => Ok(()),
    }
}

/// Permits access below a path; one that is not there needs no permission.
fn allow(
    rules: RulesetCreated,
    path: &str,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, landlock::RulesetError> {
    match PathFd::new(path) {
        Ok(folder) => rules.add_rule(PathBeneath::new(folder, access)),
        Err(_) => Ok(rules),
    }
}

/// Lets sockets be made only between processes of this machine.
fn no_network() -> Result<(), Failure> {
    let refused = |error: &dyn std::fmt::Display| {
        Failure::new(Step::Restrict, libc::ENOSYS, format!("seccomp: {error}"))
    };
    let family = |family: libc::c_int| {
        let equal = SeccompCmpOp::Eq;
        let condition = SeccompCondition::new(0, SeccompCmpArgLen::Dword, equal, family as u64)?;
        SeccompRule::new(vec![condition])
    };
    let families = [libc::AF_INET, libc::AF_INET6, libc::AF_PACKET];
    let sockets: Vec<SeccompRule> = families
        .into_iter()
        .map(family)
        .collect::<Result<_, _>>()
        .map_err(|error| refused(&error))?;
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for table in SYSTEM_CALLS {
        rules.insert(table | libc::SYS_socket, sockets.clone());
        rules.insert(table | libc::SYS_io_uring_setup, Vec::new());
    }
    let architecture =
        TargetArch::try_from(std::env::consts::ARCH).map_err(|error| refused(&error))?;
    let deny = SeccompAction::Errno(libc::EACCES as u32);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, deny, architecture)
        .map_err(|error| refused(&error))?;
    let program = BpfProgram::try_from(filter).map_err(|error| refused(&error))?;
    seccompiler::apply_filter(&program).map_err(|error| refused(&error))
}

/// The system call tables that a 64-bit program can reach: on x86 there is a second one.
#[cfg(target_arch = "x86_64")]
const SYSTEM_CALLS: [i64; 2] = [0, 0x4000_0000];
#[cfg(not(target_arch = "x86_64"))]
const SYSTEM_CALLS: [i64; 1] = [0];
