//! Outputs that are links: what they lead to in the exec root of their action.
//!
//! Whoever uses an output of another action has neither its inputs nor what else it made, so that a
//! link to these would lead nowhere. A declared file is therefore what its link leads to (Bazel);
//! links inside of declared folders stay as they are (PX-025).

use kiln_base::RelPath;
use kiln_tree::{Node, Tree};

/// More links than this one after another are a circle (as the kernel has it).
const MAX_LINKS: usize = 40;

/// Where a link leads.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// To this file or folder.
    Found(Node),
    /// Out of the exec root: to a system folder, say, which everybody has.
    Outside,
    /// Nowhere.
    Dangling,
}

/// Follows the link at `path`; what was made lies over the inputs.
pub(crate) fn follow(path: &RelPath, made: &Tree, inputs: &Tree) -> Target {
    let at = |path: &RelPath| made.get(path).or_else(|| inputs.get(path));
    let mut walked = RelPath::root();
    let mut ahead: Vec<String> = path.components().rev().map(str::to_owned).collect();
    let mut links = 0;
    while let Some(name) = ahead.pop() {
        walked = match &*name {
            "." | "" => continue,
            ".." => match walked.parent() {
                Some(parent) => parent,
                None => return Target::Outside,
            },
            name => match walked.join(name) {
                Ok(path) => path,
                Err(_) => return Target::Dangling,
            },
        };
        match at(&walked) {
            _ if walked.is_root() => {}
            Some(Node::Symlink(target)) if target.starts_with('/') => return Target::Outside,
            Some(Node::Symlink(target)) => {
                links += 1;
                if links > MAX_LINKS {
                    return Target::Dangling;
                }
                ahead.extend(target.rsplit('/').map(str::to_owned));
                walked = walked.parent().unwrap_or_else(RelPath::root);
            }
            Some(Node::File { .. }) if !ahead.is_empty() => return Target::Dangling,
            Some(_) => {}
            None => return Target::Dangling,
        }
    }
    match at(&walked) {
        Some(node) => Target::Found(node.clone()),
        None => Target::Outside,
    }
}

#[cfg(test)]
mod tests {
    use kiln_base::Digest;
    use kiln_tree::TreeBuilder;

    use super::*;

    fn tree(entries: &[&str]) -> Tree {
        let mut builder = TreeBuilder::new();
        for entry in entries {
            let (path, node) = match entry.split_once(" -> ") {
                Some((path, target)) => (path, Node::Symlink(target.into())),
                None => (
                    *entry,
                    Node::File {
                        digest: Digest::of(entry.as_bytes()),
                        executable: false,
                    },
                ),
            };
            let path = RelPath::new(path).expect("a path");
            builder.add(&path, node).expect("no conflict");
        }
        builder.build()
    }

    #[test]
    fn links_are_followed_as_the_kernel_does() {
        let inputs = tree(&["src/a", "src/d/b", "l -> src", "out/in"]);
        let made = tree(&[
            "out/file -> ../src/a",
            "out/through -> ../l/d/b",
            "out/beside -> ./made",
            "out/made",
            "out/twice -> file",
            "out/folder -> ../src/d",
            "out/none -> nothing",
            "out/loop -> loop",
            "out/below -> made/x",
            "out/system -> /usr/bin/env",
            "out/up -> ../../../x",
            "out/odd -> ..//out/./made",
        ]);
        for (link, expected) in [
            ("out/file", "src/a"),
            ("out/through", "src/d/b"),
            ("out/beside", "out/made"),
            ("out/twice", "src/a"),
            ("out/odd", "out/made"),
        ] {
            let digest = Digest::of(expected.as_bytes());
            let path = RelPath::new(link).expect("a path");
            let Target::Found(Node::File { digest: found, .. }) = follow(&path, &made, &inputs)
            else {
                panic!("{link} leads to no file");
            };
            assert_eq!(found, digest, "{link}");
        }
        for (link, expected) in [
            ("out/none", Target::Dangling),
            ("out/loop", Target::Dangling),
            ("out/below", Target::Dangling),
            ("out/system", Target::Outside),
            ("out/up", Target::Outside),
        ] {
            let path = RelPath::new(link).expect("a path");
            assert_eq!(follow(&path, &made, &inputs), expected, "{link}");
        }
        let folder = RelPath::new("out/folder").expect("a path");
        let found = follow(&folder, &made, &inputs);
        assert!(matches!(found, Target::Found(Node::Dir(_))), "{found:?}");
    }
}
