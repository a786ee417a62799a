//! Repositories that are declared but not here: who declares them, and what would answer them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kiln_diag::{Diag, Span};

/// A declared repository without content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Missing {
    /// The folder name that `--vendor_dir` is searched for: the module's name, or the
    /// repository's own in its extension.
    pub(super) folder: Arc<str>,
    /// What declares it: `bazel_dep`, `git_override`, `http_archive`, …
    pub(super) declared_by: Arc<str>,
    /// Where.
    pub(super) span: Span,
    /// Whether `--override_module` answers it, and not `--override_repository`.
    pub(super) module: bool,
    /// The folder that the declaration itself names, which does not exist.
    pub(super) path: Option<PathBuf>,
    /// `--vendor_dir`, if it was given.
    pub(super) vendor_dir: Option<PathBuf>,
}

impl Missing {
    /// Who declared it, why it is not here, and which flag and folder would answer it.
    pub(super) fn explain(&self, name: &str) -> Diag {
        let diag = Diag::build(format!(
            "repository `@{name}` is declared, but its files are not here"
        ))
        .note_at(
            format!("declared here by `{}`", self.declared_by),
            self.span.clone(),
        );
        let flag = match self.module {
            true => format!("--override_module={}", self.folder),
            false => format!("--override_repository={name}"),
        };
        let folder = &self.folder;
        match (&self.path, &self.vendor_dir) {
            (Some(path), _) => diag
                .note(format!("there is no folder `{}`", path.display()))
                .hint(format!(
                    "correct the `path`, or pass `{flag}=<folder with a checkout>`"
                )),
            (None, Some(vendor)) => {
                diag.note("kiln fetches nothing from the network")
                    .hint(format!(
                        "put a checkout of it into `{}`, or pass `{flag}=<folder with a checkout>`",
                        vendor.join(&**folder).display()
                    ))
            }
            (None, None) => diag
                .note("kiln fetches nothing from the network")
                .hint(format!(
                    "put a checkout of it into a folder `{folder}` and pass \
                     `--vendor_dir=<the folder above>`, or pass `{flag}=<folder with a checkout>`"
                )),
        }
    }
}

/// A folder named on the command line or by an override, which must be there.
pub(super) fn require_folder(
    folder: &Path,
    error: impl FnOnce(String) -> Diag,
) -> Result<(), Diag> {
    match folder.is_dir() {
        true => Ok(()),
        false => Err(error(format!("there is no folder `{}`", folder.display()))),
    }
}
