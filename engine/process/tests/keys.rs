//! Keys as another implementation computes them (R2): the expected digests were made by
//! `golden/keys.py` with Google's protobuf serialization.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;
use std::time::Duration;

use expect_test::expect;
use kiln_base::{Digest, RelPath};
use kiln_process::{CacheScope, Keyed, Process};
use kiln_tree::{Node, Tree, TreeBuilder};

fn process(argv: &[&str]) -> Process {
    Process {
        argv: argv.iter().map(|text| text.to_string()).collect(),
        env: Default::default(),
        workdir: RelPath::root(),
        inputs: Tree::empty(),
        outputs: Vec::new(),
        timeout: None,
        network: false,
        platform: Default::default(),
        environment: Arc::from(&b""[..]),
        cache: CacheScope::Successful,
    }
}

fn texts(pairs: &[(&str, &str)]) -> std::collections::BTreeMap<String, String> {
    let owned = pairs.iter().map(|(a, b)| (a.to_string(), b.to_string()));
    owned.collect()
}

/// Files by content, executable if the name ends in `.sh`; `name -> target` is a link, `name/` an
/// empty folder.
fn tree(entries: &[(&str, &str)]) -> Tree {
    let mut builder = TreeBuilder::new();
    for (name, content) in entries {
        let (path, node) = match (name.split_once(" -> "), name.strip_suffix('/')) {
            (Some((path, target)), _) => (path, Node::Symlink(target.into())),
            (None, Some(path)) => (path, Node::Dir(Tree::empty())),
            (None, None) => {
                let digest = Digest::of(content.as_bytes());
                let executable = name.ends_with(".sh");
                (*name, Node::File { digest, executable })
            }
        };
        builder.add(&RelPath::new(path).unwrap(), node).unwrap();
    }
    builder.build()
}

fn cases() -> Vec<(&'static str, Process)> {
    let with = |argv: &[&str], change: &dyn Fn(&mut Process)| {
        let mut process = process(argv);
        change(&mut process);
        process
    };
    vec![
        ("empty", process(&["true"])),
        (
            "environment and outputs are sorted",
            with(&["cc", "-c", "a.c"], &|process| {
                process.env = texts(&[("a", ""), ("PATH", "/bin"), ("A", "1")]);
                process.workdir = RelPath::new("w/d").unwrap();
                process.outputs = ["z/o", "a.o", "a.o", "B"]
                    .map(|path| RelPath::new(path).unwrap())
                    .to_vec();
            }),
        ),
        (
            "files, executables and empty folders",
            with(&["./run.sh"], &|process| {
                process.inputs = tree(&[
                    ("run.sh", "#!/bin/sh\n"),
                    ("a/b/c.txt", "c"),
                    ("empty/", ""),
                    ("nothing", ""),
                ]);
            }),
        ),
        (
            "links",
            with(&["ls"], &|process| {
                process.inputs = tree(&[
                    ("l -> target", ""),
                    ("up/l -> ../x", ""),
                    ("up/dangling -> /nowhere", ""),
                ]);
            }),
        ),
        (
            "names in UTF-8 order",
            with(&["ls", "ü"], &|process| {
                process.env = texts(&[("Ä", "ö")]);
                process.inputs = tree(&[
                    ("ä", "1"),
                    ("z", "2"),
                    ("𝄞", "3"),
                    ("\u{ffee}", "4"),
                    ("a b", "5"),
                    ("日本/ファイル", "6"),
                ]);
            }),
        ),
        (
            "timeout with nanoseconds",
            with(&["sleep", "1"], &|process| {
                process.timeout = Some(Duration::new(61, 500_000_001));
            }),
        ),
        (
            "timeout of zero",
            with(&["true"], &|process| process.timeout = Some(Duration::ZERO)),
        ),
        (
            "platform sorted by name, then value",
            with(&["true"], &|process| {
                process.platform =
                    texts(&[("pool", "b"), ("OSFamily", "linux"), ("ISA", "x86-64")]);
                process.network = true;
            }),
        ),
        (
            "salt, not to be cached",
            with(&["true"], &|process| {
                process.environment = Arc::from(&b"\x00\xffsalt"[..]);
                process.cache = CacheScope::Session;
            }),
        ),
    ]
}

