//! A worker: holds the namespaces that outlive one action, and runs one action at a time.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions};
use rustix::thread::UnshareFlags;

use super::init::{Outcome, Surroundings};
use super::limits::{self, Watched};
use super::wire::{Failure, Launch, OrFailure, Reply, Setup, Step, WireTier};
use super::{init, ipc, server, skeleton, workplace};
use crate::unix::packet::{self, Message, Receiver};
use crate::unix::{self, Stack};

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
    let around =
        match prepare(&setup, sync).and_then(|watched| surroundings(setup, watched, &control)) {
            Ok(around) => around,
            Err(failure) => {
                answer(control.as_fd(), &Reply::Failed(failure));
                unix::exit_now(0);
            }
        };
    answer(control.as_fd(), &Reply::Ready);
    let mut receiver = Receiver::new();
    let mut stack = Stack::new();
    while let Ok(Some(message)) = receiver.receive(control.as_fd()) {
        // A `Kill` that crossed with the reply to its action comes as an empty message.
        if message.body.is_empty() {
            continue;
        }
        match action(&around, message, &mut receiver, &mut stack) {
            Ok(Some(reply)) => answer(control.as_fd(), &reply),
            Ok(None) => break,
            Err(failure) => answer(control.as_fd(), &Reply::Failed(failure)),
        }
    }
    unix::exit_now(0)
}

fn surroundings(
    setup: Setup,
    watched: Watched,
    control: &OwnedFd,
) -> Result<Surroundings, Failure> {
    let own = rustix::process::getpid();
    Ok(Surroundings {
        setup,
        watched,
        control: control.try_clone().or_failure(Step::Fork, "control")?,
        worker: rustix::process::pidfd_open(own, PidfdFlags::empty())
            .or_failure(Step::Fork, "worker")?,
        children: unix::signal_file(&init::SIGNALS).or_failure(Step::Fork, "signals")?,
    })
}

fn prepare(setup: &Setup, sync: OwnedFd) -> Result<Watched, Failure> {
    let watched = limits::enter(&setup.limits)?;
    match setup.tier {
        WireTier::Namespaces { .. } => namespaces(setup, sync)?,
        WireTier::Landlock | WireTier::Plain => unconfined()?,
        WireTier::Workspace => workplace::enter(|| ask_for_ids(sync))?,
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

pub(super) fn unshare(flags: UnshareFlags) -> rustix::io::Result<()> {
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

/// Runs one action; `None` means that there is no use in another.
fn action(
    around: &Surroundings,
    message: Message,
    receiver: &mut Receiver,
    stack: &mut Stack,
) -> Result<Option<Reply>, Failure> {
    let Message { body, fds } = message;
    let launch: Launch<'_> = postcard::from_bytes(&body)
        .map_err(|error| Failure::new(Step::Protocol, 0, error.to_string()))?;
    let start = Instant::now();
    let confined = matches!(around.setup.tier, WireTier::Namespaces { .. });
    let namespaces = match around.setup.tier {
        WireTier::Namespaces { .. } | WireTier::Workspace => libc::CLONE_NEWNS | libc::CLONE_NEWPID,
        WireTier::Landlock | WireTier::Plain => 0,
    };
    let mut outcome = None;
    let pid = unix::run_apart(namespaces, stack, &mut || {
        outcome = Some(init::run(around, &launch, &fds, receiver));
    });
    reap(
        pid.or_failure(Step::ActionNamespaces, "action")?,
        namespaces != 0,
    );
    let (end, reads) = match outcome {
        Some(Ok(Outcome::Ended(end, reads))) => (end, reads),
        Some(Ok(Outcome::Abandoned)) => return Ok(None),
        Some(Err(failure)) => return Err(failure),
        // Something killed pid 1, whatever it was doing to the memory just then.
        None => return Ok(None),
    };
    if confined {
        ipc::renew()?;
        if around.setup.isolated_network {
            renew_network()?;
        }
    }
    let elapsed = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    Ok(Some(Reply::Done {
        end,
        elapsed,
        reads,
    }))
}

/// Waits for pid 1, which the kernel lets go only when all its namespace's processes are gone;
/// without a namespace they have to be found.
fn reap(pid: Pid, apart: bool) {
    while let Err(rustix::io::Errno::INTR) =
        rustix::process::waitpid(Some(pid), WaitOptions::empty())
    {}
    if !apart {
        kill_orphans();
    }
}

/// Kills what became this process's child by the death of its parent.
fn kill_orphans() {
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
