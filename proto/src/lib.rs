//! The messages of the Remote Execution API (v2) that decide keys and name results, written out
//! with their field numbers, so that no protobuf compiler is needed on anyone's machine.
//!
//! Feature `grpc` adds the messages and the stubs of the services (stores, workers, streams of
//! bytes, operations); the crates of the engine do without it.
//!
//! What it is not: no connection and no policy.
//!
//! Invariant: a message encodes canonically as long as its repeated fields are sorted by whoever
//! fills them (REAPI: `Directory`, `Command`, `Platform`); [`prost`] writes fields in the order
//! of their numbers and leaves default values out.

#[cfg(feature = "grpc")]
mod cache;
#[cfg(feature = "grpc")]
pub mod compression;
#[cfg(feature = "grpc")]
mod execute;
#[cfg(feature = "grpc")]
mod services;

#[cfg(feature = "grpc")]
pub use cache::*;
#[cfg(feature = "grpc")]
pub use execute::*;
pub use prost::Message;
#[cfg(feature = "grpc")]
pub use services::*;

/// A blob's name: SHA-256 in lower-case hex, and its size.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct Digest {
    /// 64 lower-case hex digits.
    #[prost(string, tag = "1")]
    pub hash: String,
    /// Size in bytes.
    #[prost(int64, tag = "2")]
    pub size_bytes: i64,
}

/// A file in a [`Directory`].
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct FileNode {
    /// Its name; one path component.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its contents.
    #[prost(message, optional, tag = "2")]
    pub digest: Option<Digest>,
    /// Whether it may be executed.
    #[prost(bool, tag = "4")]
    pub is_executable: bool,
}

/// A folder in a [`Directory`].
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct DirectoryNode {
    /// Its name; one path component.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The digest of its own `Directory` message.
    #[prost(message, optional, tag = "2")]
    pub digest: Option<Digest>,
}

/// A symbolic link in a [`Directory`].
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct SymlinkNode {
    /// Its name; one path component.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Where it points, as in `readlink`.
    #[prost(string, tag = "2")]
    pub target: String,
}

/// One folder; each list is sorted by name in UTF-8 byte order.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct Directory {
    /// The files.
    #[prost(message, repeated, tag = "1")]
    pub files: Vec<FileNode>,
    /// The folders.
    #[prost(message, repeated, tag = "2")]
    pub directories: Vec<DirectoryNode>,
    /// The symbolic links.
    #[prost(message, repeated, tag = "3")]
    pub symlinks: Vec<SymlinkNode>,
}

/// A whole tree in one message, the form in which output directories are named.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct Tree {
    /// The top folder.
    #[prost(message, optional, tag = "1")]
    pub root: Option<Directory>,
    /// All folders below it, each once.
    #[prost(message, repeated, tag = "2")]
    pub children: Vec<Directory>,
}

/// An environment variable of a [`Command`].
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct EnvironmentVariable {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// One property of a [`Platform`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Message)]
pub struct PlatformProperty {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// What a machine must be to run an action; sorted by name, then value.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct Platform {
    /// The properties.
    #[prost(message, repeated, tag = "1")]
    pub properties: Vec<PlatformProperty>,
}

/// What to run.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct Command {
    /// The program and its arguments.
    #[prost(string, repeated, tag = "1")]
    pub arguments: Vec<String>,
    /// The whole environment, sorted by name.
    #[prost(message, repeated, tag = "2")]
    pub environment_variables: Vec<EnvironmentVariable>,
    /// Files to keep, as clients below 2.1 name them; unused where `output_paths` is set.
    #[prost(string, repeated, tag = "3")]
    pub output_files: Vec<String>,
    /// Folders to keep, as clients below 2.1 name them.
    #[prost(string, repeated, tag = "4")]
    pub output_directories: Vec<String>,
    /// The platform, repeated from the action for servers below 2.2.
    #[prost(message, optional, tag = "5")]
    pub platform: Option<Platform>,
    /// The current directory, relative to the input root.
    #[prost(string, tag = "6")]
    pub working_directory: String,
    /// What to keep, relative to the working directory; sorted, without repeats.
    #[prost(string, repeated, tag = "7")]
    pub output_paths: Vec<String>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Message)]
