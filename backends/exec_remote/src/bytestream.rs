//! Large blobs, as streams.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::Stream;
use kiln_base::Digest;
use kiln_proto::{
    ByteStreamClient, QueryWriteStatusRequest, QueryWriteStatusResponse, ReadRequest, WriteRequest,
};
use parking_lot::Mutex;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tonic::{Code, Status};

use crate::client::{MAX_ANSWER, uuid, while_moving};
use crate::report::add;
use crate::{About, CallError, Client};

/// Bytes of one part of an upload.
const CHUNK: usize = 512 << 10;
pub(crate) const READ: &str = "ByteStream.Read";
pub(crate) const WRITE: &str = "ByteStream.Write";

impl Client {
    pub(crate) fn resource(&self, rest: &str) -> String {
        match self.0.config.instance.as_str() {
            "" => rest.to_owned(),
            instance => format!("{instance}/{rest}"),
        }
    }

    /// Reads a blob into a file that is empty so far. A stream that breaks goes on where it broke
    /// (R10). The content is not checked here: whoever puts the file anywhere hashes it.
    pub(crate) async fn read_to(
        &self,
        about: &About,
        digest: &Digest,
        path: &Path,
    ) -> Result<(), CallError> {
        let written = AtomicU64::new(0);
        let name = self.resource(&format!("blobs/{}/{}", digest.hex(), digest.size()));
        self.persist(READ, || async {
            let at = self
                .read_rest(about, digest, &name, path, &written, digest.size())
                .await?;
            match at == digest.size() {
                true => Ok(()),
                // A stream that was cut short without an error: the rest may come with another try.
                false => Err(CallError::new(
                    READ,
                    Code::Unavailable,
                    "the stream ended too early",
                )),
            }
        })
        .await?;
        add(&self.0.tally.downloaded_bytes, digest.size());
        Ok(())
    }

    /// Reads on where the file ends, at most to `most` bytes; returns how many there are.
    pub(crate) async fn read_rest(
        &self,
        about: &About,
        digest: &Digest,
        name: &str,
        path: &Path,
        written: &AtomicU64,
        most: u64,
    ) -> Result<u64, CallError> {
        let local = |error: std::io::Error| {
            CallError::new(READ, Code::FailedPrecondition, error.to_string())
        };
        let mut at = written.load(Ordering::Relaxed);
        let request = ReadRequest {
            resource_name: name.to_owned(),
            read_offset: i64::try_from(at).unwrap_or(i64::MAX),
            read_limit: 0,
        };
        let request = self.request(about, request).await?;
        let mut client =
            ByteStreamClient::new(self.0.channel.clone()).max_decoding_message_size(MAX_ANSWER);
        let idle = self.0.config.timeout;
        let stream = tokio::time::timeout(idle, client.read(request)).await;
        let stream = stream.map_err(|_| self.too_long(READ))?;
        let broken = |status: Status| {
            let error = CallError::of(READ, &status);
            let message = format!("{digest}: {}", error.message);
            CallError { message, ..error }
        };
        let mut stream = stream.map_err(broken)?.into_inner();
        let mut file = File::options()
            .write(true)
            .open(path)
            .await
            .map_err(local)?;
        file.seek(std::io::SeekFrom::Start(at))
            .await
            .map_err(local)?;
        loop {
            let part = tokio::time::timeout(idle, stream.message()).await;
            let part = part.map_err(|_| self.too_long(READ))?;
            let Some(part) = part.map_err(broken)? else {
                break;
            };
            // Endless streams end here.
            if at + part.data.len() as u64 > most {
                let text = format!("{digest}: more bytes than that");
                return Err(CallError::new(READ, Code::DataLoss, text));
            }
            file.write_all(&part.data).await.map_err(local)?;
            file.flush().await.map_err(local)?;
            at += part.data.len() as u64;
            written.store(at, Ordering::Relaxed);
        }
        Ok(at)
    }

    /// Writes a blob from a file. A stream that breaks goes on where the server says it is (R9),
    /// or from the start where it does not say.
    pub(crate) async fn write_from(
        &self,
        about: &About,
        digest: &Digest,
        path: &Path,
    ) -> Result<(), CallError> {
        let name = format!(
            "uploads/{}/blobs/{}/{}",
            uuid(),
            digest.hex(),
            digest.size()
        );
        let name = self.resource(&name);
        let begun = AtomicU64::new(0);
        self.persist(WRITE, || async {
            let first = begun.fetch_add(1, Ordering::Relaxed) == 0;
            let from = match first {
                true => Some(0),
                false => self.how_far(about, &name, digest).await,
            };
            match from {
                Some(from) => {
                    let size = digest.size();
                    self.write_rest(about, digest, &name, path, from, size)
                        .await
                }
                None => Ok(()),
            }
        })
        .await?;
        add(&self.0.tally.uploaded_bytes, digest.size());
        self.remember(&[*digest]);
        Ok(())
    }

