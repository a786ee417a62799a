//! The memoized run-time graph: every result is a node, computed once, and computed again only
//! when something that it was computed from has really changed.
//!
//! It is generic over one trait, [`Compute`], and knows nothing of rules, files or processes: a
//! key goes in, a value or an error comes out, and what a computation asks for on its way becomes
//! its dependencies. It does no I/O, and keeps nothing on disk.
//!
//! # How it is used
//!
//! A [`Graph`] lives as long as the process. Whoever changes the world tells it which leaves have
//! changed ([`Graph::invalidate`]); each such batch makes a new [`Version`]. A [`Session`] reads
//! one version from its beginning to its end; a computation asks through [`NodeCx`].
//!
//! # Invariants that users may lean on
//!
//! - For one node at most one computation runs (GR-002), but for sessions that cannot share one:
//!   where a newer version has outdated the run, where the node is uncacheable, and where waiting
//!   for another session would close a cycle. Two never overlap within a session, not even while
//!   one is being cancelled.
//! - What a session sees is what computing everything from nothing would give, from one set of
//!   leaf values. A leaf has, for a session, the value that was read first by any session for
//!   which it holds. So a leaf that nobody had read when the world changed is seen as it is
//!   afterwards, by old sessions too: the graph cannot read the past. A result that an old session
//!   computes from what has changed since is never taken for current.
//! - Where a value is equal to the one before, what depends on it does not run (GR-011).
//! - Errors hold for the session that met them, and go to all who waited (GR-006). What was
//!   computed by catching one holds for that session as well.
//! - A computation is dropped, at an await point, once nobody waits for it (GR-033).
//! - A cycle is always found, and none is reported that is not there (GR-040, GR-041).
//! - Nothing here recurses along dependencies: chains may be as long as memory allows.
//!
//! # The algorithm
//!
//! **Validity.** A result holds for a range of versions. While the upper end is open the node is
//! *clean*, and is returned without a look at its dependencies. Its lower end is the latest of its
//! dependencies' lower ends: the first version for which it would have come out like this.
//!
//! **Pushed dirt.** An invalidation closes the range of the named nodes at the present version,
//! and that of all that depend on them, and then makes the next version current. It walks along
//! the dependents of clean nodes and takes these lists away as it goes; so it stops at what is
//! dirty already, and its cost is the number of nodes that it dirties. Runs under way are told
//! too: they finish, for their own session, with a closed range. No clean result depends on one
//! that is not clean; that holds because a reader is registered, and the range is read, under the
//! one lock of the node that is read.
//!
//! **Pulled verification.** A request for a dirty node first asks for its recorded dependencies: a
//! group at once, the groups one after another, up to the first whose generation is not the
//! recorded one. If all are the same the range is opened again, else the node is computed. Each
//! dependency is answered in the same way; since dependencies among computed results have no
//! cycles, or are cut where they have become one, that ends.
//!
//! **Generations.** Each value of a node has a number, kept as long as the value stays equal
//! (GR-004). An edge remembers which it saw.
//!
//! **Old sessions.** Where a newer result takes the main place of a node, the older one stays
//! beside it while an active session may read it; so do errors, values for one session only, and
//! what an old session computes for itself. They go when the last session that could read them
//! ends.
//!
//! **Cycles** are explained in `cycle.rs`, collection in `collect.rs`, groups in `deps.rs`, the
//! states of a node in `node.rs`, the order of locks in `core.rs`.
//!
//! # Knowingly not supported
//!
//! - A computation that opens a session of its own and waits for it: cycles through it are not
//!   seen.
//! - Stopping a run because its input has changed: the session decides, by dropping its request.
//! - Persistence; it belongs to whoever knows how to encode values.
//! - Two values that are equal but not interchangeable.
//! - A lost value that comes back different in a session whose version is not the newest; see
//!   [`Session::lose`].
//! - Sparing, in a collection, what was read only by a computation of another session that
//!   failed, although this session was handed the error.

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
mod inline;
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
pub use inline::Inlining;
pub use invalidate::Invalidated;
pub use request::Get;
pub use session::{Session, SessionStats};
pub use version::{SessionId, Version};
pub use watch::Watch;
