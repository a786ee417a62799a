//! Pid 1 of an action: builds the sandbox around itself, starts the program, reaps whatever ends,
//! and takes everything that is left with it when the program has ended.
//!
//! It runs in its worker's memory while the worker is held, so that it is also the one that hears
//! kiln's word and looks at the clock.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{DumpableBehavior, Pid, Signal, WaitOptions, WaitStatus};
use rustix::thread::{Gid, Uid};

use super::limits::Watched;
use super::reads::Reads;
use super::wire::{End, Failure, Launch, OrFailure, Resource, Setup, Step, WireTier};
use super::{plain, program, server, stage, workplace};
use crate::unix::packet::Receiver;
use crate::unix::{self, Forked};

/// What a worker holds ready for all its actions.
pub(super) struct Surroundings {
    pub setup: Setup,
    /// Tells whether a limit was hit.
    pub watched: Watched,
    /// Kiln.
    pub control: OwnedFd,
    /// The worker itself: something to read means that it is dead.
    pub worker: OwnedFd,
    /// Something to read means that a child ended.
    pub children: OwnedFd,
}

/// How an action went.
pub(super) enum Outcome {
    /// It ran; what it read, if somebody watched.
    Ended(End, Option<Vec<String>>),
    /// Kiln is gone.
    Abandoned,
}

/// The signals that are read from [`Surroundings::children`].
pub(super) const SIGNALS: [libc::c_int; 1] = [libc::SIGCHLD];

/// Runs the action; what is left of it ends with the calling process.
pub(super) fn run(
    around: &Surroundings,
    launch: &Launch<'_>,
    streams: &[OwnedFd],
    receiver: &mut Receiver,
) -> Result<Outcome, Failure> {
    let setup = &around.setup;
    let timeout = (launch.timeout > 0).then(|| Duration::from_millis(launch.timeout));
    let timeout = timeout.map(|timeout| Instant::now() + timeout);
    die_with_worker(around);
    match setup.tier {
        WireTier::Namespaces { .. } => stage::build(setup, launch)?,
        WireTier::Landlock | WireTier::Plain => plain::build(setup, launch)?,
        WireTier::Workspace => workplace::build(setup, launch)?,
    }
    drop_privileges(setup)?;
    // A change of identity makes the kernel forget whom this process dies with.
    die_with_worker(around);
    unix::block_signals(&SIGNALS);
    unix::no_core_dumps();
    let [stdout, stderr] = streams else {
        return Err(Failure::new(Step::Protocol, 0, "output streams"));
    };
    let spawned = program::start(setup, launch, stdout.as_fd(), stderr.as_fd())?;
    let reads = spawned.listener.map(|listener| Reads::new(setup, listener));
    let mut watch = Watch {
        around,
        program: spawned.pid,
        reads,
        timeout,
        grace: Duration::from_millis(launch.grace),
        kill_at: None,
        trial: (setup.limits.processes > 0).then(|| Instant::now() + TRIAL),
    };
    let end = watch.until_end(receiver);
    let reads = watch.reads.map(Reads::into_paths);
    Ok(end.map_or(Outcome::Abandoned, |end| Outcome::Ended(end, reads)))
}

fn die_with_worker(around: &Surroundings) {
    server::die_with_parent();
    // It may have died just before.
    let [worker] = ready([around.worker.as_fd()], Some(Duration::ZERO));
    if worker {
        unix::exit_now(0);
    }
}

