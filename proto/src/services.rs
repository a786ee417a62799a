//! Client and server stubs, one module for each service.

macro_rules! stubs {
    ($($module:ident = $file:literal;)*) => {
        $(
            #[allow(missing_docs, unused_qualifications, clippy::all, clippy::pedantic)]
            mod $module {
                include!(concat!(env!("OUT_DIR"), "/", $file, ".rs"));
            }
            pub use $module::*;
        )*
    };
}

stubs! {
    capabilities = "build.bazel.remote.execution.v2.Capabilities";
    storage = "build.bazel.remote.execution.v2.ContentAddressableStorage";
    action_cache = "build.bazel.remote.execution.v2.ActionCache";
    execution = "build.bazel.remote.execution.v2.Execution";
    byte_stream = "google.bytestream.ByteStream";
    operations = "google.longrunning.Operations";
}
