//! Pid 1 of an action: builds the sandbox around itself, starts the program, reaps whatever ends,
//! and takes everything that is left with it when the program has ended.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{DumpableBehavior, Pid, Signal, WaitOptions, WaitStatus};
use rustix::thread::{Gid, Uid};

use super::wire::{End, Failure, Launch, OrFailure, Reply, Resource, Setup, Step, WireTier};
use super::{plain, program, server, stage, worker};
use crate::unix::{self, Forked};

const SIGNALS: [libc::c_int; 2] = [libc::SIGCHLD, libc::SIGTERM];

/// The whole life of pid 1. The reply goes to the worker.
pub(super) fn run(setup: &Setup, launch: &Launch<'_>, streams: &[OwnedFd], status: OwnedFd) -> ! {
    die_with_worker(status.as_fd());
    let reply = sandboxed(setup, launch, streams, status.as_fd());
    worker::answer(status.as_fd(), &reply.unwrap_or_else(Reply::Failed));
    unix::exit_now(0)
}

fn sandboxed(
    setup: &Setup,
    launch: &Launch<'_>,
    streams: &[OwnedFd],
    status: BorrowedFd<'_>,
) -> Result<Reply, Failure> {
    match setup.tier {
        WireTier::Namespaces { .. } => stage::build(setup, launch)?,
        WireTier::Landlock | WireTier::Plain => plain::build(setup, launch)?,
    }
    drop_privileges(setup)?;
    // A change of identity makes the kernel forget whom this process dies with.
    die_with_worker(status);
    unix::block_signals(&SIGNALS);
    unix::no_core_dumps();
    let [stdout, stderr] = streams else {
        return Err(Failure::new(Step::Protocol, 0, "output streams"));
    };
    let start = Instant::now();
    let pid = program::start(setup, launch, stdout.as_fd(), stderr.as_fd())?;
    let end = reap_until(pid, setup.limits.processes > 0);
    let elapsed = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    Ok(Reply::Done { end, elapsed })
}

fn die_with_worker(status: BorrowedFd<'_>) {
    server::die_with_parent();
    // It may have died just before.
    let mut fds = [PollFd::from_borrowed_fd(status, PollFlags::HUP)];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let _ = rustix::event::poll(&mut fds, Some(&now));
    if fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR) {
        unix::exit_now(0);
    }
}

fn drop_privileges(setup: &Setup) -> Result<(), Failure> {
    let what = "privileges";
    if setup.privileged {
        let (uid, gid) = match setup.tier {
            WireTier::Namespaces { .. } => (1000, 1000),
            WireTier::Landlock | WireTier::Plain => {
                rustix::thread::set_thread_groups(&[]).or_failure(Step::Drop, what)?;
                setup.outer
            }
        };
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
        rustix::thread::set_thread_res_gid(gid, gid, gid).or_failure(Step::Drop, what)?;
        rustix::thread::set_thread_res_uid(uid, uid, uid).or_failure(Step::Drop, what)?;
    }
    rustix::thread::set_no_new_privs(true).or_failure(Step::Drop, what)?;
    unix::drop_capabilities().or_failure(Step::Drop, what)?;
    // The action has the same identity; this keeps its hands off pid 1.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .or_failure(Step::Drop, what)
}

/// How often is tried whether another process could be made.
const TRIAL: Duration = Duration::from_secs(1);

/// Reaps whatever ends until the program does, handing a request to stop on to it. `limited`: the
/// kernel limits the processes of this namespace, which it tells nobody but who is refused one.
fn reap_until(program: Pid, limited: bool) -> End {
    loop {
        while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
            if pid == program
                && let Some(end) = ended(status)
            {
                return end;
            }
        }
        match unix::next_signal(&SIGNALS, limited.then_some(TRIAL)) {
            Some(libc::SIGTERM) => {
                let _ = rustix::process::kill_process_group(program, Signal::TERM);
            }
            Some(_) => {}
            None if is_full() => return End::Limit(Resource::Processes),
            None => {}
        }
    }
}

/// Whether no other process can be made.
fn is_full() -> bool {
    match unix::fork_into(0) {
        Ok(Forked::Child) => unix::exit_now(0),
        // It is reaped with the others.
        Ok(Forked::Parent(_)) => false,
        Err(error) => error.raw_os_error() == Some(libc::EAGAIN),
    }
}

fn ended(status: WaitStatus) -> Option<End> {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Some(End::Code(code)),
        (None, Some(signal)) => Some(End::Signal(signal)),
        (None, None) => None,
    }
}
