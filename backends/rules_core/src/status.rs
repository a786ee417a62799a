//! The workspace's status as actions read it.
//!
//! What changes each time must be no reason to run an action again (Bazel). So nodes and keys
//! have a text in its place that never changes, and only a process that really runs gets to read
//! what is true now.

use kiln_base::RelPath;
use kiln_diag::Diag;
use kiln_process::Process;
use kiln_store::Store;
use kiln_targets::{Artifact, Status};
use kiln_tree::{Node, Tree, TreeBuilder};

use crate::artifacts::conflict;
use crate::services::WorkspaceStatus;

/// What an unstamped build says of what changes each time.
pub const UNSTAMPED: &str = "BUILD_TIMESTAMP 0\n";

/// What a file of the status is for whoever depends on it.
pub(crate) fn node(store: &Store, known: &WorkspaceStatus, status: Status) -> Result<Node, Diag> {
    let text = match status {
        Status::Stable => &known.stable,
        Status::Volatile => UNSTAMPED,
    };
    text_file(store, text)
}

/// The process as it runs: with what is true now, if it reads that. Its key is not to be made
/// from this. A worker that is sent the action by its digest would have to be sent this one's.
pub(crate) fn as_it_runs(
    store: &Store,
    known: &WorkspaceStatus,
    process: &Process,
) -> Result<Option<Process>, Diag> {
    let internal = |error: String| Diag::internal(error);
    let file = Artifact::status(Status::Volatile).map_err(|error| internal(error.to_string()))?;
    let path = RelPath::new(file.exec_path()).map_err(|error| internal(error.to_string()))?;
    if known.volatile == UNSTAMPED || process.inputs.get(&path).is_none() {
        return Ok(None);
    }
    let node = text_file(store, &known.volatile)?;
    let inputs = with(&process.inputs, path.as_str(), node)?;
    Ok(Some(Process {
        inputs,
        ..process.clone()
    }))
}

fn text_file(store: &Store, text: &str) -> Result<Node, Diag> {
    Ok(Node::File {
        digest: store.put_bytes(text.as_bytes())?,
        executable: false,
    })
}

/// A tree with another node at a path.
fn with(tree: &Tree, path: &str, node: Node) -> Result<Tree, Diag> {
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let mut builder = TreeBuilder::new();
    for (name, old) in tree.entries() {
        let node = match old {
            _ if **name != *first => old.clone(),
            Node::Dir(below) if !rest.is_empty() => Node::Dir(with(below, rest, node.clone())?),
            _ => node.clone(),
        };
        let name = RelPath::new(&**name).map_err(|error| Diag::internal(error.to_string()))?;
        builder.add(&name, node).map_err(conflict)?;
    }
    Ok(builder.build())
}

#[cfg(test)]
mod tests {
    use kiln_base::Digest;

    use super::*;

    #[test]
    fn one_node_is_replaced() {
        let file = |text: &str| Node::File {
            digest: Digest::of(text.as_bytes()),
            executable: false,
        };
        let path = |text: &str| RelPath::new(text).expect("a path");
        let mut builder = TreeBuilder::new();
        for name in ["a/b", "a/c", "d"] {
            builder.add(&path(name), file(name)).expect("no conflict");
        }
        let tree = with(&builder.build(), "a/c", file("new")).expect("a tree");
        assert_eq!(tree.get(&path("a/b")), Some(&file("a/b")));
        assert_eq!(tree.get(&path("a/c")), Some(&file("new")));
        assert_eq!(tree.get(&path("d")), Some(&file("d")));
        assert_eq!(tree.count(), 3);
    }
}
