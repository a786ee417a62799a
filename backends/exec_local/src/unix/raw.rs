//! Thin wrappers over system calls.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;

use rustix::process::Pid;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// What becomes of a mount by [`mount_attributes`].
pub(crate) const READ_ONLY: u64 = libc::MOUNT_ATTR_RDONLY;
/// No set-user-ID programs, no device nodes.
pub(crate) const HARMLESS: u64 = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;

fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    match result {
        -1 => Err(io::Error::last_os_error()),
        result => Ok(result),
    }
}

/// Sets attributes of the mount at `path`, and of all below it if `recursive`.
pub(crate) fn mount_attributes(path: &CStr, recursive: bool, set: u64) -> io::Result<()> {
    // SAFETY: `mount_attr` is four integers, for which zero is valid.
    let mut attributes: libc::mount_attr = unsafe { std::mem::zeroed() };
    attributes.attr_set = set;
    let flags = if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: `path` is NUL-terminated and `attributes` lives through the call with its size given.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            flags,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    })?;
    Ok(())
}

/// Who one is after a fork.
pub(crate) enum Forked {
    /// The new process.
    Child,
    /// The old one, and the new one's number.
    Parent(Pid),
}

/// Forks into new namespaces (`CLONE_NEW…`; 0 for none).
///
/// The caller must be the only thread of its process ([`single_threaded`]): the child goes on
/// using the allocator and the standard library.
pub(crate) fn fork_into(namespaces: libc::c_int) -> io::Result<Forked> {
    // SAFETY: without `CLONE_VM` and with a null stack, `clone` is a fork: the child has a copy of
    // this thread's stack and of the address space. No other thread can hold a lock (see above).
    let pid = check(unsafe {
        libc::syscall(
            libc::SYS_clone,
            libc::c_long::from(namespaces | libc::SIGCHLD),
            0,
            0,
            0,
            0,
        )
    })?;
    Ok(match Pid::from_raw(pid as i32) {
        None => Forked::Child,
        Some(pid) => Forked::Parent(pid),
    })
}

/// Ends this process without running anything of its parent's (destructors, `atexit`).
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: `_exit` only ends the process.
    unsafe { libc::_exit(code) }
}

/// Whether this process has one thread only.
pub(crate) fn single_threaded() -> io::Result<bool> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let threads = status
        .lines()
        .find_map(|line| line.strip_prefix("Threads:"));
    Ok(threads.is_some_and(|count| count.trim() == "1"))
}

/// Ignores a signal, or gives it its default action back.
pub(crate) fn ignore_signal(signal: libc::c_int, ignore: bool) {
    let action = if ignore { libc::SIG_IGN } else { libc::SIG_DFL };
    // SAFETY: neither action is a function of ours.
    unsafe { libc::signal(signal, action) };
}

/// Gives every signal its default action and unblocks it, as a program expects at its start.
pub(crate) fn default_signals() {
    for signal in 1..=64 {
        ignore_signal(signal, false);
    }
    set_mask(libc::SIG_SETMASK, &[]);
}

/// Blocks the given signals, to be read from a [`signal_file`].
pub(crate) fn block_signals(signals: &[libc::c_int]) {
    set_mask(libc::SIG_BLOCK, signals);
}

fn set_mask(how: libc::c_int, signals: &[libc::c_int]) {
    let set = signal_set(signals);
    // SAFETY: `set` is initialized; the old mask is not asked for.
    unsafe { libc::sigprocmask(how, &raw const set, std::ptr::null_mut()) };
}

pub(super) fn signal_set(signals: &[libc::c_int]) -> libc::sigset_t {
    // SAFETY: `sigemptyset` initializes the set; `sigaddset` only edits it.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for &signal in signals {
            libc::sigaddset(&raw mut set, signal);
        }
        set
    }
}

/// A descriptor to read from while one of the blocked `signals` waits for the reading process.
pub(crate) fn signal_file(signals: &[libc::c_int]) -> io::Result<OwnedFd> {
    let set = signal_set(signals);
    let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
    // SAFETY: `set` is initialized, and a new descriptor is asked for.
    let fd = check(unsafe { libc::signalfd(-1, &raw const set, flags) }.into())?;
    // SAFETY: the descriptor is new, so nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// Makes a descriptor one of the standard streams; the copy stays open across `execve`.
pub(crate) fn duplicate_to(fd: BorrowedFd<'_>, stream: RawFd) -> io::Result<()> {
    // SAFETY: both are plain numbers; standard streams have no owner in this process.
    check(unsafe { libc::dup2(fd.as_raw_fd(), stream) }.into())?;
    Ok(())
}

/// Marks every descriptor from 3 on to be closed by `execve`.
pub(crate) fn close_others_on_exec() -> io::Result<()> {
    // SAFETY: it closes nothing yet, so no owner of a descriptor is cheated.
    check(unsafe {
        libc::syscall(
            libc::SYS_close_range,
            3,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    })?;
    Ok(())
}

/// Gives up every capability of this process, and the way to get any by `execve`.
pub(crate) fn drop_capabilities() -> io::Result<()> {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: i32,
    }
    const VERSION_3: u32 = 0x2008_0522;
    let header = Header {
        version: VERSION_3,
        pid: 0,
    };
    let none = [0u32; 6];
    // SAFETY: version 3 of the call reads two sets of three 32-bit words.
    check(unsafe { libc::syscall(libc::SYS_capset, &raw const header, none.as_ptr()) })?;
    Ok(())
}

/// Brings the loopback device of this network namespace up.
pub(crate) fn loopback_up() -> io::Result<()> {
    let socket = rustix::net::socket(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::DGRAM,
        None,
    )?;
    // SAFETY: `ifreq` is plain data, for which zero is valid.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    request.ifr_name[0] = b'l' as libc::c_char;
    request.ifr_name[1] = b'o' as libc::c_char;
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: `SIOCSIFFLAGS` reads an `ifreq`, which lives through the call.
    check(
        unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) }.into(),
    )?;
    Ok(())
}

/// Forbids core dumps.
pub(crate) fn no_core_dumps() {
    let zero = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `zero` lives through the call. Lowering a limit cannot fail.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const zero) };
}

/// Leaves namespaces for new ones.
pub(crate) fn unshare(flags: rustix::thread::UnshareFlags) -> rustix::io::Result<()> {
    // SAFETY: the file table is not among the namespaces that are left, so that no descriptor
    // changes its meaning.
    unsafe { rustix::thread::unshare_unsafe(flags) }
}

/// Watches a socket for something to read.
pub(crate) fn readable(socket: Arc<OwnedFd>) -> io::Result<AsyncFd<Arc<OwnedFd>>> {
    // SAFETY: the descriptor stays open and the same as long as the `Arc` in the result lives.
    unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) }
        .map_err(|_| io::ErrorKind::Other.into())
}
