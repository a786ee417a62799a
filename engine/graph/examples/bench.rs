//! Measures the graph: `cargo run --release -p kiln-graph --example bench`.
//!
//! Times are CPU times of the whole process, with the cost of tasks and of the runtime in them, so
//! that other work on the machine matters little; the clock ticks every 10 ms. "A second" means a
//! second of one processor. To run one shape: `... --example bench layers`.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use kiln_graph::{Compute, Graph, NodeCx};
use tokio::runtime::{Builder, Runtime};

const NODES: u32 = 1_000_000;
/// So few that they fit into a processor's cache.
const FEW: u32 = 2_000;

/// Shapes of graphs over the keys below `NODES`; key 0 is the only leaf of the chain.
#[derive(Clone, Copy)]
enum Shape {
    /// Each node needs the one below.
    Chain,
    /// The top needs all others, which need nothing.
    Fan,
    /// Each node needs up to four nodes between a tenth and a half of its number, at once.
    Layers,
}

struct Bench(Shape);

impl Compute for Bench {
    type Key = u32;
    type Value = Arc<u32>;
    type Error = ();

    fn compute(
        self: Arc<Self>,
        key: u32,
        cx: NodeCx<Self>,
    ) -> BoxFuture<'static, Result<Arc<u32>, ()>> {
        match self.0 {
            Shape::Chain if key > 0 => Box::pin(async move { cx.get(key - 1).await }),
            Shape::Fan if key == NODES - 1 => Box::pin(async move {
                let below = cx.get_all(0..key).await;
                Ok(Arc::new(below.len() as u32))
            }),
            Shape::Layers if key == NODES - 1 => Box::pin(async move {
                let below = cx.get_all(key / 2..key).await;
                Ok(Arc::new(below.len() as u32))
            }),
            Shape::Layers if key >= 20 => Box::pin(async move {
                let step = key / 10;
                let below = (1..=4).map(|times| step * times + key * times % 7 % step.max(1));
                let mut sum = 0;
                for value in cx.get_all(below).await {
                    sum += *value?;
                }
                Ok(Arc::new(sum % 2))
            }),
            _ => Box::pin(async { Ok(Arc::new(1)) }),
        }
    }

    fn cycle(&self, _: Vec<u32>) {}
}

fn main() {
    let one = Builder::new_multi_thread().worker_threads(1).build();
    let two = Builder::new_multi_thread().worker_threads(2).build();
    let (Ok(one), Ok(two)) = (one, two) else {
        println!("no runtime");
        return;
    };
    let only = std::env::args().nth(1);
    let wanted = |name: &str| only.as_ref().is_none_or(|only| only == name);
    for (name, shape) in [
        ("chain", Shape::Chain),
        ("fan", Shape::Fan),
        ("layers", Shape::Layers),
    ] {
        if wanted(name) {
            println!("{name}, one thread");
            measure(&one, shape);
        }
    }
    if wanted("two") {
        println!("layers, two threads");
        measure(&two, Shape::Layers);
    }
}

fn measure(runtime: &Runtime, shape: Shape) {
    let before = resident();
    let graph = Graph::new(Arc::new(Bench(shape)));
    let cold = top(runtime, &graph);
    let (nodes, edges) = (graph.stats().nodes, graph.stats().edges);
    println!("  nodes {nodes}, edges {edges}");
    line("cold", cold, nodes);
    let warm = each(runtime, &graph, NODES / 2..NODES);
    line("warm, each of many", warm, (NODES / 2) as usize);
    let few = (0..500).flat_map(|_| NODES - FEW..NODES);
    line(
        "warm, each of few",
        each(runtime, &graph, few),
        (500 * FEW) as usize,
    );
    measure_change(runtime, &graph, shape);
    println!(
        "  {:<20} {:>6} bytes a node, {} with values, tasks and allocator",
        "memory",
        graph.stats().bytes / nodes.max(1),
        resident().saturating_sub(before) / nodes.max(1)
    );
    let begun = cpu();
    drop(graph);
    line("drop", cpu() - begun, nodes);
}

/// Leaves are touched and come out equal: everything above them is dirtied, and checked.
fn measure_change(runtime: &Runtime, graph: &Graph<Bench>, shape: Shape) {
    let touched = |key: &u32| match shape {
        Shape::Chain => *key == 0,
        Shape::Layers => *key < 20,
        Shape::Fan => *key < NODES - 1,
    };
    let begun = cpu();
    let done = graph.invalidate_where(touched);
    let changed = done.cleared + done.dirtied;
    println!("  touched {}, dirtied {}", done.cleared, done.dirtied);
    line("push dirt", cpu() - begun, changed);
    line("run or check again", top(runtime, graph), changed);
}

fn line(what: &str, time: Duration, count: usize) {
    if time.is_zero() {
        println!("  {what:<20} too short for the clock");
        return;
    }
    println!(
        "  {what:<20} {:>6} ns each   {:>10} a second",
        time.as_nanos() as usize / count.max(1),
        rate(count, time)
    );
}

fn rate(nodes: usize, time: Duration) -> usize {
    (nodes as f64 / time.as_secs_f64()) as usize
}

/// Asks for the top node in a session of its own, on a worker thread.
fn top(runtime: &Runtime, graph: &Graph<Bench>) -> Duration {
    let session = graph.session();
    let begun = cpu();
    let asked = runtime.spawn(async move { session.get(NODES - 1).await.is_ok() });
    let answered = runtime.block_on(asked).unwrap_or(false);
    assert!(answered, "the graph has no failing nodes");
    cpu() - begun
}

/// Asks for each of these nodes of a clean graph.
fn each(
    runtime: &Runtime,
    graph: &Graph<Bench>,
    keys: impl Iterator<Item = u32> + Send,
) -> Duration {
    let session = graph.session();
    let begun = cpu();
    runtime.block_on(async {
        for key in keys {
            assert!(session.get(key).await.is_ok());
        }
    });
    cpu() - begun
}

/// CPU time that this process has used, of all its threads.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name
        .split(' ')
        .skip(12)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}

/// Bytes of memory this process holds.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or(0) * 4096
}
