//! Contents of artifacts, sets of artifacts and runfiles trees.

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_base::RelPath;
use kiln_diag::Diag;
use kiln_rules::{Declares, Product, RuleCx, RuleDef, rule, rules};
use kiln_store::Store;
use kiln_targets::{Artifact, Configuration, Dep, Owner, Status};
use kiln_tree::{Conflict, Node, Tree, TreeBuilder};

use crate::actions::ActionOutputs;
use crate::analysis::{Analyzed, Outcome};
use crate::files::FileNode;
use crate::keys::{ActionKey, ArtifactKey, FileKey, RunfilesKey, SetKey, TargetKey};
use crate::repo_mapping;
use crate::repos::Repositories;
use crate::services::WorkspaceStatus;
use crate::status;

/// What is at an artifact's path.
#[derive(Debug, PartialEq, Eq)]
pub struct ArtifactNode(pub Node);
impl Product for ArtifactNode {}

/// The members of a set at their exec paths. A node of its own for each set, so that sets which
/// share parts share the work (R12).
#[derive(Debug, PartialEq, Eq)]
pub struct SetTree(pub Tree);
impl Product for SetTree {}

/// A runfiles tree; its top holds the folders of the repositories.
#[derive(Debug, PartialEq, Eq)]
pub struct RunfilesTree(pub Tree);
impl Product for RunfilesTree {}

/// Gets an artifact: captures a source file, or runs the action that makes it.
#[rule(uses(Store, WorkspaceStatus), gets(
    (TargetKey, Configuration) -> Analyzed, FileKey -> FileNode, ActionKey -> ActionOutputs
))]
pub async fn artifact_node(cx: &RuleCx, key: Arc<ArtifactKey>) -> Result<ArtifactNode, Diag> {
    let artifact = &key.0;
    match origin(cx, artifact).await? {
        Origin::Source(file) => {
            let node = get!(FileNode, file => FileKey).await;
            let label = artifact.owner_label();
            let node = node.map_err(|error| {
                error.note(format!("it is a source file of the build, `{label}`"))
            })?;
            let node = node.0.clone().ok_or_else(|| no_source(artifact))?;
            Ok(ArtifactNode(node))
        }
        Origin::Status(status) => {
            let (store, known) = (cx.service::<Store>()?, cx.service::<WorkspaceStatus>()?);
            Ok(ArtifactNode(status::node(&store, &known, status)?))
        }
        Origin::Action(action) => {
            let outputs = get!(ActionOutputs, action => ActionKey).await?;
            let made = outputs.0.iter().find(|(output, _)| output == artifact);
            let made = made.map(|(_, node)| ArtifactNode(node.clone()));
            made.ok_or_else(|| Diag::internal(format!("`{}` was not made", artifact.exec_path())))
        }
    }
}

/// What gives an artifact its contents.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    /// A source file.
    Source(FileKey),
    /// What is known of the workspace: a file of its status.
    Status(Status),
    /// An action.
    Action(ActionKey),
}

/// Finds out where an artifact comes from.
pub(crate) async fn origin<R>(cx: &RuleCx<R>, artifact: &Artifact) -> Result<Origin, Diag>
where
    R: Declares<Analyzed, (TargetKey, Configuration)>,
{
    let (label, configuration) = match artifact.owner() {
        Owner::Source(label) => {
            return Ok(Origin::Source(FileKey {
                repo: label.repo().clone(),
                path: label.file_path(),
            }));
        }
        Owner::Status(status, _) => return Ok(Origin::Status(*status)),
        Owner::Target(label, configuration) => (label.clone(), configuration.clone()),
    };
    let owner = (TargetKey(label.clone()), configuration.clone());
    let owner = cx.get::<Analyzed, _>(owner).await?;
    let Outcome::Ready(Dep::Target(target)) = &owner.outcome else {
        return Err(Diag::internal(format!("`{label}` makes nothing")));
    };
    let index = target.action_of(artifact).ok_or_else(|| {
        Diag::build(format!(
            "no action of `{label}` makes `{}`",
            artifact.exec_path()
        ))
    })?;
    Ok(Origin::Action(ActionKey {
        owner: label,
        configuration,
        index,
    }))
}

