//! The errors and warnings of the store, in one place.

use std::io;
use std::path::Path;
use std::time::Duration;

use kiln_base::Digest;
use kiln_diag::Diag;

/// An operation on a file of the store failed. Says what to do when it is for want of space.
pub(crate) fn io(doing: &str, path: &Path, error: &io::Error) -> Diag {
    let diag = Diag::io(doing, path, error);
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            diag.hint("free some space, or make the store smaller: `kiln cache gc`")
        }
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            diag.hint("the store must be a folder that this user can write to")
        }
        _ => diag,
    }
}

/// The root is not absolute; sled ignores its snapshots when opened by a relative path.
pub(crate) fn relative_root(root: &Path) -> Diag {
    Diag::usage(format!(
        "the store's folder `{}` is not an absolute path",
        root.display()
    ))
}

/// What should be put into the store is no regular file.
pub(crate) fn not_a_file(path: &Path) -> Diag {
    Diag::build(format!("`{}` is not a regular file", path.display()))
}

/// A file was swapped for another between being hashed and being moved.
pub(crate) fn changed_while_moving(path: &Path) -> Diag {
    Diag::environment(format!(
        "`{}` was replaced while it was moved into the store",
        path.display()
    ))
    .hint("something else writes there: run again when it has ended")
}

/// The caller's bytes do not have the size that its digest names.
pub(crate) fn wrong_size(digest: &Digest, size: usize) -> Diag {
    Diag::internal(format!(
        "content of {size} bytes was to be stored under the name `{digest}`"
    ))
}

/// The index had to be begun anew.
pub(crate) fn index_set_aside(why: &str, aside: &Path) -> Diag {
    let file = aside.file_name().unwrap_or_default().to_string_lossy();
    Diag::environment("the cache's index was begun anew: action results are made again")
        .note(format!("the old one ({why}) is kept as `{file}`"))
        .into_warning()
}

/// No index on disk can be had; one in memory serves this process.
pub(crate) fn index_in_memory(why: &str) -> Diag {
    Diag::environment(format!("the cache's index cannot be opened: {why}"))
        .note("action results of this run are not kept")
        .into_warning()
}

/// A call of the index failed; said once a run.
pub(crate) fn index_failed(error: &Diag) -> Diag {
    Diag::new(error.fault(), error.message())
        .note("action results may be made again")
        .into_warning()
}

/// Another collection is at work.
pub(crate) fn collection_runs() -> Diag {
    Diag::environment("another process collects the store's garbage at this moment")
        .hint("wait for it to end")
}

/// The system gives no thread.
pub(crate) fn no_thread(error: &io::Error) -> Diag {
    Diag::environment(format!(
        "cannot start a thread: {}",
        kiln_diag::io_text(error)
    ))
    .hint("raise the limit of processes (`ulimit -u`)")
}

/// The writer thread has ended by a panic.
pub(crate) fn writer_died() -> Diag {
    Diag::internal("the thread that writes the cache's index has died")
}

/// The index cannot be asked for, and why; the build goes on without it.
pub(crate) fn no_index(why: &Diag) -> Diag {
    let warning = Diag::new(why.fault(), why.message())
        .note("action results are neither looked up nor kept in this run");
    let hints = why.hints().iter();
    hints.fold(warning, Diag::hint).into_warning()
}

/// No process answers for the index.
pub(crate) fn nobody_answers() -> Diag {
    Diag::environment("the cache's index is not available to this process")
}

/// The owner of the index does not answer.
pub(crate) fn owner_silent(pid: u32, patience: Duration) -> Diag {
    Diag::environment(format!(
        "process {pid}, which owns the cache's index, has not answered for {patience:?}"
    ))
    .hint(format!("if it hangs, end it: `kill {pid}`"))
}

/// The owner of the index speaks another protocol.
pub(crate) fn owner_of_other_version(pid: u32) -> Diag {
    Diag::environment(format!(
        "process {pid}, which owns the cache's index, is another version of kiln"
    ))
    .hint("use one version at a time")
}

/// The index opened and has no rows, although it had some.
pub(crate) fn index_lost() -> Diag {
    Diag::environment("the cache's index is empty: action results are made again")
        .note("it had rows when it was last used; something has damaged or replaced it")
        .into_warning()
}
