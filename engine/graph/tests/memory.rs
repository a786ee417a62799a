//! Bounded memory: GR-074, GR-023.

mod common;

use common::{Toy, get, invalidate};
use expect_test::expect;
use kiln_graph::{Collected, Keep};

/// A node is reached by who asks for what depends on it, however indirectly.
#[tokio::test]
async fn what_recent_sessions_reached_is_kept() {
    let (toy, graph) = Toy::graph();
    toy.chain(5);
    toy.sum(20, &[10]);
    assert_eq!(get(&graph, 20).await, Ok(0));
    assert_eq!(get(&graph, 5).await, Ok(5));
    assert_eq!(get(&graph, 5).await, Ok(5));
    let done = graph.collect(Keep {
        nodes: 0,
        sessions: 1,
    });
    assert_eq!(
        done,
        Collected {
            dropped: 2,
            left: 6
        }
    );
    toy.ran();
    assert_eq!(get(&graph, 5).await, Ok(5));
    expect![""].assert_eq(&toy.ran());
    assert_eq!(get(&graph, 20).await, Ok(0));
    expect!["20 10"].assert_eq(&toy.ran());
}

/// The oldest go first, and no more than needed.
#[tokio::test]
async fn no_more_is_dropped_than_the_mark_asks_for() {
    let (toy, graph) = Toy::graph();
    for key in 0..10 {
        assert_eq!(get(&graph, key).await, Ok(0));
    }
    assert_eq!(
        graph
            .collect(Keep {
                nodes: 10,
                sessions: 0
            })
            .dropped,
        0
    );
    assert_eq!(
        graph.collect(Keep {
            nodes: 7,
            sessions: 0
        }),
        Collected {
            dropped: 3,
            left: 7
        }
    );
    toy.ran();
    for key in (0..10).rev() {
        assert_eq!(get(&graph, key).await, Ok(0));
    }
    expect!["2 1 0"].assert_eq(&toy.ran());
}

/// What an active session has reached stays, whatever its age.
#[tokio::test]
async fn what_an_active_session_reached_is_kept() {
    let (toy, graph) = Toy::graph();
    toy.chain(5);
    let old = graph.session();
    assert_eq!(old.get(5).await, Ok(5));
    for key in 100..110 {
        assert_eq!(get(&graph, key).await, Ok(0));
    }
    // Newer sessions reached the rest, but only an old enough active one spares them.
    assert_eq!(
        graph
            .collect(Keep {
                nodes: 0,
                sessions: 0
            })
            .dropped,
        0
    );
    drop(old);
    assert_eq!(
        graph
            .collect(Keep {
                nodes: 0,
                sessions: 0
            })
            .left,
        0
    );
    toy.ran();
    assert_eq!(get(&graph, 1).await, Ok(1));
    expect!["1 0"].assert_eq(&toy.ran());
}

/// Places are used again, and edges to former occupants mislead nobody.
#[tokio::test]
async fn memory_does_not_grow_with_the_variety_of_requests() {
    let (toy, graph) = Toy::graph();
    toy.sum(1, &[0]);
    assert_eq!(get(&graph, 1).await, Ok(0));
    let mut most = 0;
    for round in 0..50 {
        for key in 0..100 {
            let key = 1000 + round * 100 + key;
            toy.sum(key, &[0]);
            assert_eq!(get(&graph, key).await, Ok(0));
        }
        invalidate(&graph, &[0]);
        graph.collect(Keep {
            nodes: 150,
            sessions: 1,
        });
        most = most.max(graph.stats().bytes);
        assert!(graph.stats().nodes <= 150);
    }
    assert!(
        most < 200_000,
        "{most} bytes for at most 250 nodes at a time"
    );
}

/// GR-023: errors, and values for one session, go with the session.
#[tokio::test]
async fn what_is_kept_for_a_session_goes_with_it() {
    let (toy, graph) = Toy::graph();
    let held = std::sync::Arc::new(());
    let inner = held.clone();
    let graph_of_errors = {
        toy.define(0, |_| async { Err("always".to_owned()) });
        graph
    };
    let session = graph_of_errors.session_with(inner);
    assert!(session.get(0).await.is_err());
    assert_eq!(std::sync::Arc::strong_count(&held), 2);
    drop(session);
    assert_eq!(std::sync::Arc::strong_count(&held), 1);
}

/// Many edits of one of two inputs leave no trace at the other.
#[tokio::test]
async fn edits_do_not_add_up() {
    let (toy, graph) = Toy::graph();
    toy.sum_at_once(10, &[0, 1]);
    assert_eq!(get(&graph, 10).await, Ok(0));
    let before = graph.stats();
    for value in 0..1000 {
        toy.set(0, value);
        invalidate(&graph, &[0]);
        assert_eq!(get(&graph, 10).await, Ok(value));
    }
    assert_eq!(graph.stats(), before);
}

/// Sessions go on while nodes are dropped, and ask, several at once, for just those.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_are_asked_for_while_they_are_dropped() {
    const TOP: u32 = 200;
    let (toy, graph) = Toy::graph();
    toy.define(0, |_| async {
        tokio::task::yield_now().await;
        Ok(0)
    });
    for key in 1..=TOP {
        toy.define(key, move |cx| async move {
            tokio::task::yield_now().await;
            Ok(cx.get(key / 3).await? + 1)
        });
    }
    let asking: Vec<_> = (0..8)
        .map(|_| {
            let graph = graph.clone();
            tokio::spawn(async move {
                for round in 0..10_000 {
                    let key = round * 7 % TOP;
                    let depth = std::iter::successors(Some(key), |key| Some(key / 3));
                    let depth = depth.take_while(|key| *key > 0).count() as i64;
                    assert_eq!(get(&graph, key).await, Ok(depth));
                }
            })
        })
        .collect();
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let collecting = std::thread::spawn({
        let (graph, stop) = (graph.clone(), stop.clone());
        move || {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                graph.collect(Keep {
                    nodes: 0,
                    sessions: 0,
                });
            }
        }
    });
    for asked in asking {
        asked.await.expect("no panic");
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    collecting.join().expect("no panic");
}