    /// Where to go on; `None` if all is there.
    async fn how_far(&self, about: &About, name: &str, digest: &Digest) -> Option<u64> {
        let message = QueryWriteStatusRequest {
            resource_name: name.to_owned(),
        };
        let request = self.request(about, message).await.ok()?;
        let mut client = ByteStreamClient::new(self.0.channel.clone());
        let status = client.query_write_status(request);
        match tokio::time::timeout(self.0.config.timeout, status).await {
            Ok(Ok(status)) => go_on(status.get_ref(), digest),
            // Many servers do not know that call.
            _ => Some(0),
        }
    }

    /// Writes a file of `length` bytes from a place on: the blob, or the blob compressed.
    pub(crate) async fn write_rest(
        &self,
        about: &About,
        digest: &Digest,
        name: &str,
        path: &Path,
        from: u64,
        length: u64,
    ) -> Result<(), CallError> {
        let (moved, trouble) = (Arc::new(AtomicU64::new(0)), Arc::default());
        let parts = parts(Upload {
            name: name.to_owned(),
            path: path.to_owned(),
            file: None,
            at: from,
            size: length,
            over: false,
            moved: moved.clone(),
            trouble: Arc::clone(&trouble),
        });
        let request = self.request(about, parts).await?;
        let mut client = ByteStreamClient::new(self.0.channel.clone());
        let answer = while_moving(&moved, self.0.config.timeout, client.write(request)).await;
        if let Some(text) = trouble.lock().take() {
            return Err(CallError::new(WRITE, Code::FailedPrecondition, text));
        }
        let answer = answer.ok_or_else(|| self.too_long(WRITE))?;
        let answer = answer.map_err(|status| CallError::of(WRITE, &status))?;
        // An answer before the end, or -1, is what a server says that has the blob already. Some
        // give the size of the blob then, although it was sent compressed.
        match answer.get_ref().committed_size {
            -1 => Ok(()),
            size if u64::try_from(size).is_ok_and(|n| n == length || n == digest.size()) => Ok(()),
            size => {
                let text = format!("{size} of {length} bytes arrived");
                Err(CallError::new(WRITE, Code::Aborted, text))
            }
        }
    }
}

fn go_on(status: &QueryWriteStatusResponse, digest: &Digest) -> Option<u64> {
    let at = u64::try_from(status.committed_size).unwrap_or(0);
    match status.complete || at == digest.size() {
        true => None,
        // More than there is would be nonsense: from the start.
        false => Some(if at < digest.size() { at } else { 0 }),
    }
}

/// An upload under way.
struct Upload {
    name: String,
    path: PathBuf,
    file: Option<File>,
    at: u64,
    size: u64,
    over: bool,
    moved: Arc<AtomicU64>,
    /// Why the file could not be read.
    trouble: Arc<Mutex<Option<String>>>,
}

impl Upload {
    async fn next(&mut self) -> std::io::Result<WriteRequest> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let mut file = File::open(&self.path).await?;
                file.seek(std::io::SeekFrom::Start(self.at)).await?;
                none.insert(file)
            }
        };
        let wanted = CHUNK.min(usize::try_from(self.size - self.at).unwrap_or(CHUNK));
        let mut data = vec![0; wanted];
        file.read_exact(&mut data).await?;
        let offset = self.at;
        self.at += data.len() as u64;
        self.over = self.at == self.size;
        self.moved.fetch_add(1, Ordering::Relaxed);
        Ok(WriteRequest {
            resource_name: self.name.clone(),
            write_offset: i64::try_from(offset).unwrap_or(i64::MAX),
            finish_write: self.over,
            data: Bytes::from(data),
        })
    }
}

/// The parts of an upload, each read when it is wanted.
fn parts(upload: Upload) -> impl Stream<Item = WriteRequest> + Send + 'static {
    futures::stream::unfold(upload, |mut upload| async move {
        if upload.over {
            return None;
        }
        match upload.next().await {
            Ok(part) => Some((part, upload)),
            Err(error) => {
                let text = format!("cannot read `{}`: {error}", upload.path.display());
                *upload.trouble.lock() = Some(text);
                None
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R9: where a broken upload goes on.
    #[test]
    fn resumed_uploads() {
        let digest = Digest::of(b"hello");
        let cases = [
            ((0, false), Some(0)),
            ((3, false), Some(3)),
            ((5, false), None),
            ((0, true), None),
            ((-1, false), Some(0)),
            ((99, false), Some(0)),
        ];
        for ((committed_size, complete), expected) in cases {
            let status = QueryWriteStatusResponse {
                committed_size,
                complete,
            };
            assert_eq!(go_on(&status, &digest), expected, "{status:?}");
        }
    }
}
