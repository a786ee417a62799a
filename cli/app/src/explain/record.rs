//! What is on record of processes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::io;
use std::path::Path;

use kiln_base::Fingerprint;
use kiln_process::{Process, Request};
use kiln_tree::{Node, Tree};
use serde::{Deserialize, Serialize};

use super::Variables;

/// A process as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// The digest of the action.
    pub(super) action: String,
    /// Whether it ended well.
    pub(super) good: bool,
    pub(super) command: String,
    pub(super) variables: Variables,
    /// The digest of the tree of inputs.
    pub(super) inputs: String,
    /// The machine: tools and sandbox.
    pub(super) machine: String,
    pub(super) timeout: String,
    /// Network, outputs: what else decides.
    pub(super) rest: String,
}

impl Record {
    pub(super) fn of(request: &Request<'_>, good: bool) -> Record {
        let process = request.process;
        let variable =
            |(name, value): (&String, &String)| (name.clone(), short("variable", [value]));
        Record {
            action: request.action.to_string(),
            good,
            command: short("command", &process.argv),
            variables: process.env.iter().map(variable).collect(),
            inputs: process.inputs.digest().to_string(),
            machine: Fingerprint::build("machine")
                .bytes(&process.environment)
                .finish()
                .hex(),
            timeout: format!("{:?}", process.timeout),
            rest: rest(process),
        }
    }
}

fn short<'a>(domain: &'static str, texts: impl IntoIterator<Item = &'a String>) -> String {
    let mut builder = Fingerprint::build(domain);
    for text in texts {
        builder.text(text);
    }
    builder.finish().hex()[..16].to_owned()
}

fn rest(process: &Process) -> String {
    let mut builder = Fingerprint::build("rest");
    builder
        .text(&format!("{:?}", process.network))
        .text(&format!("{:?}", process.platform))
        .text(&format!("{:?}", process.workdir))
        .text(&format!("{:?}", process.outputs));
    builder.finish().hex()
}

/// An entry of a folder: its name, and what it is as a text that differs if the entry does.
pub(super) type Entry = (String, What);

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum What {
    /// A file or a link.
    Leaf(String),
    /// A folder, by its digest.
    Folder(String),
}

/// All records, and the folders that they name. Folders are kept once: most processes have most
/// of them in common.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Book {
    records: BTreeMap<String, Record>,
    folders: HashMap<String, Vec<Entry>>,
}

impl Book {
    /// What was written there; nothing if it cannot be read.
    pub(super) fn read(path: &Path) -> Book {
        let bytes = fs::read(path).unwrap_or_default();
        postcard::from_bytes(&bytes).unwrap_or_default()
    }

    /// Writes what is still named by a record.
    pub(super) fn write(&mut self, path: &Path) -> io::Result<()> {
        let mut named = HashSet::new();
        let mut pending: Vec<&str> = self
            .records
            .values()
            .map(|record| &*record.inputs)
            .collect();
        while let Some(folder) = pending.pop() {
            if !named.insert(folder.to_owned()) {
                continue;
            }
            for (_, what) in self.folders.get(folder).map_or(&[][..], Vec::as_slice) {
                if let What::Folder(below) = what {
                    pending.push(below);
                }
            }
        }
        self.folders.retain(|folder, _| named.contains(folder));
        let bytes = postcard::to_allocvec(self).map_err(io::Error::other)?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let aside = path.with_extension(std::process::id().to_string());
        fs::write(&aside, bytes)?;
        fs::rename(&aside, path)
    }

    pub(super) fn get(&self, key: &str) -> Option<&Record> {
        self.records.get(key)
    }

    /// The entries of a folder, sorted by name; `None` if it is not on record.
    pub(super) fn folder(&self, digest: &str) -> Option<&[Entry]> {
        self.folders.get(digest).map(Vec::as_slice)
    }

    pub(super) fn put(&mut self, key: String, record: Record, inputs: &Tree) {
        self.put_folder(inputs);
        self.records.insert(key, record);
    }

    fn put_folder(&mut self, tree: &Tree) {
        let digest = tree.digest().to_string();
        if self.folders.contains_key(&digest) {
            return;
        }
        let entries = tree.entries().iter();
        let entries = entries.map(|(name, node)| (name.to_string(), what(node)));
        self.folders.insert(digest, entries.collect());
        for (_, node) in tree.entries() {
            if let Node::Dir(below) = node {
                self.put_folder(below);
            }
        }
    }
}

pub(super) fn what(node: &Node) -> What {
    match node {
        Node::File { digest, executable } => What::Leaf(format!("{digest} {executable}")),
        Node::Symlink(target) => What::Leaf(format!("-> {target}")),
        Node::Dir(tree) => What::Folder(tree.digest().to_string()),
    }
}
