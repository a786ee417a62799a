//! What a process printed, as far as people are shown it.

use std::io::{Read, Seek, SeekFrom};

use kiln_base::Digest;
use kiln_diag::Diag;
use kiln_store::Store;

/// More than that is read into memory of no output: one may be larger than the memory is.
const MOST: u64 = 4 << 20;

/// The last [`MOST`] bytes of an output, all of it as a rule; nothing if it is gone.
///
/// Errors: the store cannot be read.
pub(crate) fn printed(store: &Store, digest: &Digest) -> Result<Vec<u8>, Diag> {
    if digest.size() <= MOST {
        return Ok(store.read(digest)?.unwrap_or_default());
    }
    let Some(path) = store.blob_path(digest, false) else {
        return Ok(Vec::new());
    };
    let read = || {
        let mut file = std::fs::File::open(&path)?;
        file.seek(SeekFrom::Start(digest.size() - MOST))?;
        let mut bytes = Vec::new();
        file.take(MOST).read_to_end(&mut bytes)?;
        std::io::Result::Ok(bytes)
    };
    let bytes = read().map_err(|error| Diag::io("cannot read", &path, &error))?;
    let left_out = digest.size() - MOST;
    let mut text = format!("({left_out} bytes before this are left out)\n").into_bytes();
    text.extend(bytes);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use kiln_store::StoreConfig;

    use super::*;

    #[test]
    fn the_end_of_what_is_too_long() -> Result<(), Diag> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = StoreConfig::new(folder.path().join("store"));
        config.socket_dir = Some(folder.path().to_owned());
        let store = Store::open(config)?;
        let short = store.put_bytes(b"short")?;
        assert_eq!(printed(&store, &short)?, b"short");
        let mut long = vec![b'a'; 10];
        long.resize(MOST as usize + 10, b'b');
        let long = store.put_bytes(&long)?;
        let text = printed(&store, &long)?;
        let begins = b"(10 bytes before this are left out)\nbbb";
        assert!(text.starts_with(begins));
        assert_eq!(text.len(), begins.len() - 3 + MOST as usize);
        assert_eq!(printed(&store, &Digest::of(b"gone"))?, b"");
        Ok(())
    }
}
