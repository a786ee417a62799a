//! Blobs that are gone or damaged, within a build and between builds: whoever made them runs again,
//! nobody else does, and the build ends right (PX-090 to PX-093, R6, GR-011).

#![allow(clippy::unwrap_used, reason = "tests may panic")]

#[path = "common/world.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use expect_test::expect;
use kiln_base::Digest;
use kiln_store::Store;
use parking_lot::Mutex;
use world::{Damage, World, rand};

const FILES: &[(&str, &str)] = &[
    (
        "BUILD.bazel",
        r#"
genrule(name = "g1", srcs = ["a.txt"], outs = ["g1.txt"], cmd = "$(OUTS)")
genrule(name = "g2", srcs = ["b.txt"], outs = ["g2.txt"], cmd = "$(OUTS)")
genrule(name = "g3", srcs = [":g1", ":g2"], outs = ["g3.txt"], cmd = "$(OUTS)")
genrule(name = "g4", srcs = [":g1"], outs = ["g4.txt"], cmd = "$(OUTS)")
genrule(name = "top", srcs = [":g3", ":g4", "a.txt"], outs = ["top.txt"], cmd = "$(OUTS)")
"#,
    ),
    ("a.txt", "a\n"),
    ("b.txt", "b\n"),
];

/// What each thing is made from; sources from nothing.
const MADE_FROM: [(&str, &[&str]); 7] = [
    ("a", &[]),
    ("b", &[]),
    ("g1", &["a"]),
    ("g2", &["b"]),
    ("g3", &["g1", "g2"]),
    ("g4", &["g1"]),
    ("top", &["g3", "g4", "a"]),
];

fn inputs_of(name: &str) -> &'static [&'static str] {
    MADE_FROM.iter().find(|(made, _)| *made == name).unwrap().1
}

/// The text that is made, if all goes right, and with that the blob.
fn text(name: &str) -> String {
    if inputs_of(name).is_empty() {
        return format!("{name}\n");
    }
    // In the order of their paths: what is made is in a folder behind the sources' files.
    let mut inputs: Vec<(String, &str)> = inputs_of(name)
        .iter()
        .map(|input| match inputs_of(input).is_empty() {
            true => (format!("{input}.txt"), *input),
            false => (format!("kiln-out/fastbuild/bin/{input}.txt"), *input),
        })
        .collect();
    inputs.sort();
    let inputs = inputs
        .iter()
        .map(|(path, input)| format!("{path}: {}", text(input)));
    format!("//:{name}:\n{}", inputs.collect::<String>())
}

fn blob(name: &str) -> Digest {
    Digest::of(text(name).as_bytes())
}

fn named(set: u32) -> BTreeSet<&'static str> {
    let names = MADE_FROM.iter().enumerate();
    names
        .filter(|(at, _)| set & (1 << at) != 0)
        .map(|(_, (name, _))| *name)
        .collect()
}

/// Which actions have to run so that `wanted` is there again, when the blobs in `lost` are not.
fn needed(wanted: &str, lost: &BTreeSet<&str>, ran: &mut BTreeMap<String, usize>) {
    if !lost.contains(wanted) || ran.contains_key(&format!("//:{wanted}")) {
        return;
    }
    for input in inputs_of(wanted) {
        needed(input, lost, ran);
    }
    if !inputs_of(wanted).is_empty() {
        ran.insert(format!("//:{wanted}"), 1);
    }
}

fn counted(ran: Vec<String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for label in ran {
        *counts.entry(label).or_default() += 1;
    }
    counts
}

fn befall(store: &Store, names: &BTreeSet<&str>, state: &mut u64) {
    for name in names {
        let damage = Damage::ALL[(rand(state) % 4) as usize];
        damage.befall(store, &blob(name));
    }
}

/// Every subset of blobs, lost between two builds of one engine.
#[tokio::test]
async fn between_builds() {
    let world = World::new(FILES);
    let built = world
        .build(&world.engine.session(), "//:top")
        .await
        .unwrap();
    assert_eq!(world.contents(&built), text("top"));
    assert_eq!(world.player.ran().len(), 5);
    let mut state = 7;
    for set in 0..1 << MADE_FROM.len() {
        let lost = named(set);
        befall(&world.store, &lost, &mut state);
        let built = world
            .build(&world.engine.session(), "//:top")
            .await
            .unwrap();
        assert_eq!(world.contents(&built), text("top"), "{lost:?}");
        let mut expected = BTreeMap::new();
        needed("top", &lost, &mut expected);
        assert_eq!(counted(world.player.ran()), expected, "{lost:?}");
        for (name, _) in MADE_FROM {
            world.store.put_bytes(text(name).as_bytes()).unwrap();
        }
    }
}

/// What was so when blobs were lost.
#[derive(Default)]
struct Moment {
    lost: BTreeSet<&'static str>,
    /// The targets that had run.
    ran: Vec<String>,
}

