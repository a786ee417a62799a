//! `Execution`: what runs, and what clients are told of it (R5, R18, R19).

#![allow(clippy::unwrap_used, missing_docs, reason = "tests may panic")]

#[allow(dead_code, reason = "what this test does not use, others do")]
mod common;

use common::{
    World, answer, ask, begin, check, command, empty_root, last, message, property, run,
    show_error, upload,
};
use expect_test::{Expect, expect};
use kiln_base::RelPath;
use kiln_proto::*;
use kiln_tree::{Node, Tree};
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
