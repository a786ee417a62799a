//! Analysis: from a configured target to providers and actions.

pub(crate) mod attrs;
mod check;
mod finish;
pub(crate) mod locations;
pub(crate) mod registry;
mod returned;
pub(crate) mod run;
mod setup;
pub(crate) mod state;
pub(crate) mod tokenize;
