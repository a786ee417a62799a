//! The vocabulary every other crate shares: content digests and workspace-relative paths.
//!
//! What it is not: it reads no file, knows no wire format and depends on no other crate of ours.
//!
//! Invariants: a [`Digest`] cannot be made without the size of what it names; a [`RelPath`] is
//! always normalized (no empty, `.` or `..` component, no leading or trailing slash, no NUL).

mod digest;
mod path;

pub use digest::{Digest, Fingerprint, FingerprintBuilder, HashingWriter, ParseDigestError};
pub use path::{PathError, RelPath};
