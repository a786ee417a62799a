//! What went wrong around an action, in words.

use std::io;
use std::path::Path;

use kiln_diag::{Diag, io_text};
use kiln_process::{ExecError, Process};

use crate::zygote::wire::{self, Failure};
use kiln_exec_root::{Plan, Step};

/// The error of a step that failed for one action.
pub(crate) fn of_action(failure: &Failure, process: &Process, plan: &Plan) -> ExecError {
    let reason = io_text(&io::Error::from_raw_os_error(failure.errno));
    let what = &failure.what;
    match (failure.step, failure.errno) {
        (wire::Step::Exec, _) => ExecError::Failed(program(failure, process, &reason)),
        (wire::Step::Input, libc::ENOENT) if what.contains('/') => match blob_named(plan, what) {
            Some(digest) => ExecError::MissingBlob(digest),
            None => ExecError::Failed(step(failure)),
        },
        (wire::Step::Workdir, _) => ExecError::Failed(Diag::build(format!(
            "cannot enter working directory `{what}`: {reason}"
        ))),
        _ => ExecError::Failed(step(failure)),
    }
}

/// Less room than this is none: whatever an action writes does not fit.
const NO_ROOM: u64 = 64 << 10;
/// How much of what a process wrote goes into a message.
const SHOWN: usize = 4 << 10;

/// Why a process failed that left the disk full it wrote to: it is the machine's fault, whatever
/// the process itself said (often nothing, as its words did not fit either). `None` if there is
/// room. `stderr` is the file that has its words.
pub(crate) fn no_space(stderr: &Path) -> Option<Diag> {
    let folder = stderr.parent()?;
    let space = rustix::fs::statvfs(folder).ok()?;
    let bytes = space.f_bavail.saturating_mul(space.f_frsize);
    // A file system without a fixed number of files says 0 of 0.
    let files_left = space.f_files == 0 || space.f_favail > 0;
    if bytes >= NO_ROOM && files_left {
        return None;
    }
    let what = match files_left {
        true => "no space left on device",
        false => "no room for another file on the device",
    };
    // `<folder>/<process>-<number>/<slot>/stderr`: the numbers tell nobody anything.
    let shown = folder.ancestors().nth(2).unwrap_or(folder);
    let diag = Diag::environment(format!("cannot write to `{}`: {what}", shown.display()));
    let written = std::fs::read(stderr).unwrap_or_default();
    let written = &written[written.len().saturating_sub(SHOWN)..];
    let written = String::from_utf8_lossy(written);
    let diag = match written.trim() {
        "" => diag,
        text => diag.note(format!("what failed there said:\n{text}")),
    };
    Some(diag.hint("free some space there, or put kiln's folder elsewhere: `--cache_dir=<folder>`"))
}

fn program(failure: &Failure, process: &Process, reason: &str) -> Diag {
    let program = process.argv.first().map(String::as_str).unwrap_or_default();
    match failure.errno {
        _ if program.is_empty() => Diag::build("the command is empty: there is no program to run"),
        libc::ENOENT if program.contains('/') => Diag::build(format!(
            "cannot run `{program}`: there is no such file in the sandbox"
        ))
        .hint("declare it as an input or a tool of the action"),
        libc::ENOENT => {
            let path = process
                .env
                .get("PATH")
                .map(String::as_str)
                .unwrap_or_default();
            let diag = Diag::build(format!("cannot run `{program}`: no such program"));
            match path {
                "" => diag.hint("`PATH` is not set for this action, so give the program's path"),
                path => diag.note(format!("looked for in `PATH`, which is `{path}`")),
            }
        }
        libc::ELIBBAD if failure.what == program => Diag::build(format!(
            "cannot run `{program}`: the loader or interpreter it asks for is not in the sandbox"
        )),
        libc::ELIBBAD => Diag::build(format!(
            "cannot run `{program}`: its interpreter `{}` is not in the sandbox",
            failure.what
        )),
        libc::EACCES => Diag::build(format!("cannot run `{program}`: permission denied"))
            .hint("is the file executable?"),
        libc::E2BIG => Diag::build(format!(
            "cannot run `{program}`: its arguments and environment are too long for this system"
        ))
        .hint("pass long lists in a file (a params file)"),
        libc::EINVAL => Diag::build(format!(
            "cannot run `{program}`: an argument or variable contains a NUL byte"
        )),
        _ => Diag::build(format!("cannot run `{program}`: {reason}")),
    }
}

/// A failed step of the sandbox itself.
pub(crate) fn step(failure: &Failure) -> Diag {
    let Failure { step, errno, what } = failure;
    let doing = match step {
        wire::Step::Protocol => "talk to its zygote",
        wire::Step::Limits => "enter its control group",
        wire::Step::Fork => "make a process",
        wire::Step::UserNamespace => "make a user namespace",
        wire::Step::MapIds => "map the action's user",
        wire::Step::Namespaces => "make namespaces",
        wire::Step::Hostname => "set the host name",
        wire::Step::Loopback => "bring the loopback device up",
        wire::Step::RootMount => "mount its root",
        wire::Step::PivotRoot => "change into its root",
        wire::Step::SystemRoot => "show a system folder",
        wire::Step::Device => "show a device",
        wire::Step::StoreMount => "mount the store",
        wire::Step::ReadOnly => "make a mount read-only",
        wire::Step::ActionNamespaces => "make the action's namespaces",
        wire::Step::PrivateMount => "mount a private folder",
        wire::Step::Proc => "mount `/proc`",
        wire::Step::Input => "put an input in place",
        wire::Step::Scratch => "put an output folder in place",
        wire::Step::Drop => "give up privileges",
        wire::Step::Restrict => "restrict the action",
        wire::Step::Show => "show an action's files in the workspace",
        wire::Step::Workdir => "enter the working directory",
        wire::Step::Exec => "run the program",
    };
    let reason = match (step, *errno) {
        (_, 0) => "unexpected answer".to_owned(),
        // What the kernel calls "no space left on device".
        (wire::Step::UserNamespace, libc::ENOSPC) => "their limit is reached".to_owned(),
        (_, errno) => io_text(&io::Error::from_raw_os_error(errno)),
    };
    let diag = Diag::environment(format!("the sandbox cannot {doing}: {reason}"));
    match what.as_str() {
        "" => diag,
        what => diag.note(format!("at `{what}`")),
    }
}

/// A zygote that went away.
pub(crate) fn lost() -> ExecError {
    ExecError::Unavailable(
        Diag::environment("the sandbox's zygote process is gone")
            .note("something outside of kiln ended it, perhaps for want of memory"),
    )
}

/// The digest of the blob of a plan that is at `path` below the store's folder.
fn blob_named(plan: &Plan, path: &str) -> Option<kiln_base::Digest> {
    let hex: String = path.chars().filter(char::is_ascii_hexdigit).collect();
    let mut steps = plan.inputs.iter().chain(&plan.writable);
    steps.find_map(|step| match step {
        Step::File(digest, ..) | Step::Copy(digest, ..) if hex.contains(&digest.hex()) => {
            Some(*digest)
        }
        _ => None,
    })
}
