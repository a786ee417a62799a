//! A worker: holds the namespaces that outlive one action, and runs one action at a time.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, Signal, WaitOptions};
use rustix::thread::UnshareFlags;

use super::limits::{self, Watched};
use super::wire::{End, Failure, Launch, OrFailure, Reply, Setup, Step, WireTier};
use super::{init, ipc, server, skeleton};
use crate::unix::packet::{self, Message, Receiver};
use crate::unix::{self, Forked};

/// The children of a thread, where the kernel lists them.
const CHILDREN: &str = "/proc/thread-self/children";

/// Sends a reply. When kiln is gone there is nobody to tell, and the next `receive` notices.
pub(super) fn answer(control: BorrowedFd<'_>, reply: &Reply) {
    let body = postcard::to_stdvec(reply).unwrap_or_default();
    let _ = packet::send(control, &body, &[]);
}

/// The whole life of a worker.
pub(super) fn run(parent: Pid, setup: Setup, control: OwnedFd, sync: OwnedFd) -> ! {
    server::die_with_parent();
    if rustix::process::getppid() != Some(parent) {
        unix::exit_now(0);
    }
    unix::ignore_signal(libc::SIGCHLD, false);
    let watched = match prepare(&setup, sync) {
        Ok(watched) => watched,
        Err(failure) => {
            answer(control.as_fd(), &Reply::Failed(failure));
            unix::exit_now(0);
        }
    };
    answer(control.as_fd(), &Reply::Ready);
    let mut receiver = Receiver::new();
    while let Ok(Some(message)) = receiver.receive(control.as_fd()) {
        // A `Kill` that crossed with the reply to its action comes as an empty message.
        if message.body.is_empty() {
            continue;
        }
        let reply = action(&setup, &watched, message, control.as_fd(), &mut receiver);
        answer(control.as_fd(), &reply.unwrap_or_else(Reply::Failed));
    }
    unix::exit_now(0)
}

fn prepare(setup: &Setup, sync: OwnedFd) -> Result<Watched, Failure> {
    let watched = limits::enter(&setup.limits)?;
    match setup.tier {
        WireTier::Namespaces { .. } => namespaces(setup, sync)?,
        WireTier::Landlock | WireTier::Plain => unconfined()?,
    }
    limits::processes(&setup.limits)?;
    Ok(watched)
}

fn namespaces(setup: &Setup, sync: OwnedFd) -> Result<(), Failure> {
    if setup.privileged {
        rustix::thread::set_thread_groups(&[]).or_failure(Step::Drop, "supplementary groups")?;
    }
    unshare(UnshareFlags::NEWUSER).or_failure(Step::UserNamespace, "")?;
    ask_for_ids(sync)?;
    let mut others = UnshareFlags::NEWNS | UnshareFlags::NEWUTS | UnshareFlags::NEWIPC;
    if setup.isolated_network {
        others |= UnshareFlags::NEWNET;
    }
    unshare(others).or_failure(Step::Namespaces, "")?;
    rustix::system::sethostname(b"localhost").or_failure(Step::Hostname, "localhost")?;
    if setup.isolated_network {
        unix::loopback_up().or_failure(Step::Loopback, "lo")?;
    }
    skeleton::build(setup)
}

/// Without a pid namespace, what an action leaves behind becomes this process's child, so that it
/// can be found. That takes this process to stay when kiln dies, until its socket tells it so.
fn unconfined() -> Result<(), Failure> {
    std::fs::metadata(CHILDREN).or_failure(Step::Fork, CHILDREN)?;
    rustix::process::set_parent_process_death_signal(None).or_failure(Step::Fork, "worker")?;
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .or_failure(Step::Fork, "subreaper")
}

fn unshare(flags: UnshareFlags) -> rustix::io::Result<()> {
    unix::unshare(flags)
}

