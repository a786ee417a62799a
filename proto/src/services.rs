//! Client and server stubs, written by the build script.

macro_rules! stubs {
    ($($module:ident $client_module:ident $client:ident $server_module:ident $file:literal;)*) => {
        $(
            #[allow(missing_docs, unused_qualifications, clippy::all, clippy::pedantic)]
            mod $module {
                include!(concat!(env!("OUT_DIR"), "/", $file, ".rs"));
            }
            pub use $module::$client_module::$client;
            pub use $module::$server_module;
        )*
    };
}

stubs! {
    capabilities capabilities_client CapabilitiesClient capabilities_server
        "build.bazel.remote.execution.v2.Capabilities";
    storage content_addressable_storage_client ContentAddressableStorageClient
        content_addressable_storage_server
        "build.bazel.remote.execution.v2.ContentAddressableStorage";
    action_cache action_cache_client ActionCacheClient action_cache_server
        "build.bazel.remote.execution.v2.ActionCache";
    execution execution_client ExecutionClient execution_server
        "build.bazel.remote.execution.v2.Execution";
    byte_stream byte_stream_client ByteStreamClient byte_stream_server
        "google.bytestream.ByteStream";
    operations operations_client OperationsClient operations_server
        "google.longrunning.Operations";
}
