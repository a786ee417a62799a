//! Running one action of a target.

use std::sync::Arc;

use kiln_address::Label;
use kiln_diag::Diag;
use kiln_rules::{Product, RuleCx, RuleDef, rule, rules};
use kiln_store::Store;
use kiln_targets::{ActionKind, ActionTemplate, Artifact, ArtifactKind, Configuration, Dep};
use kiln_tree::{Node, Tree};

use crate::analysis::{Analyzed, Outcome};
use crate::arguments::{Expanded, expand, param_file_text};
use crate::artifacts::{ArtifactNode, RunfilesTree, SetTree};
use crate::failure;
use crate::files::{DirEntries, FileNode};
use crate::keys::{
    ActionKey, ArtifactKey, DirKey, FileKey, PackageKey, RunfilesKey, SetKey, TargetKey,
};
use crate::packages::{Package, PackageLookup};
use crate::race::Races;
use crate::repos::Repositories;
use crate::rewind::Rewinder;
use crate::services::{CallerEnv, Elsewhere, Events, Execution, Workspace, WorkspaceStatus};
use crate::spawn;
use crate::tools::{Machine, MachineKey, Shell, Surroundings};
use crate::workspace_sources::{SourcesKey, WorkspaceSources};

/// One action as analysis left it. A projection of the target: editing another action of the
/// same target leaves it equal.
#[derive(Debug, PartialEq, Eq)]
pub struct Template(pub Arc<ActionTemplate>);
impl Product for Template {}

/// What an action made.
#[derive(Debug, PartialEq, Eq)]
pub struct ActionOutputs(pub Vec<(Artifact, Node)>);
impl Product for ActionOutputs {}

/// Takes one action out of its target.
#[rule(gets((TargetKey, Configuration) -> Analyzed))]
pub async fn template(cx: &RuleCx, key: Arc<ActionKey>) -> Result<Template, Diag> {
    let owner = (TargetKey(key.owner.clone()), key.configuration.clone());
    let owner = cx.get::<Analyzed, _>(owner).await?;
    let Outcome::Ready(Dep::Target(target)) = &owner.outcome else {
        return Err(Diag::internal(format!("`{}` has no actions", key.owner)));
    };
    let action = target.actions.get(key.index).cloned();
    action.map(Template).ok_or_else(|| {
        Diag::internal(format!(
            "`{}` has no action number {}",
            key.owner, key.index
        ))
    })
}

/// Runs an action, or takes its result from the cache.
#[rule(
    uses(
        Store, Elsewhere, Execution, Events, Races, Workspace, CallerEnv, WorkspaceStatus
    ),
    gets(
        SetKey -> SetTree, RunfilesKey -> RunfilesTree, ArtifactKey -> ArtifactNode,
        MachineKey -> Machine, MachineKey -> Shell, MachineKey -> Surroundings,
        SourcesKey -> WorkspaceSources,
        PackageKey -> Package, PackageKey -> PackageLookup, DirKey -> DirEntries,
        () -> Repositories,
        (TargetKey, Configuration) -> Analyzed, ActionKey -> Template, ActionKey -> ActionOutputs,
        FileKey -> FileNode
    )
)]
pub async fn action_outputs(cx: &RuleCx, key: Arc<ActionKey>) -> Result<ActionOutputs, Diag> {
    let template = get!(Template, (*key).clone() => ActionKey).await?.0.clone();
    let store = cx.service::<Store>()?;
    let first = || template.outputs.first().cloned();
    let node = match &template.kind {
        ActionKind::Spawn { .. } => {
            return match spawn::run(cx, &template).await {
                Err(error) => Err(failure::placed(cx, &template.owner, error).await),
                outputs => outputs,
            };
        }
        ActionKind::Write {
            content,
            executable,
        } => file(&store, content.as_bytes(), *executable)?,
        ActionKind::WriteArgs {
            arguments,
            executable,
        } => {
            // Folders among the arguments are listed as they are on disk at that time: their
            // artifacts are inputs.
            let tree = spawn::tree_of_arguments(cx, arguments).await?;
            let Expanded { texts, format } = expand(arguments, &tree, "sh");
            file(
                &store,
                param_file_text(&texts, format).as_bytes(),
                *executable,
            )?
        }
        ActionKind::Symlink { target, executable } => {
            let node = get!(ArtifactNode, ArtifactKey(target.clone())).await?;
            match &node.0 {
                Node::File {
                    digest,
                    executable: is,
                } => Node::File {
                    digest: *digest,
                    executable: *is || *executable,
                },
                other => other.clone(),
            }
        }
        ActionKind::RawSymlink { target } => Node::Symlink(target.clone()),
        ActionKind::ExpandTemplate {
            template: from,
            substitutions,
            executable,
        } => {
            let text = template_text(cx, &template.owner, from).await?;
            file(
                &store,
                substitute(&text, substitutions).as_bytes(),
                *executable,
            )?
        }
    };
    let output = first().ok_or_else(|| Diag::internal("an action without outputs"))?;
    let node = match (output.kind(), node) {
        (ArtifactKind::Directory, Node::File { .. }) => Node::Dir(Tree::empty()),
        (_, node) => node,
    };
    Ok(ActionOutputs(vec![(output, node)]))
}

fn file(store: &Store, content: &[u8], executable: bool) -> Result<Node, Diag> {
    Ok(Node::File {
        digest: store.put_bytes(content)?,
        executable,
    })
}

/// The text of a template; contents that are gone are made again.
async fn template_text(
    cx: &RuleCx<action_outputs>,
    owner: &Label,
    artifact: &Artifact,
) -> Result<String, Diag> {
    let store = cx.service::<Store>()?;
    let mut rewinder = Rewinder::new();
    let bytes = loop {
        let node = cx.get::<ArtifactNode, _>((ArtifactKey(artifact.clone()),));
        let Node::File { digest, .. } = node.await?.0 else {
            let path = artifact.exec_path();
            return Err(Diag::build(format!("`{path}` is no file")));
        };
        let elsewhere = cx.service::<Elsewhere>()?;
        let lost = elsewhere.0.fetch(&[digest]).await;
        match store.read(&digest)? {
            Some(bytes) if lost.is_empty() => break bytes,
            _ => {
                let whose = format!("expanding a template for `{owner}`");
                let inputs = vec![artifact.clone()];
                rewinder.rewind(cx, &whose, inputs, digest).await?;
            }
        }
    };
    String::from_utf8(bytes).map_err(|_| {
        let path = artifact.exec_path();
        Diag::build(format!("template `{path}` is not UTF-8 text"))
    })
}

/// Replaces all keys in one pass: at each place the first key that fits, and what was put in is
/// not looked at again.
fn substitute(text: &str, substitutions: &[(Arc<str>, Arc<str>)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    'places: while !rest.is_empty() {
        for (key, value) in substitutions {
            if !key.is_empty()
                && let Some(after) = rest.strip_prefix(&**key)
            {
                out.push_str(value);
                rest = after;
                continue 'places;
            }
        }
        let length = rest.chars().next().map_or(1, char::len_utf8);
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    out
}

/// The rules of this module.
pub fn rules() -> Vec<&'static RuleDef> {
    rules![template, action_outputs]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn substitution_is_one_pass() {
        let pair = |a: &str, b: &str| (Arc::from(a), Arc::from(b));
        assert_eq!(
            substitute("a b a", &[pair("a", "b"), pair("b", "c")]),
            "b c b"
        );
        assert_eq!(substitute("@X@ä", &[pair("@X@", "")]), "ä");
        assert_eq!(substitute("xx", &[pair("", "y")]), "xx");
    }
}
