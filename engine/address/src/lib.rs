//! Labels and target patterns: one grammar and one model for every way a target can be spelled.
//!
//! What it is not: it reads no file. Whether a path on the command line names a file or a package
//! is decided by whoever knows the file system.
//!
//! Invariants: a [`Label`] names its repository canonically (the root repository is the empty
//! name), so two equal labels are one target; apparent names (`@repo`) exist in text only and go
//! through a [`RepoMapping`].

mod label;
mod mapping;
mod pattern;

pub use label::{Label, LabelError, PackageId, Repo};
pub use mapping::RepoMapping;
pub use pattern::{Pattern, PatternKind, Selector};
