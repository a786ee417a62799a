//! Starting a program.

use std::ffi::{CStr, CString, c_int, c_void};
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::ptr;

use rustix::process::Pid;

/// What the new process starts from, all of it made before there is one.
struct Start {
    program: *const libc::c_char,
    argv: Vec<*const libc::c_char>,
    env: Vec<*const libc::c_char>,
    no_signals: libc::sigset_t,
    /// What it may have of address space, in bytes; 0 is what this process may.
    address_space: u64,
    /// The filter that it is put under, if any.
    filter: *const libc::sock_fprog,
    /// The descriptor to listen at, or -1.
    listener: libc::c_long,
    /// Why it did not become the program.
    error: c_int,
}

/// A program that was started.
pub(crate) struct Spawned {
    /// Its process.
    pub pid: Pid,
    /// Where the calls are that a filter holds; `None` if there is no filter, or if the kernel
    /// refused it.
    pub listener: Option<OwnedFd>,
}

/// Enough for a few system calls, and for the kernel's frame of a signal.
const STACK: usize = 64 << 10;

/// Starts a program in a session of its own with no signal blocked; everything else (current
/// folder, standard streams, other limits) is this process's. The child shares memory with this process
/// until it has become the program, so nothing is copied. `filter` is a program of the kernel's that
/// holds some of its system calls.
///
/// The caller must be the only thread of its process and have no signal handlers but those for
/// faults. That makes the hundred calls needless by which `posix_spawn` resets every signal: what
/// has a handler loses it by `execve`.
pub(crate) fn spawn(
    program: &CStr,
    argv: &[CString],
    env: &[CString],
    address_space: u64,
    filter: &[libc::sock_filter],
) -> io::Result<Spawned> {
    let pointers = |list: &[CString]| -> Vec<*const libc::c_char> {
        let texts = list.iter().map(|text| text.as_ptr());
        texts.chain([ptr::null()]).collect()
    };
    let program_of_filter = libc::sock_fprog {
        len: filter.len() as libc::c_ushort,
        filter: filter.as_ptr().cast_mut(),
    };
    // A listener has to end up here: descriptors are the same until it becomes the program.
    let (filter, shared) = match filter.is_empty() {
        true => (ptr::null(), 0),
        false => (&raw const program_of_filter, libc::CLONE_FILES),
    };
    let mut start = Start {
        program: program.as_ptr(),
        argv: pointers(argv),
        env: pointers(env),
        no_signals: super::raw::signal_set(&[]),
        address_space,
        filter,
        listener: -1,
        error: 0,
    };
    let mut stack: Vec<u128> = Vec::with_capacity(STACK / size_of::<u128>());
    // SAFETY: the stack is memory of ours, grows down from its end, is aligned for any type and, like `start`,
    // outlives the child's use of it: `CLONE_VFORK` holds this thread until the child has become
    // the program or is gone. `child` only makes system calls.
    let pid = unsafe {
        libc::clone(
            child,
            stack.as_mut_ptr().add(stack.capacity()).cast::<c_void>(),
            libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD | shared,
            (&raw mut start).cast::<c_void>(),
        )
    };
    let Some(pid) = Pid::from_raw(pid.max(0)) else {
        return Err(io::Error::last_os_error());
    };
    // SAFETY: `start` lives; the child wrote to it through the pointer given to it, if at all.
    let listener = unsafe { ptr::read_volatile(&raw const start.listener) };
    let listener = c_int::try_from(listener).ok().filter(|fd| *fd >= 0);
    // SAFETY: the descriptor is new, and the child that made it in this table is gone from it.
    let listener = listener.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
    // SAFETY: as above.
    match unsafe { ptr::read_volatile(&raw const start.error) } {
        0 => Ok(Spawned { pid, listener }),
        error => {
            while let Err(rustix::io::Errno::INTR) =
                rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty())
            {
            }
            Err(io::Error::from_raw_os_error(error))
        }
    }
}

extern "C" fn child(start: *mut c_void) -> c_int {
    let start = start.cast::<Start>();
    // SAFETY: `start` points to the caller's `Start`, which nobody else touches meanwhile; its
    // lists end with null pointers and their texts are NUL-terminated.
    unsafe {
        libc::setsid();
        libc::sigprocmask(
            libc::SIG_SETMASK,
            &raw const (*start).no_signals,
            ptr::null_mut(),
        );
        if (*start).address_space > 0 {
            // Held against the program's own memory; this one's is there already.
            let limit = libc::rlimit {
                rlim_cur: (*start).address_space,
                rlim_max: (*start).address_space,
            };
            libc::setrlimit(libc::RLIMIT_AS, &raw const limit);
        }
        if !(*start).filter.is_null() {
            ptr::write_volatile(
                &raw mut (*start).listener,
                super::watch::hold((*start).filter),
            );
        }
        libc::execve(
            (*start).program,
            (*start).argv.as_ptr(),
            (*start).env.as_ptr(),
        );
        ptr::write_volatile(&raw mut (*start).error, *libc::__errno_location());
        libc::_exit(127)
    }
}
