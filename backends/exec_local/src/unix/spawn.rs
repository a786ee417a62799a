//! Starting a program.

use std::ffi::{CStr, CString};
use std::io;

use rustix::process::Pid;

/// Starts a program in a session of its own with no signal blocked; everything else (current
/// folder, standard streams, limits) is this process's. The child shares memory with this process
/// until it has become the program, so nothing is copied.
pub(crate) fn spawn(program: &CStr, argv: &[CString], env: &[CString]) -> io::Result<Pid> {
    let pointers = |list: &[CString]| -> Vec<*mut libc::c_char> {
        let texts = list.iter().map(|text| text.as_ptr().cast_mut());
        texts.chain([std::ptr::null_mut()]).collect()
    };
    let (argv, env) = (pointers(argv), pointers(env));
    let flags = libc::POSIX_SPAWN_SETSID | libc::POSIX_SPAWN_SETSIGMASK as libc::c_short;
    let mut pid = 0;
    // SAFETY: `attributes` and `none` are initialized by their own functions before they are used;
    // both lists end with a null pointer, and their texts, which `posix_spawn` only reads, outlive
    // the call.
    let error = unsafe {
        let mut attributes: libc::posix_spawnattr_t = std::mem::zeroed();
        libc::posix_spawnattr_init(&raw mut attributes);
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::posix_spawnattr_setsigmask(&raw mut attributes, &raw const none);
        libc::posix_spawnattr_setflags(&raw mut attributes, flags);
        let error = libc::posix_spawn(
            &raw mut pid,
            program.as_ptr(),
            std::ptr::null(),
            &raw const attributes,
            argv.as_ptr(),
            env.as_ptr(),
        );
        libc::posix_spawnattr_destroy(&raw mut attributes);
        error
    };
    match (error, Pid::from_raw(pid)) {
        (0, Some(pid)) => Ok(pid),
        (error, _) => Err(io::Error::from_raw_os_error(error)),
    }
}
