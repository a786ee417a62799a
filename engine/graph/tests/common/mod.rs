//! A graph whose nodes are closures, with a log of what ran.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use futures::future::BoxFuture;
use kiln_graph::{Compute, Graph, NodeCx, Session};
use parking_lot::Mutex;

pub type Cx = NodeCx<Toy>;
pub type Outcome = Result<i64, String>;
type Formula = Arc<dyn Fn(Cx) -> BoxFuture<'static, Outcome> + Send + Sync>;

/// Computes by the formula defined for a key; a key without one is a leaf with a number.
#[derive(Default)]
pub struct Toy {
    formulas: Mutex<HashMap<u32, Formula>>,
    leaves: Mutex<HashMap<u32, Arc<AtomicI64>>>,
    log: Mutex<Vec<String>>,
}

impl Compute for Toy {
    type Key = u32;
    type Value = i64;
    type Error = String;

    fn compute(self: Arc<Self>, key: u32, cx: Cx) -> BoxFuture<'static, Outcome> {
        self.note(key.to_string());
        let formula = self.formulas.lock().get(&key).cloned();
        match formula {
            Some(formula) => formula(cx),
            None => {
                let value = self.leaf(key).load(Ordering::SeqCst);
                Box::pin(async move { Ok(value) })
            }
        }
    }

    fn cycle(&self, path: Vec<u32>) -> String {
        let keys: Vec<String> = path.iter().map(u32::to_string).collect();
        format!("cycle {}", keys.join(" -> "))
    }
}

impl Toy {
    pub fn graph() -> (Arc<Toy>, Graph<Toy>) {
        let toy = Arc::new(Toy::default());
        (Arc::clone(&toy), Graph::new(toy))
    }

    /// Defines, or redefines, what a node computes.
    pub fn define<F>(&self, key: u32, formula: impl Fn(Cx) -> F + Send + Sync + 'static)
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        self.formulas
            .lock()
            .insert(key, Arc::new(move |cx| Box::pin(formula(cx))));
    }

    /// A node that adds up others, asked for one after another.
    pub fn sum(&self, key: u32, of: &[u32]) {
        let of = of.to_vec();
        self.define(key, move |cx| {
            let of = of.clone();
            async move {
                let mut sum = 0;
                for key in of {
                    sum += cx.get(key).await?;
                }
                Ok(sum)
            }
        });
    }

    /// A node that adds up others, asked for at once.
    pub fn sum_at_once(&self, key: u32, of: &[u32]) {
        let of = of.to_vec();
        self.define(key, move |cx| {
            let of = of.clone();
            async move { cx.get_all(of).await.into_iter().sum() }
        });
    }

    /// Nodes 1 to `top`, each one more than the one below; 0 is a leaf.
    pub fn chain(&self, top: u32) {
        for key in 1..=top {
            self.define(key, move |cx| async move { Ok(cx.get(key - 1).await? + 1) });
        }
    }

    /// Sets a leaf, without telling the graph.
    pub fn set(&self, key: u32, value: i64) {
        self.leaf(key).store(value, Ordering::SeqCst);
    }

    pub fn note(&self, entry: impl Into<String>) {
        self.log.lock().push(entry.into());
    }

    /// What ran since the last call, in order.
    pub fn ran(&self) -> String {
        std::mem::take(&mut *self.log.lock()).join(" ")
    }

    /// What ran since the last call, sorted, for what runs in parallel.
    pub fn ran_sorted(&self) -> String {
        let mut log = std::mem::take(&mut *self.log.lock());
        log.sort();
        log.join(" ")
    }

    fn leaf(&self, key: u32) -> Arc<AtomicI64> {
        Arc::clone(self.leaves.lock().entry(key).or_default())
    }
}

/// Asks in a session of its own.
pub async fn get(graph: &Graph<Toy>, key: u32) -> Outcome {
    graph.session().get(key).await
}

/// Invalidates and returns what GR-010 counts: cleared and dirtied.
pub fn invalidate(graph: &Graph<Toy>, keys: &[u32]) -> (usize, usize) {
    let done = graph.invalidate(keys);
    (done.cleared, done.dirtied)
}

/// Lets everything that can go on go on, on a runtime of one thread.
pub async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

pub type ToySession = Session<Toy>;
