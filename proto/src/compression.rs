//! Contents compressed with zstd, as REAPI's `compressed-blobs` and batches have them (R24).
//!
//! What is unpacked never gets larger than the caller says: a few bytes can stand for gigabytes.

use std::io::{self, Read, Write};

/// How hard it is tried: the level that zstd takes by itself.
const LEVEL: i32 = 3;

/// Compressed contents; `None` if that saves less than a tenth, or there is next to nothing.
pub fn compress(content: &[u8]) -> Option<Vec<u8>> {
    const LEAST: usize = 256;
    if content.len() < LEAST {
        return None;
    }
    let packed = zstd::bulk::compress(content, LEVEL).ok()?;
    pays(packed.len() as u64, content.len() as u64).then_some(packed)
}

/// Whether compressed contents are worth it: a tenth less at least.
pub fn pays(packed: u64, size: u64) -> bool {
    packed < size - size / 10
}

/// Contents of exactly `size` bytes.
///
/// Errors: it is not compressed with zstd, or is larger or smaller.
pub fn decompress(packed: &[u8], size: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    decompress_to(packed, &mut content, size)?;
    Ok(content)
}

/// As [`decompress`], from one place to another; what is there of a content that is too large has
/// been written then, and no more.
///
/// Errors: as [`decompress`]; [`io::ErrorKind::UnexpectedEof`] if the end is lacking.
pub fn decompress_to(packed: impl Read, to: &mut impl Write, size: u64) -> io::Result<()> {
    let mut content = zstd::stream::read::Decoder::new(packed)?;
    let written = io::copy(&mut (&mut content).take(size), to)?;
    if written < size {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "it ends early",
        ));
    }
    // The end of the frame comes with nothing more.
    match content.read(&mut [0])? {
        0 => Ok(()),
        _ => Err(io::Error::other(format!("it has more than {size} bytes"))),
    }
}

/// Compressed contents, as they are read.
///
/// Errors: no memory.
pub fn compressing<R: Read + Send>(content: R) -> io::Result<impl Read + Send> {
    zstd::stream::read::Encoder::new(content, LEVEL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let text = "all work and no play ".repeat(1_000).into_bytes();
        let packed = compress(&text).expect("it shrinks");
        assert!(packed.len() < text.len() / 20);
        let size = text.len() as u64;
        assert_eq!(decompress(&packed, size).expect("the text"), text);
        let mut streamed = Vec::new();
        compressing(&text[..])
            .and_then(|mut r| r.read_to_end(&mut streamed))
            .expect("packed");
        assert_eq!(decompress(&streamed, size).expect("the text"), text);
        let noise: Vec<u8> = (0_u32..1_000)
            .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
            .collect();
        assert_eq!((compress(&noise), compress(b"short")), (None, None));
    }

    /// 2 KiB that stand for 64 MiB, and other lies about sizes.
    #[test]
    fn no_more_than_was_said() {
        let bomb = compress(&vec![0; 64 << 20]).expect("it shrinks");
        assert!(bomb.len() < 8 << 10);
        let mut written = Vec::new();
        let error = decompress_to(&bomb[..], &mut written, 100).expect_err("too large");
        assert_eq!(
            (error.to_string(), written.len()),
            ("it has more than 100 bytes".to_owned(), 100)
        );
        let kind = |packed: &[u8], size| decompress(packed, size).expect_err("no content").kind();
        assert_eq!(kind(&bomb, 65 << 20), io::ErrorKind::UnexpectedEof);
        assert_eq!(
            kind(&bomb[..bomb.len() / 2], 64 << 20),
            io::ErrorKind::UnexpectedEof
        );
        assert_eq!(kind(b"no zstd at all", 14), io::ErrorKind::Other);
    }
}
