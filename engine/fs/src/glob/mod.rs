//! Globs of BUILD files (Bazel: `glob`, `subpackages`).

mod pattern;
mod states;
mod walk;

use std::sync::Arc;

use kiln_base::RelPath;
use kiln_diag::Diag;

use crate::{Ignore, Listing};

pub(crate) use pattern::Use;
pub(crate) use states::PatternSet;

/// A compiled `glob` or `subpackages` call.
///
/// The rules are Bazel's: `*` matches any characters within one component, `**` any number of
/// components and must be one by itself; a leading `.` is matched only by a literal `.`, by `*`
/// alone and by `**`; `?` is refused in `include` and matches any one character in `exclude`.
#[derive(Clone, Debug)]
pub struct Glob {
    include: PatternSet,
    exclude: PatternSet,
    exclude_directories: bool,
}

/// Gives the listing of a directory by its path from the source root; `None` if there is none.
pub type Lister<'a> = dyn FnMut(&RelPath) -> Result<Option<Arc<Listing>>, Diag> + 'a;

/// What a glob found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matches {
    /// Paths relative to the package, sorted, without repeats.
    pub paths: Vec<String>,
    /// The `include` patterns that matched nothing, whatever `exclude` says, in the order given
    /// (Bazel: `allow_empty`).
    pub unmatched: Vec<String>,
}

impl Glob {
    /// Compiles patterns.
    ///
    /// Errors: a pattern that Bazel refuses, named with the reason.
    pub fn new<S: AsRef<str>>(
        include: &[S],
        exclude: &[S],
        exclude_directories: bool,
    ) -> Result<Glob, Diag> {
        Ok(Glob {
            include: PatternSet::new(include, Use::Include)?,
            exclude: PatternSet::new(exclude, Use::Exclude)?,
            exclude_directories,
        })
    }

    /// The files (and, unless left out, directories) of `package` that match. `list` is asked for
    /// each directory at most once, and only for those that can hold a match.
    ///
    /// Errors: those of `list`; a name that would match is not UTF-8; too many directories
    /// behind symbolic links.
    pub fn files(
        &self,
        package: &RelPath,
        ignore: &Ignore,
        list: &mut Lister<'_>,
    ) -> Result<Matches, Diag> {
        walk::walk(self, walk::Wanted::Files, package, ignore, list)
    }

    /// Whether `exclude` takes away a path, relative to the package, or a folder above it.
    pub fn excludes(&self, path: &RelPath) -> bool {
        self.exclude.covers(path)
    }

    /// The sub-packages of `package` that match, those inside other sub-packages left out
    /// (Bazel: `subpackages`). Otherwise as [`Glob::files`].
    pub fn subpackages(
        &self,
        package: &RelPath,
        ignore: &Ignore,
        list: &mut Lister<'_>,
    ) -> Result<Matches, Diag> {
        walk::walk(self, walk::Wanted::Subpackages, package, ignore, list)
    }
}
