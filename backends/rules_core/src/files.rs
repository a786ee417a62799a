//! Leaves: folders and files of repositories.

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_address::{Repo, RepoMapping};
use kiln_base::RelPath;
use kiln_diag::Diag;
use kiln_fs::{EntryKind, Listing, SourceRoot};
use kiln_rules::{Product, RuleCx, RuleDef, rule, rules};
use kiln_store::Store;
use kiln_tree::Node;

use crate::keys::{DirKey, DiskPath, FileKey};
use crate::repos::{Location, Repositories};
use crate::services::{Embedded, SourceRows};

/// What is in a folder; `None` if there is no such folder.
#[derive(Debug, PartialEq, Eq)]
pub struct DirEntries(pub Option<Arc<Listing>>);
impl Product for DirEntries {}

/// The text of a file; `None` if there is no such file.
#[derive(Debug, PartialEq, Eq)]
pub struct FileText(pub Option<Arc<str>>);
impl Product for FileText {}

/// A file (or source folder) as it goes into input trees, its bytes captured in the store;
/// `None` if there is none.
#[derive(Debug, PartialEq, Eq)]
pub struct FileNode(pub Option<Node>);
impl Product for FileNode {}

/// The text of a file outside of any repository; `None` if there is none.
#[derive(Debug, PartialEq, Eq)]
pub struct DiskText(pub Option<Arc<str>>);
impl Product for DiskText {}

/// Where a path of a repository is, or why there is none.
fn locate(repositories: &Repositories, repo: &Repo) -> Result<Place, Diag> {
    let info = repositories.get(repo)?;
    Ok(match &info.location {
        Location::Disk(root) => Place::Disk(root.clone()),
        Location::Embedded(name) => Place::Embedded(name),
    })
}

enum Place {
    Disk(SourceRoot),
    Embedded(&'static str),
}

/// The largest file that is evaluated, in bytes.
const MAX_TEXT: u64 = 16 << 20;

/// Lists a folder.
#[rule(uses(Embedded))]
pub async fn dir_entries(
    cx: &RuleCx,
    key: Arc<DirKey>,
    repositories: Arc<Repositories>,
) -> Result<DirEntries, Diag> {
    match locate(&repositories, &key.repo)? {
        Place::Disk(root) => Ok(DirEntries(root.list(&key.path)?.map(Arc::new))),
        Place::Embedded(name) => {
            let embedded = cx.service::<Embedded>()?;
            let files = embedded
                .repos
                .get(name)
                .into_iter()
                .flatten()
                .map(|(path, _)| *path);
            Ok(DirEntries(
                embedded_listing(files, key.path.as_str()).map(Arc::new),
            ))
        }
    }
}

/// The folder `dir` as the paths of all files tell it.
fn embedded_listing<'a>(files: impl Iterator<Item = &'a str>, dir: &str) -> Option<Listing> {
    let mut entries: BTreeMap<Arc<str>, EntryKind> = BTreeMap::new();
    for file in files {
        let rest = match dir {
            "" => file,
            dir => match file
                .strip_prefix(dir)
                .and_then(|rest| rest.strip_prefix('/'))
            {
                Some(rest) => rest,
                None => continue,
            },
        };
        match rest.split_once('/') {
            Some((folder, _)) => entries.insert(Arc::from(folder), EntryKind::Directory),
            None => entries.insert(Arc::from(rest), EntryKind::File),
        };
    }
    (!entries.is_empty()).then(|| Listing::from_entries(entries))
}

/// Reads a file as text.
#[rule(uses(Embedded))]
pub async fn file_text(
    cx: &RuleCx,
    key: Arc<FileKey>,
    repositories: Arc<Repositories>,
) -> Result<FileText, Diag> {
    match locate(&repositories, &key.repo)? {
        Place::Disk(root) => Ok(FileText(root.read_text(&key.path, MAX_TEXT)?)),
        Place::Embedded(name) => {
            let embedded = cx.service::<Embedded>()?;
            let text = embedded
                .repos
                .get(name)
                .and_then(|files| files.get(key.path.as_str()));
            Ok(FileText(text.map(|text| Arc::from(*text))))
        }
    }
}

/// Reads a module file.
#[rule]
pub async fn disk_text(_cx: &RuleCx, path: Arc<DiskPath>) -> Result<DiskText, Diag> {
    let (Some(folder), Some(name)) = (path.0.parent(), path.0.file_name()) else {
        return Ok(DiskText(None));
    };
    let (true, Some(name)) = (folder.is_dir(), name.to_str()) else {
        return Ok(DiskText(None));
    };
    let name = RelPath::new(name).map_err(|error| Diag::environment(error.to_string()))?;
    Ok(DiskText(
        SourceRoot::open(folder)?.read_text(&name, MAX_TEXT)?,
    ))
}

/// Captures a source file in the store (R13): actions run from what was read here.
#[rule(uses(Embedded, Store, SourceRows))]
pub async fn file_node(
    cx: &RuleCx,
    key: Arc<FileKey>,
    repositories: Arc<Repositories>,
) -> Result<FileNode, Diag> {
    let store = cx.service::<Store>()?;
    match locate(&repositories, &key.repo)? {
        Place::Disk(root) => {
            let rows = cx.service::<SourceRows>()?.of(&root, &store);
            Ok(FileNode(root.capture(&key.path, &store, &rows)?))
        }
        Place::Embedded(name) => {
            let embedded = cx.service::<Embedded>()?;
            let text = embedded
                .repos
                .get(name)
                .and_then(|files| files.get(key.path.as_str()));
            let Some(text) = text else {
                return Ok(FileNode(None));
            };
            let digest = store.put_bytes(text.as_bytes())?;
            // Embedded scripts have no mode of their own; a first line `#!` makes a program.
            Ok(FileNode(Some(Node::File {
                digest,
                executable: text.starts_with("#!"),
            })))
        }
    }
}

/// How a file of a repository is shown: relative to the root of the workspace where it can be.
pub fn shown_path(repo: &Repo, path: &RelPath) -> Arc<str> {
    match repo.is_root() {
        true => Arc::from(path.as_str()),
        false => match RepoMapping::undefined(repo) {
            Some(name) => Arc::from(format!("@{name}//{path}")),
            None => Arc::from(format!("@{}//{path}", repo.as_str())),
        },
    }
}

/// The rules of this module.
pub fn rules() -> Vec<&'static RuleDef> {
    rules![dir_entries, file_text, disk_text, file_node]
}
