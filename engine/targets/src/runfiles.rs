//! What a program needs beside it when it runs.

use std::sync::Arc;

use crate::{Artifact, ArtifactSet, Order};

/// Files of a runfiles tree (Bazel: `runfiles`).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Runfiles {
    /// Files at their own runfiles paths.
    pub files: ArtifactSet,
    /// Files at a path relative to the root repository's folder (`symlinks`).
    pub symlinks: Vec<(Arc<str>, Artifact)>,
    /// Files at a path relative to the top of the tree (`root_symlinks`).
    pub root_symlinks: Vec<(Arc<str>, Artifact)>,
    /// Empty files at paths relative to the top of the tree (`__init__.py` of Python rules).
    pub empty: Vec<Arc<str>>,
}

/// One entry of a runfiles tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunfilesEntry {
    /// Its path from the top of the tree.
    pub path: String,
    /// What is there; `None` for an empty file.
    pub artifact: Option<Artifact>,
}

impl Default for ArtifactSet {
    fn default() -> Self {
        ArtifactSet::empty()
    }
}

impl Runfiles {
    /// Of these files only.
    pub fn of(files: ArtifactSet) -> Runfiles {
        Runfiles {
            files,
            ..Runfiles::default()
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
            && self.symlinks.is_empty()
            && self.root_symlinks.is_empty()
            && self.empty.is_empty()
    }

    /// All of these together.
    pub fn merge_all<'a>(parts: impl IntoIterator<Item = &'a Runfiles>) -> Runfiles {
        let mut merged = Runfiles::default();
        let mut files = Vec::new();
        for part in parts {
            files.push(part.files.clone());
            merged.symlinks.extend(part.symlinks.iter().cloned());
            merged
                .root_symlinks
                .extend(part.root_symlinks.iter().cloned());
            merged.empty.extend(part.empty.iter().cloned());
        }
        merged.files = ArtifactSet::new(Order::Default, [], files);
        for list in [&mut merged.symlinks, &mut merged.root_symlinks] {
            list.sort();
            list.dedup();
        }
        merged.empty.sort();
        merged.empty.dedup();
        merged
    }

    /// All entries, in no particular order; later ones win where two have one path.
    pub fn entries(&self) -> Vec<RunfilesEntry> {
        let empty = self.empty.iter().map(|path| (path.to_string(), None));
        let files = self.files.to_list();
        let files = files
            .into_iter()
            .map(|file| (file.runfiles_path(), Some(file)));
        let links = self.symlinks.iter();
        let links = links.map(|(path, file)| (format!("_main/{path}"), Some(file.clone())));
        let roots = self.root_symlinks.iter();
        let roots = roots.map(|(path, file)| (path.to_string(), Some(file.clone())));
        empty
            .chain(files)
            .chain(links)
            .chain(roots)
            .map(|(path, artifact)| RunfilesEntry { path, artifact })
            .collect()
    }
}
