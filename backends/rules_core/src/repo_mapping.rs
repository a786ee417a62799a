//! `_repo_mapping`: what repository names mean, for programs that look up runfiles by them.
//!
//! A line for each name that a repository with files in the tree has for another such repository:
//! the canonical name of the one (empty for the root), the apparent name, the folder of the other
//! in the tree. Sorted, as Bazel writes it.

use std::collections::BTreeSet;

use kiln_address::Repo;

use crate::repos::Repositories;

/// Where it is in a runfiles tree.
pub(crate) const NAME: &str = "_repo_mapping";
/// The folder of the root repository in a runfiles tree.
const MAIN: &str = "_main";

/// The text for a tree with files at these paths.
pub(crate) fn text<'p>(
    repositories: &Repositories,
    paths: impl IntoIterator<Item = &'p str>,
) -> String {
    let folders: BTreeSet<&str> = paths
        .into_iter()
        .filter_map(|path| path.split_once('/').map(|(folder, _)| folder))
        .chain([MAIN])
        .collect();
    let mut lines = Vec::new();
    for folder in &folders {
        let repo = match *folder {
            MAIN => Repo::root(),
            name => Repo::new(name),
        };
        // A folder that a rule made up is no repository.
        let Ok(info) = repositories.get(&repo) else {
            continue;
        };
        for (name, meant) in info.mapping.names() {
            let target = if meant.is_root() {
                MAIN
            } else {
                meant.as_str()
            };
            if folders.contains(target) {
                lines.push(format!("{},{name},{target}\n", repo.as_str()));
            }
        }
    }
    lines.sort();
    lines.concat()
}
