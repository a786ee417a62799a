//! Blobs as read-only files, `cas/<2 hex>/<62 hex>` and `….x` for the executable kind.
//!
//! A blob's file is complete when its name exists. It bears three marks that cost nothing to see
//! in the one `stat` that a use needs anyway: its mode, its size, and a modification time that is
//! the same for all blobs ([`STAMP`]). Writing to the file, truncating it or making it writable
//! loses a mark. A file without its marks is hashed: right content gets its marks back, anything
//! else is removed, so that the blob is a miss.
//!
//! Nothing is fsynced. What a power cut may have torn is told by the time of the last inode change
//! (`ctime`, which nobody can set): see [`PowerCut`].

mod name;
mod walk;
mod write;

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use kiln_base::{Digest, HashingWriter};
use kiln_diag::Diag;
use parking_lot::RwLock;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, Timespec, Timestamps};

pub(crate) use name::{Hash, Name, Variant};
pub(crate) use walk::{Entry, charge};
pub use write::PutMode;

use crate::message;

/// The modification time of every blob: 2000-01-01T00:00:00Z. Being constant it also keeps
/// actions that copy the times of their inputs (archivers) deterministic.
pub(crate) const STAMP: i64 = 946_684_800;

/// The span of seconds, end excluded, in which files were last changed that a power cut may have
/// torn. Empty (`0, 0`) almost always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PowerCut {
    pub(crate) from: i64,
    pub(crate) until: i64,
}

/// The folder of blobs.
pub(crate) struct Cas {
    dir: OwnedFd,
    path: PathBuf,
    power_cut: RwLock<PowerCut>,
}

/// What one `stat` says of a blob's file.
enum Look {
    Absent,
    Good,
    Unmarked,
}

impl Cas {
    /// Opens `root/cas`, making it and `root` when they are not there.
    pub(crate) fn open(root: &Path) -> Result<Cas, Diag> {
        let path = root.join("cas");
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let open = || rustix::fs::open(&path, flags, Mode::empty());
        let dir = match open() {
            Err(rustix::io::Errno::NOENT) => {
                make_folder(root, 0o700)?;
                make_folder(&path, 0o755)?;
                open()
            }
            other => other,
        };
        Ok(Cas {
            dir: dir.map_err(|error| message::io("cannot open", &path, &error.into()))?,
            path,
            power_cut: RwLock::default(),
        })
    }

    /// Sets which files are not to be believed before they are hashed.
    pub(crate) fn set_power_cut(&self, span: PowerCut) {
        *self.power_cut.write() = span;
    }

    /// The absolute path of a blob's file, whether it exists or not.
    pub(crate) fn path_of(&self, digest: &Digest, variant: Variant) -> PathBuf {
        self.path.join(Name::of(digest, variant).as_str())
    }

    /// Which of the blob's files is there and sound, the wanted one first.
    pub(crate) fn find(&self, digest: &Digest, wanted: Variant) -> Option<Variant> {
        [wanted, wanted.other()]
            .into_iter()
            .find(|variant| self.is_sound(digest, *variant))
    }

    fn is_sound(&self, digest: &Digest, variant: Variant) -> bool {
        let name = Name::of(digest, variant);
        match self.look(&name, digest.size(), variant) {
            Look::Absent => false,
            Look::Good => true,
            Look::Unmarked => self.examine(&name, digest.hash(), variant) == Some(digest.size()),
        }
    }

