//! The file of a stat table. All numbers are little-endian.
//!
//! | part | bytes |
//! | --- | --- |
//! | header | magic 8, rows 4, slots 4 (a power of two), end of the base 8, check of these 24: 8 |
//! | slots | offset of a row in the file 4, or 0; found by the hash of the key, linear probing |
//! | rows of the base | check of the rest 8, day of last use 4, length of key 2, of value 2, key, value |
//! | appended rows | the same, to the end of the file |
//!
//! The file is read whole and used as it is: nothing is built when it is loaded but a map of the
//! appended rows. A check guards against damage, not against malice.

use std::fs::{self, File, OpenOptions};
use std::hash::Hasher;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use kiln_diag::Diag;
use rustc_hash::FxHasher;

use crate::cas::make_folder;
use crate::message;

const MAGIC: &[u8; 8] = b"kilnstt1";
const HEADER: usize = 32;
const ROW_HEADER: usize = 16;
/// A file beyond this was not written by us; offsets have 32 bits.
const LONGEST_FILE: u64 = 1 << 31;

/// The hash that places a key, and checks a row. It may change with the library: then every row
/// is a miss.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(bytes);
    hasher.finish()
}

/// A row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row<'a> {
    pub(super) key: &'a [u8],
    pub(super) value: &'a [u8],
    /// The day of last use, since 1970.
    pub(super) day: u32,
}

impl<'a> Row<'a> {
    /// Appends the row. Key and value are at most 65,535 bytes long.
    pub(super) fn write_to(&self, to: &mut Vec<u8>) {
        let start = to.len();
        to.extend([0; 8]);
        to.extend(self.day.to_le_bytes());
        to.extend((self.key.len() as u16).to_le_bytes());
        to.extend((self.value.len() as u16).to_le_bytes());
        to.extend(self.key);
        to.extend(self.value);
        let check = hash(&to[start + 8..]);
        to[start..start + 8].copy_from_slice(&check.to_le_bytes());
    }

    /// Reads the row at the start of `bytes`; `None` if there is no undamaged one.
    fn read(bytes: &'a [u8]) -> Option<Row<'a>> {
        let (check, rest) = bytes.split_first_chunk::<8>()?;
        let (day, lengths) = rest.split_first_chunk::<4>()?;
        let (key, lengths) = lengths.split_first_chunk::<2>()?;
        let (value, content) = lengths.split_first_chunk::<2>()?;
        let (key, value) = (u16::from_le_bytes(*key), u16::from_le_bytes(*value));
        let (key, content) = content.split_at_checked(usize::from(key))?;
        let value = content.get(..usize::from(value))?;
        let row = Row {
            key,
            value,
            day: u32::from_le_bytes(*day),
        };
        let whole = &rest[..row.length() - 8];
        (hash(whole) == u64::from_le_bytes(*check)).then_some(row)
    }

    fn length(&self) -> usize {
        ROW_HEADER + self.key.len() + self.value.len()
    }
}

/// A file as it was loaded. Empty if there was none, or no sound one.
pub(super) struct Base {
    content: Vec<u8>,
    slots: usize,
    end: usize,
    /// The header, the slots and all appended rows can be read.
    whole: bool,
}

impl Base {
    pub(super) fn load(path: &Path) -> Base {
        let empty = Base {
            content: Vec::new(),
            slots: 0,
            end: 0,
            whole: false,
        };
        let sound = fs::metadata(path).is_ok_and(|meta| meta.len() < LONGEST_FILE);
        let Some(content) = sound.then(|| fs::read(path).ok()).flatten() else {
            return empty;
        };
        match header(&content) {
            Some((slots, end)) => {
                let mut base = Base {
                    slots,
                    end: end.min(content.len()),
                    whole: false,
                    content,
                };
                let appended: usize = base.appended().map(|row| row.length()).sum();
                base.whole = end + appended == base.content.len();
                base
            }
            None => empty,
        }
    }

    /// Whether rows can be appended: the file is there and can be read to its end.
    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }

    pub(super) fn slots(&self) -> usize {
        self.slots
    }

    /// Bytes of the part that is not appended.
    pub(super) fn bytes(&self) -> usize {
        self.end
    }

    pub(super) fn appended_bytes(&self) -> usize {
        self.content.len() - self.end
    }

