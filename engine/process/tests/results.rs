//! Results as messages, and the cache that holds them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use expect_test::{Expect, expect};
use futures::FutureExt;
use futures::executor::block_on;
use futures::future::BoxFuture;
use kiln_base::{Digest, RelPath};
use kiln_process::*;
use kiln_proto as reapi;
use kiln_proto::Message;
use kiln_store::{Store, StoreConfig};
use kiln_tree::{Node, Tree, TreeBuilder};

fn path(text: &str) -> RelPath {
    RelPath::new(text).unwrap()
}

fn file(content: &str) -> Node {
    Node::File {
        digest: Digest::of(content.as_bytes()),
        executable: content.starts_with("#!"),
    }
}

fn outputs() -> Tree {
    let mut builder = TreeBuilder::new();
    for (at, node) in [
        ("a.o", file("object")),
        ("bin/tool", file("#!tool")),
        ("dir/x/y", file("y")),
        ("dir/empty", Node::Dir(Tree::empty())),
        ("dir/link", Node::Symlink("x/y".into())),
        ("hollow", Node::Dir(Tree::empty())),
        ("link", Node::Symlink("../else".into())),
    ] {
        builder.add(&path(at), node).unwrap();
    }
    builder.build()
}

const DECLARED: [&str; 7] = [
    "a.o", "bin/tool", "dir", "dir/x/y", "hollow", "link", "missing",
];

fn result(exit: Exit) -> ProcessResult {
    ProcessResult {
        exit,
        stdout: Digest::of(b"out"),
        stderr: Digest::EMPTY,
        outputs: outputs(),
        elapsed: Duration::from_millis(1234),
        source: Source::Ran,
        sandbox: None,
        strays: Vec::new(),
        unlisted_reads: None,
        left: Vec::new(),
    }
}

#[test]
fn results_survive_encoding() {
    let declared = DECLARED.map(path);
    for exit in [Exit::Code(0), Exit::Code(3), Exit::Signal(11)] {
        let result = result(exit);
        let encoded = encode_result(&result, &declared).unwrap();
        let trees: HashMap<Digest, Vec<u8>> = encoded.trees.into_iter().collect();
        let read = |digest: &Digest| trees.get(digest).cloned();
        let decoded = decode_result(&encoded.message, &declared, &read).unwrap();
        assert_eq!(decoded.result, result);
        assert_eq!(decoded.result.elapsed, result.elapsed);
        assert!(decoded.inline.is_empty());
        for blob in ["object", "#!tool", "y", "out"] {
            assert!(
                encoded.refs.contains(&Digest::of(blob.as_bytes())),
                "{blob}"
            );
        }
    }
    assert_eq!(encode_result(&result(Exit::TimedOut), &declared), None);
}

#[test]
fn the_working_directory_as_output() {
    let result = result(Exit::Code(0));
    let encoded = encode_result(&result, &[RelPath::root()]).unwrap();
    let read = |digest: &Digest| {
        let found = encoded.trees.iter().find(|(tree, _)| tree == digest);
        found.map(|(_, bytes)| bytes.clone())
    };
    let decoded = decode_result(&encoded.message, &[RelPath::root()], &read).unwrap();
    assert_eq!(decoded.result.outputs, result.outputs);
}

fn digest(content: &[u8]) -> Option<reapi::Digest> {
    let digest = Digest::of(content);
    Some(reapi::Digest {
        hash: digest.hex(),
        size_bytes: digest.size() as i64,
    })
}

/// A result with one output file or link at `path`.
fn hostile(change: impl FnOnce(&mut reapi::ActionResult), expected: Expect) {
    let mut message = reapi::ActionResult::default();
    change(&mut message);
    let declared = ["out", "dir"].map(path);
    let error = decode_result(&message.encode_to_vec(), &declared, &|_| None).unwrap_err();
    expected.assert_eq(&error.to_string());
}

