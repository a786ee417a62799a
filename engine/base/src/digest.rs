//! Content digests (SHA-256 with a size, as REAPI's `Digest` message) and fingerprints.

use std::fmt;
use std::io::{self, Write};

use sha2::{Digest as _, Sha256};

/// The SHA-256 of some bytes and how many there were: the name of a blob (REAPI `Digest`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    hash: [u8; 32],
    size: u64,
}

/// Why a text is not a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseDigestError(String);

impl fmt::Display for ParseDigestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not a digest (64 lower-case hex digits, `/`, size in bytes)",
            self.0
        )
    }
}

impl std::error::Error for ParseDigestError {}

impl Digest {
    /// The digest of no bytes at all.
    pub const EMPTY: Digest = Digest {
        hash: [
            0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f,
            0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b,
            0x78, 0x52, 0xb8, 0x55,
        ],
        size: 0,
    };

    /// Hashes `bytes`.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest {
            hash: Sha256::digest(bytes).into(),
            size: bytes.len() as u64,
        }
    }

    /// A digest from its two parts.
    pub const fn from_parts(hash: [u8; 32], size: u64) -> Digest {
        Digest { hash, size }
    }

    /// The 32 bytes of the hash.
    pub const fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// Size in bytes of what is named.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The hash as 64 lower-case hex digits.
    pub fn hex(&self) -> String {
        hex(&self.hash)
    }

    /// Reads the form that `Display` writes: `<64 hex digits>/<size>`.
    pub fn parse(text: &str) -> Result<Digest, ParseDigestError> {
        let fail = || ParseDigestError(text.to_owned());
        let (hash, size) = text.split_once('/').ok_or_else(fail)?;
        Digest::from_hex(hash, size.parse().map_err(|_| fail())?).ok_or_else(fail)
    }

    /// A digest from 64 lower-case hex digits and a size; `None` if the text is anything else.
    pub fn from_hex(text: &str, size: u64) -> Option<Digest> {
        let text = text.as_bytes();
        if text.len() != 64 {
            return None;
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(text.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Some(Digest { hash, size })
    }
}

fn nibble(c: u8) -> Option<u8> {
    match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)] as char);
        text.push(DIGITS[usize::from(byte & 15)] as char);
    }
    text
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.hex(), self.size)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", &self.hex()[..8], self.size)
    }
}

/// Passes bytes on to a writer and hashes them on the way, so that nothing is read twice.
pub struct HashingWriter<W> {
    inner: W,
    hasher: Sha256,
    size: u64,
}

impl<W: Write> HashingWriter<W> {
    /// Wraps `inner`.
    pub fn new(inner: W) -> Self {
        HashingWriter {
            inner,
            hasher: Sha256::new(),
            size: 0,
        }
    }

    /// The inner writer and the digest of all that went through.
    pub fn finish(self) -> (W, Digest) {
        (
            self.inner,
            Digest {
                hash: self.hasher.finalize().into(),
                size: self.size,
            },
        )
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        self.size += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// A 128-bit identity of a value that has no equality of its own (a frozen heap, a depset). Equal
/// fingerprints are taken for equal values. Never a name in a store: use [`Digest`] there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// Starts a fingerprint; `domain` keeps fingerprints of different kinds of things apart.
    pub fn build(domain: &str) -> FingerprintBuilder {
        let mut builder = FingerprintBuilder(Sha256::new());
        builder.text(domain);
        builder
    }

    /// The 16 bytes.
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// 32 lower-case hex digits.
    pub fn hex(&self) -> String {
        hex(&self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", &self.hex()[..8])
    }
}

/// Takes in the parts of a value one by one. Every part is length-prefixed, so `("ab", "c")` and
/// `("a", "bc")` differ.
pub struct FingerprintBuilder(Sha256);

impl FingerprintBuilder {
    /// Adds bytes.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// Adds a text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    /// Adds a number.
    pub fn number(&mut self, number: u64) -> &mut Self {
        self.0.update(number.to_le_bytes());
        self
    }

    /// Adds another fingerprint.
    pub fn fingerprint(&mut self, other: Fingerprint) -> &mut Self {
        self.0.update(other.0);
        self
    }

    /// Adds a digest.
    pub fn digest(&mut self, digest: &Digest) -> &mut Self {
        self.0.update(digest.hash);
        self.number(digest.size)
    }

    /// The fingerprint of all parts.
    pub fn finish(&self) -> Fingerprint {
        let hash: [u8; 32] = self.0.clone().finalize().into();
        let mut short = [0; 16];
        short.copy_from_slice(&hash[..16]);
        Fingerprint(short)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_text_round_trips() {
        let digest = Digest::of(b"kiln");
        assert_eq!(Digest::parse(&digest.to_string()), Ok(digest));
        assert_eq!(Digest::of(b""), Digest::EMPTY);
        for bad in [
            "",
            "/",
            "00/1",
            "E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/0",
        ] {
            assert!(Digest::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn hashing_writer_sees_what_went_through() {
        let mut writer = HashingWriter::new(Vec::new());
        writer.write_all(b"ki").unwrap();
        writer.write_all(b"ln").unwrap();
        assert_eq!(writer.finish(), (b"kiln".to_vec(), Digest::of(b"kiln")));
    }

    #[test]
    fn fingerprint_parts_do_not_run_together() {
        let one = Fingerprint::build("t").text("ab").text("c").finish();
        let two = Fingerprint::build("t").text("a").text("bc").finish();
        assert_ne!(one, two);
    }
}
