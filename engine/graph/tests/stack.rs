//! Size: neither depth nor width may need stack or more than linear time.

mod common;

use common::{Toy, get, invalidate};

const DEEP: u32 = 1_000_000;

/// A chain of a million nodes: computed, dirtied, checked, changed and dropped.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_of_a_million() {
    let graph = kiln_graph::Graph::new(std::sync::Arc::new(Chain::default()));
    let top = |graph: &kiln_graph::Graph<Chain>| {
        let session = graph.session();
        async move { session.get(DEEP).await }
    };
    assert_eq!(top(&graph).await, Ok(DEEP));
    assert_eq!(graph.invalidate(&[0]).dirtied, DEEP as usize);
    let session = graph.session();
    assert_eq!(session.get(DEEP).await, Ok(DEEP));
    assert_eq!(
        (session.stats().computed, session.stats().checked),
        (1, u64::from(DEEP))
    );
    drop(session);
    assert_eq!(graph.invalidate(&[DEEP - 1000]).dirtied, 1000);
    assert_eq!(top(&graph).await, Ok(DEEP));
    drop(graph);
}

/// Cancelling a chain that waits for its leaf: a hundred thousand futures, each of which owns the
/// wait for the next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_chain_is_cancelled() {
    let chain = std::sync::Arc::new(Chain {
        stuck: true,
        ..Chain::default()
    });
    let graph = kiln_graph::Graph::new(chain.clone());
    let session = graph.session();
    let asked = tokio::spawn({
        let session = session.clone();
        async move { session.get(DEEP / 10).await }
    });
    chain.reached.notified().await;
    asked.abort();
    assert!(asked.await.is_err());
    chain.dropped.notified().await;
    assert!(session.stats().cancelled >= 1);
}

#[derive(Default)]
struct Chain {
    stuck: bool,
    reached: tokio::sync::Notify,
    dropped: tokio::sync::Notify,
}

struct NotifyOnDrop(std::sync::Arc<Chain>);

impl Drop for NotifyOnDrop {
    fn drop(&mut self) {
        self.0.dropped.notify_one();
    }
}

impl kiln_graph::Compute for Chain {
    type Key = u32;
    type Value = u32;
    type Error = ();

    fn compute(
        self: std::sync::Arc<Self>,
        key: u32,
        cx: kiln_graph::NodeCx<Self>,
    ) -> futures::future::BoxFuture<'static, Result<u32, ()>> {
        Box::pin(async move {
            if key > 0 {
                return Ok(cx.get(key - 1).await? + 1);
            }
            if self.stuck {
                let _guard = NotifyOnDrop(self.clone());
                self.reached.notify_one();
                std::future::pending::<()>().await;
            }
            Ok(0)
        })
    }

    fn cycle(&self, _: Vec<u32>) {}
}

/// A hundred thousand dependencies of one node, over one leaf.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fan_of_a_hundred_thousand() {
    const WIDE: u32 = 100_000;
    let (toy, graph) = Toy::graph();
    let arms: Vec<u32> = (1..=WIDE).collect();
    for arm in &arms {
        toy.sum(*arm, &[0]);
    }
    toy.set(0, 1);
    toy.sum_at_once(WIDE + 1, &arms);
    assert_eq!(get(&graph, WIDE + 1).await, Ok(i64::from(WIDE)));
    assert_eq!(invalidate(&graph, &[0]), (1, WIDE as usize + 1));
    toy.ran();
    assert_eq!(get(&graph, WIDE + 1).await, Ok(i64::from(WIDE)));
    assert_eq!(toy.ran(), "0");
    toy.set(0, 2);
    invalidate(&graph, &[0]);
    assert_eq!(get(&graph, WIDE + 1).await, Ok(2 * i64::from(WIDE)));
}
