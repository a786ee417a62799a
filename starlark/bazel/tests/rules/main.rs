//! The rules of the prelude, as users have them: BUILD files in, actions and providers out.

#[path = "../harness/mod.rs"]
mod harness;

mod cc;
mod cc_common;
mod cc_link;
mod other;
mod prelude_targets;
mod skylib;
mod world;
