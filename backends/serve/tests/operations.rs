//! Operations: how clients follow them, come back to them and end them (R4, R21).

#![allow(clippy::unwrap_used, missing_docs, reason = "tests may panic")]

#[allow(dead_code, reason = "what this test does not use, others do")]
mod common;

use std::sync::atomic::Ordering;

use common::{World, answer, ask, begin, command, empty_root, last, show, show_error, stage};
use expect_test::expect;
use kiln_proto::*;
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
    "#]]
    .assert_eq(&show(&answer(&last(end.into_inner()).await)));
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
