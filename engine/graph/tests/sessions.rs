//! Versions: what a session sees while the world changes. GR-016, GR-030, GR-035.

mod common;

use std::sync::Arc;

use common::{Toy, get, invalidate, settle};
use expect_test::expect;
use tokio::sync::Semaphore;

/// A node that waits for the gate between reading 0 and 1.
fn gated(toy: &Toy, key: u32, gate: &Arc<Semaphore>) {
    let gate = gate.clone();
    toy.define(key, move |cx| {
        let gate = gate.clone();
        async move {
            let first = cx.get(0).await?;
            gate.acquire()
                .await
                .map_err(|error| error.to_string())?
                .forget();
            Ok(first * 100 + cx.get(1).await?)
        }
    });
}

/// GR-030, GR-031: a change during a run makes a new version; the session goes on with the old.
#[tokio::test]
async fn a_session_reads_one_version() {
    let (toy, graph) = Toy::graph();
    let gate = Arc::new(Semaphore::new(0));
    toy.set(0, 1);
    toy.set(1, 1);
    gated(&toy, 10, &gate);
    let old = graph.session();
    assert_eq!(old.get(1).await, Ok(1));
    let asked = tokio::spawn({
        let old = old.clone();
        async move { old.get(10).await }
    });
    settle().await;
    toy.set(0, 2);
    toy.set(1, 2);
    assert_eq!(invalidate(&graph, &[0, 1]), (2, 0));
    let new = graph.session();
    assert!(new.version() > old.version());
    gate.add_permits(1);
    assert_eq!(asked.await.expect("no panic"), Ok(101));
    expect!["1 10 0"].assert_eq(&toy.ran());
    // The old result was not stored as the current one.
    gate.add_permits(1);
    assert_eq!(new.get(10).await, Ok(202));
    expect!["0 10 1"].assert_eq(&toy.ran());
    // And both sessions still see what they saw.
    assert_eq!((old.get(10).await, new.get(10).await), (Ok(101), Ok(202)));
    assert_eq!((old.get(0).await, new.get(0).await), (Ok(1), Ok(2)));
    expect![""].assert_eq(&toy.ran());
    assert!(old.is_outdated(&10) && !new.is_outdated(&10));
}

/// GR-002: a change elsewhere does not keep two sessions from sharing a run.
#[tokio::test]
async fn sessions_of_two_versions_share_a_run_that_the_change_does_not_touch() {
    let (toy, graph) = Toy::graph();
    let gate = Arc::new(Semaphore::new(0));
    gated(&toy, 10, &gate);
    let ask = |session: common::ToySession| tokio::spawn(async move { session.get(10).await });
    assert_eq!(get(&graph, 5).await, Ok(0));
    let first = ask(graph.session());
    settle().await;
    assert_eq!(invalidate(&graph, &[5]), (1, 0));
    let second = ask(graph.session());
    settle().await;
    gate.add_permits(1);
    assert_eq!(first.await.expect("no panic"), Ok(0));
    assert_eq!(second.await.expect("no panic"), Ok(0));
    expect!["5 10 0 1"].assert_eq(&toy.ran());
}

/// A newer session does not wait for a run that the change has outdated.
#[tokio::test]
async fn a_new_session_does_not_wait_for_an_outdated_run() {
    let (toy, graph) = Toy::graph();
    let gate = Arc::new(Semaphore::new(0));
    gated(&toy, 10, &gate);
    let old = graph.session();
    let stuck = tokio::spawn(async move { old.get(10).await });
    settle().await;
    toy.set(0, 3);
    invalidate(&graph, &[0]);
    toy.sum(10, &[0]);
    assert_eq!(get(&graph, 10).await, Ok(3));
    assert!(!stuck.is_finished());
    gate.add_permits(1);
    assert_eq!(stuck.await.expect("no panic"), Ok(0));
    assert_eq!(get(&graph, 10).await, Ok(3));
}

/// A run whose input was invalidated while it was being read is not current afterwards.
#[tokio::test]
async fn a_leaf_invalidated_while_it_is_read_is_read_again() {
    let (toy, graph) = Toy::graph();
    let gate = Arc::new(Semaphore::new(0));
    let (inner, world) = (gate.clone(), Arc::new(std::sync::atomic::AtomicI64::new(1)));
    let seen = world.clone();
    toy.define(0, move |_| {
        let (gate, value) = (
            inner.clone(),
            seen.load(std::sync::atomic::Ordering::SeqCst),
        );
        async move {
            gate.acquire()
                .await
                .map_err(|error| error.to_string())?
                .forget();
            Ok(value)
        }
    });
    let old = graph.session();
    let reading = tokio::spawn(async move { old.get(0).await });
    settle().await;
    world.store(2, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(invalidate(&graph, &[0]), (1, 0));
    gate.add_permits(2);
    assert_eq!(reading.await.expect("no panic"), Ok(1));
    assert_eq!(get(&graph, 0).await, Ok(2));
}

/// GR-016: random invalidation while many sessions ask. Values are monotone in time, and each
/// session's are consistent: every node of the chain says the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_sessions_at_once_see_no_mixtures() {
    const TOP: u32 = 30;
    let (toy, graph) = Toy::graph();
    for key in 1..=TOP {
        toy.sum(key, &[key - 1]);
    }
    let asking: Vec<_> = (0..8)
        .map(|_| {
            let graph = graph.clone();
            tokio::spawn(async move {
                let mut last = 0;
                for _ in 0..200 {
                    let session = graph.session();
                    let top = session.get(TOP).await.expect("never fails");
                    assert!(last <= top, "{top} after {last}");
                    last = top;
                    for key in [0, 7, 15, TOP - 1] {
                        assert_eq!(session.get(key).await, Ok(top), "node {key}");
                    }
                }
            })
        })
        .collect();
    for time in 1..=500 {
        toy.set(0, time);
        graph.invalidate([&0]);
        graph.invalidate([&(time as u32 * 7 % TOP)]);
        tokio::task::yield_now().await;
    }
    for asked in asking {
        asked.await.expect("no panic");
    }
    assert_eq!(get(&graph, TOP).await, Ok(500));
}

/// What a session is opened with is seen by its computations.
#[tokio::test]
async fn a_session_carries_a_context() {
    let (toy, graph) = Toy::graph();
    toy.define(1, |cx| async move {
        cx.mark_uncacheable();
        Ok(cx.context::<i64>().copied().unwrap_or(-1))
    });
    assert_eq!(graph.session_with(Arc::new(5_i64)).get(1).await, Ok(5));
    assert_eq!(get(&graph, 1).await, Ok(-1));
}