    fn look(&self, name: &Name, size: u64, variant: Variant) -> Look {
        match rustix::fs::statat(&self.dir, name.as_str(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if self.has_marks(&stat, variant) && stat.st_size as u64 == size => Look::Good,
            Ok(_) => Look::Unmarked,
            Err(_) => Look::Absent,
        }
    }

    /// Whether the file has the mode and times of an untouched blob, whatever its size.
    pub(crate) fn has_marks(&self, stat: &Stat, variant: Variant) -> bool {
        let torn = *self.power_cut.read();
        let changed = stat.st_ctime;
        FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
            && stat.st_mode & 0o7777 == variant.mode()
            && (stat.st_mtime, stat.st_mtime_nsec as i64) == (STAMP, 0)
            && !(torn.from <= changed && changed < torn.until)
    }

    /// Hashes a file. With the right content it gets its marks back and its size is returned;
    /// otherwise it is removed.
    pub(crate) fn examine(&self, name: &Name, hash: &Hash, variant: Variant) -> Option<u64> {
        match self.hash_file(name) {
            Ok((file, digest)) if digest.hash() == hash => {
                mark(&file, variant).ok().map(|()| digest.size())
            }
            // A file that went away meanwhile needs no removal.
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            _ => {
                self.remove(name);
                None
            }
        }
    }

    fn hash_file(&self, name: &Name) -> io::Result<(File, Digest)> {
        let mut file = match self.open_blob(name) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                // Somebody took the permission to read; the owner can give it back.
                let mode = Mode::from_raw_mode(0o444);
                rustix::fs::chmodat(&self.dir, name.as_str(), mode, AtFlags::empty())?;
                self.open_blob(name)?
            }
            other => other?,
        };
        if !file.metadata()?.is_file() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut hashing = HashingWriter::new(io::sink());
        io::copy(&mut file, &mut hashing)?;
        Ok((file, hashing.finish().1))
    }

    fn open_blob(&self, name: &Name) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.dir, name.as_str(), flags, Mode::empty())?;
        Ok(File::from(fd))
    }

    /// The content, always hashed again; `None` when absent or damaged (then it is removed).
    pub(crate) fn read(&self, digest: &Digest) -> Option<Vec<u8>> {
        Variant::BOTH.into_iter().find_map(|variant| {
            let name = Name::of(digest, variant);
            let file = self.open_blob(&name).ok()?;
            let mut content = Vec::with_capacity(usize::try_from(digest.size()).ok()?.min(1 << 24));
            let read = file
                .take(digest.size().saturating_add(1))
                .read_to_end(&mut content);
            if read.is_ok() && Digest::of(&content) == *digest {
                return Some(content);
            }
            // The name may be right and the asked size wrong: only a bad file is removed.
            self.examine(&name, digest.hash(), variant);
            None
        })
    }

    /// Whether there is a file for the blob, sound or not.
    pub(crate) fn has_file(&self, hash: &Hash) -> bool {
        Variant::BOTH.into_iter().any(|variant| {
            let name = Name::of_hash(hash, variant);
            rustix::fs::statat(&self.dir, name.as_str(), AtFlags::SYMLINK_NOFOLLOW).is_ok()
        })
    }

    /// Removes a file, whatever it is; an error leaves a file that is found unsound again.
    pub(crate) fn remove(&self, name: &Name) {
        let plain = rustix::fs::unlinkat(&self.dir, name.as_str(), AtFlags::empty());
        if plain.is_err_and(|error| error != rustix::io::Errno::NOENT) {
            let _ = rustix::fs::unlinkat(&self.dir, name.as_str(), AtFlags::REMOVEDIR);
        }
    }
}

/// Gives an open file the mode and time of a blob, whatever the umask was.
fn mark(file: &File, variant: Variant) -> io::Result<()> {
    rustix::fs::fchmod(file, Mode::from_raw_mode(variant.mode()))?;
    let stamp = Timespec {
        tv_sec: STAMP,
        tv_nsec: 0,
    };
    let times = Timestamps {
        last_access: stamp,
        last_modification: stamp,
    };
    Ok(rustix::fs::futimens(file, &times)?)
}

/// Makes a folder and its parents. The folder gets exactly `mode`; one that exists is left alone.
pub(crate) fn make_folder(path: &Path, mode: u32) -> Result<(), Diag> {
    let fail = |error: io::Error| message::io("cannot make the folder", path, &error);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(fail)?;
    }
    match std::fs::DirBuilder::new().mode(mode).create(path) {
        Ok(()) => {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(path, mode).map_err(fail)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(fail(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After a power cut a file that was written shortly before it may be torn although its size
    /// and its marks are right.
    #[test]
    fn what_a_power_cut_may_have_torn_is_hashed() {
        let place = tempfile::tempdir().unwrap();
        let cas = Cas::open(&place.path().join("store")).unwrap();
        let (torn, sound) = (Digest::of(b"torn"), Digest::of(b"sound"));
        cas.put(&torn, b"torn").unwrap();
        cas.put(&sound, b"sound").unwrap();
        let name = Name::of(&torn, Variant::Plain);
        cas.remove(&name);
        let file = File::create(cas.path.join(name.as_str())).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, &[0; 4], 0).unwrap();
        mark(&file, Variant::Plain).unwrap();
        assert_eq!(cas.find(&torn, Variant::Plain), Some(Variant::Plain));
        let until = crate::clock::seconds() + 100;
        cas.set_power_cut(PowerCut { from: 0, until });
        assert_eq!(cas.find(&torn, Variant::Plain), None);
        assert_eq!(cas.find(&sound, Variant::Plain), Some(Variant::Plain));
    }
}
