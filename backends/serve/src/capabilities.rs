//! What the server can do (R1).

use std::sync::Arc;

use kiln_proto::capabilities_server::Capabilities;
use kiln_proto::{
    ActionCacheUpdateCapabilities, CacheCapabilities, ExecutionCapabilities,
    GetCapabilitiesRequest, IDENTITY, SHA256, SemVer, ServerCapabilities, ZSTD,
};
use tonic::{Request, Response};

use crate::shared::{Reply, Shared};

/// Bytes of blobs in one batch: with their names they stay below gRPC's limit of 4 MiB a message.
pub(crate) const BATCH: u64 = (4 << 20) - (64 << 10);
/// `DISALLOWED` of `SymlinkAbsolutePathStrategy.Value`.
const DISALLOWED: i32 = 1;

/// The service.
pub(crate) struct Service(pub(crate) Arc<Shared>);

fn version(minor: i32) -> Option<SemVer> {
    Some(SemVer {
        major: 2,
        minor,
        ..SemVer::default()
    })
}

#[tonic::async_trait]
impl Capabilities for Service {
    async fn get_capabilities(
        &self,
        request: Request<GetCapabilitiesRequest>,
    ) -> Reply<ServerCapabilities> {
        self.0.admit(&request.get_ref().instance_name, 0)?;
        let update_enabled = !self.0.read_only;
        Ok(Response::new(ServerCapabilities {
            cache_capabilities: Some(CacheCapabilities {
                digest_functions: vec![SHA256],
                action_cache_update_capabilities: Some(ActionCacheUpdateCapabilities {
                    update_enabled,
                }),
                max_batch_total_size_bytes: BATCH as i64,
                symlink_absolute_path_strategy: DISALLOWED,
                supported_compressors: vec![IDENTITY, ZSTD],
                supported_batch_update_compressors: vec![IDENTITY, ZSTD],
                ..CacheCapabilities::default()
            }),
            execution_capabilities: Some(ExecutionCapabilities {
                digest_function: SHA256,
                exec_enabled: true,
                digest_functions: vec![SHA256],
            }),
            deprecated_api_version: None,
            low_api_version: version(0),
            high_api_version: version(3),
        }))
    }
}
