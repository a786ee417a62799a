//! The store: large blobs.

use std::pin::Pin;

use futures::{Stream, StreamExt, stream};
use kiln_proto::byte_stream_server::ByteStream;
use kiln_proto::{
    ByteStreamClient, QueryWriteStatusRequest, QueryWriteStatusResponse, ReadRequest, ReadResponse,
    WriteRequest, WriteResponse,
};
use tonic::transport::Channel;
use tonic::{Request, Response, Status, Streaming};

use crate::Layer;
use crate::layer::{Fate, LARGEST, Reply, refused};

/// Bytes of one part.
const PART: usize = 64 << 10;

impl Layer {
    fn streams(&self) -> ByteStreamClient<Channel> {
        ByteStreamClient::new(self.0.upstream.clone()).max_decoding_message_size(LARGEST)
    }

    /// How many bytes of a stream pass, and whether it ends with an error then.
    fn cut(&self, what: &str, bytes: usize) -> Option<(usize, bool)> {
        let mut dice = self.once_more(what)?;
        let cut = dice.percent(self.0.faults.truncated);
        cut.then(|| {
            self.fault();
            (dice.below(bytes as u64 + 1) as usize, dice.percent(50))
        })
    }
}

/// The hash in the name of a resource.
fn hash(resource: &str) -> String {
    let mut parts = resource.split('/').skip_while(|part| *part != "blobs");
    parts.nth(1).unwrap_or_default().to_owned()
}

type Parts = Pin<Box<dyn Stream<Item = Result<ReadResponse, Status>> + Send>>;

#[tonic::async_trait]
impl ByteStream for Layer {
    type ReadStream = Parts;

    async fn read(&self, request: Request<ReadRequest>) -> Reply<Parts> {
        let hash = hash(&request.get_ref().resource_name);
        let fate = self.enter("Read", &hash, request.metadata()).await?;
        if let Fate::Before(code) | Fate::After(code) = fate {
            return Err(refused(code));
        }
        if self.is_lost(&hash) {
            return Err(Status::not_found("lost"));
        }
        let answer = self.streams().read(request.into_inner()).await?;
        let mut upstream = answer.into_inner();
        let mut content = Vec::new();
        while let Some(part) = upstream.message().await? {
            content.extend_from_slice(&part.data);
        }
        let content = self.spoil(&hash, content.into());
        let cut = self.cut(&format!("read {hash}"), content.len());
        let passed = content.slice(..cut.map_or(content.len(), |(bytes, _)| bytes));
        let part = |data: &[u8]| {
            Ok(ReadResponse {
                data: passed.slice_ref(data),
            })
        };
        let mut parts: Vec<Result<ReadResponse, Status>> = passed.chunks(PART).map(part).collect();
        if let Some((_, true)) = cut {
            parts.push(Err(Status::unavailable("told to break")));
        }
        Ok(Response::new(stream::iter(parts).boxed()))
    }

    async fn write(&self, request: Request<Streaming<WriteRequest>>) -> Reply<WriteResponse> {
        let (metadata, _, mut incoming) = request.into_parts();
        let mut parts: Vec<WriteRequest> = Vec::new();
        while let Some(part) = incoming.message().await? {
            parts.push(part);
        }
        let first = parts.first().map(|part| part.resource_name.clone());
        let hash = hash(&first.unwrap_or_default());
        let fate = self.enter("Write", &hash, &metadata).await?;
        if let Fate::Before(code) = fate {
            return Err(refused(code));
        }
        if let Some((passed, fails)) = self.cut(&format!("write {hash}"), parts.len()) {
            parts.truncate(passed);
            if let Some(last) = parts.last_mut() {
                last.finish_write = false;
            }
            let begun = parts.first().map_or(0, |part| part.write_offset);
            let bytes: usize = parts.iter().map(|part| part.data.len()).sum();
            // Whatever the server keeps of it, it says when it is asked.
            let _ = self.streams().write(stream::iter(parts)).await;
            return match fails {
                true => Err(Status::unavailable("told to break")),
                false => Ok(Response::new(WriteResponse {
                    committed_size: begun + bytes as i64,
                })),
            };
        }
        let answer = self.streams().write(stream::iter(parts)).await?;
        self.restore(&hash);
        match fate {
            Fate::After(code) => Err(refused(code)),
            _ => Ok(answer),
        }
    }

    async fn query_write_status(
        &self,
        request: Request<QueryWriteStatusRequest>,
    ) -> Reply<QueryWriteStatusResponse> {
        let hash = hash(&request.get_ref().resource_name);
        let fate = self
            .enter("QueryWriteStatus", &hash, request.metadata())
            .await?;
        if let Fate::Before(code) | Fate::After(code) = fate {
            return Err(refused(code));
        }
        self.streams()
            .query_write_status(request.into_inner())
            .await
    }
}
