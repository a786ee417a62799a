//! Running nodes: sharing, cancellation, failure and panic. GR-002, GR-006, GR-007, GR-033,
//! GR-042.

mod common;

use std::sync::Arc;

use common::{Cx, Outcome, Toy, ToySession, get, invalidate, settle};
use expect_test::expect;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// Logs that a computation was dropped before its end.
struct Killed(Arc<Toy>, u32);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.note(format!("{} dropped", self.1));
    }
}

/// A node that waits for its gate, with a guard as a process would have.
fn process(toy: &Arc<Toy>, key: u32) -> Arc<Semaphore> {
    let gate = Arc::new(Semaphore::new(0));
    let (inner, log) = (gate.clone(), toy.clone());
    toy.define(key, move |_| {
        let (gate, log) = (inner.clone(), log.clone());
        async move {
            let guard = Killed(log, key);
            gate.acquire()
                .await
                .map_err(|error| error.to_string())?
                .forget();
            std::mem::forget(guard);
            Ok(1)
        }
    });
    gate
}

fn ask(session: &ToySession, key: u32) -> JoinHandle<Outcome> {
    let session = session.clone();
    tokio::spawn(async move { session.get(key).await })
}

/// GR-002.
#[tokio::test]
async fn concurrent_requests_share_one_run() {
    let (toy, graph) = Toy::graph();
    let gate = process(&toy, 0);
    toy.sum(1, &[0]);
    toy.sum(2, &[0]);
    let session = graph.session();
    let asked = [
        ask(&session, 1),
        ask(&session, 2),
        ask(&session, 0),
        ask(&graph.session(), 0),
    ];
    settle().await;
    gate.add_permits(1);
    for asked in asked {
        assert_eq!(asked.await.expect("no panic"), Ok(1));
    }
    expect!["0 1 2"].assert_eq(&toy.ran_sorted());
}

/// GR-033: nobody waits, so the computation is dropped, with all below it; a new request starts
/// it anew.
#[tokio::test]
async fn a_node_nobody_waits_for_is_cancelled() {
    let (toy, graph) = Toy::graph();
    let gate = process(&toy, 0);
    toy.sum(1, &[0]);
    toy.sum(2, &[1]);
    let session = graph.session();
    let asked = ask(&session, 2);
    settle().await;
    asked.abort();
    settle().await;
    expect!["2 1 0 0 dropped"].assert_eq(&toy.ran());
    assert_eq!(session.stats().cancelled, 3);
    gate.add_permits(1);
    assert_eq!(session.get(2).await, Ok(1));
    expect!["2 1 0"].assert_eq(&toy.ran());
}

/// GR-033: as long as one waits, it goes on.
#[tokio::test]
async fn a_node_somebody_else_waits_for_is_not_cancelled() {
    let (toy, graph) = Toy::graph();
    let gate = process(&toy, 0);
    toy.sum(1, &[0]);
    toy.sum(2, &[0]);
    let (first, second) = (graph.session(), graph.session());
    let (left, right) = (ask(&first, 1), ask(&second, 2));
    settle().await;
    left.abort();
    settle().await;
    gate.add_permits(1);
    assert_eq!(right.await.expect("no panic"), Ok(1));
    expect!["0 1 2"].assert_eq(&toy.ran_sorted());
    // Though it was begun for a session whose request is gone, it counts for all.
    assert_eq!(get(&graph, 0).await, Ok(1));
    expect![""].assert_eq(&toy.ran());
}

/// GR-002, GR-033: two computations of a node never overlap, not even while one is being dropped.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_restart_waits_for_the_end_of_what_it_replaces() {
    use std::sync::atomic::{AtomicU32, Ordering};
    struct Alone(Arc<AtomicU32>);
    impl Drop for Alone {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let (toy, graph) = Toy::graph();
    let running = Arc::new(AtomicU32::new(0));
    let inner = running.clone();
    toy.define(0, move |_| {
        let running = inner.clone();
        async move {
            let before = running.fetch_add(1, Ordering::SeqCst);
            let _alone = Alone(running);
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
            if before == 0 {
                Ok(0)
            } else {
                Err("overlap".to_owned())
            }
        }
    });
    let session = graph.session();
    for round in 0..500 {
        let asked = ask(&session, 0);
        for _ in 0..round % 13 {
            tokio::task::yield_now().await;
        }
        asked.abort();
        if let Ok(outcome) = asked.await {
            assert_eq!(outcome, Ok(0));
            invalidate(&graph, &[0]);
        }
    }
    assert_eq!(get(&graph, 0).await, Ok(0));
}

