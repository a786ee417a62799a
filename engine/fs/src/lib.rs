//! All reading of source files: directory listings, globs, ignore files, contents, and the root
//! of the workspace.
//!
//! What it is not: it watches nothing, remembers nothing between calls and writes to nothing but the store. Which
//! answers are kept, and until when, is the engine's business: it asks for one listing or one file
//! at a time, so that each can be a node of its graph (GR-061).
//!
//! Invariants its users may lean on:
//! * A listing is sorted by the bytes of the names and compares by value; what a symbolic link
//!   leads to is part of it.
//! * A [`Glob`] touches no file system: it asks its caller for the listing of each directory that
//!   can hold a match, each once, and never for one below a sub-package or an ignored directory.
//! * Walks end, whatever the links in the tree are.
//! * A file that is not a regular file (a pipe, a device) is refused, never waited for.
//! * Every error names the file and, where there is one, the cure.

mod capture;
mod error;
mod glob;
mod ignore;
mod listing;
mod read;
mod repo_file;
mod root;
mod workspace;

pub use glob::{Glob, Lister, Matches};
pub use ignore::Ignore;
pub use listing::{Entry, EntryKind, Link, LinkPlace, Listing, OddName, Resolved};
pub use read::TEXT_LIMIT;
pub use repo_file::read_ignore_directories;
pub use root::{SourceRoot, Stat};
pub use workspace::{ROOT_MARKERS, Workspace};
