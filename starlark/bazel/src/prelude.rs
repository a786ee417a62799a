//! The prelude: the language rules and the repositories that kiln answers for, as files embedded
//! in the binary.
//!
//! Each folder of `starlark/prelude/` is a repository of that name with ordinary packages.
//! [`BUILTINS`] is the one that only kiln knows: its files are loaded without `native`, because
//! its [`EXPORTS`] file is what `native` is made of.

/// A file of the prelude.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreludeFile {
    /// The canonical name of the repository it is in.
    pub repository: &'static str,
    /// Its path in the repository.
    pub path: &'static str,
    /// What is in it.
    pub text: &'static str,
}

/// The repository of the rules themselves.
pub const BUILTINS: &str = "kiln_builtins";

/// The file of [`BUILTINS`] whose public symbols BUILD files see and `native` has.
pub const EXPORTS: &str = "exports.bzl";

/// Toolchains that are registered after all of the workspace's own, as labels
/// (`toolchain` targets).
pub const TOOLCHAINS: &[&str] = &[
    "@@bazel_tools//tools/cpp:local_toolchain",
    "@@bazel_tools//tools/python:local_toolchain",
    "@@bazel_tools//tools/sh:local_toolchain",
];

/// Optional compiler flags that the C++ rules use where the compiler takes them: what
/// `CcTools::supported_flags` should be probed for.
pub const PROBED_CC_FLAGS: &[&str] = &[
    "-Wno-free-nonheap-object",
    "-Wself-assign",
    "-Wthread-safety",
    "-Wunused-but-set-parameter",
    "-fno-canonical-system-headers",
    "-no-canonical-prefixes",
];

/// All files, sorted by repository and path.
static FILES: &[PreludeFile] = include!(concat!(env!("OUT_DIR"), "/prelude_files.rs"));

/// A file by repository and path.
pub fn file(repository: &str, path: &str) -> Option<&'static PreludeFile> {
    let at = FILES
        .binary_search_by(|file| (file.repository, file.path).cmp(&(repository, path)))
        .ok()?;
    Some(&FILES[at])
}

/// All files of a repository, sorted by path; none if the prelude has no such repository.
pub fn files(repository: &str) -> &'static [PreludeFile] {
    let start = FILES.partition_point(|file| file.repository < repository);
    let rest = &FILES[start..];
    &rest[..rest.partition_point(|file| file.repository == repository)]
}

/// Whether the prelude answers for a repository.
pub fn has_repository(repository: &str) -> bool {
    !files(repository).is_empty()
}

/// The names of all repositories, sorted. All of them, [`BUILTINS`] too, see each other under
/// these names.
pub fn repositories() -> impl Iterator<Item = &'static str> {
    FILES
        .chunk_by(|a, b| a.repository == b.repository)
        .filter_map(|files| files.first())
        .map(|file| file.repository)
}
