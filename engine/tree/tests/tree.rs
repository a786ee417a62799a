//! Trees: building, merging and the REAPI encoding (R2, R12, R14, PX-076).

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use expect_test::{Expect, expect};
use kiln_base::{Digest, RelPath};
use kiln_tree::{DecodeError, Node, Tree, TreeBuilder, decode_directory, decode_tree, encode_tree};
use proptest::prelude::*;

fn file(text: &str) -> Node {
    Node::File {
        digest: Digest::of(text.as_bytes()),
        executable: false,
    }
}

fn tree(entries: &[(&str, Node)]) -> Tree {
    let mut builder = TreeBuilder::new();
    for (path, node) in entries {
        builder
            .add(&RelPath::new(path).unwrap(), node.clone())
            .unwrap();
    }
    builder.build()
}

fn paths(tree: &Tree) -> String {
    let mut text = String::new();
    tree.walk(true, &mut |path, node| {
        text.push_str(path);
        text.push_str(if matches!(node, Node::Dir(_)) {
            "/\n"
        } else {
            "\n"
        });
    });
    text
}

fn check_merge(a: &[(&str, Node)], b: &[(&str, Node)], expect: Expect) {
    let (a, b) = (tree(a), tree(b));
    let (one, two) = (a.merge(&b), b.merge(&a));
    assert_eq!(one, two, "merging is symmetric");
    expect.assert_eq(&match one {
        Ok(tree) => paths(&tree),
        Err(conflict) => conflict.to_string(),
    });
}

