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
        io::ErrorKind::FileTooLarge => diag.hint("raise the limit on files (`ulimit -f`)"),
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

/// The owner of the index has no folder for its socket.
pub(crate) fn owner_without_socket(pid: u32) -> Diag {
    Diag::environment(format!(
        "process {pid}, which owns the cache's index, found no folder for a socket"
    ))
    .hint("set `XDG_RUNTIME_DIR` to a folder of yours with a short path")
}

/// There are more processes than slots.
pub(crate) fn too_many_users(root: &Path, most: u32) -> Diag {
    let root = root.display();
    Diag::environment(format!("{most} processes use the store `{root}` already"))
}

/// A blob's file bears its marks and has other content: the disk is at fault.
pub(crate) fn damaged_blob(digest: &Digest) -> Diag {
    Diag::environment(format!("the stored content of `{digest}` is damaged"))
        .hint("look for more of the kind: `kiln cache verify`")
}

/// The copy of an index that has grown too large cannot be made.
pub(crate) fn no_new_index(why: &str) -> Diag {
    Diag::environment(format!("cannot copy the cache's index: {why}"))
}

/// sled has not opened its files, and not failed either.
pub(crate) fn index_hangs(patience: Duration) -> Diag {
    index_in_memory(&format!("it has not opened in {patience:?}"))
        .note("the next run begins it anew")
}

/// Others than the user can put files into the store.
pub(crate) fn open_to_others(root: &Path) -> Diag {
    let root = root.display();
    Diag::environment(format!(
        "other users can write to the store `{root}`, and so decide what a build gets"
    ))
    .hint(format!("take that from them: `chmod go-w {root}`"))
    .into_warning()
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use expect_test::expect;

    use super::*;

    #[test]
    fn all_messages() {
        let (path, pid) = (Path::new("/store"), 4242);
        let why = Diag::internal("the reason");
        let digest = Digest::EMPTY;
        let patience = Duration::from_secs(5);
        let all = [
            io("cannot write", path, &ErrorKind::StorageFull.into()),
            io("cannot write", path, &ErrorKind::PermissionDenied.into()),
            io("cannot write", path, &ErrorKind::FileTooLarge.into()),
            io("cannot read", path, &ErrorKind::NotFound.into()),
            relative_root(Path::new("store")),
            not_a_file(path),
            changed_while_moving(path),
            wrong_size(&digest, 7),
            index_set_aside("the reason", Path::new("/store/index.corrupt-1")),
            index_in_memory("the reason"),
            index_failed(&why),
            index_lost(),
            index_hangs(patience),
            no_new_index("the reason"),
            collection_runs(),
            no_thread(&ErrorKind::WouldBlock.into()),
            writer_died(),
            no_index(&why.clone().hint("the cure")),
            nobody_answers(),
            owner_silent(pid, patience),
            owner_of_other_version(pid),
            owner_without_socket(pid),
            too_many_users(path, 4096),
            damaged_blob(&digest),
            open_to_others(path),
        ];
        let all: Vec<String> = all.iter().map(ToString::to_string).collect();
        expect![[r#"
            error: cannot write `/store`: no storage space
            hint: free some space, or make the store smaller: `kiln cache gc`
            error: cannot write `/store`: permission denied
            hint: the store must be a folder that this user can write to
            error: cannot write `/store`: file too large
            hint: raise the limit on files (`ulimit -f`)
            error: cannot read `/store`: entity not found
            error: the store's folder `store` is not an absolute path
            error: `/store` is not a regular file
            error: `/store` was replaced while it was moved into the store
            hint: something else writes there: run again when it has ended
            error: content of 7 bytes was to be stored under the name `e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/0`
            warning: the cache's index was begun anew: action results are made again
               = the old one (the reason) is kept as `index.corrupt-1`
            warning: the cache's index cannot be opened: the reason
               = action results of this run are not kept
            warning: the reason
               = action results may be made again
            warning: the cache's index is empty: action results are made again
               = it had rows when it was last used; something has damaged or replaced it
            warning: the cache's index cannot be opened: it has not opened in 5s
               = action results of this run are not kept
               = the next run begins it anew
            error: cannot copy the cache's index: the reason
            error: another process collects the store's garbage at this moment
            hint: wait for it to end
            error: cannot start a thread: operation would block
            hint: raise the limit of processes (`ulimit -u`)
            error: the thread that writes the cache's index has died
            warning: the reason
               = action results are neither looked up nor kept in this run
            hint: the cure
            error: the cache's index is not available to this process
            error: process 4242, which owns the cache's index, has not answered for 5s
            hint: if it hangs, end it: `kill 4242`
            error: process 4242, which owns the cache's index, is another version of kiln
            hint: use one version at a time
            error: process 4242, which owns the cache's index, found no folder for a socket
            hint: set `XDG_RUNTIME_DIR` to a folder of yours with a short path
            error: 4096 processes use the store `/store` already
            error: the stored content of `e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/0` is damaged
            hint: look for more of the kind: `kiln cache verify`
            warning: other users can write to the store `/store`, and so decide what a build gets
            hint: take that from them: `chmod go-w /store`"#]].assert_eq(&all.join("\n"));
    }
}
