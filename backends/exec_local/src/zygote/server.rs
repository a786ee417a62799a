//! The process that all workers are forked from.

use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use kiln_diag::Diag;
use rustix::process::{Pid, Signal, WaitOptions};

use super::wire::{Failure, OrFailure, Setup, Step, WireTier};
use super::worker;
use crate::unix::packet::{self, Message, Receiver};
use crate::unix::{self, Forked};

/// The server that forks workers when asked. It ends with this value, or with the process.
pub struct ZygoteServer {
    socket: Option<OwnedFd>,
    pid: Pid,
}

impl ZygoteServer {
    /// Forks the server off. To be called first thing in `main`: the process must have only one
    /// thread (a fork of more could wait for ever for a lock that a lost thread held), a small
    /// heap makes every later fork cheap, and the server dies with the *thread* that calls this
    /// (`PR_SET_PDEATHSIG`), so that has to be the main thread.
    pub fn start() -> Result<ZygoteServer, Diag> {
        let failed = |what: &str, error: std::io::Error| {
            let reason = kiln_diag::io_text(&error);
            Diag::environment(format!("cannot start the sandbox server: {what}: {reason}"))
        };
        match unix::single_threaded() {
            Ok(true) => {}
            Ok(false) => {
                return Err(Diag::internal(
                    "the sandbox server was started after other threads",
                ));
            }
            Err(error) => return Err(failed("`/proc/self/status`", error)),
        }
        let (ours, theirs) = packet::pair().map_err(|error| failed("socket pair", error))?;
        let parent = rustix::process::getpid();
        match unix::fork_into(0).map_err(|error| failed("fork", error))? {
            Forked::Parent(pid) => Ok(ZygoteServer {
                socket: Some(ours),
                pid,
            }),
            Forked::Child => {
                drop(ours);
                serve(parent, theirs)
            }
        }
    }

    /// Asks for a worker; its first message to `control` tells whether it is ready.
    pub(crate) fn new_worker(&self, setup: &Setup, control: BorrowedFd<'_>) -> std::io::Result<()> {
        let body = postcard::to_stdvec(setup).map_err(std::io::Error::other)?;
        match &self.socket {
            Some(socket) => packet::send(socket.as_fd(), &body, &[control]),
            None => Err(std::io::ErrorKind::NotConnected.into()),
        }
    }
}

impl Drop for ZygoteServer {
    fn drop(&mut self) {
        // The end of its socket ends the server, its death ends the workers.
        self.socket = None;
        let _ = rustix::process::waitpid(Some(self.pid), WaitOptions::empty());
    }
}

/// Makes this process end when its parent does.
pub(super) fn die_with_parent() {
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
}

fn serve(parent: Pid, socket: OwnedFd) -> ! {
    die_with_parent();
    if rustix::process::getppid() != Some(parent) {
        unix::exit_now(0);
    }
    settle();
    let mut socket = Some(socket);
    let mut receiver = Receiver::new();
    while let Some(open) = &socket {
        match receiver.receive(open.as_fd()) {
            Ok(Some(message)) => start_worker(message, &mut socket),
            _ => break,
        }
    }
    unix::exit_now(0)
}

/// Leaves terminal, standard streams, current folder and signal settings of kiln behind.
fn settle() {
    let _ = rustix::process::setsid();
    let _ = rustix::process::chdir("/");
    let _ = rustix::thread::set_name(c"kiln-zygote");
    if let Ok(null) = std::fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/null")
    {
        for stream in 0..3 {
            let _ = unix::duplicate_to(null.as_fd(), stream);
        }
    }
    unix::default_signals();
    // Workers that end are of no interest.
    unix::ignore_signal(libc::SIGCHLD, true);
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
}

fn start_worker(message: Message, socket: &mut Option<OwnedFd>) {
    let Message { body, mut fds } = message;
    let (Some(control), Ok(setup)) = (fds.pop(), postcard::from_bytes::<Setup>(&body)) else {
        return;
    };
    let parent = rustix::process::getpid();
    let forked = packet::pair().and_then(|pair| Ok((pair, unix::fork_into(0)?)));
    match forked {
        Ok(((_, child_end), Forked::Child)) => {
            *socket = None;
            worker::run(parent, setup, control, child_end)
        }
        Ok(((own_end, child_end), Forked::Parent(pid))) => {
            drop(child_end);
            give_ids(&setup, pid, own_end.as_fd());
        }
        Err(error) => {
            let failure = Failure::new(Step::Fork, error.raw_os_error().unwrap_or(0), "worker");
            worker::answer(control.as_fd(), &super::wire::Reply::Failed(failure));
        }
    }
}

/// When the worker has its user namespace, says who is who in it. Only a process of the outer
/// namespace may do so for more than one identity.
fn give_ids(setup: &Setup, pid: Pid, sync: BorrowedFd<'_>) {
    let mut receiver = Receiver::of_short();
    // A worker without namespaces, or one that was refused them, just closes its end.
    if let Ok(Some(_)) = receiver.receive(sync) {
        let result = write_maps(setup, pid);
        let body = postcard::to_stdvec(&result).unwrap_or_default();
        let _ = packet::send(sync, &body, &[]);
    }
}

fn write_maps(setup: &Setup, pid: Pid) -> Result<(), Failure> {
    let pid = pid.as_raw_nonzero();
    let write = |name: &str, text: String| {
        let path = format!("/proc/{pid}/{name}");
        // One `write` only: the kernel takes a map once and whole.
        std::fs::File::options()
            .write(true)
            .open(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .or_failure(Step::MapIds, name)
    };
    // As root, the mounts are made by an inner root that the action never is.
    let root = if setup.privileged { "0 0 1\n" } else { "" };
    // In the workspace everybody keeps their name.
    let (user, group) = match setup.tier {
        WireTier::Workspace => setup.outer,
        _ => (1000, 1000),
    };
    write("setgroups", "deny".to_owned())?;
    write("uid_map", format!("{root}{user} {} 1\n", setup.outer.0))?;
    write("gid_map", format!("{root}{group} {} 1\n", setup.outer.1))
}