/// PX-076: what a cache sends never leads outside.
#[test]
fn hostile_results_are_refused() {
    let file = |path: &str| reapi::OutputFile {
        path: path.to_owned(),
        digest: digest(b"x"),
        ..Default::default()
    };
    for bad in ["/etc/passwd", "../out", "out/../../x", "out//x", ""] {
        let mut message = reapi::ActionResult::default();
        message.output_files.push(file(bad));
        let declared = ["out", "dir"].map(path);
        assert!(
            decode_result(&message.encode_to_vec(), &declared, &|_| None).is_err(),
            "{bad}"
        );
    }
    hostile(
        |m| m.output_files.push(file("other")),
        expect!["`other` is no declared output"],
    );
    hostile(
        |m| {
            m.output_files.push(file("out"));
            m.output_files.push(reapi::OutputFile {
                is_executable: true,
                ..file("out")
            });
        },
        expect!["two different entries at `out`"],
    );
    hostile(
        |m| {
            m.output_symlinks.push(reapi::OutputSymlink {
                path: "out".to_owned(),
                target: "a\0b".to_owned(),
            });
        },
        expect!["link `out` has no valid target"],
    );
    hostile(
        |m| {
            m.output_directories.push(reapi::OutputDirectory {
                path: "dir".to_owned(),
                tree_digest: digest(b"tree"),
            });
        },
        expect!["tree dc9c5edb8b2d479e697b4b0b8ab874f32b325138598ce9e7b759eb8292110622/4 is gone"],
    );
    hostile(
        |m| {
            m.stdout_raw = b"printed".to_vec();
            m.stdout_digest = digest(b"something else");
        },
        expect![
            "the content sent along is not f41f3fa625ff120ddca7ef456bf66371ecea23c129f4e4c32367101edb516cf8/14"
        ],
    );
    hostile(
        |m| {
            m.stdout_digest = Some(reapi::Digest {
                hash: "zz".to_owned(),
                size_bytes: -1,
            });
        },
        expect!["an entry has no valid digest"],
    );
    let error = decode_result(b"\xff\xff\xff", &[], &|_| None).unwrap_err();
    expect!["not an `ActionResult` message: failed to decode Protobuf message: invalid varint"]
        .assert_eq(&error.to_string());
}

#[test]
fn contents_sent_along_are_handed_on() {
    let message = reapi::ActionResult {
        stdout_raw: b"printed".to_vec(),
        ..Default::default()
    };
    let decoded = decode_result(&message.encode_to_vec(), &[], &|_| None).unwrap();
    let printed = Digest::of(b"printed");
    assert_eq!(decoded.result.stdout, printed);
    assert_eq!(decoded.inline, [(printed, b"printed".to_vec())]);
}

/// Runs nothing, and says that it did.
struct Runs {
    store: Store,
    exit: Exit,
}

impl Executor for Runs {
    fn execute<'a>(&'a self, _: Request<'a>) -> BoxFuture<'a, Result<ProcessResult, ExecError>> {
        for content in ["object", "#!tool", "y", "out"] {
            self.store.put_bytes(content.as_bytes()).unwrap();
        }
        let result = result(self.exit);
        async move { Ok(result) }.boxed()
    }
}

fn process(scope: CacheScope) -> Process {
    Process {
        argv: vec!["true".to_owned()],
        env: Default::default(),
        workdir: RelPath::root(),
        inputs: Tree::empty(),
        outputs: DECLARED.map(path).to_vec(),
        timeout: None,
        network: false,
        platform: Default::default(),
        environment: Arc::from(&b""[..]),
        cache: scope,
    }
}

/// What comes of a process that ends like this, if it is run. One of its outputs is not there.
fn asked(store: &Store, scope: CacheScope, exit: Exit) -> ProcessResult {
    asked_for(store, scope, exit, true)
}

fn asked_for(
    store: &Store,
    scope: CacheScope,
    exit: Exit,
    optional_outputs: bool,
) -> ProcessResult {
    let inner = Runs {
        store: store.clone(),
        exit,
    };
    let cached = Cached::new(inner, store.clone());
    let process = process(scope);
    let describe = Description::default();
    let request = Request {
        process: &process,
        environment: &Environment::Local,
        action: Keyed::of(&process).digest,
        describe: &describe,
        slots: 1,
        exclusive: false,
        writable: false,
        optional_outputs,
        declared: None,
        reads: Reads::All,
        observer: &(),
    };
    let result = block_on(cached.execute(request)).unwrap();
    assert_eq!(cached.warnings(), []);
    result
}

fn new_store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(StoreConfig::new(folder.path())).unwrap();
    (folder, store)
}