    /// The rows after the base, oldest first, up to the first damaged one.
    pub(super) fn appended(&self) -> impl Iterator<Item = Row<'_>> {
        let mut rest = &self.content[self.end..];
        std::iter::from_fn(move || {
            let row = Row::read(rest)?;
            rest = &rest[row.length()..];
            Some(row)
        })
    }

    /// The slot and the row of a key.
    pub(super) fn find(&self, key: &[u8]) -> Option<(usize, Row<'_>)> {
        let mask = self.slots.checked_sub(1)?;
        let mut slot = hash(key) as usize & mask;
        for _ in 0..self.slots {
            let offset = self.offset(slot);
            if offset == 0 {
                return None;
            }
            match self.row_at(offset) {
                Some(row) if row.key == key => return Some((slot, row)),
                _ => slot = (slot + 1) & mask,
            }
        }
        None
    }

    /// All rows of the base with their slots.
    pub(super) fn rows(&self) -> impl Iterator<Item = (usize, Row<'_>)> {
        (0..self.slots).filter_map(|slot| match self.offset(slot) {
            0 => None,
            offset => Some((slot, self.row_at(offset)?)),
        })
    }

    fn offset(&self, slot: usize) -> usize {
        read_u32(&self.content, HEADER + slot * 4).unwrap_or(0) as usize
    }

    fn row_at(&self, offset: usize) -> Option<Row<'_>> {
        Row::read(self.content.get(offset..self.end)?)
    }
}

fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk::<4>()?))
}

/// The number of slots and the end of the base, which is beyond the end of a file that was cut.
fn header(content: &[u8]) -> Option<(usize, usize)> {
    let header = content.get(..HEADER)?;
    let (end, check) = (
        header[16..24].try_into().ok()?,
        header[24..].try_into().ok()?,
    );
    let slots = read_u32(header, 12)? as usize;
    let end = usize::try_from(u64::from_le_bytes(end)).ok()?;
    let sound = &header[..8] == MAGIC
        && u64::from_le_bytes(check) == hash(&header[..24])
        && slots.is_power_of_two()
        && HEADER + slots * 4 <= end.min(content.len());
    sound.then_some((slots, end))
}

/// Writes a file of `rows`, whose keys differ, in the place of the one at `path`; returns its size.
pub(super) fn write(path: &Path, rows: &[Row<'_>]) -> Result<usize, Diag> {
    let content = encode(rows);
    let fail = |error: io::Error| message::io("cannot write", path, &error);
    let folder = path.parent().unwrap_or(path);
    if !folder.exists() {
        make_folder(folder, 0o700)?;
    }
    let aside = path.with_extension(format!("{}.tmp", std::process::id()));
    let written = create(&aside)
        .and_then(|mut file| file.write_all(&content))
        .and_then(|()| fs::rename(&aside, path));
    written.map(|()| content.len()).map_err(|error| {
        let _ = fs::remove_file(&aside);
        fail(error)
    })
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
}

fn encode(rows: &[Row<'_>]) -> Vec<u8> {
    let slots = (rows.len() * 2).next_power_of_two().max(16);
    let start = HEADER + slots * 4;
    let length: usize = rows.iter().map(Row::length).sum();
    let mut content = Vec::with_capacity(start + length);
    content.resize(start, 0);
    for row in rows {
        let offset = content.len() as u32;
        row.write_to(&mut content);
        let mut slot = hash(row.key) as usize & (slots - 1);
        while read_u32(&content, HEADER + slot * 4) != Some(0) {
            slot = (slot + 1) & (slots - 1);
        }
        content[HEADER + slot * 4..][..4].copy_from_slice(&offset.to_le_bytes());
    }
    let end = content.len() as u64;
    content[..8].copy_from_slice(MAGIC);
    content[8..12].copy_from_slice(&(rows.len() as u32).to_le_bytes());
    content[12..16].copy_from_slice(&(slots as u32).to_le_bytes());
    content[16..24].copy_from_slice(&end.to_le_bytes());
    let check = hash(&content[..24]);
    content[24..HEADER].copy_from_slice(&check.to_le_bytes());
    content
}

/// Appends rows in one write, so that those of several processes do not mix.
pub(super) fn append(path: &Path, rows: &[u8]) -> Result<(), Diag> {
    OpenOptions::new()
        .append(true)
        .open(path)
        .and_then(|mut file| file.write_all(rows))
        .map_err(|error| message::io("cannot write", path, &error))
}
