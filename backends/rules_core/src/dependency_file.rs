//! What compilers say they read.

use kiln_base::RelPath;
use kiln_diag::Diag;
use kiln_process::Process;
use kiln_store::Store;
use kiln_targets::{ActionKind, ActionTemplate, Artifact};
use kiln_tree::Node;

use crate::failure;
use crate::services::Workspace;
use crate::spawn::Cx;

/// Every file that the compiler says it read must be an input, or lie outside of the tree of
/// inputs (system headers). In the sandbox nothing else can be read; where there is none, this
/// is what notices.
pub(crate) fn check(
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
    let text = String::from_utf8_lossy(&text);
    let workspace = cx.service::<Workspace>()?;
    for path in dependencies(&text) {
        let relative = match path.strip_prefix(&*workspace.root.to_string_lossy()) {
            Some(below) => below.trim_start_matches('/'),
            None if path.starts_with('/') => continue,
            None => path.as_str(),
        };
        let declared = RelPath::normalize(relative).ok();
        if declared.is_none_or(|path| process.inputs.get(&path).is_none()) {
            return Err(failure::undeclared_header(template, &path));
        }
    }
    Ok(())
}

/// The prerequisites in a make-style dependency file.
fn dependencies(text: &str) -> Vec<String> {
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
