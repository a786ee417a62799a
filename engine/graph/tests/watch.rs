//! Following a node: GR-050.

mod common;

use common::{Toy, invalidate, settle};
use expect_test::expect;

#[tokio::test]
async fn a_watch_gives_the_value_and_then_waits_for_changes() {
    let (toy, graph) = Toy::graph();
    toy.chain(2);
    let mut watch = graph.watch(2);
    assert_eq!(watch.next().await, Ok(2));
    // Nothing changed: it waits. Something else changed: it waits.
    let waiting = tokio::spawn(async move {
        let value = watch.next().await;
        (watch, value)
    });
    settle().await;
    assert_eq!(common::get(&graph, 7).await, Ok(0));
    invalidate(&graph, &[7]);
    settle().await;
    assert!(!waiting.is_finished());
    toy.set(0, 5);
    invalidate(&graph, &[0]);
    let (mut watch, value) = waiting.await.expect("no panic");
    assert_eq!(value, Ok(7));
    // An equal value is given as well.
    invalidate(&graph, &[0]);
    toy.ran();
    assert_eq!(watch.next().await, Ok(7));
    expect!["0"].assert_eq(&toy.ran());
}

#[tokio::test]
async fn errors_count_as_values() {
    let (toy, graph) = Toy::graph();
    toy.define(1, |cx: common::Cx| async move {
        if cx.get(0).await? == 0 {
            Err("zero".to_owned())
        } else {
            Ok(1)
        }
    });
    let mut watch = graph.watch(1);
    assert_eq!(watch.next().await, Err("zero".to_owned()));
    toy.set(0, 1);
    invalidate(&graph, &[0]);
    assert_eq!(watch.next().await, Ok(1));
}

/// Where everything from the leaf up has failed, nothing is stored, and still a change is noticed.
#[tokio::test]
async fn a_failure_is_followed_from_its_leaf() {
    let (toy, graph) = Toy::graph();
    toy.define(0, |_| async { Err("absent".to_owned()) });
    toy.sum(1, &[0]);
    toy.sum(2, &[1]);
    let mut watch = graph.watch(2);
    assert_eq!(watch.next().await, Err("absent".to_owned()));
    toy.define(0, |_| async { Ok(8) });
    invalidate(&graph, &[0]);
    assert_eq!(watch.next().await, Ok(8));
}

/// No change is missed when it happens on another thread.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_catches_up_with_changes_made_elsewhere() {
    let (toy, graph) = Toy::graph();
    toy.chain(3);
    let mut watch = graph.watch(3);
    let edits = std::thread::spawn({
        let (toy, graph) = (toy.clone(), graph.clone());
        move || {
            for value in 1..=20_000 {
                toy.set(0, value);
                graph.invalidate([&0]);
            }
        }
    });
    while watch.next().await != Ok(20_003) {}
    edits.join().expect("no panic");
}

#[tokio::test]
async fn a_change_while_the_value_is_computed_is_not_missed() {
    let (toy, graph) = Toy::graph();
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let inner = gate.clone();
    toy.define(1, move |cx: common::Cx| {
        let gate = inner.clone();
        async move {
            let value = cx.get(0).await?;
            gate.acquire()
                .await
                .map_err(|error| error.to_string())?
                .forget();
            Ok(value)
        }
    });
    let mut watch = graph.watch(1);
    let first = tokio::spawn(async move {
        let value = watch.next().await;
        (watch, value)
    });
    settle().await;
    toy.set(0, 9);
    invalidate(&graph, &[0]);
    gate.add_permits(2);
    let (mut watch, value) = first.await.expect("no panic");
    assert_eq!(value, Ok(0));
    assert_eq!(watch.next().await, Ok(9));
}
