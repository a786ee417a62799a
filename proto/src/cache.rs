//! Requests and answers of the stores: capabilities, contents, action results.

use bytes::Bytes;

use crate::{ActionResult, Digest, Directory, Message, Status};

/// `SHA256` of `DigestFunction.Value`.
pub const SHA256: i32 = 1;
/// `IDENTITY` of `Compressor.Value`: no compression.
pub const IDENTITY: i32 = 0;
/// `ZSTD` of `Compressor.Value`.
pub const ZSTD: i32 = 1;

/// A version of an API (`build.bazel.semver.SemVer`).
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct SemVer {
    /// The first number.
    #[prost(int32, tag = "1")]
    pub major: i32,
    /// The second.
    #[prost(int32, tag = "2")]
    pub minor: i32,
    /// The third.
    #[prost(int32, tag = "3")]
    pub patch: i32,
    /// What is before the release, if anything.
    #[prost(string, tag = "4")]
    pub prerelease: String,
}

/// Asks what a server can do.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct GetCapabilitiesRequest {
    /// The part of the server that is meant.
    #[prost(string, tag = "1")]
    pub instance_name: String,
}

/// What a server can do.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct ServerCapabilities {
    /// Its stores.
    #[prost(message, optional, tag = "1")]
    pub cache_capabilities: Option<CacheCapabilities>,
    /// Its workers.
    #[prost(message, optional, tag = "2")]
    pub execution_capabilities: Option<ExecutionCapabilities>,
    /// The lowest version that still works, with a warning.
    #[prost(message, optional, tag = "3")]
    pub deprecated_api_version: Option<SemVer>,
    /// The lowest version that works.
    #[prost(message, optional, tag = "4")]
    pub low_api_version: Option<SemVer>,
    /// The highest version that works.
    #[prost(message, optional, tag = "5")]
    pub high_api_version: Option<SemVer>,
}

/// Whether action results may be written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Message)]
pub struct ActionCacheUpdateCapabilities {
    /// They may.
    #[prost(bool, tag = "1")]
    pub update_enabled: bool,
}

/// What the stores of a server can do.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct CacheCapabilities {
    /// Digest functions that it takes; see [`SHA256`].
    #[prost(int32, repeated, tag = "1")]
    pub digest_functions: Vec<i32>,
    /// Whether action results may be written.
    #[prost(message, optional, tag = "2")]
    pub action_cache_update_capabilities: Option<ActionCacheUpdateCapabilities>,
    /// Bytes of blobs in one batch at most; 0 says nothing.
    #[prost(int64, tag = "4")]
    pub max_batch_total_size_bytes: i64,
    /// What it does with links whose targets are absolute (1: disallowed, 2: allowed).
    #[prost(int32, tag = "5")]
    pub symlink_absolute_path_strategy: i32,
    /// Compressors for streams; see [`ZSTD`].
    #[prost(int32, repeated, tag = "6")]
    pub supported_compressors: Vec<i32>,
    /// Compressors for batches.
    #[prost(int32, repeated, tag = "7")]
    pub supported_batch_update_compressors: Vec<i32>,
    /// The largest blob; 0 says nothing.
    #[prost(int64, tag = "8")]
    pub max_cas_blob_size_bytes: i64,
}

/// What the workers of a server can do.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct ExecutionCapabilities {
    /// The digest function of old servers, which know one only.
    #[prost(int32, tag = "1")]
    pub digest_function: i32,
    /// Whether there are workers.
    #[prost(bool, tag = "2")]
    pub exec_enabled: bool,
    /// Digest functions that it takes.
    #[prost(int32, repeated, tag = "5")]
    pub digest_functions: Vec<i32>,
}

/// Asks which blobs are not there.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct FindMissingBlobsRequest {
    /// The part of the server that is meant.
    #[prost(string, tag = "1")]
    pub instance_name: String,
    /// The blobs.
    #[prost(message, repeated, tag = "2")]
    pub blob_digests: Vec<Digest>,
    /// See [`SHA256`].
    #[prost(int32, tag = "3")]
    pub digest_function: i32,
}

