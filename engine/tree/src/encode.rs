//! REAPI `Directory` and `Tree` messages.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use kiln_base::{Digest, RelPath};
use kiln_proto as reapi;
use prost::Message;

use crate::{Node, Tree};

/// Why bytes are no tree. What a server sends is a claim: every name is checked (PX-076).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError(String);

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DecodeError {}

impl DecodeError {
    /// For whoever looks folders up: why one cannot be had.
    pub fn new(text: impl Into<String>) -> DecodeError {
        DecodeError(text.into())
    }
}

fn digest_message(digest: &Digest) -> reapi::Digest {
    reapi::Digest {
        hash: digest.hex(),
        size_bytes: digest.size() as i64,
    }
}

fn directory(tree: &Tree) -> reapi::Directory {
    let mut message = reapi::Directory::default();
    for (name, node) in tree.entries() {
        let name = name.to_string();
        match node {
            Node::File { digest, executable } => message.files.push(reapi::FileNode {
                name,
                digest: Some(digest_message(digest)),
                is_executable: *executable,
            }),
            Node::Symlink(target) => {
                let target = target.to_string();
                message.symlinks.push(reapi::SymlinkNode { name, target });
            }
            Node::Dir(below) => message.directories.push(reapi::DirectoryNode {
                name,
                digest: Some(digest_message(&below.digest())),
            }),
        }
    }
    message
}

pub(crate) fn encode_directory(tree: &Tree) -> Vec<u8> {
    directory(tree).encode_to_vec()
}

/// The REAPI `Tree` message of a folder: every folder below it once, in order of first sight.
pub fn encode_tree(tree: &Tree) -> Vec<u8> {
    fn collect(tree: &Tree, seen: &mut HashMap<Digest, ()>, into: &mut Vec<reapi::Directory>) {
        for (_, node) in tree.entries() {
            if let Node::Dir(below) = node
                && seen.insert(below.digest(), ()).is_none()
            {
                into.push(directory(below));
                collect(below, seen, into);
            }
        }
    }
    let mut children = Vec::new();
    collect(tree, &mut HashMap::new(), &mut children);
    reapi::Tree {
        root: Some(directory(tree)),
        children,
    }
    .encode_to_vec()
}

/// How deep folders may be nested in what others send. Trees are walked by recursion, and sandboxes
/// take no deeper outputs either.
pub const MAX_DEPTH: usize = 200;

/// Reads a REAPI `Tree` message, refusing names that are no single path component, repeated
/// names, folders that are missing and nesting beyond [`MAX_DEPTH`].
pub fn decode_tree(bytes: &[u8]) -> Result<Tree, DecodeError> {
    let message = reapi::Tree::decode(bytes)
        .map_err(|error| DecodeError(format!("not a `Tree` message: {error}")))?;
    let root = message
        .root
        .ok_or_else(|| DecodeError("a `Tree` without a root".to_owned()))?;
    let mut children = HashMap::new();
    for child in message.children {
        children.insert(Digest::of(&child.encode_to_vec()), child);
    }
    let mut done = HashMap::new();
    decode_below(&root, &children, &mut done, 0)
}

type Children = HashMap<Digest, reapi::Directory>;

fn decode_below(
    message: &reapi::Directory,
    children: &Children,
    done: &mut HashMap<Digest, Tree>,
    depth: usize,
) -> Result<Tree, DecodeError> {
    if depth > MAX_DEPTH {
        return Err(DecodeError(format!(
            "folders are nested more than {MAX_DEPTH} levels deep"
        )));
    }
    let empty = reapi::Directory::default();
    put_together(message, &mut |digest| {
        if let Some(tree) = done.get(digest) {
            return Ok(tree.clone());
        }
        let below = match children.get(digest) {
            Some(below) => below,
            None if *digest == Digest::EMPTY => &empty,
            None => return Err(DecodeError(format!("folder {digest} is missing"))),
        };
        let tree = decode_below(below, children, done, depth + 1)?;
        done.insert(*digest, tree.clone());
        Ok(tree)
    })
}

/// Reads one REAPI `Directory` message; `folder` gives the folders in it by their digests.
///
/// Errors: names as for [`decode_tree`]; a message that is not canonical (REAPI: `Directory`):
/// entries that are not sorted, properties that kiln does not know.
pub fn decode_directory(
    bytes: &[u8],
    folder: &mut dyn FnMut(&Digest) -> Result<Tree, DecodeError>,
) -> Result<Tree, DecodeError> {
    let message = reapi::Directory::decode(bytes)
        .map_err(|error| DecodeError(format!("not a `Directory` message: {error}")))?;
    let sorted = message.files.is_sorted_by(|a, b| a.name < b.name)
        && message.directories.is_sorted_by(|a, b| a.name < b.name)
        && message.symlinks.is_sorted_by(|a, b| a.name < b.name);
    if !sorted {
        return Err(DecodeError(
            "the entries of a folder are not sorted by their names, each once".to_owned(),
        ));
    }
    if message.encode_to_vec() != bytes {
        return Err(DecodeError(
            "a folder has properties that are not known here, or is not encoded canonically"
                .to_owned(),
        ));
    }
    put_together(&message, folder)
}

fn put_together(
    message: &reapi::Directory,
    folder: &mut dyn FnMut(&Digest) -> Result<Tree, DecodeError>,
) -> Result<Tree, DecodeError> {
    let mut entries: Vec<(Arc<str>, Node)> = Vec::new();
    for file in &message.files {
        let node = Node::File {
            digest: read_digest(file.digest.as_ref())?,
            executable: file.is_executable,
        };
        entries.push((component(&file.name)?, node));
    }
    for link in &message.symlinks {
        if link.target.is_empty() || link.target.contains('\0') {
            let name = component(&link.name)?;
            return Err(DecodeError(format!("link `{name}` has no valid target")));
        }
        entries.push((
            component(&link.name)?,
            Node::Symlink(Arc::from(link.target.as_str())),
        ));
    }
    for below in &message.directories {
        let tree = folder(&read_digest(below.digest.as_ref())?)?;
        entries.push((component(&below.name)?, Node::Dir(tree)));
    }
    entries.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
    if let Some(pair) = entries.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(DecodeError(format!(
            "the name `{}` occurs twice in a folder",
            pair[0].0
        )));
    }
    Ok(Tree::from_sorted(entries))
}

fn read_digest(digest: Option<&reapi::Digest>) -> Result<Digest, DecodeError> {
    digest
        .and_then(|d| Digest::from_hex(&d.hash, u64::try_from(d.size_bytes).ok()?))
        .ok_or_else(|| DecodeError("an entry has no valid digest".to_owned()))
}

fn component(name: &str) -> Result<Arc<str>, DecodeError> {
    match RelPath::new(name) {
        Ok(path) if !path.is_root() && !name.contains('/') => Ok(Arc::from(name)),
        _ => Err(DecodeError(format!("`{name}` is no file name"))),
    }
}