pub struct Duration {
    /// Whole seconds.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// The rest in nanoseconds.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// Everything that decides a result: its digest is the one key of local and remote caches.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct Action {
    /// The digest of the [`Command`].
    #[prost(message, optional, tag = "1")]
    pub command_digest: Option<Digest>,
    /// The digest of the input root's [`Directory`].
    #[prost(message, optional, tag = "2")]
    pub input_root_digest: Option<Digest>,
    /// How long it may run.
    #[prost(message, optional, tag = "6")]
    pub timeout: Option<Duration>,
    /// Whether the result must not be cached.
    #[prost(bool, tag = "7")]
    pub do_not_cache: bool,
    /// Keeps name spaces of one cache apart.
    #[prost(bytes = "vec", tag = "9")]
    pub salt: Vec<u8>,
    /// The platform.
    #[prost(message, optional, tag = "10")]
    pub platform: Option<Platform>,
}

/// A file that an action made.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct OutputFile {
    /// Its path, relative to the working directory.
    #[prost(string, tag = "1")]
    pub path: String,
    /// Its contents.
    #[prost(message, optional, tag = "2")]
    pub digest: Option<Digest>,
    /// Whether it may be executed.
    #[prost(bool, tag = "4")]
    pub is_executable: bool,
    /// The contents themselves, if the server chose to send them along.
    #[prost(bytes = "vec", tag = "5")]
    pub contents: Vec<u8>,
}

/// A folder that an action made.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct OutputDirectory {
    /// Its path, relative to the working directory.
    #[prost(string, tag = "1")]
    pub path: String,
    /// The digest of its [`Tree`] message.
    #[prost(message, optional, tag = "3")]
    pub tree_digest: Option<Digest>,
}

/// A symbolic link that an action made.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct OutputSymlink {
    /// Its path, relative to the working directory.
    #[prost(string, tag = "1")]
    pub path: String,
    /// Where it points.
    #[prost(string, tag = "2")]
    pub target: String,
}

/// What came of an action.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct ActionResult {
    /// The files.
    #[prost(message, repeated, tag = "2")]
    pub output_files: Vec<OutputFile>,
    /// The folders.
    #[prost(message, repeated, tag = "3")]
    pub output_directories: Vec<OutputDirectory>,
    /// The exit code; 0 is success.
    #[prost(int32, tag = "4")]
    pub exit_code: i32,
    /// What was printed, if it is short.
    #[prost(bytes = "vec", tag = "5")]
    pub stdout_raw: Vec<u8>,
    /// What was printed, as a blob.
    #[prost(message, optional, tag = "6")]
    pub stdout_digest: Option<Digest>,
    /// What was printed as errors, if it is short.
    #[prost(bytes = "vec", tag = "7")]
    pub stderr_raw: Vec<u8>,
    /// What was printed as errors, as a blob.
    #[prost(message, optional, tag = "8")]
    pub stderr_digest: Option<Digest>,
    /// Who ran it, when and how long.
    #[prost(message, optional, tag = "9")]
    pub execution_metadata: Option<ExecutedActionMetadata>,
    /// Links to files, for clients below 2.1.
    #[prost(message, repeated, tag = "10")]
    pub output_file_symlinks: Vec<OutputSymlink>,
    /// Links to folders, for clients below 2.1.
    #[prost(message, repeated, tag = "11")]
    pub output_directory_symlinks: Vec<OutputSymlink>,
    /// The symbolic links (REAPI 2.1; files and folders alike).
    #[prost(message, repeated, tag = "12")]
    pub output_symlinks: Vec<OutputSymlink>,
}

/// `google.protobuf.Timestamp`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Message)]
pub struct Timestamp {
    /// Seconds since 1970.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// The rest in nanoseconds.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// Who ran an action, and when.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct ExecutedActionMetadata {
    /// The name of the worker.
    #[prost(string, tag = "1")]
    pub worker: String,
    /// When the action was added to the queue.
    #[prost(message, optional, tag = "2")]
    pub queued_timestamp: Option<Timestamp>,
    /// When a worker took it.
    #[prost(message, optional, tag = "3")]
    pub worker_start_timestamp: Option<Timestamp>,
    /// When the worker was done, with all around the process.
    #[prost(message, optional, tag = "4")]
    pub worker_completed_timestamp: Option<Timestamp>,
    /// When the process started.
    #[prost(message, optional, tag = "7")]
    pub execution_start_timestamp: Option<Timestamp>,
    /// When the process ended.
    #[prost(message, optional, tag = "8")]
    pub execution_completed_timestamp: Option<Timestamp>,
}
