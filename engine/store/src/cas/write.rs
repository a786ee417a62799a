//! Putting blobs in: written aside in the folder where they will stay, marked, then renamed.
//!
//! A blob that is there already costs one `stat` and no write. Nothing that is on disk is deleted
//! on the way: on ext4 without a journal a new inode soon after deletions costs 60-300 µs.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use kiln_base::{Digest, HashingWriter};
use kiln_diag::Diag;
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::{Cas, Name, Variant, mark};
use crate::message;

/// What becomes of the file that is put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutMode {
    /// It stays as it is.
    Copy,
    /// It is gone afterwards: renamed into the store when that is possible, else copied. Nobody
    /// may hold it open for writing any more.
    Move,
}

/// Files up to this size are read into memory once; larger ones are hashed first, so that a blob
/// which is there already is never written again.
const IN_MEMORY: u64 = 1 << 20;

/// The prefix of a file that is not yet a blob. One that is an hour old was left by a process
/// that died.
pub(super) const ASIDE: &str = ".tmp";

impl Cas {
    /// Stores `content` under its digest, which the caller vouches for.
    pub(crate) fn put(&self, digest: &Digest, content: &[u8]) -> Result<(), Diag> {
        self.put_new(digest, Variant::Plain, |file| {
            file.write_all(content).map(|()| *digest)
        })
        .map(drop)
    }

    /// Makes a file of the blob without content, which is everywhere taken to exist.
    pub(crate) fn put_empty(&self, variant: Variant) -> Result<(), Diag> {
        self.put_new(&Digest::EMPTY, variant, |_| Ok(Digest::EMPTY))
            .map(drop)
    }

    /// Stores the content of a regular file. `admit` hears the digest before the store is asked
    /// whether it has that blob already.
    pub(crate) fn put_file(
        &self,
        source: &Path,
        mode: PutMode,
        variant: Variant,
        admit: &dyn Fn(&Digest),
    ) -> Result<Digest, Diag> {
        let (mut file, size) = open_source(source)?;
        let fail = |error: io::Error| message::io("cannot read", source, &error);
        let digest = match mode {
            PutMode::Move => self.take(&mut file, source, variant, admit)?,
            PutMode::Copy if size <= IN_MEMORY => {
                let mut content = Vec::with_capacity(size as usize + 1);
                let limit = IN_MEMORY + 1;
                (&mut file)
                    .take(limit)
                    .read_to_end(&mut content)
                    .map_err(fail)?;
                if content.len() as u64 == limit {
                    self.copy_large(&mut file, source, variant, admit)?
                } else {
                    let digest = Digest::of(&content);
                    admit(&digest);
                    if self.find(&digest, variant).is_none() {
                        self.put_new(&digest, variant, |file| {
                            file.write_all(&content).map(|()| digest)
                        })?;
                    }
                    digest
                }
            }
            PutMode::Copy => self.copy_large(&mut file, source, variant, admit)?,
        };
        Ok(digest)
    }

    fn copy_large(
        &self,
        file: &mut File,
        source: &Path,
        variant: Variant,
        admit: &dyn Fn(&Digest),
    ) -> Result<Digest, Diag> {
        let fail = |error: io::Error| message::io("cannot read", source, &error);
        let digest = hash_from_start(file).map_err(fail)?;
        admit(&digest);
        if self.find(&digest, variant).is_some() {
            return Ok(digest);
        }
        file.seek(SeekFrom::Start(0)).map_err(fail)?;
        // The file may change between the two readings: what was copied decides the name.
        self.put_new(&digest, variant, |aside| copy_hashed(file, aside))
    }

    /// Renames the file into the store if it is ours alone and on the same file system.
    fn take(
        &self,
        file: &mut File,
        source: &Path,
        variant: Variant,
        admit: &dyn Fn(&Digest),
    ) -> Result<Digest, Diag> {
        let fail = |error: io::Error| message::io("cannot move into the store", source, &error);
        let before = file.metadata().map_err(fail)?;
        let digest = hash_from_start(file).map_err(fail)?;
        admit(&digest);
        if self.find(&digest, variant).is_none() {
            let ours = before.nlink() == 1 && before.uid() == rustix::process::geteuid().as_raw();
            if ours && self.rename_in(file, source, &digest, variant)? {
                return Ok(digest);
            }
            file.seek(SeekFrom::Start(0)).map_err(fail)?;
            let copied = self.put_new(&digest, variant, |aside| copy_hashed(file, aside))?;
            if copied != digest {
                return Err(message::changed_while_moving(source));
            }
        }
        std::fs::remove_file(source).map_err(fail)?;
        Ok(digest)
    }

