//! How rows are written down. All numbers are little-endian.
//!
//! | row | bytes |
//! | --- | --- |
//! | action | check 16, kind 1, hour written 4, body (kind 0) or digest of a blob that is the body (kind 1) |
//! | body | number of blobs 4, their digests 40 each, the encoded result |
//! | blob | size 8, hour last used 4, flags 1 |
//! | digest | hash 32, size 8 |
//!
//! The check of an action row is a fingerprint of its key and the rest of it: a row that the index
//! returns damaged, or for another key, is a miss.

use kiln_base::{Digest, Fingerprint};

use crate::cas::Hash;

/// Longest body that stays in the index; sled is good with small values only.
const LONGEST_BODY: usize = 4096 - CHECK - 5;
const CHECK: usize = 16;

/// What an action is known to result in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ActionBody {
    /// The blobs that the result names.
    pub(crate) refs: Vec<Digest>,
    /// The result, opaque here.
    pub(crate) encoded: Vec<u8>,
}

impl ActionBody {
    pub(crate) fn encode(refs: &[Digest], encoded: &[u8]) -> Vec<u8> {
        let mut body = Vec::with_capacity(4 + refs.len() * 40 + encoded.len());
        body.extend((refs.len() as u32).to_le_bytes());
        for digest in refs {
            put_digest(&mut body, digest);
        }
        body.extend(encoded);
        body
    }

    pub(crate) fn decode(body: &[u8]) -> Option<ActionBody> {
        let (count, rest) = body.split_first_chunk::<4>()?;
        let length = (u32::from_le_bytes(*count) as usize).checked_mul(40)?;
        let (refs, encoded) = rest.split_at_checked(length)?;
        Some(ActionBody {
            refs: refs.chunks_exact(40).filter_map(get_digest).collect(),
            encoded: encoded.to_vec(),
        })
    }
}

/// An action row, decoded and checked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ActionRow {
    /// The hour in which it was written.
    pub(crate) hour: u32,
    pub(crate) held: Held,
}

/// Where the body is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Held {
    Here(ActionBody),
    InBlob(Digest),
}

impl ActionRow {
    /// Whether a body is too long to be kept in the row.
    pub(crate) fn is_long(body: &[u8]) -> bool {
        body.len() > LONGEST_BODY
    }

    /// A row that holds its body.
    pub(crate) fn encode(key: &Hash, hour: u32, body: &[u8]) -> Vec<u8> {
        seal(key, hour, 0, body)
    }

    /// A row that names the blob which is its body.
    pub(crate) fn encode_in_blob(key: &Hash, hour: u32, body: &Digest) -> Vec<u8> {
        let mut digest = Vec::with_capacity(40);
        put_digest(&mut digest, body);
        seal(key, hour, 1, &digest)
    }

    pub(crate) fn decode(key: &Hash, row: &[u8]) -> Option<ActionRow> {
        let (check, rest) = row.split_at_checked(CHECK)?;
        if check != check_of(key, rest).bytes() {
            return None;
        }
        let (kind, rest) = rest.split_first()?;
        let (hour, rest) = rest.split_first_chunk::<4>()?;
        let held = match kind {
            0 => Held::Here(ActionBody::decode(rest)?),
            1 => Held::InBlob(get_digest(rest)?),
            _ => return None,
        };
        Some(ActionRow {
            hour: u32::from_le_bytes(*hour),
            held,
        })
    }
}

fn seal(key: &Hash, hour: u32, kind: u8, rest: &[u8]) -> Vec<u8> {
    let mut row = vec![0; CHECK];
    row.push(kind);
    row.extend(hour.to_le_bytes());
    row.extend(rest);
    let check = check_of(key, &row[CHECK..]);
    row[..CHECK].copy_from_slice(check.bytes());
    row
}

fn check_of(key: &Hash, rest: &[u8]) -> Fingerprint {
    Fingerprint::build("kiln action row")
        .bytes(key)
        .bytes(rest)
        .finish()
}

/// What is kept of a blob besides its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlobRow {
    pub(crate) size: u64,
    /// The hour of the last use known; not brought up to date more than once a day.
    pub(crate) hour: u32,
    /// Which of its files were seen: [`crate::cas::Variant::flag`].
    pub(crate) flags: u8,
}

impl BlobRow {
    pub(crate) fn encode(&self) -> [u8; 13] {
        let mut row = [0; 13];
        row[..8].copy_from_slice(&self.size.to_le_bytes());
        row[8..12].copy_from_slice(&self.hour.to_le_bytes());
        row[12] = self.flags;
        row
    }

    pub(crate) fn decode(row: &[u8]) -> Option<BlobRow> {
        let row: &[u8; 13] = row.try_into().ok()?;
        let (size, rest) = row.split_first_chunk::<8>()?;
        let (hour, rest) = rest.split_first_chunk::<4>()?;
        Some(BlobRow {
            size: u64::from_le_bytes(*size),
            hour: u32::from_le_bytes(*hour),
            flags: rest[0],
        })
    }

    /// Bytes it counts for in the size of the store.
    pub(crate) fn charge(&self) -> u64 {
        crate::cas::charge(self.size) * u64::from(self.flags.count_ones())
    }
}

pub(crate) fn put_digest(to: &mut Vec<u8>, digest: &Digest) {
    to.extend(digest.hash());
    to.extend(digest.size().to_le_bytes());
}

pub(crate) fn get_digest(from: &[u8]) -> Option<Digest> {
    let (hash, size) = from.split_first_chunk::<32>()?;
    Some(Digest::from_parts(
        *hash,
        u64::from_le_bytes(size.try_into().ok()?),
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_read_back_and_no_damage_passes(
            sizes in proptest::collection::vec(any::<u64>(), 0..5),
            encoded in proptest::collection::vec(any::<u8>(), 0..300),
            hour in any::<u32>(), flip in any::<prop::sample::Index>(), bit in 0..8u8,
        ) {
            let refs: Vec<Digest> = sizes
                .iter()
                .map(|size| Digest::from_parts(*Digest::of(&size.to_le_bytes()).hash(), *size))
                .collect();
            let key = *Digest::of(b"an action").hash();
            let body = ActionBody::encode(&refs, &encoded);
            let mut row = ActionRow::encode(&key, hour, &body);
            let held = Held::Here(ActionBody { refs, encoded });
            prop_assert_eq!(ActionRow::decode(&key, &row), Some(ActionRow { hour, held }));
            prop_assert_eq!(ActionRow::decode(Digest::EMPTY.hash(), &row), None);
            prop_assert_eq!(ActionRow::decode(&key, &row[..row.len() - 1]), None);
            let at = flip.index(row.len());
            row[at] ^= 1 << bit;
            prop_assert_eq!(ActionRow::decode(&key, &row), None);
        }

        #[test]
        fn decoding_takes_anything(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = ActionRow::decode(Digest::EMPTY.hash(), &bytes);
            let _ = ActionBody::decode(&bytes);
            let _ = BlobRow::decode(&bytes);
        }
    }

    #[test]
    fn a_long_body_is_named() {
        let (key, body) = (*Digest::of(b"key").hash(), Digest::of(b"body"));
        let row = ActionRow::encode_in_blob(&key, 7, &body);
        let held = Held::InBlob(body);
        assert_eq!(
            ActionRow::decode(&key, &row),
            Some(ActionRow { hour: 7, held })
        );
        assert!(ActionRow::is_long(&[0; 4096]) && !ActionRow::is_long(&[0; 4000]));
    }
}
