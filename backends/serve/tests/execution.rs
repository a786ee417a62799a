//! `Execution` and `Operations`: what runs, what does not, and what clients are told (R4, R5, R18).

#![allow(clippy::unwrap_used, missing_docs, reason = "tests may panic")]

#[allow(dead_code, reason = "what this test does not use, others do")]
mod common;

use std::sync::atomic::Ordering;

use common::{World, answer, command, empty_root, last, message, named, show, show_error};
use expect_test::{Expect, expect};
use kiln_base::RelPath;
use kiln_proto::*;
use kiln_tree::{Node, Tree, TreeBuilder};
use tonic::Streaming;

fn ask(action: &Digest) -> ExecuteRequest {
    ExecuteRequest {
        action_digest: Some(action.clone()),
        inline_stdout: true,
        ..ExecuteRequest::default()
    }
}

async fn begin(world: &World, request: ExecuteRequest) -> Streaming<Operation> {
    world
        .execution()
        .execute(request)
        .await
        .unwrap()
        .into_inner()
}

async fn run(world: &World, action: &Digest) -> ExecuteResponse {
    answer(&last(begin(world, ask(action)).await).await)
}

async fn check(world: &World, action: &Digest, expected: Expect) {
    expected.assert_eq(&show(&run(world, action).await));
}

fn stage(operation: &Operation) -> i32 {
    let name = "build.bazel.remote.execution.v2.ExecuteOperationMetadata";
    let metadata = operation.metadata.as_ref().unwrap();
    let metadata: ExecuteOperationMetadata = metadata.unpack(name).unwrap();
    metadata.stage
}

