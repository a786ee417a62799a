//! The memoized run-time graph: every result a node, computed once, and again only when something
//! it was computed from has really changed.
//!
//! It is generic over one trait, [`Compute`], and knows nothing of rules, files or processes.

mod check;
mod collect;
mod commit;
mod compute;
mod core;
mod cx;
mod cycle;
mod dependents;
mod deps;
mod graph;
mod invalidate;
mod node;
mod request;
mod run;
mod session;
mod slab;
mod table;
mod version;
mod wait;
mod watch;
mod watchdog;

pub use collect::{Collected, GraphStats, Keep};
pub use compute::Compute;
pub use cx::NodeCx;
pub use graph::Graph;
pub use invalidate::Invalidated;
pub use request::Get;
pub use session::{Session, SessionStats};
pub use version::{SessionId, Version};
pub use watch::Watch;
