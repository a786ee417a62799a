//! The runfiles of a program, put beside it in the output folder.
//!
//! | path | what |
//! | --- | --- |
//! | `PROGRAM.runfiles/` | the tree |
//! | `PROGRAM.runfiles_manifest`, `PROGRAM.runfiles/MANIFEST` | where each file of it is |
//! | `PROGRAM.repo_mapping` | as `_repo_mapping` in the tree |

use std::path::Path;

use kiln_base::RelPath;
use kiln_rules_core::build::BuiltTarget;
use kiln_tree::{Node, Tree, TreeBuilder};

use crate::output::{OutputFolder, PutError};

/// Puts what a program needs beside it. `workspace` is the root of the workspace.
pub(crate) fn put(
    output: &mut OutputFolder,
    built: &BuiltTarget,
    workspace: &Path,
) -> Result<(), PutError> {
    let (Some(executable), Some(tree)) = (&built.executable, &built.runfiles) else {
        return Ok(());
    };
    let program = executable.exec_path();
    let folder = format!("{program}.runfiles");
    let manifest = manifest(tree, &workspace.join(&folder));
    let manifest = output.text(&manifest)?;
    output.put(&format!("{program}.runfiles_manifest"), &manifest)?;
    if let Some(mapping) = tree.entry("_repo_mapping") {
        output.put(&format!("{program}.repo_mapping"), mapping)?;
    }
    let name = Path::new(program).file_name().unwrap_or_default();
    let link = format!("../{}.runfiles_manifest", name.to_string_lossy());
    let mut with_manifest = TreeBuilder::new();
    for (name, node) in tree.entries() {
        if let Ok(path) = RelPath::new(&**name) {
            // Names in one folder differ, so nothing can collide.
            let _ = with_manifest.add(&path, node.clone());
        }
    }
    if tree.entry("MANIFEST").is_none()
        && let Ok(path) = RelPath::new("MANIFEST")
    {
        let _ = with_manifest.add(&path, Node::Symlink(link.into()));
    }
    output.put(&folder, &Node::Dir(with_manifest.build()))
}

/// A line for each file: its path in the tree and where it is (Bazel).
fn manifest(tree: &Tree, folder: &Path) -> String {
    let mut text = String::new();
    tree.walk(false, &mut |path, _| {
        text += &line(path, &folder.join(path).to_string_lossy());
    });
    text
}

/// Blanks and ends of lines are escaped, and then the line begins with a blank (Bazel 7.4).
fn line(path: &str, place: &str) -> String {
    let odd = |text: &str| text.contains([' ', '\n', '\\']);
    if !odd(path) && !place.contains('\n') {
        return format!("{path} {place}\n");
    }
    let escape = |text: &str| text.replace('\\', "\\b").replace('\n', "\\n");
    let path = escape(path).replace(' ', "\\s");
    format!(" {path} {}\n", escape(place))
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn lines() {
        assert_eq!(line("a/b", "/x/a/b"), "a/b /x/a/b\n");
        assert_eq!(line("a/b", "/x y/a/b"), "a/b /x y/a/b\n");
        assert_eq!(line("a b", "/x/a b"), " a\\sb /x/a b\n");
        assert_eq!(line("a\\b", "/a\\b"), " a\\bb /a\\bb\n");
    }
}
