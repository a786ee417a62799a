//! What runs after a change: GR-010 to GR-017.

mod common;

use common::{Toy, get, invalidate};
use expect_test::expect;

/// GR-002: what is there is not computed again.
#[tokio::test]
async fn a_clean_node_is_returned_as_it_is() {
    let (toy, graph) = Toy::graph();
    toy.chain(2);
    assert_eq!(get(&graph, 2).await, Ok(2));
    expect!["2 1 0"].assert_eq(&toy.ran());
    assert_eq!(get(&graph, 2).await, Ok(2));
    assert_eq!(get(&graph, 1).await, Ok(1));
    expect![""].assert_eq(&toy.ran());
}

/// GR-010, GR-011.
#[tokio::test]
async fn an_equal_value_cuts_off() {
    let (toy, graph) = Toy::graph();
    toy.chain(2);
    assert_eq!(get(&graph, 2).await, Ok(2));
    assert_eq!(invalidate(&graph, &[1]), (1, 1));
    assert_eq!(get(&graph, 2).await, Ok(2));
    expect!["2 1 0 1"].assert_eq(&toy.ran());
}

/// GR-012.
#[tokio::test]
async fn a_changed_value_runs_what_depends_on_it() {
    let (toy, graph) = Toy::graph();
    toy.chain(2);
    assert_eq!(get(&graph, 2).await, Ok(2));
    toy.ran();
    toy.define(1, |cx| async move { Ok(cx.get(0).await? + 10) });
    assert_eq!(invalidate(&graph, &[1]), (1, 1));
    assert_eq!(get(&graph, 2).await, Ok(11));
    expect!["1 2"].assert_eq(&toy.ran());
}

/// GR-013: groups are compared in order, and a mismatch ends the check.
#[tokio::test]
async fn a_check_stops_at_the_first_mismatch() {
    let (toy, graph) = Toy::graph();
    toy.sum(10, &[0]);
    toy.sum(11, &[1]);
    toy.define(20, |cx| async move {
        if cx.get(10).await? == 0 {
            cx.get(11).await
        } else {
            Ok(-1)
        }
    });
    assert_eq!(get(&graph, 20).await, Ok(0));
    toy.ran();
    toy.set(0, 5);
    assert_eq!(invalidate(&graph, &[0, 1]), (2, 3));
    assert_eq!(get(&graph, 20).await, Ok(-1));
    // Neither 11 nor 1: they were asked for because of what 10 said.
    expect!["0 10 20"].assert_eq(&toy.ran());
}

/// GR-013: the members of a group are compared without waiting for the slow ones.
#[tokio::test]
async fn a_check_does_not_wait_for_slower_members() {
    let (toy, graph) = Toy::graph();
    toy.sum(10, &[0]);
    toy.sum_at_once(20, &[10, 1]);
    assert_eq!(get(&graph, 20).await, Ok(0));
    toy.ran();
    toy.set(1, 7);
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let (inner, log) = (gate.clone(), toy.clone());
    toy.define(10, move |cx| {
        let (gate, log) = (inner.clone(), log.clone());
        async move {
            let value = cx.get(0).await?;
            gate.acquire()
                .await
                .map_err(|error| error.to_string())?
                .forget();
            log.note("10 passed");
            Ok(value)
        }
    });
    invalidate(&graph, &[10, 1]);
    let session = graph.session();
    let asked = tokio::spawn(async move { session.get(20).await });
    common::settle().await;
    // 20 runs although 10 has not answered the check; and what the check started of 10 is not
    // started again.
    expect!["1 10 20"].assert_eq(&toy.ran_sorted());
    gate.add_permits(1);
    assert_eq!(asked.await.expect("no panic"), Ok(7));
    expect!["10 passed"].assert_eq(&toy.ran());
}

