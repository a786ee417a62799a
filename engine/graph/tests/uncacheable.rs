//! Nodes that hold for one session: GR-020 to GR-023, GR-032.

mod common;

use common::{Toy, get, invalidate};
use expect_test::expect;

/// Node 0 uncacheable, 1 and 2 above it, as in GR-020; its value is leaf 9's.
fn stack(toy: &Toy) {
    toy.define(0, |cx| async move {
        cx.mark_uncacheable();
        cx.get(9).await
    });
    toy.sum(1, &[0]);
    toy.sum(2, &[1]);
}

/// GR-020.
#[tokio::test]
async fn an_uncacheable_node_runs_once_a_session_and_cuts_off() {
    let (toy, graph) = Toy::graph();
    stack(&toy);
    assert_eq!(get(&graph, 2).await, Ok(0));
    expect!["2 1 0 9"].assert_eq(&toy.ran());
    assert_eq!(get(&graph, 2).await, Ok(0));
    expect!["0"].assert_eq(&toy.ran());
    toy.set(9, 5);
    invalidate(&graph, &[9]);
    assert_eq!(get(&graph, 2).await, Ok(5));
    expect!["0 9 1 2"].assert_eq(&toy.ran());
}

/// GR-021.
#[tokio::test]
async fn within_a_session_nothing_runs_or_is_checked_twice() {
    let (toy, graph) = Toy::graph();
    stack(&toy);
    let session = graph.session();
    assert_eq!(session.get(2).await, Ok(0));
    let stats = session.stats();
    toy.ran();
    assert_eq!(session.get(2).await, Ok(0));
    assert_eq!(session.get(1).await, Ok(0));
    expect![""].assert_eq(&toy.ran());
    assert_eq!(session.stats(), stats);
}

/// GR-022: the new version is read by a new session.
#[tokio::test]
async fn a_change_below_dirties_through_an_uncacheable_node() {
    let (toy, graph) = Toy::graph();
    toy.define(1, |cx| async move {
        cx.mark_uncacheable();
        Ok(cx.get(0).await? + 1)
    });
    toy.sum(2, &[1]);
    assert_eq!(get(&graph, 2).await, Ok(1));
    toy.ran();
    toy.set(0, 7);
    assert_eq!(invalidate(&graph, &[0]), (1, 2));
    assert_eq!(get(&graph, 2).await, Ok(8));
    expect!["1 0 2"].assert_eq(&toy.ran());
}

/// GR-023: while two sessions are open each keeps its own value, and nothing is kept after.
#[tokio::test]
async fn sessions_do_not_see_each_other() {
    let (toy, graph) = Toy::graph();
    let world = std::sync::Arc::new(std::sync::atomic::AtomicI64::new(1));
    let inner = world.clone();
    toy.define(0, move |cx| {
        cx.mark_uncacheable();
        let value = inner.load(std::sync::atomic::Ordering::SeqCst);
        async move { Ok(value) }
    });
    toy.sum(1, &[0]);
    let (first, second) = (graph.session(), graph.session());
    assert_eq!(first.get(1).await, Ok(1));
    world.store(2, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(second.get(1).await, Ok(2));
    assert_eq!(first.get(1).await, Ok(1));
    assert_eq!(second.get(1).await, Ok(2));
    expect!["1 0 0 1"].assert_eq(&toy.ran());
    drop((first, second));
    assert_eq!(get(&graph, 1).await, Ok(2));
    expect!["0"].assert_eq(&toy.ran());
}

/// GR-032: a side effect happens once per session, whatever changes below in the meantime.
#[tokio::test]
async fn a_side_effect_is_not_repeated_when_its_inputs_change() {
    let (toy, graph) = Toy::graph();
    toy.define(1, |cx| async move {
        cx.mark_uncacheable();
        cx.get(0).await
    });
    let session = graph.session();
    assert_eq!(session.get(1).await, Ok(0));
    toy.set(0, 1);
    invalidate(&graph, &[0]);
    assert_eq!(session.get(1).await, Ok(0));
    expect!["1 0"].assert_eq(&toy.ran());
}
