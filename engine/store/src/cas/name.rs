//! The names of blob files, relative to `cas/`.

use kiln_base::Digest;

/// The 32 bytes that a blob's file is named by.
pub(crate) type Hash = [u8; 32];

/// Which of the two files of a blob: one inode has one mode, so an executable blob has its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// `ab/cdef…`, mode 0444.
    Plain,
    /// `ab/cdef….x`, mode 0555.
    Executable,
}

impl Variant {
    pub(crate) const BOTH: [Variant; 2] = [Variant::Plain, Variant::Executable];

    pub(crate) fn of(executable: bool) -> Variant {
        match executable {
            true => Variant::Executable,
            false => Variant::Plain,
        }
    }

    pub(crate) fn other(self) -> Variant {
        Variant::of(self == Variant::Plain)
    }

    /// The permission bits of its file.
    pub(crate) fn mode(self) -> u32 {
        match self {
            Variant::Plain => 0o444,
            Variant::Executable => 0o555,
        }
    }

    /// Its bit in the flags of a blob row.
    pub(crate) fn flag(self) -> u8 {
        match self {
            Variant::Plain => 1,
            Variant::Executable => 2,
        }
    }
}

/// A blob file's path below `cas/`, built without allocating.
pub(crate) struct Name {
    text: [u8; 67],
    len: usize,
}

impl Name {
    pub(crate) fn of(digest: &Digest, variant: Variant) -> Name {
        Name::of_hash(digest.hash(), variant)
    }

    pub(crate) fn of_hash(hash: &Hash, variant: Variant) -> Name {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [b'/'; 67];
        let mut at = 0;
        for (i, byte) in hash.iter().enumerate() {
            text[at] = DIGITS[usize::from(byte >> 4)];
            text[at + 1] = DIGITS[usize::from(byte & 15)];
            at += if i == 0 { 3 } else { 2 };
        }
        if variant == Variant::Executable {
            text[65..].copy_from_slice(b".x");
            at += 2;
        }
        Name { text, len: at }
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text[..self.len]).unwrap_or_default()
    }

    /// The folder part: two hex digits.
    pub(crate) fn shard(&self) -> &str {
        &self.as_str()[..2]
    }
}

/// Reads a file name inside the folder `shard` back; `None` if it is not a blob's.
pub(crate) fn parse(shard: &str, file: &str) -> Option<(Hash, Variant)> {
    let (hex, variant) = match file.strip_suffix(".x") {
        Some(hex) => (hex, Variant::Executable),
        None => (file, Variant::Plain),
    };
    if shard.len() != 2 || hex.len() != 62 {
        return None;
    }
    let digest = Digest::from_hex(&format!("{shard}{hex}"), 0)?;
    Some((*digest.hash(), variant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        let digest = Digest::of(b"kiln");
        for variant in Variant::BOTH {
            let name = Name::of(&digest, variant);
            let (shard, file) = name.as_str().split_once('/').unwrap();
            assert_eq!(shard, &digest.hex()[..2]);
            assert_eq!(file.trim_end_matches(".x"), &digest.hex()[2..]);
            assert_eq!(name.shard(), shard);
            assert_eq!(parse(shard, file), Some((*digest.hash(), variant)));
        }
        for bad in [".tmp1-2", "", "x", ".x", &"g".repeat(62)] {
            assert_eq!(parse("ab", bad), None, "{bad}");
        }
    }
}
