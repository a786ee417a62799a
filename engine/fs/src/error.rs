//! What to tell people when the file system says no.

use std::io;
use std::path::Path;

use kiln_diag::Diag;

/// A failed operation, with the cure where the kind of error has one. `doing` is what was being
/// done, such as "cannot read".
pub(crate) fn io_diag(doing: &str, path: &Path, error: &io::Error) -> Diag {
    let diag = Diag::io(doing, path, error);
    match rustix::io::Errno::from_io_error(error) {
        Some(rustix::io::Errno::ACCESS | rustix::io::Errno::PERM) => denied(diag, path),
        Some(rustix::io::Errno::LOOP) => diag.hint(format!(
            "its symbolic links lead back to themselves; see `namei {}`",
            path.display()
        )),
        Some(rustix::io::Errno::MFILE) => {
            diag.hint("raise the limit of open files (`ulimit -n`) or lower `--jobs`")
        }
        Some(rustix::io::Errno::NFILE) => {
            diag.hint("raise the machine's limit of open files (`sysctl fs.file-max`)")
        }
        Some(rustix::io::Errno::IO) => {
            diag.hint("the disk, or whatever is behind the file, is at fault; `dmesg` may say more")
        }
        Some(rustix::io::Errno::STALE) => diag.hint("the network file system lost it; try again"),
        _ => diag,
    }
}

/// A permission is missing on the path itself or on a folder above it; says which.
fn denied(diag: Diag, path: &Path) -> Diag {
    let closed = path
        .ancestors()
        .skip(1)
        .filter(|folder| !folder.as_os_str().is_empty())
        .filter(|folder| is_closed(folder))
        .last();
    match closed {
        Some(folder) => diag.hint(format!(
            "the folder may not be entered; allow it with `chmod u+x {}`",
            folder.display()
        )),
        None if path.is_dir() => {
            diag.hint(format!("allow it with `chmod u+rx {}`", path.display()))
        }
        None => diag.hint(format!("allow it with `chmod u+r {}`", path.display())),
    }
}

fn is_closed(folder: &Path) -> bool {
    let may_enter = rustix::fs::access(folder, rustix::fs::Access::EXEC_OK);
    may_enter == Err(rustix::io::Errno::ACCESS)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(errno: i32, expect: Expect) {
        let error = io::Error::from_raw_os_error(errno);
        let diag = io_diag("cannot read", Path::new("/nowhere/a.txt"), &error);
        expect.assert_eq(&diag.render());
    }

    #[test]
    fn errors_with_their_cures() {
        check(
            13,
            expect![[r#"
                error: cannot read `/nowhere/a.txt`: permission denied
                hint: allow it with `chmod u+r /nowhere/a.txt`"#]],
        );
        check(
            40,
            expect![[r#"
                error: cannot read `/nowhere/a.txt`: too many levels of symbolic links
                hint: its symbolic links lead back to themselves; see `namei /nowhere/a.txt`"#]],
        );
        check(
            24,
            expect![[r#"
                error: cannot read `/nowhere/a.txt`: too many open files
                hint: raise the limit of open files (`ulimit -n`) or lower `--jobs`"#]],
        );
        check(
            5,
            expect![[r#"
                error: cannot read `/nowhere/a.txt`: input/output error
                hint: the disk, or whatever is behind the file, is at fault; `dmesg` may say more"#]],
        );
    }
}
