//! Files that decide what a run in the workspace itself comes to, as its target declares them
//! (`workspace_invalidation_sources`, ENV-134).

use std::collections::BTreeSet;
use std::sync::Arc;

use kiln_address::{Label, PackageId};
use kiln_base::{Digest, Fingerprint, RelPath};
use kiln_diag::Diag;
use kiln_events::Event;
use kiln_fs::{Glob, Ignore, Lister};
use kiln_process::{CacheScope, Declared, Environment, ProcessResult};
use kiln_rules::{Declares, Param, Product, RuleCx, RuleDef, rule, rules};
use kiln_targets::{ActionKind, ActionTemplate};
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

/// What patterns match.
#[derive(Debug)]
pub struct WorkspaceSources {
    /// Of the paths, contents and modes of all files that match.
    pub digest: Digest,
    files: BTreeSet<RelPath>,
    /// What patterns are relative to, and patterns that take files away.
    globs: Vec<(RelPath, Glob)>,
}
impl Product for WorkspaceSources {}

/// The patterns are the key's.
impl PartialEq for WorkspaceSources {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for WorkspaceSources {}

impl Declared for WorkspaceSources {
    fn covers(&self, path: &RelPath) -> bool {
        let excluded = |(base, glob): &(RelPath, Glob)| {
            let below = path.strip_prefix(base);
            below.is_some_and(|below| glob.excludes(&below))
        };
        self.files.contains(path) || self.globs.iter().any(excluded)
    }
}

/// What an action declares, if it runs in the workspace and does.
pub(crate) async fn of<R>(
    cx: &RuleCx<R>,
    template: &ActionTemplate,
    machine: &Machine,
) -> Result<Option<Arc<WorkspaceSources>>, Diag>
where
    R: Declares<WorkspaceSources, (SourcesKey,)>,
{
    match &template.kind {
        ActionKind::Spawn {
            workspace_sources, ..
        } if machine.environment == Environment::Workspace && !workspace_sources.is_empty() => {
            let key = SourcesKey {
                owner: template.owner.clone(),
                patterns: workspace_sources.clone(),
            };
            cx.get::<WorkspaceSources, _>((key,)).await.map(Some)
        }
        _ => Ok(None),
    }
}

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

/// So many files are named.
const NAMED: usize = 10;

/// What is to be said of a run that read more than its target declares; the result holds for one command then.
pub(crate) fn unlisted(owner: &Label, result: &ProcessResult) -> Option<Diag> {
    let paths = result.unlisted_reads.as_ref()?;
    let mut shown: Vec<String> = paths.iter().take(NAMED).map(|p| format!("`{p}`")).collect();
    let more = paths.len().saturating_sub(NAMED);
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    let last = shown.pop()?;
    let list = match shown.is_empty() {
        true => last,
        false => format!("{} and {last}", shown.join(", ")),
    };
    let text = format!(
        "`{owner}` reads {list}, which its `{ATTRIBUTE}` does not have: the result holds for this \
         command only"
    );
    let diag = Diag::build(text).hint(format!(
        "add what decides the result to `{ATTRIBUTE}`, and what does not with `!` before it"
    ));
    Some(diag)
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
    Ok(WorkspaceSources {
        digest: Digest::of(text.as_bytes()),
        files: paths.files.into_iter().collect(),
        globs: paths.globs,
    })
}

/// What patterns match.
struct Found {
    /// Relative to the root of the repository, sorted.
    files: Vec<RelPath>,
    unmatched: Vec<String>,
    globs: Vec<(RelPath, Glob)>,
}

fn find(key: &SourcesKey, ignore: &Ignore, list: &mut Lister<'_>) -> Result<Found, Diag> {
    let mut found = Found {
        files: Vec::new(),
        unmatched: Vec::new(),
        globs: Vec::new(),
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
        found.globs.push((base, glob));
    }
    found.files.sort();
    found.files.dedup();
    Ok(found)
}

/// The rules of this module.
pub fn rules() -> Vec<&'static RuleDef> {
    rules![workspace_sources]
}
