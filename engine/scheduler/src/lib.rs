//! Puts rules, the solved rule graph and the memoized run-time graph together.
//!
//! [`Engine::new`] collects rules and queries, solves them once, and checks that every service a
//! rule uses is there; a [`Session`] then answers queries. Nothing is looked up by type while
//! building: each Get of each instance was turned into a [`plan`] at start-up.
//!
//! What it is not: it knows no rule, no file, no process and no interpreter. Those are rules and
//! services handed to it.
//!
//! Invariants: a node is one instance with the values of exactly its live params (RG-006); a rule
//! body runs on an async thread and must hand real work to the pool ([`kiln_rules::RuleCx::cpu`]).

mod engine;
mod plan;
mod runtime;
mod services;
mod types;

pub use engine::{Engine, NodeKey, Parts, Session, Trace};
pub use services::Services;
