//! Opening the index whatever state it was left in.
//!
//! The fences around what sled 0.34.7 cannot take, each with the damage that it answers
//! (reproduced by hand in this crate's tests):
//!
//! | damage | sled's answer | what is done |
//! | --- | --- | --- |
//! | `snap.*.generating` of a killed process | `Corruption`, for ever | removed before every open |
//! | a bad newest `snap.*` | `Corruption` | all snapshots removed, opened again: the log has it all |
//! | garbage in `db` | panics, or `Corruption` for good | caught; moved to `index.corrupt-<time>`, begun anew |
//! | opened by a relative path | replays the whole log | the root must be absolute |

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kiln_diag::Diag;

use super::sled::{OpenError, remove_all_snapshots};
use super::{Index, MemoryIndex, SledIndex, Table, remove_generating};
use crate::{clock, message};

/// An index ready for use.
pub(crate) struct Opened {
    pub(crate) index: Arc<dyn Index>,
    /// There are no rows in it; blobs may be on disk nevertheless.
    pub(crate) fresh: bool,
    /// It is bad in a way that only the next owner can mend.
    pub(crate) damaged: bool,
    /// What has to be said about it.
    pub(crate) warnings: Vec<Diag>,
}

const FORMAT_KEY: &[u8] = b"format";
/// Changes when a row's meaning does. An index of another format is begun anew.
const FORMAT: &[u8] = b"1";

/// Opens the index in `root`, never failing. With `damaged` the old one is known to be bad.
pub(crate) fn open(root: &Path, cache_bytes: u64, damaged: bool) -> Opened {
    let path = root.join("index");
    finish_rewrite(root, &path);
    let mut warnings = Vec::new();
    if damaged {
        set_aside(root, &path, "it failed while in use", &mut warnings);
    }
    // The second turn opens an empty folder; what fails then is no matter of damage.
    for _ in 0..2 {
        match open_sled(&path, cache_bytes) {
            Ok(index) => match check_format(&index) {
                Ok(fresh) => {
                    return Opened {
                        index: Arc::new(index),
                        fresh,
                        damaged: false,
                        warnings,
                    };
                }
                Err(why) => {
                    drop(index);
                    set_aside(root, &path, &why, &mut warnings);
                }
            },
            Err(OpenError::Machine(error)) => {
                warnings.push(message::index_in_memory(&error.to_string()));
                return in_memory(warnings);
            }
            Err(OpenError::Busy) => {
                warnings.push(message::index_in_memory("another program has it open"));
                return in_memory(warnings);
            }
            Err(OpenError::Hangs) => {
                warnings.push(message::index_hangs(OPEN_PATIENCE));
                return Opened {
                    damaged: true,
                    ..in_memory(warnings)
                };
            }
            Err(OpenError::Corrupt) => set_aside(root, &path, "it is damaged", &mut warnings),
            Err(OpenError::Broken(why)) => set_aside(root, &path, &why, &mut warnings),
        }
    }
    warnings.push(message::index_in_memory("a new one cannot be made"));
    in_memory(warnings)
}

fn in_memory(warnings: Vec<Diag>) -> Opened {
    Opened {
        index: Arc::new(MemoryIndex::default()),
        fresh: true,
        damaged: false,
        warnings,
    }
}

/// Opening takes a second at most for a million rows; what takes this long has locked up.
const OPEN_PATIENCE: Duration = Duration::from_secs(60);

fn open_sled(path: &Path, cache_bytes: u64) -> Result<SledIndex, OpenError> {
    let path = path.to_owned();
    within(OPEN_PATIENCE, move || open_sled_mended(&path, cache_bytes))
        .unwrap_or(Err(OpenError::Hangs))
}

/// Runs `act` in a thread of its own, which is left behind if it takes too long.
fn within<T: Send + 'static>(
    patience: Duration,
    act: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (done, wait) = std::sync::mpsc::sync_channel(1);
    let run = move || drop(done.send(act()));
    let thread = std::thread::Builder::new().name("kiln-store-open".to_owned());
    thread.spawn(run).ok()?;
    wait.recv_timeout(patience).ok()
}

