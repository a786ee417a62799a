//! What is different about a process.

use std::collections::BTreeMap;

use kiln_process::Process;
use kiln_targets::{Artifact, Status};
use kiln_tree::{Node, Tree};

use super::record::{Book, Entry, Record, What, what};

/// The differences between a process as it is on record and as it is, for people: inputs first.
pub(super) fn differences(
    book: &Book,
    before: &Record,
    now: &Record,
    process: &Process,
) -> Vec<String> {
    let mut found = Vec::new();
    let mut inputs = Inputs {
        book,
        // It is there, but no reason for anything.
        ignored: Artifact::status(Status::Volatile).ok(),
        found: &mut found,
    };
    inputs.folder("", &before.inputs, &process.inputs);
    if before.command != now.command {
        found.push("its command line changed".to_owned());
    }
    for (name, value) in &now.variables {
        match before.variables.get(name) {
            None => found.push(format!("variable `{name}` is new")),
            Some(old) if old != value => found.push(format!("variable `{name}` changed")),
            Some(_) => {}
        }
    }
    for name in before.variables.keys() {
        if !now.variables.contains_key(name) {
            found.push(format!("variable `{name}` is gone"));
        }
    }
    if before.machine != now.machine {
        found.push("the machine's tools or its sandbox changed".to_owned());
    }
    if before.timeout != now.timeout {
        found.push("its timeout changed".to_owned());
    }
    if before.rest != now.rest {
        found.push("its outputs or its use of the network changed".to_owned());
    }
    found
}

struct Inputs<'a> {
    book: &'a Book,
    ignored: Option<Artifact>,
    found: &'a mut Vec<String>,
}

impl Inputs<'_> {
    fn folder(&mut self, path: &str, before: &str, now: &Tree) {
        if now.digest().to_string() == before {
            return;
        }
        let Some(old) = self.book.folder(before) else {
            self.say(path, "changed");
            return;
        };
        let mut old: BTreeMap<&str, &What> = old
            .iter()
            .map(|(name, what): &Entry| (&**name, what))
            .collect();
        for (name, node) in now.entries() {
            let path = join(path, name);
            match (old.remove(&**name), node) {
                (None, _) => self.say(&path, "is new"),
                (Some(What::Folder(before)), Node::Dir(now)) => self.folder(&path, before, now),
                (Some(before), node) if *before != what(node) => self.say(&path, "changed"),
                (Some(_), _) => {}
            }
        }
        for name in old.keys() {
            self.say(&join(path, name), "is gone");
        }
    }

    fn say(&mut self, path: &str, how: &str) {
        let ignored = self.ignored.as_ref();
        if ignored.is_none_or(|ignored| ignored.exec_path() != path) {
            self.found.push(format!("input `{path}` {how}"));
        }
    }
}

fn join(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}
