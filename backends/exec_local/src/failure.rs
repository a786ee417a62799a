//! What went wrong around an action, in words.

use std::io;

use kiln_diag::{Diag, io_text};
use kiln_process::{ExecError, Process};

use crate::plan::{Clash, Plan, Step};
use crate::zygote::wire::{self, Failure};

/// The error of a step that failed for one action.
pub(crate) fn of_action(failure: &Failure, process: &Process, plan: &Plan) -> ExecError {
    let reason = io_text(&io::Error::from_raw_os_error(failure.errno));
    let what = &failure.what;
    match (failure.step, failure.errno) {
        (wire::Step::Exec, _) => ExecError::Failed(program(failure, process, &reason)),
        (wire::Step::Input, libc::ENOENT) if what.contains('/') => match plan.blob_named(what) {
            Some(digest) => ExecError::MissingBlob(digest),
            None => ExecError::Failed(step(failure)),
        },
        (wire::Step::Workdir, _) => ExecError::Failed(Diag::build(format!(
            "cannot enter working directory `{what}`: {reason}"
        ))),
        _ => ExecError::Failed(step(failure)),
    }
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

/// Inputs and outputs that exclude each other.
pub(crate) fn clash(clash: &Clash) -> ExecError {
    ExecError::Failed(
        Diag::build(format!(
            "input `{}` is a file where an output needs a folder",
            clash.path
        ))
        .hint("give the output another name"),
    )
}

/// A zygote that went away.
pub(crate) fn lost() -> ExecError {
    ExecError::Unavailable(
        Diag::environment("the sandbox's zygote process is gone")
            .note("something outside of kiln ended it, perhaps for want of memory"),
    )
}

impl Plan {
    /// The digest of the blob that is at `path` below the store's folder.
    fn blob_named(&self, path: &str) -> Option<kiln_base::Digest> {
        let hex: String = path.chars().filter(char::is_ascii_hexdigit).collect();
        let mut steps = self.inputs.iter().chain(&self.writable);
        steps.find_map(|step| match step {
            Step::File(digest, ..) | Step::Copy(digest, ..) if hex.contains(&digest.hex()) => {
                Some(*digest)
            }
            _ => None,
        })
    }
}