fn open_sled_mended(path: &Path, cache_bytes: u64) -> Result<SledIndex, OpenError> {
    remove_generating(path);
    let mut result = open_when_free(path, cache_bytes);
    if matches!(result, Err(OpenError::Corrupt)) {
        remove_all_snapshots(path);
        result = open_when_free(path, cache_bytes);
    }
    result
}

/// sled gives up its lock a moment after its last handle is gone. Whoever had it open before us
/// has given up ours, so it is closing: milliseconds.
pub(super) fn open_when_free(path: &Path, cache_bytes: u64) -> Result<SledIndex, OpenError> {
    let mut pause = Duration::from_millis(1);
    loop {
        match SledIndex::open(path, cache_bytes) {
            Err(OpenError::Busy) if pause < Duration::from_secs(5) => {
                std::thread::sleep(pause);
                pause *= 2;
            }
            result => return result,
        }
    }
}

/// Whether the index is new; an error says why it cannot be used.
fn check_format(index: &SledIndex) -> Result<bool, String> {
    match index.get(Table::Meta, FORMAT_KEY) {
        Ok(Some(format)) if &format[..] == FORMAT => Ok(false),
        Ok(Some(_)) => Err("another version of kiln wrote it".to_owned()),
        Ok(None) => {
            let put = index.put(Table::Meta, FORMAT_KEY, FORMAT);
            put.map(|()| true)
                .map_err(|error| error.message().to_owned())
        }
        Err(error) => Err(error.message().to_owned()),
    }
}

/// Copies all rows into a new index, which then takes the place of the old one (now closed).
pub(crate) fn rewrite_into(root: &Path, cache_bytes: u64, old: &dyn Index) -> Result<(), Diag> {
    let path = root.join(NEXT);
    let fail = |error: std::io::Error| message::io("cannot write", &path, &error);
    if path.exists() {
        fs::remove_dir_all(&path).map_err(fail)?;
    }
    let next = SledIndex::open(&path, cache_bytes)
        .map_err(|error| message::no_new_index(&error.to_string()))?;
    for table in Table::ALL {
        let mut failed = None;
        old.scan(table, &mut |key, value| {
            failed = next.put(table, key, value).err();
            failed.is_none()
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
    }
    next.flush()
}

/// Puts a rewritten index in the place of the old one. Both must be closed.
pub(crate) fn swap_rewritten(root: &Path) -> Result<(), Diag> {
    let path = root.join("index");
    let fail = |error: std::io::Error| message::io("cannot replace", &path, &error);
    fs::rename(&path, root.join(OLD)).map_err(fail)?;
    fs::rename(root.join(NEXT), &path).map_err(fail)?;
    let _ = fs::remove_dir_all(root.join(OLD));
    Ok(())
}

const OLD: &str = "index.old";
const NEXT: &str = "index.next";

/// Clears up after a process that died while it replaced the index.
fn finish_rewrite(root: &Path, path: &Path) {
    let (old, next) = (root.join(OLD), root.join(NEXT));
    if old.exists() {
        match path.exists() {
            true => drop(fs::remove_dir_all(&old)),
            false => drop(fs::rename(&old, path)),
        }
    }
    if next.exists() {
        let _ = fs::remove_dir_all(&next);
    }
}

/// Moves a bad index away, for the report of whoever looks into it; keeps the last such only.
fn set_aside(root: &Path, path: &Path, why: &str, warnings: &mut Vec<Diag>) {
    const PREFIX: &str = "index.corrupt-";
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            // What was set aside may be anything, a plain file too. A leftover harms nothing.
            let _ = fs::remove_dir_all(entry.path()).or_else(|_| fs::remove_file(entry.path()));
        }
    }
    let aside: PathBuf = root.join(format!("{PREFIX}{}", clock::seconds()));
    warnings.push(match fs::rename(path, &aside) {
        Ok(()) => message::index_set_aside(why, &aside),
        Err(error) => message::io("cannot move away", path, &error).into_warning(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hangs_is_left_behind() {
        let (hold, held) = std::sync::mpsc::channel::<()>();
        let hang = move || held.recv().is_ok();
        assert_eq!(within(Duration::from_millis(1), hang), None::<bool>);
        drop(hold);
        assert_eq!(within(Duration::from_secs(60), || 7), Some(7));
    }
}
