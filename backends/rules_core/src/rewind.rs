//! Contents that are gone from the store although what made them is remembered: whoever made them
//! runs again, within the session (PX-090 to PX-093, R6).
//!
//! A collection, a repair, a person or a disk may take blobs away at any time. Nothing is checked
//! beforehand: who needs a blob and does not find it asks here. What is made again in turn may find
//! its own inputs gone, and asks for them. Only what is needed is made again.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use kiln_base::Digest;
use kiln_diag::Diag;
use kiln_events::Event;
use kiln_process::Contents;
use kiln_rules::{Declares, RuleCx, Uses};
use kiln_store::Store;
use kiln_targets::{ActionKind, Artifact, Configuration, Owner, Runfiles};
use kiln_tree::{Node, Tree};

use crate::actions::{ActionOutputs, Template};
use crate::analysis::Analyzed;
use crate::artifacts::{ArtifactNode, Origin, RunfilesTree, origin};
use crate::files::FileNode;
use crate::keys::{ActionKey, ArtifactKey, FileKey, RunfilesKey, TargetKey};
use crate::services::{Elsewhere, Events};

/// A rule that can have contents made again.
pub(crate) trait Rewinds:
    Declares<Analyzed, (TargetKey, Configuration)>
    + Declares<ArtifactNode, (ArtifactKey,)>
    + Declares<Template, (ActionKey,)>
    + Declares<ActionOutputs, (ActionKey,)>
    + Declares<FileNode, (FileKey,)>
    + Uses<Store>
    + Uses<Elsewhere>
    + Uses<Events>
{
}

impl<R> Rewinds for R where
    R: Declares<Analyzed, (TargetKey, Configuration)>
        + Declares<ArtifactNode, (ArtifactKey,)>
        + Declares<Template, (ActionKey,)>
        + Declares<ActionOutputs, (ActionKey,)>
        + Declares<FileNode, (FileKey,)>
        + Uses<Store>
        + Uses<Elsewhere>
        + Uses<Events>
{
}

/// So often one action has its inputs made again. Whatever takes them away time and again will not
/// stop by itself.
const BUDGET: u32 = 8;

/// What one action may still have made again.
pub(crate) struct Rewinder {
    left: u32,
}

impl Rewinder {
    pub(crate) fn new() -> Rewinder {
        Rewinder { left: BUDGET }
    }

    /// Has those of `artifacts` made again whose contents are gone; `lost` is one that was missed.
    /// `whose` names who needs them. When this returns, they may be asked for anew.
    ///
    /// Errors: that was done too often; what made them fails now.
    pub(crate) async fn rewind<R: Rewinds>(
        &mut self,
        cx: &RuleCx<R>,
        whose: &str,
        artifacts: Vec<Artifact>,
        lost: Digest,
    ) -> Result<(), Diag> {
        let store = cx.service::<Store>()?;
        if self.left == 0 {
            return Err(again_and_again(&store, whose, &lost));
        }
        self.left -= 1;
        let mut origins: HashMap<Origin, Artifact> = HashMap::new();
        let mut pending = artifacts;
        while !pending.is_empty() {
            let mut behind = Vec::new();
            for artifact in lost_of(cx, pending).await? {
                let origin = origin(cx, &artifact).await?;
                match linked(cx, &origin).await? {
                    // Its contents are those of another artifact.
                    Some(target) => behind.push(target),
                    None => {
                        if let Entry::Vacant(entry) = origins.entry(origin) {
                            tell(cx, &artifact)?;
                            entry.insert(artifact);
                        }
                    }
                }
            }
            pending = behind;
        }
        make_again(cx, origins).await
    }
}

/// The artifact behind one that is only a link to it.
async fn linked<R: Rewinds>(cx: &RuleCx<R>, origin: &Origin) -> Result<Option<Artifact>, Diag> {
    let Origin::Action(key) = origin else {
        return Ok(None);
    };
    let template = cx.get::<Template, _>((key.clone(),)).await?;
    Ok(match &template.0.kind {
        ActionKind::Symlink { target, .. } => Some(target.clone()),
        _ => None,
    })
}

/// Each origin with one of the artifacts that have their contents from it.
async fn make_again<R: Rewinds>(
    cx: &RuleCx<R>,
    origins: HashMap<Origin, Artifact>,
) -> Result<(), Diag> {
    let (mut files, mut actions) = (Vec::new(), Vec::new());
    for (origin, artifact) in origins {
        match origin {
            // It is put into the store when its node is asked for.
            Origin::Status(_) => {
                cx.lose::<ArtifactNode, _>((ArtifactKey(artifact),));
            }
            Origin::Source(file) => {
                cx.lose::<FileNode, _>((file.clone(),));
                files.push((file,));
            }
            Origin::Action(action) => {
                cx.lose::<ActionOutputs, _>((action.clone(),));
                actions.push((action,));
            }
        }
    }
    futures::try_join!(
        cx.get_all::<FileNode, _, _>(files),
        cx.get_all::<ActionOutputs, _, _>(actions)
    )?;
    Ok(())
}