/// The numbers were computed from the same facts with the Python messages of BuildStream 2.8.1.
#[test]
fn keys_are_those_of_other_implementations() {
    let mut text = String::new();
    for (name, process) in cases() {
        let keyed = Keyed::of(&process);
        assert_eq!(keyed.digest, Digest::of(&keyed.action));
        for (kind, digest) in [
            ("input root", process.inputs.digest()),
            ("command", Digest::of(&keyed.command)),
            ("action", keyed.digest),
        ] {
            text += &format!("{name}: {kind} {digest}\n");
        }
    }
    expect![[r#"
        empty: input root e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/0
        empty: command 1394a31647aa7eba33b1988cf3bfe1219b5ba45c11ebb19b5bbe07d7204df772/6
        empty: action 054435d0a7573cc13cb737477406ab0e34801a7563531631746e21edead1a3e8/138
        environment and outputs are sorted: input root e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/0
        environment and outputs are sorted: command 4fcf94075af0c3a9920f1ac12049db4b8faa219e910c4a77861d64697cb74d3f/58
        environment and outputs are sorted: action 524caca5b5aa52ef77ed9d0a5d5a9b3fb90cdf7a399c5988ce4fc0bc104a9a8d/138
        files, executables and empty folders: input root f43b76eb5a91c5d80ea359951ca17a33c45a0cd144b268634bfb23340181d068/313
        files, executables and empty folders: command ae2b80d4dd1ee73241baf4e4ca2b6fc877f812ec3cadfb44bf8301ed99fa7072/10
        files, executables and empty folders: action 46c86c2fbb81ef08455fd500691428cb69cd46d5d708fc0046f4566cc8ea1d5d/141
        links: input root 8191497e6d5748e8ce5f768e43959eb70c907bcca937654aa892dff82688ea4a/89
        links: command 011cf8e3cb5ebadcb43b4088f1c5e7c76ddb2812ab6e3afc062922d80b937110/4
        links: action 6e27f9c6e3878bf025b916331feab86e073f9e070dd11e04c845fb6cfc0fab34/140
        names in UTF-8 order: input root 0b89610f6a2266cea1daae97d4d6c3974aa0374e885f5a05a4bf4d39e5a65f7a/463
        names in UTF-8 order: command 8acf08f65781b30be1d10019ad893a1b12a4512f2526511bd20ef8b8104de713/18
        names in UTF-8 order: action e7330a24e6f5a0dbb833887ca72cc202e22ee5054b71cdcf7330f8f07f9481d9/141
        timeout with nanoseconds: input root e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/0
        timeout with nanoseconds: command e361091a14e8ef7697ddca9b2b8d666218e35c87a7c5fbf5d1f73e8066e3bcb6/10
        timeout with nanoseconds: action 4a1a6394031e861bffb6d27f0c9013149eb982983840b9c528404a3af8af0cd9/148
        timeout of zero: input root e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/0
        timeout of zero: command 1394a31647aa7eba33b1988cf3bfe1219b5ba45c11ebb19b5bbe07d7204df772/6
        timeout of zero: action a1cc8be7200f63efda8f14be86e95db433fdeb4fb4c2fb7a52ba9cc4ca767618/140
        platform sorted by name, then value: input root e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/0
        platform sorted by name, then value: command 50ce215bb20de9e44b971bf400acf6969d48eb0878e4fafe523de7224e4d96a3/68
        platform sorted by name, then value: action d762bad2e58115d7603787752d686cb7b430b2bb885bfedbed062aa68cbd8f2f/200
        salt, not to be cached: input root e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/0
        salt, not to be cached: command 1394a31647aa7eba33b1988cf3bfe1219b5ba45c11ebb19b5bbe07d7204df772/6
        salt, not to be cached: action f595319989010a084ef877b3541dd6e028901774466653d715274b355b5a2167/148
    "#]]
    .assert_eq(&text);
}

#[test]
fn every_fact_counts() {
    let keys: Vec<Digest> = cases()
        .iter()
        .map(|(_, process)| Keyed::of(process).digest)
        .collect();
    let mut different = keys.clone();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), keys.len());
}