    /// `false` when the file is on another file system.
    fn rename_in(
        &self,
        file: &File,
        source: &Path,
        digest: &Digest,
        variant: Variant,
    ) -> Result<bool, Diag> {
        let fail = |error: io::Error| message::io("cannot move into the store", source, &error);
        mark(file, variant).map_err(fail)?;
        let name = Name::of(digest, variant);
        let rename = || rustix::fs::renameat(rustix::fs::CWD, source, &self.dir, name.as_str());
        match self.with_shard(&name, rename) {
            Ok(()) => {}
            Err(Errno::XDEV) => return Ok(false),
            Err(error) => return Err(fail(error.into())),
        }
        // The path was used twice: be sure that what was hashed is what was moved.
        let moved = rustix::fs::statat(&self.dir, name.as_str(), AtFlags::SYMLINK_NOFOLLOW);
        let hashed = file.metadata().map_err(fail)?;
        match moved {
            Ok(moved) if (moved.st_ino, moved.st_dev) != (hashed.ino(), hashed.dev()) => {
                // Another writer of the same blob may just have put its own file there. What is
                // there is read; only if it is something else was the source replaced.
                match self.examine(&name, digest.hash(), variant) {
                    Some(_) => Ok(true),
                    None => Err(message::changed_while_moving(source)),
                }
            }
            _ => Ok(true),
        }
    }

    /// Makes the wanted file of a blob from its other one.
    pub(crate) fn make_variant(&self, digest: &Digest, wanted: Variant) -> Result<(), Diag> {
        let from = Name::of(digest, wanted.other());
        let copied = self.put_new(digest, wanted, |aside| {
            let mut file = self.open_blob(&from)?;
            if rustix::fs::ioctl_ficlone(&*aside, &file).is_ok() {
                return Ok(*digest);
            }
            copy_hashed(&mut file, aside)
        })?;
        match copied == *digest {
            true => Ok(()),
            false => {
                // The source bears its marks and is wrong all the same: a fault of the disk.
                self.examine(&from, digest.hash(), wanted.other());
                Err(message::damaged_blob(digest))
            }
        }
    }

    /// Writes a blob aside with `fill`, which returns the digest of what it wrote, and names it.
    fn put_new(
        &self,
        expected: &Digest,
        variant: Variant,
        fill: impl FnOnce(&mut File) -> io::Result<Digest>,
    ) -> Result<Digest, Diag> {
        let name = Name::of(expected, variant);
        let fail = |error: io::Error| {
            message::io(
                "cannot write to the store",
                &self.path.join(name.as_str()),
                &error,
            )
        };
        let aside = aside_name(name.shard());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(variant.mode());
        let create = || rustix::fs::openat(&self.dir, aside.as_str(), flags, mode);
        let mut file = File::from(self.with_shard(&name, create).map_err(|e| fail(e.into()))?);
        let named = fill(&mut file).and_then(|written| {
            mark(&file, variant)?;
            let name = Name::of(&written, variant);
            let rename =
                || rustix::fs::renameat(&self.dir, aside.as_str(), &self.dir, name.as_str());
            self.with_shard(&name, rename)?;
            Ok(written)
        });
        named.map_err(|error| {
            let _ = rustix::fs::unlinkat(self.dir.as_fd(), aside.as_str(), AtFlags::empty());
            fail(error)
        })
    }

    /// Does what needs the folder of `name`, making that folder if it is not there.
    fn with_shard<T>(
        &self,
        name: &Name,
        mut act: impl FnMut() -> rustix::io::Result<T>,
    ) -> rustix::io::Result<T> {
        match act() {
            Err(Errno::NOENT) => {
                let mode = Mode::from_raw_mode(0o755);
                match rustix::fs::mkdirat(&self.dir, name.shard(), mode) {
                    Ok(()) => {
                        rustix::fs::chmodat(&self.dir, name.shard(), mode, AtFlags::empty())?;
                    }
                    Err(Errno::EXIST) => {}
                    Err(error) => return Err(error),
                }
                act()
            }
            other => other,
        }
    }
}

fn open_source(source: &Path) -> Result<(File, u64), Diag> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(source, flags, Mode::empty()) {
        Ok(fd) => File::from(fd),
        Err(Errno::LOOP | Errno::NXIO) => return Err(message::not_a_file(source)),
        Err(error) => return Err(message::io("cannot read", source, &error.into())),
    };
    let meta = file
        .metadata()
        .map_err(|error| message::io("cannot read", source, &error))?;
    match meta.is_file() {
        true => Ok((file, meta.len())),
        false => Err(message::not_a_file(source)),
    }
}

fn hash_from_start(file: &mut File) -> io::Result<Digest> {
    file.seek(SeekFrom::Start(0))?;
    copy_hashed(file, &mut io::sink())
}

fn copy_hashed(from: &mut File, to: &mut impl Write) -> io::Result<Digest> {
    let mut hashing = HashingWriter::new(to);
    // As long as the file is thought to be, and a little, so that its end is seen: clearing more
    // costs more than reading a short file.
    let length = from.metadata().map_or(u64::MAX, |meta| meta.len());
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let mut buffer = vec![0; length.saturating_add(64).min(128 << 10)];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(hashing.finish().1),
            Ok(n) => hashing.write_all(&buffer[..n])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A name that no other write of any process uses: process ids may repeat between containers that
/// share a store, hence the time.
fn aside_name(shard: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    static START: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    let start = START.get_or_init(|| {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.subsec_nanos())
    });
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{shard}/{ASIDE}{}-{start}-{count}", std::process::id())
}