/// A random subset of blobs, lost at a random moment of a build.
#[tokio::test]
async fn within_a_build() {
    for seed in 1..=40u64 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let names = named((rand(&mut state) % 128) as u32);
        let after = (rand(&mut state) % 5) as usize;
        let world = World::new(FILES);
        let moment: Arc<Mutex<Option<Moment>>> = Arc::default();
        let (store, noted) = (world.store.clone(), moment.clone());
        world.player.before_each(move |ran| {
            let mut noted = noted.lock();
            if ran.len() == after && noted.is_none() {
                let there = |name: &&&str| store.contains(&blob(name));
                let lost = names.iter().filter(there).copied().collect();
                befall(&store, &lost, &mut state);
                let ran = ran.to_vec();
                *noted = Some(Moment { lost, ran });
            }
        });
        let built = world.build(&world.engine.session(), "//:top").await;
        let built = built.unwrap_or_else(|error| panic!("{seed}: {error}"));
        assert_eq!(world.contents(&built), text("top"), "{seed}");
        let moment = moment.lock().take().expect("five processes run");
        // Each runs once; and once more if somebody who had yet to run needed what was lost.
        let mut expected: BTreeMap<String, usize> = BTreeMap::new();
        for (name, inputs) in MADE_FROM.iter().filter(|(_, inputs)| !inputs.is_empty()) {
            if !moment.ran.contains(&format!("//:{name}")) {
                for input in *inputs {
                    needed(input, &moment.lost, &mut expected);
                }
            }
        }
        for (name, _) in MADE_FROM.iter().filter(|(_, inputs)| !inputs.is_empty()) {
            *expected.entry(format!("//:{name}")).or_default() += 1;
        }
        assert_eq!(
            counted(world.player.ran()),
            expected,
            "{seed}: {:?}",
            moment.lost
        );
    }
}