fn ask_for_ids(sync: OwnedFd) -> Result<(), Failure> {
    packet::send(sync.as_fd(), b"ids", &[]).or_failure(Step::MapIds, "server")?;
    let answer = Receiver::of_short()
        .receive(sync.as_fd())
        .or_failure(Step::MapIds, "server")?;
    let gone = || Failure::new(Step::MapIds, 0, "server");
    let Message { body, .. } = answer.ok_or_else(gone)?;
    postcard::from_bytes::<Result<(), Failure>>(&body).unwrap_or_else(|_| Err(gone()))
}

fn action(
    setup: &Setup,
    watched: &Watched,
    message: Message,
    control: BorrowedFd<'_>,
    receiver: &mut Receiver,
) -> Result<Reply, Failure> {
    let Message { body, fds } = message;
    let launch: Launch<'_> = postcard::from_bytes(&body)
        .map_err(|error| Failure::new(Step::Protocol, 0, error.to_string()))?;
    let (status, child_status) = packet::pair().or_failure(Step::Fork, "socket pair")?;
    let start = Instant::now();
    let namespaces = match setup.tier {
        WireTier::Namespaces { .. } => libc::CLONE_NEWNS | libc::CLONE_NEWPID,
        _ => 0,
    };
    let forked = unix::fork_into(namespaces);
    let pid = match forked.or_failure(Step::ActionNamespaces, "action")? {
        Forked::Child => {
            drop(status);
            init::run(setup, &launch, &fds, child_status)
        }
        Forked::Parent(pid) => pid,
    };
    drop((fds, child_status));
    let mut watch = Watch {
        watched,
        control,
        status: status.as_fd(),
        pid,
        namespaces: namespaces != 0,
        stopped: None,
        kill_at: None,
    };
    let timeout = (launch.timeout > 0).then(|| start + Duration::from_millis(launch.timeout));
    let report = watch.until_end(timeout, Duration::from_millis(launch.grace), receiver);
    watch.reap();
    if namespaces != 0 {
        ipc::renew()?;
    }
    if setup.isolated_network && namespaces != 0 {
        renew_network()?;
    }
    let elapsed = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    Ok(match (watch.stopped, report) {
        (Some(end), _) => Reply::Done { end, elapsed },
        (None, Some(reply)) => reply,
        // Something outside killed pid 1, the kernel for want of memory say.
        (None, None) => Reply::Done {
            end: End::Signal(libc::SIGKILL),
            elapsed,
        },
    })
}

/// A running action, seen from its worker.
struct Watch<'a> {
    /// Whether it hit a limit.
    watched: &'a Watched,
    control: BorrowedFd<'a>,
    status: BorrowedFd<'a>,
    pid: Pid,
    /// Whether its processes are all gone when pid 1 is.
    namespaces: bool,
    /// Why it was stopped, if it was.
    stopped: Option<End>,
    kill_at: Option<Instant>,
}

