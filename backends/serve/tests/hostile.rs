//! Actions that cannot run, or must not (R5, PX-076).

#![allow(clippy::unwrap_used, missing_docs, reason = "tests may panic")]

#[allow(dead_code, reason = "what this test does not use, others do")]
mod common;

use common::{World, check, command, empty_root, named, property, run, show, upload};
use expect_test::expect;
use kiln_base::RelPath;
use kiln_proto::*;
use kiln_tree::{Node, Tree, TreeBuilder};
/// R5: all that is missing is named, so that it can be sent.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing() {
    let world = World::start().await;
    let absent = Node::File {
        digest: kiln_base::Digest::of(b"absent"),
        executable: false,
    };
    let mut builder = TreeBuilder::new();
    for path in ["a", "b/c"] {
        builder
            .add(&RelPath::new(path).unwrap(), absent.clone())
            .unwrap();
    }
    let tree = builder.build();
    let root = upload(&world, &tree);
    let without_file = world.action(command("x", &[]), root.clone());
    check(&world, &without_file, expect![[r#"
        FailedPrecondition: blob 5ad38304b535c2987dbd24657c1a11b884984ff600d9f389deb0d4e634fee792/6 is missing
        MISSING blobs/5ad38304b535c2987dbd24657c1a11b884984ff600d9f389deb0d4e634fee792/6
    "#]]).await;
    let below = Tree::single(&RelPath::new("c").unwrap(), absent);
    world.lose(&below.directory_message());
    let other = World::start().await;
    other.put(&tree.directory_message());
    let without_folder = other.action(command("x", &[]), root);
    check(&other, &without_folder, expect![[r#"
        FailedPrecondition: blob fbfde2f6161437514adf1ac8d9950adbcd66987f95dc1097528654fbcd3f2758/75 is missing
        MISSING blobs/fbfde2f6161437514adf1ac8d9950adbcd66987f95dc1097528654fbcd3f2758/75
    "#]]).await;
    // A tree with a gap is not remembered as whole.
    check(&other, &without_folder, expect![[r#"
        FailedPrecondition: blob fbfde2f6161437514adf1ac8d9950adbcd66987f95dc1097528654fbcd3f2758/75 is missing
        MISSING blobs/fbfde2f6161437514adf1ac8d9950adbcd66987f95dc1097528654fbcd3f2758/75
    "#]]).await;
    check(&world, &named(b"no action"), expect![[r#"
        FailedPrecondition: blob 704fb7f8818b5c874c921c639589b42035f011bfcbfdf520d900847a0f133028/9 is missing
        MISSING blobs/704fb7f8818b5c874c921c639589b42035f011bfcbfdf520d900847a0f133028/9
    "#]]).await;
    let headless = Action {
        command_digest: Some(named(b"no command")),
        input_root_digest: Some(empty_root()),
        ..Action::default()
    };
    let headless = world.put(&headless.encode_to_vec());
    check(&world, &headless, expect![[r#"
        FailedPrecondition: blob 348f1706f6b4a4261fb4e439e829dc5a606ede5611c264593f27836f2626e545/10 is missing
        MISSING blobs/348f1706f6b4a4261fb4e439e829dc5a606ede5611c264593f27836f2626e545/10
    "#]]).await;
    assert_eq!(world.runs() + other.runs(), 0);
}

/// Nothing runs that is not written by the rules, or leads out of its folder.
#[tokio::test(flavor = "multi_thread")]
async fn hostile_actions() {
    let world = World::start().await;
    let of_root = |directory: Directory| {
        let root = world.put(&directory.encode_to_vec());
        world.action(command("x", &[]), root)
    };
    let link = |name: &str, target: &str| SymlinkNode {
        name: name.to_owned(),
        target: target.to_owned(),
    };
    let links = |symlinks: Vec<SymlinkNode>| Directory {
        symlinks,
        ..Directory::default()
    };
    let unsorted = links(vec![link("b", "x"), link("a", "x")]);
    check(&world, &of_root(unsorted), expect![[r#"
        InvalidArgument: the input root: the entries of a folder are not sorted by their names, each once
    "#]]).await;
    check(
        &world,
        &of_root(links(vec![link("../a", "x")])),
        expect![[r#"
        InvalidArgument: the input root: `../a` is no file name
    "#]],
    )
    .await;
    check(
        &world,
        &of_root(links(vec![link("a", "/etc/passwd")])),
        expect![[r#"
        InvalidArgument: input link `a` to `/etc/passwd` leaves the input root
    "#]],
    )
    .await;
    check(
        &world,
        &of_root(links(vec![link("a", "../x")])),
        expect![[r#"
        InvalidArgument: input link `a` to `../x` leaves the input root
    "#]],
    )
    .await;
    let both = Directory {
        files: vec![FileNode {
            name: "a".to_owned(),
            digest: Some(empty_root()),
            is_executable: false,
        }],
        ..links(vec![link("a", "x")])
    };
    check(
        &world,
        &of_root(both),
        expect![[r#"
        InvalidArgument: the input root: the name `a` occurs twice in a folder
    "#]],
    )
    .await;
    let action = |command: Command| world.action(command, empty_root());
    check(
        &world,
        &action(command("x", &["../out"])),
        expect![[r#"
        InvalidArgument: output `../out` is not normalized
    "#]],
    )
    .await;
    check(
        &world,
        &action(command("x", &["/out"])),
        expect![[r#"
        InvalidArgument: output `/out` is absolute
    "#]],
    )
    .await;
    let elsewhere = Command {
        working_directory: "a/../..".to_owned(),
        ..command("x", &[])
    };
    check(
        &world,
        &action(elsewhere),
        expect![[r#"
        InvalidArgument: the working directory: path `a/../..` is not normalized
    "#]],
    )
    .await;
    check(
        &world,
        &action(Command::default()),
        expect![[r#"
        InvalidArgument: the command has no arguments: there is no program to run
    "#]],
    )
    .await;
    let variable = |name: &str| EnvironmentVariable {
        name: name.to_owned(),
        value: String::new(),
    };
    for names in [["A", "A"], ["A=B", "C"]] {
        let command = Command {
            environment_variables: names.iter().map(|name| variable(name)).collect(),
            ..command("x", &[])
        };
        let text = show(&run(&world, &action(command)).await);
        assert!(text.starts_with("InvalidArgument: "), "{text}");
    }
    let negative = world.action_with(command("x", &[]), empty_root(), |action| {
        action.timeout = Some(Duration {
            seconds: -1,
            nanos: 0,
        });
    });
    check(
        &world,
        &negative,
        expect![[r#"
        InvalidArgument: the timeout is no duration
    "#]],
    )
    .await;
    check(&world, &world.put(b"\xff\xff"), expect![[r#"
        InvalidArgument: blob ca2fd00fa001190744c15c317643ab092e7048ce086a243e2be9437c898de1bb/2 is no `Action`
    "#]]).await;
    let image = world.action_with(command("x", &[]), empty_root(), |action| {
        let properties = vec![property("container-image", "docker://debian")];
        action.platform = Some(Platform { properties });
    });
    check(&world, &image, expect![[r#"
        FailedPrecondition: this server cannot give `container-image=docker://debian`: actions run in sandboxes of this machine, and there are no containers
    "#]]).await;
    assert_eq!(world.runs(), 0);
}

/// What a client writes is in messages to people, but not all of it.
#[tokio::test(flavor = "multi_thread")]
async fn long_names() {
    let world = World::start().await;
    let long = format!("../{}", "\u{7}x".repeat(1 << 18));
    let elsewhere = Command {
        working_directory: long.clone(),
        ..command("x", &[])
    };
    let outputs = command("x", &[&long]);
    for command in [elsewhere, outputs] {
        let action = world.action(command, empty_root());
        let text = show(&run(&world, &action).await);
        assert!(text.starts_with("InvalidArgument: "), "{text}");
        assert!(text.len() < 5_000 && !text.contains('\u{7}'), "{text}");
    }
}

/// Small messages that stand for 2^40 files, and folders that never end.
#[tokio::test(flavor = "multi_thread")]
async fn huge_trees() {
    let world = World::start().await;
    let grow = |names: &[&str], levels: usize| {
        let mut below = empty_root();
        for _ in 0..levels {
            let folders = names.iter().map(|name| DirectoryNode {
                name: (*name).to_owned(),
                digest: Some(below.clone()),
            });
            let directory = Directory {
                directories: folders.collect(),
                ..Directory::default()
            };
            below = world.put(&directory.encode_to_vec());
        }
        world.action(command("x", &[]), below)
    };
    check(
        &world,
        &grow(&["a", "b"], 40),
        expect![[r#"
        InvalidArgument: the input root has more than 2000000 entries
    "#]],
    )
    .await;
    // Also when most of it is known already.
    run(&world, &grow(&["d"], 150)).await;
    check(
        &world,
        &grow(&["d"], 250),
        expect![[r#"
        InvalidArgument: the input root: folders are nested more than 200 levels deep
    "#]],
    )
    .await;
}