#[test]
fn merging() {
    check_merge(
        &[("a/x", file("1")), ("b", file("2"))],
        &[
            ("a/y", file("3")),
            ("b", file("2")),
            ("c/d/e", Node::Dir(Tree::empty())),
        ],
        expect![[r#"
            a/
            a/x
            a/y
            b
            c/
            c/d/
            c/d/e/
        "#]],
    );
    check_merge(
        &[("a/x", file("1"))],
        &[("a/x", file("2"))],
        expect!["two different entries at `a/x`"],
    );
    check_merge(
        &[("a", file("1"))],
        &[("a/x", file("1"))],
        expect!["two different entries at `a`"],
    );
}

#[test]
fn names_are_ordered_by_bytes_not_by_paths() {
    // `a-b` sorts before `a/` as text, but `a` is a name of its own in a folder.
    let one = tree(&[("a/x", file("")), ("a-b", file("")), ("a.c", file(""))]);
    let names: Vec<&str> = one.entries().iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["a", "a-b", "a.c"]);
}

/// The numbers were computed from the same facts with the Python messages of BuildStream 2.8.1.
#[test]
fn tree_messages_are_those_of_other_implementations() {
    let link = |target: &str| Node::Symlink(target.into());
    let script = Node::File {
        digest: Digest::of(b"#!/bin/sh\n"),
        executable: true,
    };
    let empty = || Node::Dir(Tree::empty());
    for (entries, expected) in [
        (
            vec![],
            "102b51b9765a56a3e899f7cf0ee38e5251f9c503b357b330a49183eb7b155604/2",
        ),
        (
            vec![
                ("run.sh", script),
                ("a/b/c.txt", file("c")),
                ("empty", empty()),
                ("nothing", file("")),
            ],
            "64fd55c8ce278d4dadc7a8de7521e14f467c56c1f09bcf90dda2cfe0d9c9e4c5/476",
        ),
        // Equal folders stand in it once.
        (
            vec![
                ("one/x", file("1")),
                ("two/x", file("1")),
                ("three/one/x", file("1")),
                ("three/e", empty()),
            ],
            "45b88ab87ec934dd1d667448a2f604231cdbac1b19d5232a65d840f540d202c1/469",
        ),
        (
            vec![
                ("l", link("target")),
                ("up/l", link("../x")),
                ("up/dangling", link("/nowhere")),
            ],
            "448be8c867cc17aec96ca026cadb2e3df8ef1bf68fe2bd572ba789085043a888/126",
        ),
        (
            vec![
                ("a b", file("1")),
                ("-n", file("2")),
                ("日本/ファイル", file("3")),
                ("new\nline/.hidden", file("4")),
                ("q'\"$", file("5")),
            ],
            "a14d44754c7995dd8be006520f12dfb604800511516d6bc52d90134bcb811043/567",
        ),
    ] {
        let tree = tree(&entries);
        let encoded = encode_tree(&tree);
        assert_eq!(Digest::of(&encoded).to_string(), expected);
        assert_eq!(decode_tree(&encoded).unwrap(), tree);
    }
}

#[test]
fn the_empty_folder_is_the_empty_message() {
    assert_eq!(Tree::empty().digest(), Digest::EMPTY);
}

#[test]
fn hostile_trees_are_refused() {
    use kiln_proto::{Digest as D, Directory, FileNode, Message, Tree as T};
    let named = |names: &[&str]| {
        let digest = Some(D {
            hash: Digest::EMPTY.hex(),
            size_bytes: 0,
        });
        let files = names
            .iter()
            .map(|name| FileNode {
                name: (*name).to_owned(),
                digest: digest.clone(),
                is_executable: false,
            })
            .collect();
        let root = Some(Directory {
            files,
            ..Directory::default()
        });
        T {
            root,
            children: Vec::new(),
        }
        .encode_to_vec()
    };
    for names in [
        &["../x"][..],
        &["/x"],
        &[".."],
        &[""],
        &["a/b"],
        &["a\0"],
        &["a", "a"],
    ] {
        assert!(decode_tree(&named(names)).is_err(), "{names:?}");
    }
    assert!(decode_tree(b"\xff\xff").is_err());
    assert!(decode_tree(&named(&["ok"])).is_ok());
    let link = |target: &str| {
        let root = Directory {
            symlinks: vec![kiln_proto::SymlinkNode {
                name: "link".to_owned(),
                target: target.to_owned(),
            }],
            ..Directory::default()
        };
        let message = T {
            root: Some(root),
            children: Vec::new(),
        };
        decode_tree(&message.encode_to_vec()).map_err(|error| error.to_string())
    };
    for target in ["", "a\0b"] {
        let error = link(target).expect_err("no link");
        assert_eq!(error, "link `link` has no valid target");
    }
    assert!(link("a").is_ok());
}

/// One `Directory` message is taken as it was written by the rules, or not at all.
#[test]
fn directories_are_canonical() {
    use kiln_proto::{Directory, Message, SymlinkNode};
    let known = tree(&[("f", file("x"))]);
    let whole = tree(&[("a", Node::Dir(known.clone())), ("b", file("y"))]);
    let mut folder = |digest: &Digest| match *digest == known.digest() {
        true => Ok(known.clone()),
        false => Err(DecodeError::new(format!("{digest:?} is not there"))),
    };
    let read = decode_directory(&whole.directory_message(), &mut folder).unwrap();
    assert_eq!(read.digest(), whole.digest());
    let links = |names: &[&str]| {
        let link = |name: &&str| SymlinkNode {
            name: (*name).to_owned(),
            target: "t".to_owned(),
        };
        let symlinks = names.iter().map(link).collect();
        Directory {
            symlinks,
            ..Directory::default()
        }
        .encode_to_vec()
    };
    let mut check = |bytes: &[u8], expected: Expect| {
        expected.assert_eq(&match decode_directory(bytes, &mut folder) {
            Ok(tree) => paths(&tree),
            Err(error) => error.to_string(),
        });
    };
    check(
        &links(&["a", "b"]),
        expect![[r#"
        a
        b
    "#]],
    );
    check(
        &links(&["b", "a"]),
        expect!["the entries of a folder are not sorted by their names, each once"],
    );
    check(
        &links(&["a", "a"]),
        expect!["the entries of a folder are not sorted by their names, each once"],
    );
    check(&links(&["../a"]), expect!["`../a` is no file name"]);
    // Field 5: `node_properties`.
    let properties = [&links(&["a"])[..], b"\x2a\x00"].concat();
    check(
        &properties,
        expect!["a folder has properties that are not known here, or is not encoded canonically"],
    );
    check(
        b"\xff\xff",
        expect!["not a `Directory` message: failed to decode Protobuf message: invalid varint"],
    );
    let other = tree(&[("a", Node::Dir(tree(&[("g", file("x"))])))]);
    check(
        &other.directory_message(),
        expect!["5162ad3b/75 is not there"],
    );
}

fn any_tree() -> impl Strategy<Value = Tree> {
    let node = prop_oneof![
        "[a-c]{0,3}".prop_map(|text| file(&text)),
        "[a-c./]{1,4}".prop_map(|target| Node::Symlink(Arc::from(target))),
        Just(Node::Dir(Tree::empty())),
    ];
    prop::collection::vec(("[a-c]{1,2}(/[a-c]){0,2}", node), 0..12).prop_map(|entries| {
        let mut builder = TreeBuilder::new();
        for (path, node) in entries {
            // Conflicts just drop the entry: any tree will do.
            let _ = builder.add(&RelPath::new(path).unwrap(), node);
        }
        builder.build()
    })
}

proptest! {
    #[test]
    fn encoding_round_trips(tree in any_tree()) {
        let back = decode_tree(&encode_tree(&tree)).unwrap();
        prop_assert_eq!(paths(&back), paths(&tree));
        prop_assert_eq!(back.digest(), tree.digest());
    }

    #[test]
    fn merging_equals_building_together(a in any_tree(), b in any_tree()) {
        let mut builder = TreeBuilder::new();
        let mut conflict = false;
        for tree in [&a, &b] {
            conflict |= builder.add(&RelPath::root(), Node::Dir(tree.clone())).is_err();
        }
        match a.merge(&b) {
            Ok(merged) => {
                prop_assert!(!conflict);
                prop_assert_eq!(merged.digest(), builder.build().digest());
                prop_assert_eq!(merged.merge(&a).unwrap(), merged.clone());
            }
            Err(_) => prop_assert!(conflict),
        }
    }
}