/// The artifacts among runfiles.
pub(crate) fn runfiles(runfiles: &Runfiles) -> Vec<Artifact> {
    let entries = runfiles.entries().into_iter();
    entries.filter_map(|entry| entry.artifact).collect()
}

/// What kiln itself writes into a runfiles tree has no artifact: it is written again, if it is gone.
pub(crate) async fn write_again<R>(cx: &RuleCx<R>, runfiles: &Arc<Runfiles>) -> Result<(), Diag>
where
    R: Declares<RunfilesTree, (RunfilesKey,)> + Uses<Elsewhere>,
{
    let key = RunfilesKey::new(runfiles.clone());
    let tree = cx.get::<RunfilesTree, _>((key.clone(),)).await?;
    if first_lost(cx, &tree.0).await?.is_some() {
        cx.lose::<RunfilesTree, _>((key.clone(),));
        cx.get::<RunfilesTree, _>((key,)).await?;
    }
    Ok(())
}

/// Those artifacts whose contents are gone, and nowhere to be had.
async fn lost_of<R: Rewinds>(
    cx: &RuleCx<R>,
    artifacts: Vec<Artifact>,
) -> Result<Vec<Artifact>, Diag> {
    let keys = artifacts
        .iter()
        .cloned()
        .map(|artifact| (ArtifactKey(artifact),));
    let nodes = cx
        .get_all::<ArtifactNode, _, _>(keys.collect::<Vec<_>>())
        .await?;
    let each: Vec<HashSet<Digest>> = nodes.iter().map(|node| blobs(&node.0)).collect();
    let all: HashSet<Digest> = each.iter().flatten().copied().collect();
    let all: Vec<Digest> = all.into_iter().collect();
    let lost: HashSet<Digest> = elsewhere(cx)?.lost(&all).await.into_iter().collect();
    let both = artifacts.into_iter().zip(each);
    let both = both.filter(|(_, blobs)| !blobs.is_disjoint(&lost));
    Ok(both.map(|(artifact, _)| artifact).collect())
}

fn elsewhere<R: Uses<Elsewhere>>(cx: &RuleCx<R>) -> Result<Arc<dyn Contents>, Diag> {
    Ok(cx.service::<Elsewhere>()?.0.clone())
}

/// The contents of a node.
fn blobs(node: &Node) -> HashSet<Digest> {
    let mut blobs = HashSet::new();
    match node {
        Node::File { digest, .. } => {
            blobs.insert(*digest);
        }
        Node::Symlink(_) => {}
        Node::Dir(tree) => tree.blobs(&mut blobs),
    }
    blobs
}

/// A blob of the tree that is gone, and nowhere to be had.
pub(crate) async fn first_lost<R: Uses<Elsewhere>>(
    cx: &RuleCx<R>,
    tree: &Tree,
) -> Result<Option<Digest>, Diag> {
    let mut blobs = HashSet::new();
    tree.blobs(&mut blobs);
    let blobs: Vec<Digest> = blobs.into_iter().collect();
    if blobs.is_empty() {
        return Ok(None);
    }
    Ok(elsewhere(cx)?.lost(&blobs).await.into_iter().next())
}

fn tell<R: Rewinds>(cx: &RuleCx<R>, artifact: &Artifact) -> Result<(), Diag> {
    let path = artifact.exec_path();
    let text = match artifact.owner() {
        Owner::Source(_) | Owner::Status(..) => {
            format!("the contents of `{path}` are gone from the store; it is read again")
        }
        Owner::Target(..) => format!(
            "the contents of `{path}` are gone from the store; `{}` makes them again",
            artifact.owner_label()
        ),
    };
    let warning = Diag::environment(text).into_warning();
    cx.service::<Events>()?.0.emit(Event::Diagnostic(warning));
    Ok(())
}

fn again_and_again(store: &Store, whose: &str, lost: &Digest) -> Diag {
    Diag::environment(format!(
        "{whose} cannot get its inputs: they are gone from the store again and again"
    ))
    .note(format!("the last one that was missed: {lost}"))
    .hint(format!(
        "something removes or damages files below `{}`; `kiln cache verify` checks them all",
        store.root().display()
    ))
}
