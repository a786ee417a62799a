//! The last steps before a process becomes the action's program.

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{Mode, OFlags};

use super::restrict;
use super::wire::{Failure, Launch, OrFailure, Setup, Step, WireTier};
use crate::unix;

/// Becomes the program; comes back with the reason if that cannot be.
pub(super) fn run(
    setup: &Setup,
    launch: &Launch<'_>,
    stdout: BorrowedFd<'_>,
    stderr: BorrowedFd<'_>,
) -> Failure {
    match prepare(setup, launch, stdout, stderr) {
        Ok(()) => start(launch),
        Err(failure) => failure,
    }
}

fn prepare(
    setup: &Setup,
    launch: &Launch<'_>,
    stdout: BorrowedFd<'_>,
    stderr: BorrowedFd<'_>,
) -> Result<(), Failure> {
    // A session of its own, so that no signal to a terminal's processes reaches it.
    rustix::process::setsid().or_failure(Step::Exec, "session")?;
    let null = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .or_failure(Step::Device, "/dev/null")?;
    for (fd, stream) in [(null.as_fd(), 0), (stdout, 1), (stderr, 2)] {
        unix::duplicate_to(fd, stream).or_failure(Step::Exec, "standard streams")?;
    }
    unix::close_others_on_exec().or_failure(Step::Exec, "descriptors")?;
    let workdir = format!("{}/{}", setup.exec_root(), launch.workdir);
    rustix::process::chdir(workdir.as_str()).or_failure(Step::Workdir, launch.workdir)?;
    if setup.tier == WireTier::Landlock {
        restrict::apply(setup, launch)?;
    }
    unix::default_signals();
    Ok(())
}

fn start(launch: &Launch<'_>) -> Failure {
    let program = launch.argv.first().copied().unwrap_or_default();
    let texts = |list: &mut dyn Iterator<Item = &str>| -> Option<Vec<CString>> {
        list.map(|text| CString::new(text).ok()).collect()
    };
    let (Some(argv), Some(env)) = (
        texts(&mut launch.argv.iter().copied()),
        texts(&mut launch.env.iter().map(String::as_str)),
    ) else {
        return Failure::new(Step::Exec, libc::EINVAL, program);
    };
    let path = launch
        .env
        .iter()
        .find_map(|pair| pair.strip_prefix("PATH="));
    let mut reason = libc::ENOENT;
    for candidate in candidates(program, path.unwrap_or_default()) {
        let Ok(candidate) = CString::new(candidate) else {
            continue;
        };
        let mut error = unix::execute(&candidate, &argv, &env).raw_os_error();
        if error == Some(libc::ENOEXEC) {
            // A script without `#!` is one for the shell, as `execvp` has it.
            let mut shell = vec![c"/bin/sh".to_owned(), candidate.clone()];
            shell.extend(argv.iter().skip(1).cloned());
            error = unix::execute(c"/bin/sh", &shell, &env).raw_os_error();
        }
        match error.unwrap_or(libc::EINVAL) {
            libc::ENOENT if exists(&candidate) => {
                let what = interpreter(&candidate).unwrap_or_else(|| program.to_owned());
                return Failure::new(Step::Exec, libc::ELIBBAD, what);
            }
            libc::ENOENT | libc::ENOTDIR => {}
            libc::EACCES => reason = libc::EACCES,
            other => return Failure::new(Step::Exec, other, program),
        }
    }
    Failure::new(Step::Exec, reason, program)
}

/// Where a program may be: as it is written if it has a slash, else in the folders of `PATH`
/// (PX-018).
fn candidates(program: &str, path: &str) -> Vec<String> {
    if program.is_empty() {
        return Vec::new();
    }
    if program.contains('/') {
        return vec![program.to_owned()];
    }
    let folders = path.split(':').filter(|folder| !folder.is_empty());
    folders
        .map(|folder| format!("{folder}/{program}"))
        .collect()
}

fn exists(path: &CString) -> bool {
    rustix::fs::access(path.as_c_str(), rustix::fs::Access::EXISTS).is_ok()
}

/// The interpreter that a script names in its first line.
fn interpreter(path: &CString) -> Option<String> {
    use std::io::Read;
    let mut start = [0; 256];
    let mut file = std::fs::File::open(path.to_str().ok()?).ok()?;
    let length = file.read(&mut start).ok()?;
    let line = start[..length].split(|&byte| byte == b'\n').next()?;
    let rest = std::str::from_utf8(line).ok()?.strip_prefix("#!")?;
    rest.split_whitespace().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::candidates;

    #[test]
    fn programs_are_looked_up_in_path_only_without_a_slash() {
        assert_eq!(candidates("gcc", "/a::/b"), ["/a/gcc", "/b/gcc"]);
        assert_eq!(candidates("./gcc", "/a"), ["./gcc"]);
        assert!(candidates("gcc", "").is_empty());
        assert!(candidates("", "/a").is_empty());
    }
}