fn no_source(artifact: &Artifact) -> Diag {
    Diag::build(format!(
        "source file `{}` does not exist",
        artifact.exec_path()
    ))
    .hint("it was there when the build began; run the command again")
}

/// Puts a set together from its members and the sets below it.
#[rule]
pub async fn set_tree(cx: &RuleCx, key: Arc<SetKey>) -> Result<SetTree, Diag> {
    let set = &key.0;
    let direct: Vec<ArtifactKey> = set.direct().iter().cloned().map(ArtifactKey).collect();
    let below: Vec<SetKey> = set.children().iter().cloned().map(SetKey).collect();
    let (nodes, trees) = futures::try_join!(
        get_all!(ArtifactNode, direct => ArtifactKey),
        get_all!(SetTree, below => SetKey),
    )?;
    let mut builder = TreeBuilder::new();
    for (artifact, node) in set.direct().iter().zip(nodes) {
        add(&mut builder, artifact.exec_path(), node.0.clone())?;
    }
    let mut tree = builder.build();
    for other in trees {
        tree = tree.merge(&other.0).map_err(conflict)?;
    }
    Ok(SetTree(tree))
}

/// Lays out a runfiles tree.
#[rule(uses(Store), gets(ArtifactKey -> ArtifactNode))]
pub async fn runfiles_tree(
    cx: &RuleCx,
    key: Arc<RunfilesKey>,
    repositories: Arc<Repositories>,
) -> Result<RunfilesTree, Diag> {
    let store = cx.service::<Store>()?;
    let entries = key.runfiles.entries();
    let artifacts = entries.iter().filter_map(|entry| entry.artifact.clone());
    let artifacts: Vec<ArtifactKey> = artifacts.map(ArtifactKey).collect();
    let nodes = get_all!(ArtifactNode, artifacts => ArtifactKey).await?;
    let mut nodes = nodes.into_iter();
    // Where two have one path the later one wins: symlinks over files, files over empty ones.
    let mut placed: BTreeMap<String, Option<Node>> = BTreeMap::new();
    for entry in entries {
        let node = match entry.artifact {
            Some(_) => nodes.next().map(|node| node.0.clone()),
            None => None,
        };
        placed.insert(entry.path, node);
    }
    let paths = placed.keys().map(String::as_str);
    let mapping = repo_mapping::text(&repositories, paths);
    let file = |text: &str| -> Result<Node, Diag> {
        Ok(Node::File {
            digest: store.put_bytes(text.as_bytes())?,
            executable: false,
        })
    };
    placed
        .entry(repo_mapping::NAME.to_owned())
        .or_insert(Some(file(&mapping)?));
    let mut builder = TreeBuilder::new();
    for (path, node) in placed {
        let node = match node {
            Some(node) => node,
            None => file("")?,
        };
        add(&mut builder, &path, node)?;
    }
    Ok(RunfilesTree(builder.build()))
}

/// Adds a node at a path given as text.
pub(crate) fn add(builder: &mut TreeBuilder, path: &str, node: Node) -> Result<(), Diag> {
    let path = RelPath::normalize(path).map_err(|error| Diag::build(error.to_string()))?;
    builder.add(&path, node).map_err(conflict)
}

/// Two inputs at one path.
pub(crate) fn conflict(conflict: Conflict) -> Diag {
    Diag::build(format!("inputs collide: {conflict}"))
        .hint("two targets put different files at this path; rename one of the outputs")
}

/// The rules of this module.
pub fn rules() -> Vec<&'static RuleDef> {
    rules![artifact_node, set_tree, runfiles_tree]
}
