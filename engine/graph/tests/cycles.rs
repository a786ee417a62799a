//! Cycles: GR-040 to GR-042. See `invalidation.rs` for those that are none.

mod common;

use common::{Toy, get};
use expect_test::expect;

/// GR-040.
#[tokio::test]
async fn a_cycle_is_an_error_with_its_path() {
    let (toy, graph) = Toy::graph();
    toy.sum(0, &[2]);
    toy.sum(1, &[0]);
    toy.sum(2, &[1]);
    let error = get(&graph, 0).await.expect_err("it is a cycle");
    expect!["cycle 1 -> 0 -> 2"].assert_eq(&error);
    expect!["0 2 1"].assert_eq(&toy.ran());
}

/// A node that asks for itself.
#[tokio::test]
async fn a_node_may_not_need_itself() {
    let (toy, graph) = Toy::graph();
    toy.sum(3, &[3]);
    expect!["cycle 3"].assert_eq(&get(&graph, 3).await.expect_err("it is a cycle"));
}

/// GR-042: the rest works, and so does the cycle once it is mended, without an invalidation of
/// more than what was mended.
#[tokio::test]
async fn everything_else_goes_on() {
    let (toy, graph) = Toy::graph();
    toy.sum(0, &[2, 5]);
    toy.sum(1, &[0]);
    toy.sum(2, &[1]);
    toy.sum(9, &[5]);
    toy.set(5, 50);
    let session = graph.session();
    let (broken, fine) = tokio::join!(session.get(2), session.get(9));
    assert_eq!((broken.is_err(), fine), (true, Ok(50)));
    toy.sum(0, &[5]);
    graph.invalidate([&0]);
    assert_eq!(get(&graph, 2).await, Ok(50));
}

/// A cycle caught by one of its nodes; the result is not kept for later sessions, where the cycle
/// may be gone.
#[tokio::test]
async fn a_caught_cycle_is_looked_for_again() {
    let (toy, graph) = Toy::graph();
    toy.define(1, |cx: common::Cx| async move {
        Ok(cx.get(2).await.unwrap_or(100))
    });
    toy.define(2, |cx: common::Cx| async move {
        Ok(cx.get(1).await.unwrap_or(200))
    });
    let first = get(&graph, 1).await;
    // 2 was about to wait for 1, was told of the cycle, and made do.
    assert_eq!(first, Ok(200));
    toy.define(2, |_| async { Ok(7) });
    assert_eq!(get(&graph, 1).await, Ok(7));
}

/// Parallel requests that run into a cycle from all sides.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn cycles_are_found_whoever_comes_first() {
    for size in 2..12 {
        for _ in 0..20 {
            let (toy, graph) = Toy::graph();
            for key in 0..size {
                toy.sum_at_once(key, &[(key + 1) % size, 100 + key]);
            }
            let session = graph.session();
            let asked: Vec<_> = (0..size)
                .map(|key| {
                    let session = session.clone();
                    tokio::spawn(async move { session.get(key).await })
                })
                .collect();
            for asked in asked {
                let error = asked.await.expect("no panic").expect_err("it is a cycle");
                let found = error.trim_start_matches("cycle ").split(" -> ").count();
                assert_eq!(found, size as usize, "{error}");
            }
        }
    }
}

/// A cycle too large to be found at once is found by the watchdog.
#[tokio::test]
async fn a_large_cycle_is_found() {
    const SIZE: u32 = 5000;
    let (toy, graph) = Toy::graph();
    for key in 0..SIZE {
        toy.sum(key, &[(key + 1) % SIZE]);
    }
    let error = get(&graph, 0).await.expect_err("it is a cycle");
    assert_eq!(error.split(" -> ").count(), SIZE as usize);
}

/// Two sessions that read different versions, in which two nodes depend on each other one way and
/// the other: each may be waiting for the other's run, and still there is no cycle.
#[tokio::test]
async fn sessions_of_two_versions_make_no_cycle() {
    use std::sync::Arc;
    use tokio::sync::Semaphore;
    let (toy, graph) = Toy::graph();
    let gate = Arc::new(Semaphore::new(0));
    // 0 says which of 1 and 2 depends on the other; both wait for the gate before they ask.
    for (key, other, when) in [(1, 2, 0), (2, 1, 1)] {
        let gate = gate.clone();
        toy.define(key, move |cx: common::Cx| {
            let gate = gate.clone();
            async move {
                let way = cx.get(0).await?;
                gate.acquire()
                    .await
                    .map_err(|error| error.to_string())?
                    .forget();
                if way == when {
                    Ok(cx.get(other).await? + 1)
                } else {
                    Ok(10)
                }
            }
        });
    }
    let ask =
        |session: common::ToySession, key| tokio::spawn(async move { session.get(key).await });
    let old = ask(graph.session(), 1);
    common::settle().await;
    toy.set(0, 1);
    graph.invalidate([&0]);
    let new = ask(graph.session(), 2);
    common::settle().await;
    gate.add_permits(10);
    assert_eq!(old.await.expect("no panic"), Ok(11));
    assert_eq!(new.await.expect("no panic"), Ok(11));
}