/// Which blobs are not there; some servers repeat what was asked for twice.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct FindMissingBlobsResponse {
    /// They.
    #[prost(message, repeated, tag = "2")]
    pub missing_blob_digests: Vec<Digest>,
}

/// Blobs to store.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct BatchUpdateBlobsRequest {
    /// The part of the server that is meant.
    #[prost(string, tag = "1")]
    pub instance_name: String,
    /// The blobs.
    #[prost(message, repeated, tag = "2")]
    pub requests: Vec<BlobToStore>,
    /// See [`SHA256`].
    #[prost(int32, tag = "5")]
    pub digest_function: i32,
}

/// One blob of a [`BatchUpdateBlobsRequest`].
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct BlobToStore {
    /// Its name.
    #[prost(message, optional, tag = "1")]
    pub digest: Option<Digest>,
    /// Its content, compressed if it says so.
    #[prost(bytes = "bytes", tag = "2")]
    pub data: Bytes,
    /// See [`ZSTD`].
    #[prost(int32, tag = "3")]
    pub compressor: i32,
}

/// How storing went.
#[derive(Clone, PartialEq, Message)]
pub struct BatchUpdateBlobsResponse {
    /// For each blob.
    #[prost(message, repeated, tag = "1")]
    pub responses: Vec<StoredBlob>,
}

/// One blob of a [`BatchUpdateBlobsResponse`].
#[derive(Clone, PartialEq, Message)]
pub struct StoredBlob {
    /// Its name.
    #[prost(message, optional, tag = "1")]
    pub digest: Option<Digest>,
    /// How it went; absent is well.
    #[prost(message, optional, tag = "2")]
    pub status: Option<Status>,
}

/// Blobs to read.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct BatchReadBlobsRequest {
    /// The part of the server that is meant.
    #[prost(string, tag = "1")]
    pub instance_name: String,
    /// The blobs.
    #[prost(message, repeated, tag = "2")]
    pub digests: Vec<Digest>,
    /// Compressors that the answer may use.
    #[prost(int32, repeated, tag = "3")]
    pub acceptable_compressors: Vec<i32>,
    /// See [`SHA256`].
    #[prost(int32, tag = "4")]
    pub digest_function: i32,
}

/// Blobs that were read.
#[derive(Clone, PartialEq, Message)]
pub struct BatchReadBlobsResponse {
    /// Each of them.
    #[prost(message, repeated, tag = "1")]
    pub responses: Vec<BlobRead>,
}

/// One blob of a [`BatchReadBlobsResponse`].
#[derive(Clone, PartialEq, Message)]
pub struct BlobRead {
    /// Its name.
    #[prost(message, optional, tag = "1")]
    pub digest: Option<Digest>,
    /// Its content, compressed if it says so.
    #[prost(bytes = "bytes", tag = "2")]
    pub data: Bytes,
    /// How it went; absent is well.
    #[prost(message, optional, tag = "3")]
    pub status: Option<Status>,
    /// See [`ZSTD`].
    #[prost(int32, tag = "4")]
    pub compressor: i32,
}

/// Asks for a folder and all below it.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct GetTreeRequest {
    /// The part of the server that is meant.
    #[prost(string, tag = "1")]
    pub instance_name: String,
    /// The top folder.
    #[prost(message, optional, tag = "2")]
    pub root_digest: Option<Digest>,
    /// How many folders a part of the answer should have; 0 leaves it to the server.
    #[prost(int32, tag = "3")]
    pub page_size: i32,
    /// Where to go on, as an earlier answer said.
    #[prost(string, tag = "4")]
    pub page_token: String,
    /// See [`SHA256`].
    #[prost(int32, tag = "5")]
    pub digest_function: i32,
}

/// A part of a tree.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct GetTreeResponse {
    /// Folders; the top one is the first of the first part.
    #[prost(message, repeated, tag = "1")]
    pub directories: Vec<Directory>,
    /// For [`GetTreeRequest::page_token`]; empty at the end.
    #[prost(string, tag = "2")]
    pub next_page_token: String,
}

