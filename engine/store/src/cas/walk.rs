//! Walking over all blob files, by `stat` alone.

use std::fs;
use std::io;

use kiln_diag::Diag;
use rustix::fs::{AtFlags, Stat};

use super::{Cas, Hash, Name, Variant, name, write};
use crate::{clock, message};

/// A file met on the walk.
pub(crate) struct Entry {
    /// What it is named by.
    pub(crate) hash: Hash,
    /// Which of the blob's two files.
    pub(crate) variant: Variant,
    /// Its stat.
    pub(crate) stat: Stat,
}

impl Entry {
    /// Bytes it takes on disk, in whole blocks.
    pub(crate) fn charge(&self) -> u64 {
        charge(self.stat.st_size as u64)
    }

    /// Its name.
    pub(crate) fn name(&self) -> Name {
        Name::of_hash(&self.hash, self.variant)
    }
}

/// What a blob of `size` bytes is counted as in the size of the store.
pub(crate) fn charge(size: u64) -> u64 {
    size.div_ceil(4096).max(1).saturating_mul(4096)
}

const ABANDONED_AFTER_SECONDS: i64 = 3600;

impl Cas {
    /// Calls `each` for every blob file; returns how many files were removed that writers left
    /// unfinished. Other files in there are not ours and are let be.
    pub(crate) fn walk(&self, each: &mut dyn FnMut(Entry)) -> Result<u64, Diag> {
        let mut abandoned = 0;
        for shard in 0..=255u8 {
            let shard = format!("{shard:02x}");
            let folder = self.path.join(&shard);
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(message::io("cannot list", &folder, &error)),
            };
            for entry in entries.flatten() {
                let file = entry.file_name();
                let Some(file) = file.to_str() else { continue };
                let path = format!("{shard}/{file}");
                let stat = rustix::fs::statat(&self.dir, &path, AtFlags::SYMLINK_NOFOLLOW);
                match (name::parse(&shard, file), stat) {
                    (Some((hash, variant)), Ok(stat)) => each(Entry {
                        hash,
                        variant,
                        stat,
                    }),
                    (None, Ok(stat))
                        if file.starts_with(write::ASIDE)
                            && clock::seconds() - stat.st_ctime > ABANDONED_AFTER_SECONDS =>
                    {
                        let _ = rustix::fs::unlinkat(&self.dir, &path, AtFlags::empty());
                        abandoned += 1;
                    }
                    _ => {}
                }
            }
        }
        Ok(abandoned)
    }
}