impl Watch<'_> {
    /// Waits for pid 1's report, for kiln's word, or for the timeout; `None` if pid 1 was killed.
    fn until_end(
        &mut self,
        timeout: Option<Instant>,
        grace: Duration,
        receiver: &mut Receiver,
    ) -> Option<Reply> {
        loop {
            let deadline = if self.stopped.is_some() {
                self.kill_at
            } else {
                timeout
            };
            let [told, reported] = self.poll(deadline);
            // Before its report: a limit that was hit may well be why it ended.
            if self.stopped.is_none()
                && let Some(resource) = self.watched.hit()
            {
                self.stopped = Some(End::Limit(resource));
                self.kill();
                return None;
            }
            if reported {
                let message = receiver.receive(self.status).ok().flatten()?;
                return postcard::from_bytes(&message.body).ok();
            }
            if told {
                let gone = !matches!(receiver.receive(self.control), Ok(Some(_)));
                self.kill();
                self.stopped = Some(End::Killed);
                if gone {
                    self.reap();
                    unix::exit_now(0);
                }
                return None;
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                if self.stopped.is_some() || grace.is_zero() {
                    self.stopped = Some(End::TimedOut);
                    self.kill();
                    return None;
                }
                self.stopped = Some(End::TimedOut);
                self.kill_at = Some(Instant::now() + grace);
                let _ = rustix::process::kill_process(self.pid, Signal::TERM);
            }
        }
    }

    /// Whether kiln said something, and whether pid 1 did.
    fn poll(&self, deadline: Option<Instant>) -> [bool; 2] {
        let mut fds = [
            PollFd::from_borrowed_fd(self.control, PollFlags::IN),
            PollFd::from_borrowed_fd(self.status, PollFlags::IN),
        ];
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let left = match self.watched.interval() {
            Some(interval) => Some(left.unwrap_or(interval).min(interval)),
            None => left,
        };
        let left = left.map(|left| Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        });
        // Interrupted or timed out: nothing is ready, and the caller looks at the clock.
        let _ = rustix::event::poll(&mut fds, left.as_ref());
        [!fds[0].revents().is_empty(), !fds[1].revents().is_empty()]
    }

    fn kill(&self) {
        let _ = rustix::process::kill_process(self.pid, Signal::KILL);
    }

    /// Waits for pid 1, which the kernel lets go only when all its namespace's processes are gone.
    fn reap(&self) {
        while let Err(rustix::io::Errno::INTR) =
            rustix::process::waitpid(Some(self.pid), WaitOptions::empty())
        {}
        if !self.namespaces {
            self.kill_orphans();
        }
    }

    /// Kills what became this process's child by the death of its parent. There is none with a
    /// pid namespace.
    fn kill_orphans(&self) {
        while let Ok(children) = std::fs::read_to_string(CHILDREN) {
            let mut pids = children
                .split_whitespace()
                .filter_map(|pid| pid.parse().ok());
            let mut any = false;
            while let Some(pid) = pids.next().and_then(Pid::from_raw) {
                any = true;
                let _ = rustix::process::kill_process(pid, Signal::KILL);
                let _ = rustix::process::waitpid(Some(pid), WaitOptions::empty());
            }
            if !any {
                return;
            }
        }
    }
}

/// Connections that an action closed linger for a minute and keep their ports; the next action
/// must not meet them, so it gets a network of its own then.
fn renew_network() -> Result<(), Failure> {
    // One read takes all of it: half a kilobyte.
    let mut sockets = [0; 4096];
    let read = std::fs::File::open("/proc/net/sockstat")
        .and_then(|mut file| std::io::Read::read(&mut file, &mut sockets));
    let Ok(length) = read else {
        return Ok(());
    };
    if lingering(&String::from_utf8_lossy(&sockets[..length])) {
        unshare(UnshareFlags::NEWNET).or_failure(Step::Namespaces, "")?;
        unix::loopback_up().or_failure(Step::Loopback, "lo")?;
    }
    Ok(())
}

fn lingering(sockstat: &str) -> bool {
    let tcp = sockstat.lines().find_map(|line| line.strip_prefix("TCP:"));
    let words: Vec<&str> = tcp.unwrap_or_default().split_whitespace().collect();
    words
        .chunks_exact(2)
        .any(|pair| matches!(pair[0], "inuse" | "orphan" | "tw") && pair[1] != "0")
}

#[cfg(test)]
mod tests {
    use super::lingering;

    #[test]
    fn sockets_that_linger_are_seen() {
        for (text, expected) in [
            (
                "sockets: used 1\nTCP: inuse 0 orphan 0 tw 0 alloc 3 mem 0\n",
                false,
            ),
            (
                "sockets: used 1\nTCP: inuse 0 orphan 0 tw 2 alloc 0 mem 0\n",
                true,
            ),
            ("TCP: inuse 0 orphan 1 tw 0 alloc 0 mem 0\n", true),
            ("", false),
        ] {
            assert_eq!(lingering(text), expected, "{text}");
        }
    }
}