/// GR-014.
#[tokio::test]
async fn dependencies_no_longer_used_do_not_dirty() {
    let (toy, graph) = Toy::graph();
    toy.chain(2);
    assert_eq!(get(&graph, 2).await, Ok(2));
    toy.define(1, |_| async { Ok(1) });
    assert_eq!(invalidate(&graph, &[1]), (1, 1));
    assert_eq!(get(&graph, 2).await, Ok(2));
    assert_eq!(invalidate(&graph, &[0]), (1, 0));
    toy.ran();
    assert_eq!(get(&graph, 2).await, Ok(2));
    expect![""].assert_eq(&toy.ran());
}

/// GR-015.
#[tokio::test]
async fn an_interior_change_keeps_what_lies_below() {
    let (toy, graph) = Toy::graph();
    toy.chain(100);
    assert_eq!(get(&graph, 100).await, Ok(100));
    toy.ran();
    toy.define(50, |cx| async move { Ok(cx.get(49).await? + 1000) });
    assert_eq!(invalidate(&graph, &[50]), (1, 50));
    let session = graph.session();
    assert_eq!(session.get(100).await, Ok(1099));
    let ran: Vec<String> = (50..=100).map(|key| key.to_string()).collect();
    assert_eq!(toy.ran(), ran.join(" "));
    assert_eq!(session.get(49).await, Ok(49));
}

/// GR-010: by predicate; nodes that are not there count for nothing, and make no version.
#[tokio::test]
async fn invalidation_by_predicate_counts() {
    let (toy, graph) = Toy::graph();
    toy.chain(4);
    assert_eq!(get(&graph, 4).await, Ok(4));
    let before = graph.version();
    let done = graph.invalidate_where(|key| key % 2 == 0);
    assert_eq!((done.cleared, done.dirtied), (3, 2));
    assert!(done.version > before);
    let nothing = graph.invalidate_where(|key| *key > 4);
    assert_eq!(
        (nothing.cleared, nothing.dirtied, nothing.version),
        (0, 0, done.version)
    );
}

/// GR-068 in the graph: a leaf read again with the same content stops everything at once.
#[tokio::test]
async fn a_leaf_touched_runs_alone() {
    let (toy, graph) = Toy::graph();
    toy.sum(10, &[0]);
    toy.sum(11, &[0]);
    toy.sum_at_once(20, &[10, 11]);
    assert_eq!(get(&graph, 20).await, Ok(0));
    toy.ran();
    assert_eq!(invalidate(&graph, &[0]), (1, 3));
    let session = graph.session();
    assert_eq!(session.get(20).await, Ok(0));
    expect!["0"].assert_eq(&toy.ran());
    assert_eq!(session.stats().checked, 3);
}

/// GR-017: an edge turns round between runs.
#[tokio::test]
async fn a_reversed_edge_is_no_cycle() {
    let (toy, graph) = Toy::graph();
    // 0 says which of 1 and 2 depends on the other.
    toy.define(1, |cx| async move {
        Ok(if cx.get(0).await? == 0 {
            cx.get(2).await? + 1
        } else {
            100
        })
    });
    toy.define(2, |cx| async move {
        Ok(if cx.get(0).await? == 0 {
            200
        } else {
            cx.get(1).await? + 2
        })
    });
    assert_eq!(get(&graph, 1).await, Ok(201));
    for (world, root, expected) in [(1, 1, 100), (0, 2, 200), (1, 2, 102), (0, 1, 201)] {
        toy.set(0, world);
        invalidate(&graph, &[0]);
        assert_eq!(
            get(&graph, root).await,
            Ok(expected),
            "0 is {world}, {root} asked for"
        );
    }
}

/// GR-041: the reversal that only the check's old edges turn into a cycle.
#[tokio::test]
async fn a_cycle_through_old_edges_is_resolved_by_running() {
    let (toy, graph) = Toy::graph();
    toy.sum(1, &[2]);
    assert_eq!(get(&graph, 1).await, Ok(0));
    // Without a leaf that says so: 1 is checked by asking for 2, and 2 now asks for 1.
    toy.define(1, |_| async { Ok(5) });
    toy.sum(2, &[1]);
    invalidate(&graph, &[2]);
    toy.ran();
    assert_eq!(get(&graph, 1).await, Ok(5));
    expect!["2 1"].assert_eq(&toy.ran());
}
