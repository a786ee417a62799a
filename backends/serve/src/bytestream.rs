//! `ByteStream`: blobs of any size, in parts.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use kiln_base::Digest;
use kiln_diag::Diag;
use kiln_proto::byte_stream_server::ByteStream;
use kiln_proto::{
    QueryWriteStatusRequest, QueryWriteStatusResponse, ReadRequest, ReadResponse, WriteRequest,
    WriteResponse, compression,
};
use kiln_store::PutMode;
use tonic::{Request, Response, Status, Streaming};

use crate::names::{Streamed, read_name, write_name};
use crate::shared::{Reply, Shared, blocking};
use crate::status::shown;
use crate::uploads::{Refusal, Upload, Uploads};

/// Bytes of one part of a read.
const PART: u64 = 512 << 10;

/// The service.
pub(crate) struct Service {
    pub(crate) shared: Arc<Shared>,
    pub(crate) uploads: Arc<Uploads>,
}

#[tonic::async_trait]
impl ByteStream for Service {
    type ReadStream = Pin<Box<dyn Stream<Item = Result<ReadResponse, Status>> + Send>>;

    async fn read(&self, request: Request<ReadRequest>) -> Reply<Self::ReadStream> {
        let request = request.into_inner();
        let Streamed { digest, zstd } = read_name(&self.shared.instance, &request.resource_name)?;
        let span = span(&request, digest.size())?;
        let shared = self.shared.clone();
        let file = blocking(move || open(&shared, &digest, span.0)).await??;
        if zstd {
            return compressed(file, &request);
        }
        let parts = stream::try_unfold((file, span.1), |(file, left)| async move {
            match left {
                0 => Ok(None),
                // No thread is held while the client takes its time.
                left => blocking(move || part(file, left)).await?.map(Some),
            }
        });
        Ok(Response::new(parts.boxed()))
    }

    async fn write(&self, request: Request<Streaming<WriteRequest>>) -> Reply<WriteResponse> {
        let mut parts = request.into_inner();
        let first = parts.message().await?;
        let first = first.ok_or_else(|| Status::invalid_argument("a write without a message"))?;
        let Streamed { digest, zstd } = write_name(&self.shared.instance, &first.resource_name)?;
        let size = digest.size();
        let store = self.shared.store.clone();
        // Who comes second need not send it (R9); -1 where nobody knows how long it would have been.
        if blocking(move || store.contains(&digest)).await? {
            return match zstd {
                true => Ok(Response::new(WriteResponse { committed_size: -1 })),
                false => committed(size),
            };
        }
        if !zstd && first.finish_write && first.write_offset == 0 && first.data.len() as u64 == size
        {
            self.store_at_once(digest, first.data).await?;
            return committed(size);
        }
        let uploads = self.uploads.clone();
        let (name, afresh) = (first.resource_name.clone(), first.write_offset == 0);
        let upload = blocking(move || uploads.take(&name, afresh)).await?;
        let upload = upload.map_err(|refusal| self.refused(refusal))?;
        self.receive(Streamed { digest, zstd }, upload, first, parts)
            .await
    }

    async fn query_write_status(
        &self,
        request: Request<QueryWriteStatusRequest>,
    ) -> Reply<QueryWriteStatusResponse> {
        let name = request.into_inner().resource_name;
        let Streamed { digest, zstd } = write_name(&self.shared.instance, &name)?;
        let store = self.shared.store.clone();
        let complete = blocking(move || store.contains(&digest)).await?;
        let written = match complete {
            true if zstd => return Ok(Response::new(DONE)),
            true => digest.size(),
            // A write that is not known begins at 0, as after a restart.
            false => self.uploads.written(&name),
        };
        Ok(Response::new(QueryWriteStatusResponse {
            committed_size: signed(written),
            complete,
        }))
    }
}

impl Service {
    fn refused(&self, refusal: Refusal) -> Status {
        match refusal {
            Refusal::Busy => Status::aborted("another stream writes that upload"),
            Refusal::TooMany => Status::resource_exhausted("too many uploads are under way"),
            Refusal::Io(error) => self.no_room(&error),
        }
    }

    fn no_room(&self, error: &std::io::Error) -> Status {
        let text = kiln_diag::io_text(error);
        let diag = Diag::environment(format!("cannot keep what clients upload: {text}"));
        self.shared.trouble(diag)
    }

    /// A blob that came in one message needs no file of its own.
    async fn store_at_once(&self, digest: Digest, data: Bytes) -> Result<(), Status> {
        let shared = self.shared.clone();
        blocking(move || {
            right(&digest, &Digest::of(&data))?;
            let stored = shared.store.put_bytes_known(digest, &data);
            stored.map_err(|error| shared.trouble(error))
        })
        .await?
    }

    /// Takes part after part. Whatever breaks the stream, what has come is kept.
    async fn receive(
        &self,
        blob: Streamed,
        mut upload: Upload,
        first: WriteRequest,
        mut parts: Streaming<WriteRequest>,
    ) -> Reply<WriteResponse> {
        let name = first.resource_name.clone();
        let mut next = Some(first);
        while let Some(part) = next {
            if let Err(error) = fits(&part, &name, &blob, upload.written()) {
                // What does not fit at all makes the rest doubtful as well.
                upload.discard();
                return Err(error);
            }
            let data = part.data;
            let (back, result) = blocking(move || {
                let result = upload.append(&data);
                (upload, result)
            })
            .await?;
            upload = back;
            result.map_err(|error| self.no_room(&error))?;
            if part.finish_write {
                return self.finish(blob, upload).await;
            }
            next = parts.message().await?;
        }
        // The client stopped without saying that it was done: it may go on later.
        committed(upload.written())
    }

