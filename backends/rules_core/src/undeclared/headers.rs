//! Headers that are not where a compiler looked, but somewhere else under the same name: below a
//! folder that a target adds to where headers are looked for, or in another repository.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use kiln_address::{Label, PackageId, Repo};
use kiln_base::RelPath;
use kiln_fs::{EntryKind, Listing, Resolved};
use kiln_rules::RuleCx;
use kiln_targets::{PackageDefs, Target};

use super::EXPORTED;
use super::home::{Loads, owners_in, package};
use crate::files::{DirEntries, shown_path};
use crate::keys::DirKey;
use crate::packages::package_above;
use crate::repos::{Location, Repositories};

/// Folders that are looked at for one header. A build has failed; this must not take longer than
/// people wait for.
const MAX_FOLDERS: usize = 5_000;
/// As many places are told.
const MAX_PLACES: usize = 3;

const ENDINGS: [&str; 8] = [".h", ".hh", ".hpp", ".hxx", ".h++", ".inc", ".inl", ".ipp"];

/// A header that was found.
pub(super) struct Found {
    /// As messages show it.
    pub(super) path: Arc<str>,
    /// The targets that give it to those that depend on them, as the target that lacks it would
    /// name them, with the attribute that has it.
    pub(super) owners: Vec<(String, Arc<str>)>,
}

/// Searches the repositories for a header that a target lacks. `places` are where it was looked
/// for: what they end with in common is how it was included.
pub(super) async fn find<R: Loads>(
    cx: &RuleCx<R>,
    target: &Label,
    places: &[RelPath],
) -> Vec<Found> {
    let Some(included) = common_end(places).filter(is_header) else {
        return Vec::new();
    };
    let Ok(repositories) = cx.get::<Repositories, _>(()).await else {
        return Vec::new();
    };
    let on_disk: Vec<(&Repo, &Path)> = repositories
        .iter()
        .filter_map(|(repo, info)| match &info.location {
            Location::Disk(root) => Some((repo, root.folder())),
            Location::Embedded(_) => None,
        })
        .collect();
    let mut search = Search {
        cx,
        included: &included,
        left: MAX_FOLDERS,
        roots: on_disk.iter().map(|(_, root)| *root).collect(),
        found: Vec::new(),
    };
    for (repo, root) in on_disk {
        search.repository(repo, root).await;
    }
    let mut found = Vec::new();
    for (repo, path) in search.found {
        // How the target's own files name the repository; it need not know it at all.
        let name = match repo == *target.repo() {
            true => Some(String::new()),
            false => repositories.get(target.repo()).ok().and_then(|info| {
                let mut names = info.mapping.names();
                let name = names.find(|(_, meant)| **meant == repo);
                name.map(|(name, _)| format!("@{name}"))
            }),
        };
        found.push(Found {
            path: shown_path(&repo, &path),
            owners: match name {
                Some(name) => owners(cx, &repo, &path, &name).await,
                None => Vec::new(),
            },
        });
    }
    // What a target gives to others comes first.
    found.sort_by_key(|found| found.owners.is_empty());
    found
}

pub(super) fn is_header(path: &RelPath) -> bool {
    ENDINGS.iter().any(|ending| path.as_str().ends_with(ending))
}

/// The longest path that all paths end with.
fn common_end(paths: &[RelPath]) -> Option<RelPath> {
    let mut common: Vec<&str> = paths.first()?.components().rev().collect();
    for path in paths {
        let same = path.components().rev().zip(&common);
        let length = same.take_while(|(one, other)| one == *other).count();
        common.truncate(length);
    }
    common.reverse();
    RelPath::new(common.join("/"))
        .ok()
        .filter(|path| !path.is_root())
}

struct Search<'a, R> {
    cx: &'a RuleCx<R>,
    included: &'a RelPath,
    left: usize,
    /// The folders of all repositories: one may be within another, and is not part of it.
    roots: Vec<&'a Path>,
    found: Vec<(Repo, RelPath)>,
}

impl<R: Loads> Search<'_, R> {
    /// Folders nearer to the root come first.
    async fn repository(&mut self, repo: &Repo, root: &Path) {
        let first = self.included.components().next().unwrap_or_default();
        let mut pending = VecDeque::from([RelPath::root()]);
        while let Some(folder) = pending.pop_front() {
            if self.left == 0 || self.found.len() == MAX_PLACES {
                return;
            }
            if !folder.is_root() && self.roots.contains(&&*folder.under(root)) {
                continue;
            }
            self.left -= 1;
            let Some(listing) = self.listing(repo, &folder).await else {
                continue;
            };
            let path = folder.append(self.included);
            if listing.get(first).is_some() && self.is_file(repo, &path).await {
                self.found.push((repo.clone(), path));
            }
            let below = listing
                .entries()
                .iter()
                .filter(|entry| entry.kind == EntryKind::Directory && !entry.name.starts_with('.'));
            pending.extend(below.filter_map(|entry| folder.join(&entry.name).ok()));
        }
    }

    async fn listing(&self, repo: &Repo, path: &RelPath) -> Option<Arc<Listing>> {
        let key = DirKey {
            repo: repo.clone(),
            path: path.clone(),
        };
        let entries = self.cx.get::<DirEntries, _>((key,)).await.ok()?;
        entries.0.clone()
    }

    async fn is_file(&self, repo: &Repo, path: &RelPath) -> bool {
        let Some(folder) = path.parent() else {
            return false;
        };
        let listing = self.listing(repo, &folder).await;
        listing.is_some_and(|listing| {
            let entry = listing.get(path.file_name());
            entry.is_some_and(|entry| entry.kind.resolved() == Resolved::File)
        })
    }
}

/// The targets that export a file.
async fn owners<R: Loads>(
    cx: &RuleCx<R>,
    repo: &Repo,
    path: &RelPath,
    name: &str,
) -> Vec<(String, Arc<str>)> {
    let Some(folder) = path.parent() else {
        return Vec::new();
    };
    let Ok(Some(id)) = package_above(cx, repo, &folder).await else {
        return Vec::new();
    };
    let Some(defs) = package(cx, id.clone()).await else {
        return Vec::new();
    };
    exporting(&defs, &id, path)
        .into_iter()
        .map(|(label, attr)| {
            let package = label.package();
            (format!("{name}//{}:{}", package.path, label.name()), attr)
        })
        .collect()
}

fn exporting(defs: &PackageDefs, id: &PackageId, path: &RelPath) -> Vec<(Label, Arc<str>)> {
    let Some(below) = path.strip_prefix(&id.path) else {
        return Vec::new();
    };
    // Another target may make the file, which is no matter here.
    if matches!(defs.targets.get(below.as_str()), Some(Target::Rule(_))) {
        return Vec::new();
    }
    let owners = owners_in(defs, below.as_str()).into_iter();
    owners
        .filter(|(_, attr)| EXPORTED.contains(&&**attr))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_header_was_included() {
        let end = |paths: &[&str]| {
            let paths: Vec<RelPath> = paths.iter().map(|p| RelPath::new(p).unwrap()).collect();
            common_end(&paths).map(|path| path.to_string())
        };
        assert_eq!(end(&["a/b.h", "src/a/b.h"]).as_deref(), Some("a/b.h"));
        assert_eq!(end(&["b.h", "a/b.h", "c/b.h"]).as_deref(), Some("b.h"));
        assert_eq!(end(&["a/b.h"]).as_deref(), Some("a/b.h"));
        assert_eq!(end(&["a.h", "b.h"]), None);
        assert_eq!(end(&[]), None);
    }
}
