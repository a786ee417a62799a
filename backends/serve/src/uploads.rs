//! Writes under way: each has a file of its own until its digest was checked. One whose stream broke
//! is kept for a while, so that its client can go on where it was (R9).

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kiln_base::{Digest, HashingWriter};
use kiln_proto::compression;
use parking_lot::Mutex;
use tempfile::{Builder, NamedTempFile, TempPath};

/// So many writes are under way or kept at most.
const MOST: usize = 1_000;
/// How long a write whose stream broke is kept.
const KEPT: Duration = Duration::from_secs(3600);

/// What the files are called.
const PREFIX: &str = "upload-";

/// All writes under way.
pub(crate) struct Uploads {
    folder: PathBuf,
    known: Mutex<HashMap<String, Slot>>,
}

enum Slot {
    /// A stream has it.
    Busy(Arc<AtomicU64>),
    Kept(Partial, Instant),
}

/// What has been written so far.
struct Partial {
    file: HashingWriter<NamedTempFile>,
    written: Arc<AtomicU64>,
}

impl Partial {
    fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }
}

/// Why a write cannot begin.
pub(crate) enum Refusal {
    /// Another stream has it.
    Busy,
    /// There are too many.
    TooMany,
    /// No file can be made.
    Io(io::Error),
}

/// A write in the hands of one stream. Dropped before its end, it is kept.
pub(crate) struct Upload {
    uploads: Arc<Uploads>,
    name: String,
    /// `None` once it is over.
    partial: Option<Partial>,
}

impl Uploads {
    /// Files go into `folder`, which is there. Those that a killed server left are removed.
    pub(crate) fn new(folder: PathBuf) -> Uploads {
        sweep(&folder);
        Uploads {
            folder,
            known: Mutex::default(),
        }
    }

    /// How much of a write is there.
    pub(crate) fn written(&self, name: &str) -> u64 {
        match self.known.lock().get(name) {
            Some(Slot::Kept(partial, _)) => partial.written(),
            Some(Slot::Busy(written)) => written.load(Ordering::Relaxed),
            None => 0,
        }
    }

    /// What is in a compressed file, in a file of its own: `size` bytes, and no more in any case. It
    /// blocks.
    pub(crate) fn unpack(&self, packed: &Path, size: u64) -> io::Result<(TempPath, Digest)> {
        let file = Builder::new().prefix(PREFIX).tempfile_in(&self.folder)?;
        let mut to = HashingWriter::new(file);
        compression::decompress_to(File::open(packed)?, &mut to, size)?;
        let (file, digest) = to.finish();
        Ok((file.into_temp_path(), digest))
    }

    /// Takes up a write; `afresh` forgets what there is of it. It blocks.
    pub(crate) fn take(self: &Arc<Self>, name: &str, afresh: bool) -> Result<Upload, Refusal> {
        let mut known = self.known.lock();
        known.retain(|_, slot| match slot {
            Slot::Busy(_) => true,
            Slot::Kept(_, since) => since.elapsed() < KEPT,
        });
        let partial = match known.remove(name) {
            Some(busy @ Slot::Busy(_)) => {
                known.insert(name.to_owned(), busy);
                return Err(Refusal::Busy);
            }
            Some(Slot::Kept(partial, _)) if !afresh => partial,
            _ => {
                make_room(&mut known)?;
                let file = Builder::new().prefix(PREFIX).tempfile_in(&self.folder);
                Partial {
                    file: HashingWriter::new(file.map_err(Refusal::Io)?),
                    written: Arc::default(),
                }
            }
        };
        known.insert(name.to_owned(), Slot::Busy(partial.written.clone()));
        Ok(Upload {
            uploads: self.clone(),
            name: name.to_owned(),
            partial: Some(partial),
        })
    }
}

/// What was not written to for longer than anything is kept is nobody's. What cannot be removed takes
/// room and does no harm.
fn sweep(folder: &Path) {
    for file in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let ours = file.file_name().to_string_lossy().starts_with(PREFIX);
        let written = file.metadata().and_then(|metadata| metadata.modified());
        let old = written.is_ok_and(|at| at.elapsed().is_ok_and(|since| since > KEPT));
        if ours && old {
            let _ = std::fs::remove_file(file.path());
        }
    }
}

/// The one that was kept longest gives way.
fn make_room(known: &mut HashMap<String, Slot>) -> Result<(), Refusal> {
    if known.len() < MOST {
        return Ok(());
    }
    let kept = known.iter().filter_map(|(name, slot)| match slot {
        Slot::Kept(_, since) => Some((since, name)),
        Slot::Busy(_) => None,
    });
    let oldest = kept.min().map(|(_, name)| name.clone());
    match oldest.and_then(|name| known.remove(&name)) {
        Some(_) => Ok(()),
        None => Err(Refusal::TooMany),
    }
}

impl Upload {
    /// How many bytes are there.
    pub(crate) fn written(&self) -> u64 {
        self.partial.as_ref().map_or(0, Partial::written)
    }

    /// Adds bytes. It blocks. After an error the write is over.
    pub(crate) fn append(&mut self, data: &[u8]) -> io::Result<()> {
        let Some(partial) = &mut self.partial else {
            return Ok(());
        };
        let result = partial.file.write_all(data);
        match result {
            Ok(()) => {
                let length = data.len() as u64;
                partial.written.fetch_add(length, Ordering::Relaxed);
            }
            // How much of it was written is not known.
            Err(_) => self.partial = None,
        }
        result
    }

    /// Ends the write: its file, closed, and the digest of what is in it.
    pub(crate) fn finish(mut self) -> (Arc<Uploads>, Option<(TempPath, Digest)>) {
        let finished = self.partial.take().map(|partial| {
            let (file, digest) = partial.file.finish();
            (file.into_temp_path(), digest)
        });
        (self.uploads.clone(), finished)
    }

    /// Forgets the write.
    pub(crate) fn discard(mut self) {
        self.partial = None;
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let name = std::mem::take(&mut self.name);
        let mut known = self.uploads.known.lock();
        match self.partial.take() {
            // Nothing is lost with an empty file.
            Some(partial) if partial.written() > 0 => {
                known.insert(name, Slot::Kept(partial, Instant::now()));
            }
            _ => {
                known.remove(&name);
            }
        }
    }
}