/// What is taken away again and again is an error in the end, which says so.
#[tokio::test]
async fn not_for_ever() {
    let world = World::new(FILES);
    let store = world.store.clone();
    world
        .player
        .before_each(move |_| Damage::Removed.befall(&store, &blob("g1")));
    let error = world.build(&world.engine.session(), "//:g4").await;
    let error = error.unwrap_err().to_string();
    let root = world.store.root().display().to_string();
    expect![[r#"
        error: Genrule of `//:g4` cannot get its inputs: they are gone from the store again and again
           = the last one that was missed: 75f4f2c05a13b9a9525e8d1ca3cbb1b46967dc8cc62f5d9ddd87e674e34d3184/16
        hint: something removes or damages files below `[STORE]`; `kiln cache verify` checks them all"#]].assert_eq(&error.replace(&root, "[STORE]"));
}

/// What comes back different is taken as it is now, by everybody.
#[tokio::test]
async fn what_is_not_reproducible() {
    let world = World::new(FILES);
    world.player.make_fickle("//:g1");
    let session = world.engine.session();
    let first = world.build(&session, "//:top").await.unwrap();
    let first = world.contents(&first);
    let made = |text: &str| -> Vec<Digest> {
        let parts = text.split("//:g1:\n").skip(1);
        parts
            .map(|part| {
                Digest::of(
                    format!("//:g1:\n{}", &part[..part.find("others\n").unwrap() + 7]).as_bytes(),
                )
            })
            .collect()
    };
    let before = made(&first);
    assert_eq!(before[0], before[1], "both see one");
    world.player.ran();
    Damage::Removed.befall(&world.store, &before[0]);
    let again = world.build(&session, "//:g4").await.unwrap();
    let again = world.contents(&again);
    assert_eq!(world.player.ran(), [""; 0], "nobody needs it");
    Damage::Removed.befall(&world.store, &Digest::of(again.as_bytes()));
    let again = world.build(&session, "//:g4").await.unwrap();
    let after = made(&world.contents(&again));
    assert_ne!(after, before[..1]);
    assert_eq!(world.player.ran(), ["//:g1", "//:g4"]);
    // Those who had the old one see the new one.
    let top = world.build(&session, "//:top").await.unwrap();
    assert_eq!(made(&world.contents(&top)), [after[0], after[0]]);
}

const LINKS: &[(&str, &str)] = &[
    (
        "defs.bzl",
        r#"
def _links(ctx):
    link = ctx.actions.declare_file(ctx.label.name + ".link")
    ctx.actions.symlink(output = link, target_file = ctx.file.src)
    expanded = ctx.actions.declare_file(ctx.label.name + ".expanded")
    ctx.actions.expand_template(template = link, output = expanded, substitutions = {"a": "b"})
    written = ctx.actions.declare_file(ctx.label.name + ".written")
    ctx.actions.write(written, "written\n")
    out = ctx.actions.declare_file(ctx.label.name + ".out")
    ctx.actions.run_shell(inputs = [link, expanded, written], outputs = [out], command = "true")
    return DefaultInfo(files = depset([out]))

links = rule(implementation = _links, attrs = {"src": attr.label(allow_single_file = True)})
"#,
    ),
    (
        "BUILD.bazel",
        r#"
load(":defs.bzl", "links")

genrule(name = "made", srcs = ["a.txt"], outs = ["made.txt"], cmd = "$(OUTS)")
links(name = "l", src = ":made")
"#,
    ),
    ("a.txt", "a\n"),
];

/// Contents that come by way of links, templates and texts.
#[tokio::test]
async fn actions_without_processes() {
    let world = World::new(LINKS);
    let session = world.engine.session();
    let built = world.build(&session, "//:l").await.unwrap();
    let expected = world.contents(&built);
    let made = "//:made:\na.txt: a\n";
    let expanded = made.replace('a', "b");
    assert_eq!(
        expected,
        format!(
            "//:l:\nkiln-out/fastbuild/bin/l.expanded: {expanded}\
             kiln-out/fastbuild/bin/l.link: {made}kiln-out/fastbuild/bin/l.written: written\n"
        )
    );
    world.player.ran();
    let out = Digest::of(expected.as_bytes());
    let blobs = [made, &expanded, "written\n", "a\n"].map(|text| Digest::of(text.as_bytes()));
    for set in 0..16u32 {
        let lost: Vec<bool> = (0..4).map(|at| set & (1 << at) != 0).collect();
        for (lost, blob) in lost.iter().zip(&blobs) {
            if *lost {
                Damage::Removed.befall(&world.store, blob);
            }
        }
        Damage::Flipped.befall(&world.store, &out);
        let again = world.build(&world.engine.session(), "//:l").await.unwrap();
        assert_eq!(world.contents(&again), expected, "{set}");
        let mut ran = vec!["//:l"];
        // The process behind the link, if its output is gone; for the expansion alone it is there.
        ran.extend(lost[0].then_some("//:made"));
        assert_eq!(world.player.ran(), ran, "{set}");
    }
}

const LINKED: &[(&str, &str)] = &[
    (
        "BUILD.bazel",
        r#"
genrule(name = "made", srcs = ["a.txt"], outs = ["made.txt"], cmd = "$(OUTS)")
genrule(name = "linked", srcs = [":made"], outs = ["linked.txt"], cmd = "LINK:made.txt $(OUTS)")
genrule(name = "use", srcs = [":linked"], outs = ["use.txt"], cmd = "$(OUTS)")
"#,
    ),
    ("a.txt", "a\n"),
];

/// An output that is a link to an input has its contents from there, which its result does not name.
#[tokio::test]
async fn outputs_that_are_links() {
    let world = World::new(LINKED);
    let session = world.engine.session();
    let built = world.build(&session, "//:use").await.unwrap();
    let expected = world.contents(&built);
    assert_eq!(
        expected,
        "//:use:\nkiln-out/fastbuild/bin/linked.txt: //:made:\na.txt: a\n"
    );
    assert_eq!(world.player.ran(), ["//:linked", "//:made", "//:use"]);
    for content in ["//:made:\na.txt: a\n", &expected, "a\n"] {
        Damage::Removed.befall(&world.store, &Digest::of(content.as_bytes()));
    }
    let built = world.build(&session, "//:use").await.unwrap();
    assert_eq!(world.contents(&built), expected);
    assert_eq!(world.player.ran(), ["//:made", "//:use"]);
}

/// A source is read again as it is now; if it is gone from the workspace as well, that is the error.
#[tokio::test]
async fn sources() {
    let world = World::new(FILES);
    let session = world.engine.session();
    world.build(&session, "//:g1").await.unwrap();
    for name in ["a", "g1"] {
        Damage::Removed.befall(&world.store, &blob(name));
    }
    std::fs::write(world.root().join("a.txt"), "new\n").unwrap();
    let built = world.build(&session, "//:g1").await.unwrap();
    let made = world.contents(&built);
    assert_eq!(made, "//:g1:\na.txt: new\n");
    for content in ["new\n", &made] {
        Damage::Removed.befall(&world.store, &Digest::of(content.as_bytes()));
    }
    std::fs::remove_file(world.root().join("a.txt")).unwrap();
    let error = world.build(&session, "//:g1").await.unwrap_err();
    assert_eq!(error.message(), "source file `a.txt` does not exist");
}

#[tokio::test]
async fn it_is_told() {
    let world = World::new(FILES);
    world
        .build(&world.engine.session(), "//:top")
        .await
        .unwrap();
    assert_eq!(world.warned(), [""; 0]);
    for name in ["a", "g1", "g3", "top"] {
        Damage::Removed.befall(&world.store, &blob(name));
    }
    world
        .build(&world.engine.session(), "//:top")
        .await
        .unwrap();
    expect![[r#"
        warning: the contents of `a.txt` are gone from the store; it is read again
        warning: the contents of `kiln-out/fastbuild/bin/g1.txt` are gone from the store; `//:g1` makes them again
        warning: the contents of `kiln-out/fastbuild/bin/g3.txt` are gone from the store; `//:g3` makes them again
        warning: the contents of `kiln-out/fastbuild/bin/top.txt` are gone from the store; `//:top` makes them again"#]].assert_eq(&world.warned().join("\n"));
}
