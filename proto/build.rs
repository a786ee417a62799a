//! Writes the service stubs (feature `grpc`) from the list of methods below; the messages are
//! written by hand in `src`, so no protobuf compiler and no `.proto` file is needed.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "grpc")]
    stubs::write();
}

#[cfg(feature = "grpc")]
mod stubs {
    use tonic_build::manual::{Builder, Method, Service};

    /// Name in Rust, name on the wire, input, output, whether the client streams, the server.
    type Row = (
        &'static str,
        &'static str,
        &'static str,
        &'static str,
        bool,
        bool,
    );

    const REAPI: &str = "build.bazel.remote.execution.v2";

    pub(super) fn write() {
        let services = [
            service(REAPI, "Capabilities", CAPABILITIES),
            service(REAPI, "ContentAddressableStorage", STORAGE),
            service(REAPI, "ActionCache", ACTION_CACHE),
            service(REAPI, "Execution", EXECUTION),
            service("google.bytestream", "ByteStream", BYTE_STREAM),
            service("google.longrunning", "Operations", OPERATIONS),
        ];
        Builder::new().compile(&services);
    }

    #[rustfmt::skip]
    const CAPABILITIES: &[Row] = &[
        ("get_capabilities", "GetCapabilities", "GetCapabilitiesRequest", "ServerCapabilities", false, false),
    ];

    #[rustfmt::skip]
    const STORAGE: &[Row] = &[
        ("find_missing_blobs", "FindMissingBlobs", "FindMissingBlobsRequest", "FindMissingBlobsResponse", false, false),
        ("batch_update_blobs", "BatchUpdateBlobs", "BatchUpdateBlobsRequest", "BatchUpdateBlobsResponse", false, false),
        ("batch_read_blobs", "BatchReadBlobs", "BatchReadBlobsRequest", "BatchReadBlobsResponse", false, false),
        ("get_tree", "GetTree", "GetTreeRequest", "GetTreeResponse", false, true),
    ];

    #[rustfmt::skip]
    const ACTION_CACHE: &[Row] = &[
        ("get_action_result", "GetActionResult", "GetActionResultRequest", "ActionResult", false, false),
        ("update_action_result", "UpdateActionResult", "UpdateActionResultRequest", "ActionResult", false, false),
    ];

    #[rustfmt::skip]
    const EXECUTION: &[Row] = &[
        ("execute", "Execute", "ExecuteRequest", "Operation", false, true),
        ("wait_execution", "WaitExecution", "WaitExecutionRequest", "Operation", false, true),
    ];

    #[rustfmt::skip]
    const BYTE_STREAM: &[Row] = &[
        ("read", "Read", "ReadRequest", "ReadResponse", false, true),
        ("write", "Write", "WriteRequest", "WriteResponse", true, false),
        ("query_write_status", "QueryWriteStatus", "QueryWriteStatusRequest", "QueryWriteStatusResponse", false, false),
    ];

    #[rustfmt::skip]
    const OPERATIONS: &[Row] = &[
        ("get_operation", "GetOperation", "GetOperationRequest", "Operation", false, false),
        ("cancel_operation", "CancelOperation", "CancelOperationRequest", "Empty", false, false),
    ];

    fn service(package: &str, name: &str, methods: &[Row]) -> Service {
        let service = Service::builder().name(name).package(package);
        let service = methods.iter().fold(service, |service, row| {
            let (name, route, input, output, client, server) = *row;
            let method = Method::builder()
                .name(name)
                .route_name(route)
                .input_type(format!("crate::{input}"))
                .output_type(format!("crate::{output}"))
                .codec_path("tonic_prost::ProstCodec");
            let method = if client {
                method.client_streaming()
            } else {
                method
            };
            let method = if server {
                method.server_streaming()
            } else {
                method
            };
            service.method(method.build())
        });
        service.build()
    }
}
