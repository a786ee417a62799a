//! Writing and reading the fields of a message.

use crate::cas::Hash;

/// A message being written.
#[derive(Default)]
pub(super) struct Put(pub(super) Vec<u8>);

impl Put {
    pub(super) fn op(&mut self, op: u8) -> &mut Put {
        self.0.push(op);
        self
    }

    pub(super) fn u32(&mut self, number: u32) -> &mut Put {
        self.raw(&number.to_le_bytes())
    }

    pub(super) fn u64(&mut self, number: u64) -> &mut Put {
        self.raw(&number.to_le_bytes())
    }

    pub(super) fn numbers<const N: usize>(&mut self, numbers: [u64; N]) -> &mut Put {
        numbers.into_iter().fold(self, Put::u64)
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) -> &mut Put {
        self.0.extend(bytes);
        self
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Put {
        self.u32(bytes.len() as u32).raw(bytes)
    }
}

/// What is left of a message being read.
pub(super) struct Take<'a>(pub(super) &'a [u8]);

impl<'a> Take<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*array)
    }

    pub(super) fn op(&mut self) -> Option<u8> {
        self.array::<1>().map(|[op]| op)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn numbers<const N: usize>(&mut self) -> Option<[u64; N]> {
        let mut numbers = [0; N];
        for number in &mut numbers {
            *number = self.u64()?;
        }
        Some(numbers)
    }

    pub(super) fn hash(&mut self) -> Option<Hash> {
        self.array()
    }

    /// Hashes to the end of the message.
    pub(super) fn hashes(&mut self) -> Option<Vec<Hash>> {
        let (hashes, rest) = self.0.as_chunks::<32>();
        self.0 = rest;
        Some(hashes.to_vec())
    }

    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.u32()? as usize;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    /// Texts to the end of the message.
    pub(super) fn texts(&mut self) -> Option<Vec<String>> {
        let mut texts = Vec::new();
        while !self.0.is_empty() {
            texts.push(String::from_utf8_lossy(self.bytes()?).into_owned());
        }
        Some(texts)
    }
}
