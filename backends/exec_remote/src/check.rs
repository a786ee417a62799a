//! Whether a result can be what it says. What a server sends is a claim (PX-076).

use std::collections::HashSet;

use kiln_base::{Digest, RelPath};
use kiln_process::ProcessResult;
use kiln_proto::ActionResult;

use crate::cas::parse;

/// Bytes of one `Tree` message; it is read into memory.
const TREE: u64 = 64 << 20;
/// Bytes of all `Tree` messages of a result.
const TREES: u64 = 256 << 20;
/// Entries of all output folders, those that are there several times counted each time.
const ENTRIES: u64 = 2_000_000;

/// The `Tree` messages that a result names.
pub(crate) fn trees(message: &ActionResult) -> Result<Vec<Digest>, String> {
    let mut trees = Vec::new();
    let mut bytes = 0_u64;
    for folder in &message.output_directories {
        let digest = parse(folder.tree_digest.as_ref())
            .ok_or_else(|| format!("folder `{}` has no valid digest", shown(&folder.path)))?;
        bytes = bytes.saturating_add(digest.size());
        if digest.size() > TREE || bytes > TREES {
            let size = digest.size();
            return Err(format!(
                "folder `{}` has a tree of {size} bytes",
                shown(&folder.path)
            ));
        }
        trees.push(digest);
    }
    Ok(trees)
}

/// A path in a message to people: claims may be long.
fn shown(path: &str) -> String {
    path.chars().take(100).filter(|c| !c.is_control()).collect()
}

/// Every blob that a result needs, each once, after a look at its links and its size.
pub(crate) fn blobs(result: &ProcessResult, workdir: &RelPath) -> Result<Vec<Digest>, String> {
    if result.outputs.total() > ENTRIES {
        return Err(format!("its outputs are more than {ENTRIES} files"));
    }
    let depth = workdir.components().count();
    if let Some(link) = result.outputs.leaving_link(depth) {
        let (name, target) = (shown(&link.name), shown(&link.target));
        return Err(format!("link `{name}` to `{target}` leaves the exec root"));
    }
    let mut blobs = HashSet::from([result.stdout, result.stderr]);
    result.outputs.blobs(&mut blobs);
    Ok(blobs.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use kiln_process::{Exit, Source};
    use kiln_tree::{Node, Tree, TreeBuilder};

    use super::*;

    fn result(outputs: Tree) -> ProcessResult {
        ProcessResult {
            exit: Exit::Code(0),
            stdout: Digest::EMPTY,
            stderr: Digest::EMPTY,
            outputs,
            elapsed: std::time::Duration::ZERO,
            source: Source::RemoteCache,
            sandbox: None,
            strays: Vec::new(),
            unlisted_reads: None,
            left: Vec::new(),
        }
    }

    fn check(path: &str, node: Node, workdir: &str, expected: Expect) {
        let tree = Tree::single(&RelPath::new(path).expect("a path"), node);
        let workdir = RelPath::new(workdir).expect("a path");
        expected.assert_eq(&match blobs(&result(tree), &workdir) {
            Ok(blobs) => format!("{} blobs", blobs.len()),
            Err(error) => error,
        });
    }

    /// PX-076, R14: links.
    #[test]
    fn links_stay_within_the_exec_root() {
        let link = |target: &str| Node::Symlink(target.into());
        check("a/b/l", link("../../c"), "", expect!["1 blobs"]);
        check(
            "a/b/l",
            link("../../../etc/passwd"),
            "",
            expect!["link `l` to `../../../etc/passwd` leaves the exec root"],
        );
        check("a/b/l", link("../../../x"), "repo", expect!["1 blobs"]);
        check(
            "l",
            link("a/../../x"),
            "repo",
            expect!["link `l` to `a/../../x` leaves the exec root"],
        );
        check(
            "l",
            link("/etc/passwd"),
            "",
            expect!["link `l` to `/etc/passwd` leaves the exec root"],
        );
        check("l", link("dangling"), "", expect!["1 blobs"]);
    }

    /// Forty small folders that stand for 2^40 files.
    #[test]
    fn huge_trees_are_refused_without_walking_them() {
        let file = Node::File {
            digest: Digest::of(b"x"),
            executable: false,
        };
        let mut tree = Tree::single(&RelPath::new("f").expect("a path"), file);
        for _ in 0..40 {
            let mut builder = TreeBuilder::new();
            for name in ["a", "b"] {
                let path = RelPath::new(name).expect("a path");
                assert!(builder.add(&path, Node::Dir(tree.clone())).is_ok());
            }
            tree = builder.build();
        }
        let error = blobs(&result(tree), &RelPath::root()).expect_err("too many");
        expect!["its outputs are more than 2000000 files"].assert_eq(&error);
    }

    #[test]
    fn tree_messages_have_a_limit() {
        let folder = |size_bytes| kiln_proto::OutputDirectory {
            path: "out\n".to_owned(),
            tree_digest: Some(kiln_proto::Digest {
                hash: Digest::EMPTY.hex(),
                size_bytes,
            }),
        };
        let message = |sizes: &[i64]| ActionResult {
            output_directories: sizes.iter().map(|size| folder(*size)).collect(),
            ..ActionResult::default()
        };
        let text = |sizes: &[i64]| match trees(&message(sizes)) {
            Ok(trees) => format!("{} trees", trees.len()),
            Err(error) => error,
        };
        expect!["2 trees"].assert_eq(&text(&[1, 2]));
        expect!["folder `out` has a tree of 1073741824 bytes"].assert_eq(&text(&[1 << 30]));
        expect!["folder `out` has no valid digest"].assert_eq(&text(&[-1]));
        expect!["folder `out` has a tree of 67108864 bytes"].assert_eq(&text(&[64 << 20; 5]));
    }
}