/// GR-006: an error goes to all who wait, holds for the session, and no longer.
#[tokio::test]
async fn errors_are_kept_for_the_session_only() {
    let (toy, graph) = Toy::graph();
    let gate = Arc::new(Semaphore::new(0));
    let inner = gate.clone();
    toy.define(0, move |_| {
        let gate = inner.clone();
        async move {
            gate.acquire()
                .await
                .map_err(|error| error.to_string())?
                .forget();
            Err("no luck".to_owned())
        }
    });
    toy.sum(1, &[0]);
    let (first, second) = (graph.session(), graph.session());
    let asked = [ask(&first, 0), ask(&second, 0), ask(&first, 1)];
    settle().await;
    gate.add_permits(10);
    for asked in asked {
        assert_eq!(asked.await.expect("no panic"), Err("no luck".to_owned()));
    }
    expect!["0 1"].assert_eq(&toy.ran_sorted());
    assert_eq!(first.get(1).await, Err("no luck".to_owned()));
    assert_eq!(second.get(0).await, Err("no luck".to_owned()));
    expect![""].assert_eq(&toy.ran());
    assert_eq!(get(&graph, 1).await, Err("no luck".to_owned()));
    expect!["1 0"].assert_eq(&toy.ran());
}

/// GR-006, GR-011: after a failure, dependents of the recovered node find that nothing changed.
#[tokio::test]
async fn a_failure_that_passes_leaves_dependents_alone() {
    let (toy, graph) = Toy::graph();
    toy.set(0, 4);
    toy.sum(1, &[0]);
    toy.sum(2, &[1]);
    assert_eq!(get(&graph, 2).await, Ok(4));
    toy.define(1, |_| async { Err("broken".to_owned()) });
    invalidate(&graph, &[1]);
    assert_eq!(get(&graph, 2).await, Err("broken".to_owned()));
    toy.sum(1, &[0]);
    invalidate(&graph, &[1]);
    toy.ran();
    assert_eq!(get(&graph, 2).await, Ok(4));
    expect!["1"].assert_eq(&toy.ran());
}

/// GR-007: a caught error counts as read; the result holds until the next session looks again.
#[tokio::test]
async fn a_caught_error_is_a_dependency() {
    let (toy, graph) = Toy::graph();
    toy.define(0, |_| async { Err("absent".to_owned()) });
    toy.define(1, |cx: Cx| async move { Ok(cx.get(0).await.unwrap_or(-1)) });
    toy.sum(2, &[1]);
    let session = graph.session();
    assert_eq!(session.get(2).await, Ok(-1));
    assert_eq!(session.get(2).await, Ok(-1));
    expect!["2 1 0"].assert_eq(&toy.ran());
    toy.define(0, |_| async { Ok(3) });
    assert_eq!(get(&graph, 2).await, Ok(3));
    expect!["0 1 2"].assert_eq(&toy.ran());
}

/// GR-042 for panics: those who wait hear of it, everything else goes on.
#[tokio::test]
async fn a_panic_reaches_those_who_wait_and_nobody_else() {
    let (toy, graph) = Toy::graph();
    toy.define(0, |_| async { panic!("a fault of the client's") });
    toy.sum(1, &[0]);
    let session = graph.session();
    assert!(ask(&session, 1).await.is_err_and(|error| error.is_panic()));
    assert_eq!(session.get(5).await, Ok(0));
    toy.define(0, |_| async { Ok(2) });
    assert_eq!(session.get(1).await, Ok(2));
}

/// A synchronous part of a computation asks from a thread of its own.
#[tokio::test]
async fn a_blocking_thread_may_ask() {
    let (toy, graph) = Toy::graph();
    toy.set(0, 20);
    toy.sum(1, &[0]);
    toy.define(2, |cx: Cx| async move {
        let inner = cx.clone();
        let work = tokio::task::spawn_blocking(move || inner.get_blocking(1));
        work.await.map_err(|error| error.to_string())?
    });
    assert_eq!(get(&graph, 2).await, Ok(20));
    toy.set(0, 21);
    assert_eq!(invalidate(&graph, &[0]), (1, 2));
    assert_eq!(get(&graph, 2).await, Ok(21));
}
