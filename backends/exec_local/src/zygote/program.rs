//! The action's program and its start.

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{Mode, OFlags};

use super::restrict;
use super::wire::{Failure, Launch, OrFailure, Setup, Step, WireTier};
use crate::unix::{self, Spawned};

/// Starts the program, with the given files as its output streams.
pub(super) fn start(
    setup: &Setup,
    launch: &Launch<'_>,
    stdout: BorrowedFd<'_>,
    stderr: BorrowedFd<'_>,
) -> Result<Spawned, Failure> {
    let null = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .or_failure(Step::Device, "/dev/null")?;
    for (fd, stream) in [(null.as_fd(), 0), (stdout, 1), (stderr, 2)] {
        unix::duplicate_to(fd, stream).or_failure(Step::Exec, "standard streams")?;
    }
    unix::close_others_on_exec().or_failure(Step::Exec, "descriptors")?;
    let workdir = format!("{}/{}", setup.work_root(), launch.workdir);
    rustix::process::chdir(workdir.as_str()).or_failure(Step::Workdir, launch.workdir)?;
    if setup.tier == WireTier::Landlock {
        restrict::apply(setup, launch)?;
    }
    spawn(launch, setup.limits.address_space)
}

fn spawn(launch: &Launch<'_>, address_space: u64) -> Result<Spawned, Failure> {
    let filter = match launch.watch {
        true => unix::filter(),
        false => Vec::new(),
    };
    let program = launch.argv.first().copied().unwrap_or_default();
    let failed = |errno| Err(Failure::new(Step::Exec, errno, program));
    let texts = |list: &mut dyn Iterator<Item = &str>| -> Option<Vec<CString>> {
        list.map(|text| CString::new(text).ok()).collect()
    };
    let (Some(argv), Some(env)) = (
        texts(&mut launch.argv.iter().copied()),
        texts(&mut launch.env.iter().map(String::as_str)),
    ) else {
        return failed(libc::EINVAL);
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
        let mut tried = unix::spawn(&candidate, &argv, &env, address_space, &filter);
        if errno(&tried) == libc::ENOEXEC {
            // A script without `#!` is one for the shell, as `execvp` has it.
            let mut shell = vec![c"/bin/sh".to_owned(), candidate.clone()];
            shell.extend(argv.iter().skip(1).cloned());
            tried = unix::spawn(c"/bin/sh", &shell, &env, address_space, &filter);
        }
        match (errno(&tried), tried) {
            (_, Ok(spawned)) => return Ok(spawned),
            (libc::ENOENT, _) if exists(&candidate) => {
                let what = interpreter(&candidate).unwrap_or_else(|| program.to_owned());
                return Err(Failure::new(Step::Exec, libc::ELIBBAD, what));
            }
            (libc::ENOENT | libc::ENOTDIR, _) => {}
            (libc::EACCES, _) => reason = libc::EACCES,
            (other, _) => return failed(other),
        }
    }
    failed(reason)
}

fn errno<T>(tried: &std::io::Result<T>) -> i32 {
    let error = tried.as_ref().err().and_then(std::io::Error::raw_os_error);
    error.unwrap_or(0)
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
