//! How one repository names the others.

use std::collections::BTreeMap;

use crate::Repo;

/// The apparent names (`@name`) that a repository may use, and what they mean.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RepoMapping {
    owner: Repo,
    names: BTreeMap<String, Repo>,
}

impl RepoMapping {
    /// A mapping for the files of `owner`, with no names yet.
    pub fn new(owner: Repo) -> RepoMapping {
        RepoMapping {
            owner,
            names: BTreeMap::new(),
        }
    }

    /// The repository whose files read through this mapping.
    pub fn owner(&self) -> &Repo {
        &self.owner
    }

    /// Defines an apparent name, replacing an earlier meaning.
    pub fn insert(&mut self, apparent: impl Into<String>, repo: Repo) {
        self.names.insert(apparent.into(), repo);
    }

    /// The repository behind an apparent name. A name that is not defined gives a repository of
    /// the name `[name]`, which exists nowhere: visibility lists and unchosen `select` branches
    /// name such repositories, and only loading from one is an error.
    pub fn resolve(&self, apparent: &str) -> Repo {
        match self.names.get(apparent) {
            Some(repo) => repo.clone(),
            None => Repo::new(format!("[{apparent}]")),
        }
    }

    /// The apparent name that `Repo` was resolved from, if it is one that is not defined.
    pub fn undefined(repo: &Repo) -> Option<&str> {
        repo.as_str().strip_prefix('[')?.strip_suffix(']')
    }

    /// All apparent names, sorted.
    pub fn names(&self) -> impl Iterator<Item = (&str, &Repo)> {
        self.names.iter().map(|(name, repo)| (name.as_str(), repo))
    }
}