/// What goes well is kept, and runs once.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_runs_once() {
    let world = World::start().await;
    let action = world.action(command("make", &["a/out", "dir", "link"]), empty_root());
    check(
        &world,
        &action,
        expect![[r#"
        exit 0
        file a/out true
        folder dir
        link link -> there
        said said
    "#]],
    )
    .await;
    check(
        &world,
        &action,
        expect![[r#"
        exit 0, known
        file a/out true
        folder dir
        link link -> there
        said said
    "#]],
    )
    .await;
    assert_eq!(world.runs(), 1);
    let again = ExecuteRequest {
        skip_cache_lookup: true,
        ..ask(&action)
    };
    let response = answer(&last(begin(&world, again).await).await);
    assert!(!response.cached_result);
    assert_eq!(world.runs(), 2);
    let metadata = response.result.unwrap().execution_metadata.unwrap();
    assert_eq!(metadata.worker, "kiln");
    assert!(metadata.queued_timestamp.is_some());
    // Whoever wants no cache has none.
    let private = world.action_with(command("make", &["out"]), empty_root(), |action| {
        action.do_not_cache = true;
    });
    for _ in 0..2 {
        assert!(!run(&world, &private).await.cached_result);
    }
    assert_eq!(world.runs(), 4);
}

/// A result whose file was lost is none: the action runs again (R6).
#[tokio::test(flavor = "multi_thread")]
async fn what_was_lost_runs_again() {
    let world = World::start().await;
    let action = world.action(command("make", &["out"]), empty_root());
    run(&world, &action).await;
    world.lose(b"made");
    assert!(!run(&world, &action).await.cached_result);
    assert_eq!(world.runs(), 2);
}

/// Failures of an action are results, never kept; those around it are errors (R19, PX-016).
#[tokio::test(flavor = "multi_thread")]
async fn outcomes() {
    let world = World::start().await;
    let outcome = async |words: &str, expected: Expect| {
        let action = world.action(command(words, &["out"]), empty_root());
        let runs = world.runs();
        check(&world, &action, expected).await;
        assert!(!run(&world, &action).await.cached_result, "{words}");
        assert_eq!(world.runs(), runs + 2, "{words}");
    };
    outcome(
        "fail 3",
        expect![[r#"
        exit 3
        said said
    "#]],
    )
    .await;
    outcome(
        "die 9",
        expect![[r#"
        exit 137
        said said
    "#]],
    )
    .await;
    outcome("lost", expect![[r#"
        FailedPrecondition: blob 76f75e6129fe30135bd44d80ab7cc46fdba81907758dc808f3e2517beef2b1e9/4 is missing
        MISSING blobs/76f75e6129fe30135bd44d80ab7cc46fdba81907758dc808f3e2517beef2b1e9/4
    "#]]).await;
    outcome(
        "wrong",
        expect![[r#"
            InvalidArgument: cannot run `x`: no such program
            hint: a hint
        "#]],
    )
    .await;
    outcome(
        "broken",
        expect![[r#"
            Unavailable: the sandbox cannot start
        "#]],
    )
    .await;
    let late = world.action_with(command("late", &[]), empty_root(), |action| {
        action.timeout = Some(Duration {
            seconds: 2,
            nanos: 500_000_000,
        });
    });
    check(
        &world,
        &late,
        expect![[r#"
        DeadlineExceeded: the action was still running after 2.5 s, its timeout
        exit 137
        said said
    "#]],
    )
    .await;
}

/// The process is what the messages say.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_executor_is_asked() {
    let world = World::start().await;
    let digest = world.store.put_bytes(b"input").unwrap();
    let file = Node::File {
        digest,
        executable: true,
    };
    let tree = Tree::single(&RelPath::new("sub/in").unwrap(), file);
    let root = upload(&world, &tree);
    let command = Command {
        environment_variables: vec![EnvironmentVariable {
            name: "A".to_owned(),
            value: "b=c".to_owned(),
        }],
        working_directory: "sub".to_owned(),
        platform: Some(Platform {
            properties: vec![property("network", "on")],
        }),
        ..command("make it", &["out"])
    };
    let action = world.action(command, root);
    run(&world, &action).await;
    let process = world.log.last.lock().take().unwrap();
    assert_eq!(process.argv, ["make", "it"]);
    assert_eq!(
        process.env.into_iter().collect::<Vec<_>>(),
        [("A".to_owned(), "b=c".to_owned())]
    );
    assert_eq!(process.workdir.as_str(), "sub");
    assert_eq!(process.inputs, tree);
    assert_eq!(process.outputs, [RelPath::new("out").unwrap()]);
    assert!(process.network);
}

/// Stores the folders of a tree; its root.
fn upload(world: &World, tree: &Tree) -> Digest {
    for (_, node) in tree.entries() {
        if let Node::Dir(below) = node {
            upload(world, below);
        }
    }
    world.put(&tree.directory_message())
}

fn property(name: &str, value: &str) -> PlatformProperty {
    PlatformProperty {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

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

/// Clients below REAPI 2.1: outputs by their kinds, links in other fields.
#[tokio::test(flavor = "multi_thread")]
async fn old_clients() {
    let world = World::start().await;
    let old = Command {
        arguments: vec!["make".to_owned()],
        output_files: vec!["out".to_owned(), "link".to_owned()],
        output_directories: vec!["dir".to_owned()],
        ..Command::default()
    };
    check(
        &world,
        &world.action(old, empty_root()),
        expect![[r#"
        exit 0
        file out true
        folder dir
        link link -> there
        link to a file link -> there
        said said
    "#]],
    )
    .await;
}

/// From the first word to the last: what a client sees of an operation, how it comes back to it.
#[tokio::test(flavor = "multi_thread")]
async fn operations() {
    let world = World::start().await;
    let action = world.action(command("hang", &[]), empty_root());
    let mut stream = begin(&world, ask(&action)).await;
    let mut operation = stream.message().await.unwrap().unwrap();
    while stage(&operation) != 3 {
        operation = stream.message().await.unwrap().unwrap();
    }
    assert!(!operation.done);
    let name = operation.name.clone();
    // Its stream breaks; the operation goes on, and another stream hears of it.
    drop(stream);
    let wait = WaitExecutionRequest { name: name.clone() };
    let again = world.execution().wait_execution(wait.clone()).await;
    let again = again.unwrap().into_inner();
    let request = GetOperationRequest { name: name.clone() };
    let now = world.operations().get_operation(request).await.unwrap();
    assert_eq!(stage(now.get_ref()), 3);
    let cancel = CancelOperationRequest { name };
    world.operations().cancel_operation(cancel).await.unwrap();
    let end = last(again).await;
    assert_eq!(stage(&end), 4);
    expect![[r#"
        Cancelled: the operation was cancelled
    "#]]
    .assert_eq(&show(&answer(&end)));
    assert_eq!(world.log.dropped.load(Ordering::SeqCst), 1);
    // The end is remembered.
    let after = world.execution().wait_execution(wait).await.unwrap();
    assert_eq!(last(after.into_inner()).await, end);
    let unknown = WaitExecutionRequest {
        name: "operations/x".to_owned(),
    };
    let error = world.execution().wait_execution(unknown).await.unwrap_err();
    expect!["NotFound: no operation `operations/x` is known"].assert_eq(&show_error(&error));
}

/// Who asks for the same at the same time shares a run, which goes on as long as one of them waits;
/// but what is not to be cached is not shared (REAPI: `Action.do_not_cache`).
#[tokio::test(flavor = "multi_thread")]
async fn equal_actions_share_a_run() {
    let world = World::start_with(|config| config.jobs = 8).await;
    let running = async |action: &Digest| {
        let mut stream = begin(&world, ask(action)).await;
        let mut operation = stream.message().await.unwrap().unwrap();
        while stage(&operation) != 3 {
            operation = stream.message().await.unwrap().unwrap();
        }
        (stream, operation.name)
    };
    let action = world.action(command("wait", &["out"]), empty_root());
    let (first, name) = running(&action).await;
    let (second, other) = running(&action).await;
    assert_ne!(name, other);
    assert_eq!(world.runs(), 1);
    let cancel = CancelOperationRequest { name };
    world.operations().cancel_operation(cancel).await.unwrap();
    expect![[r#"
        Cancelled: the operation was cancelled
    "#]]
    .assert_eq(&show(&answer(&last(first).await)));
    world.log.release.notify_one();
    expect![[r#"
        exit 0
        file out true
        said said
    "#]]
    .assert_eq(&show(&answer(&last(second).await)));
    assert_eq!(world.runs(), 1);
    // Once nobody waits, the next who asks has a run of its own.
    let action = world.action(command("hang", &["out"]), empty_root());
    let (stream, name) = running(&action).await;
    let cancel = CancelOperationRequest { name };
    world.operations().cancel_operation(cancel).await.unwrap();
    last(stream).await;
    let _again = running(&action).await;
    assert_eq!(world.runs(), 3);
    let private = world.action_with(command("hang", &[]), empty_root(), |action| {
        action.do_not_cache = true;
    });
    let _both = (running(&private).await, running(&private).await);
    assert_eq!(world.runs(), 5);
}

/// An action that nobody waits for is ended, after a while.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits() {
    let world = World::start_with(|config| config.patience = std::time::Duration::ZERO).await;
    let action = world.action(command("hang", &[]), empty_root());
    let mut stream = begin(&world, ask(&action)).await;
    let mut operation = stream.message().await.unwrap().unwrap();
    while stage(&operation) != 3 {
        operation = stream.message().await.unwrap().unwrap();
    }
    drop(stream);
    while world.log.dropped.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let name = operation.name;
    let wait = WaitExecutionRequest { name };
    let end = world.execution().wait_execution(wait).await.unwrap();
    expect![[r#"
        Cancelled: nobody waited for the operation any more
    "#]].assert_eq(&show(&answer(&last(end.into_inner()).await)));
}

/// A server that ends says so to those who wait, ends what runs, and takes nothing new.
#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_server() {
    let mut world = World::start().await;
    let action = world.action(command("hang", &[]), empty_root());
    let mut stream = begin(&world, ask(&action)).await;
    while stage(&stream.message().await.unwrap().unwrap()) != 3 {}
    world.stop.take().unwrap().send(()).unwrap();
    expect![[r#"
        Unavailable: the server is ending
    "#]]
    .assert_eq(&show(&answer(&last(stream).await)));
    assert_eq!(world.log.dropped.load(Ordering::SeqCst), 1);
    world.serving.await.unwrap().unwrap();
}

/// Requests that are none are errors of the call.
#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_none() {
    let world = World::start_with(|config| config.instance = "main".to_owned()).await;
    let refuse = async |request: ExecuteRequest, expected: Expect| {
        let error = world.execution().execute(request).await.unwrap_err();
        expected.assert_eq(&show_error(&error));
    };
    refuse(
        ask(&message(&kiln_base::Digest::of(b"x"))),
        expect!["InvalidArgument: there is no instance ``: this server's is `main`"],
    )
    .await;
    let nameless = ExecuteRequest {
        instance_name: "main".to_owned(),
        ..ExecuteRequest::default()
    };
    refuse(nameless, expect!["InvalidArgument: a digest is missing"]).await;
}
