//! What is taken from a process's result as the outputs of its action.

use kiln_base::RelPath;
use kiln_diag::Diag;
use kiln_process::{Process, ProcessResult};
use kiln_targets::{ActionTemplate, Artifact, ArtifactKind};
use kiln_tree::{Node, Tree, TreeBuilder};

use crate::artifacts::conflict;
use crate::failure;
use crate::links::{Target, follow};

/// What a process left.
pub(crate) struct Outputs {
    /// The declared outputs.
    pub(crate) found: Vec<(Artifact, Node)>,
    /// What links among them lead to.
    pub(crate) links: Tree,
}

/// The declared outputs in what the process left.
pub(crate) fn outputs(
    template: &ActionTemplate,
    process: &Process,
    result: &ProcessResult,
) -> Result<Outputs, Diag> {
    let mut found = Vec::with_capacity(template.outputs.len());
    let mut links = TreeBuilder::new();
    for output in template.outputs.iter() {
        let path = RelPath::new(output.exec_path()).map_err(|e| Diag::internal(e.to_string()))?;
        let mut node = match result.outputs.get(&path) {
            Some(node) => node.clone(),
            None if output.kind() == ArtifactKind::Directory => Node::Dir(Tree::empty()),
            None => {
                // Inputs are not what it made.
                let made = result.strays.iter();
                let made = made.filter(|path| process.inputs.get(path).is_none());
                return Err(failure::missing_output(template, output, made));
            }
        };
        if matches!(&node, Node::Symlink(_)) && output.kind() != ArtifactKind::Symlink {
            match follow(&path, &result.outputs, &process.inputs) {
                Target::Outside => {}
                Target::Dangling => {
                    return Err(failure::dangling_output(template, output, &node));
                }
                Target::Found(target) => {
                    links.add(&path, target.clone()).map_err(conflict)?;
                    node = target;
                }
            }
        }
        match (output.kind(), &node) {
            (ArtifactKind::File, Node::Dir(_)) | (ArtifactKind::Directory, Node::File { .. }) => {
                return Err(failure::wrong_output(template, output, &node));
            }
            _ => found.push((output.clone(), node)),
        }
    }
    let links = links.build();
    Ok(Outputs { found, links })
}
