//! Values whose content is gone: architecture's rewinding, PX-090 and PX-092.

mod common;

use common::{Cx, Toy, get, invalidate};
use expect_test::expect;

/// PX-092: the node runs again within the session; its dependents do not.
#[tokio::test]
async fn a_lost_value_is_made_again_and_nobody_notices() {
    let (toy, graph) = Toy::graph();
    toy.chain(3);
    let session = graph.session();
    assert_eq!(session.get(3).await, Ok(3));
    toy.ran();
    assert!(session.lose(&1));
    assert!(!session.lose(&1), "it is lost already");
    // Dependents are not dirty.
    assert_eq!(session.get(3).await, Ok(3));
    expect![""].assert_eq(&toy.ran());
    assert_eq!(session.get(1).await, Ok(1));
    expect!["1"].assert_eq(&toy.ran());
    assert_eq!(session.get(3).await, Ok(3));
    assert_eq!(get(&graph, 3).await, Ok(3));
    expect![""].assert_eq(&toy.ran());
}

/// A computation finds an input's content gone, and has it made again.
#[tokio::test]
async fn a_computation_may_have_an_input_made_again() {
    let (toy, graph) = Toy::graph();
    toy.chain(1);
    toy.sum(2, &[1]);
    toy.define(3, |cx: Cx| async move {
        let before = cx.get(2).await?;
        assert!(cx.lose(&2));
        Ok(before + cx.get(2).await?)
    });
    assert_eq!(get(&graph, 3).await, Ok(2));
    expect!["3 2 1 0 2"].assert_eq(&toy.ran());
    assert_eq!(get(&graph, 3).await, Ok(2));
    expect![""].assert_eq(&toy.ran());
}

/// What comes back different, as from an action that is not reproducible, is a change, for this
/// session too.
#[tokio::test]
async fn a_value_that_comes_back_different_is_a_change() {
    let (toy, graph) = Toy::graph();
    toy.chain(3);
    let session = graph.session();
    assert_eq!(session.get(3).await, Ok(3));
    toy.ran();
    toy.define(1, |_| async { Ok(11) });
    session.lose(&1);
    assert_eq!(session.get(1).await, Ok(11));
    assert_eq!(session.get(3).await, Ok(13));
    expect!["1 2 3"].assert_eq(&toy.ran());
}

/// Lost and invalidated at once.
#[tokio::test]
async fn a_lost_value_may_change() {
    let (toy, graph) = Toy::graph();
    toy.chain(2);
    assert_eq!(get(&graph, 2).await, Ok(2));
    graph.session().lose(&0);
    toy.set(0, 5);
    assert_eq!(invalidate(&graph, &[0]), (1, 2));
    assert_eq!(get(&graph, 2).await, Ok(7));
    assert!(!graph.session().lose(&77), "no such node");
}
