//! Dependency groups: what is checked at once, and what only after it. Architecture 3.6, GR-013.

mod common;

use common::{Cx, Toy, get, invalidate, settle};
use expect_test::expect;

/// Makes 10 and 11 slow to compute, so that requests for them are pending together.
fn slow(toy: &Toy) {
    for (key, leaf) in [(10, 0), (11, 1)] {
        toy.define(key, move |cx: Cx| async move {
            settle().await;
            cx.get(leaf).await
        });
    }
}

/// What runs when both 10 and 11 may have changed, and 10 has: if 11 runs before 20 does, it was
/// started by the check, without waiting for what became of 10.
async fn checked(toy: &Toy, graph: &kiln_graph::Graph<Toy>) -> String {
    toy.ran();
    toy.set(0, 1);
    invalidate(graph, &[0, 11]);
    assert!(get(graph, 20).await.is_ok());
    toy.ran()
}

/// Requests joined while both are pending make one group: both are checked at once.
#[tokio::test]
async fn joined_requests_are_one_group() {
    let (toy, graph) = Toy::graph();
    slow(&toy);
    toy.define(20, |cx: Cx| async move {
        let (left, right) = futures::try_join!(cx.get(10), cx.get(11))?;
        Ok(left + right)
    });
    assert_eq!(get(&graph, 20).await, Ok(0));
    expect!["0 10 11 20"].assert_eq(&checked(&toy, &graph).await);
}

/// `get_all` makes one group even where the answers were there at once.
#[tokio::test]
async fn get_all_is_one_group() {
    let (toy, graph) = Toy::graph();
    slow(&toy);
    assert_eq!(
        (get(&graph, 10).await, get(&graph, 11).await),
        (Ok(0), Ok(0))
    );
    toy.sum_at_once(20, &[10, 11]);
    assert_eq!(get(&graph, 20).await, Ok(0));
    expect!["0 10 11 20"].assert_eq(&checked(&toy, &graph).await);
}

/// A request made because of an answer is checked only if the answer is the same.
#[tokio::test]
async fn a_later_request_waits_for_the_earlier_answer() {
    let (toy, graph) = Toy::graph();
    slow(&toy);
    toy.define(20, |cx: Cx| async move {
        if cx.get(10).await? == 0 {
            cx.get(11).await
        } else {
            Ok(0)
        }
    });
    assert_eq!(get(&graph, 20).await, Ok(0));
    toy.ran();
    toy.set(0, 1);
    invalidate(&graph, &[0, 11]);
    assert_eq!(get(&graph, 20).await, Ok(0));
    expect!["0 10 20"].assert_eq(&toy.ran());
}

/// A request made while others are pending, but because of an answer, is not one of them.
#[tokio::test]
async fn an_answer_closes_its_group() {
    let (toy, graph) = Toy::graph();
    slow(&toy);
    toy.define(20, |cx: Cx| async move {
        // 12 is asked for because of leaf 5, while 10 is still pending.
        let nested = async {
            if cx.get(5).await? == 0 {
                cx.get(12).await
            } else {
                Ok(0)
            }
        };
        let (left, right) = futures::try_join!(cx.get(10), nested)?;
        Ok(left + right)
    });
    assert_eq!(get(&graph, 20).await, Ok(0));
    toy.ran();
    toy.set(5, 1);
    invalidate(&graph, &[5, 12]);
    assert_eq!(get(&graph, 20).await, Ok(0));
    expect!["5 20"].assert_eq(&toy.ran());
}