/// Asks for the result of an action.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct GetActionResultRequest {
    /// The part of the server that is meant.
    #[prost(string, tag = "1")]
    pub instance_name: String,
    /// The action.
    #[prost(message, optional, tag = "2")]
    pub action_digest: Option<Digest>,
    /// Whether what was printed may come along.
    #[prost(bool, tag = "3")]
    pub inline_stdout: bool,
    /// Whether what was printed as errors may come along.
    #[prost(bool, tag = "4")]
    pub inline_stderr: bool,
    /// Files that may come along.
    #[prost(string, repeated, tag = "5")]
    pub inline_output_files: Vec<String>,
    /// See [`SHA256`].
    #[prost(int32, tag = "6")]
    pub digest_function: i32,
}

/// Tells the result of an action.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct UpdateActionResultRequest {
    /// The part of the server that is meant.
    #[prost(string, tag = "1")]
    pub instance_name: String,
    /// The action.
    #[prost(message, optional, tag = "2")]
    pub action_digest: Option<Digest>,
    /// Its result.
    #[prost(message, optional, tag = "3")]
    pub action_result: Option<ActionResult>,
    /// See [`SHA256`].
    #[prost(int32, tag = "5")]
    pub digest_function: i32,
}

/// Who asks and for what: sent as binary metadata with each call.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct RequestMetadata {
    /// The program.
    #[prost(message, optional, tag = "1")]
    pub tool_details: Option<ToolDetails>,
    /// The action, as text.
    #[prost(string, tag = "2")]
    pub action_id: String,
    /// The run of the program.
    #[prost(string, tag = "3")]
    pub tool_invocation_id: String,
    /// What several runs have in common.
    #[prost(string, tag = "4")]
    pub correlated_invocations_id: String,
    /// The kind of action.
    #[prost(string, tag = "5")]
    pub action_mnemonic: String,
    /// The target.
    #[prost(string, tag = "6")]
    pub target_id: String,
    /// The configuration of the target.
    #[prost(string, tag = "7")]
    pub configuration_id: String,
}

/// A program and its version.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct ToolDetails {
    /// Its name.
    #[prost(string, tag = "1")]
    pub tool_name: String,
    /// Its version.
    #[prost(string, tag = "2")]
    pub tool_version: String,
}

/// Asks for a blob, from some byte on.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct ReadRequest {
    /// `[instance/]blobs/HASH/SIZE`.
    #[prost(string, tag = "1")]
    pub resource_name: String,
    /// How many bytes to leave out.
    #[prost(int64, tag = "2")]
    pub read_offset: i64,
    /// How many bytes at most; 0 for all.
    #[prost(int64, tag = "3")]
    pub read_limit: i64,
}

/// A part of a blob.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct ReadResponse {
    /// The bytes.
    #[prost(bytes = "bytes", tag = "10")]
    pub data: Bytes,
}

/// A part of a blob to store.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct WriteRequest {
    /// `[instance/]uploads/UUID/blobs/HASH/SIZE`; later parts may leave it out.
    #[prost(string, tag = "1")]
    pub resource_name: String,
    /// Where the part belongs.
    #[prost(int64, tag = "2")]
    pub write_offset: i64,
    /// Whether it is the last.
    #[prost(bool, tag = "3")]
    pub finish_write: bool,
    /// The bytes.
    #[prost(bytes = "bytes", tag = "10")]
    pub data: Bytes,
}

/// How storing went.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Message)]
pub struct WriteResponse {
    /// How many bytes are there.
    #[prost(int64, tag = "1")]
    pub committed_size: i64,
}

/// Asks how far a write got.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct QueryWriteStatusRequest {
    /// The name that it was written by.
    #[prost(string, tag = "1")]
    pub resource_name: String,
}

/// How far a write got.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Message)]
pub struct QueryWriteStatusResponse {
    /// How many bytes are there.
    #[prost(int64, tag = "1")]
    pub committed_size: i64,
    /// Whether that is all.
    #[prost(bool, tag = "2")]
    pub complete: bool,
}
