//! Being told of every file that a process and its children open.
//!
//! A filter of the kernel (seccomp) holds each such call until the holder of a descriptor has seen
//! it and lets it go on. What it saw may have changed by the time the kernel looks again, so this is
//! for telling and not for forbidding.

use std::ffi::c_void;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::process::Pid;

/// A call that waits.
#[derive(Debug)]
pub(crate) struct Call {
    id: u64,
    /// Who makes it.
    pub pid: Pid,
    /// Which system call.
    pub number: i64,
    /// Its arguments.
    pub arguments: [u64; 6],
}

/// The calls that are held, which take a path: the position of the folder that it is relative to
/// (none if it is the working directory), and of the path itself, of the file that is opened or
/// appears.
pub(crate) const CALLS: &[(i64, Option<usize>, usize)] = &[
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_open, None, 0),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_creat, None, 0),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_rename, None, 1),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_renameat, Some(2), 3),
    (libc::SYS_openat, Some(0), 1),
    (libc::SYS_openat2, Some(0), 1),
    (libc::SYS_renameat2, Some(2), 3),
];

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;

/// The filter that holds [`CALLS`] and nothing else.
pub(crate) fn filter() -> Vec<libc::sock_filter> {
    let load = |offset| statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset);
    let is = |value, then, otherwise| libc::sock_filter {
        code: (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16,
        jt: then,
        jf: otherwise,
        k: value,
    };
    let result = |value| statement(libc::BPF_RET | libc::BPF_K, value);
    let count = CALLS.len() as u8;
    // `seccomp_data` begins with the number, then comes the architecture.
    let mut program = vec![load(4), is(ARCHITECTURE, 0, count + 1), load(0)];
    for (at, (number, ..)) in (0..count).zip(CALLS) {
        program.push(is(*number as u32, count - at, 0));
    }
    program.push(result(libc::SECCOMP_RET_ALLOW));
    program.push(result(libc::SECCOMP_RET_USER_NOTIF));
    program
}

fn statement(code: u32, value: u32) -> libc::sock_filter {
    libc::sock_filter {
        code: code as u16,
        jt: 0,
        jf: 0,
        k: value,
    }
}

/// Puts the calling process, and all that it will start, under a filter; returns the descriptor to
/// listen at, or -1. Makes one system call and nothing else.
///
/// # Safety
/// `program` must point to a filter that lives through the call.
pub(super) unsafe fn hold(program: *const libc::sock_fprog) -> libc::c_long {
    // SAFETY: the caller's.
    unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_NEW_LISTENER,
            program,
        )
    }
}

/// The next call that waits; `None` if who made it is gone meanwhile. Blocks while there is none.
pub(crate) fn next_call(listener: &OwnedFd) -> io::Result<Option<Call>> {
    // SAFETY: plain numbers, for which zero is valid; the kernel asks for it.
    let mut notice: libc::seccomp_notif = unsafe { std::mem::zeroed() };
    // SAFETY: `notice` lives through the call and has the size that is part of the request.
    let done = unsafe {
        libc::ioctl(
            listener.as_raw_fd(),
            libc::SECCOMP_IOCTL_NOTIF_RECV,
            &raw mut notice,
        )
    };
    if done != 0 {
        let error = io::Error::last_os_error();
        return match error.raw_os_error() {
            Some(libc::ENOENT | libc::EINTR) => Ok(None),
            _ => Err(error),
        };
    }
    let pid = i32::try_from(notice.pid).ok().and_then(Pid::from_raw);
    let Some(pid) = pid else {
        go_on(listener, notice.id);
        return Ok(None);
    };
    Ok(Some(Call {
        id: notice.id,
        pid,
        number: notice.data.nr.into(),
        arguments: notice.data.args,
    }))
}

/// Lets a call go on as if nobody had looked.
pub(crate) fn let_go(listener: &OwnedFd, call: &Call) {
    go_on(listener, call.id);
}

fn go_on(listener: &OwnedFd, id: u64) {
    let mut answer = libc::seccomp_notif_resp {
        id,
        val: 0,
        error: 0,
        flags: libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32,
    };
    // SAFETY: `answer` lives through the call. If it fails, the process is gone.
    unsafe {
        libc::ioctl(
            listener.as_raw_fd(),
            libc::SECCOMP_IOCTL_NOTIF_SEND,
            &raw mut answer,
        );
    }
}

/// The bytes at an address of another process, up to `length`, as many as can be read up to the end
/// of a page.
pub(crate) fn read_memory(pid: Pid, address: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0u8; length];
    let local = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast::<c_void>(),
        iov_len: length,
    };
    let remote = libc::iovec {
        iov_base: address as *mut c_void,
        iov_len: length,
    };
    // SAFETY: the local part is a buffer of that length; the remote one is only looked up in the
    // other process.
    let read = unsafe {
        libc::process_vm_readv(
            pid.as_raw_nonzero().get(),
            &raw const local,
            1,
            &raw const remote,
            1,
            0,
        )
    };
    let read = usize::try_from(read).map_err(|_| io::Error::last_os_error())?;
    buffer.truncate(read);
    Ok(buffer)
}
