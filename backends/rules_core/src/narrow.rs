//! Actions whose compiler says what it read: a change of a header that it did not read does not run
//! them again.
//!
//! An action that has a dependency file is looked up under a second key when the first one, which
//! is over all of its inputs, is not known: the key of the *narrow* process, in which every header
//! that was not read the last time has no content. Whatever the compiler does is decided by its
//! command, by what it reads and by which files there are (`__has_include`, search paths), and
//! all of that is in the narrow process too; so its key is that of an action with the same
//! result, and what is recorded under it is true. Only headers are left out, and not for assembly:
//! what an assembler includes by itself (`.include`, `.incbin`) is in no dependency file.
//!
//! | row of the local cache | key | value |
//! | --- | --- | --- |
//! | what was read | the action in which *no* header has content, and this table's version | paths, one a line |
//! | result | the action in which the headers that were not read have none | `ActionResult` |
//!
//! Remote caches only ever see the first key.

use std::collections::BTreeSet;

use kiln_base::{Digest, Fingerprint, RelPath};
use kiln_diag::Diag;
use kiln_process::{CacheScope, Contents, Keyed, Process, ProcessResult, Source, keep, recall};
use kiln_store::Store;
use kiln_targets::ActionTemplate;
use kiln_tree::{Node, Tree, TreeBuilder};

use crate::dependency_file::{self, dependencies};

/// An action of which is known where it says what it read.
pub(crate) struct Narrow<'a> {
    store: &'a Store,
    process: &'a Process,
    dependency_file: RelPath,
}

impl<'a> Narrow<'a> {
    /// `None` for an action that says nothing, or whose results are not kept.
    pub(crate) fn of(
        store: &'a Store,
        template: &ActionTemplate,
        process: &'a Process,
    ) -> Option<Narrow<'a>> {
        let dependency_file = dependency_file::path(template)?;
        let kept = matches!(
            process.cache,
            CacheScope::Successful | CacheScope::LocalSuccessful
        );
        Some(Narrow {
            store,
            process,
            dependency_file: Some(dependency_file)
                .filter(|_| kept && !is_assembly(&process.argv))?,
        })
    }

    /// The result of a run that read the same, unless the action itself is known (then that is
    /// what is to be asked).
    pub(crate) async fn known(
        &self,
        contents: &dyn Contents,
        action: &Digest,
    ) -> Option<ProcessResult> {
        if self.store.get_action(action).is_some() {
            return None;
        }
        let read = self.store.get_action(&self.list_key()?)?;
        let read: BTreeSet<&str> = std::str::from_utf8(&read).ok()?.lines().collect();
        let key = self.key(&|path| read.contains(path))?;
        let result = recall(self.store, contents, &key, &self.process.outputs).await?;
        result.exit.success().then_some(result)
    }

    /// Records what a run read, and its result under the narrow key.
    pub(crate) fn learn(&self, result: &ProcessResult) -> Result<(), Diag> {
        if result.source != Source::Ran || !result.exit.success() {
            return Ok(());
        }
        let Some(Node::File { digest, .. }) = result.outputs.get(&self.dependency_file) else {
            return Ok(());
        };
        let Some(text) = self.store.read(digest)? else {
            return Ok(());
        };
        let Ok(text) = String::from_utf8(text) else {
            return Ok(());
        };
        let read: BTreeSet<String> = dependencies(&text)
            .iter()
            .filter_map(|path| RelPath::normalize(path).ok())
            .map(|path| path.to_string())
            .collect();
        let keys = (self.list_key(), self.key(&|path| read.contains(path)));
        let (Some(list), Some(key)) = keys else {
            return Ok(());
        };
        keep(self.store, &key, result, &self.process.outputs)?;
        let lines: Vec<String> = read.into_iter().collect();
        self.store
            .put_action(&list, lines.join("\n").as_bytes(), &[])
    }

    /// The key of the process in which only those headers have content that were read.
    fn key(&self, read: &dyn Fn(&str) -> bool) -> Option<Digest> {
        let inputs = without_content(&self.process.inputs, read)?;
        let narrow = Process {
            inputs,
            ..self.process.clone()
        };
        Some(Keyed::of(&narrow).digest)
    }

    fn list_key(&self) -> Option<Digest> {
        let action = self.key(&|_| false)?.to_string();
        let key = Fingerprint::build("what an action read")
            .text(&action)
            .finish();
        Some(Digest::of(key.bytes()))
    }
}

/// The tree in which every header that was not read has no content; `None` if it cannot be told
/// which was.
fn without_content(inputs: &Tree, read: &dyn Fn(&str) -> bool) -> Option<Tree> {
    let mut builder = TreeBuilder::new();
    let mut fits = true;
    inputs.walk(false, &mut |path, node| {
        let node = match node {
            Node::File { executable, .. } if is_header(path) && !read(path) => Node::File {
                digest: Digest::EMPTY,
                executable: *executable,
            },
            // What is read through a link is listed under the link's name only.
            Node::Symlink(_) => {
                fits = false;
                return;
            }
            node => node.clone(),
        };
        fits &= RelPath::new(path).is_ok_and(|path| builder.add(&path, node).is_ok());
    });
    fits.then(|| builder.build())
}

/// Whether a command line names a source of assembly.
fn is_assembly(argv: &[String]) -> bool {
    let extension = |word: &String| {
        word.rsplit_once('.')
            .map(|(_, extension)| extension.to_owned())
    };
    let mut extensions = argv.iter().filter_map(extension);
    extensions.any(|extension| matches!(&*extension, "s" | "S" | "asm" | "sx"))
}

/// Whether compilers take a file of that name for a header (Bazel's kinds of headers).
fn is_header(path: &str) -> bool {
    const EXTENSIONS: [&str; 12] = [
        "h", "hh", "hpp", "hxx", "h++", "ipp", "inc", "inl", "tlh", "tli", "H", "tcc",
    ];
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.')
        .is_some_and(|(_, extension)| EXTENSIONS.contains(&extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Node {
        Node::File {
            digest: Digest::of(text.as_bytes()),
            executable: false,
        }
    }

    #[test]
    fn only_headers_that_were_not_read_lose_their_content() {
        let tree = |c: &Node, last: &Node| {
            let mut builder = TreeBuilder::new();
            for (path, node) in [
                ("a/b.h", &file("b")),
                ("a/c.hpp", c),
                ("a/d.cc", &file("d")),
                ("h", &file("h")),
                ("last", last),
            ] {
                builder
                    .add(&RelPath::new(path).unwrap(), node.clone())
                    .unwrap();
            }
            builder.build()
        };
        let folder = Node::Dir(Tree::empty());
        let narrow = without_content(&tree(&file("c"), &folder), &|path| path == "a/b.h");
        assert_eq!(narrow, Some(tree(&file(""), &folder)));
        let link = tree(&file("c"), &Node::Symlink("a/b.h".into()));
        assert_eq!(without_content(&link, &|_| true), None);
    }
}
