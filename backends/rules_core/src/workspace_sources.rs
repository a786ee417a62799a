//! Files that decide what a run in the workspace itself comes to, as its target declares them
//! (`workspace_invalidation_sources`, ENV-134).

use std::sync::Arc;

use kiln_address::{Label, PackageId};
use kiln_base::{Digest, Fingerprint, RelPath};
use kiln_diag::Diag;
use kiln_events::Event;
use kiln_fs::{Glob, Ignore, Listing};
use kiln_process::CacheScope;
use kiln_rules::{Param, Product, RuleCx, RuleDef, rule, rules};
use kiln_tree::Node;

use crate::files::{DirEntries, FileNode};
use crate::keys::{DirKey, FileKey};
use crate::packages::{IgnoredFolders, RepoKey};
use crate::services::Events;
use crate::tools::Machine;

/// The name of the attribute.
const ATTRIBUTE: &str = "workspace_invalidation_sources";

/// Patterns of a target: as those of `glob`, but they go into sub-packages. One that begins with
/// `//` is relative to the root of the repository, one that begins with `!` takes files away.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SourcesKey {
    /// The target, for messages and for its package.
    owner: Label,
    patterns: Arc<[Arc<str>]>,
}
impl Param for SourcesKey {}

impl SourcesKey {
    /// The patterns of a target.
    pub fn of(owner: &Label, patterns: &Arc<[Arc<str>]>) -> SourcesKey {
        SourcesKey {
            owner: owner.clone(),
            patterns: patterns.clone(),
        }
    }
}

/// The digest of the paths, contents and modes of all files that match.
#[derive(Debug, PartialEq, Eq)]
pub struct WorkspaceSources(pub Digest);
impl Product for WorkspaceSources {}

/// What identifies a run whose sources are declared, and how its result may be kept: on this
/// machine only, as nobody else has its files.
///
/// | part | why |
/// | --- | --- |
/// | the machine's identity | tools |
/// | digest of the files | what is declared to decide the result |
pub(crate) fn declared(
    machine: &Machine,
    digest: &Digest,
    asked: CacheScope,
) -> (Arc<[u8]>, CacheScope) {
    let mut builder = Fingerprint::build("workspace sources");
    builder.bytes(&machine.identity).text(&digest.to_string());
    let scope = match asked {
        CacheScope::Session => CacheScope::Session,
        _ => CacheScope::LocalSuccessful,
    };
    (Arc::from(&builder.finish().bytes()[..]), scope)
}

/// Finds the files and captures them.
#[rule(uses(Events), gets(DirKey -> DirEntries, FileKey -> FileNode))]
pub async fn workspace_sources(
    cx: &RuleCx,
    key: Arc<SourcesKey>,
) -> Result<WorkspaceSources, Diag> {
    let repo = key.owner.package().repo.clone();
    let ignored = get!(IgnoredFolders, RepoKey(repo.clone())).await?;
    let walker = (cx.clone(), key.clone());
    let paths = cx
        .cpu(move || {
            let (cx, key) = walker;
            let mut list = |path: &RelPath| {
                let key = DirKey {
                    repo: key.owner.package().repo.clone(),
                    path: path.clone(),
                };
                let entries = cx.block_on(cx.get::<DirEntries, _>((key,)))??;
                // Sub-packages are looked into.
                let listing = entries.0.as_ref();
                Ok(listing.map(|listing| Arc::new(listing.without_package())))
            };
            find(&key, &ignored.0, &mut list)
        })
        .await??;
    for pattern in &paths.unmatched {
        let text = format!(
            "`{pattern}` in `{ATTRIBUTE}` of `{}` matches no file",
            key.owner
        );
        let events = cx.service::<Events>()?;
        events
            .0
            .emit(Event::Diagnostic(Diag::build(text).into_warning()));
    }
    let files = paths.files.iter().map(|path| FileKey {
        repo: repo.clone(),
        path: path.clone(),
    });
    let nodes = get_all!(FileNode, files.collect::<Vec<_>>() => FileKey).await?;
    let mut text = String::new();
    for (path, node) in paths.files.iter().zip(&nodes) {
        let line = match &node.0 {
            Some(Node::File { digest, executable }) => format!("{digest} {executable}"),
            Some(Node::Symlink(target)) => format!("-> {target}"),
            Some(Node::Dir(tree)) => format!("folder {}", tree.digest()),
            None => "gone".to_owned(),
        };
        text.push_str(&format!("{:?} {line}\n", path.as_str()));
    }
    Ok(WorkspaceSources(Digest::of(text.as_bytes())))
}

/// What patterns match.
struct Found {
    /// Relative to the root of the repository, sorted.
    files: Vec<RelPath>,
    unmatched: Vec<String>,
}

fn find(
    key: &SourcesKey,
    ignore: &Ignore,
    list: &mut dyn FnMut(&RelPath) -> Result<Option<Arc<Listing>>, Diag>,
) -> Result<Found, Diag> {
    let mut found = Found {
        files: Vec::new(),
        unmatched: Vec::new(),
    };
    let package: &PackageId = key.owner.package();
    for (prefix, base) in [("", package.path.clone()), ("//", RelPath::root())] {
        let of = |excluded: bool| -> Vec<&str> {
            let patterns = key.patterns.iter().filter_map(|pattern| {
                let (out, pattern) = match pattern.strip_prefix('!') {
                    Some(rest) => (true, rest),
                    None => (false, &**pattern),
                };
                let rooted = pattern.strip_prefix("//");
                let text = match prefix {
                    "" if rooted.is_none() => Some(pattern),
                    "" => None,
                    _ => rooted,
                };
                text.filter(|_| out == excluded)
            });
            patterns.collect()
        };
        let wrap = |error: Diag| error.note(format!("in `{ATTRIBUTE}` of `{}`", key.owner));
        let glob = Glob::new(&of(false), &of(true), true).map_err(wrap)?;
        let matches = glob.files(&base, ignore, &mut |path| list(path))?;
        for path in &matches.paths {
            let path = RelPath::new(path).map_err(|error| Diag::internal(error.to_string()))?;
            found.files.push(base.append(&path));
        }
        let unmatched = matches.unmatched.iter();
        found
            .unmatched
            .extend(unmatched.map(|pattern| format!("{prefix}{pattern}")));
    }
    found.files.sort();
    found.files.dedup();
    Ok(found)
}

/// The rules of this module.
pub fn rules() -> Vec<&'static RuleDef> {
    rules![workspace_sources]
}
