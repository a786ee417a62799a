//! The solver of the rule graph: which rule answers which need, and the smallest set of params
//! on which each answer depends.
//!
//! Pure: a [`RuleSet`] and queries in, a [`RuleGraph`] or every error out. It runs nothing, does
//! no I/O and knows no Rust types; types are indexes with names. Running a solved graph is the
//! scheduler's work, collecting the rules that of `kiln-rules`.
//!
//! Invariants of a solved graph:
//! - the live set of an instance is the union over its dependencies of (the param, or the
//!   dependency's live set) less what the dependency's Get provides (RG-006);
//! - everything a Get provides is in the live set of what answers it (RG-012);
//! - a param taken as a positional input is in no live set below the same rule's other
//!   dependencies, unless provided there anew or ambient (RG-010);
//! - following positional inputs alone never leads in a circle (RG-048).

mod bounds;
mod budget;
mod build;
mod check;
mod choose;
mod circles;
mod combine;
mod components;
mod demand;
mod dependencies;
mod dump;
mod error;
mod explain;
mod graph;
mod problem;
mod report;
mod rule_set;
mod set;
mod solver;
mod sweep;
mod unknowns;
mod upper;
mod variants;

pub use check::check;
pub use dump::{to_dot, to_json};
pub use error::{ErrorKind, SolveError};
pub use explain::explain;
pub use graph::{Body, Instance, InstanceId, LookupError, Root, RuleGraph, Source};
pub use rule_set::{Get, Query, Rule, RuleIx, RuleSet, TypeIx};
pub use solver::{Statistics, solve, solve_measured};