/// Which of the descriptors have something to read.
fn ready<const N: usize>(fds: [BorrowedFd<'_>; N], wait: Option<Duration>) -> [bool; N] {
    let mut fds = fds.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
    let wait = wait.map(|wait| Timespec {
        tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: wait.subsec_nanos().into(),
    });
    // Interrupted or timed out: nothing is ready, and the caller looks at the clock.
    let _ = rustix::event::poll(&mut fds, wait.as_ref());
    fds.map(|fd| !fd.revents().is_empty())
}

fn drop_privileges(setup: &Setup) -> Result<(), Failure> {
    let what = "privileges";
    if setup.tier == WireTier::Workspace {
        // It is whoever runs kiln, and may do the same (ENV-130). In a user namespace the kernel
        // takes capabilities away when the program starts.
        return not_dumpable();
    }
    if setup.privileged {
        let (uid, gid) = match setup.tier {
            WireTier::Namespaces { .. } => (1000, 1000),
            WireTier::Landlock | WireTier::Plain | WireTier::Workspace => {
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
    not_dumpable()
}

/// The action has the same identity; this keeps its hands off pid 1.
fn not_dumpable() -> Result<(), Failure> {
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .or_failure(Step::Drop, "privileges")
}

/// How often is tried whether another process could be made.
const TRIAL: Duration = Duration::from_secs(1);

/// A running action.
struct Watch<'a> {
    around: &'a Surroundings,
    program: Pid,
    reads: Option<Reads>,
    timeout: Option<Instant>,
    grace: Duration,
    /// When it is killed, after it was asked to stop.
    kill_at: Option<Instant>,
    /// When to try whether another process can be made: the kernel limits those of this namespace,
    /// which it tells nobody but who is refused one.
    trial: Option<Instant>,
}

impl Watch<'_> {
    /// Reaps whatever ends until the program does, or until it has to end. `None`: kiln is gone.
    fn until_end(&mut self, receiver: &mut Receiver) -> Option<End> {
        let around = self.around;
        loop {
            // Where nobody watches, one of the others stands in twice.
            let opened = self.reads.as_ref().map_or(&around.worker, Reads::listener);
            let fds = [&around.control, &around.children, &around.worker, opened];
            let [told, children, orphaned, opened] = ready(fds.map(AsFd::as_fd), self.wait());
            if orphaned {
                unix::exit_now(0);
            }
            // Before the end of the program: a limit that was hit may well be why it ended.
            if let Some(resource) = around.watched.hit() {
                return Some(End::Limit(resource));
            }
            if children && let Some(end) = self.reap() {
                let asked = self.kill_at.is_some();
                return Some(if asked { End::TimedOut } else { end });
            }
            if opened
                && let Some(reads) = &mut self.reads
                && reads.take().is_err()
            {
                // All its processes are gone, or there is no more to be learned.
                self.reads = None;
            }
            if told {
                return match receiver.receive(around.control.as_fd()) {
                    Ok(Some(_)) => Some(End::Killed),
                    _ => None,
                };
            }
            if let Some(end) = self.look_at_the_clock() {
                return Some(end);
            }
        }
    }

    /// How long nothing need be done.
    fn wait(&self) -> Option<Duration> {
        let next = [self.kill_at.or(self.timeout), self.trial];
        let next = next.into_iter().flatten().min();
        let next = next.map(|next| next.saturating_duration_since(Instant::now()));
        [next, self.around.watched.interval()]
            .into_iter()
            .flatten()
            .min()
    }

    fn look_at_the_clock(&mut self) -> Option<End> {
        let now = Instant::now();
        let is_due = |time: Option<Instant>| time.is_some_and(|time| now >= time);
        if is_due(self.kill_at) {
            return Some(End::TimedOut);
        }
        if self.kill_at.is_none() && is_due(self.timeout) {
            if self.grace.is_zero() {
                return Some(End::TimedOut);
            }
            self.kill_at = Some(now + self.grace);
            let _ = rustix::process::kill_process_group(self.program, Signal::TERM);
        }
        if is_due(self.trial) {
            if is_full() {
                return Some(End::Limit(Resource::Processes));
            }
            self.trial = Some(now + TRIAL);
        }
        None
    }

    fn reap(&self) -> Option<End> {
        // One signal may stand for several children; what it says of them is not needed.
        let mut said = [0; 1024];
        while matches!(rustix::io::read(&self.around.children, &mut said), Ok(1..)) {}
        while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
            if pid == self.program
                && let Some(end) = ended(status)
            {
                return Some(end);
            }
        }
        None
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