/// How often the process runs when it is asked for twice, the second time after `between`.
fn runs(scope: CacheScope, exit: Exit, between: impl FnOnce(&Store)) -> u32 {
    let (_folder, store) = new_store();
    let first = asked(&store, scope, exit);
    assert_eq!(first.source, Source::Ran);
    between(&store);
    let second = asked(&store, scope, exit);
    assert_eq!(first, second);
    match second.source {
        Source::Ran => 2,
        _ => 1,
    }
}

/// What is known gives way to what comes of a refresh, and only to that.
#[test]
fn a_refresh_takes_the_place_of_what_was_known() {
    use CacheScope::{Always, Refresh, Successful};
    for (exit, known, all) in [
        (Exit::Code(0), Source::LocalCache, Source::LocalCache),
        (Exit::Code(1), Source::Ran, Source::LocalCache),
        (Exit::Signal(6), Source::Ran, Source::Ran),
        (Exit::TimedOut, Source::Ran, Source::Ran),
        (Exit::Limit(Limit::Memory(1)), Source::Ran, Source::Ran),
    ] {
        let (_folder, store) = new_store();
        asked(&store, Successful, Exit::Code(0));
        let again = asked(&store, Refresh, exit);
        assert_eq!((again.source, again.exit), (Source::Ran, exit));
        assert_eq!(asked(&store, Always, exit).source, all, "{exit:?}");
        let (_folder, store) = new_store();
        asked(&store, Successful, Exit::Code(0));
        asked(&store, Refresh, exit);
        assert_eq!(asked(&store, Successful, exit).source, known, "{exit:?}");
    }
}

#[test]
fn what_is_cached_is_up_to_the_scope() {
    use CacheScope::{Always, LocalSuccessful, Session, Successful};
    for (scope, exit, expected) in [
        (Successful, Exit::Code(0), 1),
        (Successful, Exit::Code(1), 2),
        (LocalSuccessful, Exit::Code(0), 1),
        (LocalSuccessful, Exit::Code(1), 2),
        (Always, Exit::Code(0), 1),
        (Always, Exit::Code(1), 1),
        (Always, Exit::Signal(9), 2),
        (Always, Exit::TimedOut, 2),
        (Always, Exit::Limit(Limit::Processes(1)), 2),
        (Session, Exit::Code(0), 2),
    ] {
        assert_eq!(runs(scope, exit, |_| {}), expected, "{scope:?} {exit:?}");
    }
}

/// A success that lacks an output may go better the next time; whoever needs all does not take it
/// from a cache, either. That a failure lacks one is as it should be.
#[test]
fn what_lacks_outputs_is_not_kept() {
    use CacheScope::{Always, Successful};
    for (scope, exit, first, second) in [
        (Successful, Exit::Code(0), false, false),
        (Successful, Exit::Code(0), true, false),
        (Successful, Exit::Code(0), false, true),
        (Always, Exit::Code(0), false, false),
    ] {
        let (_folder, store) = new_store();
        asked_for(&store, scope, exit, first);
        let again = asked_for(&store, scope, exit, second);
        assert_eq!(again.source, Source::Ran, "{scope:?} {first} {second}");
    }
    let (_folder, store) = new_store();
    asked_for(&store, Always, Exit::Code(1), false);
    let again = asked_for(&store, Always, Exit::Code(1), false);
    assert_eq!(again.source, Source::LocalCache);
}

/// PX-062: a hit needs all of its contents.
#[test]
fn a_hit_without_its_blobs_is_a_miss() {
    for gone in ["object", "y", "out"] {
        let runs = runs(CacheScope::Successful, Exit::Code(0), |store| {
            let blob = Digest::of(gone.as_bytes());
            std::fs::remove_file(store.blob_path(&blob, false).unwrap()).unwrap();
        });
        assert_eq!(runs, 2, "{gone}");
    }
}

/// A damaged tree is as good as none.
#[test]
fn a_hit_with_a_damaged_tree_is_a_miss() {
    let runs = runs(CacheScope::Successful, Exit::Code(0), |store| {
        let encoded = encode_result(&result(Exit::Code(0)), &DECLARED.map(path)).unwrap();
        let tree = store.blob_path(&encoded.trees[0].0, false).unwrap();
        std::fs::remove_file(&tree).unwrap();
        std::fs::write(&tree, "nonsense").unwrap();
    });
    assert_eq!(runs, 2);
}