    async fn finish(&self, blob: Streamed, upload: Upload) -> Reply<WriteResponse> {
        let shared = self.shared.clone();
        let (digest, length) = (blob.digest, upload.written());
        blocking(move || {
            let (uploads, Some((path, found))) = upload.finish() else {
                return Err(Status::internal("an upload was lost"));
            };
            let (path, found) = match blob.zstd {
                true => uploads.unpack(&path, digest.size()).map_err(unpacking)?,
                false => (path, found),
            };
            right(&digest, &found)?;
            // It is gone from its folder afterwards, or removed with its name.
            let stored = shared.store.put_file(&path, PutMode::Move, false);
            let stored = stored.map_err(|error| shared.trouble(error))?;
            right(&digest, &stored)
        })
        .await??;
        committed(length)
    }
}

/// What is said of a compressed write whose blob is there: how long it was is not known.
const DONE: QueryWriteStatusResponse = QueryWriteStatusResponse {
    committed_size: -1,
    complete: true,
};

/// A stream of a blob, or of its end, compressed with zstd.
fn compressed(file: File, request: &ReadRequest) -> Reply<<Service as ByteStream>::ReadStream> {
    if request.read_limit != 0 {
        let text = "a compressed read has no limit: it is not known where it would end";
        return Err(Status::invalid_argument(text));
    }
    let failed = |_| Status::data_loss("the blob cannot be read to its end");
    let packed = compression::compressing(file).map_err(failed)?;
    let parts = stream::try_unfold(packed, move |mut packed| async move {
        blocking(move || {
            let mut data = Vec::new();
            let read = (&mut packed).take(PART).read_to_end(&mut data);
            match read.map_err(failed)? {
                0 => Ok(None),
                _ => Ok(Some((ReadResponse { data: data.into() }, packed))),
            }
        })
        .await?
    });
    Ok(Response::new(parts.boxed()))
}

/// A compressed write that cannot be unpacked: mostly the fault of who sent it.
fn unpacking(error: std::io::Error) -> Status {
    match error.kind() {
        std::io::ErrorKind::StorageFull => Status::resource_exhausted(error.to_string()),
        _ => Status::invalid_argument(format!("what was sent cannot be unpacked: {error}")),
    }
}

/// Whether a part goes on where the last one ended.
fn fits(part: &WriteRequest, name: &str, blob: &Streamed, written: u64) -> Result<(), Status> {
    if !part.resource_name.is_empty() && part.resource_name != name {
        return Err(Status::invalid_argument(format!(
            "one stream writes one blob, and `{}` is another",
            shown(&part.resource_name)
        )));
    }
    if u64::try_from(part.write_offset) != Ok(written) {
        return Err(Status::invalid_argument(format!(
            "the write goes on at {written}, not at {}",
            part.write_offset
        )));
    }
    let end = written.saturating_add(part.data.len() as u64);
    let (digest, size) = (blob.digest, blob.digest.size());
    let wrong = match blob.zstd {
        // What does not shrink gets a little larger.
        true => end > size.saturating_add(size / 64).saturating_add(4 << 10),
        false => end > size || part.finish_write && end != size,
    };
    if wrong {
        return Err(Status::invalid_argument(format!(
            "{end} bytes were written, but the blob {digest} has {size}"
        )));
    }
    Ok(())
}

fn right(wanted: &Digest, found: &Digest) -> Result<(), Status> {
    match wanted == found {
        true => Ok(()),
        false => Err(Status::invalid_argument(format!(
            "the content is {found}, not {wanted}"
        ))),
    }
}

fn committed(size: u64) -> Reply<WriteResponse> {
    let committed_size = signed(size);
    Ok(Response::new(WriteResponse { committed_size }))
}

fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// Where a read begins, and how many bytes it has.
fn span(request: &ReadRequest, size: u64) -> Result<(u64, u64), Status> {
    let offset = u64::try_from(request.read_offset);
    let offset = offset.ok().filter(|offset| *offset <= size);
    let offset = offset.ok_or_else(|| {
        let asked = request.read_offset;
        Status::out_of_range(format!("the blob has {size} bytes: none at {asked}"))
    })?;
    let rest = size - offset;
    match u64::try_from(request.read_limit) {
        Ok(0) => Ok((offset, rest)),
        Ok(limit) => Ok((offset, limit.min(rest))),
        Err(_) => Err(Status::invalid_argument("a negative limit of a read")),
    }
}

fn open(shared: &Shared, digest: &Digest, offset: u64) -> Result<File, Status> {
    let missing = || Status::not_found(format!("blob {digest} is missing"));
    let path = shared.store.blob_path(digest, false).ok_or_else(missing)?;
    // It may go away in between.
    let mut file = File::open(path).map_err(|_| missing())?;
    file.seek(SeekFrom::Start(offset)).map_err(|_| missing())?;
    Ok(file)
}

type Left = (File, u64);

fn part(mut file: File, left: u64) -> Result<(ReadResponse, Left), Status> {
    let wanted = left.min(PART);
    let mut data = Vec::with_capacity(usize::try_from(wanted).unwrap_or(0));
    let read = (&mut file).take(wanted).read_to_end(&mut data);
    match read {
        Ok(read) if read as u64 == wanted => {
            let data = Bytes::from(data);
            Ok((ReadResponse { data }, (file, left - wanted)))
        }
        _ => Err(Status::data_loss("the blob cannot be read to its end")),
    }
}
