//! Large blobs as streams that are compressed (R24).
//!
//! They go through a file beside the store: what comes is unpacked when it is there, so that a
//! stream cannot make more of it than the blob has bytes. A stream that breaks begins anew, as
//! nobody can say what its bytes will be the second time.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::AtomicU64;

use kiln_base::Digest;
use kiln_proto::compression;
use tempfile::TempPath;
use tonic::Code;

use crate::bytestream::{READ, WRITE};
use crate::client::uuid;
use crate::report::add;
use crate::upload::blocking;
use crate::{About, CallError, Client};

impl Client {
    /// As [`Client::read_to`], compressed on the way.
    pub(crate) async fn read_compressed_to(
        &self,
        about: &About,
        digest: &Digest,
        path: &Path,
    ) -> Result<(), CallError> {
        let (hex, size) = (digest.hex(), digest.size());
        let name = self.resource(&format!("compressed-blobs/zstd/{hex}/{size}"));
        // What does not shrink gets a little larger.
        let most = size.saturating_add(size / 64).saturating_add(4 << 10);
        self.persist(READ, || async {
            let packed = beside(path, READ).await?;
            let written = AtomicU64::new(0);
            self.read_rest(about, digest, &name, &packed, &written, most)
                .await?;
            let path = path.to_owned();
            blocking(move || unpack(&packed, &path, size)).await
        })
        .await?;
        add(&self.0.tally.downloaded_bytes, size);
        Ok(())
    }

    /// As [`Client::write_from`], compressed if that makes it smaller; `false` if not, and nothing
    /// was sent.
    pub(crate) async fn write_compressed_from(
        &self,
        about: &About,
        digest: &Digest,
        path: &Path,
        folder: &Path,
    ) -> Result<bool, CallError> {
        let (hex, size) = (digest.hex(), digest.size());
        let packed = beside(&folder.join("x"), WRITE).await?;
        let from = path.to_owned();
        let (packed, length) = blocking(move || {
            let pack = || -> io::Result<u64> {
                let mut content = compression::compressing(File::open(&from)?)?;
                io::copy(&mut content, &mut File::create(&packed)?)
            };
            let length = pack().map_err(|error| local(WRITE, &error))?;
            Ok((packed, length))
        })
        .await?;
        if !compression::pays(length, size) {
            return Ok(false);
        }
        self.persist(WRITE, || async {
            let id = uuid();
            let name = self.resource(&format!("uploads/{id}/compressed-blobs/zstd/{hex}/{size}"));
            self.write_rest(about, digest, &name, &packed, 0, length)
                .await
        })
        .await?;
        add(&self.0.tally.uploaded_bytes, size);
        self.remember(&[*digest]);
        Ok(true)
    }
}

fn local(operation: &'static str, error: &io::Error) -> CallError {
    CallError::new(operation, Code::FailedPrecondition, error.to_string())
}

/// A file in the same folder, gone with the value.
async fn beside(path: &Path, operation: &'static str) -> Result<TempPath, CallError> {
    let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
    blocking(move || {
        let file = tempfile::Builder::new()
            .prefix(".download")
            .tempfile_in(&folder);
        let file = file.map_err(|error| local(operation, &error))?;
        Ok(file.into_temp_path())
    })
    .await
}

fn unpack(packed: &Path, path: &Path, size: u64) -> Result<(), CallError> {
    let open = || Ok((File::open(packed)?, File::create(path)?));
    let (packed, mut to) = open().map_err(|error| local(READ, &error))?;
    let packed = io::BufReader::new(packed);
    compression::decompress_to(packed, &mut to, size).map_err(|error| {
        let code = match error.kind() {
            // A stream that was cut short without an error.
            io::ErrorKind::UnexpectedEof => Code::Unavailable,
            io::ErrorKind::StorageFull => Code::FailedPrecondition,
            _ => Code::DataLoss,
        };
        CallError::new(READ, code, error.to_string())
    })
}
