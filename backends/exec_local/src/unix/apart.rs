//! A process that runs in place of this one for a while, in the same memory.

use std::ffi::{c_int, c_void};
use std::io;

use rustix::process::Pid;

/// What such a process runs on; used again and again.
pub(crate) struct Stack(Vec<u128>);

/// As much as a thread has, nearly all of it never touched.
const BYTES: usize = 2 << 20;

impl Stack {
    pub(crate) fn new() -> Stack {
        Stack(vec![0; BYTES / size_of::<u128>()])
    }
}

/// Calls `act` in a new process in new namespaces (`CLONE_NEW…`; 0 for none), and returns when
/// that process has left `act` or was killed; it may not be gone yet.
///
/// It has descriptors, folders, identity and signals of its own, but the memory is this process's,
/// which is held until then: nothing is copied, and what `act` leaves in variables is there
/// afterwards. (A copy costs more than everything else that is done for a small action: the
/// kernel has to write down each page for it, and to make most of those that it touches.) That is
/// also why the caller must be the only thread.
pub(crate) fn run_apart(
    namespaces: c_int,
    stack: &mut Stack,
    act: &mut dyn FnMut(),
) -> io::Result<Pid> {
    let mut act = act;
    // SAFETY: the stack grows down from its end, is aligned for any type, and nobody else uses it:
    // `CLONE_VFORK` holds this thread until the child is done with the memory. `act` lives as long.
    let pid = unsafe {
        libc::clone(
            enter,
            stack.0.as_mut_ptr_range().end.cast::<c_void>(),
            libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD | namespaces,
            (&raw mut act).cast::<c_void>(),
        )
    };
    // A failure is -1, for which there is no `Pid`.
    Pid::from_raw(pid.max(0)).ok_or_else(io::Error::last_os_error)
}

extern "C" fn enter(act: *mut c_void) -> c_int {
    // SAFETY: it is the caller's `act`, which nobody else uses meanwhile.
    let act = unsafe { &mut *act.cast::<&mut dyn FnMut()>() };
    act();
    0
}
