//! What compilers say they read.

use std::path::Path;

use kiln_base::RelPath;
use kiln_diag::Diag;
use kiln_process::{Environment, Process};
use kiln_store::Store;
use kiln_targets::{ActionKind, ActionTemplate, Artifact};
use kiln_tree::Node;

use crate::services::{Execution, Workspace};
use crate::spawn::Cx;
use crate::tools::{Machine, MachineKey};
use crate::undeclared::{Place, undeclared_reads};

/// Where an action says what it read.
pub(crate) fn path(template: &ActionTemplate) -> Option<RelPath> {
    let ActionKind::Spawn {
        dependency_file: Some(file),
        ..
    } = &template.kind
    else {
        return None;
    };
    RelPath::new(file.exec_path()).ok()
}

/// Every file that the compiler says it read must be an input, or lie outside of the tree of
/// inputs (system headers). In a sandbox nothing else can be read, and the list is not looked at;
/// where there is none, this is what notices.
pub(crate) async fn check(
    cx: &Cx,
    template: &ActionTemplate,
    process: &Process,
    outputs: &[(Artifact, Node)],
) -> Result<(), Diag> {
    let ActionKind::Spawn {
        dependency_file: Some(file),
        ..
    } = &template.kind
    else {
        return Ok(());
    };
    let key = MachineKey::of(&template.configuration);
    let machine = cx.get::<Machine, _>((key,)).await?;
    // In a container, too, nothing else can be read; what a worker lets be read is its own affair.
    let isolated = cx.service::<Execution>()?.isolation.is_empty();
    if !machine.is_here() || (isolated && machine.environment == Environment::Local) {
        return Ok(());
    }
    let node = outputs
        .iter()
        .find(|(output, _)| output == file)
        .map(|(_, node)| node);
    let Some(Node::File { digest, .. }) = node else {
        return Ok(());
    };
    let store = cx.service::<Store>()?;
    let Some(text) = store.read(digest)? else {
        return Ok(());
    };
    let workspace = cx.service::<Workspace>()?;
    let text = String::from_utf8_lossy(&text);
    let paths = undeclared(&text, process, &workspace.root);
    if paths.is_empty() {
        return Ok(());
    }
    let target = &template.owner;
    let place = Place {
        target,
        process,
        runfiles: None,
        here: true,
    };
    let diag = Diag::build(format!(
        "`{target}` includes files that it does not declare"
    ));
    Err(undeclared_reads(cx, &workspace, &place, paths, diag).await)
}

/// The files in the list that are no inputs, relative to the workspace.
fn undeclared(text: &str, process: &Process, workspace: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for path in dependencies(text) {
        let relative = match Path::new(&path).strip_prefix(workspace) {
            Ok(below) => below.to_string_lossy().into_owned(),
            Err(_) if path.starts_with('/') => continue,
            Err(_) => path,
        };
        match RelPath::normalize(&relative) {
            Ok(path) if process.inputs.get(&path).is_some() => {}
            Ok(path) => found.push(path.to_string()),
            Err(_) => found.push(relative),
        }
    }
    found
}

/// The prerequisites in a make-style dependency file.
pub(crate) fn dependencies(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    let Some((_, list)) = joined.split_once(": ") else {
        return Vec::new();
    };
    let list = list.split('\n').next().unwrap_or(list);
    let mut paths = Vec::new();
    let mut path = String::new();
    let mut chars = list.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek().is_some_and(|next| " #\\".contains(*next)) => {
                path.extend(chars.next());
            }
            '$' if chars.peek() == Some(&'$') => path.extend(chars.next()),
            c if c.is_whitespace() => {
                if !path.is_empty() {
                    paths.push(std::mem::take(&mut path));
                }
            }
            c => path.push(c),
        }
    }
    if !path.is_empty() {
        paths.push(path);
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::dependencies;

    #[test]
    fn dependency_files() {
        let text = "a.o: a.cc b\\ c.h \\\n  d.h x$$y.h\n\nd.h:\n";
        assert_eq!(dependencies(text), ["a.cc", "b c.h", "d.h", "x$y.h"]);
        assert_eq!(dependencies("a.o:\n"), Vec::<String>::new());
        assert_eq!(dependencies(""), Vec::<String>::new());
    }
}
